"""Fitting what choices among the values of a closed set are worth (`dp_tools.tasks.closed_set.TRUST`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from dp_tools.tasks.closed_set import Trials, Trust

_UNKNOWN = (0.05, 0.1, 0.25)
"""Shares of gaps whose value is not in the set, for which it is fitted."""


def fit_trust(lists: Sequence[Trials]) -> Trust:
    """The trust of least log loss over all lists, every one counting the same.

    Args:
        lists: what choosing for hidden rows gave, by list.
    """
    leads, right, shares, weights = [], [], [], []
    for tried in lists:
        known, gone = len(tried.leads), len(tried.without)
        for unknown in _UNKNOWN:
            leads += [tried.leads, tried.without]
            right += [tried.right, np.zeros(gone, dtype=bool)]
            shares.append(np.full(known + gone, np.log(unknown)))
            odds = unknown / (1 - unknown) / max(gone, 1)
            weights += [np.full(known, 1 / max(known, 1)), np.full(gone, odds)]
    share, so, weight = np.concatenate(shares), np.concatenate(right), np.concatenate(weights)
    design = np.concatenate([np.ones((len(share), 1)), np.concatenate(leads), share[:, None]], axis=1)

    def loss(at: np.ndarray) -> float:
        logits = design @ at
        return float((weight * (np.logaddexp(0, logits) - so * logits)).sum())

    count = design.shape[1]
    bounds = [(None, None), *[(0, None)] * (count - 2), (None, 0)]
    found = minimize(loss, np.zeros(count), method="L-BFGS-B", bounds=bounds).x
    return Trust(*(round(float(number), 2) for number in found))
