"""Computations in parts: one after the other in this process, or several at once in workers, with the same results."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

S = TypeVar("S")
P = TypeVar("P")
R = TypeVar("R")


class InParts(Protocol):
    """Makes something of each part of a whole, in order."""

    @property
    def threads(self) -> int:
        """Threads that one part may take."""

    def __call__(self, make: Callable[[S, P], R], shared: S, parts: Iterable[P]) -> Iterator[R]:
        """What comes of each part, in the order of the parts.

        Args:
            make: a function of a module, given what all parts share and one part; what it returns depends on these
                alone. Texts have another `hash` in another process.
            shared: what it needs for every part; it can be pickled.
            parts: each is taken when its turn comes; they can be pickled.

        Raises:
            Cancelled: the work was stopped.
            ModelUnavailable: no worker can do it.
        """


class Here:
    """In this process, one part after the other."""

    threads = 2

    def __call__(self, make: Callable[[S, P], R], shared: S, parts: Iterable[P]) -> Iterator[R]:
        return (make_part(make, shared, part) for part in parts)


def make_part(make: Callable[[S, P], R], shared: S, part: P) -> R:
    """What comes of a part.

    The collector of reference cycles rests meanwhile. A part leaves none, but it makes so many objects that the
    collector would look through all that is kept of a large table again and again, for a third of the time.
    """
    rests = gc.isenabled()
    gc.disable()
    try:
        return make(shared, part)
    finally:
        if rests:
            gc.enable()
