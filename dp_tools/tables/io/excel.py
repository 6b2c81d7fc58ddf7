"""Excel workbooks: one sheet is the table, and only the cells that change are written; all else stays byte for byte."""

from __future__ import annotations

import datetime
import itertools
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dp_tools.errors import TableUnavailable
from dp_tools.tables.io.limits import SHEET_ROWS, require_unpackable, unfolds
from dp_tools.tables.io.sheet_xml import BROKEN, Locked, Value, edited, has_formulas, locked_cells, sheets_of
from dp_tools.tables.io.sheets import Cells, SheetFile, as_text
from dp_tools.tables.io.table_file import Edit, Reading
from dp_tools.tables.io.zip_member import put_member_back, replace_member


@dataclass
class ExcelFile(SheetFile):
    """A sheet of an .xlsx or .xlsm workbook. Formulas are read by their saved results and never written."""

    exact: bool = True
    _locked: Locked = field(default_factory=Locked)

    def __post_init__(self) -> None:
        with suppress(*BROKEN):  # What is no archive is told by who reads it.
            require_unpackable(self.path)
        super().__post_init__()
        self._part, _ = sheets_of(self.path)[self.sheet or ""]
        self._locked = locked_cells(self.path, self._part, range(self._left + 1, self._left + len(self.columns) + 1))
        if self._locked.formulas:
            without = (
                f" {self._locked.without_result:,} of them have no saved result: open the workbook in a spreadsheet "
                "program and save it there."
                if self._locked.without_result
                else ""
            )
            count = f"{self._locked.formulas:,}"
            self._notes += (f"{count} cells are results of formulas: they are judged, and never written.{without}",)

    @property
    def reading(self) -> Reading:
        found = super().reading
        return Reading(found.format, found.options, found.notes, _Computed(self))

    def rewrite(
        self, edits: Iterator[Edit], target: Path, keep: Callable[[int, str | None], None]
    ) -> Mapping[str, Any]:
        texts: dict[int, Mapping[str, str | None]] = {}
        for number, values in edits:
            texts[number] = values
            keep(number, None)
        cells = self._new_values(texts)
        content = edited(self.path, self._part, cells, recalculate=bool(cells) and has_formulas(self.path))
        return replace_member(self.path, self._part, content, target)

    def restore(
        self,
        originals: Iterator[tuple[int, str]],  # noqa: ARG002
        target: Path,
        rest: Mapping[str, Any] | None = None,
    ) -> None:
        put_member_back(self.path, rest or {}, target)

    @property
    def _format(self) -> str:
        return "excel"

    def _sheets(self) -> dict[str, bool]:
        return {name: visible for name, (_, visible) in sheets_of(self.path).items()}

    def _values(self, sheet: str, columns: int | None = None) -> Iterator[Sequence[Any]]:
        with self._book() as book:
            for number, row in enumerate(_rows(book[sheet], columns)):
                if number >= SHEET_ROWS:
                    raise unfolds(self.path.name)
                yield row

    def _records(self) -> Iterator[tuple[int, Cells]]:
        """The rows of the table; what a merged cell holds holds for all rows that it spans."""
        spans: dict[int, tuple[int, str | None]] = {}
        for number, texts in super()._records():
            if self._locked.merged:
                row, cells = self.row_of(number), list(texts)
                for place, text in enumerate(texts):
                    last = self._locked.merged.get((row, self._left + place + 1))
                    if last is not None:
                        spans[place] = last, text
                    elif place in spans and row <= spans[place][0]:
                        cells[place] = spans[place][1]
                texts = tuple(cells)
            yield number, texts

    def _new_values(self, texts: Mapping[int, Mapping[str, str | None]]) -> dict[int, dict[int, Value]]:
        """New values by row and column of the sheet, of the kind of the old ones, or of their column's, if they can."""
        places = {name: self.column_of(name) for name in {name for values in texts.values() for name in values}}
        filled, numbers = Counter[int](), Counter[int]()
        found: dict[tuple[int, int], tuple[Any, str | None]] = {}
        with self._book() as book:
            rows = itertools.islice(_rows(book[self.sheet], max(places.values(), default=1)), self._first - 1, None)
            for number, row in enumerate(rows):
                for name, column in places.items():
                    old = row[column - 1] if column <= len(row) else None
                    filled[column] += old is not None
                    numbers[column] += _is_number(old)
                    if name in texts.get(number, {}):
                        found[self.row_of(number), column] = old, texts[number][name]
            epoch = book.epoch
        cells: dict[int, dict[int, Value]] = {}
        for (place, column), (old, new) in found.items():
            # "1O5" among numbers was meant as one: as text, sums would leave it out.
            meant = 0 if numbers[column] * 2 > filled[column] and not isinstance(old, bool | datetime.date) else old
            cells.setdefault(place, {})[column] = _like(meant, new, epoch)
        return cells

    @contextmanager
    def _book(self) -> Iterator[Any]:
        try:
            import openpyxl
        except ImportError:
            raise TableUnavailable("Excel files need openpyxl: install dp-tools[tables].") from None
        # openpyxl does not close a file that it opened and could not read.
        with ExitStack() as opened:
            with warnings.catch_warnings():
                # openpyxl warns of what it would lose in writing; it writes nothing here.
                warnings.simplefilter("ignore")
                try:
                    stream = opened.enter_context(self.path.open("rb"))
                    book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
                except BROKEN:
                    raise self._unreadable() from None
            try:
                yield book
            except BROKEN:
                raise self._unreadable() from None
            finally:
                book.close()

    def _unreadable(self) -> TableUnavailable:
        return TableUnavailable(f"{self.path.name} cannot be read as an Excel workbook; save it as .xlsx.")


class _Computed:
    """The cells of a workbook's table that are never written, by record number and attribute."""

    def __init__(self, file: ExcelFile) -> None:
        self._file = file

    def __contains__(self, cell: object) -> bool:
        if not isinstance(cell, tuple):
            return False
        number, name = cell
        return (self._file.row_of(number), self._file.column_of(name)) in self._file._locked


def _rows(sheet: Any, columns: int | None) -> Iterator[tuple[Any, ...]]:
    """All rows from the first on, whatever size the sheet claims to have: so many columns, or up to the last cell."""
    sheet.reset_dimensions()
    rows: Iterator[tuple[Any, ...]] = sheet.iter_rows(max_col=columns, values_only=True)
    return rows


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _like(old: Any, new: str | None, epoch: datetime.datetime) -> Value:
    """The new text as a number, a truth value or a day where the old one was one and it reads the same again."""
    from openpyxl.utils.datetime import to_excel

    if new is None:
        return None
    if isinstance(old, bool):
        return new == "TRUE" if new in ("TRUE", "FALSE") else new
    if _is_number(old):
        for kind in (int, float):
            try:
                number = kind(new)
            except ValueError:
                continue
            if as_text(number) == new:
                return number
    if isinstance(old, datetime.datetime):
        try:
            day = datetime.datetime.fromisoformat(new)
        except ValueError:
            return new
        if as_text(day) == new and day.tzinfo is None:
            return float(to_excel(day, epoch))
    return new
