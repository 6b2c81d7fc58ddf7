"""The blocking index of a register: the records that are worth comparing with one that arrives, at a cost that depends
on that record and not on how many there are.

Records of people, companies and addresses are found by the keys of `dp_tools.profiling.identity`, all others by their
rarer words.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from dp_tools.profiling.identity import IdentityJudge, Layout, keys_of, tokens_of
from dp_tools.profiling.identity.layout import Slot
from dp_tools.records import Record, is_missing
from dp_tools.tables.match.blocking import SHARE_OF_BEST, TOP
from dp_tools.tables.match.shared_keys import CROWD

_WORD = re.compile(r"\w+")
_WORDS_CROWD = 200
"""Records that may share a word; a commoner one tells too little."""
_MOST = 20
"""Candidates that a record has by keys at the most, so that its cost does not grow with the register."""
_LEAST_ALIKE = 0.2
"""Share of a record's weighted words that a candidate has at least."""


@dataclass(frozen=True)
class Index:
    """Finds the candidates of records.

    Args:
        shown: the columns that are compared.
        layout: how they say who a record is; None where records are no people, companies or addresses.
    """

    shown: tuple[str, ...]
    layout: Layout | None

    def keys(self, record: Record) -> frozenset[int]:
        """The keys of a record."""
        if self.layout is not None:
            return frozenset(map(_hash, keys_of(self.layout, record)))
        texts = (record.get(name) for name in self.shown)
        return frozenset(
            _hash(f"word {word}")
            for text in texts
            if text is not None and not is_missing(text)
            for word in _WORD.findall(text.casefold())
        )

    def add(self, connection: sqlite3.Connection, records: Mapping[int, Record]) -> None:
        """Make records findable, by their numbers."""
        rows = [(key, number) for number, record in records.items() for key in sorted(self.keys(record))]
        connection.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", rows)
        counts = Counter(token for record in records.values() for token in self._tokens(record).values())
        connection.executemany(
            "INSERT INTO counts VALUES (?, ?) ON CONFLICT (token) DO UPDATE SET count = count + excluded.count",
            counts.items(),
        )

    def judge(
        self, connection: sqlite3.Connection, records: Iterable[Record], arriving: Iterable[Record] = ()
    ) -> IdentityJudge | None:
        """What judges pairs among records, which knows how common in the whole register their values are.

        Args:
            connection: of the register.
            records: all records of the pairs.
            arriving: those of them that are not in the register yet.
        """
        if self.layout is None:
            return None
        tokens: dict[tuple[Slot, str], int] = {}
        for record in records:
            tokens |= self._tokens(record)
        known = Counter(token for record in arriving for token in self._tokens(record))
        for token, number in tokens.items():
            row = connection.execute("SELECT count FROM counts WHERE token = ?", (number,)).fetchone()
            known[token] += 0 if row is None else row[0]
        return IdentityJudge(self.layout, self.layout, known)

    def candidates(
        self, connection: sqlite3.Connection, arriving: Mapping[int, frozenset[int]], count: int
    ) -> dict[tuple[int, int], float]:
        """The pairs of arriving records with each other and with those in the index, each with a likeness of 0 to 1.

        Args:
            connection: of the register.
            arriving: the keys of each arriving record.
            count: the records in the register.
        """
        crowd = CROWD if self.layout is not None else _WORDS_CROWD
        among: defaultdict[int, list[int]] = defaultdict(list)
        for number, keys in arriving.items():
            for key in keys:
                among[key].append(number)
        holders = {key: _holders(connection, key, numbers, crowd) for key, numbers in among.items()}
        found: dict[tuple[int, int], float] = {}
        for number, keys in arriving.items():
            weights = {key: math.log((count + 1) / (len(holders[key]) + 1)) + 1 for key in keys if holders[key]}
            likeness: defaultdict[int, float] = defaultdict(float)
            for key, weight in weights.items():
                for other in holders[key]:
                    likeness[other] += weight
            likeness.pop(number, None)
            total = sum(weights.values()) or 1.0
            for other, weight in self._nearest(likeness, total):
                pair = (min(number, other), max(number, other))
                found[pair] = max(found.get(pair, 0.0), weight)
        return found

    def _nearest(self, likeness: Mapping[int, float], total: float) -> Sequence[tuple[int, float]]:
        """Of the records that share keys those that are candidates: the ones that share most."""
        shares = sorted(((other, weight / total) for other, weight in likeness.items()), key=_most_first)
        if self.layout is not None:
            return shares[:_MOST]
        best = shares[:TOP]
        least = max(_LEAST_ALIKE, SHARE_OF_BEST * best[0][1]) if best else 0.0
        return [share for share in best if share[1] >= least]

    def _tokens(self, record: Record) -> dict[tuple[Slot, str], int]:
        if self.layout is None:
            return {}
        return {token: _hash(" ".join(token)) for token in tokens_of(self.layout, record)}


def _most_first(share: tuple[int, float]) -> tuple[float, int]:
    return -share[1], share[0]


def _holders(connection: sqlite3.Connection, key: int, arriving: Collection[int], crowd: int) -> list[int]:
    """The records that have a key; none where too many have it."""
    rows = connection.execute("SELECT record FROM keys WHERE key = ? LIMIT ?", (key, crowd + 1)).fetchall()
    every = sorted({record for (record,) in rows}.union(arriving))
    return every if 1 < len(every) <= crowd else []


def _hash(text: str) -> int:
    """64 bits of a text, as SQLite keeps whole numbers."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)
