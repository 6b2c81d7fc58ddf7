"""What learns from the model's answers on the table at hand how it would answer the rest."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

FEW = 400
"""Answers below which only the straight line is fitted; trees need more."""
_AT_ONCE = 500_000
"""Items whose answers are predicted at once."""


class _Classifier(Protocol):
    def predict_proba(self, features: Floats) -> Floats: ...


class Surrogate:
    """Predicts what the model says: its verdicts, or the probability that it gives.

    Logistic regression while there are few answers, its mean with histogram boosting beyond. The same answers and seed
    give the same surrogate.

    Args:
        features: one line an asked item; nan where something is not known.
        target: what is predicted, 0 to 1: verdicts, or calibrated probabilities.
        seed: for what is random in fitting.
    """

    def __init__(self, features: Floats, target: Floats, seed: int) -> None:
        # What is known of no asked item teaches nothing.
        self._known = ~np.isnan(features).all(axis=0)
        with one_thread():
            self._fitted = _fit(features[:, self._known], target.astype(np.float64), seed)

    def __call__(self, features: Floats) -> NDArray[np.float64]:
        """What is expected of each item, 0 to 1."""
        found = np.empty(len(features))
        with one_thread():
            for start in range(0, len(features), _AT_ONCE):
                found[start : start + _AT_ONCE] = self._predicted(features[start : start + _AT_ONCE, self._known])
        return found

    def _predicted(self, features: Floats) -> Floats | float:
        if isinstance(self._fitted, float):
            return self._fitted
        return sum(one.predict_proba(features)[:, 1] for one in self._fitted) / len(self._fitted)


def one_thread() -> AbstractContextManager[Any]:
    """Numeric libraries within use one thread: small fits gain nothing by more, and wait long where cores are busy."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1)
    return limits


def _fit(features: Floats, target: Floats, seed: int) -> list[_Classifier] | float:
    """Classifiers fitted to targets from 0 to 1; where these are all on one side, their mean."""
    # Imported here: it takes a second that only jobs with a cascade need.
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if min(target.sum(), (1 - target).sum()) < 1:
        return float((target.sum() + 0.5) / (len(target) + 1))
    # A target between 0 and 1 counts as a yes and a no of these weights.
    rows = np.concatenate([features, features])
    labels = np.r_[np.ones(len(target), bool), np.zeros(len(target), bool)]
    weights = np.r_[target, 1 - target]
    held = weights > 0
    rows, labels, weights = rows[held], labels[held], weights[held]
    line = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=1.0, max_iter=500),
    )
    line.fit(rows, labels, logisticregression__sample_weight=weights)
    if len(target) < FEW:
        return [line]
    trees = HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=120,
        max_leaf_nodes=12,
        min_samples_leaf=10,
        l2_regularization=2.0,
        early_stopping=False,
        random_state=seed,
    )
    trees.fit(rows, labels, sample_weight=weights)
    return [line, trees]
