"""The days of the week, by their names and abbreviations in many languages."""

from __future__ import annotations

from functools import cache

from dp_tools.profiling.comparisons.folding import folded
from dp_tools.profiling.vocabulary import entries

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def weekdays_named(value: str) -> frozenset[int]:
    """The days of the week that a value may name, 0 for Monday; none where it is no such name.

    "di" is the German Tuesday and the French Sunday.
    """
    return _named().get(folded(value), frozenset())


@cache
def _named() -> dict[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for day, words in entries("weekdays"):
        for word in words:
            found[word] = found.get(word, frozenset()) | {_DAYS.index(day)}
    return found
