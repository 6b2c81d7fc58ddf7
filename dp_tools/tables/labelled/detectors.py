"""Many cheap detectors, each of which says something of every cell of a column; labels decide which of them are right.

None of them has to be right: what a detector finds odd is an error in one table and usual in another. The choice of
kinds (patterns, rare values, violated dependencies, outliers) is that of Raha (Mahdavi et al., SIGMOD 2019); here most
are numbers rather than one detector for each threshold, for trees choose thresholds themselves.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling.columns import number_of
from dp_tools.profiling.value_patterns import shape_of

Floats = NDArray[np.float32]
Codes = NDArray[np.int64]

DETERMINANTS = 32
"""Columns that a column is compared with."""
CHARACTERS = 60
"""Characters of a column that have a detector of their own."""
_WORD = re.compile(r"[^\W_]+")
_OF_VALUE = (
    *("missing", "count", "length", "words", "digits", "letters", "capitals", "signs", "others", "padded"),
    *("is number", "rank", "distance", "shape", "mask", "runs", "least run", "strange runs", "least word"),
)


@dataclass(frozen=True, slots=True)
class Coded:
    """A column as numbers.

    Args:
        values: its distinct values, "" for a missing one.
        codes: the place in `values` of each cell's.
        counts: how many cells hold each value.
    """

    values: tuple[str, ...]
    codes: Codes
    counts: Codes

    @classmethod
    def of(cls, cells: Sequence[str]) -> Coded:
        """The column of these cells."""
        places: dict[str, int] = {}
        codes = np.fromiter((places.setdefault(cell, len(places)) for cell in cells), np.int64, len(cells))
        return cls(tuple(places), codes, np.bincount(codes, minlength=len(places)))


def detected(table: Mapping[str, Coded], attribute: str) -> tuple[tuple[str, ...], Floats]:
    """What the detectors say of the cells of a column.

    Returns:
        The names of the detectors, and one line a cell, one column a detector; nan where one says nothing.
    """
    column = table[attribute]
    others = [name for name in table if name != attribute and len(table[name].values) > 1][:DETERMINANTS]
    characters = _telling_characters(column)
    of_value = np.column_stack([_of_values(column), _characters_of(column, characters)])[column.codes]
    names = [*_OF_VALUE, *(f"holds {character!r}" for character in characters)]
    parts = [of_value.astype(np.float32)]
    for other in others:
        names += [f"{what} {other}" for what in ("agrees by", "violates", "outvoted by", "usual with")]
        parts.append(_by(table[other], column))
    return tuple(names), np.column_stack(parts)


def _of_values(column: Coded) -> NDArray[Any]:
    """The detectors that look at nothing but a value and its column, one line a distinct value."""
    total = max(int(column.counts.sum()), 1)
    shapes, masks = Counter[str](), Counter[str]()
    runs, words = Counter[str](), Counter[str]()
    for value, count in zip(column.values, column.counts.tolist(), strict=True):
        shapes[shape_of(value)] += count
        masks[_mask(value)] += count
        runs.update(dict.fromkeys(_runs(value), count))
        words.update(dict.fromkeys(_WORD.findall(value.lower()), count))
    numbers = np.array([math.nan if (n := number_of(v.strip())) is None else n for v in column.values], np.float64)
    rank, distance = _outlying(numbers, column.counts)
    lines = [
        (
            float(not value.strip()),
            math.log1p(count),
            *_counted(value),
            float(value != value.strip()),
            float(not math.isnan(numbers[place])),
            rank[place],
            distance[place],
            math.log(shapes[shape_of(value)] / total),
            math.log(masks[_mask(value)] / total),
            *_rarity(value, count, runs, words),
        )
        for place, (value, count) in enumerate(zip(column.values, column.counts.tolist(), strict=True))
    ]
    return np.array(lines, np.float64).reshape(len(column.values), len(_OF_VALUE))


def _counted(value: str) -> tuple[float, ...]:
    text = value.strip()
    return (
        math.log1p(len(text)),
        float(len(text.split())),
        float(sum(map(str.isdigit, text))),
        float(sum(map(str.isalpha, text))),
        float(sum(map(str.isupper, text))),
        float(sum(not (c.isalnum() or c.isspace()) for c in text)),
        float(sum(not c.isascii() for c in text)),
    )


def _rarity(value: str, count: int, runs: Counter[str], words: Counter[str]) -> tuple[float, ...]:
    """How usual the runs of three characters and the words of a value are in the rest of its column."""
    seen = [math.log1p(runs[run] - count) for run in _runs(value)]
    others = [words[word] - count for word in _WORD.findall(value.lower())]
    return (
        sum(seen) / len(seen) if seen else 0.0,
        min(seen, default=0.0),
        float(sum(one == 0 for one in seen)),
        math.log1p(min(others, default=0)),
    )


def _runs(value: str) -> list[str]:
    text = f"\n{value.strip().lower()}\n"
    return [text[place : place + 3] for place in range(len(text) - 2)]


def _mask(value: str) -> str:
    """A value with 9 for each digit, A and a for each letter: its shape with the lengths of the runs."""
    return "".join("9" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else c for c in value)


def _outlying(numbers: NDArray[np.float64], counts: Codes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each number stands in its column, 0 to 1, and how many quartile ranges it lies from the middle."""
    known = ~np.isnan(numbers)
    rank, distance = np.full(len(numbers), np.nan), np.full(len(numbers), np.nan)
    if not known.any():
        return rank, distance
    spread = np.sort(np.repeat(numbers[known], counts[known]))
    rank[known] = np.searchsorted(spread, numbers[known]) / len(spread)
    low, middle, high = np.quantile(spread, [0.25, 0.5, 0.75])
    distance[known] = (numbers[known] - middle) / ((high - low) or max(abs(middle), 1.0))
    return rank, np.clip(distance, -1e6, 1e6)


def _telling_characters(column: Coded) -> list[str]:
    """Characters that some cells of a column hold and others do not, the most evenly spread first."""
    holds = Counter[str]()
    for value, count in zip(column.values, column.counts.tolist(), strict=True):
        holds.update(dict.fromkeys(value, count))
    total = int(column.counts.sum())
    telling = [(abs(count - total / 2), character) for character, count in holds.items() if count < total]
    return [character for _, character in sorted(telling)[:CHARACTERS]]


def _characters_of(column: Coded, characters: Sequence[str]) -> NDArray[Any]:
    return np.array([[c in value for c in characters] for value in column.values], np.float64).reshape(
        len(column.values), len(characters)
    )


def _by(other: Coded, column: Coded) -> Floats:
    """What the rows that share a cell's value of another column, and those that share its own, say of the cell.

    Four detectors: the share of the other rows of its group that hold its value; whether any holds another one; by how
    much the most frequent value of the group outvotes it, as a logarithm, below 0 where it is that value itself; and
    the share of the other rows with its value that are of its group.
    """
    pairs, place, pair_counts = np.unique(
        other.codes * len(column.values) + column.codes, return_inverse=True, return_counts=True
    )
    groups = pairs // len(column.values)
    size, own, same = other.counts[other.codes], pair_counts[place], column.counts[column.codes]
    best, second = _two_highest(groups, pair_counts, len(other.values))
    rival = np.where(own == best[other.codes], second[other.codes], best[other.codes])
    missing = np.array([not value.strip() for value in other.values])[other.codes]
    with np.errstate(divide="ignore", invalid="ignore"):
        agrees = np.where(size > 1, (own - 1) / (size - 1), np.nan)
        usual = np.where(same > 1, (own - 1) / (same - 1), np.nan)
    found = np.column_stack([agrees, (own < size).astype(float), np.log((rival + 0.5) / (own + 0.5)), usual])
    found[missing, :3] = np.nan
    return found.astype(np.float32)


def _two_highest(groups: Codes, counts: Codes, many: int) -> tuple[Codes, Codes]:
    """The two highest counts of each group, 0 where there are fewer."""
    best, second = np.zeros(many, np.int64), np.zeros(many, np.int64)
    order = np.lexsort((-counts, groups))
    groups, counts = groups[order], counts[order]
    first = np.r_[True, groups[1:] != groups[:-1]]
    best[groups[first]] = counts[first]
    next_ = np.r_[False, first[:-1]] & ~first
    second[groups[next_]] = counts[next_]
    return best, second
