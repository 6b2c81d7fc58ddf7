"""Which attributes determine which: one measure, and for each use how much of it is asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling.association import (
    EVERY,
    CodedTable,
    Codes,
    Grouping,
    dependents_of,
    encode,
    group_agreement,
    likely_determinants,
)
from dp_tools.progress import Progress

SEARCHED_ROWS = 20_000
"""Rows in which `determinants` searches; what it finds holds for all."""
DETERMINANTS = 3
"""Determinants kept for one attribute, best first."""
JOINED = 8
"""Attributes of a wide table of which any two together are tried as the determinant of another one, the likeliest."""

_SLACK = 0.9
"""How far an estimate from a part of a long table may fall short of what all records must reach."""
_CLEAR = 0.8
"""Share of a group's records that must hold its majority value for that to be known."""
_SECOND = 0.1
"""A second value that comes back, and is so many times as frequent as the first, makes a group's value unknown."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How far equal values of one attribute go with equal values of another.

    Args:
        rows: records in groups of equal determining values that are large enough.
        agreeing: those of them that hold their group's majority value.
        groups: the groups.
        records: records of the table.
        filled: those with a value of the determined attribute.
        usual: the share of those that hold its most frequent value.
    """

    rows: float
    agreeing: float
    groups: float
    records: int
    filled: int
    usual: float

    @property
    def confidence(self) -> float:
        """The share of agreeing records, 0 to 1 (Kivinen and Mannila's g3 measure, 1995, over large enough groups)."""
        return self.agreeing / self.rows if self.rows else 0.0

    @property
    def gain(self) -> float:
        """How far the confidence beats chance, 1 at the most: a column that has one value for nearly all records is
        determined by anything, and a group of two agrees by half with anything."""
        floor = max(self.usual, self.groups / self.rows) if self.rows else 1.0
        return (self.confidence - floor) / (1 - floor) if floor < 1 else 0.0

    @property
    def strength(self) -> float:
        """Confidence times coverage, 0 to 1."""
        return self.agreeing / self.records if self.records else 0.0


@dataclass(frozen=True, slots=True)
class Criterion:
    """How much of the measure makes a dependency.

    Args:
        group: records that a group must have to count.
        groups: such groups that there must be.
        coverage: share of the records that must stand in them.
        confidence: the least share of agreeing records.
        gain: how far that must beat chance; None where it need not.
        loose_gain: how far a lesser confidence must beat chance; None where none will do.
        of_filled: whether coverage is a share of the records with a value of the determined attribute.
    """

    group: int
    groups: int
    coverage: float
    confidence: float
    gain: float | None
    loose_gain: float | None = None
    of_filled: bool = False

    def covers(self, rows: float, groups: float, of: int) -> bool:
        """Whether so many records in so many groups are enough, of so many records."""
        return rows > 0 and groups >= self.groups and rows >= self.coverage * of

    def holds(self, measure: Measure) -> bool:
        """Whether it is a dependency."""
        if not self.covers(measure.rows, measure.groups, measure.filled if self.of_filled else measure.records):
            return False
        if measure.confidence >= self.confidence and (self.gain is None or measure.gain >= self.gain):
            return True
        return self.loose_gain is not None and measure.gain >= self.loose_gain


EVIDENCE = Criterion(group=2, groups=1, coverage=0.3, confidence=0.85, gain=0.3, loose_gain=0.6)
"""What rows with the same key say of a cell. Many rows may break it where the gain is high: no two attributes that
merely go together determine so much of each other."""
PROFILE = Criterion(group=2, groups=1, coverage=0.3, confidence=0.95, gain=0.5)
"""What a profile shows."""
RULE = Criterion(group=3, groups=3, coverage=0.5, confidence=0.95, gain=0.3, of_filled=True)
"""What becomes a rule: a group of two shows nothing that comes back."""
CONSENSUS = Criterion(group=5, groups=20, coverage=0.5, confidence=0.6, gain=None)
"""What most records of each of many entities say, though a third of them may be wrong."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """`left` determines `right`, up to the exceptions.

    Args:
        left, right: the attributes.
        measure: how far it holds.
    """

    left: str
    right: str
    measure: Measure


@dataclass(frozen=True, slots=True)
class Determined:
    """What the values of one or two attributes determine.

    Args:
        by: the determining attributes.
        of: the determined one.
        values: for each known combination of determining values the determined one.
    """

    by: tuple[str, ...]
    of: str
    values: dict[tuple[str, ...], str]


class Fill:
    """How full an attribute is, and how alike its values are.

    Args:
        codes: the attribute.
    """

    def __init__(self, codes: Codes) -> None:
        counts = np.bincount(codes[codes >= 0])
        self.distinct = len(counts)
        self.filled = int(counts.sum())
        self.usual = float(counts.max() / counts.sum()) if len(counts) else 1.0

    def measure(self, agreement: tuple[float, float, float], records: int) -> Measure:
        """The measure of the attribute as the determined one, from `group_agreement`, in a table of so many records."""
        return Measure(*agreement, records, self.filled, self.usual)


def functional_dependencies(table: CodedTable, progress: Progress = lambda _done, _total: None) -> list[Dependency]:
    """Pairs of attributes where equal values on the left (nearly) always go with equal values on the right.

    `PROFILE` says how nearly. Groups of one record say nothing and do not count; nor do missing values. Of many
    attributes each is compared with those that are likely to determine it (see `likely_determinants`).

    Args:
        table: the table.
        progress: called with (attributes compared, attributes in all); it may raise to stop.

    Returns:
        Dependencies, the surest first.
    """
    names, records = list(table.places), len(table.codes)
    fills = {name: Fill(table[name]) for name in names}
    found = []
    for place, dependents in enumerate(dependents_of(likely_determinants(table.codes.T, table.codes))):
        progress(place, len(names))
        left = names[place]
        if not 2 <= fills[left].distinct <= 0.95 * fills[left].filled:
            continue
        grouping = Grouping(table[left])
        for right in (names[of] for of in dependents):
            rows, agreeing, _ = grouping.agreement(table[right])
            if rows >= _SLACK * PROFILE.coverage * records and agreeing >= _SLACK * PROFILE.confidence * rows:
                exact = fills[right].measure(group_agreement(table[left], table[right], PROFILE.group), records)
                found += [Dependency(left, right, exact)] if PROFILE.holds(exact) else []
    return sorted(found, key=lambda one: (-one.measure.strength, one.left, one.right))


def determinants(
    columns: Mapping[str, Sequence[str | None]], progress: Progress = lambda _done, _total: None
) -> Iterator[Determined]:
    """What attributes, or two of them together, determine of others, by `RULE`; for each attribute the best ones.

    Args:
        columns: values by attribute, None where missing, all of one length.
        progress: called with (steps done, steps in all); it may raise to stop.
    """
    coded = {
        name: encode(column[:SEARCHED_ROWS])[0] for name, column in columns.items() if _repeats(column[:SEARCHED_ROWS])
    }
    if not coded:
        return
    names, matrix = list(coded), np.column_stack(list(coded.values()))
    steps = 2 * len(names)
    likely = likely_determinants(coded.values(), matrix)
    single: dict[tuple[int, ...], list[int]] = {
        (key,): dependents for key, dependents in enumerate(dependents_of(likely)) if dependents
    }
    best = _explained(matrix, names, single, lambda done: progress(done, steps))
    joined: dict[tuple[int, ...], list[int]] = defaultdict(list)
    if len(names) > EVERY:
        likely = likely_determinants(coded.values(), matrix, JOINED)
    for place, name in enumerate(names):
        for pair in combinations(likely[place], 2) if name not in best else ():
            joined[pair].append(place)
    found = _explained(matrix, names, joined, lambda done: progress(len(names) + done, steps))
    best |= {of: by[:1] for of, by in found.items()}
    for of in coded:
        for by in best.get(of, [])[:DETERMINANTS]:
            values = _known(columns, by, of)
            progress(steps, steps)
            if values:
                yield Determined(by, of, values)


def _repeats(column: Sequence[str | None]) -> bool:
    """Whether the column has values that come back, and more than one."""
    counts = Counter(value for value in column if value is not None)
    again = sum(count for count in counts.values() if count >= RULE.group)
    return len(counts) > 1 and again >= RULE.coverage * len(column)


def _explained(
    coded: NDArray[np.int32],
    names: Sequence[str],
    choices: Mapping[tuple[int, ...], Sequence[int]],
    progress: Callable[[int], None],
) -> dict[str, list[tuple[str, ...]]]:
    """For each attribute the choices that determine it, best first.

    Args:
        coded: codes, one column an attribute.
        names: the attributes.
        choices: the places of determining attributes, and of those that they may determine.
        progress: called with how far it is, of as many as there are attributes; it may raise to stop.
    """
    scored: dict[str, list[tuple[float, tuple[str, ...]]]] = defaultdict(list)
    fills = [Fill(coded[:, of]) for of in range(len(names))]
    for number, (by, dependents) in enumerate(choices.items()):
        progress(len(names) * number // len(choices))
        joined = _joined(coded, by)
        for of in _not_refuted(coded, joined, dependents):
            measure = fills[of].measure(group_agreement(joined, coded[:, of], RULE.group), len(coded))
            if RULE.holds(measure):
                scored[names[of]].append((measure.agreeing, tuple(names[key] for key in by)))
    progress(len(names))
    return {of: [by for _, by in sorted(found, reverse=True)] for of, found in scored.items()}


def _joined(coded: NDArray[np.int32], by: tuple[int, ...]) -> Codes:
    """The codes of several attributes together; missing where one is."""
    if len(by) == 1:
        return coded[:, by[0]]
    joined = np.zeros(len(coded), np.int64)
    for key in by:
        joined = joined * (int(coded[:, key].max()) + 1) + coded[:, key]
    found: Codes = np.unique(joined, return_inverse=True)[1].astype(np.int32)
    found[(coded[:, by] < 0).any(1)] = -1
    return found


def _not_refuted(coded: NDArray[np.int32], by: Codes, dependents: Sequence[int]) -> list[int]:
    """Of some attributes those that another one may determine, by a quick look that drops none that it does.

    Too few rows in large enough groups refute it, and so do too many neighbours that differ where rows are sorted by
    group: a row that disagrees with its group's majority makes two such neighbours at most.
    """
    sizes = np.bincount(by[by >= 0])
    large = sizes >= RULE.group
    rows = int(sizes[large].sum())
    if large.sum() < RULE.groups:
        return []
    order = np.argsort(by, kind="stable")
    order = order[(by[order] >= 0) & large[by[order]]]
    inside = np.diff(by[order]) == 0
    block = coded[order[:, None], np.asarray(dependents)]
    both = (block[1:] >= 0) & (block[:-1] >= 0) & inside[:, None]
    different = ((block[1:] != block[:-1]) & both).sum(0)
    # A group that loses rows for want of a value may become too small to count; it has one pair of neighbours left.
    gaps = (block < 0).sum(0)
    allowed = 2 * (1 - RULE.confidence) * rows + gaps + 1e-6
    filled = (coded[:, dependents] >= 0).sum(0)
    return [
        of
        for place, of in enumerate(dependents)
        if rows >= RULE.coverage * filled[place] and different[place] <= allowed[place]
    ]


def _known(columns: Mapping[str, Sequence[str | None]], by: tuple[str, ...], of: str) -> dict[tuple[str, ...], str]:
    """What each combination determines; one with a second value that comes back determines nothing."""
    groups: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for *parts, value in zip(*(columns[name] for name in by), columns[of], strict=True):
        if value is not None and None not in parts:
            groups[tuple(part for part in parts if part is not None)][value] += 1
    values = {}
    for keys, counts in groups.items():
        (top, times), *others = counts.most_common(2)
        second = others[0][1] if others else 0
        if times >= RULE.group and second < max(2, _SECOND * times) and times >= _CLEAR * counts.total():
            values[tuple(part.strip() for part in keys)] = top.strip()
    return values
