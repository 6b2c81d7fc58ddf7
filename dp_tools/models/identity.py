"""Telling one model file from another by its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

_WHOLE = 512 * 2**20
_PARTS = 256
_PART = 2**16


def identity(path: Path) -> str:
    """A digest of a file: of all its bytes up to 512 MB, else of its size and 256 stretches spread over it."""
    digest = hashlib.sha256()
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _WHOLE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(str(size).encode())
        for part in range(_PARTS):
            file.seek((size - _PART) * part // (_PARTS - 1))
            digest.update(file.read(_PART))
    return digest.hexdigest()
