"""How many single questions counted evidence could settle before the model is asked, on datasets that it never saw.

A scout gives each case a score. Up to a low score it says no, from a high one yes; in between the model is asked. The
two are fitted for each task on answers of datasets that the scout did not learn from, so that what it gets wrong is
bounded, and are tried on one more dataset, which neither the scout nor its bands have seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from scipy.stats import beta
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from dp_tools.decision import Decider, backed_by_rows, held_against_rows
from dp_tools.evaluation.datasets import Dataset
from dp_tools.evaluation.splits import Split
from dp_tools.profiling.cell_features import NotedCell, cell_features
from dp_tools.tasks.task import Case
from lab.conventions import HOUSE_CONVENTIONS
from lab.fit_pair_prior import LabelledPairs, family

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Score = Callable[[Numbers], Numbers]
"""A scout: gives log-odds of yes."""

_UNKNOWN = -3.0
"""What stands for a number that the table does not give."""
_OUTSIDE = 50.0
_OF_THE_SAMPLE = {"usual runs", "least usual run", "strange runs", "least usual word", "strange words"}
"""Features of a cell that compare it with the others at hand, and so change with the size of a sample."""
DELTA = 0.05
"""Probability that a bound is too low."""


@dataclass(frozen=True)
class Sample:
    """Cases of one split of a dataset.

    Args:
        name: of the dataset.
        family: datasets of one family share records or sources, and are left out together.
        numbers: what counting says, one row a case.
        truth: which are yes.
        open: which are left to the model by checks, examples and the table.
        backed: cells that the table backs, whatever the model says.
        weights: how many cases of the split each stands for.
        verdict: which the model answers with yes; nothing where it was not asked.
        seconds: that the model took for each.
    """

    name: str
    family: str
    numbers: Numbers
    truth: Flags
    open: Flags
    backed: Flags
    weights: Numbers
    verdict: Flags
    seconds: float = 0.0


Learner = Callable[[Sequence[Sample]], Score]
Trial = tuple[Sample, Numbers, list[tuple[Numbers, Sample]]]
"""A sample to try, the scores of its cases, and what its bands are fitted on."""


def sample_of(decider: Decider, dataset: Dataset, name: str, yes: int, no: int, *, ask: bool) -> Sample:
    """A sample of a split, with the model's verdicts if it is to be asked.

    Args:
        decider: decides the cases.
        dataset: of matching, schema matching or detection; its conventions that only a rule can tell are left out.
        name: of the split.
        yes, no: cases of either truth, at most.
        ask: whether the model is asked.
    """
    whole = dataset.split(name).without(HOUSE_CONVENTIONS.get(dataset.name, ()))
    chooser = Random(42)
    sides = [[n for n, one in enumerate(whole.instances) if (one.label == "yes") is so] for so in (True, False)]
    taken = [chooser.sample(side, min(len(side), most)) for side, most in zip(sides, (yes, no), strict=True)]
    chosen = replace(whole, instances=tuple(whole.instances[n] for n in sorted(taken[0] + taken[1])))
    asked = chosen.asked()
    assert asked.request is not None
    chosen = replace(chosen, instances=tuple(asked.instances))
    injections = decider.inject(whole.task, asked.cases, asked.request)
    decided = decider.resolve(asked.cases, injections)
    truth = np.array([one.label == "yes" for one in chosen.instances])
    each = [len(side) / max(len(some), 1) for side, some in zip(sides, taken, strict=True)]
    verdict, seconds = np.zeros(0, bool), 0.0
    if ask:
        began = time.perf_counter()
        found = decider.outcomes(whole.task, asked.cases, injections)
        held = [held_against_rows(case, outcome) for case, outcome in zip(asked.cases, found, strict=True)]
        verdict = np.array([outcome.label == "yes" for outcome in held])
        seconds = (time.perf_counter() - began) / max(sum(outcome is None for outcome in decided), 1)
    return Sample(
        dataset.name,
        family(dataset.name),
        _NUMBERS[dataset.folder](whole, chosen, asked.cases),
        truth,
        np.array([outcome is None for outcome in decided]),
        np.array([dataset.folder == "ED" and _is_backed(case) for case in asked.cases]),
        np.where(truth, *each),
        verdict,
        seconds,
    )


def _is_backed(case: Case) -> bool:
    return backed_by_rows(case.subject.get("value"), case.facts) is not None


def _of_pairs(whole: Split, chosen: Split, cases: Sequence[Case]) -> Numbers:
    rows = LabelledPairs.of(whole, chosen).rows
    return np.column_stack([rows, [case.overlap_score for case in cases]])


def _of_cells(_whole: Split, _chosen: Split, cases: Sequence[Case]) -> Numbers:
    noted = [NotedCell(str(case.attribute), case.subject["value"], case.facts) for case in cases]
    found = cell_features(noted)
    kept = [n for n, name in enumerate(found.names) if not name.startswith("in ") and name not in _OF_THE_SAMPLE]
    rows: Numbers = np.column_stack([found.values[:, kept], [case.evidence_score for case in cases]]).astype(float)
    np.nan_to_num(rows, copy=False, nan=_UNKNOWN, posinf=_OUTSIDE, neginf=-_OUTSIDE)
    return rows


def _of_attributes(_whole: Split, chosen: Split, cases: Sequence[Case]) -> Numbers:
    rows = []
    for case, instance in zip(cases, chosen.instances, strict=True):
        names, texts = zip(*(_name_and_text(instance.row[side]) for side in ("left", "right")), strict=True)
        rows.append(
            (
                case.overlap_score,
                fuzz.token_sort_ratio(*names),
                fuzz.token_set_ratio(*names),
                fuzz.partial_ratio(*(name.split("-")[-1] for name in names)),
                fuzz.token_set_ratio(*texts),
                fuzz.token_sort_ratio(*texts),
                *map(len, texts),
                len(case.facts),
            )
        )
    return np.array(rows, float)


def _name_and_text(side: Mapping[str, str | None] | str) -> tuple[str, str]:
    if isinstance(side, str):
        return side, side
    return str(side["name"]), f"{side['name']} {side.get('description') or ''}"


_NUMBERS: Mapping[str, Callable[[Split, Split, Sequence[Case]], Numbers]] = {
    "EM": _of_pairs,
    "ED": _of_cells,
    "SM": _of_attributes,
}


def line(samples: Sequence[Sample]) -> Score:
    """A logistic regression on the open cases, each dataset counting the same; the result gives log-odds."""
    numbers, truth, weights = _together(samples)
    scaler = StandardScaler().fit(numbers)
    fitted = LogisticRegression(C=0.1, max_iter=2_000).fit(scaler.transform(numbers), truth, sample_weight=weights)
    return lambda rows: np.asarray(fitted.decision_function(scaler.transform(rows)))


def trees(samples: Sequence[Sample]) -> Score:
    """Boosted trees in the same way."""
    numbers, truth, weights = _together(samples)
    fitted = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.06, max_leaf_nodes=12, min_samples_leaf=30, l2_regularization=1.0, random_state=0
    ).fit(numbers, truth, sample_weight=weights)
    return lambda rows: np.asarray(fitted.decision_function(rows))


def _together(samples: Sequence[Sample]) -> tuple[Numbers, Flags, Numbers]:
    samples = [one for one in samples if one.open.any()]
    weights = [one.weights[one.open] / one.weights[one.open].sum() for one in samples]
    every = np.concatenate(weights)
    return (
        np.vstack([one.numbers[one.open] for one in samples]),
        np.concatenate([one.truth[one.open] for one in samples]),
        every / every.mean(),
    )


@dataclass(frozen=True, slots=True)
class Bands:
    """Scores up to which a scout says no, and from which it says yes."""

    low: float
    high: float


def fit_bands(answers: Sequence[tuple[Numbers, Sample]], allowed: float) -> Bands:
    """The widest bands whose errors are bounded: yes cases that are called no, and no cases that are called yes, each
    at most `allowed` for each yes case, with probability 1 - DELTA in either direction.

    Args:
        answers: samples with the scores of their open cases, from a scout that did not learn from their family.
        allowed: share of the yes cases, 0 to 1, without 1.
    """
    truth = np.concatenate([one.truth[one.open] for _, one in answers])
    scores = np.concatenate([score for score, _ in answers])
    yes, no = np.sort(scores[truth]), np.sort(scores[~truth])[::-1]
    rate = float(np.mean([np.average(one.truth[one.open], weights=one.weights[one.open]) for _, one in answers]))
    missed = _most(len(yes), allowed)
    false = _most(len(no), min(allowed * rate / (1 - rate), 0.99))
    low = -np.inf if missed is None else np.nextafter(yes[missed], -np.inf)
    high = np.inf if false is None else np.nextafter(no[false], np.inf)
    return Bands(float(low), max(float(high), float(np.nextafter(low, np.inf))))


def _most(of: int, allowed: float) -> int | None:
    """How many errors among so many cases have a bound within what is allowed; None where not even none has."""
    beyond = next(found for found in range(of + 1) if _upper(found, of) > allowed)
    return beyond - 1 if beyond else None


def _upper(found: int, of: int) -> float:
    """The upper bound of Clopper and Pearson on a share."""
    return 1.0 if found >= of else float(beta.ppf(1 - DELTA, found + 1, of - found))


@dataclass(frozen=True, slots=True)
class Tried:
    """What a cascade of scout and model gives on a dataset.

    Args:
        name: of the dataset.
        alone, cascade: F1 at the natural rate of labels, 0 to 1, of the model alone and of both.
        settled: the share of the open cases that the scout settles, at the natural rate.
    """

    name: str
    alone: float
    cascade: float
    settled: float


def tried(sample: Sample, scores: Numbers, bands: Bands) -> Tried:
    """The cascade on a sample whose verdicts of the model are known, with the scores of all its cases."""
    no, yes = sample.open & (scores <= bands.low), sample.open & (scores >= bands.high)
    found = np.where(no | (yes & sample.backed), False, yes | sample.verdict)
    settled = sample.weights[no | yes].sum() / max(sample.weights[sample.open].sum(), 1e-9)
    return Tried(sample.name, _f1(sample, sample.verdict), _f1(sample, found), float(settled))


def seen(train: Sequence[Sample], valid: Sequence[Sample], learner: Learner) -> list[Trial]:
    """Each sample to try, by a scout that has learned from half of all train splits; bands are for the other half."""
    chooser = np.random.default_rng(1)
    halves = [chooser.random(len(one.truth)) < 0.5 for one in train]
    scout = learner([_part(one, half) for one, half in zip(train, halves, strict=True)])
    others = [_part(one, ~half) for one, half in zip(train, halves, strict=True)]
    answers = [(scout(one.numbers[one.open]), one) for one in others if one.open.any()]
    return [(sample, scout(sample.numbers), answers) for sample in valid]


def _part(one: Sample, kept: Flags) -> Sample:
    return replace(
        one,
        numbers=one.numbers[kept],
        truth=one.truth[kept],
        open=one.open[kept],
        backed=one.backed[kept],
        weights=one.weights[kept],
    )


def left_out(train: Sequence[Sample], valid: Sequence[Sample], learner: Learner) -> list[Trial]:
    """Each sample to try with its scores, and what its bands are fitted on: neither has seen its family.

    Args:
        train: of three or more families; scouts learn from them and bands are fitted on them.
        valid: what is tried.
        learner: makes a scout.
    """
    scouts: dict[frozenset[str], Score] = {}

    def without(*families: str) -> Score:
        key = frozenset(families)
        if key not in scouts:
            scouts[key] = learner([one for one in train if one.family not in key])
        return scouts[key]

    found = []
    for sample in valid:
        others = [one for one in train if one.family != sample.family and one.open.any()]
        answers = [(without(sample.family, one.family)(one.numbers[one.open]), one) for one in others]
        found.append((sample, without(sample.family)(sample.numbers), answers))
    return found


def _f1(sample: Sample, found: Flags) -> float:
    both = sample.weights[found & sample.truth].sum()
    return float(2 * both / max(sample.weights[found].sum() + sample.weights[sample.truth].sum(), 1e-9))
