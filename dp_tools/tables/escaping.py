"""CSV results that a spreadsheet program cannot mistake for formulas, for those who ask for them.

A value that begins with "=", "+", "-" or "@" is calculated when a CSV file is opened in a spreadsheet program, and a
formula can send data away. An apostrophe before it makes it text there; for every other program it is one character
more, so this is done only where somebody asks for it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from dp_tools.errors import TableUnavailable
from dp_tools.tables.change_log import Change
from dp_tools.tables.io.table_file import Reading
from dp_tools.tables.snapshot import Table

_FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")
_NUMBER = re.compile(r"[-+]\s?[$€£]?\s?\d[\d.,\s]*[$€£%]?")


def escaped(value: str) -> str:
    """The value, with an apostrophe before it where a spreadsheet would calculate it; numbers stay numbers."""
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value


def escaped_rows(rows: Iterable[Sequence[object]]) -> Iterator[list[object]]:
    """Rows for a CSV writer, their texts escaped."""
    for row in rows:
        yield [escaped(cell) if isinstance(cell, str) else cell for cell in row]


def escape_file(path: Path) -> None:
    """Escape the values of a CSV file that this package wrote (UTF-8, commas)."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(escaped_rows(rows))


def escaping_changes(table: Table, changes: Iterable[Change]) -> Iterator[Change]:
    """The changes to a table with those that escape its values: the change log tells them, and undo takes them back."""
    made = {(change.row, change.attribute): change for change in changes}
    for row, record in table.records():
        for name, value in record.items():
            change = made.get((row, name))
            now = value if change is None else change.new
            safe = None if now is None else escaped(now)
            if safe is None or safe == now:
                if change is not None:
                    yield change
            elif change is not None:
                yield replace(change, new=safe)
            else:
                yield Change(row, name, value, safe, 1.0, "A spreadsheet program would calculate it.", "escaping")


def require_escaped(path: Path, reading: Reading, name: str) -> None:
    """Refuse a CSV file in which something around the records would still be calculated.

    Args:
        path: the file.
        reading: how it is read.
        name: what to call it.

    Raises:
        TableUnavailable: a header, a line above or below the table, or a record set aside begins like a formula.
    """
    options = reading.options
    quote = options["quote"]
    with path.open(encoding=options["encoding"], newline="") as file:
        how = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
        rows = csv.reader(file, delimiter=options["delimiter"], **how)
        for row in rows:
            for cell in row:
                if escaped(cell.lstrip("\ufeff")) != cell.lstrip("\ufeff"):
                    raise TableUnavailable(
                        f"Line {rows.line_num} of {name} is no record and begins like a formula ({cell[:20]!r}); "
                        "change it first, or leave out --escape-formulas."
                    )
