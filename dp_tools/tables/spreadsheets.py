"""Workbooks of other programs and of older ones, through python-calamine: read, and written as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dp_tools.errors import TableUnavailable
from dp_tools.tables.reading import Edit
from dp_tools.tables.sheets import SheetFile


@dataclass
class SpreadsheetFile(SheetFile):
    """A sheet of an .xls, .xlsb or .ods workbook."""

    def rewrite(
        self,
        edits: Iterator[Edit],  # noqa: ARG002
        target: Path,  # noqa: ARG002
        keep: Callable[[int, str | None], None],  # noqa: ARG002
    ) -> Mapping[str, Any]:
        raise TableUnavailable(f"{self.path.name} can be read and not written; write the result to a .csv file.")

    def restore(self, originals: Iterator[tuple[int, str]], target: Path, rest: object = None) -> None:
        raise NotImplementedError("Such workbooks are not written.")

    @property
    def _format(self) -> str:
        return self.path.suffix.lower().lstrip(".")

    def _sheets(self) -> dict[str, bool]:
        calamine = _calamine(self.path)
        book = self._book()
        return {
            sheet.name: sheet.visible == calamine.SheetVisibleEnum.Visible
            for sheet in book.sheets_metadata
            if sheet.typ == calamine.SheetTypeEnum.WorkSheet
        }

    def _values(self, sheet: str) -> Iterator[Sequence[Any]]:
        found = self._book().get_sheet_by_name(sheet)
        # The rows come from the first used one on; lines count from the sheet's first.
        start = found.start or (0, 0)
        yield from ([] for _ in range(start[0]))
        for row in found.iter_rows():
            yield [None if value == "" else value for value in row]

    def _book(self) -> Any:
        calamine = _calamine(self.path)
        try:
            return calamine.CalamineWorkbook.from_path(str(self.path))
        except (calamine.CalamineError, OSError):
            kind = self.path.suffix.lower()
            raise TableUnavailable(f"{self.path.name} cannot be read as {kind}; save it as .xlsx.") from None


def _calamine(path: Path) -> Any:
    try:
        import python_calamine
    except ImportError:
        raise TableUnavailable(
            f"{path.name} needs python-calamine: install dp-tools[tables], or save it as .xlsx."
        ) from None
    return python_calamine
