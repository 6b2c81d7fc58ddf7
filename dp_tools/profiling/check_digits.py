"""Identifiers whose last digits are made from the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z\d]{11,30}")

_SHORTEST = 7
"""Digits from which on the last one may follow from the others."""


def is_iban(value: str) -> bool:
    """ISO 13616: the country and the check digits behind the rest, letters as numbers, leave 1 when divided by 97."""
    plain = value.replace(" ", "").upper()
    return bool(_IBAN.fullmatch(plain)) and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def is_gtin(value: str) -> bool:
    """GS1: of 8, 12, 13 or 14 digits the last makes their sum, weighted 1 and 3 in turn from the end, end in 0."""
    if not (value.isascii() and value.isdigit() and len(value) in (8, 12, 13, 14)):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(value))) % 10 == 0


def is_isbn(value: str) -> bool:
    """ISO 2108: ten digits, X for ten, whose sum, weighted 10 to 1, 11 divides; or a GTIN that begins with 978, 979."""
    plain = re.sub(r"[\s-]", "", value).upper()
    if re.fullmatch(r"97[89]\d{10}", plain):
        return is_gtin(plain)
    if not re.fullmatch(r"\d{9}[\dX]", plain):
        return False
    return sum((10 - place) * (10 if c == "X" else int(c)) for place, c in enumerate(plain)) % 11 == 0


def _digits(value: str) -> list[int]:
    return [int(character) for character in value if character.isdigit()]


def _luhn(digits: list[int]) -> bool:
    doubled = (digit * 2 if place % 2 else digit for place, digit in enumerate(reversed(digits)))
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0


def _gs1(digits: list[int]) -> bool:
    return sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits))) % 10 == 0


def _iso_7064_mod_11_10(digits: list[int]) -> bool:
    rest = 10
    for digit in digits[:-1]:
        rest = ((rest + digit) % 10 or 10) * 2 % 11
    return (rest + digits[-1]) % 10 == 1


def _mod_97_of_rest(digits: list[int]) -> bool:
    number = int("".join(map(str, digits)))
    return 97 - number // 100 % 97 == number % 100


def _weighted(weights: tuple[int, ...]) -> Callable[[list[int]], bool]:
    """The last digit is the rest of the others' weighted sum by 11, or what is missing to 11."""

    def check(digits: list[int]) -> bool:
        if len(digits) != len(weights) + 1:
            return False
        rest = sum(weight * digit for weight, digit in zip(weights, digits[:-1], strict=True)) % 11
        return digits[-1] in (rest % 10, (11 - rest) % 11 % 10)

    return check


CHECK_DIGITS: Mapping[str, Callable[[list[int]], bool]] = {
    "of payment cards (Luhn)": _luhn,
    "of article numbers (GS1)": _gs1,
    "of ISO 7064 (mod 11,10)": _iso_7064_mod_11_10,
    "of a rest by 97": _mod_97_of_rest,
    "of nine digits, weighted 9 to 2": _weighted((9, 8, 7, 6, 5, 4, 3, 2)),
    "of ten digits, weighted 6 5 7 2 3 4 5 6 7": _weighted((6, 5, 7, 2, 3, 4, 5, 6, 7)),
    "of eleven digits, weighted 5 4 3 2 7 6 5 4 3 2": _weighted((5, 4, 3, 2, 7, 6, 5, 4, 3, 2)),
}
"""Ways in which the last digits of a number follow from the others: cards, IMEI, article numbers, and tax numbers of
many countries."""


def passes(way: str, value: str) -> bool:
    """Whether a value's digits pass one of `CHECK_DIGITS`; letters and separators do not count."""
    # Dutch tax numbers count their branches behind the number: "B01".
    digits = _digits(re.sub(r"(?<=\d)B\d\d$", "", value))
    return len(digits) >= _SHORTEST and any(digits) and CHECK_DIGITS[way](digits)
