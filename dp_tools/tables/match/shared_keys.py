"""Which records share a blocking key, for tables whose records have millions of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling.token_counts import hashed

CROWD = 30
"""Records that may share a key; one that more of them have tells too little."""
MOST_PAIRS = 20_000_000
"""Pairs that keys may give in all; in large tables only the rarer keys count, which tell more."""


@dataclass
class Keys:
    """The keys of a table's records, as hashes: a million records have more than ten million of them."""

    _hashes: array[int] = field(default_factory=lambda: array("q"))
    _counts: array[int] = field(default_factory=lambda: array("i"))

    @classmethod
    def of(cls, records: Iterable[Iterable[str]]) -> Keys:
        """The keys of records in file order."""
        found = cls()
        for keys in records:
            found.add(keys)
        return found

    def add(self, keys: Iterable[str]) -> None:
        """Note the distinct keys of the next record."""
        before = len(self._hashes)
        self._hashes.extend(map(hashed, keys))
        self._counts.append(len(self._hashes) - before)

    def add_all(self, further: Keys) -> None:
        """Note the keys of the next records."""
        self._hashes.extend(further._hashes)
        self._counts.extend(further._counts)

    def __len__(self) -> int:
        return len(self._counts)

    @property
    def hashes(self) -> NDArray[np.int64]:
        """Of each key, record by record."""
        return np.frombuffer(self._hashes, np.int64)

    @property
    def records(self) -> NDArray[np.int32]:
        """The position of the record that each key is of."""
        return np.repeat(np.arange(len(self._counts), dtype=np.int32), np.frombuffer(self._counts, np.int32))


def sharing_a_key(left: Keys, right: Keys | None = None) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Positions of records that share a key, each pair once; the smaller first where a table is paired with itself.

    Keys that more than `CROWD` records have say nothing. Where the others give more than `MOST_PAIRS` pairs, the
    rarest are taken.

    Args:
        left: the keys of a table.
        right: those of the other one; None pairs the first with itself.
    """
    sides = [left] if right is None else [left, right]
    hashes = np.concatenate([keys.hashes for keys in sides])
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    starts = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]]) if len(hashes) else np.empty(0, np.int64)
    sizes = np.diff(np.r_[starts, len(hashes)])
    kept = np.repeat((sizes > 1) & (sizes <= _largest(sizes)), sizes)
    order, group = order[kept], np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[kept]
    del hashes, kept
    records = np.concatenate([keys.records for keys in sides])[order]
    is_right = order >= len(left.hashes)
    width = len(sides[-1])
    codes = []
    for apart in range(1, CROWD):
        together = group[apart:] == group[:-apart]
        if not together.any():
            break
        if right is not None:
            together &= is_right[apart:] & ~is_right[:-apart]
        codes.append(records[:-apart][together].astype(np.int64) * width + records[apart:][together])
    del order, group, records, is_right
    pairs = np.concatenate(codes) if codes else np.empty(0, np.int64)
    codes.clear()
    pairs.sort()
    pairs = pairs[np.r_[True, pairs[1:] != pairs[:-1]]] if len(pairs) else pairs
    return (pairs // max(width, 1)).astype(np.int32), (pairs % max(width, 1)).astype(np.int32)


def _largest(sizes: NDArray[np.int64]) -> int:
    """How many records may share a key, so that all keys together give at most `MOST_PAIRS` pairs."""
    records = np.arange(CROWD + 1)
    pairs = np.bincount(sizes[sizes <= CROWD], minlength=CROWD + 1) * (records * (records - 1) // 2)
    return int(np.flatnonzero(np.cumsum(pairs) <= MOST_PAIRS)[-1])
