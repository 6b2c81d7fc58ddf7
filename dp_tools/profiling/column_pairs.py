"""Which columns of two tables mean the same, as far as their names and values tell without a model."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from operator import mul
from statistics import quantiles
from typing import NamedTuple

from rapidfuzz import fuzz

from dp_tools.profiling.column_concepts import LIGHT, OPPOSITE, RELATED, Meaning, meanings
from dp_tools.profiling.column_kinds import ColumnKind, kinds_of
from dp_tools.profiling.kind import Kind
from dp_tools.profiling.value_formats import readings
from dp_tools.records import is_missing

_READ = 300
"""Different values of a column that are looked at."""
_SHOWN = 200
"""Characters of a value that are looked at."""
_LONGEST_NUMBER = 40
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")
_WORD = re.compile(r"[^\W_]{2,}")
_NUMBER = re.compile(
    r"[^\w+-]{0,2}(?P<sign>[-+]?)(?P<whole>\d+|\d{1,3}([., ']\d{3})+)([.,](?P<rest>\d{1,4}))?\s?[^\W\d]{0,4}[^\w\s]?"
)
_MOST = 0.7
_SCALED = 0.15
"""How near a power of ten the ratio of two medians is, in powers, where one column may be in another unit."""
_OTHER_UNIT = 0.5


@dataclass(frozen=True)
class ColumnSummary:
    """A column as its table has it.

    Args:
        name: its name.
        values: its values in any order, or a sample of them; missing ones may be among them.
        position: where it stands in its table, from 0 to 1.
        kind: what kind of thing it holds.
    """

    name: str
    values: Sequence[str | None]
    position: float
    kind: ColumnKind

    @classmethod
    def of_table(cls, columns: Sequence[tuple[str, Sequence[str | None]]]) -> list[ColumnSummary]:
        """The columns of a table in order: their names and values."""
        kinds = kinds_of(dict(columns))
        last = max(1, len(columns) - 1)
        return [cls(name, values, place / last, kinds[name]) for place, (name, values) in enumerate(columns)]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each value occurs, in lower case and cut where it is long."""
        return Counter(v.strip()[:_SHOWN].casefold() for v in self.values if v is not None and not is_missing(v))

    @cached_property
    def different(self) -> tuple[str, ...]:
        """The most frequent values, each once."""
        return tuple(value for value, _ in self.counts.most_common(_READ))

    @cached_property
    def normalized(self) -> frozenset[str]:
        """The values, with dates, numbers and telephone numbers in one format."""
        return frozenset(reading for value in self.different for reading in (readings(value) or (value,)))

    @cached_property
    def words(self) -> frozenset[str]:
        """The words in the values."""
        return frozenset(word for value in self.different for word in _WORD.findall(value))

    @cached_property
    def patterns(self) -> dict[str, float]:
        """The shares of values by their pattern: letters as a, digits as 9."""
        found = Counter(_DIGITS.sub("9", _LETTERS.sub("a", value))[:24] for value in self.different)
        return {pattern: count / len(self.different) for pattern, count in found.items()}

    @cached_property
    def length(self) -> float:
        """The mean length of a value, in characters."""
        return sum(map(len, self.different)) / max(1, len(self.different))

    @cached_property
    def distinct(self) -> float:
        """Different values as a share of the filled ones."""
        return len(self.counts) / max(1, self.counts.total())

    @cached_property
    def spread(self) -> tuple[float, float, float] | None:
        """The quartiles of the values, where they are mostly numbers."""
        numbers = [number for value in self.different if (number := _number(value)) is not None]
        if len(numbers) < max(2, _MOST * len(self.different)):
            return None
        low, middle, high = quantiles(numbers, n=4)
        return low, middle, high


def _number(value: str) -> float | None:
    """The number that a value is, with a currency or a unit, and with a comma or a point before its last digits."""
    found = _NUMBER.fullmatch(value) if len(value) <= _LONGEST_NUMBER else None
    if found is None:
        return None
    whole, sign, rest = found["whole"], found["sign"], found["rest"] or ""
    return float(f"{sign}{re.sub(r'[^0-9]', '', whole)}.{rest or 0}")


FEATURES = (
    "names alike",
    "same concept",
    "other concept",
    "letters alike",
    "same kind",
    "other kind",
    "values shared",
    "words shared",
    "patterns alike",
    "lengths alike",
    "distinctness apart",
    "ranges alike",
    "ranges apart",
    "positions apart",
)
"""What is compared, in the order of `features`."""
WEIGHTS = (2.0, 1.94, -3.01, 0.11, 1.14, -1.37, 3.73, 2.65, 1.27, 1.13, -1.48, 0.97, -1.0, -0.79)
BIAS = -3.35
"""Log-odds that each of them is worth, as `lab.fit_column_pairs` fits them."""
_NEAR_KINDS: tuple[frozenset[Kind], ...] = (
    frozenset({"date", "date of birth", "time of export"}),
    frozenset({"price", "quantity"}),
    frozenset({"code", "serial number", "personal number", "gtin"}),
    frozenset({"category", "flag", "source label"}),
    frozenset({"person name", "last name", "first name", "last name first"}),
)
"""Kinds that are taken for one another where a column tells little."""
_SAME, _AHEAD, _OTHER = 0.25, 0.5, -1.0
"""Log-odds from which on a pair is the same, by how much it leads before others, and up to which it is not the same."""
_RIVALS = 3
"""Pairs of a column that are worth a question."""
_ALIKE, _WORTH_SAYING = 0.5, 0.1
"""Shares from which on a reason names them."""


def features(left: ColumnSummary, right: ColumnSummary) -> list[float]:
    """What is alike about two columns and what is not; see `FEATURES`, each 0 to 1."""
    near, known = name_likeness(left.name, right.name)
    letters = max(
        fuzz.ratio(left.name.casefold(), right.name.casefold()),
        fuzz.token_sort_ratio(
            " ".join(w for w, _ in meanings(left.name)), " ".join(w for w, _ in meanings(right.name))
        ),
    )
    found = [
        near,
        float(near >= 0.95),
        known * (1.0 - near) ** 2,
        max(0.0, letters / 100 - 0.5) * 2,
    ]
    if not left.different or not right.different:
        return found + [0.0] * (len(FEATURES) - len(found) - 1) + [abs(left.position - right.position)]
    sure = left.kind.probability * right.kind.probability
    shared = len(left.normalized & right.normalized) / min(len(left.normalized), len(right.normalized))
    words = len(left.words & right.words) / max(1, min(len(left.words), len(right.words)))
    both = set(left.patterns) & set(right.patterns)
    patterns = sum(min(left.patterns[pattern], right.patterns[pattern]) for pattern in both)
    lengths = math.exp(-2 * abs(math.log((left.length + 1) / (right.length + 1))))
    ranges = _ranges(left, right)
    return [
        *found,
        sure if left.kind.kind == right.kind.kind != "other" else 0.0,
        0.0 if left.kind.kind == right.kind.kind or _are_near(left.kind.kind, right.kind.kind) else sure,
        shared,
        words,
        patterns,
        lengths,
        abs(left.distinct - right.distinct),
        0.0 if ranges is None else ranges,
        0.0 if ranges is None else 1.0 - ranges,
        abs(left.position - right.position),
    ]


def _are_near(kind: Kind, other: Kind) -> bool:
    return any(kind in kinds and other in kinds for kinds in _NEAR_KINDS)


def _ranges(left: ColumnSummary, right: ColumnSummary) -> float | None:
    """How much the middle halves of two columns of numbers overlap, 0 to 1; None where one has no numbers."""
    if left.spread is None or right.spread is None:
        return None
    (low, middle, high), (other_low, other_middle, other_high) = left.spread, right.spread
    if middle > 0 and other_middle > 0:
        powers = math.log10(middle / other_middle)
        if abs(powers) > 1.5 and abs(powers - round(powers)) < _SCALED:
            return _OTHER_UNIT
    together = min(high, other_high) - max(low, other_low)
    widest = max(high, other_high) - min(low, other_low)
    if widest <= 0:
        return 1.0
    return max(0.0, together) / widest


def name_likeness(left: str, right: str) -> tuple[float, float]:
    """How near the concepts of two names are, and how much of both names is known, each 0 to 1."""
    ours, theirs = meanings(left), meanings(right)
    mine, other = [_weight(meaning) for _, meaning in ours], [_weight(meaning) for _, meaning in theirs]
    pairs = sorted(
        (
            (_nearness(word, meaning, word_, meaning_), a, b)
            for a, (word, meaning) in enumerate(ours)
            for b, (word_, meaning_) in enumerate(theirs)
        ),
        reverse=True,
    )
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    agreed = 0.0
    for near, a, b in pairs:
        if near > 0 and a not in taken_left and b not in taken_right:
            taken_left.add(a)
            taken_right.add(b)
            agreed += near * (mine[a] + other[b])
    total = sum(mine) + sum(other)
    known = sum(w for w, (_, m) in zip(mine, ours, strict=True) if m) + sum(
        w for w, (_, m) in zip(other, theirs, strict=True) if m
    )
    return agreed / total, known / total


def _weight(meaning: Meaning) -> float:
    if not meaning:
        return 0.5
    return 0.3 if meaning <= LIGHT else 1.0


def _nearness(word: str, meaning: Meaning, other: str, other_meaning: Meaning) -> float:
    """How near two words are, 0 to 1: by their concepts, or by their letters where one is not known."""
    if word == other:
        return 1.0
    if meaning and other_meaning:
        if meaning & other_meaning:
            return 1.0
        return max(RELATED.get(frozenset((one, two)), 0.0) for one in meaning for two in other_meaning)
    if len(word) >= 3 and len(other) >= 3 and (_abbreviates(word, other) or _abbreviates(other, word)):
        return 0.8
    alike = fuzz.ratio(word, other) / 100
    return alike if alike >= 0.8 else 0.0


def _abbreviates(short: str, long: str) -> bool:
    """Whether the letters of one word stand in another one in this order, from the first one on."""
    if len(short) >= len(long) or short[0] != long[0]:
        return False
    letters = iter(long)
    return all(letter in letters for letter in short)


class ColumnVerdict(NamedTuple):
    """What counting says of two columns: whether they mean the same, how probably that is right, and why."""

    same: bool
    certainty: float
    reason: str


def column_verdicts(
    left: Sequence[ColumnSummary], right: Sequence[ColumnSummary]
) -> dict[tuple[int, int], ColumnVerdict]:
    """The pairs of columns of two tables for which counting decides, by their positions.

    A pair is the same where the best one-to-one assignment has it and no other pair of either column comes near; all
    other pairs of the two columns are different then. So are pairs that are little alike. What is between is left out.
    """
    if not all(any(column.different for column in side) for side in (left, right)):
        return {}
    points = [[_points(ours, theirs) for theirs in right] for ours in left]
    rights = _counterparts(points, left, right)
    lefts = {b: a for a, b in rights.items()}
    row_floors = [_floor(row) for row in points]
    column_floors = [_floor(column) for column in zip(*points, strict=True)]
    found = {}
    for a, b in product(range(len(left)), range(len(right))):
        near, apart = _probability(points[a][b]), _probability(-points[a][b])
        if rights.get(a) == b:
            found[a, b] = ColumnVerdict(True, near, _why_same(left[a], right[b]))
        elif a in rights:
            why = f"In the second table, {right[rights[a]].name!r} is the counterpart of {left[a].name!r}."
            found[a, b] = ColumnVerdict(False, max(apart, _probability(points[a][rights[a]])), why)
        elif b in lefts:
            why = f"In the first table, {left[lefts[b]].name!r} is the counterpart of {right[b].name!r}."
            found[a, b] = ColumnVerdict(False, max(apart, _probability(points[lefts[b]][b])), why)
        elif not left[a].different or not right[b].different:
            continue
        elif points[a][b] <= _OTHER:
            found[a, b] = ColumnVerdict(False, apart, "Neither the names nor the values are much alike.")
        elif points[a][b] < max(row_floors[a], column_floors[b]):
            # Of this one and three that are more probable, each of which excludes it, it has a quarter at the most.
            why = f"{_RIVALS} other pairs of one of the two columns fit better."
            found[a, b] = ColumnVerdict(False, max(apart, 1 - 1 / (1 + _RIVALS)), why)
    return found


def _floor(points: Sequence[float]) -> float:
    """What only the `_RIVALS` best reach."""
    return sorted(points)[-_RIVALS] if len(points) >= _RIVALS else -math.inf


def _counterparts(
    points: Sequence[Sequence[float]], left: Sequence[ColumnSummary], right: Sequence[ColumnSummary]
) -> dict[int, int]:
    """The columns of the first table that surely have a counterpart in the second one, with it."""
    # scipy takes a third of a second to import: a server has to start without it.
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    found = {}
    rows, columns = linear_sum_assignment(np.maximum(points, 0.0), maximize=True)
    for a, b in zip(rows.tolist(), columns.tolist(), strict=True):
        others = [*points[a][:b], *points[a][b + 1 :], *(row[b] for number, row in enumerate(points) if number != a)]
        rival = max(others, default=-math.inf)
        if left[a].different and right[b].different and points[a][b] >= max(_SAME, rival + _AHEAD):
            found[a] = b
    return found


def _points(left: ColumnSummary, right: ColumnSummary) -> float:
    """The log-odds that two columns mean the same."""
    return sum(map(mul, WEIGHTS, features(left, right)), start=BIAS)


def _probability(points: float) -> float:
    return round(1 / (1 + math.exp(-points)), 4)


def _why_same(left: ColumnSummary, right: ColumnSummary) -> str:
    found = dict(zip(FEATURES, features(left, right), strict=True))
    reasons = []
    both = [{concept for _, meaning in meanings(side.name) for concept in meaning} for side in (left, right)]
    if OPPOSITE.issubset(both[0] | both[1]) and not OPPOSITE & both[0] & both[1]:
        reasons.append("the names mean opposite things")
    elif found["same concept"]:
        reasons.append("the names mean the same")
    elif found["names alike"] >= _ALIKE:
        reasons.append("the names mean nearly the same")
    if left.kind.kind == right.kind.kind != "other":
        reasons.append(f"both hold values of the kind {left.kind.kind!r}")
    if found["values shared"] >= _WORTH_SAYING:
        reasons.append(f"they share {found['values shared']:.0%} of their values")
    elif found["words shared"] >= _WORTH_SAYING:
        reasons.append(f"they share {found['words shared']:.0%} of the words in their values")
    if found["patterns alike"] >= _ALIKE:
        reasons.append("the values have the same patterns")
    text = ", ".join(reasons) or "their values are alike in length, range and spread"
    return f"{text[0].upper()}{text[1:]}."
