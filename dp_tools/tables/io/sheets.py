"""What the sheets of all workbooks share: which sheet is read, where its table is, and its values as text."""

from __future__ import annotations

import datetime
import itertools
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dp_tools.errors import TableUnavailable
from dp_tools.tables.io.layout import LOOKED_AT, Asked, PlattCalibration, find_footer, find_head
from dp_tools.tables.io.table_file import Reading, Row

_HELD = 2000
"""Rows held back while a sheet is read, so that totals at its end can be told from records."""

Cells = tuple[str | None, ...]


@dataclass
class SheetFile(ABC):
    """A sheet of a workbook that holds a table.

    Args:
        path: the workbook.
        sheet: the sheet's name (default: the first visible one that holds anything).
        header, header_line, skip_lines, footer_lines: where the table begins and ends, see `Asked` (default: found
            out). Lines are rows of the sheet.

    Raises:
        TableUnavailable: it is no workbook, has no such sheet, or the sheet is empty.
        InvalidRequest: an option makes no sense.
    """

    path: Path
    sheet: str | None = None
    header: bool | None = None
    header_line: int | None = None
    skip_lines: int | None = None
    footer_lines: int | None = None
    exact: bool = False
    columns: tuple[str, ...] = field(default=())
    _notes: tuple[str, ...] = ()
    _footer_note: str = ""
    _left: int = 0
    _first: int = 1

    def __post_init__(self) -> None:
        shown = self._sheets()
        if self.sheet is not None and self.sheet not in shown:
            raise TableUnavailable(f"{self.path.name} has no sheet {self.sheet!r}; choose from {', '.join(shown)}.")
        asked = Asked(self.header, self.header_line, self.skip_lines, self.footer_lines)
        self.sheet, rows = self._first_with_a_table(shown, asked.above or 0)
        left, right = _extent(rows)
        head = find_head(_cropped(rows, left, right), asked)
        (names,) = (cells for number, cells in rows if number == head.above + 1)
        # A column whose values are all missing still has a name.
        while head.header and right < len(names) and names[right].strip():
            right += 1
        while head.header and left and names[left - 1].strip():
            left -= 1
        head = find_head(_cropped(rows, left, right), asked)
        self._left, self._first = left, head.above + 1 + int(head.header)
        self.header, self.skip_lines, self.columns = head.header, head.above, head.columns
        self._notes = (_sheet_note(self.sheet, shown), *head.notes)

    @property
    def reading(self) -> Reading:
        options = {
            "sheet": self.sheet,
            "header": self.header,
            "skip_lines": self.skip_lines,
            "footer_lines": self.footer_lines,
        }
        return Reading(self._format, options, tuple(filter(None, (*self._notes, self._footer_note))))

    def rows(self) -> Iterator[Row]:
        held = deque[tuple[int, Cells]]()
        released = False
        for number, texts in self._records():
            held.append((number, texts))
            if len(held) > max(_HELD, self.footer_lines or 0):
                released = True
                yield held.popleft()
        footer = self.footer_lines
        if footer is None:
            rows = [[text or "" for text in texts] for _, texts in held]
            footer, self._footer_note = find_footer(rows, len(self.columns), whole=not released)
        yield from itertools.islice(held, len(held) - footer if footer < len(held) else 0)

    def row_of(self, number: int) -> int:
        """The row of the sheet, from 1, in which a record stands."""
        return self._first + number

    def column_of(self, name: str) -> int:
        """The column of the sheet, from 1, in which an attribute stands."""
        return self._left + self.columns.index(name) + 1

    @property
    @abstractmethod
    def _format(self) -> str:
        """What `Reading` calls it."""

    @abstractmethod
    def _sheets(self) -> dict[str, bool]:
        """The sheets that can hold a table, in order, and whether each is visible."""

    @abstractmethod
    def _values(self, sheet: str, columns: int | None = None) -> Iterator[Sequence[Any]]:
        """The values of all rows of a sheet from its first row and column on, of so many columns if that saves work."""

    def _records(self) -> Iterator[tuple[int, Cells]]:
        assert self.sheet is not None
        width = len(self.columns)
        values = itertools.islice(self._values(self.sheet, self._left + width), self._first - 1, None)
        for number, row in enumerate(values):
            texts = tuple(map(as_text, row[self._left : self._left + width]))
            if any(text is not None and text.strip() for text in texts):
                yield number, texts + (None,) * (width - len(texts))

    def _lines(self, sheet: str, above: int) -> Iterator[PlattCalibration]:
        """Rows that hold something, as text."""
        for number, row in enumerate(self._values(sheet), 1):
            if number > above:
                texts = [as_text(value) or "" for value in row]
                if any(text.strip() for text in texts):
                    yield number, texts

    def _first_with_a_table(self, shown: dict[str, bool], above: int) -> tuple[str, list[PlattCalibration]]:
        """The sheet that was asked for, or else the first visible one that holds anything, and its first rows."""
        for name in [name for name, visible in shown.items() if visible] if self.sheet is None else [self.sheet]:
            rows = list(itertools.islice(self._lines(name, above), LOOKED_AT))
            if rows:
                return name, rows
        if self.sheet is not None:
            raise TableUnavailable(f"The sheet {self.sheet!r} of {self.path.name} is empty; name another sheet.")
        hidden = [name for name, visible in shown.items() if not visible]
        raise TableUnavailable(
            f"Every visible sheet of {self.path.name} is empty; "
            + (f"name a hidden one to read it: {', '.join(hidden)}." if hidden else "give a workbook with a table.")
        )


def as_text(value: Any) -> str | None:
    """A cell's value as the text that stands for it everywhere; None for an empty one."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


def _extent(rows: Sequence[PlattCalibration]) -> tuple[int, int]:
    """The first and one past the last column of the table: those with values in more than one row, if any have."""
    width = max(len(cells) for _, cells in rows)
    filled = [sum(place < len(cells) and bool(cells[place].strip()) for _, cells in rows) for place in range(width)]
    for least in (2, 1):
        places = [place for place, count in enumerate(filled) if count >= least]
        if places:
            return places[0], places[-1] + 1
    return 0, width


def _cropped(rows: Sequence[PlattCalibration], left: int, right: int) -> list[PlattCalibration]:
    cropped = [(number, [*cells[left:right], *[""] * (right - max(left, len(cells)))]) for number, cells in rows]
    return [(number, cells) for number, cells in cropped if any(cell.strip() for cell in cells)]


def _sheet_note(name: str, shown: dict[str, bool]) -> str:
    others = [other + ("" if visible else " (hidden)") for other, visible in shown.items() if other != name]
    return f"The sheet {name!r} was read" + (f"; the workbook has also {', '.join(others)}." if others else ".")
