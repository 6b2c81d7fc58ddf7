"""The cores that this process may use."""

from __future__ import annotations

import os

import psutil


def physical_cores() -> int:
    """Cores this process may use, without hyperthreads: matrix products gain nothing from those."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed))
