"""The tables that somebody looks at, each read once: for its rows, screenful by screenful, and for its profile."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dp_tools.errors import TableUnavailable

if TYPE_CHECKING:
    from dp_tools.tables.snapshot import Table

_OPEN = 3
"""Tables that are kept open, the latest."""


@dataclass(slots=True)
class _Shared:
    """A table and those who use it.

    Args:
        table: it, once it is read.
        users: how many use it or wait for it.
        is_kept: whether it stays open when nobody uses it.
        reading: held by the one who reads it.
    """

    table: Table | None = None
    users: int = 0
    is_kept: bool = False
    reading: threading.Lock = field(default_factory=threading.Lock)


class OpenTables:
    """The tables that are in use, and those that were looked at last, as long as their files stay as they are."""

    def __init__(self) -> None:
        self._tables: OrderedDict[tuple[str, int, int], _Shared] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def open(self, path: Path, *, keep: bool = False, cancel: threading.Event | None = None) -> Iterator[Table]:
        """The table of a file, read once for all who use it at a time; nobody closes it meanwhile.

        Args:
            path: the file.
            keep: whether it is kept open, so that a million rows are not read for every screenful.
            cancel: set it to stop reading.

        Raises:
            TableUnavailable: the file cannot be read as a table.
            Cancelled: `cancel` was set.
        """
        # polars is loaded where a table is first looked at: a server has to start without it.
        from dp_tools.tables.snapshot import open_table

        if not path.is_file():
            raise TableUnavailable(f"There is no file {path}; give the path of a table.")
        status = path.stat()
        name = (str(path), status.st_mtime_ns, status.st_size)
        with self._lock:
            shared = self._tables.setdefault(name, _Shared())
            self._tables.move_to_end(name)
            shared.users += 1
            shared.is_kept |= keep
        try:
            with shared.reading:
                if shared.table is None:
                    shared.table = open_table(path, cancel=cancel)
            yield shared.table
        finally:
            with self._lock:
                shared.users -= 1
                self._close_unused()

    def close(self) -> None:
        """Close all that nobody uses, also later."""
        with self._lock:
            for shared in self._tables.values():
                shared.is_kept = False
            self._close_unused()

    def _close_unused(self) -> None:
        """Close what nobody uses, and of what is kept all but the latest."""
        latest = [name for name, shared in self._tables.items() if shared.is_kept and shared.table][-_OPEN:]
        for name, shared in [*self._tables.items()]:
            if not shared.users and name not in latest:
                del self._tables[name]
                if shared.table is not None:
                    shared.table.close()
