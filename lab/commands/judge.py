"""`python -m lab judge`: whether the prior of pairs is a better companion of the model than codes and shared words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from dp_tools.adapters.calibration_fit import Sample, fit_line, with_threshold
from dp_tools.cli.answering import MODEL
from dp_tools.evaluation.datasets import Dataset, read_datasets
from dp_tools.evaluation.scores import Judged
from dp_tools.evaluation.splits import Split
from dp_tools.models.calibration import PlattCalibration
from dp_tools.preprocessor import Preprocessor
from lab.benchmarks.reliability import judged
from lab.commands.calibrate import calibration_sample
from lab.fit_pair_prior import FittedPrior, LabelledPairs, family, fitted, training_pairs
from lab.model_calibration import NOISE, STIFF

_Companion = Callable[[Judged, float], Judged]
_COMPANIONS: Mapping[str, _Companion] = {
    "the model alone": lambda case, _: case._replace(evidence_score=0.0, overlap_score=0.0),
    "codes and words": lambda case, _: case,
    "the prior": lambda case, prior: case._replace(evidence_score=prior, overlap_score=0.0),
    "codes, words, prior": lambda case, prior: case._replace(evidence_score=case.evidence_score, overlap_score=prior),
}
"""What stands beside the model's logit. The last one has the prior in place of the words."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of labelled data.")
@click.option("--dataset", "names", multiple=True, help="A dataset of EM (default: all); more may follow.")
@click.option("--valid", type=click.IntRange(min=1), default=300, show_default=True, help="Pairs to calibrate on.")
@click.option("--test", type=click.IntRange(min=1), default=300, show_default=True, help="Pairs to measure on.")
@MODEL
def judge(data: Path, names: Sequence[str], valid: int, test: int, model: str) -> None:
    """Measure the prior beside the model's logit, one family of datasets left out at a time.

    Calibrations and thresholds are fitted on the valid splits of the other datasets. The prior of a dataset is fitted
    without its own family in any case. F1 is at the threshold so fitted; in brackets at the best of all.
    """
    datasets = [dataset for dataset in read_datasets(data, ["EM"]) if not names or dataset.name in names]
    every = training_pairs(read_datasets(data, ["EM"]))
    priors = {name: fitted([one for one in every if one.family != name]) for name in {family(d.name) for d in datasets}}
    with Preprocessor(model, ":memory:", adapters=False) as preprocessor:
        fit = {d.name: _sampled(preprocessor, d, "valid", valid, priors) for d in datasets if "valid" in d.files}
        measured = {d.name: _sampled(preprocessor, d, "test", test, priors) for d in datasets}
    for dataset, (sample, prior) in measured.items():
        click.echo(f"{dataset}, {len(sample.cases)} pairs, {int(sample.truth.sum())} of them matches")
        others = [found for name, found in fit.items() if family(name) != family(dataset)]
        for name, companion in _COMPANIONS.items():
            line = fit_line([_with(companion, *one) for one in others], STIFF)
            line = with_threshold(line, [_with(companion, *one) for one in others], NOISE)
            scores = _scores(line, _with(companion, sample, prior))
            best = max(_f1(scores >= threshold, sample.truth) for threshold in scores)
            click.echo(f"  {name:20} {_f1(scores >= line.threshold, sample.truth):.3f} ({best:.3f})")


def _sampled(
    preprocessor: Preprocessor, dataset: Dataset, split: str, limit: int, priors: Mapping[str, FittedPrior]
) -> tuple[Sample, NDArray[np.float64]]:
    """What the model says of a sample of a split, and the prior of each pair."""
    whole = dataset.split(split)
    chosen, yes, no = calibration_sample(whole, limit) if split == "valid" else (whole.sample(limit), 1.0, 1.0)
    return Sample(judged(preprocessor, chosen), yes, no), _prior(whole, chosen, priors[family(dataset.name)])


def _prior(whole: Split, chosen: Split, prior: FittedPrior) -> NDArray[np.float64]:
    return prior(LabelledPairs.of(whole, chosen).rows)


def _with(companion: _Companion, sample: Sample, prior: NDArray[np.float64]) -> Sample:
    cases = [companion(case, odds) for case, odds in zip(sample.cases, prior.tolist(), strict=True)]
    return Sample(cases, sample.yes, sample.no)


def _scores(line: PlattCalibration, sample: Sample) -> NDArray[np.float64]:
    return np.array([line(case.probability, case.evidence_score, case.overlap_score) for case in sample.cases])


def _f1(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * (found & truth).sum() / max(found.sum() + truth.sum(), 1))
