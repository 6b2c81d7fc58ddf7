"""Association between the attributes of a table, measured on integer codes of their values.

Comparing every two attributes costs the square of their number. So in a wide table each attribute is compared with the
few that are likely to tell it: those whose equal values go with equal values, by a sample of pairs of records.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
"""An attribute in record order: 0 to distinct - 1 for its values, -1 for a missing one."""

EVERY = 40
"""Attributes up to which each is compared with every other one; in a wider table, with so many at most."""
COMPARED_ROWS = 30_000
"""Records by which two attributes are compared; of a longer table a part, with whole groups of equal values."""
_PAIRS = 300
"""Pairs of records with equal values by which likely determinants are found."""
_LEAST_GAIN = 0.1
"""How much more often than by chance the records of a pair must agree, 0 to 1, for a determinant to be likely; more by
one over the square root of the number of pairs, since few agree by chance."""
_LEAST_COVERAGE = 0.25
"""Share of the records that must stand in groups of two and more for a key to be likely to determine anything."""
_LARGE_GROUPS = 20
"""Records of a group in an even sample from which on groups need not be whole."""


@dataclass(frozen=True)
class CodedTable:
    """The attributes of a table as codes.

    Args:
        places: each attribute's column in `codes`, in order.
        codes: one row a record, one column an attribute (see `Codes`).
        values: for an attribute the value of each code.
    """

    places: Mapping[str, int]
    codes: NDArray[np.int32]
    values: Callable[[str], Sequence[str]]

    @classmethod
    def of(cls, columns: Mapping[str, Iterable[str]]) -> CodedTable:
        """From values by attribute, "" where missing."""
        encoded = {name: encode(column) for name, column in columns.items()}
        codes = np.column_stack([codes for codes, _ in encoded.values()])
        return cls({name: place for place, name in enumerate(columns)}, codes, lambda name: encoded[name][1])

    def __getitem__(self, name: str) -> Codes:
        """The codes of one attribute."""
        return self.codes[:, self.places[name]]


def encode(column: Iterable[str | None]) -> tuple[Codes, list[str]]:
    """The codes of a column in which "" and None are missing, and its values in the order in which they first occur."""
    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(value, len(numbers)) if value else -1 for value in column], np.int32)
    return codes, list(numbers)


def begun(codes: Codes, beginnings: Sequence[str]) -> tuple[Codes, list[str]]:
    """An attribute as codes of what its values begin with, and the beginnings in their order.

    Args:
        codes: the attribute.
        beginnings: what each of its values begins with, by code; "" counts as missing.
    """
    begun_by_value, values = encode(beginnings)
    return np.append(begun_by_value, np.int32(-1))[codes], values


def group_agreement(left: Codes, right: Codes, least: int = 2) -> tuple[int, int, int]:
    """Over the groups of at least so many records with one left value: records, those with their group's majority
    value on the right, and groups. Records without a value on either side do not count."""
    both = (left >= 0) & (right >= 0)
    if not both.any():
        return 0, 0, 0
    width = np.int64(right.max()) + 1
    pairs, counts = np.unique(left[both].astype(np.int64) * width + right[both], return_counts=True)
    groups = pairs // width
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    totals = np.add.reduceat(counts, starts)
    tops = np.maximum.reduceat(counts, starts)
    sized = totals >= least
    return int(totals[sized].sum()), int(tops[sized].sum()), int(sized.sum())


class Grouping:
    """The records of a table grouped by one attribute; in a long table, a part of them.

    Args:
        left: the attribute.
    """

    def __init__(self, left: Codes) -> None:
        self._count, self._rows = len(left), _compared_rows(left)
        self._left = left[self._rows]
        kept = int((self._left >= 0).sum())
        self._scale = int((left >= 0).sum()) / kept if kept else 1.0

    def agreement(self, right: Codes) -> tuple[float, float, float]:
        """`group_agreement` with another attribute; in a long table an estimate for all records."""
        rows, agreeing, groups = group_agreement(self._left, right[self._rows])
        return rows * self._scale, agreeing * self._scale, groups * self._scale

    def equal_pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Records of one group, two by two, at most `_PAIRS` pairs, as row numbers of the table."""
        # Shuffled, since neighbours in a file are alike in other ways, too.
        shuffled = np.random.default_rng(0).permutation(len(self._left))
        order = shuffled[np.argsort(self._left[shuffled], kind="stable")]
        ordered = self._left[order]
        first = np.flatnonzero((ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0))
        if len(first) > _PAIRS:
            first = first[np.linspace(0, len(first) - 1, _PAIRS).astype(np.int64)]
        rows = np.arange(self._count)[self._rows]
        return rows[order[first]], rows[order[first + 1]]


def _compared_rows(left: Codes) -> slice | NDArray[np.int64]:
    """The records by which an attribute is compared with others."""
    count = len(left)
    if count <= COMPARED_ROWS:
        return slice(None)
    evenly = slice(0, count, -(-count // COMPARED_ROWS))
    if (int(left.max()) + 1) * _LARGE_GROUPS <= COMPARED_ROWS:
        return evenly
    # Multiplicative hashing (Knuth) chooses values, and with each all its records.
    hashed = (left.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    rows = np.flatnonzero((left >= 0) & (hashed < np.uint64(2**24 * COMPARED_ROWS // count)))
    return rows if len(rows) <= 4 * COMPARED_ROWS else evenly


def likely_determinants(keys: Iterable[Codes], columns: NDArray[np.int32], most: int = EVERY) -> list[list[int]]:
    """For each column of `columns` the keys that may determine it, in their order; all others in a narrow table.

    Args:
        keys: one for each column of `columns`, which is no key to itself.
        columns: codes, one column an attribute.
        most: how many keys a column of a wide table has at the most, the likeliest.
    """
    attributes = columns.shape[1]
    if attributes <= EVERY:
        return [[key for key in range(attributes) if key != of] for of in range(attributes)]
    chance = np.array([_chance_of_equals(columns[:, of]) for of in range(attributes)])
    gains = np.zeros((attributes, attributes), np.float32)
    for key, left in enumerate(keys):
        sizes = np.bincount(left[left >= 0])
        if sizes[sizes >= 2].sum() < _LEAST_COVERAGE * len(left):
            continue
        first, second = Grouping(left).equal_pairs()
        one, other = columns[first], columns[second]
        filled = (one >= 0) & (other >= 0)
        pairs = np.maximum(filled.sum(0), 1)
        equal = ((one == other) & filled).sum(0) / pairs
        gains[:, key] = (equal - chance) / np.maximum(1 - chance, 1e-9) - 1 / np.sqrt(pairs)
        gains[key, key] = 0
    found = []
    for row in gains:
        best = np.argsort(-row, kind="stable")[:most]
        found.append(sorted(best[row[best] > _LEAST_GAIN].tolist()))
    return found


def dependents_of(likely: Sequence[Sequence[int]]) -> list[list[int]]:
    """For each key of `likely_determinants` the columns that it may determine, in their order."""
    columns: list[list[int]] = [[] for _ in likely]
    for of, keys in enumerate(likely):
        for key in keys:
            columns[key].append(of)
    return columns


def _chance_of_equals(codes: Codes) -> float:
    """How probably two records with values have the same one."""
    counts = np.bincount(codes[codes >= 0]).astype(np.float64)
    total = counts.sum()
    return float((counts * (counts - 1)).sum() / (total * (total - 1))) if total > 1 else 1.0


def grouped(
    left: Codes, left_values: Sequence[str], right: Codes, right_values: Sequence[str]
) -> dict[str, Counter[str]]:
    """The right values of each left one, counted, in the order in which they first occur together."""
    both = (left >= 0) & (right >= 0)
    width = np.int64(right.max(initial=0)) + 1
    joined = left[both].astype(np.int64) * width + right[both]
    pairs, first, counts = np.unique(joined, return_index=True, return_counts=True)
    order = np.argsort(first)
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for pair, count in zip(pairs[order].tolist(), counts[order].tolist(), strict=True):
        groups[left_values[pair // width]][right_values[pair % width]] = count
    return groups


def seen_together(left: Codes, right: Codes) -> NDArray[np.int32]:
    """How often two values stand together: one row a left value, one column a right one."""
    height, width = int(left.max(initial=-1)) + 1, int(right.max(initial=-1)) + 1
    both = (left >= 0) & (right >= 0)
    joined = left[both].astype(np.int64) * width + right[both]
    return np.bincount(joined, minlength=height * width).reshape(height, width).astype(np.int32)
