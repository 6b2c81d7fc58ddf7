"""Candidates about what the values of one record keep among themselves: days in order, totals, weekdays and ages."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling.validity.numbers import numbers_of
from dp_tools.profiling.weekdays import weekdays_named
from dp_tools.rules.record_checks import (
    AGE,
    AGE_SLACK,
    ORDER,
    TOTAL,
    WEEKDAY,
    adds_up,
    half_unit,
    is_weekday_of,
    possible_days,
    time_span,
    years_between,
)

Column = Sequence[str | None]
Found = tuple[str, str, dict[str, Any]]
"""The attribute that the candidate is about, its statement and its check."""

_MOST = 12
"""Columns of days, and of numbers, among which relations are looked for, the first of the table."""
_FEWEST = 20
"""Records in which all values stand."""
_KEPT = 0.975
"""Share of them that keep a relation."""
_FIRST = 40
"""Records that tell most relations apart that do not hold."""
_VARIED = 3
"""Different numbers that a column must have: one of 0 and 1 adds and multiplies to anything."""
_USED = 0.3
"""Share of the records in which a part must count: be no 0 of a sum, no 1 of a product."""
_NAMES = 50
"""Different values that a column of weekdays has at the most, in whatever spellings."""
_YEAR_D = 365.2425
_OLDEST = 125
"""Years that an age has at the most."""
_SPREAD = 5
"""Years between the quartiles of ages: with less, one number fits nearly all."""
_EXACT = 0.5
"""Share of ages that must be those of one date; so many are where they were noted within two years."""


class _Numbers(NamedTuple):
    """The numbers of a column, NaN for gaps and what is no number, and how far each may be off by rounding."""

    values: NDArray[np.float64]
    slack: float


def record_rules(columns: Mapping[str, Column], check: Callable[[], None]) -> Iterator[Found]:
    """Relations that nearly all records keep.

    Args:
        columns: the values of each attribute, None for a gap.
        check: called now and then; it may raise to stop.
    """
    spans: dict[str, NDArray[np.float64]] = {}
    numbers: dict[str, _Numbers] = {}
    for name, column in columns.items():
        check()
        if len(spans) < _MOST and (span := _spans(column)) is not None:
            spans[name] = span
        elif len(numbers) < _MOST and (number := _numbers(column)) is not None:
            numbers[name] = number
    yield from _orders(spans, check)
    yield from _totals(numbers, check)
    days = {name: columns[name] for name in spans}
    yield from _weekdays(columns, days, check)
    yield from _ages({name: one.values for name, one in numbers.items() if not one.slack}, days, check)


def _orders(spans: Mapping[str, NDArray[np.float64]], check: Callable[[], None]) -> Iterator[Found]:
    for one, other in itertools.permutations(spans, 2):
        check()
        low, high = spans[one][:, 0], spans[other][:, 1]
        both = ~np.isnan(low) & ~np.isnan(high)
        apart = np.abs(spans[one][both] - spans[other][both]).max(axis=1) > 0
        # Days that are mostly the same say nothing about which comes first.
        if both.sum() >= _FEWEST and apart.mean() > _USED and (low[both] <= high[both]).mean() >= _KEPT:
            yield other, f"{other} is not before {one}.", {"type": "object", ORDER: [one, other]}


def _spans(column: Column) -> NDArray[np.float64] | None:
    """From where to where each day of a column lasts; None for a column of something else."""
    known = {value: time_span(value) for value in set(column) if value is not None}
    days = sum(known[value] is not None for value in column if value is not None)
    if days < max(_FEWEST, _KEPT * sum(value is not None for value in column)):
        return None
    gap = (np.nan, np.nan)
    found = (known[value] if value is not None else None for value in column)
    return np.array([(span.low, span.high) if span else gap for span in found])


def _totals(numbers: Mapping[str, _Numbers], check: Callable[[], None]) -> Iterator[Found]:
    for total in numbers:
        others = [name for name in numbers if name != total]
        for way, least, most in (("product", 2, 2), ("sum", 2, 3)):
            for count in range(least, most + 1):
                for parts in itertools.combinations(others, count):
                    check()
                    if _keeps(numbers, total, parts, way):
                        sign = " + " if way == "sum" else " × "
                        rule = {"type": "object", TOTAL: {"of": total, way: list(parts)}}
                        yield total, f"{total} is {sign.join(parts)}.", rule


def _numbers(column: Column) -> _Numbers | None:
    """The numbers of a column; None for a column of something else."""
    counts = Counter(value for value in column if value is not None)
    _, read = numbers_of(counts)
    if sum(counts[value] for value in read) < max(_FEWEST, _KEPT * counts.total()):
        return None
    values = np.array([read[value].value if value in read else np.nan for value in column])
    decimals = max(len(number.fraction) for number in read.values())
    return _Numbers(values, half_unit(decimals)) if len(np.unique(values[~np.isnan(values)])) >= _VARIED else None


def _keeps(numbers: Mapping[str, _Numbers], total: str, parts: Sequence[str], way: str) -> bool:
    compared = [numbers[name] for name in (*parts, total)]
    places = np.flatnonzero(~np.isnan([column.values for column in compared]).any(axis=0))
    if len(places) < _FEWEST:
        return False
    for chosen, broken in ((places[:_FIRST], 4 * (1 - _KEPT)), (places, 1 - _KEPT)):
        *read, own = [(column.values[chosen], column.slack) for column in compared]
        if (~adds_up(read, own, is_sum=way == "sum")).mean() > broken:
            return False
    nothing = 0.0 if way == "sum" else 1.0
    return all((column.values[places] != nothing).mean() >= _USED for column in compared[:-1])


def _weekdays(columns: Mapping[str, Column], days: Mapping[str, Column], check: Callable[[], None]) -> Iterator[Found]:
    """Columns that name the weekday of the days of another one, of which the best is taken."""
    for of, column in columns.items():
        check()
        if not _are_weekdays(column):
            continue
        kept = {on: _agreeing(column, other) for on, other in days.items()}
        on = max(kept, key=lambda name: kept[name], default=None)
        if on is not None and kept[on] >= _KEPT:
            yield of, f"{of} is the weekday of {on}.", {"type": "object", WEEKDAY: {"of": of, "on": on}}


def _are_weekdays(column: Column) -> bool:
    counts = Counter(value for value in column if value is not None)
    if len(counts) > _NAMES:
        return False
    named = {value for value in counts if weekdays_named(value)}
    return len(named) >= _VARIED and sum(counts[value] for value in named) >= max(_FEWEST, _KEPT * counts.total())


def _agreeing(names: Column, days: Column) -> float:
    """The share of weekdays that are those of the days beside them; 0 where too few have one."""
    pairs = [(name, day) for name, day in zip(names, days, strict=True) if name and day and possible_days(day)]
    return sum(is_weekday_of(*pair) for pair in pairs) / len(pairs) if len(pairs) >= _FEWEST else 0.0


def _ages(
    numbers: Mapping[str, NDArray[np.float64]], days: Mapping[str, Column], check: Callable[[], None]
) -> Iterator[Found]:
    """Columns that hold the years since the days of another one, all up to one date."""
    ages = {name: column for name, column in numbers.items() if _may_be_ages(column)}
    for of, since in itertools.product(ages, days):
        check()
        if until := _counted_until(ages[of], days[since]):
            rule = {"type": "object", AGE: {"of": of, "since": since, "until": until.isoformat()}}
            yield of, f"{of} is the years from {since} to {until.isoformat()}, or one more or less.", rule


def _may_be_ages(numbers: NDArray[np.float64]) -> bool:
    least, low, high, greatest = np.nanquantile(numbers, (0, 0.25, 0.75, 1))
    return bool(least >= 0 and greatest <= _OLDEST and high - low >= _SPREAD)


def _counted_until(ages: NDArray[np.float64], since: Column) -> date | None:
    """The date up to which ages count the years from days; None where they do not."""
    known = {value: possible_days(value) for value in set(since) if value is not None}
    read = ((age, known.get(value or "", [])) for age, value in zip(ages.tolist(), since, strict=True))
    both = [(int(age), days) for age, days in read if days and not np.isnan(age)]
    if len(both) < _FEWEST:
        return None
    middle = int(np.median([days[0].toordinal() + (age + 0.5) * _YEAR_D for age, days in both]))
    if middle > date.max.toordinal():
        return None
    until = date.fromordinal(middle)
    off = np.array([min(abs(age - years_between(day, until)) for day in days) for age, days in both])
    return until if (off <= AGE_SLACK).mean() >= _KEPT and (off == 0).mean() >= _EXACT else None
