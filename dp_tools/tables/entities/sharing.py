"""Which records of a register share rare keys with those that arrive, and how common anything in it is."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sparse_dot_topn import sp_matmul_topn

from dp_tools.tables.entities.register_file import in_parts

Ints = NDArray[np.int64]
CountTable = Literal["counts", "grams"]


def hashed(text: str) -> int:
    """48 bits of a text, which SQLite keeps in six bytes."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).digest(), "big", signed=True)


class Counts(dict[int, int]):
    """How many records hold something, read where it is asked for.

    Args:
        connection: of the register.
        table: where they are counted.
        arriving: the counts of records that are not in the register yet.
    """

    def __init__(
        self, connection: sqlite3.Connection, table: CountTable, arriving: Mapping[int, int] | None = None
    ) -> None:
        super().__init__()
        self._query = f"SELECT item, count FROM {table} WHERE item IN ({{}})"
        self._connection, self._arriving = connection, arriving or {}

    def __missing__(self, item: int) -> int:
        self._read([item])
        return self[item]

    def of(self, items: NDArray[np.integer]) -> Ints:
        """The counts of many."""
        distinct, places = np.unique(items, return_inverse=True)
        self._read([item for item in distinct.tolist() if item not in self])
        return np.array([self[item] for item in distinct.tolist()], np.int64)[places]

    def _read(self, items: list[int]) -> None:
        self.update((item, self._arriving.get(item, 0)) for item in items)
        for item, count in in_parts(self._connection, self._query, items):
            self[item] += count


def add_counts(connection: sqlite3.Connection, table: CountTable, counts: Mapping[int, int]) -> None:
    """Count what came."""
    connection.executemany(
        f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT (item) DO UPDATE SET count = count + excluded.count",
        sorted(counts.items()),
    )


@dataclass(frozen=True, slots=True)
class Keyed:
    """Keys of records: one entry a key in each array.

    Args:
        places: the position of the record.
        keys: the key.
    """

    places: Ints
    keys: Ints

    @classmethod
    def of(cls, keys: Iterable[Iterable[int]]) -> Keyed:
        """The keys of records, one after the other."""
        pairs = [(place, key) for place, own in enumerate(keys) for key in own]
        places, found = np.array(pairs, np.int64).reshape(-1, 2).T
        return cls(places, found)


def rarest(grams: sp.csr_matrix, counts: Ints, most: int) -> Keyed:
    """The rarest 3-grams of each text.

    Args:
        grams: texts by 3-grams.
        counts: how common each entry's 3-gram is.
        most: how many of a text.
    """
    rows = np.repeat(np.arange(grams.shape[0]), np.diff(grams.indptr))
    order = np.lexsort((grams.indices, counts, rows))
    kept = order[np.arange(len(order)) - grams.indptr[rows[order]] < most]
    return Keyed(rows[kept], grams.indices[kept].astype(np.int64))


def sharing(
    connection: sqlite3.Connection, numbers: Ints, asked: Keyed, own: Keyed, crowd: int, most: int
) -> tuple[Ints, Ints]:
    """The records that share most with each arriving one, as pairs of record numbers, the arriving one first.

    Args:
        connection: of the register.
        numbers: of the arriving records.
        asked: the keys that they are looked up by.
        own: the keys that they will be found by.
        crowd: records that may share a key; what a commoner one says does not count.
        most: records for each.
    """
    keys = np.unique(asked.keys)
    query = "SELECT record FROM keys WHERE key = ? LIMIT ?"
    found = [connection.execute(query, (key, crowd + 1)).fetchall() for key in keys.tolist()]
    among = np.isin(own.keys, keys)
    key_of = np.r_[np.repeat(np.arange(len(keys)), list(map(len, found))), np.searchsorted(keys, own.keys[among])]
    records = np.r_[np.array([record for rows in found for (record,) in rows], np.int64), numbers[own.places[among]]]
    distinct, columns = np.unique(records, return_inverse=True)
    holders = sp.csr_matrix((np.ones(len(records), np.float32), (key_of, columns)), shape=(len(keys), len(distinct)))
    holders.data[:] = 1  # a record that arrives again stands in the register already
    sizes = np.diff(holders.indptr)
    every = records_of(connection) + len(numbers) + 1
    told = np.where((sizes > 1) & (sizes <= crowd), np.log(every / (sizes + 1)) + 1, 0)
    keys_asked = np.searchsorted(keys, asked.keys)
    weights = sp.csr_matrix(
        (told[keys_asked].astype(np.float32), (asked.places, keys_asked)), shape=(len(numbers), len(keys))
    )
    weights.eliminate_zeros()
    # Each record shares all with itself.
    shared = sp_matmul_topn(weights, holders, top_n=most + 1).tocoo()
    ours, theirs = numbers[shared.row], distinct[shared.col]
    apart = ours != theirs
    return ours[apart], theirs[apart]


def records_of(connection: sqlite3.Connection) -> int:
    """About how many records there are; to count them would read them all."""
    (last,) = connection.execute("SELECT coalesce(max(record), 0) FROM records").fetchone()
    return int(last)


def count_all(items: Iterable[Iterable[str]]) -> Counter[int]:
    """How many of these hold what."""
    return Counter(hashed(item) for own in items for item in set(own))
