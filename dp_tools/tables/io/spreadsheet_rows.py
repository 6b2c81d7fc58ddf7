"""Prints a sheet of a workbook as JSON lines: `python -m dp_tools.tables.io.spreadsheet_rows FILE [SHEET]`.

python-calamine lays a sheet out in memory cell by cell, so a file of a few bytes that claims a million rows can take
all there is, and what it does not understand can end the process. It therefore runs in one of its own, with limits.
"""

from __future__ import annotations

import contextlib
import json
import sys

MEMORY = 4 * 2**30
"""Bytes of address space that the process may take."""


def main() -> None:
    """Without a sheet: names and whether each is visible, on one line. With one: its rows as texts, a line each."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limits.
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    import python_calamine

    from dp_tools.tables.io.sheets import as_text

    path, *sheets = sys.argv[1:]
    book = python_calamine.CalamineWorkbook.from_path(path)
    if not sheets:
        shown = {
            sheet.name: sheet.visible == python_calamine.SheetVisibleEnum.Visible
            for sheet in book.sheets_metadata
            if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        }
        print(json.dumps(shown))
        return
    sheet = book.get_sheet_by_name(sheets[0])
    for row in sheet.iter_rows():
        print(json.dumps([as_text(value) for value in row]))


if __name__ == "__main__":
    main()
