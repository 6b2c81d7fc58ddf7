"""Fits the weights of `dp_tools.profiling.column_pairs` on the everyday generator of exports, and prints them.

    python -m lab.fit_column_pairs

A logistic regression over all pairs of columns: of exports as they are, of exports some of whose columns have names
that nobody understands, and of exports that share few things.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dp_tools.profiling.column_pairs import FEATURES, ColumnSummary, features
from lab.synthetic.exports import (
    DOMAINS,
    Export,
    ExportPair,
    make_everyday,
    with_little_in_common,
    with_unknown_names,
)

_SEEDS = 12
_PENALTY = 2e-4


def main() -> None:
    """Fit and print."""
    rows, labels = [], []
    for pair in training_pairs():
        lefts, rights = summaries(pair.left), summaries(pair.right)
        for left in lefts:
            for right in rights:
                rows.append([*features(left, right), 1.0])
                labels.append(float(pair.mapping.get(left.name) == right.name))
    weights = _fitted(np.array(rows), np.array(labels))
    for name, weight in zip((*FEATURES, "bias"), weights, strict=True):
        print(f"{name:20} {weight:6.2f}")


def training_pairs() -> Iterator[ExportPair]:
    """Pairs of exports as they are, small, with unknown names, and with few things in common."""
    for domain in DOMAINS:
        for seed in range(_SEEDS):
            random = Random(f"{domain} {seed}")
            pair = make_everyday(domain, seed)
            yield make_everyday(domain, seed, things=12)
            yield pair
            yield with_unknown_names(random, pair, 0.4)
            yield with_little_in_common(pair)


def summaries(export: Export) -> list[ColumnSummary]:
    """The columns of an export."""
    return ColumnSummary.of_table(
        [(name, [row[place] for row in export.rows]) for place, name in enumerate(export.columns)]
    )


def _fitted(rows: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64]:
    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        points = rows @ weights
        wrong = 1 / (1 + np.exp(-points)) - labels
        penalised = np.r_[weights[:-1], 0.0]
        mean = float(np.mean(np.logaddexp(0, points) - labels * points))
        gradient = rows.T @ wrong / len(labels) + _PENALTY * penalised
        return mean + _PENALTY / 2 * float(penalised @ penalised), gradient

    found: NDArray[np.float64] = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B").x
    return found


if __name__ == "__main__":
    main()
