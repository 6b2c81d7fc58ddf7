"""Excel workbooks, through openpyxl: one sheet is the table, everything else in the workbook stays as it is."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dp_tools.errors import TableUnavailable
from dp_tools.tables.layout import distinct_names
from dp_tools.tables.reading import Edit, Reading, Row


@dataclass
class ExcelFile:
    """A sheet of an .xlsx workbook whose first row is the header.

    Args:
        path: the workbook.
        sheet: the sheet's name (default: the first).

    Raises:
        TableUnavailable: it is no workbook, or has no such sheet, or openpyxl is not installed.
    """

    path: Path
    sheet: str | None = None
    exact: bool = False
    columns: tuple[str, ...] = field(default=())
    _notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        book = _open(self.path, read_only=True)
        try:
            if self.sheet is None:
                self.sheet = book.sheetnames[0]
            if self.sheet not in book.sheetnames:
                raise TableUnavailable(
                    f"{self.path.name} has no sheet {self.sheet!r}; choose from {', '.join(book.sheetnames)}."
                )
            first = next(book[self.sheet].iter_rows(max_row=1, values_only=True), ())
        finally:
            book.close()
        if not any(value is not None for value in first):
            raise TableUnavailable(f"The sheet {self.sheet!r} of {self.path.name} is empty; name another sheet.")
        self.columns, notes = distinct_names([_as_text(value) or "" for value in first])
        self._notes = tuple(notes)

    @property
    def reading(self) -> Reading:
        return Reading("excel", {"sheet": self.sheet}, self._notes)

    def rows(self) -> Iterator[Row]:
        book = _open(self.path, read_only=True)
        try:
            width = len(self.columns)
            for number, values in enumerate(book[self.sheet].iter_rows(min_row=2, max_col=width, values_only=True)):
                texts = tuple(map(_as_text, values))
                yield number, texts + (None,) * (width - len(texts))
        finally:
            book.close()

    def rewrite(self, edits: Iterator[Edit], target: Path, keep: Callable[[int, str], None]) -> None:  # noqa: ARG002
        book = _open(self.path, read_only=False)
        sheet = book[self.sheet]
        places = {name: place for place, name in enumerate(self.columns, 1)}
        for number, values in edits:
            for name, value in values.items():
                cell = sheet.cell(row=number + 2, column=places[name])
                cell.value = _like(cell.value, value)
        book.save(target)

    def restore(self, originals: Iterator[tuple[int, str]], target: Path) -> None:
        raise NotImplementedError("Excel is restored value by value.")


def _open(path: Path, *, read_only: bool) -> Any:
    try:
        import openpyxl
    except ImportError:
        raise TableUnavailable("Excel files need openpyxl: install dp-tools[tables].") from None
    try:
        return openpyxl.load_workbook(path, read_only=read_only, data_only=read_only)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, openpyxl.utils.exceptions.InvalidFileException):
        raise TableUnavailable(f"{path.name} cannot be read as an Excel workbook; save it as .xlsx.") from None


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


def _like(old: Any, new: str | None) -> Any:
    """The new value as a number where the old one was one and the text is the same after the way back."""
    if new is not None and isinstance(old, int | float) and not isinstance(old, bool):
        for kind in (int, float):
            try:
                number = kind(new)
            except ValueError:
                continue
            if _as_text(number) == new:
                return number
    return new
