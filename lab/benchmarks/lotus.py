"""LOTUS on the same items, with the same promise and the same answers, beside the cascade.

These are the steps of its `sem_filter` with a helper model: the helper's probabilities made uniform, a sample drawn by
them and answered by the model, two thresholds learned from it, and the model asked about what lies between. Its helper
is what costs nothing here, the prior of counted evidence; the model is its recorded answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from lotus.sem_ops.cascade_utils import calibrate_llm_logprobs, importance_sampling, learn_cascade_thresholds
from lotus.types import CascadeArgs
from numpy.typing import NDArray

from dp_tools.tables.cascade.promise import Promise


@dataclass(frozen=True, slots=True)
class Filtered:
    """What LOTUS asked and said.

    Args:
        asked: which items the model answered, those of the sample included; LOTUS asks about an item of the sample that
            lies between the thresholds a second time, which counts once here.
        yes: the verdicts.
    """

    asked: NDArray[np.bool_]
    yes: NDArray[np.bool_]


def lotus_cascade(
    log_odds: NDArray[np.floating[Any]],
    yes: NDArray[np.bool_],
    promise: Promise,
    seed: int,
    *,
    sample_from: int | None = None,
) -> Filtered:
    """Answer every item by LOTUS.

    Args:
        log_odds: of a yes, before anything was asked.
        yes: what the model says of each item.
        promise: recall and precision, and how often they may be missed.
        seed: for the sample.
        sample_from: the first so many items, which the sample is drawn from (default: all).
    """
    settings = CascadeArgs(
        recall_target=promise.recall,
        precision_target=promise.precision,
        failure_probability=promise.delta,
        cascade_IS_random_seed=seed,
        cascade_IS_max_sample_range=sample_from or len(yes),
    )
    odds = np.clip(log_odds.astype(np.float64), -30, 30)
    scores = np.array(calibrate_llm_logprobs(list(1 / (1 + np.exp(-odds))), settings))
    sample, corrections = importance_sampling(scores.tolist(), settings)
    (above, below), _ = learn_cascade_thresholds(
        scores[sample].tolist(), yes[sample].tolist(), corrections[sample], settings
    )
    between = (scores < above) & (scores > below)
    asked = between.copy()
    asked[sample] = True
    return Filtered(asked, np.where(between, yes, scores >= above))
