"""A user adapter from 20 to 2,000 labelled cases: trained on top of the embedded model, kept if it helps.

The prompts are those that the product asks: rules, evidence and all. What a check or the table decides is never asked
of the model, so it is neither learned from nor scored; a labelled example that the store holds stands back for its own
example.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from dp_tools import leftovers
from dp_tools.adapters.calibration_fit import Sample, fit_few
from dp_tools.adapters.tokens import Tokens
from dp_tools.adapters.train import Report, Settings, load_network, require_torch, train
from dp_tools.adapters.training_example import TrainingExample, encode
from dp_tools.decision import calibrated, with_rules
from dp_tools.engine.format_choice import optimize_weights
from dp_tools.errors import InvalidRequest
from dp_tools.evaluation.instances import Instance, folder_of, instance_of
from dp_tools.evaluation.scores import METRIC_OF, Score, belief, is_right, score
from dp_tools.evaluation.splits import Split, split_of
from dp_tools.models.calibration import PlattCalibration
from dp_tools.models.user_adapters import About, UserAdapters, base_of, default_folder
from dp_tools.preprocessor import Preprocessor
from dp_tools.prompts.ask import YesNo
from dp_tools.prompts.templates.template import PromptTemplate
from dp_tools.rules.injection import Injection
from dp_tools.rules.scope import key
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tasks.task import Case, Outcome

FEWEST, MOST = 20, 2000
"""Labelled cases that an adapter is made from."""
_PARTS = 4
"""One in so many cases is held back."""
_FEW = 80
"""Cases below which each is held back once: a quarter of them would not tell whether the adapter helps."""
_EXAMPLES = 1200


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of it.

    Args:
        about: the adapter's scores on held-back cases, without and with it.
        installed: where it is kept; None where it answered worse than the model without it.
    """

    about: About
    installed: Path | None


@dataclass(frozen=True, slots=True)
class _Open:
    """A labelled case that the model is asked about, with the rules that hold for it."""

    case: Case
    instance: Instance
    injection: Injection


@dataclass(frozen=True, slots=True)
class _Result:
    """The score, and the mean probability that was given to the right answer."""

    score: Score
    sure: float


_Answered = tuple[_Open, Outcome]
"""A held-back case, and what the adapter said of it by itself."""


def reviewed(store: KnowledgeStore, *, task: str, dataset: str) -> Split:
    """The labelled examples that the store holds for a dataset: the answers of reviews, and those people wrote.

    Raises:
        InvalidRequest: there are none, or the task has no labelled form.
    """
    folder = folder_of(task)
    rows = []
    for rule in store.list(task=task, dataset=dataset, status="active", limit=100_000):
        for example in rule.examples:
            label: Any = {"yes": 1, "no": 0}.get(example.label, example.label)
            rows.append({**example.case, "label": label})
    if not rows:
        raise InvalidRequest(f"No labelled example of {task} on {dataset} is in the store: give --examples FILE.")
    return split_of(folder, dataset, "reviewed", [instance_of(folder, dataset, row) for row in rows])


def tune_user_adapter(
    preprocessor: Preprocessor,
    split: Split,
    dataset: str,
    *,
    folder: Path | None = None,
    settings: Settings | None = None,
    prevalence: float | None = None,
    seed: int = 13,
    report: Report | None = None,
) -> Tuned:
    """Train an adapter for one dataset and task, and install it unless it answers worse.

    A quarter of the cases is held back: the model answers them without and with the adapter. Fewer than 80 are all
    held back, a quarter in turn, and the adapter that is kept learns from all. Its calibration is fitted on the
    held-back cases, too: for its score on one half of them from the other, for use from all.

    Args:
        preprocessor: what answers, with the embedded model and the rules that will be in force.
        split: 20 to 2,000 labelled cases of one task; of more a sample is used.
        dataset: the name under which calls will ask.
        folder: where adapters are kept; the user's own by default.
        prevalence: the share of cases in use whose answer is yes, where the labelled ones were picked otherwise, 0 to
            1; by default as among the labelled ones.
        settings: how to train; by default rank 8 and as many passes as suit the number of cases.
        seed: which cases are held back, and the order of the others.
        report: progress of the training.

    Raises:
        InvalidRequest: there are too few cases that the model would be asked about, or it is another model.
        ModelUnavailable: the packages of the extra "tune" are not installed.
    """
    if not preprocessor.decider.model.optimizable:
        raise InvalidRequest("Only the embedded model takes user adapters: leave out --model.")
    cases = _open_cases(preprocessor, split, dataset)
    require_torch()
    with tempfile.TemporaryDirectory(prefix="dp-tools-") as place:
        out = Path(place)
        leftovers.note(out)
        weights = optimize_weights(preprocessor.decider.model).path
        tokens, network = Tokens(weights), load_network(weights, "cpu")
        about = About(
            dataset=key(dataset),
            task=split.task,
            base=base_of(preprocessor.decider.model),
            cases=0,
            held=0,
            metric=METRIC_OF[split.task],
            before=0.0,
            after=0.0,
        )

        def learned(shown: Sequence[_Open], name: str) -> Path:
            template = preprocessor.decider.template
            examples = encode([_example(template, entry) for entry in shown], tokens, template)
            passes = min(10.0, max(2.0, _EXAMPLES / len(examples)))
            how = settings or Settings(rank=8, alpha=16, rate=5e-4, epochs=passes, tokens=1500, seed=seed)
            return train(copy.deepcopy(network), examples, out / name, how, report=report)

        raw: list[_Answered] = []
        parts = _parts(cases, seed)
        for number, (shown, held) in enumerate(parts):
            made = learned(shown, f"part-{number}")
            trial = UserAdapters(out / f"trial-{number}")
            trial.install(made, about)
            raw += zip(held, _answered(preprocessor, trial.folder, held, split.task), strict=True)
        judged = [entry for entry, _ in raw]
        before = _result(judged, _answered(preprocessor, None, judged, split.task), split.task)
        after = _result(judged, _calibrated_by_others(raw, prevalence), split.task)
        about = replace(
            about,
            cases=len(cases) if len(parts) > 1 else len(cases) - len(judged),
            held=len(judged),
            before=before.score.score,
            after=after.score.score,
            calibration=_calibration(raw, prevalence),
        )
        if (after.score.score, after.sure) < (before.score.score, before.sure):
            return Tuned(about, None)
        if len(parts) > 1:
            made = learned(cases, "all")
        return Tuned(about, UserAdapters(folder or default_folder()).install(made, about))


def _open_cases(preprocessor: Preprocessor, split: Split, dataset: str) -> list[_Open]:
    asked = split.sample(MOST).asked(dataset=dataset)
    injections = preprocessor.decider.inject(split.task, asked.cases, asked.request) if asked.request else {}
    examples = [rule.id for rule in preprocessor.knowledge.list(task=split.task, limit=100_000) if rule.examples]
    for rule in examples:
        injections = {attribute: injection.without(rule) for attribute, injection in injections.items()}
    resolved = preprocessor.decider.resolve(asked.cases, injections)
    found = [
        _Open(case, instance, injections[case.attribute])
        for case, instance, outcome in zip(asked.cases, asked.instances, resolved, strict=True)
        if outcome is None
    ]
    if len(found) < FEWEST:
        raise InvalidRequest(
            f"An adapter needs {FEWEST} labelled cases or more that the model is asked; there are {len(found)}."
        )
    return found


def _parts(cases: list[_Open], seed: int) -> list[tuple[list[_Open], list[_Open]]]:
    """Cases to learn from and cases held back, each label split alike: once, or, of few cases, each one held back."""
    random = Random(seed)
    groups = []
    for wanted in (True, False):
        group = [entry for entry in cases if (entry.instance.label not in ("no", None)) is wanted]
        groups.append(random.sample(group, len(group)))
    parts = []
    for part in range(_PARTS if len(cases) < _FEW else 1):
        turns = [(number % _PARTS == part, entry) for group in groups for number, entry in enumerate(group)]
        parts.append(([entry for held, entry in turns if not held], [entry for held, entry in turns if held]))
    return parts


def _example(template: PromptTemplate, entry: _Open) -> TrainingExample:
    case, instance = with_rules(entry.case, entry.injection), entry.instance
    if isinstance(case.ask, YesNo):
        answer = template.yes if instance.label == "yes" else template.no
    else:
        answer = template.none if instance.label is None else instance.label
    return TrainingExample(case.prompt, answer, "own")


def _answered(preprocessor: Preprocessor, adapters: Path | None, cases: Sequence[_Open], task: str) -> list[Outcome]:
    other = Preprocessor(
        preprocessor.decider.model,
        preprocessor.knowledge,
        engine=preprocessor.decider.engine,
        adapters=adapters or False,
    )
    injections = {entry.case.attribute: entry.injection for entry in cases}
    return other.decider.outcomes(task, [entry.case for entry in cases], injections)


def _result(cases: Sequence[_Open], outcomes: Sequence[Outcome], task: str) -> _Result:
    instances = [entry.instance for entry in cases]
    sure = [
        (outcome.confidence or 0.0) if is_right(instance, outcome.label) else 1 - (outcome.confidence or 0.0)
        for outcome, instance in zip(outcomes, instances, strict=True)
    ]
    return _Result(score(task, instances, outcomes), sum(sure) / len(sure))


def _calibrated_by_others(answered: Sequence[_Answered], prevalence: float | None) -> list[Outcome]:
    """Each half's outcomes with the line of the other half, in the order of the cases."""
    calibrations = [_calibration(answered[half::2], prevalence) for half in (1, 0)]
    return [calibrated(raw, entry.case, calibrations[number % 2]) for number, (entry, raw) in enumerate(answered)]


def _calibration(answered: Sequence[_Answered], prevalence: float | None) -> PlattCalibration:
    """The calibration that these held-back cases ask for."""
    verdict = all(isinstance(entry.case.ask, YesNo) for entry, _ in answered)
    found = (belief(entry.instance, raw, entry.case) for entry, raw in answered)
    cases = [known for known in found if known is not None]
    positives = sum(case.so for case in cases)
    if prevalence is None or not verdict or not 0 < positives < len(cases):
        return fit_few(Sample(cases), verdict=verdict)
    weighted = Sample(cases, yes=prevalence / positives, no=(1 - prevalence) / (len(cases) - positives))
    return fit_few(weighted, verdict=verdict)
