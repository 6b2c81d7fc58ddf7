"""What the other rows with the same key say of a cell, and how heavily."""

from __future__ import annotations

import math
from collections.abc import Iterable

from dp_tools.profiling.facts import Fact, Filled, GroupMajority

_MOST = 6.0
"""Two keys mostly tell the same rows, so what both say is not worth twice as much without end."""
_AGREEING = 5
"""Rows that must agree with a value before that says something."""


def contradiction_score(facts: Iterable[Fact]) -> float:
    """How heavily rows alike speak against the value of a cell, 0 to 6: the log odds of their majority, over all keys.

    Of k rows among n that hold another value it is log((k + 1) / (n - k + 1)). A gap has no value to speak against.

    Args:
        facts: about one cell, as `RecordFacts.about` gives them.
    """
    facts_read = list(facts)
    if any(isinstance(fact, Filled) for fact in facts_read):
        return 0.0
    otherwise = [(fact.count, fact.total) for fact in facts_read if isinstance(fact, GroupMajority) and not fact.agrees]
    return min(sum(max(0.0, math.log((k + 1) / (n - k + 1))) for k, n in otherwise), _MOST)


def agreement(facts: Iterable[Fact]) -> tuple[str, float]:
    """The attribute whose equal rows agree most with a value, and their share, 0 to 1; ("", 0) where none do.

    Args:
        facts: about the cell, as `RecordFacts.about` gives them.
    """
    shares = [
        (fact.count / fact.total, fact.attribute)
        for fact in facts
        if isinstance(fact, GroupMajority) and fact.agrees and fact.count >= _AGREEING
    ]
    share, name = max(shares, default=(0.0, ""))
    return name, share
