"""Fits a calibration: Platt scaling of a task from the model's probabilities on labelled cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dp_tools.evaluation.scores import Judged
from dp_tools.models.calibration import PlattCalibration

_PRIOR = np.array([2.0, 0.5, 2.0, 0.5])
"""What a squared change of scale, of shift, of evidence and of words costs in log loss altogether: 1 / (2 variance) of
the normal priors of `fit_few`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was judged of one dataset.

    Args:
        cases: the cases.
        yes, no: how many cases of the dataset each one of that truth stands for; where yes is rare, all of its cases
            are asked and only some of the others.
    """

    cases: Sequence[Judged]
    yes: float = 1.0
    no: float = 1.0

    @property
    def logits(self) -> NDArray[np.float64]:
        """Of the model's own probabilities."""
        p = np.clip(np.array([case.probability for case in self.cases]), 1e-6, 1 - 1e-6)
        logits: NDArray[np.float64] = np.log(p / (1 - p))
        return logits

    @property
    def evidence_score(self) -> NDArray[np.float64]:
        """How heavily counted evidence speaks for yes, of each case."""
        return np.array([case.evidence_score for case in self.cases])

    @property
    def overlap_score(self) -> NDArray[np.float64]:
        """How far the words of a pair speak for a match, of each case."""
        return np.array([case.overlap_score for case in self.cases])

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Of each case."""
        return np.array([case.so for case in self.cases], bool)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Of each case; they sum to 1."""
        weights: NDArray[np.float64] = np.where(self.truth, self.yes, self.no)
        weights /= weights.sum()
        return weights


def fit_few(sample: Sample, *, verdict: bool) -> PlattCalibration:
    """The line of a few cases of one dataset: the fewer they are, the less it changes.

    The logit's scale is expected within one half of 1, its shift within 1 of none, the weight of evidence within one
    half of none, that of words within 1 of none (normal priors). A threshold is far from one half only where F1 gains
    by it more than chance may.

    Args:
        sample: what was judged.
        verdict: whether the answers are yes or no.
    """
    if not sample.cases:
        return PlattCalibration()
    calibration = fit_line([sample], _PRIOR / len(sample.cases))
    positives = int(sample.truth.sum())
    return with_threshold(calibration, [sample], 0.5 / positives**0.5) if verdict and positives else calibration


def fit_line(datasets: Sequence[Sample], stiff: NDArray[np.float64]) -> PlattCalibration:
    """The line of least log loss, every dataset counting the same, drawn towards changing nothing.

    Args:
        datasets: what was judged, each with at least one case.
        stiff: what a squared change of scale, of shift, of evidence and of words costs in log loss a case,
            of shape (4,).
    """
    logits = np.concatenate([sample.logits for sample in datasets])
    evidence_score = np.concatenate([sample.evidence_score for sample in datasets])
    overlap_score = np.concatenate([sample.overlap_score for sample in datasets])
    truth = np.concatenate([sample.truth for sample in datasets])
    weights = np.concatenate([sample.weights for sample in datasets]) / len(datasets)

    def loss(calibration: NDArray[np.float64]) -> float:
        scores = (
            calibration[0] * logits + calibration[1] + calibration[2] * evidence_score + calibration[3] * overlap_score
        )
        fit = np.sum(weights * (np.logaddexp(0, scores) - truth * scores))
        return float(fit + np.sum(stiff * (calibration - (1, 0, 0, 0)) ** 2))

    start, bounds = np.array([1.0, 0.0, 0.0, 0.0]), [(0.05, 5), (-10, 10), (0, 3), (0, 10)]
    return PlattCalibration(
        *(round(float(number), 4) for number in minimize(loss, start, method="L-BFGS-B", bounds=bounds).x)
    )


def with_threshold(calibration: PlattCalibration, datasets: Sequence[Sample], noise: float) -> PlattCalibration:
    """Of the thresholds whose mean F1 over the datasets is within `noise` of the best, the one nearest to one half."""
    calibrated = [
        (
            np.array([calibration(case.probability, case.evidence_score, case.overlap_score) for case in sample.cases]),
            sample,
        )
        for sample in datasets
        if sample.truth.any()
    ]
    scored = [
        (np.mean([_f1(scores >= threshold, sample) for scores, sample in calibrated]), threshold)
        for threshold in np.round(np.arange(0.1, 0.91, 0.02), 2)
    ]
    best = max(score for score, _ in scored)
    near = min((t for score, t in scored if score >= best - noise), key=lambda t: abs(t - 0.5))
    return replace(calibration, threshold=float(near))


def _f1(flagged: NDArray[np.bool_], sample: Sample) -> float:
    weights, truth = sample.weights, sample.truth
    return float(2 * weights[flagged & truth].sum() / (weights[flagged].sum() + weights[truth].sum()))
