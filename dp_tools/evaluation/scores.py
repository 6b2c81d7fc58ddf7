"""Scores as the field reports them: from instances and how their cases ended to precision, recall, F1 and accuracy.

F1 is that of the positive class. Extraction counts as WDC-PAVE does (Brinkmann, Baumann, Bizer, 2024): a right value is
a true positive, a value where there is none a false positive, a wrong value both a false positive and a false negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from dp_tools.evaluation.instances import Instance
from dp_tools.prompts.ask import YesNo
from dp_tools.tasks.task import Case, Outcome

Metric = Literal["f1", "accuracy", "micro_f1"]
METRIC_OF: dict[str, Metric] = {
    "match_entities": "f1",
    "match_schemas": "f1",
    "detect_errors": "f1",
    "impute": "accuracy",
    "annotate_columns": "micro_f1",
    "extract_values": "f1",
}
"""How each task is scored."""

_BINS = 10


class Judged(NamedTuple):
    """One case that calibration is fitted on: the model's probability and the truth.

    Args:
        probability: the model's own, of yes where it was asked for a verdict, otherwise of its answer, 0 to 1.
        so: whether it is yes, or the answer is right.
        evidence_score: how heavily counted evidence speaks for yes.
        overlap_score: how far the words of a pair do.
    """

    probability: float
    so: bool
    evidence_score: float = 0.0
    overlap_score: float = 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """How well instances were answered. Shares are percentages, 0 to 100.

    Args:
        n: instances.
        positives: instances whose right answer is yes, or a value.
        metric: what `score` is.
        unanswered: instances without an answer; they count as wrong wherever the right answer is yes or a value.
        calibration_error: expected calibration error over ten equal bins of confidence, in percentage points.
    """

    n: int
    positives: int
    metric: Metric
    score: float
    precision: float
    recall: float
    unanswered: int
    calibration_error: float


def score(task: str, instances: Sequence[Instance], outcomes: Sequence[Outcome]) -> Score:
    """Score the outcomes of one dataset, `outcomes[i]` being that of `instances[i]`."""
    answers = [_answer(task, outcome) for outcome in outcomes]
    right = [is_right(instance, label) for instance, (label, _) in zip(instances, answers, strict=True)]
    wanted = [instance.label not in (None, "no") for instance in instances]
    given = [label not in (None, "no") for label, _ in answers]
    hits = sum(r and g for r, g in zip(right, given, strict=True))
    precision, recall = _share(hits, sum(given)), _share(hits, sum(wanted))
    metric = METRIC_OF[task]
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    known = [(p, r) for (_, p), r in zip(answers, right, strict=True) if p is not None]
    return Score(
        n=len(instances),
        positives=sum(wanted),
        metric=metric,
        score=_share(sum(right), len(right)) if metric != "f1" else f1,
        precision=precision,
        recall=recall,
        unanswered=sum(outcome.failure is not None for outcome in outcomes),
        calibration_error=100 * calibration_error(known),
    )


def calibration_error(answers: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error, 0 to 1, of (confidence, whether the answer was right) over ten equal bins.

    Source: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017).
    """
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for confidence, right in answers:
        bins[min(int(confidence * _BINS), _BINS - 1)].append((confidence, right))
    gaps = (abs(sum(right for _, right in group) - sum(confidence for confidence, _ in group)) for group in bins)
    return sum(gaps) / len(answers) if answers else 0.0


def is_right(instance: Instance, label: str | None) -> bool:
    """Whether a label is the right answer, or one of those that count as right; None is "no value"."""
    if label is None or instance.label is None:
        return label is None and instance.label is None
    return any(same_value(label, accepted) for accepted in (instance.accepted or (instance.label,)))


def belief(instance: Instance, outcome: Outcome, case: Case) -> Judged | None:
    """The model's probability for a case, and the truth; None without an answer."""
    if outcome.confidence is None:
        return None
    if isinstance(case.ask, YesNo):
        return Judged(
            outcome.probability_of_yes or 0.0, instance.label == "yes", case.evidence_score, case.overlap_score
        )
    return Judged(outcome.confidence, is_right(instance, outcome.label))


def same_value(ours: str, theirs: str) -> bool:
    """Whether two values are the same but for case and spaces."""
    return _plain(ours) == _plain(theirs)


def mean(scores: Iterable[float]) -> float | None:
    """The mean, or None of nothing."""
    values = list(scores)
    return sum(values) / len(values) if values else None


def _answer(task: str, outcome: Outcome) -> tuple[str | None, float | None]:
    """The label that counts and its confidence; where imputation cannot tell, its best alternative."""
    if task == "impute" and outcome.label is None and outcome.ranking:
        return outcome.ranking[0]
    return outcome.label, outcome.confidence


def _plain(value: str) -> str:
    return " ".join(value.casefold().split())


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
