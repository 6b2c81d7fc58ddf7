"""How likely a pair is to be a match before any model was asked, by what holds in many tables.

A logistic regression over counted features of pairs, fitted on labelled pairs of ten tables
(`python -m lab.fit_pair_prior`). On tables that it never saw it puts most matches on top, but its probabilities are
not to be trusted there: it never decides a pair, it only says where to look first.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling.pair_features import PairFeatures

_SIMILARITY = "similarity "
_UNKNOWN = 0.5
"""What stands for a share that is not known."""


def prior_log_odds(features: PairFeatures) -> NDArray[np.float64]:
    """Log-odds that each pair is a match, one entry a pair."""
    weights = _weights()
    columns = prior_features(features)
    odds = np.full(len(features.values), weights["bias"])
    for name, column in columns.items():
        odds += weights[name] * column
    return odds


def prior_features(features: PairFeatures) -> dict[str, NDArray[np.float64]]:
    """What the prior looks at, by name: the same for tables of any columns, one entry a pair."""
    values = features.values.astype(np.float64)
    similar = values[:, [place for place, name in enumerate(features.names) if name.startswith(_SIMILARITY)]]
    numbers = _sides(features, "numbers")
    letters = _sides(features, "letters")
    every = numbers.sum(axis=0) + letters.sum(axis=0)
    of_all, shorter = (np.nan_to_num(_column(features, f"words of {which}")) for which in ("all", "shorter"))
    mean = _mean(similar)
    return {
        "mean similarity": mean,
        "least similarity": _among(np.fmin, similar),
        "highest similarity": _among(np.fmax, similar),
        "first similarity": _known(similar[:, 0]) if similar.shape[1] else np.full(len(values), _UNKNOWN),
        "words of all": of_all,
        "words of shorter": shorter,
        "numbers of all": _share(numbers[0], numbers.sum(axis=0)),
        "letters of all": _share(letters[0], letters.sum(axis=0)),
        "numbers that one side has": _share(numbers[1] + numbers[2], every, 0.0),
        "numbers that either side has alone": _share(np.minimum(numbers[1], numbers[2]), every, 0.0),
        "codes": _column(features, "codes"),
        "words of shorter, squared": shorter**2,
        "mean similarity, squared": mean**2,
    }


def _column(features: PairFeatures, name: str) -> NDArray[np.float64]:
    return features.column(name).astype(np.float64)


def _sides(features: PairFeatures, tokens: str) -> NDArray[np.float64]:
    """The weight of tokens that both sides have, and that either has alone."""
    return np.array([features.column(f"{tokens} {side}") for side in ("both", "a only", "b only")], np.float64)


def _mean(similar: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(similar)
    return _share(np.where(known, similar, 0.0).sum(axis=1), known.sum(axis=1).astype(np.float64))


def _among(most: np.ufunc, similar: NDArray[np.float64]) -> NDArray[np.float64]:
    """The least or the highest of the known ones."""
    found: NDArray[np.float64] = most.reduce(similar, axis=1, initial=np.nan)
    return _known(found)


def _known(column: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(column), column, _UNKNOWN)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64], unknown: float = _UNKNOWN) -> NDArray[np.float64]:
    found = np.full(len(part), unknown)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


@cache
def _weights() -> dict[str, float]:
    weights: dict[str, float] = json.loads(files(__package__).joinpath("pair_prior.json").read_text(encoding="utf-8"))
    return weights
