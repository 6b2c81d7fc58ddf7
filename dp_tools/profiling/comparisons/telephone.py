"""Telephone numbers: national and international notation, extensions, neighbours in one block of numbers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException

from dp_tools.profiling.comparisons.comparison import Comparison
from dp_tools.profiling.comparisons.folding import digits, is_digit_slip

_SHORTEST = 5
"""Digits of a number that can be told from another."""
_EXTENSION = re.compile(r"(?i)\s*(?:ext\.?|extension|x|dw|durchwahl|ap\.|poste|#)\s*\.?\s*(\d{1,6})\s*$")
_OPTIONAL_ZERO = re.compile(r"\(\s*0\s*\)")
_SCANNED = re.compile(r"(?<=\d)[OoIlSBGZ](?=[\dOoIlSBGZ]|$)|(?<![^\s])[OoIlSBGZ](?=\d{2})")
"""A letter among digits that a scanner took for one."""
_AS_DIGITS = str.maketrans("OoIlSBGZ", "00115862")
_BLOCK = 3
"""Last digits in which the numbers of one company mostly differ."""
_LEAST_BLOCK = 7


class Number(NamedTuple):
    """A number: country code ("" where it is not known), the number inside the country, extension."""

    country: str
    national: str
    extension: str


@lru_cache(maxsize=2**16)
def number_of(value: str, region: str | None = None) -> Number | None:
    """The number that a value names; None where it has too few digits.

    Args:
        value: of a cell; of several numbers the first is read.
        region: the country of the record (ISO 3166, two letters), for numbers in national notation.
    """
    text = _OPTIONAL_ZERO.sub("", re.split(r"[;,|]| or | / ", value)[0].strip())
    text = _SCANNED.sub(lambda found: found[0].translate(_AS_DIGITS), text)
    extension = ""
    if found := _EXTENSION.search(text):
        text, extension = text[: found.start()], found[1]
    if text.startswith("00"):
        text = "+" + text[2:]
    found_digits = digits(text)
    if not _SHORTEST <= len(found_digits) <= 17 or _is_made_up(found_digits):
        return None
    abroad = text.startswith("+")
    if abroad or region is not None:
        try:
            parsed = phonenumbers.parse(text, region)
        except NumberParseException:
            return Number("", found_digits.lstrip("0"), extension)
        return Number(str(parsed.country_code), str(parsed.national_number), parsed.extension or extension)
    return Number("", found_digits.lstrip("0"), extension)


def _is_made_up(found: str) -> bool:
    """Whether digits only fill a field: one digit many times, or counted up."""
    rest = found.lstrip("0")
    return len(set(rest)) <= 1 or rest in "1234567890123" or rest in "9876543210"


def compare_telephones(left: str, right: str, regions: tuple[str | None, str | None] = (None, None)) -> Comparison:
    """How two numbers compare.

    Args:
        left, right: as they are written.
        regions: the countries of the two records, where they are known.
    """
    one, two = number_of(left, regions[0]), number_of(right, regions[1])
    if one is None or two is None:
        return Comparison("silent", "not a number")
    if _are_same(one, two):
        shared = min(one.national, two.national, key=len)[-9:]
        if one.extension and two.extension and one.extension != two.extension:
            return Comparison("partial", "same switchboard, other extension", shared)
        if left == right:
            return Comparison("exact", "same", shared)
        return Comparison("normalised", "same number", shared)
    return _of_other_numbers(one, two)


def _of_other_numbers(one: Number, two: Number) -> Comparison:
    ours, theirs = one.national, two.national
    if (
        (one.country == two.country or not (one.country and two.country))
        and ours[:-_BLOCK] == theirs[:-_BLOCK]
        and len(ours) == len(theirs) >= _LEAST_BLOCK
    ):
        # Neighbours are a company's; a slip in the last digits cannot be told from one.
        return Comparison("partial", "same block of numbers", ours[:-_BLOCK])
    if len(ours) >= _LEAST_BLOCK and is_digit_slip(ours, theirs):
        return Comparison("near", "a digit differs")
    shorter, longer = sorted((ours, theirs), key=len)
    if len(longer) - len(shorter) in (1, 2, 3, 4) and len(shorter) >= _LEAST_BLOCK and longer.startswith(shorter):
        return Comparison("partial", "same switchboard, other extension", shorter)
    return Comparison("contradicting", "other number")


def _are_same(one: Number, two: Number) -> bool:
    if one.national == two.national:
        return not (one.country and two.country) or one.country == two.country
    if one.country and two.country:
        return False
    shorter, longer = sorted((one.country + one.national, two.country + two.national), key=len)
    # A number without its area code, or with a country code but no sign of it.
    return len(shorter) >= _LEAST_BLOCK and longer.endswith(shorter) and len(longer) - len(shorter) <= 4
