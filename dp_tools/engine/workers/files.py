"""Model files as workers have them: by digest, so that every worker answers with the same bytes wherever it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dp_tools.engine.cache import default_cache
from dp_tools.models.digest import identity

PART = 16 * 2**20
"""Bytes that are sent at once."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of weights, or an adapter.

    Args:
        path: where the driver has it.
        digest: of what it holds; see `identity`.
    """

    path: Path
    digest: str

    @classmethod
    def of(cls, path: Path) -> ModelFile:
        """A file of this machine."""
        return cls(path, identity(path))

    def parts(self) -> Iterator[bytes]:
        """What it holds, in pieces of `PART` bytes."""
        with self.path.open("rb") as file:
            while part := file.read(PART):
                yield part


class NodeFiles:
    """The model files of one node.

    Args:
        folder: where those are kept that were sent (default: beside the cached answers).
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or default_cache().parent / "sent"

    def find(self, file: ModelFile) -> Path | None:
        """The file where this node has it: in the driver's place, or sent earlier."""
        for path in (file.path, self._place(file)):
            try:
                if identity(path) == file.digest:
                    return path
            except OSError:
                continue
        return None

    def receive(self, file: ModelFile, part: bytes, *, first: bool, last: bool) -> None:
        """Keep one piece of a file; with the last one it is there."""
        place = self._place(file)
        place.parent.mkdir(parents=True, exist_ok=True)
        making = place.with_name(f"{place.name}.{os.getpid()}.part")
        with making.open("wb" if first else "ab") as target:
            target.write(part)
        if last:
            making.replace(place)

    def _place(self, file: ModelFile) -> Path:
        # An adapter's name stands in the answers, so that it is kept.
        return self._folder / file.digest[:32] / file.path.name
