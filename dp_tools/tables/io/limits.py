"""Limits on how far a file may expand, checked before memory is used; reader failures become one sentence."""

from __future__ import annotations

import contextlib
import logging
import threading
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from dp_tools.errors import Cancelled, DpToolsError, TableUnavailable

LONGEST_RECORD = 16 * 2**20
"""Characters of one record or one value; memory stays bounded whatever a file holds."""
COLUMNS = 5_000
"""Columns of a table."""
NESTING = 64
"""Levels of lists and objects inside a value."""
CELLS, CELLS_PER_BYTE = 20_000_000, 20
"""Cells that a file of any size may hold, and cells for each of its bytes where that is more."""
TEXT, TEXT_PER_BYTE = 2**30, 100
"""The same for the characters of all values."""
UNPACKED, UNPACKED_PER_BYTE = 64 * 2**20, 50
"""The same for the bytes of a workbook's parts."""
SHEET_ROWS = 2**20
"""Rows of a workbook's sheet, as Excel has them."""
HELD = 256 * 2**20
"""Bytes of a workbook's parts other than sheets, which are held in memory at once."""
BATCH_CELLS, BATCH_TEXT = 2_000_000, 64 * 2**20
"""Cells and characters of records that are held in memory at once."""
QUERY_CHARACTERS = 10_000
"""Characters of a query of a database."""
QUERY_S = 30
"""Seconds that a query may take in all; a table of a database, from one batch of records to the next."""
QUERY_STEPS = 1_000_000_000
"""Steps of SQLite's virtual machine that a query may take."""
QUERY_ROWS = 2_000_000
"""Records that a query may return."""
DATABASE_MEMORY = 2**30
"""Bytes that a database may need to answer."""

log = logging.getLogger(__name__)


class Meter:
    """Counts what a file unfolds to while its records are read.

    Args:
        name: what to call the file in messages.
        columns: how many columns it has.
        size: its bytes.
        cancel: set it to stop.
    """

    def __init__(self, name: str, columns: int, size: int, cancel: threading.Event | None = None) -> None:
        self._name = name
        self._cancel = cancel
        self._columns = columns
        self._cells = _allowed(CELLS, CELLS_PER_BYTE, size)
        self._text = _allowed(TEXT, TEXT_PER_BYTE, size)
        self._batch_cells = self._batch_text = 0

    def add(self, values: Sequence[str | None]) -> bool:
        """Count a record; True where a batch of records is full and has to be written out.

        Raises:
            TableUnavailable: a record is too long, or the file unfolds too far.
            Cancelled: `cancel` was set.
        """
        text = sum(map(len, filter(None, values)))
        require_short(self._name, text)
        self._batch_cells += self._columns
        self._batch_text += text
        if self._batch_cells < BATCH_CELLS and self._batch_text < BATCH_TEXT:
            return False
        require_going_on(self._cancel)
        self._cells -= self._batch_cells
        self._text -= self._batch_text
        self._batch_cells = self._batch_text = 0
        if self._cells < 0 or self._text < 0:
            raise unfolds(self._name)
        return True


def require_short(name: str, characters: int) -> None:
    """Refuse a record that is too long.

    Raises:
        TableUnavailable: it is.
    """
    if characters > LONGEST_RECORD:
        raise TableUnavailable(
            f"A record of {name} is longer than {LONGEST_RECORD // 2**20} MB; check that it is a table."
        )


def require_columns(name: str, count: int) -> None:
    """Refuse a table that is too wide.

    Raises:
        TableUnavailable: it is.
    """
    if count > COLUMNS:
        raise TableUnavailable(
            f"{name} has {count:,} columns and the limit is {COLUMNS:,}; keep the columns that matter in a file of "
            "their own."
        )


def require_cells(path: Path, cells: int) -> None:
    """Refuse a file that unfolds to more cells than one of its size may hold.

    Raises:
        TableUnavailable: it does.
    """
    if cells > _allowed(CELLS, CELLS_PER_BYTE, path.stat().st_size):
        raise unfolds(path.name)


def require_unpackable(path: Path) -> None:
    """Refuse a workbook that unpacks to more than one of its size may hold, by what its directory says.

    Args:
        path: the workbook, a ZIP archive.

    Raises:
        TableUnavailable: it does.
        zipfile.BadZipFile: it is no archive.
    """
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    if sum(part.file_size for part in parts) > _allowed(UNPACKED, UNPACKED_PER_BYTE, path.stat().st_size):
        raise unfolds(path.name)
    held = sum(part.file_size for part in parts if not part.filename.startswith("xl/worksheets/"))
    if held > HELD:
        raise TableUnavailable(f"{path.name} is too large to be read as a workbook; save its sheet as .csv.")


def require_shallow(name: str, value: object) -> None:
    """Refuse a value of lists and objects that is nested too deep to be written out again.

    Raises:
        TableUnavailable: it is.
    """
    level = [value]
    for _ in range(NESTING):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise TableUnavailable(f"{name} is nested deeper than {NESTING} levels; flatten it first.")


def require_going_on(cancel: threading.Event | None) -> None:
    """Stop here if the caller said so.

    Raises:
        Cancelled: the caller did.
    """
    if cancel is not None and cancel.is_set():
        raise Cancelled("The work was stopped.")


@contextlib.contextmanager
def one_sentence(name: str) -> Iterator[None]:
    """Turn whatever a reader of damaged or hostile files raises into one sentence.

    Raises:
        TableUnavailable: the reader failed; errors that are one already pass through.
    """
    try:
        yield
    except DpToolsError:
        raise
    except MemoryError as error:
        raise TableUnavailable(
            f"{name} needs more memory than this machine has left; free some, or split the file."
        ) from error
    except OSError as error:
        raise TableUnavailable(f"{name} cannot be read ({error.strerror or error}).") from error
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        # What polars panics with is no Exception.
        log.debug("reading failed", exc_info=True)
        raise TableUnavailable(
            f"{name} is damaged or not what its name says; save it again, or as .csv, with the program it is from."
        ) from error


def unfolds(name: str) -> TableUnavailable:
    """What is said of a file that unfolds too far."""
    return TableUnavailable(
        f"{name} is small but unfolds to more than a file of its size may hold; save what matters of it as .csv."
    )


def _allowed(least: int, per_byte: int, size: int) -> int:
    return max(least, per_byte * size)
