"""Group evidence: what rows with the same key say about a cell, and how strongly."""

from __future__ import annotations

import math
from collections.abc import Iterable

from dp_tools.profiling.facts import Fact, Filled, GroupMajority

_MOST = 6.0
"""The maximum score: two keys mostly select the same rows, so their evidence does not simply add up."""
_AGREEING = 5
"""Rows that must agree with a value for the agreement to count."""


def contradiction_score(facts: Iterable[Fact]) -> float:
    """Log-odds against the value of a cell from rows with the same key, summed over all keys, 0 to 6.

    If k of n rows hold another value, a key contributes log((k + 1) / (n - k + 1)). A missing value scores 0.

    Args:
        facts: about one cell, as `RecordFacts.about` gives them.
    """
    facts_read = list(facts)
    if any(isinstance(fact, Filled) for fact in facts_read):
        return 0.0
    otherwise = [(fact.count, fact.total) for fact in facts_read if isinstance(fact, GroupMajority) and not fact.agrees]
    return min(sum(max(0.0, math.log((k + 1) / (n - k + 1))) for k, n in otherwise), _MOST)


def agreement(facts: Iterable[Fact]) -> tuple[str, float]:
    """The attribute whose equal rows agree most with a value, and their share, 0 to 1; ("", 0) if there is none.

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
