"""What learns from the model's answers on the table at hand how it would answer the rest."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

FOLDS = 4
"""Parts of the answers, each of which is predicted by what the others teach."""
BINS = 20
"""Parts of the open items, by their log-odds, for which answers stand."""
_EDGE = 0.005
"""Probabilities nearer to 0 or 1 count as this near."""
_AT_ONCE = 500_000
"""Items whose answers are predicted at once."""


class _Learner(Protocol):
    def predict(self, features: Floats) -> Floats: ...


class Surrogate:
    """Predicts what the model says of items: its verdict, and the probability that it gives.

    The mean of a ridge regression and of boosted trees predicts the model's log-odds, of which each answer tells more
    than its verdict does; Platt's calibration on answers that were held out turns them into probabilities. On real
    answers it took fewer of them than classifiers of the verdicts did. The same answers and seed give the same
    surrogate.

    Args:
        features: one line an asked item; nan where something is not known.
        probability: the model's calibrated probability of yes of each, 0 to 1.
        yes: its verdicts.
        seed: for what is random in fitting.
    """

    def __init__(self, features: Floats, probability: Floats, yes: NDArray[np.bool_], seed: int) -> None:
        clipped = np.clip(probability, _EDGE, 1 - _EDGE)
        odds = np.log(clipped / (1 - clipped))
        self._probability, self._yes = probability, yes.astype(np.float64)
        with one_thread():
            self._held_out = np.empty(len(odds))
            fold = np.random.default_rng(seed).permutation(len(odds)) % FOLDS
            for part in range(FOLDS):
                others = fold != part
                learners = _fit(features[others], odds[others], seed)
                self._held_out[~others] = _log_odds(learners, features[~others])
            self._learners = _fit(features, odds, seed)

    def __call__(self, features: Floats, open_: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The probability that the model says yes to each item, and the calibrated one that it would give.

        Args:
            features: one line an item.
            open_: which of them were not asked: it is calibrated for these, since most answers are to doubtful items
                and tell little of the sure ones.
        """
        odds = np.empty(len(features))
        with one_thread():
            for start in range(0, len(features), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                odds[part] = _log_odds(self._learners, features[part])
        weights = _standing_for(self._held_out, odds[open_])
        return (
            _logistic(odds, *_calibration(self._held_out, self._yes, weights)),
            _logistic(odds, *_calibration(self._held_out, self._probability, weights)),
        )


def _standing_for(answered: Floats, open_: Floats) -> NDArray[np.float64]:
    """How much each answer weighs, so that together they are spread over the log-odds as the open items are."""
    if not len(open_):
        return np.ones(len(answered))
    edges = np.unique(np.quantile(open_, np.linspace(0, 1, BINS + 1)[1:-1]))
    of_answers, of_open = np.searchsorted(edges, answered), np.searchsorted(edges, open_)
    count = len(edges) + 1
    share = np.bincount(of_open, minlength=count) / len(open_)
    weights: NDArray[np.float64] = (share / np.maximum(np.bincount(of_answers, minlength=count), 1))[of_answers]
    return weights * len(answered)


def one_thread() -> AbstractContextManager[Any]:
    """Numeric libraries within use one thread: small fits gain nothing by more, and wait long where cores are busy."""
    # Imported here as below: it takes a second that only jobs with a cascade need.
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1)
    return limits


def _fit(features: Floats, odds: Floats, seed: int) -> list[_Learner]:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    line = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler(), Ridge(3.0)
    )
    trees = HistGradientBoostingRegressor(
        learning_rate=0.1,
        max_iter=70,
        max_leaf_nodes=12,
        min_samples_leaf=10,
        l2_regularization=2.0,
        early_stopping=False,
        random_state=seed,
    )
    # What is known of none of these items teaches nothing, and trees cannot bin it.
    nowhere = np.isnan(features).all(axis=0)
    told = np.where(nowhere, 0.0, features) if nowhere.any() else features
    return [learner.fit(told, odds) for learner in (line, trees)]


def _log_odds(learners: list[_Learner], features: Floats) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.mean([learner.predict(features) for learner in learners], axis=0)
    return found


def _calibration(odds: Floats, target: Floats, stands_for: Floats) -> tuple[float, float]:
    """Slope and offset of the log-odds that make a target from 0 to 1 most likely."""
    from sklearn.linear_model import LogisticRegression

    if min(target.sum(), (1 - target).sum()) < 1:
        share = (target.sum() + 0.5) / (len(target) + 1)
        return 0.0, float(np.log(share / (1 - share)))
    # A target between 0 and 1 counts as a yes and a no of these weights.
    labels, weights = np.repeat([True, False], len(target)), np.r_[target * stands_for, (1 - target) * stands_for]
    fitted = LogisticRegression(C=100.0).fit(np.r_[odds, odds][:, None], labels, sample_weight=weights)
    return max(float(fitted.coef_[0, 0]), 0.0), float(fitted.intercept_[0])


def _logistic(odds: Floats, slope: float, offset: float) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 1 / (1 + np.exp(-(slope * odds + offset)))
    return found
