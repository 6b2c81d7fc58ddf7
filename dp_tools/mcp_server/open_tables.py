"""The tables that somebody looks at row by row, kept open so that a million rows are not read for every screenful."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dp_tools.tables.snapshot import Table

_OPEN = 3
"""Tables that are kept open, the latest."""


class OpenTables:
    """The tables that were looked at last, as long as their files stay as they are."""

    def __init__(self) -> None:
        self._tables: OrderedDict[tuple[str, int, int], Table] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def open(self, path: Path) -> Iterator[Table]:
        """The table of a file, read at most once; nobody closes it meanwhile.

        Raises:
            TableUnavailable: the file cannot be read as a table.
        """
        # polars is loaded where a table is first looked at: a server has to start without it.
        from dp_tools.tables.snapshot import open_table

        status = path.stat()
        name = (str(path), status.st_mtime_ns, status.st_size)
        with self._lock:
            if name not in self._tables:
                self._tables[name] = open_table(path)
                while len(self._tables) > _OPEN:
                    self._tables.popitem(last=False)[1].close()
            self._tables.move_to_end(name)
            yield self._tables[name]

    def close(self) -> None:
        """Close all; the next look opens a table again."""
        with self._lock:
            while self._tables:
                self._tables.popitem()[1].close()
