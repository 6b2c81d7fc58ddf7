"""Inverse document frequency: rare words say more than common ones."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from dp_tools.profiling.facts import Fact, SharedWords
from dp_tools.profiling.token_counts import TokenCounts, digest, hashes_of

ENOUGH = 12
"""Distinct texts below which every word has the same weight."""
_FEW = 5
_RARE = 0.01


class HashedText(NamedTuple):
    """The words of a text as hashes: of all of them together, and of each distinct one."""

    whole: int
    words: array[int]

    @classmethod
    def of(cls, words: Iterable[str]) -> HashedText:
        """The words of a text, hashed."""
        words = tuple(words)
        return cls(digest(words), hashes_of(words))


class Idf:
    """Inverse document frequencies (Spärck Jones, 1972).

    Args:
        texts: the words of each text; equal texts count once.
    """

    def __init__(self, texts: Iterable[HashedText]) -> None:
        seen: set[int] = set()

        def distinct() -> Iterator[array[int]]:
            for whole, words in texts:
                if whole not in seen:
                    seen.add(whole)
                    yield words

        self._counts = TokenCounts(distinct())
        self._texts = len(seen)
        self._weights: dict[str, float] = {}

    def __getitem__(self, word: str) -> float:
        """The weight of a word, above 0; unknown words have the highest."""
        weight = self._weights.get(word)
        if weight is None:
            known = self._texts >= ENOUGH
            count = self._counts[word]
            weight = math.log(1 + self._texts / count) if known else 1.0
            if count > 1:
                self._weights[word] = weight
        return weight

    def is_rare(self, word: str) -> bool:
        """Whether at most five texts, or one in a hundred, have it."""
        return self._counts[word] <= max(_FEW, _RARE * self._texts)

    def shared(self, both: Sequence[str], a_only: Sequence[str], b_only: Sequence[str]) -> list[SharedWords]:
        """How much the words tell that both sides have; none where there are no words."""
        found = self.shares(*(sum(self[word] for word in words) for words in (both, a_only, b_only)))
        return [SharedWords(*(round(100 * share) for share in found))] if found else []

    @staticmethod
    def shares(both: float, a_only: float, b_only: float) -> tuple[float, float] | None:
        """Of the weight of all words the share that both sides have, 0 to 1, and of the weight of the shorter side's
        words; None where there are no words."""
        if not both + a_only + b_only:
            return None
        if not both:
            return 0.0, 0.0
        return both / (both + (a_only + b_only)), both / (both + min(a_only, b_only))


def overlap_score(facts: Iterable[Fact]) -> float:
    """How far the words of a pair speak for a match, -0.5 to 0.5: the share of the shorter side's words that the other
    side has, by weight, less one half.

    Args:
        facts: about one pair, as `PairFacts.about` gives them.
    """
    return next((fact.of_shorter / 100 - 0.5 for fact in facts if isinstance(fact, SharedWords)), 0.0)
