"""Placeholders for missing values, found from the values of the column and not from a list alone.

"NA" is Namibia's code among other codes, Null is a surname, and "none" is what most patients answer when asked for
allergies; in a column of numbers each of them stands for a number that nobody knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import islice

from dp_tools.profiling.value_kinds import commonest_kind
from dp_tools.profiling.value_patterns import shape_of
from dp_tools.records import MISSING_MARKS, may_be_missing

USUAL = 0.025
"""Share of a column from which on such a text is one of its answers."""
_OF_A_KIND = 0.8
"""Share of a column's other values that make it one of numbers, days, addresses or the like."""
_ALIKE = 0.05
"""Share of them from which on a value that is written like them may be one of them."""
_READ = 1000
_IN_WORDS = frozenset({"truth value"})
"""Kinds whose values are words, so that another word among them is an answer, too."""


def placeholders(counts: Mapping[str, int]) -> frozenset[str]:
    """The texts of a column that stand for no value.

    In a column of numbers, days or anything else that is written in a way of its own, each of them does. Among words
    only one that is rare, no word itself, and not written like the column's other values.

    Args:
        counts: how often each value stands in the column.
    """
    found = {value for value in counts if may_be_missing(value)}
    if not found:
        return frozenset()
    others = _others(counts)
    kind, many = commonest_kind(others)
    if kind and kind not in _IN_WORDS and many >= _OF_A_KIND * len(others):
        return frozenset(found)
    rare = {value for value in found if counts[value] < USUAL * sum(counts.values())}
    return frozenset({value for value in rare if value.strip().casefold() in MISSING_MARKS} - _alike(rare, others))


def look_like_answers(counts: Mapping[str, int]) -> frozenset[str]:
    """The texts of a column that may stand for no value and are yet written as its other values are: Null, a surname.

    Args:
        counts: how often each value stands in the column.
    """
    return _alike({value for value in counts if may_be_missing(value)}, _others(counts)) - placeholders(counts)


def _others(counts: Mapping[str, int]) -> list[str]:
    return list(islice((value.strip() for value in counts if not may_be_missing(value)), _READ))


def _alike(found: Collection[str], others: Sequence[str]) -> frozenset[str]:
    """Those of some texts that are written as others are."""
    shapes = Counter(map(shape_of, others)) if found else Counter[str]()
    return frozenset(value for value in found if shapes[shape_of(value)] >= max(1, _ALIKE * len(others)))
