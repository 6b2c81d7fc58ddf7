"""What the values of one record keep among themselves: an order in time or size, totals, weekdays and ages.

`x-order` lists attributes whose values do not fall from one to the next: days, moments or numbers. `x-total` says that
the attribute `of` is the `sum` or the `product` of others. `x-weekday` says that `of` names the weekday of the day
`on`, in whatever language. `x-age` says that `of` is the number of years from the day `since` to a date, `until`; one
more or less is right, too. A record in which one of the values is missing, or is not read as a day, a weekday or a
number, keeps all of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

from dp_tools.profiling.validity.moments import clock_of, day_of
from dp_tools.profiling.validity.numbers import MARKS, Number, read_number
from dp_tools.profiling.value_formats import named_days
from dp_tools.profiling.weekdays import weekdays_named
from dp_tools.rules.scope import key

ORDER, TOTAL, WEEKDAY, AGE = "x-order", "x-total", "x-weekday", "x-age"
AGE_SLACK = 1
"""Years that an age may be off: who keeps it up to date does not do so for all on one day."""
_DAY_S = 86_400
_WAYS = ("sum", "product")
_ROUNDED = 0.002
"""Share of a product that its rounded parts may account for: that of 1,000 times 0.50 is off by no more than 1."""
_FLOAT = 1e-9
"""Relative error of a sum of floating-point numbers."""


class Span(NamedTuple):
    """From where to where a value may lie: a day lasts, and one in numbers may be read in two ways.

    Args:
        is_time: whether it is a day or a moment, in seconds; otherwise it is a number.
        low, high: the ends, both included.
    """

    is_time: bool
    low: float
    high: float


def time_span(value: str) -> Span | None:
    """The span of a day or a moment; None for others, and for a day that does not exist."""
    clock = clock_of(value) if day_of(value) else None
    days = [found.toordinal() * _DAY_S for found in possible_days(value)]
    if not days:
        return None
    first, last = (clock, clock) if clock is not None else (0, _DAY_S - 1)
    return Span(True, min(days) + first, max(days) + last)


def possible_days(value: str) -> list[date]:
    """The days that a day or a moment may be on, one or two; none for other values."""
    return named_days(day_of(value) or value) or []


def _span(value: str) -> Span | None:
    numbers = [number.value for number in _readings(value)]
    return time_span(value) or (Span(False, min(numbers), max(numbers)) if numbers else None)


def _readings(value: str) -> list[Number]:
    """The numbers that a value may be: a comma may part thousands, or stand before a fraction."""
    return [number for mark in MARKS if (number := read_number(value, mark))]


def half_unit(decimals: int) -> float:
    """How far a number that was rounded to so many decimals may be from what it stands for; a whole one is exact."""
    return 0.5 * 10.0**-decimals if decimals else 0.0


def parts_of(check: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The attributes that a check of these kinds compares; none of any other check."""
    found = check or {}
    if ORDER in found:
        return tuple(found[ORDER])
    if TOTAL in found:
        total = found[TOTAL]
        return (*total.get("sum", ()), *total.get("product", ()), total["of"])
    if WEEKDAY in found:
        return (found[WEEKDAY]["on"], found[WEEKDAY]["of"])
    return (found[AGE]["since"], found[AGE]["of"]) if AGE in found else ()


class InOrder:
    """`x-order`: see the module."""

    def __init__(self, _parent: dict[str, Any], names: Any, _path: list[str | int]) -> None:
        if not _are_names(names) or len(names) < 2:
            raise ValueError(f"{ORDER} needs a list of two attributes or more, the earliest or least first.")
        self._names = [key(name) for name in names]

    def validate(self, instance: Any) -> None:
        values = _values(instance)
        spans = [span for name in self._names if (value := values.get(name)) and (span := _span(value))]
        for one, other in itertools.pairwise(spans):
            if one.is_time == other.is_time and one.low > other.high:
                raise ValueError("the values are not in order")


class IsTotal:
    """`x-total`: see the module."""

    def __init__(self, _parent: dict[str, Any], wanted: Any, _path: list[str | int]) -> None:
        ways = [way for way in _WAYS if isinstance(wanted, dict) and way in wanted]
        if len(ways) != 1 or not isinstance(wanted.get("of"), str) or not _are_names(wanted[ways[0]]):
            raise ValueError(f"{TOTAL} needs `of`, an attribute, and either `sum` or `product`, a list of attributes.")
        self._is_sum = ways[0] == "sum"
        self._names = [key(name) for name in (*wanted[ways[0]], wanted["of"])]

    def validate(self, instance: Any) -> None:
        values = _values(instance)
        readings = [_readings(values.get(name) or "") for name in self._names]
        if all(readings) and not any(self._holds(numbers) for numbers in itertools.product(*readings)):
            raise ValueError("the values do not add up")

    def _holds(self, numbers: Sequence[Number]) -> bool:
        *parts, total = ((number.value, half_unit(len(number.fraction))) for number in numbers)
        return bool(adds_up(parts, total, is_sum=self._is_sum))


class IsWeekday:
    """`x-weekday`: see the module."""

    def __init__(self, _parent: dict[str, Any], wanted: Any, _path: list[str | int]) -> None:
        self._of, self._on = map(key, _texts(WEEKDAY, wanted, of="what names a weekday", on="the day"))

    def validate(self, instance: Any) -> None:
        values = _values(instance)
        if not is_weekday_of(values.get(self._of, ""), values.get(self._on, "")):
            raise ValueError("the day is another weekday")


def is_weekday_of(name: str, day: str) -> bool:
    """Whether a weekday may be that of a day; also where one of the two is not read as such."""
    named, days = weekdays_named(name), possible_days(day)
    return not named or not days or any(one.weekday() in named for one in days)


class IsAge:
    """`x-age`: see the module."""

    def __init__(self, _parent: dict[str, Any], wanted: Any, _path: list[str | int]) -> None:
        of, since, until = _texts(AGE, wanted, of="an age", since="a day", until="a date as 2025-12-31")
        try:
            self._of, self._since, self._until = key(of), key(since), date.fromisoformat(until)
        except ValueError:
            raise ValueError(f"{AGE} needs `until` as a date such as 2025-12-31, not {until!r}.") from None

    def validate(self, instance: Any) -> None:
        values = _values(instance)
        ages = [number.value for number in _readings(values.get(self._of, ""))]
        due = [years_between(day, self._until) for day in possible_days(values.get(self._since, ""))]
        if ages and due and min(abs(age - years) for age in ages for years in due) > AGE_SLACK:
            raise ValueError("the age is another one")


def years_between(day: date, other: date) -> int:
    """Full years from a day to another one; below 0 where it comes later."""
    return other.year - day.year - ((other.month, other.day) < (day.month, day.day))


def adds_up(parts: Sequence[tuple[Any, float]], total: tuple[Any, float], *, is_sum: bool) -> Any:
    """Whether a number is the sum or the product of others but for rounding; of arrays of numbers, where it is.

    Args:
        parts, total: each with how far it may be off.
        is_sum: whether the parts are added; otherwise they are multiplied.
    """
    due, slack = _total_of(parts, is_sum=is_sum)
    own, rounded = total
    return abs(due - own) <= slack + rounded + _FLOAT * (abs(due) + abs(own))


def number_due(check: Mapping[str, Any], record: Mapping[str, str | None], attribute: str) -> float | None:
    """The number that a total, or one of its parts, should be by the other values of a record; None where the check is
    about no total, or one of them is not read as one number."""
    total = check.get(TOTAL, {})
    is_sum = "sum" in total
    numbers = {name: _readings(record.get(name) or "") for name in parts_of(check) if name != attribute}
    if not total or any(len(read) != 1 for read in numbers.values()):
        return None
    own = numbers.pop(total["of"], None)
    others = [read[0].value for read in numbers.values()]
    rest = sum(others) if is_sum else math.prod(others)
    if own is None:
        return rest
    if is_sum:
        return own[0].value - rest
    return own[0].value / rest if rest else None


def _total_of(parts: Sequence[tuple[Any, float]], *, is_sum: bool) -> tuple[Any, Any]:
    """The sum or the product, and how far it may be off."""
    if is_sum:
        return sum(value for value, _ in parts), sum(slack for _, slack in parts)
    due = math.prod(value for value, _ in parts)
    slack = sum(
        slack * abs(math.prod(other for place, (other, _) in enumerate(parts) if place != own))
        for own, (_, slack) in enumerate(parts)
    )
    most = _ROUNDED * abs(due)
    return due, slack + (most - slack) * (most < slack)  # The lesser one, of numbers as of arrays.


def _texts(keyword: str, wanted: Any, **parts: str) -> Iterator[str]:
    """The parts of a keyword, of which each is a text.

    Raises:
        ValueError: one is missing, or is no text.
    """
    for name in parts:
        if not isinstance(wanted, dict) or not isinstance(wanted.get(name), str):
            raise ValueError(f"{keyword} needs {', '.join(f'`{part}` ({what})' for part, what in parts.items())}.")
        yield wanted[name]


def _are_names(names: Any) -> bool:
    return isinstance(names, list) and bool(names) and all(isinstance(name, str) for name in names)


def _values(instance: Any) -> dict[str, str]:
    found = instance if isinstance(instance, dict) else {}
    return {key(name): str(value) for name, value in found.items() if value is not None}


KEYWORDS: Mapping[str, type] = MappingProxyType({ORDER: InOrder, TOTAL: IsTotal, WEEKDAY: IsWeekday, AGE: IsAge})
"""What tests each of these keywords."""
