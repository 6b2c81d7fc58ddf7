"""Facts about many cells at once, as numbers for a judge that learns."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling.columns import number_of
from dp_tools.profiling.facts import (
    Beyond,
    Distinct,
    Fact,
    Filled,
    GroupMajority,
    Near,
    Odd,
    RareWith,
    Seen,
    Shape,
    UsualIn,
)
from dp_tools.profiling.group_evidence import agreement, contradiction_score

MOST_COLUMNS = 64
"""Columns of a table that have a feature of their own; those with the most cells come first."""

_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d")
_SMOOTHED = 0.1, 3.0
"""What is added to how often three characters, and the first two of them, occur elsewhere."""

_OF_VALUE = ("length", "words", "digits", "capitals", "signs", "others", "is number", "is whole", "begins small")
_OF_FACTS = (
    "filled",
    "seen",
    "share",
    "distinct",
    "shape",
    "usual shape",
    "beyond",
    "near",
    "odd",
    "usual elsewhere",
    "rare with",
    "rare share",
)
_OF_GROUP = ("agree", "share", "size")
_GROUPS = 2
_OF_GROUPS = tuple(f"group {place} {what}" for place in range(1, _GROUPS + 1) for what in _OF_GROUP)
_OF_EVIDENCE = ("contradiction", "agreement")
_OF_SPELLING = ("usual runs", "least usual run", "strange runs", "least usual word", "strange words")
_NAMES = (*_OF_FACTS, *_OF_GROUPS, *_OF_EVIDENCE, *_OF_VALUE, *_OF_SPELLING)


@dataclass(frozen=True, slots=True)
class NotedCell:
    """A cell with what counting says of it.

    Args:
        attribute, value: the cell.
        facts: about it, as `RecordFacts.about` gives them.
    """

    attribute: str
    value: str | None
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class CellFeatures:
    """Features of cells.

    Args:
        names: what each column says. `filled`, `distinct`, `shape`: shares, 0 to 1. `seen`: the logarithm of how often
            the value stands in its column, and `share` of the rows. `usual shape`, `usual elsewhere`, `is number`,
            `is whole`, `begins small`: 0 or 1. `beyond`: how far a number lies outside its column's range, in widths
            of it. `near`: how many times as frequent the neighbour in spelling is, as a logarithm. `odd`: characters
            that hardly occur in the column. `rare with` and `rare share`: rows with the value, as a logarithm, and
            the share of them that hold what the record holds beside it. `group N agree`, `share`, `size`: whether
            rows with the same key mostly hold the value (1) or another one (-1), the share that does, and the
            logarithm of their number. `contradiction` and `agreement`: see `group_evidence`. `length`, `words`,
            `digits`, `capitals`, `signs`, `others`: counts of the value's characters, as logarithms. `usual runs` and
            `least usual run`: how probable each third character is after the two before it, by the other cells, as the
            mean and the least of the logarithms; `strange runs`: how many runs of three no other cell holds. `least
            usual word`: how many other cells hold the rarest of its words, as a logarithm; `strange words`: the share
            of words that none holds. `in NAME`: 1 in the cells of that column.
        values: one row a cell, one column a name; nan where the table says nothing.
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]

    def column(self, name: str) -> NDArray[np.float32]:
        """One feature of all cells."""
        return self.values[:, self.names.index(name)]


class _Spelling:
    """How usual the letters and words of a value are among other values of its table, whichever column they stand in.

    Args:
        values: of the table, each of them once a cell.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._runs, self._pairs, self._words = Counter[str](), Counter[str](), Counter[str]()
        for value in values:
            runs = _runs(value)
            self._runs.update(runs)
            self._pairs.update(run[:2] for run in runs)
            self._words.update(set(_WORD.findall(value.lower())))

    def of(self, value: str) -> tuple[float, ...]:
        """The features of one of the values."""
        more, of_all = _SMOOTHED
        runs = _runs(value)
        logs = [math.log((self._runs[run] - 1 + more) / (self._pairs[run[:2]] - 1 + of_all)) for run in runs] or [0.0]
        others = [self._words[word] - 1 for word in _WORD.findall(value.lower())] or [0]
        return (
            sum(logs) / len(logs),
            min(logs),
            float(sum(self._runs[run] == 1 for run in runs)),
            math.log1p(min(others)),
            others.count(0) / len(others),
        )


def _runs(value: str) -> list[str]:
    """The runs of three characters, small letters and 9 for every digit, with its beginning and end."""
    text = f"\n{_NUMBER.sub('9', value.strip().lower())}\n"
    return [text[place : place + 3] for place in range(len(text) - 2)]


def cell_features(cells: Sequence[NotedCell]) -> CellFeatures:
    """What counting says of cells of one table."""
    columns = [name for name, _ in Counter(cell.attribute for cell in cells).most_common(MOST_COLUMNS)]
    spelling = _Spelling([cell.value or "" for cell in cells])
    places = {name: len(_NAMES) + place for place, name in enumerate(columns)}
    values = np.zeros((len(cells), len(_NAMES) + len(columns)), np.float32)
    for row, cell in enumerate(cells):
        values[row, : len(_NAMES)] = (
            *_of_facts(cell.facts, cell.value),
            *_of_groups(cell.facts),
            contradiction_score(cell.facts),
            agreement(cell.facts)[1],
            *_of_value(cell.value or ""),
            *spelling.of(cell.value or ""),
        )
        if cell.attribute in places:
            values[row, places[cell.attribute]] = 1.0
    return CellFeatures((*_NAMES, *(f"in {name}" for name in columns)), values)


def _of_facts(facts: Iterable[Fact], value: str | None) -> tuple[float, ...]:
    found = dict.fromkeys(_OF_FACTS, math.nan) | dict.fromkeys(
        ("beyond", "near", "odd", "usual elsewhere", "rare with"), 0.0
    )
    for fact in facts:
        match fact:
            case Filled():
                found["filled"] = fact.filled / fact.rows
            case Seen():
                found["seen"], found["share"] = math.log1p(fact.count), fact.count / fact.rows
            case Distinct():
                found["distinct"] = fact.distinct / fact.filled
            case Shape():
                found["shape"], found["usual shape"] = fact.count / fact.filled, float(fact.usual is None)
            case Beyond():
                found["beyond"] = _distance(fact, number_of(value or ""))
            case Near():
                found["near"] = math.log1p(fact.count) - (0.0 if math.isnan(found["seen"]) else found["seen"]) + 1.0
            case Odd():
                found["odd"] = float(len(fact.characters))
            case UsualIn():
                found["usual elsewhere"] = 1.0
            case RareWith():
                found["rare with"], found["rare share"] = math.log1p(fact.count), fact.seen / max(fact.count, 1)
    return tuple(found.values())


def _distance(fact: Beyond, number: float | None) -> float:
    """How far a number lies outside a range, in widths of the range and as a logarithm; above 0."""
    if number is None:
        return 1.0
    outside = max(fact.low - number, number - fact.high, 0.0)
    return 1.0 + math.log1p(outside / ((fact.high - fact.low) or 1.0))


def _of_groups(facts: Iterable[Fact]) -> list[float]:
    groups = [fact for fact in facts if isinstance(fact, GroupMajority)][:_GROUPS]
    found: list[float] = []
    for fact in groups:
        found += (1.0 if fact.agrees else -1.0, fact.count / fact.total, math.log1p(fact.total))
    return found + [0.0, math.nan, 0.0] * (_GROUPS - len(groups))


def _of_value(value: str) -> tuple[float, ...]:
    text = value.strip()
    number = number_of(text)
    counts = (
        len(text),
        len(text.split()),
        sum(map(str.isdigit, text)),
        sum(map(str.isupper, text)),
        sum(not (c.isalnum() or c.isspace()) for c in text),
        sum(not c.isascii() for c in text),
    )
    return (
        *map(math.log1p, counts),
        float(number is not None),
        float(number is not None and number.is_integer()),
        float(text[:1].islower()),
    )
