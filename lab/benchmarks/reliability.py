"""How far probabilities can be believed before and after calibration, and how steady the labels are."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from dp_tools.engine.questions import LabelScores
from dp_tools.evaluation.scores import Judged, belief, calibration_error
from dp_tools.evaluation.splits import Split
from dp_tools.explain.averaging import answer_permutation_averaged
from dp_tools.explain.item_parts import PairParts, parts_of, single
from dp_tools.models.calibration import Calibration
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.prompts.ask import YesNo
from dp_tools.prompts.templates.template import to_question
from dp_tools.tasks.match_entities import MatchEntitiesAnswer, MatchEntitiesRequest, RecordPair
from dp_tools.tasks.task import RecordField
from lab.mixture.cells import binding_rules
from lab.mixture.examples import yes_no
from lab.mixture.recipe import Recipe

_BINS = 10
VERDICTS = frozenset({"match_entities", "match_schemas", "detect_errors", "follow_instruction"})
"""The tasks that answer yes or no."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How one task's probabilities compare with what was so.

    Args:
        task: the task's name.
        cases: how many.
        before, after: expected calibration error without and with the model's calibration, 0 to 1, the mean over
            datasets.
        bins_before, bins_after: per tenth of probability its mean, the share that was so, and the cases.
    """

    task: str
    cases: int
    before: float
    after: float
    bins_before: tuple[tuple[float, float, int], ...]
    bins_after: tuple[tuple[float, float, int], ...]


def judged(
    preprocessor: Preprocessor,
    split: Split,
    *,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> list[Judged]:
    """The model's own probabilities on a split with the truth, as `fit_calibration` takes them.

    For a verdict the probability of yes and whether it is yes, otherwise that of the answer and whether it is right.
    What a check or an example decides is left out.

    Args:
        preprocessor: what answers; its calibration is not used.
        split: the instances.
        progress, cancel: as `Preprocessor.run`.
    """
    asked = split.asked()
    if asked.request is None:
        return []
    own = preprocessor.decider.calibration
    preprocessor.decider.calibration = Calibration()
    try:
        injections = preprocessor.decider.inject(split.task, asked.cases, asked.request)
        outcomes = preprocessor.decider.outcomes(split.task, asked.cases, injections, progress=progress, cancel=cancel)
    finally:
        preprocessor.decider.calibration = own
    found = (
        belief(instance, outcome, case)
        for instance, outcome, case in zip(asked.instances, outcomes, asked.cases, strict=True)
        if outcome.decided_by == "model"
    )
    return [known for known in found if known is not None]


def judged_under_rules(
    preprocessor: Preprocessor,
    splits: Sequence[Split],
    count: int,
    *,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> list[Judged]:
    """The model's own probability of an error in cells that a rule decides, with what the rule says.

    Args:
        preprocessor: what answers.
        splits: of error detection, each with a table, whose records are taken.
        count: how many cells.
        progress, cancel: as `Preprocessor.run`.
    """
    tables = {split.dataset: [dict(record) for record in split.table] for split in splits}
    examples = list(islice(binding_rules(random.Random(42), tables, Recipe(), count), count))
    questions = [to_question(preprocessor.decider.template, example.prompt, YesNo()) for example in examples]
    answered = preprocessor.decider.engine.answer(questions, progress=progress, cancel=cancel)
    return [
        Judged(result.probabilities[0], example.answer == yes_no(True))  # where a rule decides, evidence does not
        for example, result in zip(examples, answered, strict=True)
        if isinstance(result, LabelScores)
    ]


def reliability(task: str, datasets: Sequence[Sequence[Judged]], calibration: Calibration) -> Reliability:
    """Compare a task's probabilities with the truth.

    Args:
        task: the task's name.
        datasets: what `judged` found, by dataset.
        calibration: of the model.
    """
    line = calibration.of(task)
    before = [[(case.probability, case.so) for case in cases] for cases in datasets]
    after = [
        [(line(case.probability, case.evidence_score, case.overlap_score), case.so) for case in cases]
        for cases in datasets
    ]
    return Reliability(
        task,
        sum(map(len, datasets)),
        sum(calibration_error(cases) for cases in before) / len(datasets),
        sum(calibration_error(cases) for cases in after) / len(after),
        _bins([case for cases in before for case in cases]),
        _bins([case for cases in after for case in cases]),
    )


def _bins(cases: Iterable[tuple[float, bool]]) -> tuple[tuple[float, float, int], ...]:
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for probability, so in cases:
        groups[min(int(probability * _BINS), _BINS - 1)].append((probability, so))
    return tuple(
        (sum(p for p, _ in group) / len(group), sum(so for _, so in group) / len(group), len(group))
        if group
        else (0.0, 0.0, 0)
        for group in groups
    )


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Labels that change when the sides of pairs are swapped and their attributes shuffled.

    Args:
        name: of the dataset.
        pairs: how many.
        plain, permutation_averaged: the share of labels that change, 0 to 1, as answered and as averaged.
        order_sensitive: the share of pairs that the averaged answer marks.
        cost: seconds averaged over seconds plain.
    """

    name: str
    pairs: int
    plain: float
    permutation_averaged: float
    order_sensitive: float
    cost: float


def steadiness(
    preprocessor: Preprocessor,
    split: Split,
    *,
    seed: int = 42,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Steadiness:
    """Answer pairs as they are and changed harmlessly, plainly and averaged.

    Args:
        preprocessor: what answers; without an answer cache.
        split: of entity matching.
        seed: of the shuffles.
        progress, cancel: as `Preprocessor.run`; progress counts the four rounds.
    """
    chooser = random.Random(seed)
    (batch,) = split.batches(dataset=split.dataset)
    request = batch.request
    assert isinstance(request, MatchEntitiesRequest)
    changed = request.model_copy(
        update={"pairs": [_changed(request, item, chooser) for item in range(len(request.pairs))]}
    )
    preprocessor.run(single(request, 0), cancel=cancel)  # the model loads at its first question
    labels: list[list[bool | None]] = []
    seconds = []
    order_sensitive: tuple[int, ...] = ()
    for number, (asked, permutation_averaged) in enumerate(
        ((request, False), (changed, False), (request, True), (changed, True))
    ):
        started = time.perf_counter()
        if permutation_averaged:
            found = answer_permutation_averaged(preprocessor.decider, asked, cancel=cancel)
            answer, order_sensitive = found.answer, found.order_sensitive
        else:
            answer = preprocessor.run(asked, cancel=cancel)
        seconds.append(time.perf_counter() - started)
        assert isinstance(answer, MatchEntitiesAnswer)
        labels.append([pair.match for pair in answer.pairs])
        if progress is not None:
            progress(number + 1, 4)
    count = len(request.pairs)
    return Steadiness(
        split.dataset,
        count,
        _differ(labels[0], labels[1]),
        _differ(labels[2], labels[3]),
        len(order_sensitive) / count,
        (seconds[2] + seconds[3]) / (seconds[0] + seconds[1]),
    )


def _changed(request: MatchEntitiesRequest, item: int, chooser: random.Random) -> RecordPair:
    """The pair with its sides swapped and the attributes of each in random order."""
    item_parts = parts_of(single(request, item))
    assert isinstance(item_parts, PairParts)
    (pair,) = item_parts.with_sides(_shuffled(item_parts.right, chooser), _shuffled(item_parts.left, chooser)).pairs
    return pair


def _shuffled(record: RecordField, chooser: random.Random) -> RecordField:
    return dict(chooser.sample(list(record.items()), len(record)))


def _differ(one: Sequence[bool | None], other: Sequence[bool | None]) -> float:
    return sum(a != b for a, b in zip(one, other, strict=True)) / len(one)
