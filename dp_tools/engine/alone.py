"""Answers that do not depend on what a model was asked before, so that it does not matter which process gives them.

A model that goes on from the prompts it has just read answers sooner, and by rounding in other last digits. Work on
whole tables does without that: its chunks then have the same answers in any order, in any process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ALONE: ContextVar[bool] = ContextVar("alone", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """Have each call of an engine in this thread answered as if it were the engine's first."""
    before = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(before)


def asked_alone() -> bool:
    """Whether the calls of this thread are to be answered so."""
    return _ALONE.get()
