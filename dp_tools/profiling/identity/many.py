"""Judges many pairs of people, companies or addresses at once: any two values that meet are compared once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dp_tools.profiling.identity.held import SLOTS, columns_of, held
from dp_tools.profiling.identity.judge import CERTAIN, IdentityJudge
from dp_tools.profiling.identity.rarity import rarity
from dp_tools.profiling.log_odds import logistic
from dp_tools.records import Record

H = TypeVar("H")
_AT_ONCE = 10_000
"""Pairs that are judged at once; what their values are made of stays remembered."""
_NUMBER = "\x1fnumber"


@dataclass(frozen=True, slots=True)
class Judgements:
    """What counted evidence says of many pairs, as `Judgement` without reasons: one entry a pair in each array."""

    score: NDArray[np.float64]
    other_name: NDArray[np.bool_]

    def at(self, places: NDArray[np.int64]) -> Judgements:
        """Those of the pairs at some positions."""
        return Judgements(self.score[places], self.other_name[places])

    def given_rarity(self) -> tuple[Judgements, float]:
        """The same where these are all candidates of a list, given how rare matches are among them, and what that takes
        off each score (see `rarity`)."""
        shift = rarity(self.score)
        return Judgements(self.score + shift, self.other_name), shift

    @property
    def probability(self) -> NDArray[np.float64]:
        """That both records are one, 0 to 1."""
        return logistic(self.score)

    @property
    def decides(self) -> NDArray[np.bool_]:
        """Where the evidence is strong enough to decide by itself."""
        probability = self.probability
        return (probability <= 1 - CERTAIN) | ((probability >= CERTAIN) & ~self.other_name)


@dataclass(frozen=True, slots=True)
class HeldColumn(Generic[H]):
    """What the records of a table hold, each distinct thing once.

    Args:
        distinct: the things.
        numbers: of each record the position of what it holds, -1 where it has nothing.
    """

    distinct: list[H]
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, frame: pl.DataFrame, columns: Sequence[str], read: Callable[[Record], H | None]) -> HeldColumn[H]:
        """What `read` finds in these columns of each record."""
        if not columns:
            return cls([], np.full(frame.height, -1))
        names = list(dict.fromkeys(columns))
        rows = frame.select(names).unique(maintain_order=True).with_row_index(_NUMBER)
        found = [read(record) for record in rows.drop(_NUMBER).iter_rows(named=True)]
        places = frame.select(names).join(rows, on=names, how="left", nulls_equal=True, maintain_order="left")
        has = np.array([one is not None for one in found], bool)
        numbers = np.where(has, np.cumsum(has) - 1, -1)[places[_NUMBER].to_numpy()]
        return cls([one for one in found if one is not None], numbers)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Two columns that are compared.

    Args:
        left, right: what the records of either side hold.
        weigh: the weight of two things that meet, whether they are two names, and whether they are a person's own.
    """

    left: HeldColumn[Any]
    right: HeldColumn[Any]
    weigh: Callable[[Any, Any], tuple[float, bool, bool]]

    def add(
        self,
        pairs: NDArray[np.integer],
        score: NDArray[np.float64],
        other_name: NDArray[np.bool_],
        own: NDArray[np.bool_],
    ) -> None:
        """Add what the columns say of some pairs; any two things that meet are compared once."""
        ours, theirs = self.left.numbers[pairs[:, 0]], self.right.numbers[pairs[:, 1]]
        both = np.flatnonzero((ours >= 0) & (theirs >= 0))
        width = max(len(self.right.distinct), 1)
        met, places = np.unique(ours[both] * width + theirs[both], return_inverse=True)
        weights, other, owned = np.empty(len(met)), np.empty(len(met), bool), np.empty(len(met), bool)
        for number, (one, two) in enumerate(zip((met // width).tolist(), (met % width).tolist(), strict=True)):
            weights[number], other[number], owned[number] = self.weigh(
                self.left.distinct[one], self.right.distinct[two]
            )
        score[both] += weights[places]
        other_name[both] |= other[places]
        own[both] |= owned[places]


def judge_many(
    judge: IdentityJudge,
    left: pl.DataFrame,
    right: pl.DataFrame,
    pairs: NDArray[np.integer],
) -> Judgements:
    """What counted evidence says of many pairs, the same as `IdentityJudge.judge` says one by one.

    Args:
        judge: of the records' tables.
        left, right: records of either table, every value a string or null; the same ones twice in one table.
        pairs: rows of `left` and of `right`, one line a pair; those near one another in it should share rows.
    """
    found = Judgements(np.full(len(pairs), judge.bias), np.zeros(len(pairs), bool))
    own = np.zeros(len(pairs), bool)
    compared = list(_compared(judge, left, right))
    for start in range(0, len(pairs), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        for columns in compared:
            columns.add(pairs[part], found.score[part], found.other_name[part], own[part])
    others = found.other_name & ~own
    found.score[others] = np.minimum(found.score[others], judge.most_of_others)
    return found


def _compared(judge: IdentityJudge, left: pl.DataFrame, right: pl.DataFrame) -> Iterator[_Compared]:
    """The columns that are compared, slot by slot, then the details."""
    for slot in SLOTS:
        ours, theirs = (
            HeldColumn.of(frame, columns_of(layout, slot), partial(held, layout, slot))
            for layout, frame in ((judge.left, left), (judge.right, right))
        )
        yield _Compared(ours, theirs, partial(judge.weigh, slot))
    for name in judge.details:
        one, two = (HeldColumn.of(frame, [name], itemgetter(name)) for frame in (left, right))
        yield _Compared(one, two, partial(_weigh_details, judge, name))


def _weigh_details(judge: IdentityJudge, name: str, left: str, right: str) -> tuple[float, bool, bool]:
    return judge.weigh_details(name, left, right), False, False
