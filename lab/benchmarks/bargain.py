"""BARGAIN on the same items, with the same promise and the same answers, beside the cascade.

Its proxy is what costs nothing here: the prior of counted evidence. Its oracle is the model's recorded answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from BARGAIN.models.AbstractModels import Oracle, Proxy
from BARGAIN.process.BARGAIN_PR import BARGAIN_PR
from numpy.typing import NDArray

from dp_tools.tables.cascade.promise import Promise


@dataclass(frozen=True, slots=True)
class Bargained:
    """What BARGAIN asked and said.

    Args:
        asked: which items the oracle answered.
        yes: the verdicts.
    """

    asked: NDArray[np.bool_]
    yes: NDArray[np.bool_]


class _Prior(Proxy):  # type: ignore[misc]
    def __init__(self, probability: NDArray[np.floating[Any]]) -> None:
        super().__init__(verbose=False, max_workers=1)
        self._probability = probability

    def proxy_func(self, item: str) -> tuple[int, float]:
        probability = float(self._probability[int(item)])
        return int(probability >= 0.5), max(probability, 1 - probability)


class _Recorded(Oracle):  # type: ignore[misc]
    def __init__(self, yes: NDArray[np.bool_]) -> None:
        super().__init__(verbose=False, max_workers=1)
        self._yes = yes

    def oracle_func(self, item: str, _said: object) -> tuple[bool, int]:
        answer = int(self._yes[int(item)])
        return bool(answer), answer


def bargained(log_odds: NDArray[np.floating[Any]], yes: NDArray[np.bool_], promise: Promise, seed: int) -> Bargained:
    """Answer every item by BARGAIN.

    Args:
        log_odds: of a yes, before anything was asked; the proxy's score.
        yes: what the model says of each item.
        promise: recall and precision, of which BARGAIN takes one figure: the higher.
        seed: for its samples.
    """
    odds = np.clip(log_odds.astype(np.float64), -30, 30)
    oracle = _Recorded(yes)
    target = max(promise.recall, promise.precision)
    process = BARGAIN_PR(
        _Prior(1 / (1 + np.exp(-odds))), oracle, delta=promise.delta, target=target, verbose=False, seed=seed
    )
    said = np.zeros(len(yes), bool)
    said[process.process([str(item) for item in range(len(yes))])] = True
    asked = np.zeros(len(yes), bool)
    asked[[int(item) for item in oracle.preds_dict]] = True
    return Bargained(asked, said)
