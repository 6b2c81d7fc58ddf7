"""Asking ahead: an engine that answers in several places begins with later chunks while earlier ones are read.

What is asked ahead is a guess. An answer is taken from it only where exactly the same questions are then asked
together, so the results are those of asking chunk after chunk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from dp_tools.engine.questions import Question

T = TypeVar("T")


class Guess(Protocol):
    """Questions that are asked ahead."""

    def drop(self) -> None:
        """They will not be asked, or were: what is not begun yet is not begun any more."""


class NoGuess:
    """Nothing is asked ahead."""

    def drop(self) -> None:
        """There is nothing to drop."""


@runtime_checkable
class AsksAhead(Protocol):
    """An engine that can begin with questions before they are asked."""

    @property
    def chunks_ahead(self) -> int:
        """How many chunks it can use beyond the one that is asked; 0 for none."""

    def ask_ahead(self, questions: Sequence[Question]) -> Guess:
        """Begin with questions that will be asked together, after all that were begun with before."""


def chunks_ahead(engine: object) -> int:
    """How many chunks an engine can use beyond the one that is asked; most can use none."""
    return engine.chunks_ahead if isinstance(engine, AsksAhead) else 0


def ask_ahead(engine: object, questions: Sequence[Question]) -> Guess:
    """Have an engine that can begin with questions that will be asked together."""
    return engine.ask_ahead(questions) if isinstance(engine, AsksAhead) and engine.chunks_ahead else NoGuess()


def in_order(items: Iterable[T], further: Callable[[], int], begin: Callable[[T], Guess]) -> Iterator[T]:
    """The items, each after the guesses of as many further ones have begun; a guess is dropped behind its item.

    Args:
        items: the chunks.
        further: gives how many to look ahead, once there is an item; with 0 nothing is begun.
        begin: begins with an item.
    """
    waiting: deque[tuple[T, Guess]] = deque()
    try:
        for item in items:
            most = further()
            waiting.append((item, begin(item) if most else NoGuess()))
            if len(waiting) > most:
                yield from _first(waiting)
        while waiting:
            yield from _first(waiting)
    finally:
        for _, guess in waiting:
            guess.drop()


def _first(waiting: deque[tuple[T, Guess]]) -> Iterator[T]:
    yield waiting[0][0]
    waiting.popleft()[1].drop()
