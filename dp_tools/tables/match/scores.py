"""The scores of candidate pairs as columns: a table of a million records has six million of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dp_tools.decision import EVEN
from dp_tools.tables.cascade.cascade import Audit

_NONE = -1


@dataclass
class PairScores:
    """What is known of candidate pairs: one entry a pair in each array.

    Args:
        match: the probability that both records are the same, 0 to 1; nan without an answer.
        same: the verdict. The model's may be yes below one half, where that finds the rare ones best.
        order_sensitive: whether the verdict depends on the order of sides or attributes; known only where orders are
            averaged.
        alike: how many answers of the model a learned verdict is like; else 0.
        taught: how many labelled pairs were learned from.
        audit: what was promised and found, where not every pair was asked.
    """

    match: NDArray[np.float64]
    same: NDArray[np.bool_]
    order_sensitive: NDArray[np.bool_]
    alike: NDArray[np.int64]
    _decider: NDArray[np.int32]
    _reason: NDArray[np.int32]
    _texts: dict[str, int] = field(default_factory=dict)
    """Deciders and reasons, each with the number that stands for it."""
    taught: int = 0
    audit: Audit | None = None

    @classmethod
    def unknown(cls, count: int) -> PairScores:
        """Of this many pairs nothing is known yet."""
        return cls(
            match=np.full(count, np.nan),
            same=np.zeros(count, bool),
            order_sensitive=np.zeros(count, bool),
            alike=np.zeros(count, np.int64),
            _decider=np.full(count, _NONE, np.int32),
            _reason=np.full(count, _NONE, np.int32),
        )

    def __len__(self) -> int:
        return len(self.match)

    def decided_by(self, decider: str) -> NDArray[np.bool_]:
        """Which pairs a decider decided: table (counted evidence), model, learned (from its
        answers), labels (learned from them), check, example or unanswered."""
        found: NDArray[np.bool_] = self._decider == self._texts.get(decider, len(self._texts))
        return found

    def decide(
        self, places: NDArray[np.int64], decider: str, match: NDArray[np.float64], same: NDArray[np.bool_]
    ) -> None:
        """Note what one decider says of many pairs, without a reason.

        Args:
            places: the positions of the pairs.
            decider: see `decided_by`.
            match, same: as of the whole, an entry for each of these pairs.
        """
        self.match[places] = match
        self.same[places] = same
        self._decider[places] = self._number(decider)

    def note(self, place: int, decider: str, match: float | None, same: bool, reason: str | None) -> None:
        """Note what is known of one pair.

        Args:
            place: its position.
            decider: see `decided_by`.
            match: the probability; None without an answer.
            same: the verdict.
            reason: why, or why not answered.
        """
        self.match[place] = np.nan if match is None else match
        self.same[place] = same
        self._decider[place] = self._number(decider)
        self._reason[place] = _NONE if reason is None else self._number(reason)

    def weigh(self, places: NDArray[np.int64], match: NDArray[np.float64]) -> None:
        """Note what becomes of answers once they are weighed beside something else; who gave them stays.

        Args:
            places: the positions of the pairs.
            match: the probability, an entry for each of these pairs.
        """
        self.match[places] = match
        self.same[places] = match >= EVEN

    def give_reason(self, places: NDArray[np.int64], reason: str) -> None:
        """Note why some pairs have their scores."""
        self._reason[places] = self._number(reason)

    def reasons(self, places: NDArray[np.int64]) -> list[str | None]:
        """The reasons that were noted for some pairs."""
        texts = list(self._texts)
        return [None if number == _NONE else texts[number] for number in self._reason[places].tolist()]

    def unanswered(self) -> Counter[str]:
        """How many pairs have no answer, by reason."""
        numbers, counts = np.unique(self._reason[np.isnan(self.match)], return_counts=True)
        texts = [*self._texts, "no answer"]
        return Counter({texts[number]: count for number, count in zip(numbers.tolist(), counts.tolist(), strict=True)})

    def _number(self, text: str) -> int:
        return self._texts.setdefault(text, len(self._texts))
