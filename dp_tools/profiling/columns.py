"""What a column holds: how often each value, shape and character, and where its numbers lie."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from dp_tools.profiling.misspelling import differ_in_digits_alone, nearest
from dp_tools.profiling.value_patterns import shape_of

ENOUGH = 12
"""Records below which a batch says nothing about its columns, and numbers below which they have no range."""

_FREQUENT = 1000
"""How many of a column's most frequent values a rare one is compared with."""
_OF_NUMBERS = 0.8
"""Share of a column's values that must be numbers for it to have a range."""


class Repeated(Counter[str]):
    """Counts of a column of very many values: those that occur once are not kept, and any unknown one counts as one.

    Args:
        counts: the repeated values, at least one.
        distinct: how many values there are in all.
    """

    def __init__(self, counts: dict[str, int], distinct: int) -> None:
        self._distinct = distinct  # what filling the counts asks for already
        super().__init__(counts)

    def __missing__(self, value: str) -> int:
        return 1

    def __len__(self) -> int:
        return self._distinct


@dataclass(slots=True)
class Column:
    """What is known of a column: filled cells by value, by shape and by character, and where its numbers lie.

    Args:
        rows: cells, filled or not.
        filled: cells with a value.
        counts: how often each value occurs.
        shapes: how often each shape occurs (see `shape_of`).
        characters: how many cells hold each character.
        range: three interquartile ranges below the first and above the third quartile, of a column of numbers.
        near: what `nearest_value` found before.
    """

    rows: int
    filled: int
    counts: Counter[str]
    shapes: Counter[str]
    characters: Counter[str]
    range: tuple[float, float] | None
    near: dict[str, str | None] = field(default_factory=dict)
    _frequent: list[tuple[str, int]] | None = field(default=None, init=False)
    _usual_shape: str | None = field(default=None, init=False)

    @classmethod
    def of(
        cls, rows: int, counts: Counter[str], values: Iterable[tuple[str, int]] | None = None, every: int = 1
    ) -> Column:
        """A column from its values.

        Args:
            rows: cells, filled or not.
            counts: how often each value occurs, to look up.
            values: each value with its count, where `counts` does not keep all.
            every: shapes and characters are counted in one value of so many.
        """
        pairs = list(counts.items() if values is None else values)
        filled = sum(count for _, count in pairs)
        shapes, characters = Counter[str](), Counter[str]()
        for value, count in pairs[::every]:
            shapes[shape_of(value)] += count * every
            for character in set(value):
                characters[character] += count * every
        return cls(rows, filled, counts, shapes, characters, _range(pairs, filled))

    def frequent(self) -> list[tuple[str, int]]:
        """The most frequent values that are no numbers and stand there three times or more, with their counts."""
        if self._frequent is None:
            most = self.counts.most_common(_FREQUENT)
            self._frequent = [(value, times) for value, times in most if times >= 3 and number_of(value) is None]
        return self._frequent

    def usual_shape(self) -> str:
        """The shape that most of its values have."""
        if self._usual_shape is None:
            self._usual_shape = self.shapes.most_common(1)[0][0]
        return self._usual_shape


def _range(values: Iterable[tuple[str, int]], filled: int) -> tuple[float, float] | None:
    numbers = sorted((number, count) for value, count in values if (number := number_of(value)) is not None)
    total = sum(count for _, count in numbers)
    if total < ENOUGH or total < _OF_NUMBERS * filled:
        return None
    first, third = _at(numbers, total // 4), _at(numbers, 3 * total // 4)
    return first - 3 * (third - first), third + 3 * (third - first)


def _at(numbers: Iterable[tuple[float, int]], place: int) -> float:
    """The number at a place, from 0, where each stands as often as it counts."""
    for number, count in numbers:
        place -= count
        if place < 0:
            return number
    raise IndexError


def nearest_value(column: Column, value: str) -> str | None:
    """The most alike value that is far more frequent, a few edits away and not in digits alone; None where none is."""
    if value not in column.near:
        count = column.counts[value]
        frequent = [other for other, times in column.frequent() if times >= 3 * count and other != value]
        found = nearest(value, frequent, shortest=3)
        column.near[value] = None if found is None or differ_in_digits_alone(found, value) else found
    return column.near[value]


def number_of(text: str) -> float | None:
    """The finite number that a text is, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
