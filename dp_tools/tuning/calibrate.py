"""Fitting a model's calibration on valid splits: the line per task, and the threshold with the best F1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dp_tools.models.calibration import Calibration, Line

Judged = Sequence[tuple[float, bool]]
"""Per case the model's own probability (of yes, or of its answer) and the truth (is it yes, or is the answer right)."""


def fit_calibration(cases: Mapping[str, Mapping[str, Judged]], verdicts: frozenset[str]) -> Calibration:
    """The calibration of a model.

    Args:
        cases: by task, by dataset.
        verdicts: the tasks that answer yes or no, which get a threshold as well.
    """
    lines = {}
    for task, datasets in cases.items():
        judged = [list(group) for group in datasets.values() if group]
        if not judged:
            continue
        line = _fit_line(judged)
        lines[task] = _with_threshold(line, judged) if task in verdicts else line
    return Calibration(lines)


def _fit_line(datasets: Sequence[Judged]) -> Line:
    """Least log loss, every dataset counting the same, drawn a little towards changing nothing."""
    logits = np.concatenate([_logits(group) for group in datasets])
    truth = np.concatenate([np.array([t for _, t in group], float) for group in datasets])
    weights = np.concatenate([np.full(len(group), 1 / len(group)) for group in datasets]) / len(datasets)

    def loss(line: NDArray[np.float64]) -> float:
        scores = line[0] * logits + line[1]
        fit = np.sum(weights * (np.logaddexp(0, scores) - truth * scores))
        return float(fit + 1e-3 * ((line[0] - 1) ** 2 + 0.1 * line[1] ** 2))

    best = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.05, 5), (-10, 10)]).x
    return Line(round(float(best[0]), 4), round(float(best[1]), 4))


def _with_threshold(line: Line, datasets: Sequence[Judged]) -> Line:
    """The threshold with the best mean F1 over the datasets; of equals the one nearest to one half."""
    calibrated = [(np.array([line(p) for p, _ in group]), np.array([t for _, t in group], bool)) for group in datasets]
    scored = [
        (np.mean([_f1(scores >= threshold, truth) for scores, truth in calibrated if truth.any()]), threshold)
        for threshold in np.round(np.arange(0.1, 0.91, 0.02), 2)
    ]
    best = max(score for score, _ in scored)
    near = min((t for score, t in scored if score >= best - 1e-3), key=lambda t: abs(t - 0.5))
    return Line(line.scale, line.shift, float(near))


def _f1(said: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    hits = float(np.sum(said & truth))
    return 2 * hits / max(1.0, float(said.sum() + truth.sum()))


def _logits(group: Judged) -> NDArray[np.float64]:
    p = np.clip(np.array([p for p, _ in group]), 1e-6, 1 - 1e-6)
    logits: NDArray[np.float64] = np.log(p / (1 - p))
    return logits
