"""Judges many pairs of people, companies or addresses at once: any two values that meet are compared once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dp_tools.profiling.identity.held import SLOTS, columns_of, held
from dp_tools.profiling.identity.judge import CERTAIN, IdentityJudge, Weighed
from dp_tools.profiling.identity.numbers import OWN, SAME
from dp_tools.profiling.identity.rarity import rarity
from dp_tools.profiling.identity.teaching import labelled_sample, share_of_one, taught_by_numbers
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
class Evidence:
    """What columns say of many pairs: one entry a pair in each array.

    Args:
        weight: the sum of what they weigh.
        other_name, own: whether any of them says so (see `Weighed`).
        number: how personal numbers compare (see `numbers`), 0 where a side has none.
        personal: the sum of what is a person's own.
    """

    weight: NDArray[np.float64]
    other_name: NDArray[np.bool_]
    own: NDArray[np.bool_]
    number: NDArray[np.int8]
    personal: NDArray[np.float64]

    @classmethod
    def none(cls, pairs: int) -> Evidence:
        """Nothing yet, of so many pairs."""
        return cls(
            np.zeros(pairs), np.zeros(pairs, bool), np.zeros(pairs, bool), np.zeros(pairs, np.int8), np.zeros(pairs)
        )

    def add(self, places: NDArray[np.int64], found: Evidence) -> None:
        """Add what is known further of the pairs at some positions, which are distinct."""
        self.weight[places] += found.weight
        self.other_name[places] |= found.other_name
        self.own[places] |= found.own
        self.number[places] += found.number
        self.personal[places] += found.personal

    @classmethod
    def of(cls, weighed: Sequence[Weighed], places: NDArray[np.integer]) -> Evidence:
        """What one column says of pairs.

        Args:
            weighed: of any two things that meet.
            places: for each pair the two things that meet in it.
        """
        values = np.array(weighed, float).reshape(-1, len(Weighed._fields))[places]
        weight, other_name, own, number, personal = values.T
        return cls(weight, other_name > 0, own > 0, number.astype(np.int8), personal)

    def judgements(self, judge: IdentityJudge) -> Judgements:
        """What it says of each pair by itself."""
        score = self.weight + judge.bias
        if not judge.is_taught:
            most = np.where(self.number == SAME, judge.number_odds + self.personal, judge.most_of_others)
            score = np.where(self.other_name & ~self.own, np.minimum(score, most), score)
        return Judgements(score, self.other_name)


def judge_list(
    judge: IdentityJudge,
    collect: Callable[[IdentityJudge], Evidence],
    records: Callable[[NDArray[np.int64]], Iterable[tuple[Record, Record]]],
) -> tuple[Judgements, IdentityJudge]:
    """What counted evidence says of all candidates of a list, and a judge that says the same of single pairs.

    Where personal numbers are a person's own, they teach the weights (see `taught_by_numbers`). Otherwise the fitted
    weights hold, given how rare matches are (see `rarity`).

    Args:
        judge: with the fitted weights.
        collect: gives the evidence of all candidates as a judge weighs it.
        records: those of the candidates at some positions.
    """
    evidence = collect(judge)
    share = share_of_one(evidence.personal[evidence.number == SAME])
    if share >= OWN:
        places, standing_for = labelled_sample(evidence.number)
        judge = taught_by_numbers(judge, list(records(places)), standing_for, share)
        return collect(judge).judgements(judge), judge
    odds = math.log(share / (1 - share))
    shift = rarity(evidence.judgements(judge.informed(0.0, odds)).score)
    judge = judge.informed(shift, odds)
    return evidence.judgements(judge), judge


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
        weigh: what two things say that meet.
    """

    left: HeldColumn[Any]
    right: HeldColumn[Any]
    weigh: Callable[[Any, Any], Weighed]

    def add(self, pairs: NDArray[np.integer], start: int, found: Evidence) -> None:
        """Add what the columns say of some pairs, the first of which is at `start`; any two things that meet are
        compared once."""
        ours, theirs = self.left.numbers[pairs[:, 0]], self.right.numbers[pairs[:, 1]]
        both = np.flatnonzero((ours >= 0) & (theirs >= 0))
        width = max(len(self.right.distinct), 1)
        met, places = np.unique(ours[both] * width + theirs[both], return_inverse=True)
        weighed = [
            self.weigh(self.left.distinct[one], self.right.distinct[two])
            for one, two in zip((met // width).tolist(), (met % width).tolist(), strict=True)
        ]
        found.add(start + both, Evidence.of(weighed, places))


def judge_many(
    judge: IdentityJudge,
    left: pl.DataFrame,
    right: pl.DataFrame,
    pairs: NDArray[np.integer],
) -> Evidence:
    """What counted evidence says of many pairs; its judgements are those of `IdentityJudge.judge`, pair by pair.

    Args:
        judge: of the records' tables.
        left, right: records of either table, every value a string or null; the same ones twice in one table.
        pairs: rows of `left` and of `right`, one line a pair; those near one another in it should share rows.
    """
    found = Evidence.none(len(pairs))
    compared = list(_compared(judge, left, right))
    for start in range(0, len(pairs), _AT_ONCE):
        for columns in compared:
            columns.add(pairs[start : start + _AT_ONCE], start, found)
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
        yield _Compared(one, two, partial(judge.weigh_details, name))
