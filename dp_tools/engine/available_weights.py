"""Which weights answer: the optimized ones as soon as there are any, those that are installed until then."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from dp_tools.engine.background_optimize import optimize_in_background
from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.digest import identity
from dp_tools.models.formats import FORMATS
from dp_tools.models.optimized import find, note_of, optimized_path, sweep


@dataclass(frozen=True, slots=True)
class Weights:
    """What is loaded.

    Args:
        path: the file.
        adapters: that are not merged into it.
        digest: changes when the same question could get another answer by more than rounding. The optimized formats
            that keep the adapter's accuracy share it, since which of them answers depends on the machine.
    """

    path: Path
    adapters: tuple[Path, ...]
    digest: str


class BestWeights:
    """The best weights that there are for a model at the moment.

    Args:
        spec: the model.
        optimized: whether to take weights that were rewritten for this machine, and to have them made where there are
            none.

    Raises:
        ModelUnavailable: the model is not on this machine.
    """

    def __init__(self, spec: ModelSpec, optimized: bool) -> None:
        path = spec.locate()
        adapters = (spec.adapter,) if spec.adapter else ()
        self._sources = "\n".join(map(identity, (path, *adapters)))
        self._awaited = optimized_path(spec) if optimized else None
        # The installed file is coarser than the formats that are optimized: its answers are kept apart from theirs.
        stand_in = "until optimized\n" if optimized else ""
        self.current = Weights(path, adapters, stand_in + self._sources)
        self._template = spec.prompt_template
        self._seen: int | None = None
        if self._awaited is not None:
            sweep(self._awaited.parent)
            if not self.improved():
                optimize_in_background(spec)

    @property
    def fingerprint(self) -> str:
        """Of the weights, the adapter and the prompt template; see `Engine.fingerprint`."""
        return hashlib.sha256("\n".join([self._template, self.current.digest]).encode()).hexdigest()

    def improved(self) -> bool:
        """Look for optimized weights, where they are still awaited; returns whether they are the current ones now."""
        if self._awaited is None:
            return False
        try:
            noted = note_of(self._awaited).stat().st_mtime_ns
        except OSError:
            return False
        if noted == self._seen:
            return False  # they are damaged
        self._seen = noted
        made = find(self._awaited)
        if made is None:
            return False
        self._awaited = None
        self.current = Weights(made.path, (), self._sources if made.format in FORMATS else made.sha256)
        return True
