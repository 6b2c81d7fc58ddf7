"""Pairs of things, such as the products of two shops: a model's word is weighed beside the rivals of either record.

A small model that never saw these shops misses equal things under other words, and takes one size or variant for
another. But where each record has one counterpart at most, the one that shares the most rare marks with it, and is
shared with by no other as much, is mostly the right one. Those pairs that stand out show how careful the model is with
these tables, and records of one shop that differ in one mark alone show which marks tell things apart: a colour, a
maker, GSR and GSB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from dp_tools.engine.parts import Here, InParts
from dp_tools.profiling.log_odds import log_odds, logistic
from dp_tools.profiling.marks import gtins_of, marks_of, model_numbers
from dp_tools.progress import Stage
from dp_tools.tables.match.blocking import Candidates
from dp_tools.tables.match.rivals import rival_features
from dp_tools.tables.match.shared_keys import Keys, sharing_a_key
from dp_tools.tables.snapshot import ROW, Table

SAME_GTIN = "By counted evidence: both state the same GTIN."
CERTAIN = 0.99
"""Probability of a match of two records with the same GTIN."""
CONTRADICTED = "The two state different amounts of one measure, or different numbers, which speaks against a match."
OUTDONE = (
    "The model says yes, but another record is more alike, or a word differs that tells things of one table apart."
)
STANDS_OUT = "The model doubts it, but no other record is as much like either of the two."
_DIFFERENT = -4.0
"""Log-odds that different amounts or numbers add."""
_STILL = 0.2
"""Probability of a match that they leave at the most."""
_MARGIN = 6.0
"""Log-odds that a margin of one would add; the weights were chosen on lists in `lab/results/2026-11-29/things.md`."""
_MOST = 0.25
"""Margin beyond which more says nothing further."""
_CLEAR = 0.1
"""Margin from which on a pair stands out."""
_USUAL = 1.5
"""Mean log-odds that the model gives pairs that stand out where it knows such records."""
_DENIED = -2.0
"""Log-odds up to which the model denies a pair, so that it tells nothing of how careful it is."""
_ASSUMED = 1.0
"""Usual pairs that are assumed beside those that are seen, so that few say little."""
_EXTREME = 4.0
"""Log-odds beyond which one answer weighs no more."""
_APART = -1.25
"""Log-odds that two marks add which tell things apart, one on either side."""
_CHUNK = 20_000


class Common(NamedTuple):
    """What pairs of records have in common, an entry a pair.

    Args:
        alike: of the weight of the marks of both the part that both have, 0 to 1; rare marks weigh more.
        apart: whether either has a mark that tells things apart and the other does not have.
    """

    alike: NDArray[np.float32]
    apart: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Things:
    """What the records of one table or two say of the things that they are, each list with an entry a table.

    Args:
        marks: see `marks_of`; empty where they were not read.
        keys: GTINs and model numbers; records that share one are candidates.
        gtins: GTINs alone.
        numbers: the record numbers, in file order.
    """

    marks: list[Keys]
    keys: list[Keys]
    gtins: list[Keys]
    numbers: list[NDArray[np.int64]]

    def common(self, found: Candidates) -> Common:
        """What the records of each candidate have in common."""
        return common_marks(self.marks[0], self.marks[-1], *self._positions(found))

    def share_a_gtin(self, found: Candidates) -> NDArray[np.bool_]:
        """Which candidates state the same GTIN, if few records state it."""
        rows, columns = self._positions(found)
        width = len(self.numbers[-1])
        ours, theirs = sharing_a_key(*self.gtins)
        same: NDArray[np.bool_] = np.isin(rows * width + columns, ours.astype(np.int64) * width + theirs)
        return same

    def _positions(self, found: Candidates) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The position of either record of each candidate in its table."""
        return (
            np.searchsorted(self.numbers[0], found.left).astype(np.int64),
            np.searchsorted(self.numbers[-1], found.right).astype(np.int64),
        )


def things_of(
    tables: Sequence[Table],
    shown: Sequence[Sequence[str]],
    stage: Stage,
    in_parts: InParts | None = None,
    *,
    marked: bool,
) -> Things:
    """Read what the records of one table or two say of the things that they are.

    Args:
        tables: one, or two.
        shown: the columns of each that are compared.
        stage: gives the progress of a stage by its name; it may raise to stop.
        in_parts: where records are read (default: in this process).
        marked: whether to read their marks, too; of a large table they take room.
    """
    look = stage("reading marks")
    total, done = sum(table.count for table in tables), 0
    found = Things([], [], [], [])
    for table, names in zip(tables, shown, strict=True):
        read = Keys(), Keys(), Keys()
        for part in (in_parts or Here())(_read, marked, table.only(names).frames()):
            for keys, more in zip(read, part, strict=True):
                keys.add_all(more)
            done += len(part[0])
            look(done, total)
        for kept, keys in zip((found.marks, found.keys, found.gtins), read, strict=True):
            kept.append(keys)
        found.numbers.append(table.scan([]).collect()[ROW].to_numpy().astype(np.int64))
    return found


def _read(marked: bool, records: pl.DataFrame) -> tuple[Keys, Keys, Keys]:
    """The marks, the keys and the GTINs of each record; without marks, none are read."""
    marks, keys, gtins = Keys(), Keys(), Keys()
    for record in records.iter_rows(named=True):
        stated = gtins_of(record)
        marks.add(marks_of(record) if marked else ())
        keys.add(stated | model_numbers(record))
        gtins.add(stated)
    return marks, keys, gtins


def common_marks(left: Keys, right: Keys, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Common:
    """What pairs of records have in common.

    Args:
        left, right: the marks of the records of two tables.
        rows, columns: a record of either for each pair, by position.
    """
    hashes, places = np.unique(np.concatenate([left.hashes, right.hashes]), return_inverse=True)
    ours, theirs = (
        sp.csr_matrix((np.ones(len(part), np.float32), (side.records, part)), shape=(len(side), len(hashes)))
        for side, part in ((left, places[: len(left.hashes)]), (right, places[len(left.hashes) :]))
    )
    rarity = np.log(1 + (len(left) + len(right)) / np.bincount(places, minlength=len(hashes)))
    tells = np.isin(hashes, np.r_[telling_marks(left), telling_marks(right)])
    weights = np.column_stack([rarity, tells]).astype(np.float32)
    shared = np.empty((len(rows), 2), np.float32)
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        shared[part] = ours[rows[part]].multiply(theirs[columns[part]]) @ weights
    of_left, of_right = (ours @ weights)[rows], (theirs @ weights)[columns]
    every = of_left[:, 0] + of_right[:, 0] - shared[:, 0]
    return Common(
        alike=shared[:, 0] / np.maximum(every, np.finfo(np.float32).tiny),
        apart=(of_left[:, 1] > shared[:, 1]) & (of_right[:, 1] > shared[:, 1]),
    )


def telling_marks(marks: Keys) -> NDArray[np.int64]:
    """The hashes of the marks that tell things of one table apart: two records are the same but for one mark each."""
    hashes, records = marks.hashes.view(np.uint64), marks.records
    sums = np.r_[np.zeros(1, np.uint64), np.cumsum(hashes)]
    ends = np.searchsorted(records, np.arange(len(marks) + 1))
    # What a record says besides a mark, as one number; sums of hashes wrap around.
    besides = (sums[ends[1:]] - sums[ends[:-1]])[records] - hashes
    order = np.lexsort((hashes, besides))
    hashes, besides = hashes[order], besides[order]
    first = np.flatnonzero((besides[1:] == besides[:-1]) & (hashes[1:] != hashes[:-1]))
    found: NDArray[np.int64] = np.unique(hashes[np.r_[first, first + 1]]).view(np.int64)
    return found


def beside_rivals(
    match: NDArray[np.float64], answered: NDArray[np.bool_], found: Candidates, common: Common
) -> NDArray[np.float64]:
    """The probability that each pair matches, a model's word, the rivals of both records and telling marks together.

    Args:
        match: by the model, or by what its answers taught.
        answered: which pairs have it; only those are weighed.
        found: all candidates of two tables in which a record has one counterpart at most.
        common: what the records of each have in common.
    """
    standing = rival_features(replace(found, similarity=common.alike), shared=False)
    margin = np.minimum(standing.column("margin left"), standing.column("margin right")).astype(np.float64)
    odds = log_odds(match)
    telling = np.clip(odds[answered & (margin > _CLEAR) & (odds > _DENIED)], -_EXTREME, _EXTREME)
    too_careful = max(0.0, float((_USUAL - telling).sum()) / (len(telling) + _ASSUMED))
    counted = too_careful + _MARGIN * np.clip(margin, -_MOST, _MOST) + _APART * common.apart
    return np.where(answered, logistic(odds + counted), match)


def once_contradicted(match: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left of these probabilities where the two records contradict each other in amounts or numbers.

    However sure the model is, it is not enough for a match, but for a person's look.
    """
    return np.minimum(logistic(log_odds(match) + _DIFFERENT), _STILL)
