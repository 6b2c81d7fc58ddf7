"""Relations between the columns of a table: dependencies, and co-occurrence of their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling.association import (
    CodedTable,
    Codes,
    Grouping,
    begun,
    dependents_of,
    grouped,
    likely_determinants,
    seen_together,
)
from dp_tools.profiling.dependencies import EVIDENCE, Fill
from dp_tools.progress import Progress
from dp_tools.records import Record

_EXPECTED = 4
"""How often two values must be expected together before their absence says something."""

Groups = dict[str, Counter[str]]


class CoOccurrence:
    """Which values of attributes with few values hardly ever stand together, though both are common.

    Args:
        table: the table.
        likely: by attribute, the places of those with which it is compared.
        closed: distinct values up to which an attribute has few.
    """

    def __init__(self, table: CodedTable, likely: Sequence[Sequence[int]], closed: int) -> None:
        self._records = len(table.codes)
        sizes = {name: np.bincount(table[name][table[name] >= 0]) for name in table.places}
        self._times = {name: times for name, times in sizes.items() if 2 <= len(times) <= closed}
        self._codes = {name: {value: code for code, value in enumerate(table.values(name))} for name in self._times}
        self._apart: dict[str, list[tuple[str, NDArray[np.int32]]]] = {name: [] for name in self._times}
        names = list(table.places)
        for name, times in self._times.items():
            for other in (names[place] for place in likely[table.places[name]]):
                if other in self._times:
                    due = np.outer(times, self._times[other]) / self._records
                    seen = seen_together(table[name], table[other])
                    apart = (due >= _EXPECTED) & (seen <= np.maximum(1, due / 8))
                    if apart.any():
                        self._apart[name].append((other, np.where(apart, seen, -1).astype(np.int32)))

    def rarest(self, record: Record, attribute: str) -> tuple[str, str, int] | None:
        """The attribute and its value beside which this record's value hardly ever stands, and how often it does."""
        own = self._codes.get(attribute, {}).get((record[attribute] or "").strip())
        if own is None:
            return None
        found, least = None, 1.0
        for other, apart in self._apart[attribute]:
            beside = (record.get(other) or "").strip()
            code = self._codes[other].get(beside)
            if code is None or (seen := int(apart[own, code])) < 0:
                continue
            due = int(self._times[attribute][own]) * int(self._times[other][code]) / self._records
            if seen / due < least:
                found, least = (other, beside, seen), seen / due
        return found


@dataclass(frozen=True)
class Relations:
    """The relations of one table.

    Args:
        determinants: for each attribute the few that tell it best.
        groups: for a determinant and an attribute it determines, the determined values of each determining value.
        beginnings: for an attribute the one whose beginnings tell it best, and the told values of each beginning.
        co_occurrence: which values hardly ever stand together.
    """

    determinants: dict[str, list[str]]
    groups: dict[tuple[str, str], Groups]
    beginnings: dict[str, tuple[str, Groups]]
    co_occurrence: CoOccurrence


def relations(
    table: CodedTable,
    beginnings: Callable[[str], Sequence[str]],
    *,
    most: int,
    closed: int,
    progress: Progress = lambda _done, _total: None,
) -> Relations:
    """Compare the attributes of a table.

    Args:
        table: the table.
        beginnings: for an attribute, what each of its values begins with, by code; "" where it begins with nothing.
        most: determinants that are kept for one attribute.
        closed: distinct values up to which an attribute is compared value by value with others.
        progress: called with (attributes compared, attributes in all); it may raise to stop.
    """
    names, total = list(table.places), 2 * len(table.places)
    likely = likely_determinants((table[name] for name in names), table.codes)
    found = _Strengths(table, likely)
    for place, name in enumerate(names):
        progress(place, total)
        found.compare(name, table[name])
    determinants = {
        name: [other for _, other in sorted((-strength, other) for other, strength in dependents.items())[:most]]
        for name, dependents in found.strengths.items()
    }
    groups = {
        (other, name): grouped(table[other], table.values(other), table[name], table.values(name))
        for name, others in determinants.items()
        for other in others
    }
    begun_likely = likely_determinants((begun(table[name], beginnings(name))[0] for name in names), table.codes)
    begun_found = _Strengths(table, begun_likely)
    for place, name in enumerate(names):
        progress(len(names) + place, total)
        codes, values = begun(table[name], beginnings(name))
        if len(values) < found.distinct[name]:
            begun_found.compare(name, codes)
    begun_groups = {}
    for name, dependents in begun_found.strengths.items():
        if dependents:
            best = max(dependents, key=dependents.__getitem__)
            codes, values = begun(table[best], beginnings(best))
            begun_groups[name] = best, grouped(codes, values, table[name], table.values(name))
    return Relations(determinants, groups, begun_groups, CoOccurrence(table, likely, closed))


class _Strengths:
    """How well attributes tell others, in the table's order.

    Args:
        table: the table.
        likely: by attribute, the places of those that may tell it.
    """

    def __init__(self, table: CodedTable, likely: Sequence[Sequence[int]]) -> None:
        names = list(table.places)
        self._table = table
        self._tells = {
            key: [names[of] for of in dependents] for key, dependents in zip(names, dependents_of(likely), strict=True)
        }
        self._fills = {name: Fill(table[name]) for name in names}
        self.distinct = {name: fill.distinct for name, fill in self._fills.items()}
        self.strengths: dict[str, dict[str, float]] = {name: {} for name in names}

    def compare(self, key: str, codes: Codes) -> None:
        """Note what an attribute tells, by its values or by what they begin with."""
        records = len(self._table.codes)
        dependents = [name for name in self._tells[key] if self.distinct[name] >= 2]
        if not dependents or not 2 <= int(codes.max()) + 1 <= 0.9 * records:
            return
        grouping = Grouping(codes)
        for name in dependents:
            measure = self._fills[name].measure(grouping.agreement(self._table[name]), records)
            if EVIDENCE.holds(measure):
                self.strengths[name][key] = measure.strength
