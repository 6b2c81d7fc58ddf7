"""Preparing weights beside the work: in a process of its own, so that nobody waits for it and its memory is given back.

Nothing heavy is imported here, for a server starts it before it is asked anything.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.prepared import being_made, note_of, prepared_path, sweep

_log = logging.getLogger(__name__)

_started: set[Path] = set()
_guard = threading.Lock()


def prepare_where_missing(spec: ModelSpec) -> None:
    """Have the weights of a model prepared where there are none; what others left half-made is removed."""
    path = prepared_path(spec)
    sweep(path.parent)
    if not note_of(path).exists():
        prepare_in_background(spec)


def prepare_in_background(spec: ModelSpec) -> None:
    """Have the weights of a model prepared, once a process, unless somebody is at it.

    The process that does it yields to everything else and goes on when this one ends; it takes about a minute.
    """
    path = prepared_path(spec)
    with _guard:
        if path not in _started and sys.executable and not being_made(path):
            _started.add(path)
            _start(spec)


def _start(spec: ModelSpec) -> None:
    adapter = str(spec.adapter.resolve()) if spec.adapter else None
    described = json.dumps({"name": spec.name, "source": spec.source, "adapter": adapter})
    here = str(Path(__file__).resolve().parents[2])
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "dp_tools.engine.preparing", described],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))},
            start_new_session=True,
        )
    except OSError as error:
        _log.warning("%s cannot be prepared in the background (%s).", spec.name, error.strerror)
        return
    _log.info("Preparing %s for this machine, once; until then its weights as installed answer.", spec.name)
    threading.Thread(target=_watch, args=(process, spec.name), name="preparing", daemon=True).start()


def _watch(process: subprocess.Popen[str], name: str) -> None:
    _, said = process.communicate()
    if process.returncode:
        why = said.strip().splitlines()[-1] if said.strip() else f"The process that prepared {name} was ended."
        _log.warning("%s Going on with the weights as installed, which are slower.", why)
    else:
        _log.info("%s is prepared for this machine.", name)
