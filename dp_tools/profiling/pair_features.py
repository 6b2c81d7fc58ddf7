"""Facts about many candidate pairs at once, as numbers for a judge that learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from dp_tools.profiling.compared_record import ComparedRecord, has_digit
from dp_tools.profiling.pair_facts import ComparedPair, PairFacts
from dp_tools.progress import Progress

AT_ONCE = 20_000
"""Pairs whose records are held in memory at once."""

_WORDS = ("words of all", "words of shorter")
_SIDES = ("both", "a only", "b only")
_NUMBERS = tuple(f"numbers {side}" for side in _SIDES)
_LETTERS = tuple(f"letters {side}" for side in _SIDES)
_CODES = "codes"


@dataclass(frozen=True, slots=True)
class PairFeatures:
    """Features of candidate pairs.

    Args:
        names: what each column says. `similarity NAME`, of a shared attribute: 0 to 1. `words of all` and `words of
            shorter`: of the weight of all words the share that both sides have, 0 to 1, and of the weight of the
            shorter side's words. `numbers` and `letters`, each `both`, `a only` or `b only`: the weight of the tokens
            with and without digits that both sides have, or one alone. `codes`: -1, 0 or 1.
        values: one row a pair, one column a name; nan where a side has no value, or there are no words.
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]

    def column(self, name: str) -> NDArray[np.float32]:
        """One feature of all pairs."""
        return self.values[:, self.names.index(name)]


def pair_features(
    facts: PairFacts,
    left: pl.DataFrame,
    right: pl.DataFrame,
    pairs: NDArray[np.integer],
    progress: Progress = lambda _done, _total: None,
) -> PairFeatures:
    """What counting says of candidate pairs, the same as `PairFacts.about` and `PairFacts.codes` say one by one.

    Args:
        facts: the words of both tables.
        left, right: the tables, every value a string or null; the same one twice to find duplicates.
        pairs: rows of the left and of the right table, one line a pair; those near one another in it should share rows.
        progress: called with (pairs done, pairs in all); it may raise to stop.
    """
    shared = [name for name in left.columns if name in right.columns]
    names = (*(f"similarity {name}" for name in shared), *_WORDS, *_NUMBERS, *_LETTERS, _CODES)
    values = np.empty((len(pairs), len(names)), np.float32)
    for start in range(0, len(pairs), AT_ONCE):
        progress(start, len(pairs))
        part = pairs[start : start + AT_ONCE]
        ours, theirs = _records(left, part[:, 0]), _records(right, part[:, 1])
        sides = [(ours[a], theirs[b]) for a, b in part.tolist()]
        compared = [ComparedPair.of(*pair) for pair in sides]
        block = values[start : start + AT_ONCE]
        for place, name in enumerate(shared):
            block[:, place] = _similarities(name, compared)
        block[:, len(shared) : -1] = [tuple(_weights(facts, pair)) for pair in compared]
        block[:, -1] = [facts.codes_of(*pair) for pair in sides]
    progress(len(pairs), len(pairs))
    return PairFeatures(names, values)


def _records(table: pl.DataFrame, rows: NDArray[np.integer]) -> dict[int, ComparedRecord]:
    """The records of some rows, each read once."""
    wanted = np.unique(rows)
    return dict(zip(wanted.tolist(), map(ComparedRecord, table[wanted].iter_rows(named=True)), strict=True))


def _similarities(name: str, pairs: list[ComparedPair]) -> NDArray[np.float32]:
    """How alike an attribute is on both sides, 0 to 1; nan where one has no value."""
    found = np.full(len(pairs), np.nan, np.float32)
    places, ours, theirs = [], [], []
    for place, pair in enumerate(pairs):
        value = pair.left.get(name)
        if value is None:
            continue
        other = pair.right[name]
        near = value.nearness(other)
        if near is not None:
            found[place] = near
            continue
        places.append(place)
        one, two = value.texts(other)
        ours.append(one)
        theirs.append(two)
    if places:
        found[places] = process.cpdist(ours, theirs, scorer=fuzz.token_sort_ratio, dtype=np.float32)
    return found / np.float32(100)


def _weights(facts: PairFacts, pair: ComparedPair) -> Iterator[float]:
    """The features of words, numbers and letters."""
    sums = []
    for tokens in (pair.both, pair.a_only, pair.b_only):
        numbers = letters = 0.0
        for token in tokens:
            if has_digit(token):
                numbers += facts.weights[token]
            else:
                letters += facts.weights[token]
        sums.append((numbers, letters))
    both, a_only, b_only = map(sum, sums)
    yield from facts.weights.shares(both, a_only, b_only) or (np.nan, np.nan)
    yield from (numbers for numbers, _ in sums)
    yield from (letters for _, letters in sums)
