"""Inverse document frequency: rare words say more than common ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from dp_tools.profiling.facts import Fact, SharedWords

ENOUGH = 12
"""Distinct texts below which every word has the same weight."""
_FEW = 5
_RARE = 0.01


class Idf:
    """Inverse document frequencies (Spärck Jones, 1972).

    Args:
        texts: the words of each text; equal texts count once.
    """

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        self._counts: Counter[str] = Counter()
        seen: set[int] = set()
        for words in texts:
            key = hash(tuple(words))
            if key not in seen:
                seen.add(key)
                self._counts.update(set(words))
        self._texts = len(seen)

    def __getitem__(self, word: str) -> float:
        """The weight of a word, above 0; unknown words have the highest."""
        return math.log(1 + self._texts / max(self._counts[word], 1)) if self._texts >= ENOUGH else 1.0

    def is_rare(self, word: str) -> bool:
        """Whether at most five texts, or one in a hundred, have it."""
        return self._counts[word] <= max(_FEW, _RARE * self._texts)

    def shared(self, both: Sequence[str], a_only: Sequence[str], b_only: Sequence[str]) -> list[SharedWords]:
        """How much the words tell that both sides have; none where there are no words."""
        weight, a_weight, b_weight = (sum(self[word] for word in words) for words in (both, a_only, b_only))
        if not weight + a_weight + b_weight:
            return []
        shares = (
            weight / (weight + rest) if weight else 0.0 for rest in (a_weight + b_weight, min(a_weight, b_weight))
        )
        return [SharedWords(*(round(100 * share) for share in shares))]


def overlap_score(facts: Iterable[Fact]) -> float:
    """How far the words of a pair speak for a match, -0.5 to 0.5: the share of the shorter side's words that the other
    side has, by weight, less one half.

    Args:
        facts: about one pair, as `PairFacts.about` gives them.
    """
    return next((fact.of_shorter / 100 - 0.5 for fact in facts if isinstance(fact, SharedWords)), 0.0)
