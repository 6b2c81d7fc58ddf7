"""Reading and writing of the task commands: records as found, and CSV files written completely or not at all."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TextIO

import click

from dp_tools.errors import TableUnavailable
from dp_tools.progress import Progress
from dp_tools.tables.escaping import escaped, escaped_rows
from dp_tools.tables.io.paths import new_file
from dp_tools.tables.snapshot import Table, open_table
from dp_tools.tasks.task import RecordField


@contextmanager
def opened(path: Path, progress: Progress | None = None) -> Iterator[Table]:
    """A table in any format that tables are read in, with records; what was guessed in reading goes to stderr.

    Args:
        path: the table.
        progress: see `open_table`.

    Raises:
        TableUnavailable: the file cannot be read as a table, or has no records.
    """
    with closing(open_table(path, progress=progress)) as table:
        for note in table.reading.notes:
            click.echo(f"{path.name}: {note}", err=True)
        if not table.count:
            raise TableUnavailable(f"{path.name} has no records; give a table with at least one.")
        yield table


def read_records(path: Path, progress: Progress | None = None) -> list[RecordField]:
    """All records of a table; see `opened`."""
    with opened(path, progress) as table:
        return [record for _, record in table.records()]


def write_records(
    path: Path | None, header: Sequence[str], rows: Iterable[Sequence[object]], *, force: bool, escape: bool
) -> None:
    """Write CSV in UTF-8 to a file, which appears when it is complete, or to stdout where there is no path.

    Args:
        path: the file.
        header, rows: what to write.
        force: whether a file that is there is replaced.
        escape: whether values that a spreadsheet would calculate get an apostrophe.

    Raises:
        TableUnavailable: the file exists and `force` is false, or it cannot be written.
    """
    if escape:
        rows = escaped_rows(rows)
        header = [escaped(name) for name in header]
    if path is None:
        _write(sys.stdout, header, rows)
        return
    if path.exists() and not force:
        raise TableUnavailable(f"{path} exists already: give another name, or --force to replace it.")
    if not path.parent.is_dir():
        raise TableUnavailable(f"There is no folder {path.parent}: make it first, or write elsewhere.")
    with new_file(path, overwrite=force) as part, part.open("w", encoding="utf-8", newline="") as file:
        _write(file, header, rows)


def _write(file: TextIO, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
