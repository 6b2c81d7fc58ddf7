"""Optimized weights: their location, their metadata, and the cleanup of half-written files.

Nothing heavy is imported here, for a server looks for them before it is asked anything.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.digest import identity

_RECIPE = "1"
"""Counts up when the same sources would be written otherwise."""


@dataclass(frozen=True, slots=True)
class OptimizedWeights:
    """An optimized file with what is kept about it.

    Args:
        path: the GGUF.
        format: of its matrices.
        sha256: of the file when it was written.
        tokens_per_second: prompt tokens decoded per second with each format that was tried, when it was chosen.
        rounds: how many times all of them were timed.
        agreed: whether the last two rounds agreed; where they did not, no speed was believed.
    """

    path: Path
    format: str
    sha256: str
    tokens_per_second: dict[str, float]
    rounds: int
    agreed: bool

    @property
    def why(self) -> str:
        """Why this format was chosen, in a sentence."""
        if len(self.tokens_per_second) < 2:
            return "No other format was tried."
        speeds = ", ".join(f"{name} {speed:,.0f}" for name, speed in self.tokens_per_second.items())
        if self.agreed:
            return f"It is the fastest here: {speeds} tokens a second; the last two of {self.rounds} rounds agreed."
        return (
            f"The machine was busy: no two of {self.rounds} rounds agreed within a tenth (the last: {speeds} tokens a "
            "second), so the most accurate was taken; dp-tools models optimize --again measures again."
        )


def optimized_folder() -> Path:
    """Where optimized weights are kept: the user's cache folder, or DP_TOOLS_CACHE."""
    chosen = os.environ.get("DP_TOOLS_CACHE")
    return (Path(chosen) if chosen else Path(platformdirs.user_cache_dir("dp-tools"))) / "models"


def optimized_path(spec: ModelSpec, folder: Path | None = None) -> Path:
    """Where the optimized weights of a model are, or would be.

    Raises:
        ModelUnavailable: the model is not on this machine.
    """
    sources = [spec.locate(), *([spec.adapter] if spec.adapter else [])]
    key = hashlib.sha256("\n".join([_RECIPE, *map(identity, sources)]).encode()).hexdigest()
    return (folder or optimized_folder()) / f"{spec.name}-{key[:16]}.gguf"


def find(path: Path) -> OptimizedWeights | None:
    """The optimized weights at a path, or None when there are none, or they are damaged; all of the file is read."""
    try:
        noted = json.loads(note_of(path).read_text(encoding="utf-8"))
        optimized = OptimizedWeights(**{**noted, "path": path})
        with path.open("rb") as file:
            intact = hashlib.file_digest(file, "sha256").hexdigest() == optimized.sha256
    except (OSError, ValueError, TypeError):
        return None
    return optimized if intact else None


def note_of(path: Path) -> Path:
    """What is known of the weights at a path; it is there when they are whole."""
    return path.with_suffix(".json")


def pace_of(path: Path) -> Path:
    """How fast the weights at a path answer here, see `dp_tools.engine.pace`."""
    return path.with_suffix(".pace.json")


def part_of(path: Path, what: str) -> Path:
    """Where something for the weights at a path is written before it is whole. Only for who is `making` them."""
    return path.with_suffix(f".{what}.part")


def note(optimized: OptimizedWeights) -> None:
    """Keep what is known of optimized weights that are in their place."""
    part = part_of(optimized.path, "json")
    part.write_text(json.dumps({**asdict(optimized), "path": optimized.path.name}, indent=2), encoding="utf-8")
    part.replace(note_of(optimized.path))


@contextmanager
def making(path: Path, patience: float = -1) -> Iterator[None]:
    """Be the only one, in whatever process, who makes the weights at a path.

    Args:
        path: the weights.
        patience: seconds to wait for another one; for ever by default.

    Raises:
        Timeout: another one is making them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock"), timeout=patience):
        yield


def being_made(path: Path) -> bool:
    """Whether some process is making the weights at a path right now."""
    if not path.with_suffix(".lock").exists():
        return False
    try:
        with making(path, patience=0):
            return False
    except (Timeout, OSError):
        return True


def sweep(folder: Path) -> None:
    """Remove what processes that are gone left half-made in a folder; whoever is making something holds its lock."""
    for part in folder.glob("*.part"):
        path = folder / f"{part.stem.rpartition('.')[0]}.gguf"
        try:
            with making(path, patience=0):
                part.unlink(missing_ok=True)
        except (Timeout, OSError):
            continue
