"""What a table is judged by: the facts and constraints of all of it, where it lies in parts, too."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from pydantic import BaseModel

from dp_tools import leftovers
from dp_tools.errors import TableUnavailable
from dp_tools.profiling.column_counts import ValueCounts
from dp_tools.progress import Stage, silent
from dp_tools.rules.discovery.data_constraints import DataConstraints, searched
from dp_tools.tables.asking import Work
from dp_tools.tables.identity_columns import Content, contents
from dp_tools.tables.io.table_file import Reading
from dp_tools.tables.snapshot import ROW, Table
from dp_tools.tables.table_facts import TableFacts

T = TypeVar("T")
SPREAD_CELLS = 8_000_000
"""Cells of the records that stand for a table in parts where rows and columns are compared; they are spread evenly."""
_SHARED = ("delimiter", "quote", "header")
"""Options of a text file that its neighbours share; encodings may differ, as some parts are plain ASCII."""
_NOTES = 5
"""Notes on how parts were read that are kept."""
_SPREAD = "spread.parquet"
_SUMMARY = "whole.json"


class Whole:
    """What one table is judged by. Whatever is worked out is kept, so that the parts of a table share it.

    Args:
        table: the table, or evenly spread records of it.
        every: the table has so many records for each of these.
        rows: how many records it has.
        counts: how often each value occurs in all of them, by attribute; needed where `every` is more than one.
    """

    def __init__(
        self, table: Table, every: int = 1, rows: int | None = None, counts: dict[str, ValueCounts] | None = None
    ) -> None:
        self.table = table
        self._every, self._rows = every, rows
        self._counts = counts if counts is not None and every > 1 else {}
        self._kept: dict[Hashable, Any] = {}

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        """Something of the whole table that is made for the first part that needs it, and kept under a name."""
        if what not in self._kept:
            self._kept[what] = make()
        made: T = self._kept[what]
        return made

    def content(
        self,
        attributes: Sequence[str] | None,
        include: Sequence[str],
        exclude: Sequence[str],
        stage: Stage = silent,
    ) -> Content:
        """The attributes to look at (see `contents`).

        Raises:
            InvalidRequest: an attribute is unknown.
        """

        def choose() -> Content:
            (found,) = contents(
                (self.table,), only=attributes, include=include, exclude=exclude, every=self._every, stage=stage
            )
            return found

        return self.once("content", choose)

    def facts(self, stage: Stage = silent) -> TableFacts:
        """The facts about its cells."""
        return self.once("facts", lambda: TableFacts(self.table, stage, rows=self._rows, counts=self._counts))

    def constraints(self, work: Work, dataset: str | None) -> DataConstraints:
        """Its data constraints.

        Raises:
            Cancelled: the work was cancelled.
        """
        table = self.table
        return self.once(
            "constraints",
            lambda: DataConstraints.of(
                (record for _, record in table.records(searched(table.count, len(table.columns)))),
                dataset,
                retired=work.decider.retired,
                progress=work.stage("mining rules"),
                cancel=work.cancel,
            ),
        )


class KnownPart(BaseModel):
    """A part of a table.

    Args:
        name: of its file in the folder.
        version: what it was when it was read (see `PartFolder.version`).
        rows: how many records it has.
    """

    name: str
    version: str
    rows: int


class WholeSummary(BaseModel):
    """What is kept of a table in parts beside its counts and its spread records.

    Args:
        parts: its parts, in order.
        columns: its attributes.
        options: how the first part was read, so that all are read alike.
        every: see `Whole`.
        filled, dropped: see `ValueCounts`, by column.
        notes: how its parts were read.
    """

    parts: list[KnownPart]
    columns: list[str]
    options: dict[str, Any]
    every: int
    filled: list[int]
    dropped: list[int]
    notes: list[str]

    @property
    def rows(self) -> int:
        """Records of all parts."""
        return sum(part.rows for part in self.parts)


def known_whole(place: Path) -> tuple[WholeSummary, Whole] | None:
    """What `learn_whole` kept in a folder; None where it did not come to its end."""
    summary = place / _SUMMARY
    if not summary.exists():
        return None
    known = WholeSummary.model_validate_json(summary.read_text(encoding="utf-8"))
    columns = tuple(known.columns)
    spread = place / _SPREAD
    count = int(pl.scan_parquet(spread).select(pl.len()).collect().item())
    table = Table("The folder", columns, count, Reading("folder"), "", None, (spread,))
    counts = {}
    if known.every > 1:
        for number, name in enumerate(columns):
            values = pl.read_parquet(_counts_file(place, number))
            counts[name] = ValueCounts(values, known.filled[number], known.dropped[number])
    return known, Whole(table, known.every, known.rows, counts)


def learn_whole(parts: Iterable[tuple[str, str, Table]], place: Path) -> tuple[WholeSummary, Whole]:
    """Read all parts once: count the values of each column, and keep records of all parts, evenly spread.

    What stays in memory is one part and the counts of values; everything is kept in a folder, for `known_whole`.

    Args:
        parts: the name, the version and the table of each part, in order; each is let go before the next is taken.
        place: the folder.

    Raises:
        TableUnavailable: a part has other columns than the first, or there is no record.
    """
    place.mkdir(parents=True, exist_ok=True)
    columns: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    counts: dict[str, ValueCounts] = {}
    known: list[KnownPart] = []
    pieces: list[Path] = []
    notes: dict[str, None] = {}
    every, rows = 1, 0
    for name, version, table in parts:
        if not known:
            columns, options = table.columns, shared_options(table.reading)
            counts = {column: ValueCounts.none() for column in columns}
        require_columns(name, table.columns, columns)
        for series in table.series():
            counts[series.name].add(series)
        piece = place / f"piece-{len(pieces):06}.parquet"
        numbered = table.scan().with_columns((pl.col(ROW).cast(pl.UInt64) + rows).alias(ROW))
        numbered.filter(pl.col(ROW) % every == 0).sink_parquet(piece, maintain_order=True)
        pieces.append(piece)
        notes |= dict.fromkeys(f"{name}: {note}" for note in table.reading.notes)
        known.append(KnownPart(name=name, version=version, rows=table.count))
        rows += table.count
        while -(-rows // every) * len(columns) > SPREAD_CELLS:
            every *= 2
    if not rows:
        raise TableUnavailable("The folder holds no records: give one that has some.")
    spread = pl.scan_parquet(pieces, glob=False).filter(pl.col(ROW) % every == 0).drop(ROW).with_row_index(ROW)
    spread.sink_parquet(place / _SPREAD, maintain_order=True)
    for piece in pieces:
        piece.unlink()
    for number, name in enumerate(columns if every > 1 else ()):
        counts[name].values.write_parquet(_counts_file(place, number))
    summary = WholeSummary(
        parts=known,
        columns=list(columns),
        options=options,
        every=every,
        filled=[counts[name].filled for name in columns],
        dropped=[counts[name].dropped for name in columns],
        notes=list(notes)[:_NOTES],
    )
    part = place / f"{_SUMMARY}.part"
    part.write_text(summary.model_dump_json(), encoding="utf-8")
    part.replace(place / _SUMMARY)
    found = known_whole(place)
    assert found is not None
    return found


def join_parts(name: str, parts: Iterable[tuple[str, str, Table]]) -> Table:
    """The table of all parts, as if one file held their records in the order of the parts.

    Its snapshot lies on the disk of this machine; one part at a time is read for it.

    Args:
        name: what to call it in messages.
        parts: as of `learn_whole`.

    Raises:
        TableUnavailable: a part has other columns than the first, or the disk has no room.
    """
    folder = tempfile.TemporaryDirectory(prefix="dp-tools-")
    leftovers.note(Path(folder.name))
    pieces: list[Path] = []
    columns: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    notes: list[str] = []
    versions: list[tuple[str, str]] = []
    rows = count = 0
    try:
        for part, version, table in parts:
            if not versions:
                columns, options = table.columns, shared_options(table.reading)
            require_columns(part, table.columns, columns)
            numbered = table.scan().with_columns(pl.col(ROW) + rows)
            pieces.append(Path(folder.name) / f"part-{len(pieces):05}.parquet")
            numbered.sink_parquet(pieces[-1], compression="lz4", maintain_order=True)
            notes += (f"{part}: {note}" for note in table.reading.notes)
            versions.append((part, version))
            count += table.count
            if table.count:
                rows = int(pl.scan_parquet(pieces[-1]).select(pl.col(ROW).max()).collect().item()) + 1
    except BaseException as error:
        folder.cleanup()
        if isinstance(error, OSError):
            raise TableUnavailable(
                f"{name} cannot be copied to {folder.name} ({error.strerror or error}); free some room there."
            ) from None
        raise
    reading = Reading("folder", options, tuple(notes[:_NOTES]))
    return Table(name, columns, count, reading, digest_of_parts(versions), None, tuple(pieces), folder)


def digest_of_parts(versions: Iterable[tuple[str, str]]) -> str:
    """SHA-256 of the names and versions of the parts of a folder."""
    return hashlib.sha256("".join(f"{name}\n{version}\n" for name, version in versions).encode()).hexdigest()


def shared_options(reading: Reading) -> dict[str, Any]:
    """What the other parts of a table are read with once its first part was."""
    return {name: reading.options[name] for name in _SHARED if name in reading.options}


def require_columns(name: str, columns: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a part whose columns are not those of the others.

    Raises:
        TableUnavailable: they are not.
    """
    if list(columns) == list(wanted):
        return
    missing, more = [one for one in wanted if one not in columns], [one for one in columns if one not in wanted]
    what = f"lacks the column {missing[0]!r}" if missing else f"has the column {more[0]!r} besides" if more else ""
    raise TableUnavailable(
        f"{name} {what or 'has its columns in another order'}: all parts of a table have the columns of the first."
    )


def _counts_file(place: Path, column: int) -> Path:
    return place / f"counts-{column:05}.parquet"
