"""Learns from labelled pairs how likely the other candidates are to match, beginning with what counting says.

A logistic regression whose weights have a prior: the log-odds of counted evidence weigh one, everything else nothing.
So without labels it says what counting says, and each label moves it as far as the label tells (MacKay: "The evidence
framework applied to classification networks", Neural Computation 1992). The same labels in any order give the same
learner to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling.log_odds import logistic

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

FEWEST = 8
"""Labels from which on something is learned."""
FEWEST_OF_EACH = 2
"""Of them matches, and others, at the least."""
_FOLDS = 50
"""Parts of the labels that are held back in turn, at the most; fewer labels are held back one by one."""
_SPREAD = 0.2
"""Standard deviation of the weights of features, which have a standard deviation of one themselves."""
_SPREAD_OF_ODDS, _SPREAD_OF_BIAS = 0.5, 2.0
"""Standard deviations of the weight of the log-odds around one, and of the bias around nothing."""
_MOST = 12.0
"""Log-odds count up to here."""
BEGINNING = "counted evidence"
"""The feature that log-odds become where the learner begins with other ones."""
_EDGE = 0.01
"""A probability nearer to 0 or 1 counts as this near where learners are compared: one pair should not decide."""
_AT_ONCE = 200_000
"""Pairs that are scaled at once, and of which a scale is made."""
_STEPS, _PRECISION = 100, 1e-9


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of pairs before a label.

    Args:
        names: of the features, each once.
        values: one line a pair, one column a name; nan where something is not known.
        odds: log-odds that each pair matches, with which the learner begins.
    """

    names: tuple[str, ...]
    values: NDArray[np.floating[Any]]
    odds: NDArray[np.floating[Any]]

    def __len__(self) -> int:
        return len(self.values)

    def at(self, places: NDArray[np.integer] | Mask | slice) -> Evidence:
        """The evidence of some pairs."""
        return replace(self, values=self.values[places], odds=self.odds[places])

    def beginning_with(self, odds: NDArray[np.floating[Any]]) -> Evidence:
        """The same where other log-odds are what the learner begins with; those of before become a feature."""
        return Evidence((*self.names, BEGINNING), np.column_stack([self.values, self.odds]), odds)

    def and_of(self, others: Evidence) -> Evidence:
        """The evidence of these pairs and then of others; a feature that those lack is not known of them."""
        values = np.full((len(others), len(self.names)), np.nan)
        place = {name: number for number, name in enumerate(others.names)}
        for number, name in enumerate(self.names):
            if name in place:
                values[:, number] = others.values[:, place[name]]
        return Evidence(self.names, np.concatenate([self.values, values]), np.r_[self.odds, others.odds])


@dataclass(frozen=True, slots=True)
class Scale:
    """Centre and spread of each feature among all candidates of a table, so that weights compare.

    Args:
        names: the features that differ between candidates.
        centre, spread: an entry a name; the spread is above 0.
    """

    names: tuple[str, ...]
    centre: Floats
    spread: Floats

    @classmethod
    def of(cls, evidence: Evidence) -> Scale:
        """The scale of all candidates."""
        some = evidence.values[:: max(1, len(evidence) // _AT_ONCE)].astype(np.float64)
        known = np.isfinite(some)
        count = np.maximum(known.sum(axis=0), 1)
        values = np.where(known, some, 0.0)
        centre = values.sum(axis=0) / count
        spread = np.sqrt((np.where(known, values - centre, 0.0) ** 2).sum(axis=0) / count)
        differs = spread > 1e-6
        names = tuple(name for name, one in zip(evidence.names, differs.tolist(), strict=True) if one)
        return cls(names, centre[differs], spread[differs])

    def __call__(self, evidence: Evidence) -> Floats:
        """The features on this scale; what is not known, and what these pairs have no feature for, is 0."""
        found = np.zeros((len(evidence), len(self.names)))
        place = {name: number for number, name in enumerate(evidence.names)}
        for number, name in enumerate(self.names):
            if name in place:
                found[:, number] = (evidence.values[:, place[name]] - self.centre[number]) / self.spread[number]
        return np.nan_to_num(found, nan=0.0)


@dataclass(frozen=True, slots=True)
class PairLearner:
    """What was learned from labelled pairs.

    Args:
        scale: of the features.
        weights: of the scaled features, of the log-odds, and the bias.
        covariance: of the weights, square.
    """

    scale: Scale
    weights: Floats
    covariance: Floats

    @classmethod
    def fit(cls, scale: Scale, evidence: Evidence, same: Mask) -> PairLearner:
        """Learn from labelled pairs; without any, it says what counting says."""
        design, labels = _in_order(_design(scale, evidence), same)
        weights, precision = _most_likely(design, labels)
        return cls(scale, weights, np.linalg.inv(precision).astype(np.float64))

    def probability(self, evidence: Evidence) -> Floats:
        """That each pair matches, 0 to 1, averaged over what the weights may be."""
        odds = np.empty(len(evidence))
        for start in range(0, len(evidence), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            design = _design(self.scale, evidence.at(part))
            variance = np.einsum("ij,ij->i", design @ self.covariance, design)
            odds[part] = (design @ self.weights) / np.sqrt(1 + np.pi * variance / 8)
        return logistic(odds)


def can_learn(same: Mask) -> bool:
    """Whether these labels are enough to learn from."""
    return len(same) >= FEWEST and min(int(same.sum()), int((~same).sum())) >= FEWEST_OF_EACH


def held_back(scale: Scale, evidence: Evidence, same: Mask) -> Floats:
    """The probability of each labelled pair by what the other labels teach, in the order of the pairs."""
    order = _order(_design(scale, evidence), same)
    fold = np.empty(len(order), np.int64)
    fold[order] = np.arange(len(order)) % _FOLDS
    found = np.empty(len(order))
    for part in range(min(_FOLDS, len(order))):
        mine = fold == part
        found[mine] = PairLearner.fit(scale, evidence.at(~mine), same[~mine]).probability(evidence.at(mine))
    return found


def log_trust(probability: Floats, same: Mask) -> Floats:
    """The logarithm of the probability that was given to each right answer."""
    clipped = np.clip(probability, _EDGE, 1 - _EDGE)
    found: Floats = np.log(np.where(same, clipped, 1 - clipped))
    return found


def _design(scale: Scale, evidence: Evidence) -> Floats:
    """Scaled features, log-odds and a one, a line a pair."""
    odds = np.clip(evidence.odds, -_MOST, _MOST)
    return np.column_stack([scale(evidence), odds, np.ones(len(evidence))])


def _order(design: Floats, same: Mask) -> NDArray[np.int64]:
    """An order of labelled pairs that does not depend on the one in which they came."""
    return np.lexsort((*design.T, same))


def _in_order(design: Floats, same: Mask) -> tuple[Floats, Floats]:
    # Sums of floating-point numbers depend on their order.
    order = _order(design, same)
    return design[order], same[order].astype(np.float64)


def _most_likely(design: Floats, labels: Floats) -> tuple[Floats, Floats]:
    """The most likely weights and the precision around them, by Newton's method with halved steps."""
    features = design.shape[1] - 2
    mean = np.r_[np.zeros(features), 1.0, 0.0]
    spread = np.r_[np.full(features, _SPREAD), _SPREAD_OF_ODDS, _SPREAD_OF_BIAS]
    prior = spread**-2

    def loss(weights: Floats) -> float:
        odds = design @ weights
        return float((np.logaddexp(0, odds) - labels * odds).sum() + 0.5 * (prior * (weights - mean) ** 2).sum())

    weights, now = mean, loss(mean)
    precision = np.diag(prior)
    for _ in range(_STEPS):
        probability = logistic(design @ weights)
        slope = design.T @ (labels - probability) - prior * (weights - mean)
        precision = (design.T * (probability * (1 - probability))) @ design + np.diag(prior)
        step = np.linalg.solve(precision, slope)
        size = 1.0
        while loss(weights + size * step) > now and size > _PRECISION:
            size /= 2
        before, weights = now, weights + size * step
        now = loss(weights)
        if before - now < _PRECISION:
            break
    return weights, precision
