"""One sitting in which a person labels pairs, each chosen for what its label teaches once the last one is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp_tools.tables.match.pair_learner import Evidence, Floats, PairLearner, Scale

_AMONG = 5
"""The most doubtful pairs among which chance chooses, so that one family of records does not take the whole sitting."""
_LATEST = 10
"""Answers that tell whether the sitting is long enough."""
_ENOUGH = 9
"""Of them those that were expected."""


class Sitting:
    """Chooses the next pair to label: one of those that the judge, taught by all labels so far, is least certain of.

    The same evidence, answers and seed give the same pairs in the same order.

    Args:
        evidence: of all candidates.
        labels: what is known already, by position.
        seed: of what chance chooses.
    """

    def __init__(self, evidence: Evidence, labels: dict[int, bool] | None = None, *, seed: int = 0) -> None:
        self.labels = dict(labels or {})
        self._evidence, self._scale = evidence, Scale.of(evidence)
        self._random = np.random.default_rng(seed)
        self._expected: list[bool] = []
        self._skipped: set[int] = set()
        self.probability = self._taught()

    def next(self) -> int | None:
        """The position of the pair to ask about; None once every candidate is labelled or skipped."""
        doubt = np.abs(self.probability - 0.5)
        doubt[[*self.labels, *self._skipped]] = np.inf
        order: NDArray[np.int64] = np.argsort(doubt, kind="stable")[:_AMONG]
        open_ = order[np.isfinite(doubt[order])]
        return int(self._random.choice(open_)) if len(open_) else None

    def answer(self, place: int, same: bool) -> None:
        """Note a label and learn from it."""
        self._expected.append((self.probability[place] >= 0.5) == same)
        self.labels[place] = same
        self.probability = self._taught()

    def skip(self, place: int) -> None:
        """Ask about a pair no more."""
        self._skipped.add(place)

    @property
    def sure(self) -> float:
        """F1 that is expected of the pairs that the judge takes for the same, 0 to 1."""
        yes = self.probability >= 0.5
        right = float(self.probability[yes].sum())
        every = int(yes.sum()) + float(self.probability.sum())
        return 2 * right / every if every else 1.0

    @property
    def is_enough(self) -> bool:
        """Whether the judge expected nearly all of the latest answers, of which it was least certain."""
        latest = self._expected[-_LATEST:]
        return len(latest) == _LATEST and sum(latest) >= _ENOUGH

    def _taught(self) -> Floats:
        places = np.array(sorted(self.labels), np.int64)
        same = np.array([self.labels[place] for place in places.tolist()], bool)
        found = PairLearner.fit(self._scale, self._evidence.at(places), same).probability(self._evidence)
        found[places] = same
        return found
