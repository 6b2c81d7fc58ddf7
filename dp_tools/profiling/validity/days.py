"""Days that no calendar has, that stand for none, or that lie far from all others of their column."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from dp_tools.profiling.value_formats import Order, named_days, order_of

_ZEROS = re.compile(r"(0+)([-/.])0+\2(0+)")
_OLDEST = 125
"""Years that nobody has lived."""
_FAR = 10
"""Years from the next day of the column, and three times the time that its other days span, that make a day a slip."""
_FEWEST = 12
"""Different days that say where those of a column lie."""
_OPEN = (date(1901, 1, 1), date(2099, 12, 31))
"""Days from which on, and up to which, systems write one for "never" or "not known"."""


def day_fault(order: Order | None) -> Callable[[str], str | None]:
    """A test that says why a value is no day; None for days, and for what is not written as one.

    Args:
        order: the one in which the column puts month and day, where it tells.
    """

    def fault(value: str) -> str | None:
        if _ZEROS.fullmatch(value.strip()):
            return "It stands for no day."
        if named_days(value, order) != []:
            return None
        return f"No calendar has the day {value.strip()}{f', read with the {order}' if order else ''}."

    return fault


def birth_fault(value: str) -> str | None:
    """Why nobody alive was born on a day; None where somebody may have been, and where the value is no day."""
    days = named_days(value)
    if not days:
        return None
    today = date.today()
    if all(day > today for day in days):
        return "A day of birth is not to come."
    if all(day.year < today.year - _OLDEST for day in days):
        return f"Nobody alive was born before {today.year - _OLDEST}; systems write such a day where none is known."
    return None


def far_day_fault(counts: Mapping[str, int]) -> Callable[[str], str | None]:
    """A test that says why a day is far from the others of its column.

    Args:
        counts: how often each value of the column occurs.
    """
    order = order_of(counts)
    days = sorted(day for value in counts if (day := _day(value, order)))
    far = _far(days)

    def fault(value: str) -> str | None:
        day = _day(value, order)
        if day not in far:
            return None
        others = [other for other in days if other not in far]
        return f"All other days of the column lie between {others[0]} and {others[-1]}."

    return fault


def _far(days: list[date]) -> set[date]:
    """The first or the last of some days in order, where it is far from the rest."""
    found: set[date] = set()
    if len(days) < _FEWEST:
        return found
    for day, neighbour, rest in ((days[0], days[1], days[1:]), (days[-1], days[-2], days[:-1])):
        span = (rest[-1] - rest[0]).days
        if abs((day - neighbour).days) > max(365 * _FAR, 3 * span) and _OPEN[0] < day < _OPEN[1]:
            found.add(day)
    return found


def _day(value: str, order: Order | None) -> date | None:
    days = named_days(value, order)
    return days[0] if days else None
