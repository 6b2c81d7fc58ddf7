"""How much rarer matches are in a list than in those that the weights were fitted on.

Log-odds that are right where one candidate in ten is a match merge too much where it is one in two hundred, as in a
list that was cleaned before. How common matches are here is what makes the scores of all candidates most likely
(Saerens, Latinne, Decaestecker: "Adjusting the outputs of a classifier to new a priori probabilities",
Neural Computation 2002).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_USUAL = 0.045
"""Share of matches among candidates from which on nothing is taken off."""
_HEEDED = 0.5
"""Part of what is found that is taken off: rarer matches are also surer ones than the method assumes. Both numbers were
chosen on the everyday synthetic lists, whole and thinned out (`lab/results/2026-11-29/lists.md`)."""
_SPREAD = 1.5
"""Standard deviation of the shift before anything is seen, so that few candidates say little."""
_SHIFTS = np.linspace(-6.0, 0.0, 121)
_HIGHEST, _BINS = 20.0, 800
"""Scores beyond it count as this high; scores are sorted into bins, so that millions take no longer than hundreds."""


def rarity(score: NDArray[np.float64]) -> float:
    """What is to be added to each score, 0 or below.

    Args:
        score: log-odds of all candidate pairs of a list by counted evidence.
    """
    if not len(score):
        return 0.0
    counts, edges = np.histogram(np.clip(score, -_HIGHEST, _HIGHEST), _BINS, (-_HIGHEST, _HIGHEST))
    usual = np.log(_USUAL / (1 - _USUAL))
    evidence = (edges[1:] + edges[:-1]) / 2 - usual
    # The logarithm of a match's share and of the others', by shift.
    match, other = -np.logaddexp(0, -(usual + _SHIFTS)), -np.logaddexp(0, usual + _SHIFTS)
    likelihood = np.logaddexp(match[:, None] + evidence, other[:, None]) @ counts
    best = int(np.argmax(likelihood - 0.5 * (_SHIFTS / _SPREAD) ** 2))
    return float(_SHIFTS[best] * _HEEDED)
