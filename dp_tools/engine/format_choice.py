"""Optimizing weights with llama.cpp at hand: the formats are timed on this machine and the fastest is kept.

As a program it optimizes the weights of one model, described in JSON, for `dp_tools.engine.background_optimize`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path

import numpy as np

from dp_tools.engine.cores import physical_cores
from dp_tools.engine.llama import Llama
from dp_tools.errors import ModelUnavailable
from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.formats import FORMATS
from dp_tools.models.optimize import Report, optimize
from dp_tools.models.optimized import OptimizedWeights

_log = logging.getLogger(__name__)

_PROBE = 512
_REPEATS = 2
_MODESTY = 10
"""How much the program yields to others, as `nice` counts."""


def optimize_weights(
    spec: ModelSpec,
    *,
    threads: int | None = None,
    folder: Path | None = None,
    report: Report | None = None,
    again: bool = False,
    formats: tuple[str, ...] = FORMATS,
) -> OptimizedWeights:
    """The optimized weights of a model, made now where there are none or they are damaged.

    Args:
        spec: the model; its adapter is merged.
        threads: that the formats are timed with; default: the physical cores.
        folder: where they are kept; default: the user's cache folder.
        report: called with what is being done and its progress, 0 to 1; default: the log.
        again: make them even when they are there.
        formats: what to choose from.

    Raises:
        ModelUnavailable: the sources cannot be read, the adapter is for another model, or the disk is full.
    """

    def speed_of(path: Path) -> float:
        return decode_speed(path, threads or physical_cores())

    report = report or _to_log(spec.name)
    return optimize(spec, formats=formats, folder=folder, report=report, speed_of=speed_of, again=again)


def decode_speed(path: Path, threads: int, repeats: int = _REPEATS) -> float:
    """Prompt tokens per second that llama.cpp alone decodes with a file, in batches of 512: the best of the repeats."""
    llama = Llama(path, cells=_PROBE, batch=_PROBE, sequences=1, threads=threads)
    try:
        tokens = np.random.default_rng(0).integers(0, llama.vocabulary_size, _PROBE).tolist()
        best = 0.0
        for _ in range(repeats):
            llama.clear()
            start = time.perf_counter()
            llama.decode(tokens, range(_PROBE), [[0]] * _PROBE, [_PROBE - 1])
            best = max(best, _PROBE / (time.perf_counter() - start))
        return best
    finally:
        llama.close()


def _to_log(name: str) -> Report:
    """Progress as log lines, one for each thing that is done."""
    reported: set[str] = set()

    def report(what: str, _share: float) -> None:
        if what not in reported:
            reported.add(what)
            _log.info("Optimizing %s for this machine, once: %s.", name, what)

    return report


def main() -> None:
    """Optimize the model that the first argument describes; a failure is one sentence on stderr."""
    if hasattr(os, "nice"):
        os.nice(_MODESTY)
    described = json.loads(sys.argv[1])
    adapter = described["adapter"]
    spec = ModelSpec(described["name"], described["source"], "", adapter=Path(adapter) if adapter else None)
    try:
        optimize_weights(spec)
    except ModelUnavailable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
