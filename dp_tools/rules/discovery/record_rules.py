"""Candidates about what the values of one record keep among themselves: days in order, sums and products."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling.validity.numbers import numbers_of
from dp_tools.rules.record_checks import ORDER, TOTAL, adds_up, half_unit, time_span

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
    yield from _orders(columns, check)
    yield from _totals(columns, check)


def _orders(columns: Mapping[str, Column], check: Callable[[], None]) -> Iterator[Found]:
    spans: dict[str, NDArray[np.float64]] = {}
    for name, column in columns.items():
        check()
        if len(spans) < _MOST and (found := _spans(column)) is not None:
            spans[name] = found
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


def _totals(columns: Mapping[str, Column], check: Callable[[], None]) -> Iterator[Found]:
    numbers: dict[str, _Numbers] = {}
    for name, column in columns.items():
        check()
        if len(numbers) < _MOST and (found := _numbers(column)) is not None:
            numbers[name] = found
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
