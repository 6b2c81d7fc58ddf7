"""The blocking index of a register: the records that are worth comparing with those that arrive, at a cost that depends
on these and not on how many there are.

As where a table is deduplicated at once, candidates are the records that are most similar by 3-grams, and those that
share a key of `dp_tools.profiling.identity` where records are people, companies or addresses; others are found by their
words, too. Of a record's 3-grams only the rarest are indexed, as in prefix filtering for similarity joins (Chaudhuri,
Ganti, Kaushik: "A primitive operator for similarity joins in data cleaning", ICDE 2006); similarity counts all of them.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from dp_tools.profiling.identity import (
    Details,
    IdentityJudge,
    Layout,
    Sample,
    Slot,
    keys_of,
    likely_keys,
    shared_details,
    tokens_of,
)
from dp_tools.records import Record
from dp_tools.tables.entities.grouping import Pair
from dp_tools.tables.entities.record_values import RecordValues, Row
from dp_tools.tables.entities.sharing import (
    Counts,
    Ints,
    Keyed,
    add_counts,
    count_all,
    hashed,
    rarest,
    records_of,
    sharing,
)
from dp_tools.tables.match.blocking import LEAST_ALIKE, TOP, cosines, near_best, text_grams, weigh
from dp_tools.tables.match.shared_keys import CROWD

_WORD = re.compile(r"\w+")
_WORDS_CROWD = 200
"""Records that may share a word or an indexed 3-gram; a commoner one tells too little."""
_MOST = 20
"""Candidates that a record has by keys at the most, so that its cost does not grow with the register."""
_COUNTED = 30
"""Records of which the similarity is counted, at the most: those that share most of the indexed 3-grams."""
_GRAMS = 10
"""Indexed 3-grams of a record that has keys of identity, too."""
_GRAMS_ALONE = 16
"""Indexed 3-grams of any other record."""


@dataclass(frozen=True)
class Index:
    """Finds the candidates of records.

    Args:
        shown: the columns that are compared.
        layout: how they say who a record is; None where records are no people, companies or addresses.
    """

    shown: tuple[str, ...]
    layout: Layout | None

    def add(self, connection: sqlite3.Connection, records: Mapping[int, Record]) -> None:
        """Make records findable, by their numbers."""
        grams = self._grams(records.values())
        add_counts(connection, "grams", Counter(grams.indices.tolist()))
        add_counts(connection, "counts", count_all(map(self._tokens, records.values())))
        numbers = np.fromiter(records, np.int64)
        rows: list[tuple[int, int]] = []
        counts = Counts(connection, "grams")
        for keyed in (self._keyed(records.values()), rarest(grams, counts.of(grams.indices), self._indexed)):
            rows += zip(keyed.keys.tolist(), numbers[keyed.places].tolist(), strict=True)
        connection.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", sorted(rows))

    def judge(
        self, values: RecordValues, records: Iterable[int] = (), arriving: Iterable[Record] = ()
    ) -> IdentityJudge | None:
        """What judges pairs of records, which knows how common in the whole register their values are.

        Args:
            values: of the register.
            records: those by which further columns are weighed.
            arriving: records that are not in the register yet.
        """
        if self.layout is None:
            return None
        names = shared_details(self.layout, self.layout)
        sample = Sample(names)
        for record in values.of(sorted(records) if names else ()).values():
            sample.add(record, likely_keys(self.layout, tokens_of(self.layout, record)))
        counts = _TokenCounts(Counts(values.connection, "counts", count_all(map(self._tokens, arriving))))
        return IdentityJudge(self.layout, self.layout, counts, Details(names, sample if sample.records else None))

    def candidates(self, values: RecordValues, arriving: Mapping[int, Row]) -> dict[Pair, float]:
        """The pairs of arriving records with each other and with those in the index, each with its cosine, 0 to 1.

        Args:
            values: of the register.
            arriving: the records by their numbers.
        """
        connection, numbers = values.connection, np.fromiter(arriving, np.int64)
        keyed = self._keyed(arriving.values())
        crowd = CROWD if self.layout is not None else _WORDS_CROWD
        by_keys = sharing(connection, numbers, keyed, keyed, crowd, _MOST)
        grams = self._grams(arriving.values())
        counts = Counts(connection, "grams", Counter(grams.indices.tolist()))
        # More 3-grams are looked up than are indexed: which are rarest has changed since a record came.
        asked, own = (rarest(grams, counts.of(grams.indices), most) for most in (self._indexed * 3 // 2, self._indexed))
        by_grams = sharing(connection, numbers, asked, own, _WORDS_CROWD, _COUNTED)
        ours, theirs = (np.r_[one, two] for one, two in zip(by_grams, by_keys, strict=True))
        likeness = self._likeness(values, counts, ours, theirs)
        kept = np.ones(len(ours), bool)
        of_grams = slice(len(by_grams[0]))
        kept[of_grams] = _most_alike(ours[of_grams], theirs[of_grams], likeness[of_grams])
        pairs = np.sort(np.column_stack([ours, theirs])[kept], axis=1)
        return {(one, two): cosine for (one, two), cosine in zip(pairs.tolist(), likeness[kept].tolist(), strict=True)}

    @property
    def _indexed(self) -> int:
        """How many 3-grams of a record are indexed."""
        return _GRAMS_ALONE if self.layout is None else _GRAMS

    def _keyed(self, records: Iterable[Record]) -> Keyed:
        """The keys of records: of their identity, or their words."""
        return Keyed.of({hashed(key) for key in self._keys(record)} for record in records)

    def _keys(self, record: Record) -> Iterable[str]:
        if self.layout is not None:
            return keys_of(self.layout, record)
        return (f"word {word}" for word in _WORD.findall(self._text(record).casefold()))

    def _tokens(self, record: Record) -> Iterator[str]:
        """What a record holds that may be common."""
        return iter(()) if self.layout is None else map(" ".join, tokens_of(self.layout, record))

    def _text(self, record: Record) -> str:
        return " ".join(value for name in self.shown if (value := record.get(name)) is not None)

    def _grams(self, records: Iterable[Record]) -> sp.csr_matrix:
        return text_grams([self._text(record).lower() for record in records])

    def _likeness(self, values: RecordValues, counts: Counts, ours: Ints, theirs: Ints) -> NDArray[np.float32]:
        """The cosine of each pair by all 3-grams, weighted by how rare these are."""
        numbers, places = np.unique(np.r_[ours, theirs], return_inverse=True)
        grams = self._grams(values.of(numbers.tolist()).values())
        columns, compact = np.unique(grams.indices, return_inverse=True)
        matrix = sp.csr_matrix((grams.data, compact, grams.indptr), shape=(len(numbers), len(columns)))
        weigh(matrix, counts.of(columns), records_of(values.connection))
        return cosines(matrix, matrix, places[: len(ours)], places[len(ours) :])


@dataclass(frozen=True, slots=True)
class _TokenCounts:
    """How many records hold a token of a slot."""

    counts: Counts

    def __getitem__(self, token: tuple[Slot, str]) -> int:
        return self.counts[hashed(" ".join(token))]


def _most_alike(ours: Ints, theirs: Ints, likeness: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pairs are among the most similar ones of an arriving record, as `candidate_pairs` keeps them."""
    order = np.lexsort((theirs, -likeness, ours))
    starts = np.searchsorted(ours[order], ours[order])
    kept = np.zeros(len(ours), bool)
    kept[order[np.arange(len(order)) - starts < TOP]] = True
    kept &= likeness >= LEAST_ALIKE
    _, places = np.unique(np.r_[ours[kept], theirs[kept]], return_inverse=True)
    rows, columns = places.reshape(2, -1)
    kept[kept] = near_best(rows, columns, likeness[kept], shared=True)
    return kept
