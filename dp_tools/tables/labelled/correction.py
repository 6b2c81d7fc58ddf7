"""What belongs in the place of a wrong cell, by what counting says and by what labelled repairs teach of it.

As in Baran (Mahdavi and Abedjan, VLDB 2020), correctors propose values by how labelled repairs changed theirs, by what
other attributes determine, and by what the column holds. How far a corrector can be trusted in a column is learned: by
its own labels, by those of the other columns, and, for what other attributes determine, by the cells that are right.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from dp_tools.tables.labelled.detectors import DETERMINANTS, Coded
from dp_tools.tables.labelled.updates import Update, updates

Bools = NDArray[np.bool_]

_PRIOR = {
    "value": 0.6,
    "part": 0.7,
    "runs": 0.7,
    "number": 0.7,
    "case": 0.7,
    "erase": 0.7,
    "spelling": 0.6,
    "spelling of several": 0.15,
    "usual": 0.2,
}
"""How often a corrector is right before any label."""
_OF_PROPOSALS = 0.6
"""The same for what is proposed without labels (see `dp_tools.tables.clean.proposals`)."""
_UPDATES = ("value", "part", "runs", "number", "case", "erase")
_STRENGTH = 1.0
"""Labels that this is worth."""
_ELSEWHERE = 0.2
"""Labels of this column that one of another column is worth."""
_NEAR = 0.75
"""Similarity from which on a value may be a misspelling of another, 0 to 1."""
_ALIKE = 5
"""Values that are looked at which are spelled most alike."""
_SHORTEST = 3
"""Characters from which on a value's spelling tells which one was meant."""
_OF_COUNTING = 3.0
"""Labels that counting is worth where it says what other attributes determine."""
_SURE = 0.995


@dataclass(frozen=True, slots=True)
class WrongCell:
    """A wrong cell with what was proposed for it without labels.

    Args:
        row, attribute, value: the cell.
        proposals: the values proposed, each with its source.
    """

    row: int
    attribute: str
    value: str
    proposals: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """A value that could be right.

    Args:
        value: the value.
        confidence: how probably it is, 0 to 1.
        sources: which correctors propose it, the most trusted first.
    """

    value: str
    confidence: float
    sources: tuple[str, ...]


@dataclass
class _Kept:
    """How often a corrector was right on labels."""

    right: float = 0.0
    wrong: float = 0.0


@dataclass
class _Taught:
    """What labelled repairs teach."""

    updates: dict[str, dict[str, Update]] = field(default_factory=lambda: defaultdict(dict))
    kept: dict[tuple[str, str], _Kept] = field(default_factory=lambda: defaultdict(_Kept))


class Correctors:
    """Proposes values for wrong cells.

    Args:
        table: the columns.
        wrong: for each column, which of its cells are wrong.
    """

    def __init__(self, table: Mapping[str, Coded], wrong: Mapping[str, Bools]) -> None:
        self._table, self._wrong = table, wrong
        self._taught = _Taught()
        self._domains = {name: _domain(column, ~wrong[name]) for name, column in table.items()}
        self._near: dict[tuple[str, str], tuple[str, ...]] = {}
        self._groups: dict[tuple[str, str], _Groups] = {}

    def learn(self, repairs: Sequence[tuple[WrongCell, str]]) -> None:
        """Learn from labelled repairs: each a wrong cell and its right value. What was learned before is forgotten."""
        self._taught = _Taught()
        for cell, right in repairs:
            for update in updates(cell.value, right):
                self._taught.updates[cell.attribute].setdefault(f"{update.kind}: {update.name}", update)
        for cell, right in repairs:
            self._test(cell, right, repairs)

    def _test(self, cell: WrongCell, right: str, repairs: Sequence[tuple[WrongCell, str]]) -> None:
        """Note which correctors are right on a labelled repair; what only this repair taught is not tested on it."""
        own = set(_names(cell.value, right))
        for other, new in repairs:
            if other is not cell and other.attribute == cell.attribute:
                own -= set(_names(other.value, new))
        for source, value in self._proposed(cell):
            if source not in own:
                for key, weight in _kept_under(cell.attribute, source):
                    kept = self._taught.kept[key]
                    if value == right:
                        kept.right += weight
                    else:
                        kept.wrong += weight

    def corrections(self, cell: WrongCell) -> list[Correction]:
        """Values for a wrong cell, the most probable first."""
        by_value: dict[str, dict[str, tuple[float, str]]] = defaultdict(dict)
        for source, value in self._proposed(cell):
            if value != cell.value:
                # Correctors of one voice say the same thing once.
                voices, voice, trust = by_value[value], _voice(source), self._trust(cell, source)
                voices[voice] = max((trust, source), voices.get(voice, (0.0, "")))
        odds: dict[str, float] = {}
        for value, voices in by_value.items():
            doubt = math.prod(1 - min(trust, _SURE) for trust, _ in voices.values())
            odds[value] = (1 - doubt) / doubt
        total = 1.0 + sum(odds.values())
        found = [
            Correction(value, odds[value] / total, tuple(source for _, source in sorted(voices.values(), reverse=True)))
            for value, voices in by_value.items()
        ]
        return sorted(found, key=lambda one: (-one.confidence, one.value))

    def _trust(self, cell: WrongCell, source: str) -> float:
        """How probably a corrector is right about a cell, 0 to 1: by its kind in all columns, by its kind in this one,
        and by itself in this one, each as far as labels tell."""
        kind = _kind(source)
        if source.startswith("by "):
            trust, strength = self._group(source[3:], cell.attribute).precision(cell.row), _OF_COUNTING
        else:
            trust, strength = _PRIOR.get(kind, _OF_PROPOSALS), _STRENGTH
        for key, _ in _kept_under(cell.attribute, source):
            kept = self._taught.kept[key]
            trust = (kept.right + strength * trust) / (kept.right + kept.wrong + strength)
        return trust

    def _proposed(self, cell: WrongCell) -> Iterable[tuple[str, str]]:
        """(corrector, value) for a cell."""
        for source, value in cell.proposals:
            yield f"proposal {source}", value
        for name, update in self._taught.updates[cell.attribute].items():
            value_ = update.apply(cell.value)
            if value_ is not None and value_ != cell.value:
                yield name, value_
        for other in [one for one in self._table if one != cell.attribute][:DETERMINANTS]:
            found = self._group(other, cell.attribute).of(cell.row)
            if found is not None and found != cell.value:
                yield f"by {other}", found
        nearest = self._nearest(cell.attribute, cell.value)
        for near in nearest:
            yield "spelling" if len(nearest) == 1 else "spelling of several", near
        usual = self._domains[cell.attribute].most_common(1)
        if usual and usual[0][0] != cell.value:
            yield "usual", usual[0][0]

    def _nearest(self, attribute: str, value: str) -> tuple[str, ...]:
        """The values of the column that are spelled most alike."""
        if (attribute, value) not in self._near:
            domain = [other for other in self._domains[attribute] if other and other != value]
            found = (
                process.extract(value, domain, scorer=OSA.normalized_similarity, score_cutoff=_NEAR, limit=_ALIKE)
                if len(value) >= _SHORTEST
                else []
            )
            self._near[attribute, value] = tuple(other for other, score, _ in found if score == found[0][1])
        return self._near[attribute, value]

    def _group(self, other: str, attribute: str) -> _Groups:
        if (other, attribute) not in self._groups:
            right = ~(self._wrong[attribute] | self._wrong[other])
            self._groups[other, attribute] = _Groups(self._table[other], self._table[attribute], right)
        return self._groups[other, attribute]


def _names(old: str, new: str) -> list[str]:
    """The names of the updates that a repair teaches, as correctors have them."""
    return [f"{update.kind}: {update.name}" for update in updates(old, new)]


def _kind(source: str) -> str:
    """What kind of corrector it is."""
    return "by" if source.startswith("by ") else source.partition(": ")[0]


def _voice(source: str) -> str:
    """Correctors of one voice agree because they look at the same: they do not make each other more probable."""
    kind = _kind(source)
    if kind in ("by", "usual"):
        return "vicinity"
    return "update" if kind in _UPDATES else source


def _kept_under(attribute: str, source: str) -> list[tuple[tuple[str, str], float]]:
    """Under what it is kept how often a corrector was right, the widest first, with what one label counts there."""
    kind = _kind(source)
    own = [((attribute, source), 1.0)] if kind != source else []
    return [(("", kind), _ELSEWHERE), ((attribute, kind), 1.0), *own]


def _domain(column: Coded, right: Bools) -> Counter[str]:
    counts = np.bincount(column.codes[right], minlength=len(column.values))
    return Counter({value: int(count) for value, count in zip(column.values, counts, strict=True) if count})


class _Groups:
    """What the right cells of a column hold by the value of another column.

    Args:
        other: the column that may determine.
        column: the column.
        right: which rows are right in both.
    """

    def __init__(self, other: Coded, column: Coded, right: Bools) -> None:
        self._codes, self._values = other.codes, column.values
        width = len(column.values)
        pairs, counts = np.unique(other.codes[right] * width + column.codes[right], return_counts=True)
        order = np.lexsort((counts, pairs // width))
        pairs, counts = pairs[order], counts[order]
        groups = pairs // width
        totals = np.bincount(groups, counts, minlength=len(other.values))
        last = np.r_[groups[1:] != groups[:-1], True] if len(groups) else np.zeros(0, bool)
        self._best = np.full(len(other.values), -1)
        self._best[groups[last]] = pairs[last] % width
        top = np.zeros(len(other.values))
        top[groups[last]] = counts[last]
        missing = np.array([not value.strip() for value in other.values])
        self._best[missing | (top * 2 <= totals)] = -1
        self._share = np.where(totals > 0, top / np.maximum(totals, 1) * totals / (totals + 1), 0.0)
        # Of what other cells of the group say of a right one, how much is right: each cell is left out once.
        many = (totals > 1) & ~missing & (top * 2 > totals)
        agreed, told = float(top[many].sum()), float(totals[many].sum())
        self._precision = (agreed + 0.5) / (told + 2.0)

    def of(self, row: int) -> str | None:
        """What most right rows hold that share the row's value of the other column."""
        place = int(self._best[self._codes[row]])
        return None if place < 0 else self._values[place]

    def precision(self, row: int) -> float:
        """How often that is right, by the column and by the row's group, 0 to 1."""
        return (self._precision + float(self._share[self._codes[row]])) / 2
