"""Fitting the calibration of a model: a line for each task, on the valid splits of many datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dp_tools.adapters.calibration_fit import Sample, fit_line, with_threshold
from dp_tools.models.calibration import Calibration

NOISE = 0.01
"""Mean F1 that tells nothing apart: less than its standard error on a few hundred cases of each dataset."""
STIFF = np.array([1e-3, 1e-4, 1e-4, 1e-4])
"""What a squared change of scale, of shift, of evidence and of words costs in log loss a case."""


def fit_calibration(samples: Mapping[str, Sequence[Sample]], verdicts: frozenset[str]) -> Calibration:
    """The calibration of a model.

    Args:
        samples: by task, one of each dataset.
        verdicts: the tasks that answer yes or no, which get a threshold as well.
    """
    calibrations = {}
    for task, datasets in samples.items():
        judged = [sample for sample in datasets if sample.cases]
        if not judged:
            continue
        calibration = fit_line(judged, STIFF)
        calibrations[task] = with_threshold(calibration, judged, NOISE) if task in verdicts else calibration
    return Calibration(calibrations)
