"""Personal numbers that are a person's own teach what everything else weighs in their table.

Pairs with one number and pairs with two are labels from which weights are learned, beginning with the fitted ones. So a
table in which names are often typed over, or in which nobody has relatives, is judged by what it shows. Numbers are
mistyped, too, so each label counts by how probable it is (expectation maximisation).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import minimize

from dp_tools.profiling.identity.judge import IdentityJudge
from dp_tools.profiling.identity.numbers import NEAR, OTHER, SAME, number_level
from dp_tools.profiling.log_odds import logistic
from dp_tools.records import Record

_MOST_SAME, _MOST_OTHERS = 1_000, 2_000
"""Pairs with one number and pairs with two that are learned from, at the most."""
_SPREAD = 1.0
"""Standard deviation of a table's weights around the fitted ones."""
_USUAL = (10.0, 90.0)
"""Candidates of one person and of two that are assumed beside those that are seen, as in the lists that weights were
fitted on."""
_ASSUMED = {NEAR: (1.0, 0.2), OTHER: (1.0, 9.8)}
"""Of ten pairs of one person and ten of two that are assumed so, how many have such numbers."""
_ROUNDS = 4
_STEPS = 100
_SHARE_ROUNDS = 50


def share_of_one(personal: NDArray[np.floating[Any]]) -> float:
    """The share of the pairs with one number that are one person: the one that makes most likely what a person's own
    says of them, as in a mixture. With few pairs it is near one half.

    Args:
        personal: of each pair the sum of its weights (see `personal_weight`).
    """
    share = 0.5
    for _ in range(_SHARE_ROUNDS):
        # One pair of either sort is assumed beside those that are seen.
        share = (float(logistic(personal + math.log(share / (1 - share))).sum()) + 1) / (len(personal) + 2)
    return share


def labelled_sample(number: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Positions of pairs with two personal numbers, and for how many pairs each of them stands.

    Args:
        number: how the numbers of each candidate pair compare (see `numbers`).
    """
    random = np.random.default_rng(0)
    sample, standing_for = [], []
    for levels, most in (([SAME], _MOST_SAME), ([NEAR, OTHER], _MOST_OTHERS)):
        places = np.flatnonzero(np.isin(number, levels))
        kept = np.sort(random.choice(places, most, replace=False)) if len(places) > most else places
        sample.append(kept)
        standing_for.append(np.full(len(kept), len(places) / max(len(kept), 1)))
    return np.concatenate(sample), np.concatenate(standing_for)


def taught_by_numbers(
    judge: IdentityJudge, pairs: Sequence[tuple[Record, Record]], standing_for: NDArray[np.float64], share: float
) -> IdentityJudge:
    """The judge with weights that pairs with personal numbers teach.

    Args:
        judge: with the fitted weights.
        pairs: records that both have a number.
        standing_for: how many pairs of the table each of them stands for.
        share: of the pairs with one number that are one person.
    """
    start: dict[str, float] = {}
    rows: list[dict[str, float]] = []
    levels: list[int] = []
    texts: dict[str, int] = {}
    for left, right in pairs:
        compared = judge.comparisons(left, right)
        numbers = compared.pop("number")
        levels.append(number_level("number", numbers))
        texts[f"number: {numbers.text}"] = levels[-1]
        rows.append(dict(judge.features(left, right, compared)))
        start |= {f"{slot}: {one.text}": judge.weight_of(slot, one) for slot, one in compared.items()}
    names = sorted({name for row in rows for name in row})
    features = _matrix(rows, names)
    weights = np.array([*(start.get(name, judge.weights.get(name, 0.0)) for name in names), judge.weights["bias"]])
    fitted, number = weights, np.array(levels)
    odds = math.log(share / (1 - share))
    fitted_numbers = (judge.weights[f"number: {text}"] for text in ("a character differs", "other code"))
    said = np.array([0.0, odds - math.log(_USUAL[0] / _USUAL[1]), *fitted_numbers])
    for _ in range(_ROUNDS):
        same = logistic(features @ weights + said[number])
        weights = _learned(features, same, standing_for, weights, fitted)
        said = _said_by_numbers(number, same * standing_for, (1 - same) * standing_for, odds)
    learned = dict(zip((*names, "bias"), weights.tolist(), strict=True))
    return judge.taught(learned | {text: float(said[level]) for text, level in texts.items()})


def _matrix(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> sp.csr_matrix:
    """The values of all features, one line a pair; the last column is 1, for the bias."""
    place = {name: number for number, name in enumerate(names)}
    cells = [(line, place[name], value) for line, row in enumerate(rows) for name, value in row.items()]
    cells += [(line, len(names), 1.0) for line in range(len(rows))]
    lines, columns, values = zip(*cells, strict=True)
    return sp.csr_matrix((values, (lines, columns)), shape=(len(rows), len(names) + 1))


def _said_by_numbers(
    number: NDArray[np.int64], same: NDArray[np.float64], other: NDArray[np.float64], odds: float
) -> NDArray[np.float64]:
    """Log-odds that each way in which numbers compare adds.

    Args:
        number: how those of each pair compare.
        same, other: how many pairs it stands for that are one person, and two.
        odds: log-odds that two records with one number are one person.
    """
    found = np.zeros(4)
    found[SAME] = odds - math.log((same.sum() + _USUAL[0]) / (other.sum() + _USUAL[1]))
    for level, (of_one, of_two) in _ASSUMED.items():
        here = number == level
        among_one = (same[here].sum() + of_one) / (same.sum() + 10)
        found[level] = math.log(among_one * (other.sum() + 10) / (other[here].sum() + of_two))
    return found


def _learned(
    features: sp.csr_matrix,
    same: NDArray[np.float64],
    standing_for: NDArray[np.float64],
    weights: NDArray[np.float64],
    fitted: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Weights that tell the pairs of one person from others, near the fitted ones.

    Args:
        features: see `_matrix`.
        same: the probability that each pair is one person.
        standing_for: what each pair counts.
        weights: to begin with.
        fitted: those that weights stay near.
    """

    def loss(found: NDArray[np.float64]) -> tuple[float, NDArray[Any]]:
        scores = features @ found
        away = (found - fitted) / _SPREAD**2
        value = standing_for @ (np.logaddexp(0, scores) - same * scores) + 0.5 * away @ (found - fitted)
        return float(value), features.T @ (standing_for * (logistic(scores) - same)) + away

    found: NDArray[np.float64] = minimize(loss, weights, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x
    return found
