"""What may be promised of answers that were not asked for: finite-sample bounds that hold however often one looks.

An audit draws items at random, without replacement, from a set whose answers a surrogate has fixed, and asks the model.
How many of the set are wrong is bounded by betting against each number that it could be (Waudby-Smith and Ramdas:
"Estimating means of bounded random variables by betting", JRSS B 2024; "Confidence sequences for sampling without
replacement", NeurIPS 2020), the bounds of BARGAIN (Zeighami, Shankar, Parameswaran, SIGMOD 2026). Its package is not
used: it certifies a threshold of a fixed proxy's score within a fixed budget and counts every item as sampled, while
here asked items are exact, only the rest needs a bound, and more of it may be asked at any time.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_SPREAD = (0.0, 0.05, 0.15, 0.3, 0.5, 0.75)
"""Shares of what is allowed that the bets expect to be wrong."""
_LEAST = 0.05
"""Wrong items that a bet expects at the least, so that one more than it expected does not lose everything."""


class AuditBound:
    """An upper bound on the wrong items of a fixed set, valid at every look and however the set is asked in between.

    For each total K that is possible, wealth starts at one and is bet on the outcomes of the draws; were K true, it
    would exceed 1/delta at any time with probability delta at most (Ville). The bound is the largest K whose wealth has
    not exceeded that. Items asked for other reasons than the draw change what is left, and nothing is bet on them.

    Args:
        size: items of the set.
        delta: probability that the bound is ever too low.
        expected: wrong items that the surrogate expects; only how fast the bound falls depends on it.
        allowed: wrong items below which the bound should come.
    """

    def __init__(self, size: int, delta: float, expected: float, allowed: float) -> None:
        self.size, self.delta = size, delta
        self.seen = self.found = 0
        self._draws: list[tuple[bool, int, int]] = []
        self._bets = np.array([share * max(allowed, 1.0) for share in _SPREAD])
        # Half the wealth on the number that is expected, half spread evenly: a wrong expectation costs little.
        near = np.exp(-0.5 * ((self._bets - expected) / max(math.sqrt(expected), 0.1 * max(allowed, 1.0))) ** 2)
        weights = 0.5 / len(_SPREAD) + 0.5 * (near / near.sum() if near.sum() > 0 else 1 / len(_SPREAD))
        self._wealth: NDArray[np.float64] = np.log(weights)

    @property
    def remaining(self) -> int:
        """Items of the set that were not asked."""
        return self.size - self.seen

    def draw(self, wrong: bool) -> None:
        """Note an item that was drawn at random from those of the set that were not asked."""
        rate = np.clip(np.maximum(self._bets - self.found, _LEAST) / self.remaining, 0.0, 1.0)
        with np.errstate(divide="ignore"):
            self._wealth += np.log(rate if wrong else 1 - rate)
        self._draws.append((wrong, self.found, self.remaining))
        self.seen += 1
        self.found += wrong

    def ask(self, asked: int, wrong: int) -> None:
        """Note items that were asked though they were not drawn.

        Args:
            asked: how many.
            wrong: how many of them are wrong.
        """
        self.seen += asked
        self.found += wrong

    def upper(self) -> int:
        """The bound on the wrong items among those that were not asked."""
        if not self._draws:
            return self.remaining
        likelihood = self._likelihood()
        wealth = float(np.logaddexp.reduce(self._wealth))

        def refuted(total: int) -> bool:
            return wealth - likelihood(total) >= -math.log(self.delta)

        # The likelihood is log-concave in the total: above its highest point, what is refuted stays refuted.
        low, high = self.found, self.found + self.remaining
        start = _highest(likelihood, low, high)
        low, high = start, high + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if refuted(middle) else (middle, high)
        return low - self.found

    def gained(self, left: float) -> float:
        """What was won against more than `left` wrong items among those that were not asked, in nats, from 0."""
        if not self._draws:
            return 0.0
        total = self.found + min(int(left) + 1, self.remaining)
        return max(float(np.logaddexp.reduce(self._wealth)) - self._likelihood()(total), 0.0)

    def _likelihood(self) -> Callable[[int], float]:
        """The logarithm of how likely the draws are, by the total of wrong items."""
        wrong, found, remaining = (np.array(column) for column in zip(*self._draws, strict=True))

        def likelihood(total: int) -> float:
            rate = (total - found) / remaining
            with np.errstate(divide="ignore"):
                return float(np.log(np.clip(np.where(wrong, rate, 1 - rate), 0.0, 1.0)).sum())

        return likelihood


def draws_needed(size: float, expected: float, allowed: float, delta: float, gained: float = 0.0) -> float:
    """About how many random draws a bound below `allowed` takes where `expected` items of a set are wrong.

    Args:
        size: items of the set.
        expected: wrong ones among them.
        allowed: how many may remain wrong; those that are drawn are put right.
        delta: probability that the bound is too low.
        gained: what was won already against the number that is allowed, in nats (see `AuditBound.gained`).
    """
    if size <= allowed:
        return 0.0
    nats = max(math.log(1 / delta) + 1.0 - gained, 0.1)
    expected = max(expected, 1e-9)
    low, high = 0.0, 1.0
    for _ in range(20):
        share = (low + high) / 2
        reached = allowed + share * expected
        gap = reached - expected + expected * math.log(expected / reached) if reached > expected else 0.0
        # What a share of the set wins against so many wrong items: its draws without replacement tell more and more.
        low, high = (low, share) if -math.log1p(-share) * gap >= nats else (share, high)
    return size * high


def _highest(value: Callable[[int], float], low: int, high: int) -> int:
    """Where a function of whole numbers that rises and then falls is highest."""
    while high - low > 2:
        third = (high - low) // 3
        if value(low + third) < value(high - third):
            low += third
        else:
            high -= third
    return max(range(low, high + 1), key=value)
