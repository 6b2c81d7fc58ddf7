"""SQLite files: created atomically, and readable on read-only disks.

A file that is empty was cut off, then, and not just begun.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from dp_tools import leftovers


def make_whole(path: Path, make: Callable[[sqlite3.Connection], None]) -> None:
    """Make a file where there is none. Another process may be quicker: its file stays.

    Args:
        path: where; its folder is there.
        make: given a connection to an empty database; what it commits is in the file.

    Raises:
        OSError, sqlite3.Error: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    leftovers.note(part)
    try:
        with closing(sqlite3.connect(part)) as connection:
            make(connection)
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            if not path.exists():
                part.replace(path)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            part.with_name(part.name + suffix).unlink(missing_ok=True)


def is_empty(path: Path) -> bool:
    """Whether a file is there and holds nothing."""
    return path.is_file() and not path.stat().st_size


def reading_uri(path: Path) -> str:
    """The URI under which SQLite only reads a file, also where it cannot put the files it wants beside it."""
    wal = path.with_name(path.name + "-wal")
    writable = os.access(path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
    whole = not wal.exists() or not wal.stat().st_size
    return f"{path.absolute().as_uri()}?mode=ro" + ("&immutable=1" if whole and not writable else "")
