"""Facts about many candidate pairs at once, as numbers for a judge that learns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from dp_tools.profiling.compared_record import ComparedRecord, ComparedValue, Tokens, has_digit
from dp_tools.profiling.pair_facts import ComparedPair, PairFacts

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
) -> PairFeatures:
    """What counting says of candidate pairs, the same as `PairFacts.about` and `PairFacts.codes` say one by one.

    Args:
        facts: the words of both tables.
        left, right: the tables, every value a string or null; the same one twice to find duplicates.
        pairs: rows of the left and of the right table, one line a pair; those near one another in it should share rows.
    """
    shared = [name for name in left.columns if name in right.columns]
    names = (*(f"similarity {name}" for name in shared), *_WORDS, *_NUMBERS, *_LETTERS, _CODES)
    values = np.empty((len(pairs), len(names)), np.float32)
    for start in range(0, len(pairs), AT_ONCE):
        part = pairs[start : start + AT_ONCE]
        ours, theirs = _records(left, part[:, 0]), _records(right, part[:, 1])
        weights, columns = _Weights(facts), {name: _Similarities(len(part)) for name in shared}
        counted = np.empty((len(part), len(names) - len(shared)), np.float32)
        # Pair by pair: what a pair is compared by is not kept, for many such dictionaries take longer than the work.
        for place, (a, b) in enumerate(part.tolist()):
            one, two = ours[a], theirs[b]
            pair = ComparedPair.of(one, two)
            for name, value in pair.left.items():
                columns[name].note(place, value, pair.right[name])
            counted[place] = (*weights.features(pair), facts.codes_of(one, two))
        block = values[start : start + AT_ONCE]
        for column, similarities in enumerate(columns.values()):
            block[:, column] = similarities.found()
        block[:, len(shared) :] = counted
    return PairFeatures(names, values)


def _records(table: pl.DataFrame, rows: NDArray[np.integer]) -> dict[int, ComparedRecord]:
    """The records of some rows, each read once."""
    wanted = np.unique(rows)
    return dict(zip(wanted.tolist(), map(ComparedRecord, table[wanted].iter_rows(named=True)), strict=True))


class _Similarities:
    """How alike an attribute is on both sides of some pairs, 0 to 1; nan where one has no value.

    Args:
        count: of the pairs.
    """

    def __init__(self, count: int) -> None:
        self._found = np.full(count, np.nan, np.float32)
        self._places: list[int] = []
        self._texts: tuple[list[str], list[str]] = ([], [])

    def note(self, place: int, value: ComparedValue, other: ComparedValue) -> None:
        """Note the values of the pair at a place; texts are compared all at once in the end."""
        near = value.nearness(other)
        if near is not None:
            self._found[place] = near
            return
        self._places.append(place)
        for side, text in zip(self._texts, value.texts(other), strict=True):
            side.append(text)

    def found(self) -> NDArray[np.float32]:
        """One entry a pair."""
        if self._places:
            self._found[self._places] = process.cpdist(*self._texts, scorer=fuzz.token_sort_ratio, dtype=np.float32)
        return self._found / np.float32(100)


class _Weights(dict[str, tuple[float, float]]):
    """The weight of a token as a number and as a word, one of which is 0; each is looked up once."""

    def __init__(self, facts: PairFacts) -> None:
        super().__init__()
        self._known = facts.weights

    def __missing__(self, token: str) -> tuple[float, float]:
        weight = self._known[token]
        self[token] = found = (weight, 0.0) if has_digit(token) else (0.0, weight)
        return found

    def features(self, pair: ComparedPair) -> tuple[float, ...]:
        """The features of words, numbers and letters."""
        sums = [self._sum(tokens) for tokens in (pair.both, pair.a_only, pair.b_only)]
        shares = self._known.shares(*(numbers + letters for numbers, letters in sums)) or (np.nan, np.nan)
        return (*shares, *(numbers for numbers, _ in sums), *(letters for _, letters in sums))

    def _sum(self, tokens: Tokens) -> tuple[float, float]:
        numbers = letters = 0.0
        for token in tokens:
            number, letter = self[token]
            numbers += number
            letters += letter
        return numbers, letters
