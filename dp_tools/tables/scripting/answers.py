"""What work on a whole table comes to, for Python: counted, walked through, printed, and turned into frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import polars as pl

from dp_tools.errors import InvalidRequest
from dp_tools.frames import changed, pandas_of, polars_of
from dp_tools.tables.change_log import LOG_ENDING, changed_file, read_changes, undo
from dp_tools.tables.io.folders import PartFolder, is_address, open_folder, parts_of
from dp_tools.tables.io.paths import Disk
from dp_tools.tables.jobs.job_requests import JobResult, TableSource
from dp_tools.tables.jobs.undoing import restore
from dp_tools.tables.snapshot import ROW, open_table
from dp_tools.tabular import Tabular

if TYPE_CHECKING:
    import pandas as pd
    from narwhals.typing import IntoDataFrame

_KINDS = {pl.Boolean: bool, pl.Int64: int, pl.Float64: float, pl.String: str}
_WHOLE = ("row", "left_row", "right_row", "group", "entity", "records")
_FRACTION = ("score", "confidence")
_PART = "part"
_TELLING = ("changed", "filled", "groups", "for review")
"""The figures that stand in the one line about an answer."""
_CHANGE: dict[str, type] = {
    "row": int,
    "attribute": str,
    "old": str,
    "new": str,
    "confidence": float,
    "why": str,
    "source": str,
    "rule": str,
}


class TableAnswer(Tabular[dict[str, Any]]):
    """What came of work on a whole table; its rows are dictionaries.

    Args:
        job: the handle of the job that did the work.
        result: what came of it.
        made: the file with the rows, as the job keeps it beside its state; or the folder of parts that it wrote.
    """

    def __init__(self, job: str, result: JobResult, made: Path | PartFolder) -> None:
        self.job = job
        self.summary: str = result.summary
        """What was found and done, in a few sentences."""
        self.figures: dict[str, float | int] = result.figures
        """Counts and shares by name."""
        written = [Path(file.path) for file in result.files if not is_address(file.path)]
        if isinstance(made, Path):
            kept = made.parents[2].resolve()
            written = [file for file in written if not file.is_relative_to(kept)]
        self.files: list[Path] = written
        """The files and folders written, the result first; none for a table in memory or in object storage."""
        self._made = made

    def to_polars(self) -> pl.DataFrame:
        """A polars frame, a row per row of the result."""
        return self._frame

    @cached_property
    def _frame(self) -> pl.DataFrame:
        numbers = {**dict.fromkeys(_WHOLE, pl.Int64), **dict.fromkeys(_FRACTION, pl.Float64)}
        texts = _read(self._made)
        return texts.with_columns(pl.col(name).cast(kind) for name, kind in numbers.items() if name in texts.columns)

    @cached_property
    def _dicts(self) -> list[dict[str, Any]]:
        return self.to_polars().to_dicts()

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dictionary per row."""
        return list(self._dicts)

    def __len__(self) -> int:
        return self.to_polars().height

    def _rows(self) -> Sequence[dict[str, Any]]:
        return self._dicts

    def _columns(self, most: int | None = None) -> dict[str, tuple[type, Sequence[Any]]]:
        frame = self.to_polars() if most is None else self.to_polars().head(most)
        return {column.name: (_KINDS.get(type(column.dtype), object), column.to_list()) for column in frame}

    def _headline(self) -> str:
        counts = (f"{self.figures[name]:,} {name}" for name in _TELLING if name in self.figures)
        return ", ".join((f"{len(self):,} rows", *counts))


class WrongCells(TableAnswer):
    """The cells of a table that are wrong: `row` (from 1), `attribute`, `value`, `confidence`, `decision`,
    `decided_by`, `reason`, `rule`; of a folder of parts `part` before them, in which the rows are counted."""


class MatchAnswer(TableAnswer):
    """The pairs of records of two tables that are the same: `left_row`, `right_row` (from 1), `score`, both records."""


class DedupeAnswer(TableAnswer):
    """The records of a table that stand in groups of the same thing: `group`, `row` (from 1), `score`, the record.

    Of a table that was brought into a register, all records: `entity`, `row`, `records` of the entity, the record.
    """

    @property
    def groups(self) -> list[list[int]]:
        """The rows of each group, or entity, from 1."""
        frame = self.to_polars()
        found: dict[int, list[int]] = {}
        for group, row in frame.select("group" if "group" in frame.columns else "entity", "row").iter_rows():
            found.setdefault(group, []).append(row)
        return list(found.values())


class Changes(Tabular[dict[str, Any]]):
    """The cells that were changed, a row each: row (from 1), attribute, old, new, confidence, why, source, rule; in a
    folder of parts `part` before them, in which the rows are counted.

    Args:
        log: the change log, or the folder of those of all parts.
    """

    def __init__(self, log: Path | PartFolder) -> None:
        self._log = log
        self._kinds = _CHANGE if isinstance(log, Path) else {_PART: str, **_CHANGE}

    @cached_property
    def _read(self) -> list[dict[str, Any]]:
        return [{name: entry[name] for name in self._kinds} for entry in self._entries()]

    def _entries(self) -> Iterator[dict[str, Any]]:
        if isinstance(self._log, Path):
            yield from read_changes(self._log)
            return
        for name in self._log.names():
            if name.endswith(LOG_ENDING):
                with self._log.fetched(name) as log:
                    part = PurePosixPath(name).with_name(changed_file(log)).as_posix()
                    yield from ({_PART: part, **entry} for entry in read_changes(log))

    def _rows(self) -> Sequence[dict[str, Any]]:
        return self._read

    def _columns(self, most: int | None = None) -> dict[str, tuple[type, Sequence[Any]]]:
        return {name: (kind, [entry[name] for entry in self._read[:most]]) for name, kind in self._kinds.items()}

    def _headline(self) -> str:
        return f"{len(self):,} changed cells"


class CleanAnswer(TableAnswer):
    """A table with its changes; its rows are the records.

    Of a file, every value is the text that stands there. Of a frame, the frames that come out have the types that went
    in; a column whose new values do not fit its type is a column of text.

    Args:
        job, result, made: as of any table.
        log: the change log, as the job keeps it.
        source: the table that the job read.
        frame: the frame that the table came as, if it did.
    """

    def __init__(
        self,
        job: str,
        result: JobResult,
        made: Path,
        log: Path,
        source: TableSource,
        frame: IntoDataFrame | None = None,
    ) -> None:
        super().__init__(job, result, made)
        self.changes = Changes(log)
        """What was changed, and why."""
        self._file, self._log, self._source, self._frame_in = made, log, source, frame

    def undo(self, output: str | Path, *, overwrite: bool = False) -> bool:
        """Restore the file as it was before the changes.

        Args:
            output: the file to write.
            overwrite: whether it may replace one that stands there.

        Returns:
            Whether the restored file equals the original bit for bit; otherwise it does value for value.

        Raises:
            InvalidRequest: the table came as a frame, which nothing was done to.
            TableUnavailable: the file cannot be restored or written.
        """
        if self._frame_in is not None:
            raise InvalidRequest("The table came as a frame, which was not changed: use the frame itself.")
        return undo(self._file, self._log, Path(output), overwrite=overwrite)

    def to_native(self) -> Any:
        """The frame of the library that the table came in; a polars frame if it was a file."""
        return self._frame if self._frame_in is None else self._native

    def to_polars(self) -> pl.DataFrame:
        """The table as a polars frame."""
        return self._frame if self._frame_in is None else polars_of(self._native)

    def to_pandas(self) -> pd.DataFrame:
        """The table as a pandas frame; pandas has to be installed."""
        return pandas_of(self.to_native())

    @cached_property
    def _native(self) -> Any:
        cells: dict[str, dict[int, str]] = {}
        for change in self.changes:
            cells.setdefault(change["attribute"], {})[change["row"] - 1] = change["new"]
        assert self._frame_in is not None
        return changed(self._frame_in, cells)

    @cached_property
    def _frame(self) -> pl.DataFrame:
        # A result in the format of its source is read as that was; one in another format as what it is.
        given = Path(self._source.path or "").suffixes
        return _read(self._file, **(self._source.options if self._file.suffix in given else {}))


class CleanedFolder(CleanAnswer):
    """The parts of a table with its changes; its rows are the records of all parts, each with the name of its `part`.

    They are read when they are first asked for: of a folder that is larger than memory, look at the parts themselves.

    Args:
        job, result: as of any table.
        source: the table that the job read.
    """

    def __init__(self, job: str, result: JobResult, source: TableSource) -> None:
        self._folder, logs = (open_folder(file.path, Disk()) for file in result.files)
        TableAnswer.__init__(self, job, result, self._folder)
        self.changes = Changes(logs)
        self._frame_in, self._source = None, source

    def undo(self, output: str | Path, *, overwrite: bool = False) -> bool:
        return restore(self._folder.address, output, overwrite=overwrite)

    @cached_property
    def _frame(self) -> pl.DataFrame:
        return _read(self._folder, **self._source.options)


def _read(made: Path | PartFolder, **options: Any) -> pl.DataFrame:
    """A whole file as texts, or all parts of a folder with the name of each."""
    if isinstance(made, Path):
        with open_table(made, **options) as table:
            return table.scan().drop(ROW).collect()
    frames = []
    for name in parts_of(made):
        with made.fetched(name) as path:
            frame = _read(path, **options)
        frames.append(frame if _PART in frame.columns else frame.select(pl.lit(name).alias(_PART), pl.all()))
    return pl.concat(frames)
