"""Tables as a script gives them: a path, a path with options, records, or a data frame of any library."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from narwhals.typing import IntoDataFrame, IntoSeries

from dp_tools.errors import InvalidRequest
from dp_tools.frames import Texts, is_frame, is_series, series_texts, texts_of
from dp_tools.progress import Progress
from dp_tools.records import is_missing
from dp_tools.tables.jobs.job_requests import TableSource
from dp_tools.tables.snapshot import Table, open_table, table_of
from dp_tools.tasks.match_schemas import COMPARED
from dp_tools.tasks.task import as_text, require_known

SAMPLES = 12
"""Distinct values that stand for a column."""
Records: TypeAlias = Sequence[Mapping[str, Any]]
"""Records as {attribute: value}; None and NaN where there is no value."""
FileOrFrame: TypeAlias = str | os.PathLike[str] | TableSource | IntoDataFrame
"""The path of a table, a path with options of reading it, or a data frame of polars, pandas, pyarrow, …"""
AnyTable: TypeAlias = FileOrFrame | Records


def is_file(given: object) -> bool:
    """Whether a table is given as a file."""
    return isinstance(given, str | os.PathLike | TableSource)


def is_records(given: object) -> bool:
    """Whether a table is given as records."""
    return isinstance(given, Sequence) and not isinstance(given, str) and all(isinstance(r, Mapping) for r in given)


def frame_in(given: AnyTable) -> IntoDataFrame | None:
    """The data frame that a table is given as, if it is one."""
    return given if is_frame(given) else None  # type: ignore[return-value]


def source_of(given: str | os.PathLike[str] | TableSource) -> TableSource:
    """A file with the options of reading it."""
    return given if isinstance(given, TableSource) else TableSource(path=os.fspath(given))


def texts_in(given: Records | IntoDataFrame) -> Texts:
    """The columns of a table in memory, as text.

    Raises:
        InvalidRequest: it is no table, has no records, or holds something else than plain values.
    """
    if is_frame(given):
        return texts_of(given)  # type: ignore[arg-type]
    if not is_records(given):
        raise InvalidRequest(
            f"A {type(given).__name__} is no table: give a path, a data frame, or records as {{attribute: value}}."
        )
    records: Records = given  # type: ignore[assignment]
    if not records or not records[0]:
        raise InvalidRequest("There are no records: give at least one, as {attribute: value}.")
    for number, record in enumerate(records, 1):
        if record.keys() != records[0].keys():
            raise InvalidRequest(f"Record {number} has other attributes than record 1: give all the same.")
    return {name: [_text(name, record[name]) for record in records] for name in records[0]}


def opened(given: AnyTable, progress: Progress | None = None, cancel: threading.Event | None = None) -> Table:
    """A table to read; close it.

    Raises:
        InvalidRequest: as `texts_in`.
        TableUnavailable: the file cannot be read.
        Cancelled: `cancel` was set.
    """
    if is_file(given):
        source = source_of(given)  # type: ignore[arg-type]
        if source.path is None:
            return table_of(texts_in(source.records or []))
        return open_table(source.path, progress=progress, cancel=cancel, **source.options)
    return table_of(texts_in(given))  # type: ignore[arg-type]


def records_in(given: AnyTable, cancel: threading.Event | None = None) -> list[dict[str, Any]]:
    """The records of a table; those that are given as records keep their values, but for NaN, which is no value.

    Raises:
        InvalidRequest, TableUnavailable, Cancelled: as `opened`.
    """
    if is_records(given):
        records: Records = given  # type: ignore[assignment]
        return [_plain(record) for record in records]
    with opened(given, cancel=cancel) as table:
        if not table.count:
            raise InvalidRequest(f"{table.name} has no records: give a table that has some.")
        return [record for _, record in table.records()]


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if _is_nan(value) else value for name, value in record.items()}


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _text(name: str, value: object) -> str | None:
    text = None if _is_nan(value) else as_text(value)
    if text is None or isinstance(text, str):
        return text
    raise InvalidRequest(f"{name} cannot be {value!r}: give values as text or numbers.")


def attributes_in(given: Sequence[Mapping[str, Any] | str] | FileOrFrame, cancel: threading.Event | None = None) -> Any:
    """The attributes of a table as schema matching takes them, with samples where there is a table.

    Raises:
        InvalidRequest, TableUnavailable, Cancelled: as `opened`.
    """
    if is_file(given) or is_frame(given):
        records = records_in(given, cancel)  # type: ignore[arg-type]
        return [{"name": name, "samples": samples(records, name, COMPARED)} for name in records[0]]
    return [{"name": entry} if isinstance(entry, str) else entry for entry in given]  # type: ignore[union-attr]


def columns_in(given: Sequence[Mapping[str, Any]] | FileOrFrame, cancel: threading.Event | None = None) -> Any:
    """The columns of a table as annotation takes them, with samples and two rows where there is a table.

    Raises:
        InvalidRequest, TableUnavailable, Cancelled: as `opened`.
    """
    if is_file(given) or is_frame(given):
        records = records_in(given, cancel)
        rows = [list(record.values()) for record in records[:2]]
        return [{"name": name, "values": samples(records, name), "table": rows} for name in records[0]]
    return list(given)  # type: ignore[arg-type]


def samples(records: Sequence[Mapping[str, str | None]], name: str, most: int = SAMPLES) -> list[str]:
    """The first distinct values of a column, `most` of them."""
    values = dict.fromkeys(value for record in records if (value := record[name]) and not is_missing(value))
    return list(values)[:most]


def column_texts(
    given: Sequence[str] | IntoSeries | AnyTable,
    columns: str | Sequence[str] | None,
    cancel: threading.Event | None = None,
) -> list[str]:
    """Texts that are given as such, as a column of a frame, or as columns of a table, which are joined.

    Raises:
        InvalidRequest, TableUnavailable, Cancelled: as `opened`; or it is not said which columns hold the text.
    """
    if columns is not None:
        records = records_in(given, cancel)  # type: ignore[arg-type]
        names = [columns] if isinstance(columns, str) else list(columns)
        require_known(names, list(records[0]))
        return [" ".join(str(record[name]) for name in names if record[name]) for record in records]
    if is_series(given):
        return [text or "" for text in series_texts(given)]
    if is_file(given) or is_frame(given):
        raise InvalidRequest("Say which columns of the table hold the text: columns=[…]; texts are given as a list.")
    return list(given)  # type: ignore[arg-type]


def pairs_in(given: Any) -> list[dict[str, Any]]:
    """Pairs of records as matching takes them.

    Raises:
        InvalidRequest: they are not.
    """
    is_list = isinstance(given, Sequence) and not isinstance(given, str)
    if not is_list or not all(isinstance(pair, Sequence) and len(pair) == 2 for pair in given):
        raise InvalidRequest(
            "Give two tables to match, or a list of pairs (left, right) of records; dedupe finds the records of one "
            "table that are the same."
        )
    return [{"left": _plain(left), "right": _plain(right)} for left, right in given]
