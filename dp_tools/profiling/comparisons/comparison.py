"""The result of comparing two values of one kind: a level, what was seen, and what both share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["exact", "normalised", "near", "partial", "contradicting", "silent", "missing"]
"""How far two values agree.

- exact: written alike.
- normalised: the same once notation is set aside (case, order, separators, legal form, country code).
- near: one may be a slip or a short form of the other (a typing error, a nickname, an initial).
- partial: part of them agrees (a surname, a company's domain, a switchboard).
- contradicting: they are of different things.
- silent: both are there and tell nothing (a placeholder date, a private mailbox beside one at work).
- missing: a side has no value.
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two values of one kind compare.

    Args:
        level: how far they agree.
        text: what was seen, in a few words out of a list that is fixed for each kind: "same mailbox", "nickname".
        shared: what both sides have in one notation, where they have something; how many records have it says how
            much it tells.
    """

    level: Level
    text: str
    shared: str | None = None


MISSING = Comparison("missing", "missing")
"""A side has no value."""

STRENGTH: dict[Level, int] = {
    "exact": 6,
    "normalised": 5,
    "near": 4,
    "partial": 3,
    "silent": 2,
    "contradicting": 1,
    "missing": 0,
}
"""Which of several comparisons says most for a match, where a side has several values of a kind."""
