"""Optimizes weights in the background, in a process of its own: its memory is given back and no call waits.

Nothing heavy is imported here, for a server starts it before it is asked anything.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from dp_tools.errors import Cancelled
from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.optimized import being_made, note_of, optimized_path, sweep

_log = logging.getLogger(__name__)

_started: dict[Path, subprocess.Popen[str] | None] = {}
"""The processes that optimize weights, by what they make; None where one could not be started."""
_guard = threading.Lock()
_BEAT_S = 0.1


def optimize_where_missing(spec: ModelSpec) -> None:
    """Have the weights of a model optimized where there are none; what others left half-made is removed."""
    path = optimized_path(spec)
    sweep(path.parent)
    if not note_of(path).exists():
        optimize_in_background(spec)


def optimize_in_background(spec: ModelSpec) -> None:
    """Have the weights of a model optimized, once a process, unless somebody is at it.

    The process that does it yields to everything else and goes on when this one ends; it takes about a minute.
    """
    path = optimized_path(spec)
    with _guard:
        if path not in _started and sys.executable and not being_made(path):
            _started[path] = _start(spec)


def wait_until_optimized(
    spec: ModelSpec,
    *,
    waiting: Callable[[float], None] = lambda _seconds: None,
    cancel: threading.Event | None = None,
) -> None:
    """Have the weights of a model optimized where there are none, and wait for them.

    For work that takes longer than that anyway: all of it is then answered by the same weights. Where optimizing fails
    the log says so, and those that are installed go on answering.

    Args:
        spec: the model.
        waiting: called several times a second with the seconds waited.
        cancel: set it to stop waiting; the weights are still optimized.

    Raises:
        Cancelled: `cancel` was set.
    """
    if not spec.optimizable:
        return
    optimize_where_missing(spec)
    path, begun = optimized_path(spec), time.monotonic()
    while not note_of(path).exists() and _is_under_way(path):
        if cancel is not None and cancel.is_set():
            raise Cancelled("The work was stopped while the model was being optimized.")
        waiting(time.monotonic() - begun)
        time.sleep(_BEAT_S)


def _is_under_way(path: Path) -> bool:
    process = _started.get(path)
    return (process is not None and process.poll() is None) or being_made(path)


def _start(spec: ModelSpec) -> subprocess.Popen[str] | None:
    adapter = str(spec.adapter.resolve()) if spec.adapter else None
    described = json.dumps({"name": spec.name, "source": spec.source, "adapter": adapter})
    here = str(Path(__file__).resolve().parents[2])
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "dp_tools.engine.format_choice", described],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))},
            start_new_session=True,
        )
    except OSError as error:
        _log.warning("%s cannot be optimized in the background (%s).", spec.name, error.strerror)
        return None
    _log.info("Optimizing %s for this machine, once; until then its weights as installed answer.", spec.name)
    threading.Thread(target=_watch, args=(process, spec.name), name="optimizing", daemon=True).start()
    return process


def _watch(process: subprocess.Popen[str], name: str) -> None:
    _, errors = process.communicate()
    if process.returncode:
        why = errors.strip().splitlines()[-1] if errors.strip() else f"The process that optimized {name} was ended."
        _log.warning("%s Going on with the weights as installed, which are slower.", why)
    else:
        _log.info("%s is optimized for this machine.", name)
