"""CSV in and out: values stay as found, what is not a clean table is refused, output appears whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from dp_tools.errors import TableUnavailable
from dp_tools.tasks.task import RecordField

csv.field_size_limit(sys.maxsize)


def read_records(path: Path) -> list[RecordField]:
    """The records of a CSV file (of tab-separated values where the name ends in .tsv), UTF-8 with or without a mark.

    Raises:
        TableUnavailable: the file cannot be read, is not UTF-8, has no header or no records, repeats a name in its
            header, or has a record of another length.
    """
    rows = list(_rows(path))
    if not rows:
        raise TableUnavailable(f"{path} is empty: it needs a header and at least one record.")
    header, *body = rows
    names = header[1]
    if odd := [name for name in names if names.count(name) > 1]:
        raise TableUnavailable(f"The header of {path} names {odd[0]!r} twice: give every column a name of its own.")
    if not body:
        raise TableUnavailable(f"{path} has a header but no records.")
    for line, values in body:
        if len(values) != len(names):
            raise TableUnavailable(
                f"Line {line} of {path} has {len(values)} values where the header has {len(names)}: mend the line, "
                "quoting values that hold the separator."
            )
    return [dict(zip(names, values, strict=True)) for _, values in body]


def write_records(path: Path | None, header: Sequence[str], rows: Iterable[Sequence[object]], *, force: bool) -> None:
    """Write CSV to a file, which appears when it is complete, or to stdout where there is no path.

    Raises:
        TableUnavailable: the file exists and `force` is false, or cannot be written.
    """
    if path is None:
        _write(sys.stdout, header, rows)
        return
    if path.exists() and not force:
        raise TableUnavailable(f"{path} exists already: give another name, or --force to replace it.")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise TableUnavailable(f"{path} cannot be written ({error.strerror}): choose another place.") from error
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            _write(file, header, rows)
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        raise TableUnavailable(f"{path} cannot be written ({error.strerror}): nothing was changed.") from error
    finally:
        part.unlink(missing_ok=True)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of the file with their line numbers, blank lines left out."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise TableUnavailable(f"Line {line} of {path} is not UTF-8: save the file as UTF-8.") from error
    except OSError as error:
        raise TableUnavailable(f"{path} cannot be read ({error.strerror}): check the name.") from error
    if "\x00" in text:
        raise TableUnavailable(f"{path} holds NUL characters: it is not a CSV file, or is in UTF-16; save it as UTF-8.")
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for values in reader:
            if values:
                yield reader.line_num, values
    except csv.Error as error:
        raise TableUnavailable(f"Line {reader.line_num} of {path} is not CSV ({error}): mend its quotes.") from error


def _write(file: TextIO, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
