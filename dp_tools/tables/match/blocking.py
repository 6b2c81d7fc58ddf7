"""Blocking: the few pairs of two tables (or of one with itself) that are worth asking the model about.

Records are bags of character 3-grams weighted by TF-IDF, and each record keeps its most similar ones by cosine; that
beats learned blockers (Paulsen, Govind, Doan: "Sparkly", VLDB 2023). The top-k product is sparse_dot_topn's.
"""

from __future__ import annotations

import re
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from sparse_dot_topn import sp_matmul_topn

from dp_tools.engine.parts import Here, InParts
from dp_tools.errors import Cancelled
from dp_tools.progress import Progress
from dp_tools.tables.identity_columns import contents
from dp_tools.tables.match.shared_keys import Keys, sharing_a_key
from dp_tools.tables.snapshot import ROW, Table

TOP = 10
"""How many most similar records of the other table a record keeps."""
SHARE_OF_BEST = 0.45
"""A candidate is at least this share as similar as either record's best one."""
LEAST_ALIKE = 0.15
"""Cosine below which two records are no candidates, however alone they are."""
POSTINGS = 20_000_000_000
"""Entries of the index that all records together may touch; in large tables only each record's rarest 3-grams are
looked up, so that the time grows with the number of records and not with its square."""
_LEAST = 20_000
"""Entries that a record may touch in any case."""
_BUCKETS = 2**20
_CHUNK = 20_000
_COUNTED = 2**23
_QUERIES = _CHUNK // 10
_BLOCK = 2**17
"""Records of the index that are looked up at once: the sums of so many stay in the processor's cache, which halves the
time of a million records, and the turned index of a large table never stands in memory whole."""
_Pairs = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]
"""Rows and columns of pairs, and their cosines."""
_NOT_WORD = re.compile(r"[\W_]+")
_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidate pairs as record numbers, most similar first for each left record.

    Args:
        left, right: record numbers, one entry a pair. When a table is blocked with itself, left < right.
        similarity: cosine of each pair, 0 to 1.
        left_count, right_count: records of the two tables.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    similarity: NDArray[np.float32]
    left_count: int
    right_count: int

    def __len__(self) -> int:
        return len(self.left)

    def at(self, places: NDArray[np.int64]) -> Candidates:
        """The pairs at some positions."""
        return replace(self, left=self.left[places], right=self.right[places], similarity=self.similarity[places])

    @property
    def per_record(self) -> float:
        """Candidates per record of the larger table."""
        return len(self) / max(self.left_count, self.right_count, 1)

    def recall(self, matches: Sequence[tuple[int, int]]) -> float:
        """Share of these known matches (as record numbers) that are among the candidates."""
        found = set(zip(self.left.tolist(), self.right.tolist(), strict=True))
        return sum(pair in found for pair in matches) / max(len(matches), 1)


def candidate_pairs(
    left: Table,
    right: Table | None = None,
    *,
    compared: Sequence[Sequence[str]] | None = None,
    top: int = TOP,
    keys: Sequence[Keys] = (),
    besides: Sequence[tuple[int, int]] = (),
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    in_parts: InParts | None = None,
) -> Candidates:
    """The pairs worth a question.

    Args:
        left: a table.
        right: the other table; None finds candidates for duplicates inside `left`.
        compared: the columns of each table to compare on (default: see `contents`).
        top: how many most similar records each record keeps, seen from both sides.
        keys: of each table; records that share one are candidates, too (see `sharing_a_key`).
        besides: pairs of record numbers that are candidates in any case; in one table the smaller first.
        progress: called with (records done, records in all).
        cancel: set it to stop.
        in_parts: where records are looked up (default: in this process).

    Raises:
        Cancelled: `cancel` was set.
    """
    tables = [left] if right is None else [left, right]
    chosen = compared or [content.columns for content in contents(tables, comparing=True)]
    work = _Work(sum(table.count for table in tables), progress, cancel, in_parts or Here())
    further = [sharing_a_key(*keys)] if keys else []
    matrices = [_gram_counts(table, names, work) for table, names in zip(tables, chosen, strict=True)]
    frequency = _records_with(matrices)
    for matrix in matrices:
        weigh(matrix, frequency, sum(table.count for table in tables))
    if right is None:
        found = [_folded(*work.most_similar(matrices[0], matrices[0], frequency, top + 1))]
    else:
        found = [work.most_similar(matrices[0], matrices[1], frequency, top)]
        back = work.most_similar(matrices[1], matrices[0], frequency, top)
        found.append((back[1], back[0], back[2]))
    rows, columns, scores = _distinct(found, tables[0].count)
    kept = near_best(rows, columns, scores, shared=right is None)
    rows, columns, scores = rows[kept], columns[kept], scores[kept]
    numbers = [table.scan([]).collect()[ROW].to_numpy().astype(np.int64) for table in tables]
    if besides:
        named = np.array(besides, np.int64)
        left_places, right_places = (np.searchsorted(numbers[side], named[:, side]) for side in (0, -1))
        further.append((left_places.astype(np.int32), right_places.astype(np.int32)))
    for pairs in further:
        others = _without(pairs, (rows, columns), tables[-1].count)
        likeness = cosines(matrices[0], matrices[-1], *others, work.tell)
        rows, columns, scores = np.r_[rows, others[0]], np.r_[columns, others[1]], np.r_[scores, likeness]
    matrices.clear()
    order = np.lexsort((columns, -scores, rows))
    return Candidates(
        numbers[0][rows[order]], numbers[-1][columns[order]], scores[order], tables[0].count, tables[-1].count
    )


def _gram_counts(table: Table, columns: Sequence[str], work: _Work) -> sp.csr_matrix:
    """The records of a table by their 3-grams (see `text_grams`)."""
    # Arrays that grow in place: those of all batches together would stand in memory twice while they are joined.
    weights, buckets, sizes = array("f"), array("i"), [np.zeros(1, np.int64)]
    for texts in _texts(table, columns):
        work.tell()
        block = text_grams(texts)
        weights.frombytes(block.data.tobytes())
        buckets.frombytes(block.indices.tobytes())
        sizes.append(np.diff(block.indptr))
    ends = np.cumsum(np.concatenate(sizes))
    data, indices = np.frombuffer(weights, np.float32), np.frombuffer(buckets, np.int32)
    return sp.csr_matrix((data, indices, ends), shape=(len(ends) - 1, _BUCKETS))


def _records_with(matrices: Sequence[sp.csr_matrix]) -> NDArray[np.int64]:
    """In how many records each gram occurs. Counting needs the grams as numbers of 64 bits, of a part at a time."""
    found = np.zeros(_BUCKETS, np.int64)
    for matrix in matrices:
        for start in range(0, matrix.nnz, _COUNTED):
            found += np.bincount(matrix.indices[start : start + _COUNTED], minlength=_BUCKETS)
    return found


def _texts(table: Table, columns: Sequence[str]) -> Iterator[list[str]]:
    for batch in table.scan(list(columns)).drop(ROW).collect_batches(chunk_size=_CHUNK, maintain_order=True):
        texts = batch.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True).str.to_lowercase()).to_series()
        for start in range(0, len(texts), _CHUNK):
            yield texts[start : start + _CHUNK].to_list()


def text_grams(texts: Sequence[str]) -> sp.csr_matrix:
    """Texts in lower case by hashed character 3-grams; the weight of a gram that occurs n times is 1 + log n."""
    texts = [_NOT_WORD.sub(" ", text[:_CHARACTERS]) for text in texts]
    characters = np.frombuffer("".join(f" {text} \n" for text in texts).encode("utf-32-le", "replace"), dtype=np.uint32)
    ends = characters == ord("\n")
    rows = np.cumsum(ends)
    inside = ~(ends[:-2] | ends[1:-1] | ends[2:])
    c = characters.astype(np.uint64)
    mixed = (c[:-2] << np.uint64(42)) ^ (c[1:-1] << np.uint64(21)) ^ c[2:]
    # Multiplicative hashing (Knuth): the upper bits are well mixed.
    buckets = ((mixed * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(44)).astype(np.int32)
    found = sp.csr_matrix(
        (np.ones(int(inside.sum()), np.float32), (rows[:-2][inside], buckets[inside])), shape=(len(texts), _BUCKETS)
    )
    found.sum_duplicates()
    found.data = 1 + np.log(found.data)
    return found


def weigh(matrix: sp.csr_matrix, frequency: NDArray[np.int64], records: int) -> None:
    """Turn counts into TF-IDF rows of length one, in place."""
    idf = (np.log((records + 1) / (frequency + 1)) + 1).astype(np.float32)
    for start in range(0, matrix.shape[0], _CHUNK):
        ends = matrix.indptr[start : start + _CHUNK + 1]
        part = slice(ends[0], ends[-1])
        data = matrix.data[part] * idf[matrix.indices[part]]
        rows = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        norms = np.sqrt(np.bincount(rows, weights=data.astype(np.float64) ** 2, minlength=len(ends) - 1))
        matrix.data[part] = data / np.maximum(norms[rows], 1e-12)


class _Work:
    """Products of chunks, with progress between them."""

    def __init__(
        self, total: int, progress: Progress | None, cancel: threading.Event | None, in_parts: InParts
    ) -> None:
        self.total, self.done, self.progress, self.cancel = total, 0.0, progress, cancel
        self.in_parts = in_parts

    def tell(self) -> None:
        """Say how far the work is, and stop it here if it is to stop."""
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled("Blocking was cancelled; nothing was written.")
        if self.progress is not None:
            self.progress(min(round(self.done), self.total), self.total)

    def most_similar(
        self, queries: sp.csr_matrix, index: sp.csr_matrix, frequency: NDArray[np.int64], top: int
    ) -> _Pairs:
        """Rows of `queries`, rows of `index` and cosines of each query's most similar ones."""
        budget = max(_LEAST, POSTINGS // max(queries.shape[0], 1))
        starts = range(0, queries.shape[0], _QUERIES)
        # Of a large table the queries are a large part of the matrix: which entries they hold takes a bit of each.
        kept = [np.packbits(_rarest(queries[start : start + _QUERIES], frequency, budget)) for start in starts]
        best = _Best(queries.shape[0], top)
        blocks = range(0, index.shape[0], _BLOCK)
        for block in blocks:
            looked_up = _Block(sp.csr_matrix(index[block : block + _BLOCK].T), top, self.in_parts.threads)
            self.tell()
            chunks = (
                _with_entries(queries[start : start + _QUERIES], bits) for start, bits in zip(starts, kept, strict=True)
            )
            for start, product in zip(starts, self.in_parts(_products, looked_up, chunks), strict=True):
                best.add(start, product, block)
                self.done += product.shape[0] / len(blocks)
                self.tell()
        self.tell()
        return best.pairs()


class _Block(NamedTuple):
    """Records that are looked up together.

    Args:
        turned: the records by columns.
        top: records to keep of each query.
        threads: that a chunk of queries may take.
    """

    turned: sp.csr_matrix
    top: int
    threads: int


def _products(block: _Block, queries: sp.csr_matrix) -> sp.csr_matrix:
    """The highest cosines of each query with the records of a block."""
    found = sp_matmul_topn(queries, block.turned, top_n=block.top, threshold=LEAST_ALIKE, n_threads=block.threads)
    return sp.csr_matrix(found)


class _Best:
    """The most similar records that are known of each query.

    Args:
        queries: how many there are.
        top: records to keep of each.
    """

    def __init__(self, queries: int, top: int) -> None:
        self._columns = np.zeros((queries, top), np.int32)
        self._scores = np.zeros((queries, top), np.float32)

    def add(self, start: int, product: sp.csr_matrix, offset: int) -> None:
        """Note cosines of some queries with a block of the index.

        Args:
            start: the first of the queries.
            product: at most `top` cosines in each row.
            offset: the first record of the block.
        """
        count, top = product.shape[0], self._scores.shape[1]
        part = slice(start, start + count)
        rows = np.repeat(np.arange(count), np.diff(product.indptr))
        places = np.arange(product.nnz) - product.indptr[rows]
        columns, scores = np.zeros((count, top), np.int32), np.zeros((count, top), np.float32)
        columns[rows, places], scores[rows, places] = product.indices + offset, product.data
        columns, scores = np.hstack([self._columns[part], columns]), np.hstack([self._scores[part], scores])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :top]
        self._columns[part] = np.take_along_axis(columns, order, axis=1)
        self._scores[part] = np.take_along_axis(scores, order, axis=1)

    def pairs(self) -> _Pairs:
        """Queries, records and cosines."""
        held = self._scores > 0
        rows = np.repeat(np.arange(len(held), dtype=np.int32), np.count_nonzero(held, axis=1))
        return rows, self._columns[held], self._scores[held]


def cosines(
    left: sp.csr_matrix,
    right: sp.csr_matrix,
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    tell: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """Of rows of `left` with rows of `right`, all of length one.

    Args:
        left, right: the matrices.
        rows, columns: a row of either for each cosine.
        tell: called now and then; it may raise to stop.
    """
    found = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _CHUNK):
        tell()
        part = slice(start, start + _CHUNK)
        found[part] = left[rows[part]].multiply(right[columns[part]]).sum(axis=1).ravel()
    return found


def _rarest(chunk: sp.csr_matrix, frequency: NDArray[np.int64], budget: int) -> NDArray[np.bool_]:
    """Which entries of the chunk are looked up: the rarest of each record, as many as touch no more than `budget`
    entries of the index, and two in any case."""
    rows = np.repeat(np.arange(chunk.shape[0]), np.diff(chunk.indptr))
    costs = frequency[chunk.indices]
    if not len(costs) or np.bincount(rows, weights=costs).max() <= budget:
        return np.ones(len(costs), bool)
    order = np.lexsort((costs, rows))
    sums = np.cumsum(costs[order])
    before = np.r_[0, sums][chunk.indptr[:-1]]
    place = np.arange(len(order)) - chunk.indptr[rows[order]]
    kept = np.empty(len(order), bool)
    kept[order] = (sums - before[rows[order]] <= budget) | (place < 2)
    return kept


def _with_entries(chunk: sp.csr_matrix, bits: NDArray[np.uint8]) -> sp.csr_matrix:
    """The chunk with those of its entries that have a bit."""
    kept = np.unpackbits(bits, count=chunk.nnz).astype(bool)
    ends = np.r_[0, np.cumsum(kept)][chunk.indptr].astype(chunk.indptr.dtype)
    return sp.csr_matrix((chunk.data[kept], chunk.indices[kept], ends), shape=chunk.shape)


def _folded(rows: NDArray[np.int32], columns: NDArray[np.int32], scores: NDArray[np.float32]) -> _Pairs:
    """Pairs of a table with itself, the smaller record first; a record is no pair with itself."""
    apart = rows != columns
    rows, columns, scores = rows[apart], columns[apart], scores[apart]
    return np.minimum(rows, columns), np.maximum(rows, columns), scores


def _distinct(found: list[_Pairs], records: int) -> _Pairs:
    """Each pair once, with its highest similarity, sorted by row and column.

    Args:
        found: pairs; they are let go of, and sorted in parts: both would double what a large table takes.
        records: how many rows there are.
    """
    parts: list[_Pairs] = []
    for start in range(0, max(records, 1), _BLOCK):
        here = [_within(pairs, start, start + _BLOCK) for pairs in found]
        rows, columns, scores = (np.concatenate(part) for part in zip(*here, strict=True))
        order = np.lexsort((-scores, columns, rows))
        rows, columns, scores = rows[order], columns[order], scores[order]
        first = np.ones(len(rows), bool)
        first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
        parts.append((rows[first], columns[first], scores[first]))
    found.clear()
    rows, columns, scores = (np.concatenate(part) for part in zip(*parts, strict=True))
    return rows, columns, scores


def _within(pairs: _Pairs, start: int, end: int) -> _Pairs:
    """The pairs whose rows are from `start` to before `end`."""
    inside = (pairs[0] >= start) & (pairs[0] < end)
    return pairs[0][inside], pairs[1][inside], pairs[2][inside]


def _without(
    pairs: tuple[NDArray[np.int32], NDArray[np.int32]], known: tuple[NDArray[np.int32], NDArray[np.int32]], width: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The pairs that are not among the known ones.

    Args:
        pairs: rows and columns.
        known: rows and columns, sorted by them.
        width: columns there are.
    """
    if not len(known[0]):
        return pairs
    numbers, there = (side[0].astype(np.int64) * width + side[1] for side in (pairs, known))
    places = np.minimum(np.searchsorted(there, numbers), len(there) - 1)
    new = there[places] != numbers
    return pairs[0][new], pairs[1][new]


def near_best(
    rows: NDArray[np.integer], columns: NDArray[np.integer], scores: NDArray[np.float32], *, shared: bool
) -> NDArray[np.bool_]:
    """Which pairs are not far behind the best pair of either record.

    Args:
        rows, columns: the records of each pair, by small numbers.
        scores: how similar they are.
        shared: whether rows and columns are the same records.
    """
    if not len(rows):
        return np.empty(0, bool)
    size = int(max(rows.max(), columns.max())) + 1
    best_left, best_right = np.zeros(size, np.float32), np.zeros(size, np.float32)
    np.maximum.at(best_left, rows, scores)
    np.maximum.at(best_right, columns, scores)
    if shared:
        best_left = best_right = np.maximum(best_left, best_right)
    # A hair of slack, so that rounding of equal scores cannot drop a best pair.
    near: NDArray[np.bool_] = scores * (1 + 1e-6) >= SHARE_OF_BEST * np.maximum(best_left[rows], best_right[columns])
    return near
