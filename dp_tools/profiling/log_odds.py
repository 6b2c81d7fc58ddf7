"""Probabilities and their log-odds, many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def logistic(odds: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The probability of log-odds."""
    small = np.exp(-np.abs(odds))
    found: NDArray[np.float64] = np.where(odds >= 0, 1.0, small) / (1 + small)
    return found


def log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log-odds of a probability."""
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    found: NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return found
