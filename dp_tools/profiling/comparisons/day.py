"""Dates: order of their parts, digits that changed places, placeholders."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from dp_tools.profiling.comparisons.comparison import Comparison
from dp_tools.profiling.comparisons.folding import digits, folded, is_digit_slip
from dp_tools.profiling.value_formats import named_days

_PLACEHOLDERS = frozenset(
    {date(1900, 1, 1), date(1901, 1, 1), date(1970, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(9999, 12, 31)}
    | {date(2999, 12, 31), date(1, 1, 1), date(1800, 1, 1), date(1111, 11, 11), date(1753, 1, 1), date(2099, 12, 31)}
)
"""Days that systems write where none is known."""
_COMPACT = re.compile(r"(\d{8})(?:\.0)?")
_YEARS = range(1800, 2200)
"""Years that eight digits may name."""
_SHORT_YEAR = re.compile(r"\d{1,2}\W\d{1,2}\W\d\d|\d{1,2}\W?[^\W\d]{3,}\W?\d\d")
_MISREAD = re.compile(r"[\dOoIlSBGZ]{1,4}(?:[-./ ][\dOoIlSBGZ]{1,4}){2}")
"""Numbers of a date in which a scanner took digits for letters."""
_AS_DIGITS = str.maketrans("OoIlSBGZ", "00115862")


@lru_cache(maxsize=2**16)
def days_of(value: str) -> tuple[date, ...] | None:
    """The days that a value may name, the likeliest first, () for one that stands for none, None where it is no date.

    A year of two digits may be of either century: the youngest patients and the oldest are a hundred years apart.
    """
    text = value.strip()
    text = text.partition("T")[0] if re.match(r"\d{4}-\d\d-\d\dT", text) else text
    if re.fullmatch(r"[0\D]+", text) and "0" in text:
        return ()
    text = text.translate(_AS_DIGITS) if _MISREAD.fullmatch(text) else text
    found = _COMPACT.fullmatch(text)
    days = _of_eight_digits(found[1]) if found else named_days(text)
    if days is None:
        return None
    if _SHORT_YEAR.fullmatch(text):
        days = [*days, *(other for day in days for other in _in_other_century(day))]
    return tuple(day for day in days if day not in _PLACEHOLDERS)


def _of_eight_digits(text: str) -> list[date]:
    """The days that eight digits may name: with the year first, or last after day and month in either order."""
    written = (f"{text[:4]}-{text[4:6]}-{text[6:]}", f"{text[:2]}-{text[2:4]}-{text[4:]}")
    return [day for one in written for day in named_days(one) or () if day.year in _YEARS]


def _in_other_century(day: date) -> list[date]:
    """The day a hundred years earlier or later."""
    year = day.year + (100 if day.year < 2000 else -100)
    return [day.replace(year=year)] if (day.month, day.day) != (2, 29) or year != 1900 else []


def compare_dates(left: str, right: str) -> Comparison:
    """How two dates compare; `shared` is the day in ISO 8601."""
    one, two = days_of(left), days_of(right)
    if one is None or two is None:
        same = folded(left) == folded(right)
        return Comparison("exact", "same", folded(left)) if same else Comparison("silent", "not a date")
    if not one or not two:
        # A slip may make a day that no calendar has: 1980-03-41.
        if is_digit_slip(digits(left), digits(right)):
            return Comparison("near", "a digit differs")
        return Comparison("silent", "placeholder")
    both = [day for day in one if day in two]
    if both:
        return Comparison("exact" if left == right else "normalised", "same", both[0].isoformat())
    return min((_compare_days(a, b) for a in one for b in two), key=lambda found: _ORDER.index(found.text))


_ORDER = ("day and month swapped", "a digit differs", "two parts agree", "other date")


def _compare_days(one: date, two: date) -> Comparison:
    if one.year == two.year and (one.month, one.day) == (two.day, two.month):
        return Comparison("near", "day and month swapped")
    if is_digit_slip(digits(one.isoformat()), digits(two.isoformat())):
        return Comparison("near", "a digit differs")
    if (one.year == two.year) + (one.month == two.month) + (one.day == two.day) == 2:
        return Comparison("partial", "two parts agree")
    return Comparison("contradicting", "other date")
