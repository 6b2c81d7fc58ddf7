"""Answers many yes-or-no items by asking the model about few of them, with a promise about the rest.

First a sample spread over the prior's score is asked, and a surrogate learns from the answers. Then each round asks
what a plan would ask anyway, the most uncertain first and a quarter at random, and learns again, until nothing is left
that is worth a question of its own. From then on the verdicts of the items that were not asked are fixed, and random
draws from them are asked until the promise is shown to hold. Where a draw contradicts the surrogate, it learns from
that, and what it now doubts is asked as well. In the end everything may have been asked: then nothing is left to doubt.

The same items, answers and seed give the same questions in the same order, so that a resumed run replays them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_tools.tables.cascade.guarantee import AuditBound, Promise, draws_needed
from dp_tools.tables.cascade.surrogate import Surrogate

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

FIRST = 192
"""Items asked before anything is learned."""
BATCH = 64
"""Items asked between two fits at the least."""
GROWTH = 5
"""A batch is at least one in so many of what was asked, so that a large table is not fitted hundreds of times."""
AT_RANDOM = 4
"""One in so many of a batch is drawn at random."""
_THRESHOLDS = np.r_[0.0, np.geomspace(1e-4, 0.5, 60), np.inf]


@dataclass(frozen=True, slots=True)
class Answers:
    """The model's answers.

    Args:
        probability: calibrated probability of yes, 0 to 1; nan without an answer.
        yes: the verdicts; False without an answer.
    """

    probability: Floats
    yes: Mask


Ask = Callable[[Indices], Answers]
"""Asks the model about items by their positions, and gives its answers in that order."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What a run promised, asked and found.

    Args:
        promise: what was promised.
        size: items in all.
        asked: items that the model was asked about, those drawn included.
        drawn: items drawn at random to check the surrogate's verdicts.
        wrong: of these, verdicts that the model contradicted; they were put right.
        recall, precision: lower bounds that were reached, 0 to 1; one where everything was asked.
    """

    promise: Promise
    size: int
    asked: int
    drawn: int
    wrong: int
    recall: float
    precision: float


@dataclass(frozen=True, slots=True)
class Cascaded:
    """Answers to all items.

    Args:
        asked: which ones the model answered; the surrogate answered the others.
        probability: calibrated probability of yes: the model's, nan where it gave none, or what the surrogate expects.
        yes: the verdicts.
        certainty: of verdicts that were not asked, the probability that the model would give the same; else 1.
        alike: of these, how many of the model's answers were given to items that the surrogate holds for as likely, and
            were the same; else 0.
        audit: what was promised and found.
    """

    asked: Mask
    probability: NDArray[np.float64]
    yes: Mask
    certainty: NDArray[np.float64]
    alike: Indices
    audit: Audit


def answer(
    features: Floats,
    prior: Floats,
    ask: Ask,
    promise: Promise,
    *,
    first: Indices | None = None,
    seed: int = 0,
    expect: Callable[[int], None] = lambda _questions: None,
    look: Callable[[], None] = lambda: None,
) -> Cascaded:
    """Answer every item.

    Args:
        features: facts about each item, one line each; nan where something is not known.
        prior: how likely each is to be a yes before anything was asked; only the order counts.
        ask: asks the model.
        promise: what the yes answers keep to.
        first: items that are asked in any case, at the beginning.
        seed: for samples and fits.
        expect: called with how many questions are expected in all, whenever that changes.
        look: called between fits; it may raise to stop.
    """
    run = _Run(np.column_stack([features, prior]).astype(np.float32), ask, promise, seed, expect, look)
    sample = _spread(prior, FIRST, run.random)
    run.ask(sample if first is None else np.union1d(sample, first))
    run.learn()
    return run.audited()


class _Run:
    """One run: what was asked so far, and what was learned from it."""

    def __init__(
        self,
        features: NDArray[np.float32],
        ask: Ask,
        promise: Promise,
        seed: int,
        expect: Callable[[int], None],
        look: Callable[[], None],
    ) -> None:
        self.features, self.promise, self.seed = features, promise, seed
        self.random = np.random.default_rng(seed)
        size = len(features)
        self.asked = np.zeros(size, bool)
        self.probability = np.full(size, np.nan)
        self.yes = np.zeros(size, bool)
        self.likely = np.zeros(size)
        self._ask, self._expect, self._look = ask, expect, look

    def ask(self, items: Indices) -> None:
        """Ask about items that were not asked before."""
        if not len(items):
            return
        found = self._ask(items)
        self.asked[items] = True
        self.probability[items] = found.probability
        self.yes[items] = found.yes

    def fit(self) -> None:
        """Learn from all answers how likely a yes is for every item."""
        self._look()
        known = np.flatnonzero(self.asked & ~np.isnan(self.probability))
        self.likely = Surrogate(self.features[known], self.yes[known], self.seed)(self.features)

    def learn(self) -> None:
        """Ask and learn until nothing is left that is worth a question of its own."""
        while not self.asked.all():
            self.fit()
            said_yes = self.likely >= 0.5
            worth, draws = self.worth_asking(said_yes, {True: None, False: None})
            self._expect(int(self.asked.sum() + len(worth) + draws))
            if not len(worth):
                break
            size = max(BATCH, int(self.asked.sum()) // GROWTH)
            uncertain = worth[np.argsort(np.abs(self.likely[worth] - 0.5), kind="stable")][: size - size // AT_RANDOM]
            self.ask(uncertain)
            others = np.flatnonzero(~self.asked)
            drawn = self.random.choice(others, min(size // AT_RANDOM, len(others)), replace=False)
            self.ask(np.sort(drawn))

    def worth_asking(self, said_yes: Mask, bounds: dict[bool, AuditBound | None]) -> tuple[Indices, float]:
        """Items that cost less when they are asked than when more draws have to make up for them, and the draws that
        the rest takes."""
        found = int(self.yes[self.asked].sum())
        open_ = ~self.asked
        total = found + float(self.likely[open_].sum())
        given = found + int((said_yes & open_).sum())
        worth, draws = [], 0.0
        for side in (True, False):
            items = np.flatnonzero(open_ & (said_yes == side))
            if side and self.promise.confirms:
                worth.append(items)
                continue
            wrong = 1 - self.likely[items] if side else self.likely[items]
            allowed = self.promise.wrong_allowed(given) if side else self.promise.missed_allowed(total)
            threshold, needed = _cheapest(wrong, allowed, self.promise.delta_each, bounds[side])
            worth.append(items[wrong >= threshold])
            draws += needed
        return np.concatenate(worth), draws

    def audited(self) -> Cascaded:
        """Fix the verdicts that were not asked, and draw from them until the promise holds."""
        self.fit()
        said_yes = np.where(self.asked, self.yes, self.likely >= 0.5)
        open_ = np.flatnonzero(~self.asked)
        total = int(self.yes[self.asked].sum()) + float(self.likely[open_].sum())
        sides = {side: open_[said_yes[open_] == side] for side in (True, False)}
        expected = {True: float((1 - self.likely[sides[True]]).sum()), False: float(self.likely[sides[False]].sum())}
        allowed = {True: self.promise.wrong_allowed(total), False: self.promise.missed_allowed(total)}
        bounds = {
            side: AuditBound(len(sides[side]), self.promise.delta_each, expected[side], allowed[side]) for side in sides
        }
        order = {side: self.random.permutation(sides[side]) for side in sides}
        drawn = wrong = 0
        while True:
            self._look()
            most = {side: bounds[side].upper() for side in sides}
            found = int(self.yes[self.asked].sum())
            given = found + bounds[True].remaining
            confirmed = given - most[True]
            failing = [
                side
                for side, holds in (
                    (True, most[True] <= self.promise.wrong_allowed(given)),
                    (False, most[False] <= self.promise.missed_allowed(confirmed)),
                )
                if not holds
            ]
            if not failing:
                break
            surprised = False
            for side in failing:
                left = order[side][~self.asked[order[side]]]
                size = max(BATCH // 2, int(self.asked.sum()) // (4 * GROWTH))
                batch = left[:size]
                self.ask(batch)
                contradicted = self.yes[batch] != side
                for one in contradicted.tolist():
                    bounds[side].draw(one)
                drawn, wrong = drawn + len(batch), wrong + int(contradicted.sum())
                surprised |= bool(contradicted.any())
            if surprised:
                self.fit()
                worth, draws = self.worth_asking(said_yes, dict(bounds))
                self._expect(int(self.asked.sum() + len(worth) + draws))
                self.ask(worth)
                for side in sides:
                    mine = worth[said_yes[worth] == side]
                    bounds[side].ask(len(mine), int((self.yes[mine] != side).sum()))
        return self._result(said_yes, most, drawn, wrong)

    def _result(self, said_yes: Mask, most: dict[bool, int], drawn: int, wrong: int) -> Cascaded:
        open_ = ~self.asked
        yes = np.where(self.asked, self.yes, said_yes)
        given = int(yes.sum())
        confirmed = given - most[True]
        audit = Audit(
            promise=self.promise,
            size=len(yes),
            asked=int(self.asked.sum()),
            drawn=drawn,
            wrong=wrong,
            recall=confirmed / (confirmed + most[False]) if confirmed else 1.0,
            precision=confirmed / given if given else 1.0,
        )
        probability = self.probability.copy()
        if open_.any():
            self.fit()
            known = np.flatnonzero(self.asked & ~np.isnan(self.probability))
            surrogate = Surrogate(self.features[known], self.probability[known], self.seed)
            probability[open_] = surrogate(self.features[open_])
        certainty = np.where(open_, np.where(yes, self.likely, 1 - self.likely), 1.0)
        return Cascaded(self.asked, probability, yes, certainty, self._alike(yes), audit)

    def _alike(self, yes: Mask) -> Indices:
        """How many of the model's answers to items about as likely are the same as each verdict that was not asked."""
        band = np.minimum((self.likely * 20).astype(np.int64), 19)
        known = self.asked & ~np.isnan(self.probability)
        counts = np.array([np.bincount(band[known & (self.yes == side)], minlength=20) for side in (False, True)])
        return np.where(self.asked, 0, counts[yes.astype(np.int64), band])


def _spread(prior: Floats, size: int, random: np.random.Generator) -> Indices:
    """A sample of which half is spread evenly over the order of the prior, and half crowds towards its top."""
    order = np.argsort(-prior, kind="stable")
    count = len(order)
    if count <= size:
        return np.arange(count)
    evenly = (np.arange(size // 2) + random.random(size // 2)) / (size // 2)
    crowded = np.expm1(np.log(count) * (np.arange(size - size // 2) + random.random(size - size // 2)) / (size // 2))
    places = np.r_[evenly * count, crowded].astype(np.int64)
    return np.sort(order[np.unique(np.clip(places, 0, count - 1))])


def _cheapest(wrong: Floats, allowed: float, delta: float, bound: AuditBound | None) -> tuple[float, float]:
    """From which probability of being wrong on verdicts are best asked, and how many draws the others take then.

    Args:
        wrong: the probability that each verdict is wrong.
        allowed: wrong ones that may remain.
        delta: probability that the bound is too low.
        bound: the bound that is being drawn for, if the verdicts are fixed already.
    """
    bins = np.digitize(wrong, _THRESHOLDS)
    counts = np.bincount(bins, minlength=len(_THRESHOLDS) + 1)
    sums = np.bincount(bins, weights=wrong, minlength=len(_THRESHOLDS) + 1)
    below, expected = np.cumsum(counts)[:-1], np.cumsum(sums)[:-1]
    spent = 0.0 if bound is None else bound.gained(allowed)
    draws = [
        draws_needed(size, mean, allowed, delta, spent)
        for size, mean in zip(below.tolist(), expected.tolist(), strict=True)
    ]
    costs = np.array(draws) + len(wrong) - below
    best = len(costs) - 1 - int(np.argmin(costs[::-1]))
    return float(_THRESHOLDS[best]), draws[best]
