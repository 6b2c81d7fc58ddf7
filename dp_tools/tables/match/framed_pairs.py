"""Pairs with their records in columns, in parts that can be compared each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dp_tools.profiling import PairFacts
from dp_tools.profiling.identity import IdentityJudge
from dp_tools.profiling.identity.many import Evidence, judge_many
from dp_tools.profiling.idf import HashedText
from dp_tools.profiling.pair_facts import words_of
from dp_tools.profiling.pair_features import PairFeatures, pair_features

PART = 50_000
"""Pairs that are compared at once, in about four seconds; in smaller parts more records are read twice."""


class FramedPairs(NamedTuple):
    """Pairs with their records.

    Args:
        left, right: the records of either side, every value a string or null; the same ones twice in one table.
        pairs: rows of `left` and of `right`, one line a pair.
    """

    left: pl.DataFrame
    right: pl.DataFrame
    pairs: NDArray[np.int64]

    def parts(self) -> Iterator[FramedPairs]:
        """At most `PART` pairs each, with their records alone."""
        for start in range(0, len(self.pairs), PART):
            rows, theirs, pairs = numbered(self.pairs[start : start + PART], shared=self.left is self.right)
            left = self.left[rows]
            yield FramedPairs(left, left if self.left is self.right else self.right[theirs], pairs)


def numbered(
    pairs: NDArray[np.int64], *, shared: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The records of either side, distinct and ascending, and each pair as positions among these.

    Args:
        pairs: record numbers, one line a pair.
        shared: whether both sides are records of one table.
    """
    if shared:
        rows, found = np.unique(pairs.ravel(), return_inverse=True)
        return rows, rows, found.reshape(-1, 2)
    (lefts, a), (rights, b) = (np.unique(side, return_inverse=True) for side in pairs.T)
    return lefts, rights, np.column_stack([a, b])


def judged(judge: IdentityJudge, part: FramedPairs) -> Evidence:
    """What counted evidence says of some pairs."""
    return judge_many(judge, *part)


def words_in(_shared: None, records: pl.DataFrame) -> list[HashedText]:
    """The words of each record."""
    return list(map(words_of, records.iter_rows(named=True)))


def featured(facts: PairFacts, part: FramedPairs) -> PairFeatures:
    """What counting says of some pairs, as numbers."""
    return pair_features(facts, *part)
