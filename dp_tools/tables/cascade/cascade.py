"""Answers many yes-or-no items by asking the model about few of them, with a promise about the rest.

First a sample spread over the prior's score is asked, and a surrogate learns from the answers. Then each round asks
what a plan would ask anyway, the most uncertain first and one in eight at random, and learns again, until nothing is
left that is worth a question of its own. From then on the verdicts of the items that were not asked are fixed, and
random draws from them are asked until the promise is shown to hold. Where draws contradict the surrogate, it learns
from them, and what it now doubts is asked as well. In the end everything may have been asked: then nothing is left to
doubt.

The same items, answers and seed give the same questions in the same order, so that a resumed run replays them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_tools.tables.cascade.guarantee import AuditBound, draws_needed
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.cascade.surrogate import FOLDS, Surrogate

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

FIRST = 192
"""Items asked before anything is learned."""
BATCH = 64
"""Items asked between two fits at the least."""
GROWTH = 5
"""A batch is at least one in so many of what was asked, so that a large table is not fitted hundreds of times."""
AT_RANDOM = 8
"""One in so many of a batch is drawn at random."""
POOL = 100_000
"""Of more items, a random part of this size is learned from first: predicting millions after each fit takes long."""
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

    def sentence(self, items: str) -> str:
        """What was promised, asked and found, in words.

        Args:
            items: what the items are, in the plural.
        """
        if self.asked == self.size:
            return f"Asked the model about all {self.size:,} {items}: fewer could not keep the promise."
        return (
            f"Asked the model about {self.asked:,} of {self.size:,} {items} and learned the rest from its answers. "
            f"Promised, at {1 - self.promise.delta:.0%} confidence: recall {self.promise.recall:.0%} and precision "
            f"{self.promise.precision:.0%} of asking about all; an audit of {self.drawn:,} random {items} contradicted "
            f"{self.wrong:,} learned verdicts and shows recall {_floor(self.recall)} and precision "
            f"{_floor(self.precision)} at least."
        )


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
        prior: how likely each is to be a yes before anything was asked; only the order counts, and only for the first
            sample. The surrogate sees it where it is one of the features, too.
        ask: asks the model.
        promise: what the yes answers keep to.
        first: items that are asked in any case, at the beginning.
        seed: for samples and fits.
        expect: called with how many questions are expected in all, whenever that changes.
        look: called between fits; it may raise to stop.
    """
    run = _Run(features, ask, promise, seed, expect, look)
    sample = _spread(prior, FIRST, run.random)
    if first is not None:
        sample = np.union1d(sample, first)
    run.ask(sample)
    every = np.arange(len(features))
    if len(features) > POOL:
        run.learn(np.sort(run.random.choice(every, POOL, replace=False)))
    run.learn(every)
    return run.audited()


class _Run:
    """One run: what was asked so far, and what was learned from it."""

    def __init__(
        self,
        features: Floats,
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
        self.likely, self.learned = np.zeros(size), np.zeros(size)
        self._ask, self._expect, self._look = ask, expect, look
        self._taught = 0

    def ask(self, items: Indices) -> None:
        """Ask about items that were not asked before."""
        if not len(items):
            return
        self.expect(len(items))
        found = self._ask(items)
        self.asked[items] = True
        self.probability[items] = found.probability
        self.yes[items] = found.yes

    def expect(self, more: float) -> None:
        """Say how many questions are expected in all: those asked, and more."""
        self._expect(int(self.asked.sum() + more))

    def fit(self, items: Indices) -> None:
        """Learn from all answers how likely a yes is for these items, and what probability the model would give."""
        self._look()
        known = np.flatnonzero(self.asked & ~np.isnan(self.probability))
        self._taught = len(known)
        if self._taught < FOLDS:
            return
        surrogate = Surrogate(self.features[known], self.probability[known], self.yes[known], self.seed)
        self.likely[items], self.learned[items] = surrogate(self.features[items], ~self.asked[items])

    def learn(self, pool: Indices) -> None:
        """Ask and learn until nothing in a pool is left that is worth a question of its own."""
        while not self.asked[pool].all():
            self.fit(pool)
            worth, draws = self.worth_asking(pool, self.likely[pool] >= 0.5, {True: None, False: None})
            self.expect(len(worth) + draws)
            # For the last few the random part of a batch would cost more than they do.
            if len(worth) <= (0 if self.promise.confirms else BATCH // 4):
                break
            size = max(BATCH, int(self.asked.sum()) // GROWTH)
            certain = np.abs(self.likely[worth] - 0.5)
            self.ask(worth[np.argsort(certain, kind="stable")][: size - size // AT_RANDOM])
            others = pool[~self.asked[pool]]
            self.ask(np.sort(self.random.choice(others, min(size // AT_RANDOM, len(others)), replace=False)))

    def worth_asking(
        self, pool: Indices, said_yes: Mask, bounds: dict[bool, AuditBound | None]
    ) -> tuple[Indices, float]:
        """Items that cost less when they are asked than when more draws have to make up for them, and the draws that
        the rest takes.

        Args:
            pool: the items; what they say stands for all where they are a part.
            said_yes: the verdict of each that holds unless it is asked.
            bounds: by verdict, the bounds that are being drawn for, if any.
        """
        open_ = ~self.asked[pool]
        if not open_.any():
            return np.empty(0, np.int64), 0.0
        share = open_.sum() / max((~self.asked).sum(), 1)
        found = int(self.yes[self.asked].sum()) * share
        total = found + float(self.likely[pool[open_]].sum())
        given = found + int((said_yes & open_).sum())
        worth, draws = [], 0.0
        for side in (True, False):
            items = pool[open_ & (said_yes == side)]
            if side and self.promise.confirms:
                worth.append(items)
                continue
            wrong = 1 - self.likely[items] if side else self.likely[items]
            allowed = self.promise.wrong_allowed(given) if side else self.promise.missed_allowed(total)
            threshold, needed = _cheapest(wrong, allowed, share, self.promise.delta_of(side), bounds[side])
            worth.append(items[wrong >= threshold])
            draws += needed
        return np.concatenate(worth), draws

    def audited(self) -> Cascaded:
        """Fix the verdicts that were not asked, and draw from them until the promise holds."""
        every = np.arange(len(self.features))
        self.fit(every)
        said_yes = np.where(self.asked, self.yes, self.likely >= 0.5)
        open_ = np.flatnonzero(~self.asked)
        total = int(self.yes[self.asked].sum()) + float(self.likely[open_].sum())
        sides = {side: open_[said_yes[open_] == side] for side in (True, False)}
        expected = {True: float((1 - self.likely[sides[True]]).sum()), False: float(self.likely[sides[False]].sum())}
        allowed = {True: self.promise.wrong_allowed(total), False: self.promise.missed_allowed(total)}
        bounds = {
            side: AuditBound(len(sides[side]), self.promise.delta_of(side), expected[side], allowed[side])
            for side in sides
        }
        order = {side: self.random.permutation(sides[side]) for side in sides}
        drawn = wrong = learned = 0
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
            for side in failing:
                left = order[side][~self.asked[order[side]]]
                size = max(BATCH // 2, int(self.asked.sum()) // (4 * GROWTH))
                batch = left[:size]
                self.ask(batch)
                contradicted = self.yes[batch] != side
                for one in contradicted.tolist():
                    bounds[side].draw(one)
                drawn, wrong = drawn + len(batch), wrong + int(contradicted.sum())
            if wrong > learned and self.asked.sum() > self._taught * (1 + 0.5 / GROWTH):
                learned = wrong
                self.fit(every)
                worth, draws = self.worth_asking(every, said_yes, {**bounds})
                self.expect(len(worth) + draws)
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
            self.fit(np.arange(len(yes)))
            probability[open_] = self.learned[open_]
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
    count, half = len(order), size // 2
    if count <= size:
        return np.arange(count)
    evenly = ((np.arange(half) + random.random(half)) / half * count).astype(np.int64)
    crowded = np.expm1(np.log(count) * (np.arange(half) + random.random(half)) / half).astype(np.int64)
    places = np.unique(np.clip(np.r_[evenly, crowded], 0, count - 1))
    return np.sort(order[places])


def _cheapest(
    wrong: Floats, allowed: float, share: float, delta: float, bound: AuditBound | None
) -> tuple[float, float]:
    """From which probability of being wrong on verdicts are best asked, and how many draws the others take then.

    Args:
        wrong: the probability that each verdict is wrong.
        allowed: wrong ones of these that may remain.
        share: what share of all verdicts these are.
        delta: probability that the bound is too low.
        bound: the bound that is being drawn for, if the verdicts are fixed already.
    """
    bins = np.digitize(wrong, _THRESHOLDS)
    counts = np.bincount(bins, minlength=len(_THRESHOLDS) + 1)
    sums = np.bincount(bins, weights=wrong, minlength=len(_THRESHOLDS) + 1)
    below, expected = np.cumsum(counts)[:-1], np.cumsum(sums)[:-1]
    spent = 0.0 if bound is None else bound.gained(allowed)
    draws = [
        draws_needed(size / share, mean / share, allowed / share, delta, spent)
        for size, mean in zip(below.tolist(), expected.tolist(), strict=True)
    ]
    costs = np.array(draws) + (len(wrong) - below) / share
    best = len(costs) - 1 - int(np.argmin(costs[::-1]))
    return float(_THRESHOLDS[best]), draws[best]


def _floor(share: float) -> str:
    """A share in percent, with one decimal that is not rounded up."""
    return f"{math.floor(share * 1000) / 10:.1f}%"
