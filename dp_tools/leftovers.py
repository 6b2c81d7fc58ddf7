"""Removes half-written files and temporary folders that killed processes left behind.

Each process keeps a list of what it has in hand, under a lock that the system frees when the process dies. Only what
stands in the list of a process that is gone is removed, so nothing of a living one, nor of another program.
"""

from __future__ import annotations

import atexit
import json
import secrets
import shutil
import threading
from contextlib import suppress
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

_guard = threading.Lock()
_held: list[FileLock] = []
"""The lock of this process's list, once it has one."""
_LIST = ".paths"


def note(path: Path) -> None:
    """Put a file or folder that is to be gone in the end into this process's list, before anything is written to it.

    Its name begins with "dp-tools-", or with a dot and ends in ".part"; nothing else is ever removed. Where the list
    cannot be kept, it is left out: that costs room after a kill, not the work.
    """
    with suppress(OSError), _guard, _own_list().open("a", encoding="utf-8") as file:
        file.write(json.dumps(str(path.absolute())) + "\n")


def sweep() -> None:
    """Remove what processes that are gone have left."""
    for listed in _folder().glob(f"*{_LIST}"):
        lock = listed.with_suffix(".lock")
        try:
            with FileLock(lock, timeout=0):
                for line in listed.read_text(encoding="utf-8").splitlines():
                    _remove(Path(json.loads(line)))
                listed.unlink()
            lock.unlink(missing_ok=True)
        except (Timeout, OSError, ValueError):
            continue


def _own_list() -> Path:
    if not _held:
        sweep()
        _folder().mkdir(parents=True, exist_ok=True)
        lock = FileLock(_folder() / f"{secrets.token_hex(8)}.lock", thread_local=False)
        lock.acquire()
        _held.append(lock)
        atexit.register(_forget, lock)
    return Path(_held[0].lock_file).with_suffix(_LIST)


def _forget(lock: FileLock) -> None:
    file = Path(lock.lock_file)
    with suppress(OSError):
        file.with_suffix(_LIST).unlink(missing_ok=True)
        lock.release()
        file.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    if path.name.startswith("dp-tools-") and path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    elif path.name.startswith(".") and path.name.endswith(".part"):
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _folder() -> Path:
    return platformdirs.user_state_path("dp-tools") / "unfinished"
