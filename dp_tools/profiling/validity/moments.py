"""Moments, which are a day and a time of it, and times alone: what no clock shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from dp_tools.profiling.value_formats import named_days

_CLOCK = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?"
_TIME = re.compile(rf"{_CLOCK}(?:\s*[ap]\.?m\.?)?", re.I)
_MOMENT = re.compile(rf"(\S.*?)(?:T|,?\s+){_CLOCK}\s*(?:Z|UTC|GMT|([ap])\.?m\.?|[+-]\d{{2}}(?::?\d{{2}})?)?", re.I)
_LEAP_SECOND = 60


def day_of(value: str) -> str | None:
    """The day of a moment, as it is written; None where the value is not written as a moment."""
    found = _MOMENT.fullmatch(value.strip())
    return found[1] if found and named_days(found[1]) is not None else None


def clock_of(value: str) -> int | None:
    """The seconds from the beginning of its day to a moment, by its own clock; None where the value is no moment."""
    found = _MOMENT.fullmatch(value.strip())
    if found is None:
        return None
    _, hour, minute, second, half = found.groups()
    hours = int(hour) % 12 + 12 * (half.casefold() == "p") if half else int(hour)
    return 3600 * hours + 60 * int(minute) + int(second or 0)


def days_in(counts: Mapping[str, int]) -> Counter[str]:
    """How often each day stands in the moments of a column.

    Args:
        counts: how often each value of the column occurs.
    """
    days = Counter[str]()
    for value, times in counts.items():
        if day := day_of(value):
            days[day] += times
    return days


def is_moment(value: str) -> bool:
    """Whether a value is written as a day with a time."""
    return day_of(value) is not None


def is_time(value: str) -> bool:
    """Whether a value is written as a time, or as how long something took."""
    return _TIME.fullmatch(value.strip()) is not None


def clock_fault(value: str) -> str | None:
    """Why a moment or a time is none; None for others, and for what is not written as one.

    Only the hours of a moment end: others may say how long something took.
    """
    text = value.strip()
    if found := _MOMENT.fullmatch(text):
        _, hour, minute, second, _ = found.groups()
        if int(hour) > 24 or (int(hour) == 24 and int(minute)):
            return f"No clock shows the time of {text}."
    elif found := _TIME.fullmatch(text):
        _, minute, second = found.groups()
    else:
        return None
    return f"No clock shows the time of {text}." if int(minute) > 59 or int(second or 0) > _LEAP_SECOND else None
