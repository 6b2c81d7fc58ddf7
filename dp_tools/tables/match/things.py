"""Pairs of things, such as the products of two shops: a model's word is weighed beside the rivals of either record.

A small model that never saw these shops misses equal things under other words, and takes one size or variant for
another. But where each record has one counterpart at most, the one that shares the most rare marks with it, and is
shared with by no other as much, is mostly the right one; and those pairs that stand out show how careful the model is
with these tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
OUTDONE = "The model says yes, but another record has more in common with one of the two."
STANDS_OUT = "The model doubts it, but no other record has as much in common with either of the two."
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
_CHUNK = 20_000


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

    def alike(self, found: Candidates) -> NDArray[np.float32]:
        """The `likeness` of each candidate."""
        return likeness(self.marks[0], self.marks[-1], *self._positions(found))

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


def likeness(left: Keys, right: Keys, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """How much of what two records say is the same: of the weight of their marks the part that both have, 0 to 1.

    Args:
        left, right: the marks of the records of either table; rare ones weigh more (see `Idf`).
        rows, columns: a record of either for each pair, by position.
    """
    hashes, places = np.unique(np.concatenate([left.hashes, right.hashes]), return_inverse=True)
    weights = np.log(1 + (len(left) + len(right)) / np.bincount(places, minlength=len(hashes))).astype(np.float32)
    ours, theirs = (
        sp.csr_matrix((weights[part], (side.records, part)), shape=(len(side), len(hashes)))
        for side, part in ((left, places[: len(left.hashes)]), (right, places[len(left.hashes) :]))
    )
    total = ours.sum(axis=1).A1[rows] + theirs.sum(axis=1).A1[columns]
    theirs.data[:] = 1
    shared = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        shared[part] = ours[rows[part]].multiply(theirs[columns[part]]).sum(axis=1).A1
    found: NDArray[np.float32] = shared / np.maximum(total - shared, np.finfo(np.float32).tiny)
    return found


def beside_rivals(
    match: NDArray[np.float64], answered: NDArray[np.bool_], found: Candidates, alike: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The probability that each pair matches, a model's word and the rivals of both records together.

    Args:
        match: by the model, or by what its answers taught.
        answered: which pairs have it; only those are weighed.
        found: all candidates of two tables in which a record has one counterpart at most.
        alike: of each the `likeness`.
    """
    standing = rival_features(replace(found, similarity=alike), shared=False)
    margin = np.minimum(standing.column("margin left"), standing.column("margin right")).astype(np.float64)
    odds = log_odds(match)
    telling = np.clip(odds[answered & (margin > _CLEAR) & (odds > _DENIED)], -_EXTREME, _EXTREME)
    too_careful = max(0.0, float((_USUAL - telling).sum()) / (len(telling) + _ASSUMED))
    return np.where(answered, logistic(odds + too_careful + _MARGIN * np.clip(margin, -_MOST, _MOST)), match)


def once_contradicted(match: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left of these probabilities where the two records contradict each other in amounts or numbers.

    However sure the model is, it is not enough for a match, but for a person's look.
    """
    return np.minimum(logistic(log_odds(match) + _DIFFERENT), _STILL)
