"""A table to work on: any file, read once into a columnar snapshot on disk, so that no table is held in memory.

Everything that looks at whole columns (profiles, dependencies, evidence, blocking) scans the snapshot lazily with
polars; everything that writes goes back to the file itself, whose records it keeps.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dp_tools import leftovers
from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.progress import Progress
from dp_tools.tables.io.database import DatabaseFile
from dp_tools.tables.io.delimited import DelimitedFile
from dp_tools.tables.io.excel import ExcelFile
from dp_tools.tables.io.formats import SPREADSHEETS, format_of, unpack
from dp_tools.tables.io.json_array import JsonArrayFile, is_array
from dp_tools.tables.io.json_lines import JsonLinesFile
from dp_tools.tables.io.limits import Meter, one_sentence, require_columns
from dp_tools.tables.io.parquet import ParquetFile
from dp_tools.tables.io.paths import fingerprint
from dp_tools.tables.io.spreadsheets import SpreadsheetFile
from dp_tools.tables.io.table_file import ROWS_PER_BATCH, Reading, Row, TableFile

ROW = "\x1frow"
"""The column of a snapshot that holds the record's number in the file."""
CELLS_AT_ONCE = 2_000_000
"""Cells that are in memory at once where a table is read column by column."""
FRAME = 5000
"""Records that are looked at together where this takes long for each."""
_LOOK = 100
"""Records between two looks at whether reading is to stop."""
INLINE_ROWS = 200
"""The largest table that may be given as records instead of a file."""

_LAYOUT = ("header", "header_line", "skip_lines", "footer_lines")
_OPTIONS = {
    "csv": {"encoding", "delimiter", "quote", "ragged", *_LAYOUT},
    **{kind: {"sheet", *_LAYOUT} for kind in ("excel", *SPREADSHEETS)},
    **{kind: {"table", "query"} for kind in ("sqlite", "duckdb")},
}


@dataclass
class Table:
    """A readable table.

    Args:
        name: what to call it in messages.
        columns: its attribute names, distinct, in order.
        count: how many records it has.
        reading: how it was read.
        fingerprint: SHA-256 of the file (of the records, for an inline table).
        file: the file, None for an inline table.
        parts: the Parquet files of the snapshot.
    """

    name: str
    columns: tuple[str, ...]
    count: int
    reading: Reading
    fingerprint: str
    file: TableFile | None
    parts: tuple[Path, ...]
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    def scan(self, columns: Sequence[str] | None = None) -> pl.LazyFrame:
        """The snapshot, lazily: `ROW` and these columns (default: all), every value a string or null."""
        chosen = list(self.columns if columns is None else columns)
        self.require(chosen)
        if not self.count:
            return pl.LazyFrame(schema={ROW: pl.UInt32, **dict.fromkeys(chosen, pl.String)})
        return pl.scan_parquet(list(self.parts), glob=False).select(ROW, *chosen)

    def series(self, columns: Sequence[str] | None = None) -> Iterator[pl.Series]:
        """Columns one after the other (default: all), every value a string or null, in record order."""
        names = list(self.columns if columns is None else columns)
        width = max(1, CELLS_AT_ONCE // max(self.count, 1))
        for start in range(0, len(names), width):
            part = self.scan(names[start : start + width]).drop(ROW).collect()
            yield from part

    def records(self, rows: Iterable[int] | None = None) -> Iterator[tuple[int, dict[str, str | None]]]:
        """Records by number, in file order; `rows` limits them to these numbers."""
        frame = self.scan() if rows is None else self._picked(pl.Series(sorted(set(rows)), dtype=pl.UInt32))
        for batch in frame.collect_batches(chunk_size=ROWS_PER_BATCH, maintain_order=True):
            for number, *values in batch.iter_rows():
                yield number, dict(zip(self.columns, values, strict=True))

    def frames(self) -> Iterator[pl.DataFrame]:
        """All records in order as columns, `FRAME` at a time at the most, every value a string or null."""
        for batch in self.scan().drop(ROW).collect_batches(chunk_size=FRAME, maintain_order=True):
            yield from batch.iter_slices(FRAME)

    def frame(self, rows: NDArray[np.integer]) -> pl.DataFrame:
        """Records by number as columns, in file order, every value a string or null.

        Args:
            rows: the numbers, distinct and ascending.
        """
        return self._picked(pl.Series(rows, dtype=pl.UInt32)).drop(ROW).collect()

    def _picked(self, rows: pl.Series) -> pl.LazyFrame:
        return self.scan().filter(pl.col(ROW).is_in(rows.implode()))

    def only(self, columns: Sequence[str]) -> Table:
        """The same table as if it had these columns alone; closing stays with this one.

        Raises:
            InvalidRequest: one is unknown.
        """
        self.require(columns)
        return replace(self, columns=tuple(columns), _folder=None)

    def require(self, columns: Iterable[str]) -> None:
        """Refuse attributes that the table does not have.

        Raises:
            InvalidRequest: one is unknown.
        """
        for column in columns:
            if column not in self.columns:
                raise InvalidRequest(f"{self.name} has no attribute {column!r}: choose from {', '.join(self.columns)}.")

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the snapshot, if it was a temporary one."""
        if self._folder is not None:
            self._folder.cleanup()


def open_file(path: Path, *, cancel: threading.Event | None = None, **options: Any) -> TableFile:
    """The file in its format, which its suffix determines.

    Args:
        path: the file.
        cancel: set it to stop what a database does.
        options: encoding, delimiter, quote, ragged (text); sheet (spreadsheets); header, header_line, skip_lines,
            footer_lines (both); table, query (databases). Options that do not fit the format are refused.

    Raises:
        TableUnavailable: no such format, or the file is not what its name says.
        InvalidRequest: an option does not fit.
    """
    if not path.is_file():
        raise TableUnavailable(f"There is no file {path}; give the path of a table.")
    kind = format_of(path)
    if kind == "packed":
        return _open_packed(path, options, cancel)
    given = {name: value for name, value in options.items() if value is not None}
    if odd := sorted(given.keys() - _OPTIONS.get(kind, set())):
        raise InvalidRequest(f"{path.name} is read as {kind}, which has no {odd[0]}; leave it out.")
    with one_sentence(path.name):
        file = _open_as(kind, path, given, cancel)
    require_columns(path.name, len(file.columns))
    return file


def _open_as(kind: str, path: Path, given: dict[str, Any], cancel: threading.Event | None) -> TableFile:
    if kind == "csv":
        if path.suffix.lower() == ".tsv":
            given.setdefault("delimiter", "\t")
        return DelimitedFile(path, **given)
    if kind == "excel":
        return ExcelFile(path, **given)
    if kind in SPREADSHEETS:
        return SpreadsheetFile(path, **given)
    if kind == "parquet":
        return ParquetFile(path)
    if kind == "json":
        return JsonArrayFile(path) if is_array(path) else JsonLinesFile(path, kind="json")
    if kind == "json lines":
        return JsonLinesFile(path)
    return DatabaseFile(path, kind, cancel=cancel, **given)


def _open_packed(path: Path, options: dict[str, Any], cancel: threading.Event | None) -> TableFile:
    """The table of a compressed file, from a copy that goes when nobody has the file any more."""
    folder = Path(tempfile.mkdtemp(prefix="dp-tools-"))
    try:
        with one_sentence(path.name):
            file = open_file(unpack(path, folder), cancel=cancel, **options)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(file, shutil.rmtree, folder, ignore_errors=True)
    return file


def open_table(
    path: str | Path,
    *,
    snapshot: Path | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    **options: Any,
) -> Table:
    """Read a file into a snapshot.

    Args:
        path: the file; roots are the caller's matter (see `Roots`).
        snapshot: a folder to keep the snapshot in (default: a temporary one, gone with the table).
        progress: called now and then with (records read, 0, since nobody knows how many there are); it may raise to
            stop.
        cancel: set it to stop.
        options: see `open_file`.

    Raises:
        TableUnavailable: the file cannot be read as a table, or unfolds too far.
        InvalidRequest: an option does not fit.
        Cancelled: `cancel` was set.
    """
    path = Path(path)
    file = open_file(path, cancel=cancel, **options)
    with one_sentence(path.name):
        meter = Meter(path.name, len(file.columns), file.path.stat().st_size, cancel)
        return _snapshot(path.name, file.columns, file.rows(), fingerprint(path), file, snapshot, meter, progress)


def inline_table(records: Sequence[Mapping[str, str | None]], *, snapshot: Path | None = None) -> Table:
    """A table given as records instead of a file.

    Raises:
        InvalidRequest: there are none, more than 200, or they differ in their attributes.
    """
    if not records or not records[0]:
        raise InvalidRequest("There are no records: give at least one, as {attribute: value}.")
    if len(records) > INLINE_ROWS:
        raise InvalidRequest(f"{len(records)} records are too many to pass along: write them to a file and name it.")
    columns = tuple(records[0])
    for number, record in enumerate(records, 1):
        if record.keys() != records[0].keys():
            raise InvalidRequest(f"Record {number} has other attributes than record 1: give all the same.")
    return table_of({name: [record[name] for record in records] for name in columns}, snapshot=snapshot)


def table_of(columns: Mapping[str, Sequence[str | None]], *, snapshot: Path | None = None) -> Table:
    """A table from its columns in memory.

    Args:
        columns: at least one, all of one length.
        snapshot: as in `open_table`.
    """
    rows: Iterator[Row] = enumerate(zip(*columns.values(), strict=True))
    names = tuple(columns)
    return _snapshot("The table", names, rows, digest_of(columns), None, snapshot, Meter("The table", len(names), 0))


def digest_of(columns: Mapping[str, Sequence[str | None]]) -> str:
    """SHA-256 of a table from its columns in memory."""
    digest = hashlib.sha256()
    for name, values in columns.items():
        digest.update(json.dumps([name, *values]).encode())
    return digest.hexdigest()


def _snapshot(
    name: str,
    columns: tuple[str, ...],
    rows: Iterator[Row],
    print_of: str,
    file: TableFile | None,
    place: Path | None,
    meter: Meter,
    progress: Progress | None = None,
) -> Table:
    if ROW in columns:
        raise TableUnavailable(f"{name} has a column whose name is not a name ({ROW!r}); call it something else.")
    folder = None
    if place is None:
        folder = tempfile.TemporaryDirectory(prefix="dp-tools-")
        place = Path(folder.name)
        leftovers.note(place)
    place.mkdir(parents=True, exist_ok=True)
    parts: list[Path] = []
    count = 0
    schema = {ROW: pl.UInt32, **dict.fromkeys(columns, pl.String)}
    batch: list[tuple[Any, ...]] = []

    def keep() -> None:
        part = place / f"part-{len(parts):05}.parquet"
        arrays = zip(*batch, strict=True)
        pl.DataFrame(dict(zip(schema, arrays, strict=True)), schema=schema).write_parquet(part, compression="lz4")
        parts.append(part)
        batch.clear()

    try:
        for number, values in rows:
            if progress is not None and count % _LOOK == 0:
                progress(count, 0)
            batch.append((number, *values))
            count += 1
            if meter.add(values) or len(batch) == ROWS_PER_BATCH:
                keep()
        if batch:
            keep()
    except BaseException as error:
        if folder is not None:
            folder.cleanup()
        if isinstance(error, OSError):
            raise TableUnavailable(
                f"{name} cannot be copied to {place} ({error.strerror or error}); free some room there."
            ) from None
        raise
    reading = file.reading if file is not None else Reading("inline")
    return Table(name, columns, count, reading, print_of, file, tuple(parts), folder)
