"""Workbooks of other programs and of older ones, through python-calamine: read, and written as CSV."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dp_tools.errors import TableUnavailable
from dp_tools.tables.io.sheets import SheetFile
from dp_tools.tables.io.table_file import Edit


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
        (shown,) = self._printed()
        return dict(shown)

    def _values(self, sheet: str, columns: int | None = None) -> Iterator[Sequence[Any]]:  # noqa: ARG002
        yield from self._printed(sheet)

    def _printed(self, *sheet: str) -> Iterator[Any]:
        """What `spreadsheet_rows` prints, each line read as JSON."""
        if importlib.util.find_spec("python_calamine") is None:
            raise TableUnavailable(
                f"{self.path.name} needs python-calamine: install dp-tools[tables], or save it as .xlsx."
            )
        command = [sys.executable, "-m", "dp_tools.tables.io.spreadsheet_rows", str(self.path.absolute()), *sheet]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            try:
                yield from map(json.loads, process.stdout)
            except GeneratorExit:
                process.kill()
                raise
        if process.returncode:
            kind = self.path.suffix.lower()
            raise TableUnavailable(
                f"{self.path.name} cannot be read as {kind}, or is too large; save it as .xlsx or .csv."
            )
