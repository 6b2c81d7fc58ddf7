"""Stages of whole-table work: each has a name, says how far it is, and is where the work hears that it is to stop."""

from __future__ import annotations

from collections.abc import Callable

from dp_tools.engine.questions import Progress

Stage = Callable[[str], Progress]
"""Begins a stage by its name; the progress of it, called with (done, of how many), may raise to stop the work."""


def silent(_name: str) -> Progress:
    """A stage that nobody watches."""
    return lambda _done, _total: None
