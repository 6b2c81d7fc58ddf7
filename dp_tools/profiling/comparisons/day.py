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
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:\.0)?")


@lru_cache(maxsize=2**16)
def days_of(value: str) -> tuple[date, ...] | None:
    """The days that a value may name, () for one that stands for none, None where it is no date."""
    text = value.strip()
    if found := _COMPACT.fullmatch(text):
        text = "-".join(found.groups())
    text = text.partition("T")[0] if re.match(r"\d{4}-\d\d-\d\dT", text) else text
    if re.fullmatch(r"[0\D]+", text) and "0" in text:
        return ()
    days = named_days(text)
    if days is None:
        return None
    return tuple(day for day in days if day not in _PLACEHOLDERS)


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
