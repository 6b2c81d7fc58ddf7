"""Identifiers whose last digits are made from the others."""

from __future__ import annotations

import re

_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z\d]{11,30}")


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
