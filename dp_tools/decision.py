"""The one policy by which every case is decided, whichever way in it comes.

A labelled example decides before a check, a check before what the table itself mostly holds, and the table before the
model; where the model is unsure, a fallback model answers. What a model says is calibrated, and for cells it is held
against the rows that are like the cell's own. Python methods, tools, commands, table jobs and explanations all come
here, so the same question gets the same answer everywhere.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dp_tools.engine.ahead import Guess, ask_ahead
from dp_tools.engine.background_optimize import wait_until_optimized
from dp_tools.engine.questions import (
    Engine,
    GeneratedValue,
    LabelScores,
    Question,
    Result,
    Unanswered,
    name_with,
)
from dp_tools.models.calibration import Calibration, PlattCalibration
from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.digest import identity
from dp_tools.models.user_adapters import UserAdapter, UserAdapters, base_of
from dp_tools.profiling import CellFacts, Fact, Facts, agreement, code_share, is_contradicted, is_settled
from dp_tools.profiling.cell_facts import FEW_RECORDS
from dp_tools.profiling.identity import Judgement
from dp_tools.progress import Progress
from dp_tools.prompts import prompt_template_of
from dp_tools.prompts.ask import FreeValue, YesNo
from dp_tools.prompts.templates.template import PromptTemplate, to_question
from dp_tools.records import clean_name, is_missing
from dp_tools.rules.coverage import RuleCoverage, TableVerdict, rule_coverage
from dp_tools.rules.injection import Injection, Subject, statements
from dp_tools.rules.rule import ALL, REVIEWED, Rule
from dp_tools.rules.scope import key
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tasks import TASKS
from dp_tools.tasks.batch_facts import BatchFacts
from dp_tools.tasks.detect_errors import DetectErrors
from dp_tools.tasks.extract_values import ExtractValues, evidence_for
from dp_tools.tasks.impute import ImputeRequest
from dp_tools.tasks.task import (
    BY_MODEL,
    Answer,
    Case,
    Outcome,
    OverriddenRule,
    RecordField,
    Request,
    Task,
    UsedRule,
)
from dp_tools.tasks.verdicts import SURE, VerdictAnswer, VerdictRequest, selected

if TYPE_CHECKING:
    from dp_tools.engine.workers.pool import WorkerPool
    from dp_tools.tasks.closed_set import Choice

_ALL = 1_000_000
AGREED = 0.9
"""Share of the rows like a cell's own, or of a column of codes, that outweighs the model's verdict alone."""
EVEN = 0.5
"""Probability from which two people, companies or addresses are taken for one, and a value is better than none."""
MOST_WRONG = 0.1
"""Share of a column that the model alone may call wrong: of more it has not understood what the column holds."""
FEW_WRONG = 5
"""Cells that it may call wrong in any column."""
ALONE = 0.9
"""Confidence from which the model's word alone makes a cell wrong in a table of few records."""
RUNNERS_UP = 3
"""Other values that stand beside a chosen one, at most."""


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """The rules that hold for the cases of one attribute.

    Args:
        injection: the rules.
        coverage: what they say of this very attribute.
    """

    injection: Injection
    coverage: RuleCoverage

    @classmethod
    def of(cls, injection: Injection, attribute: str | None) -> RulesInForce:
        """The rules of an injection as they hold for an attribute."""
        return cls(injection, rule_coverage(injection, attribute))

    def resolve(self, subject: Subject, verdicts: Callable[[], Iterable[TableVerdict]]) -> Outcome | None:
        """What is decided without the model: by an example, by a check, or by what the table mostly holds.

        Args:
            subject: the case as checks and examples see it.
            verdicts: gives what the table says of it, weightiest first.

        Returns:
            The outcome, or None where the model is to be asked.
        """
        decision = self.injection.decide(subject)
        if decision is not None:
            return Outcome(
                decision.decided_by,
                decision.label,
                1.0,
                rules=(_named(decision.rule),),
                reason=decision.reason,
                overridden=decision.overridden,
            )
        verdict = next((one for one in verdicts() if one.applies(self.coverage)), None)
        if verdict is None:
            return None
        return Outcome("table", "yes" if verdict.wrong else "no", verdict.certainty, reason=verdict.reason)


@dataclass(frozen=True, slots=True)
class ReadyRequest:
    """A request with everything that its answer follows from, apart from the model.

    Args:
        request: what was asked.
        cases: its questions.
        injections: the rules that hold for them, by attribute.
        facts: what counting says beyond each question.
    """

    request: Request
    cases: Sequence[Case]
    injections: Mapping[str | None, Injection]
    facts: Facts | None = None

    @property
    def task(self) -> Task[Any, Any]:
        return task_of(self.request)

    def digest(self) -> str:
        """The same for requests that get the same answer from the same model."""
        rules = {_named(rule) for injection in self.injections.values() for rule in injection.rules}
        rules |= {_named(entry.rule) for injection in self.injections.values() for entry in injection.overridden}
        asks = [with_rules(case, self.injections[case.attribute]).ask for case in self.cases]
        return _digest(self.task.name, repr(sorted(rules)), repr(self.request.model_dump()), repr((self.cases, asks)))


class Decider:
    """Decides cases with one model and one knowledge store. Safe to use from several threads.

    Args:
        model: what the engine answers with.
        knowledge: the rules.
        engine: answers questions.
        lent: whether the engine is somebody else's, and so answers without the model's weights.
        untuned: opens the engine of the model as it is without its adapter; by default the engine answers for it.
        fallback: decides again the cases whose confidence lies in the uncertainty band.
        adapters: the user's own adapters; a request that names a dataset with one is answered with it.
        uncertainty_band: confidences, lowest and highest, between which the model counts as unsure.
        pool: the workers behind the engine, if there are any.
    """

    def __init__(
        self,
        model: ModelSpec,
        knowledge: KnowledgeStore,
        engine: Engine,
        *,
        lent: bool = False,
        untuned: Callable[[], Engine] | None = None,
        fallback: Decider | None = None,
        adapters: UserAdapters | None = None,
        uncertainty_band: tuple[float, float] = (0.0, 0.8),
        pool: WorkerPool | None = None,
    ) -> None:
        self.pool = pool
        self.model = model
        self.knowledge = knowledge
        self.engine = engine
        self.fallback = fallback
        self.adapters = adapters
        self.uncertainty_band = uncertainty_band
        self.calibration = Calibration.load(model.calibration) if model.calibration else Calibration()
        self._lent = lent
        self._open_untuned = untuned
        self._untuned: Engine | None = None
        self._opening = threading.Lock()

    @property
    def untuned(self) -> Engine:
        """The engine of the model as it is without its adapter: it knows more of the world than the tuned one."""
        with self._opening:
            if self._untuned is None:
                self._untuned = self.engine if self._open_untuned is None else self._open_untuned()
            return self._untuned

    def ask_through(self, shared: Callable[[Engine], Engine]) -> None:
        """Have every question asked through another engine.

        Args:
            shared: makes it of each of the engines.
        """
        self.engine = shared(self.engine)
        if (opened := self._open_untuned) is not None:
            self._open_untuned = lambda: shared(opened())
        if self.fallback is not None:
            self.fallback.ask_through(shared)

    def ask_ahead(self, ready: ReadyRequest) -> Guess:
        """Begin with what `decide` will ask."""
        questions = [question for question in self.questions(ready) if question is not None]
        return ask_ahead(self.engine, list(dict.fromkeys(questions)))

    @cached_property
    def template(self) -> PromptTemplate:
        """The model's prompt template; a GGUF outside the catalogue is opened to read its chat template."""
        return prompt_template_of(self.model)

    @property
    def retired(self) -> frozenset[str]:
        """The rules that a person has retired or rejected, by id."""
        return frozenset(rule.id for rule in self.knowledge.list(status="retired", limit=_ALL))

    def wait_until_optimized(
        self, waiting: Callable[[float], None] = lambda _seconds: None, cancel: threading.Event | None = None
    ) -> None:
        """Wait until the weights are optimized for this machine, which happens once; until then coarser ones answer.

        Args:
            waiting: called several times a second with the seconds waited.
            cancel: set it to stop.

        Raises:
            Cancelled: `cancel` was set.
        """
        if not self._lent:
            wait_until_optimized(self.model, waiting=waiting, cancel=cancel)
        if self.fallback is not None:
            self.fallback.wait_until_optimized(waiting, cancel)

    def answer(
        self,
        request: Request,
        *,
        facts: Facts | None = None,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> Answer:
        """Answer any task's request.

        Args:
            request: an instance of a task's request model.
            facts: facts of whole columns, where the caller has the table that the records are from.
            progress: called with (cases answered, cases in all).
            cancel: set it to stop.

        Raises:
            InvalidRequest: the request cannot be answered as it is.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        return self.answer_ready(self.ready(request, facts), progress=progress, cancel=cancel)

    def answer_ready(
        self, ready: ReadyRequest, *, progress: Progress | None = None, cancel: threading.Event | None = None
    ) -> Answer:
        """Answer a request that is ready to be asked.

        Raises:
            ModelUnavailable, Cancelled: as `answer`.
        """
        request = ready.request
        outcomes = self.decide(ready, progress=progress, cancel=cancel)
        outcomes = self.with_choices(ready, outcomes, progress=progress, cancel=cancel)
        answer = self.read(ready, without_false_alarms(ready, outcomes))
        if isinstance(request, VerdictRequest) and isinstance(answer, VerdictAnswer) and request.only is not None:
            return selected(answer, request.only)
        return answer

    def ready(self, request: Request, facts: Facts | None = None) -> ReadyRequest:
        """The request with its cases and the rules that hold for them.

        Raises:
            InvalidRequest: the request cannot be answered as it is.
        """
        task, known = task_of(request), self.facts(request, facts)
        cases = task.cases(request, known)
        return ReadyRequest(request, cases, self.inject(task.name, cases, request), known)

    def facts(self, request: Request, given: Facts | None = None) -> Facts | None:
        """The facts that are given, or those that the request itself holds, without what a person has retired."""
        facts = given if given is not None else task_of(request).facts(request)
        if isinstance(facts, BatchFacts):
            facts.leave_out(lambda: self.retired)
        return facts

    def inject(self, task: str, cases: Sequence[Case], request: Request) -> dict[str | None, Injection]:
        """The rules that hold for these cases, by attribute."""
        return {
            attribute: self.knowledge.inject(
                task=task, dataset=request.dataset, attribute=attribute, extra=request.rules
            )
            for attribute in dict.fromkeys(case.attribute for case in cases)
        }

    def decide(
        self, ready: ReadyRequest, *, progress: Progress | None = None, cancel: threading.Event | None = None
    ) -> list[Outcome]:
        """How each case ends, the model's verdicts held against the rows that are like the case's own.

        Raises:
            ModelUnavailable, Cancelled: as `answer`.
        """
        outcomes = self.outcomes(ready.task.name, ready.cases, ready.injections, progress=progress, cancel=cancel)
        return [held_against_rows(case, outcome) for case, outcome in zip(ready.cases, outcomes, strict=True)]

    def with_choices(
        self,
        ready: ReadyRequest,
        outcomes: Sequence[Outcome],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Outcome]:
        """The outcomes, where gaps of a closed set are left open those that a choice among its values gives.

        The set is what the request or a rule lists, or what the records with a value hold where that is little.

        Raises:
            ModelUnavailable, Cancelled: as `answer`.
        """
        gaps = {number: outcome for number, outcome in enumerate(outcomes) if is_open_gap(outcome)}
        chosen = self._chosen(ready, gaps, progress, cancel) if isinstance(ready.request, ImputeRequest) else {}
        return [chosen.get(number, outcome) for number, outcome in enumerate(outcomes)]

    def in_its_column(
        self, ready: ReadyRequest, number: int, outcome: Outcome, *, cancel: threading.Event | None = None
    ) -> Outcome:
        """A cell's or a gap's outcome in the light of its column, whose other cells are asked as well.

        Args:
            ready: the request.
            number: the cell's position among the cases.
            outcome: by itself; where the column cannot change it, nothing is asked.
            cancel: set it to stop.

        Raises:
            ModelUnavailable, Cancelled: as `answer`.
        """
        case = ready.cases[number]
        if isinstance(ready.request, ImputeRequest):
            gaps = {number: outcome} if is_open_gap(outcome) else {}
            found = self._chosen(ready, gaps, None, cancel).get(number, outcome)
            return found if (found.label, found.confidence) != (outcome.label, outcome.confidence) else outcome
        if not isinstance(ready.facts, CellFacts) or not (
            _is_cell(case) and is_unsupported(outcome, case.facts, ready.facts.rows)
        ):
            return outcome
        column = replace(ready, cases=[other for other in ready.cases if other.attribute == case.attribute])
        rows = ready.facts.rows
        if not is_misunderstood(len(column.cases), rows):
            return weighed_alarm(outcome, str(case.attribute), 1, rows)
        outcomes = without_false_alarms(column, self.decide(column, cancel=cancel))
        found = next(now for other, now in zip(column.cases, outcomes, strict=True) if other is case)
        return found if found.decided_by != outcome.decided_by else outcome

    def outcomes(
        self,
        task: str,
        cases: Sequence[Case],
        injections: Mapping[str | None, Injection],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Outcome]:
        """How each case ends by itself: decided by an example, a check or the table, or else asked.

        Raises:
            ModelUnavailable, Cancelled: as `answer`.
        """
        resolved = self.resolve(cases, injections)
        unresolved = [number for number, outcome in enumerate(resolved) if outcome is None]
        asked = [with_rules(cases[number], injections[cases[number].attribute]) for number in unresolved]
        adapter = self.user_adapter(task, dataset_of(injections))
        results = self._asked_once(self._questions(asked, adapter), progress, cancel)
        stated = {name: force.coverage == "stated" for name, force in _in_force(asked, injections).items()}
        for number, case, result in zip(unresolved, asked, results, strict=True):
            outcome = _read(case, result, self.template)
            line = self._calibration(task, adapter, under_rule=stated[case.attribute], outcome=outcome)
            outcome = calibrated(outcome, self._as_known(case, outcome), line)
            rules = tuple(_named(rule) for rule in injections[case.attribute].rules)
            resolved[number] = replace(outcome, rules=rules)
        outcomes = [
            replace(outcome, truncated=case.truncated)
            for case, outcome in zip(cases, resolved, strict=True)
            if outcome is not None
        ]
        if self.fallback is None:
            return outcomes
        return self._ask_again(self.fallback, task, cases, injections, outcomes, cancel)

    def questions(self, ready: ReadyRequest) -> list[Question | None]:
        """What the model is asked about each case; None where the case is decided without it."""
        resolved = self.resolve(ready.cases, ready.injections)
        unresolved = [number for number, outcome in enumerate(resolved) if outcome is None]
        asked = [
            with_rules(case, ready.injections[case.attribute]) for case in map(ready.cases.__getitem__, unresolved)
        ]
        adapter = self.user_adapter(ready.task.name, dataset_of(ready.injections))
        found: list[Question | None] = [None] * len(ready.cases)
        for number, question in zip(unresolved, self._questions(asked, adapter), strict=True):
            found[number] = question
        return found

    def resolve(self, cases: Sequence[Case], injections: Mapping[str | None, Injection]) -> list[Outcome | None]:
        """What is decided without the model; None where it is to be asked (see `RulesInForce.resolve`)."""
        force = _in_force(cases, injections)

        def resolved(case: Case) -> Outcome | None:
            in_force = force[case.attribute]
            outcome = in_force.resolve(case.subject, lambda: case.table)
            if outcome is None and case.identity is not None:
                return by_counting(case.identity, in_force.injection)
            return outcome

        return [resolved(case) for case in cases]

    def read(self, ready: ReadyRequest, outcomes: Sequence[Outcome]) -> Answer:
        """The typed answer that these outcomes make, with the model and the rules that were in force."""
        answer = ready.task.read(ready.request, outcomes)
        answer.model = self.answers_as(ready.task.name, ready.request.dataset)
        answer.rules, answer.overridden = rules_of(ready.injections, outcomes)
        assert isinstance(answer, Answer)
        return answer

    def answers_as(self, task: str, dataset: str | None) -> str:
        """What answers a task on a dataset, by name: the model, the user's own adapter, the fallback model."""
        adapter = self.user_adapter(task, dataset)
        name = name_with(self.engine.name, adapter.path if adapter else None)
        return name if self.fallback is None else f"{name}, {self.fallback.engine.name} where unsure"

    def user_adapter(self, task: str, dataset: str | None) -> UserAdapter | None:
        """The user's own adapter for a dataset, if there is one."""
        if self.adapters is None or dataset is None:
            return None
        return self.adapters.find(key(dataset), task, self.model)

    def calibration_of(self, task: str, dataset: str | None) -> PlattCalibration:
        """The calibration of what answers about a dataset, where no rule is about the case."""
        adapter = self.user_adapter(task, dataset)
        return self.calibration.of(task) if adapter is None else adapter.about.calibration

    def weights_digest(self) -> str:
        """Digest of the weights and the shipped adapter, and of those of the fallback model."""
        # Optimized or as they were installed, they are the same weights.
        plain = self.model.optimizable and self.model.name == self.engine.name
        weights = base_of(self.model) if plain else self.engine.fingerprint
        return _digest(weights, "" if self.fallback is None else self.fallback.weights_digest())

    def adapter_digest(self, task: str, dataset: str | None) -> str:
        """Digest of the user's own adapter for a dataset; "" without one."""
        adapter = self.user_adapter(task, dataset)
        return "" if adapter is None else identity(adapter.path)

    def calibration_digest(self, task: str, dataset: str | None) -> str:
        """Digest of the calibrations that a task's answers on a dataset may go through."""
        lines = self.calibration.lines_of(task)
        known = sorted(self.calibration.known_attributes) if task == ExtractValues.name else []
        fallback = "" if self.fallback is None else self.fallback.calibration_digest(task, dataset)
        return _digest(repr((self.calibration_of(task, dataset), lines, known)), fallback)

    def digest(self, task: str, dataset: str | None) -> str:
        """Digest of what answers a task on a dataset, apart from the rules."""
        return _digest(
            self.weights_digest(), self.adapter_digest(task, dataset), self.calibration_digest(task, dataset)
        )

    def close(self) -> None:
        """Free the models and close the knowledge store."""
        self.engine.close()
        if self._untuned is not None and self._untuned is not self.engine:
            self._untuned.close()
        if self.fallback is not None:
            self.fallback.engine.close()
        self.knowledge.close()

    def _calibration(
        self, task: str, adapter: UserAdapter | None, *, under_rule: bool, outcome: Outcome
    ) -> PlattCalibration:
        """The calibration of the user's own adapter, or the model's for such an outcome."""
        if adapter is not None:
            return adapter.about.calibration
        without_value = task == ExtractValues.name and outcome.label is None
        return self.calibration.of(task, under_rule=under_rule, without_value=without_value)

    def _as_known(self, case: Case, outcome: Outcome) -> Case:
        """The case; for an extraction, its evidence is that the model has learned this attribute, if it has."""
        # Variants of one question have injections of their own, so the attribute's name is taken from the case itself.
        if case.prompt.task != ExtractValues.name or not self.calibration.knows(str(case.subject["attribute"])):
            return case
        return replace(case, evidence_score=evidence_for(str(case.subject["text"]), outcome.label))

    def _chosen(
        self,
        ready: ReadyRequest,
        gaps: Mapping[int, Outcome],
        progress: Progress | None,
        cancel: threading.Event | None,
    ) -> dict[int, Outcome]:
        """The outcomes of open gaps after a choice among the values of their closed set, if they have one."""
        request = ready.request
        assert isinstance(request, ImputeRequest)
        if not gaps:
            return {}
        # Choosing takes numpy, which a server that is ready at once has not loaded yet.
        from dp_tools.tasks.closed_set import closed_set_of

        done = len(request.records)

        def ask(questions: Sequence[Question]) -> list[Result]:
            nonlocal done
            before, done = done, done + len(questions)
            further: Progress | None = (lambda n, of: progress(before + n, before + of)) if progress else None
            return self.untuned.answer(questions, progress=further, cancel=cancel)

        listed = request.allowed or ready.injections[request.attribute].allowed() or ()
        closed_set = closed_set_of(ask, request.attribute, listed, with_a_value(request), request.records)
        if closed_set is None:
            return {}
        choices = closed_set.choose([request.records[number] for number in gaps])
        return {
            number: with_choice(outcome, choice, closed_set.reason)
            for (number, outcome), choice in zip(gaps.items(), choices, strict=True)
        }

    def _questions(self, asked: Sequence[Case], adapter: UserAdapter | None) -> list[Question]:
        """The questions of cases that have their rules."""
        path = adapter.path if adapter else None
        return [replace(to_question(self.template, case.prompt, case.ask), adapter=path) for case in asked]

    def _asked_once(
        self, questions: Sequence[Question], progress: Progress | None, cancel: threading.Event | None
    ) -> list[Result]:
        """A result for each question; equal ones are asked once."""
        if not questions:
            return []
        distinct = list(dict.fromkeys(questions))
        results = self.engine.answer(distinct, progress=progress, cancel=cancel)
        if len(distinct) == len(questions):
            return results
        found = dict(zip(distinct, results, strict=True))
        if progress is not None:
            progress(len(questions), len(questions))
        return [found[question] for question in questions]

    def _ask_again(
        self,
        fallback: Decider,
        task: str,
        cases: Sequence[Case],
        injections: Mapping[str | None, Injection],
        outcomes: list[Outcome],
        cancel: threading.Event | None,
    ) -> list[Outcome]:
        """The outcomes, those of which the model was unsure from the fallback model where it has an answer."""
        low, high = self.uncertainty_band
        unsure = [
            number
            for number, outcome in enumerate(outcomes)
            if outcome.decided_by == "model" and outcome.confidence is not None and low <= outcome.confidence <= high
        ]
        asked = (
            fallback.outcomes(task, [cases[number] for number in unsure], injections, cancel=cancel) if unsure else []
        )
        for number, outcome in zip(unsure, asked, strict=True):
            if outcome.failure is None:
                reason = f"{self.engine.name} was unsure; {fallback.engine.name} answered."
                outcomes[number] = replace(outcome, reason=reason)
        return outcomes


def task_of(request: Request) -> Task[Any, Any]:
    """The task whose request this is."""
    return next(task for task in TASKS.values() if isinstance(request, task.request))


def dataset_of(injections: Mapping[str | None, Injection]) -> str | None:
    """The dataset that these injections are for."""
    return next((found.dataset for found in injections.values()), None)


def with_rules(case: Case, injection: Injection) -> Case:
    """The case with the rules that the model is to read, and with the closed set of values that a check names."""
    wide, near = statements(injection.rules)
    allowed = injection.allowed() if isinstance(case.ask, FreeValue) and case.ask.allowed is None else None
    ask = replace(case.ask, allowed=allowed) if allowed and isinstance(case.ask, FreeValue) else case.ask
    return replace(case, prompt=replace(case.prompt, rules=wide, near_rules=near), ask=ask)


def calibrated(outcome: Outcome, case: Case, calibration: PlattCalibration) -> Outcome:
    """What a model gave, with the calibrated probability, for which the evidence counts as well; a verdict may
    change."""
    if outcome.confidence is None:
        return outcome
    if not isinstance(case.ask, YesNo):
        confidence = calibration(outcome.confidence, case.evidence_score)
        others = [(label, calibration(probability, case.evidence_score)) for label, probability in outcome.ranking]
        # One calibration for all leaves their order; together they have what the first one leaves.
        share = min(1.0, (1 - confidence) / (sum(probability for _, probability in others) or 1.0))
        ranking = tuple((label, probability * share) for label, probability in others)
        return replace(outcome, confidence=confidence, ranking=ranking)
    yes = calibration(outcome.probability_of_yes or 0.0, case.evidence_score, case.overlap_score)
    threshold = calibration.threshold
    if case.identity is not None:
        yes, threshold = case.identity.combined(yes), EVEN
    label, confidence = ("yes", yes) if yes >= threshold else ("no", 1 - yes)
    return replace(outcome, label=label, confidence=confidence, threshold=threshold)


def by_counting(judgement: Judgement, injection: Injection) -> Outcome | None:
    """What counted evidence decides by itself of a pair of people, companies or addresses.

    Args:
        judgement: of the pair.
        injection: the rules that hold for it; a rule for these records in particular is left to the model to weigh.

    Returns:
        The outcome, or None where the evidence is not strong enough or a rule is to be heard.
    """
    if not judgement.decides or not is_left_to_counting(injection):
        return None
    label = "yes" if judgement.probability >= EVEN else "no"
    confidence = max(judgement.probability, 1 - judgement.probability)
    return Outcome("table", label, confidence, reason=f"By counted evidence: {judgement.reason}.", threshold=EVEN)


def is_left_to_counting(injection: Injection) -> bool:
    """Whether no rule is about these records in particular, and none decides by a check or an example.

    Answers that persons gave to single cases decide these cases and say nothing of others.
    """
    rules = [*injection.rules, *(entry.rule for entry in injection.overridden)]
    return all(
        rule.statement == REVIEWED
        or (rule.dataset == ALL and rule.source != "call" and rule.check is None and not rule.examples)
        for rule in rules
    )


def held_against_rows(case: Case, outcome: Outcome) -> Outcome:
    """The outcome, or the table's where it backs a value that the model alone calls wrong."""
    if not _is_cell(case) or not _is_alarm(outcome, case.facts):
        return outcome
    backed = backed_by_rows(case.subject.get("value"), case.facts)
    if backed is None:
        return outcome
    return replace(outcome, decided_by="table", label=backed.label, confidence=backed.confidence, reason=backed.reason)


def backed_by_rows(value: str | None, facts: Sequence[Fact]) -> Outcome | None:
    """The table's outcome of a value that it backs, whatever the model says of it.

    Rows like its own back a value that hold it as well; its column backs "N/A" where many cells answer so, and a
    negative number among others; and it backs a code that is written like all: nobody can tell by reading that
    "B29" is wrong.
    """
    share = code_share(value, facts)
    if share >= AGREED:
        reason = f"It is a code like {share:.0%} of its column, and nothing in the table speaks against it."
        return Outcome("table", "no", AGREED, reason=reason)
    if is_settled(value, facts):
        reason = (
            "Other cells of the column hold it, or negative numbers as well, and nothing in the table outweighs that."
        )
        return Outcome("table", "no", AGREED, reason=reason)
    name, share = agreement(facts)
    if share < AGREED or is_contradicted(facts):
        return None
    return Outcome(
        "table", "no", share, reason=f"{share:.0%} of the rows with the same {clean_name(name)} hold this value."
    )


def is_unsupported(outcome: Outcome, evidence: Sequence[Fact], rows: int) -> bool:
    """Whether the model alone calls a cell wrong, and counting knows its column and says nothing against it.

    Args:
        outcome: of the cell.
        evidence: the facts about it.
        rows: of the table.
    """
    return _is_alarm(outcome, evidence) and not is_contradicted(evidence, rows)


def _is_alarm(outcome: Outcome, evidence: Sequence[Fact]) -> bool:
    """Whether it is the model, or what it taught, that calls a cell wrong, in a column that counting knows."""
    return bool(evidence) and outcome.decided_by in BY_MODEL and outcome.label == "yes"


def is_misunderstood(unsupported: int, rows: int) -> bool:
    """Whether the model calls more of a column wrong than errors ever are, with nothing to support it.

    Args:
        unsupported: cells that it calls wrong and nothing else does.
        rows: of the table.
    """
    return unsupported > max(FEW_WRONG, MOST_WRONG * rows)


def weighed_alarm(outcome: Outcome, attribute: str, unsupported: int, rows: int) -> Outcome:
    """What becomes of an unsupported verdict: it does not count in a column that the model has not understood, nor in a
    table of few records unless the model is sure of it.

    Args:
        outcome: of a cell that the model calls wrong and nothing else does.
        attribute: of the cell.
        unsupported: how many cells of it are such.
        rows: of the table.
    """
    if is_misunderstood(unsupported, rows):
        return as_misunderstood(outcome, attribute, unsupported, rows)
    if is_unproven(outcome, rows):
        reason = (
            f"The model alone calls this wrong, with a confidence of {outcome.confidence:.0%}. In a table of {rows} "
            f"records, where nothing else speaks against a value, it has to reach {ALONE:.0%}."
        )
        return replace(outcome, decided_by="table", label="no", confidence=EVEN, reason=reason)
    return outcome


def as_misunderstood(outcome: Outcome, attribute: str, unsupported: int, rows: int) -> Outcome:
    """What becomes of an unsupported verdict in a column that the model has not understood."""
    reason = (
        f"The model calls {unsupported:,} of {rows:,} values of {attribute} wrong and nothing in the table speaks "
        "against them, so its verdict does not count."
    )
    return replace(outcome, decided_by="table", label="no", confidence=1 - MOST_WRONG, reason=reason)


def is_unproven(outcome: Outcome, rows: int) -> bool:
    """Whether an unsupported verdict is too unsure to count in a table of so few records.

    Args:
        outcome: of a cell that the model calls wrong and nothing else does.
        rows: of the table.
    """
    return rows < FEW_RECORDS and (outcome.confidence or 0.0) < ALONE


def with_a_value(request: ImputeRequest) -> list[RecordField]:
    """The records of a request that hold the attribute."""
    records = [*request.context, *request.records]
    return [record for record in records if not is_missing(record.get(request.attribute))]


def is_open_gap(outcome: Outcome) -> bool:
    """Whether the model alone spoke of a gap, and is not sure of a value for it."""
    return outcome.decided_by == "model" and (outcome.label is None or (outcome.confidence or 0.0) < SURE)


def with_choice(outcome: Outcome, choice: Choice | None, reason: str) -> Outcome:
    """What becomes of an open gap by a choice among the values of a closed set: the more probable of the two.

    Args:
        outcome: as the records that are like this one gave it.
        choice: the value that was chosen; None where there was no answer.
        reason: how it was chosen, and how often such choices are right.
    """
    if choice is None:
        return outcome
    if choice.confidence < (EVEN if outcome.label is None else outcome.confidence or 0.0):
        others = [pair for pair in outcome.ranking if pair[0] != choice.value]
        if choice.value != outcome.label:
            others.append((choice.value, choice.confidence))
        return replace(outcome, ranking=tuple(sorted(others, key=lambda pair: -pair[1])[:RUNNERS_UP]))
    return replace(
        outcome, label=choice.value, confidence=choice.confidence, ranking=choice.others[:RUNNERS_UP], reason=reason
    )


def without_false_alarms(ready: ReadyRequest, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes without the model's verdicts that do not count (see `weighed_alarm`)."""
    if not isinstance(ready.facts, CellFacts):
        return list(outcomes)
    pairs = list(zip(ready.cases, outcomes, strict=True))
    rows = ready.facts.rows
    alone = [_is_cell(case) and is_unsupported(outcome, case.facts, rows) for case, outcome in pairs]
    unsupported = Counter(str(case.attribute) for (case, _), so in zip(pairs, alone, strict=True) if so)
    return [
        weighed_alarm(outcome, str(case.attribute), unsupported[str(case.attribute)], rows) if so else outcome
        for (case, outcome), so in zip(pairs, alone, strict=True)
    ]


def rules_of(
    injections: Mapping[str | None, Injection], outcomes: Sequence[Outcome]
) -> tuple[list[UsedRule], list[OverriddenRule]]:
    """The rules that were read or decided, and those that found no place or would have decided otherwise."""
    used = {_named(rule): rule for injection in injections.values() for rule in injection.rules}
    unread = {_named(entry.rule): entry for injection in injections.values() for entry in injection.overridden}
    decided = {name for outcome in outcomes for name in outcome.rules}
    used |= {name: entry.rule for name, entry in unread.items() if name in decided}
    unused = {name: entry for name, entry in unread.items() if name not in used}
    unused |= {_named(entry.rule): entry for outcome in outcomes for entry in outcome.overridden}
    return (
        [UsedRule(id=rule.id, version=rule.version, statement=rule.statement) for rule in used.values()],
        [
            OverriddenRule(id=e.rule.id, version=e.rule.version, statement=e.rule.statement, reason=e.reason)
            for e in unused.values()
        ],
    )


def _is_cell(case: Case) -> bool:
    return case.prompt.task == DetectErrors.name


def _in_force(cases: Sequence[Case], injections: Mapping[str | None, Injection]) -> dict[str | None, RulesInForce]:
    """The rules in force by the attribute that names their injection."""
    # Variants of one question have injections of their own, so the attribute's name is taken from the case itself.
    about = {case.attribute: case.subject.get("attribute", case.attribute) for case in cases}
    return {name: RulesInForce.of(injections[name], attribute) for name, attribute in about.items()}


def _read(case: Case, result: Result, template: PromptTemplate) -> Outcome:
    if isinstance(result, Unanswered):
        return Outcome("unanswered", failure=result.reason)
    if isinstance(result, LabelScores):
        if isinstance(case.ask, YesNo):
            return Outcome("model", "yes", result.probabilities[0])
        ranked = sorted(zip(result.probabilities, case.ask.options, strict=True), key=lambda pair: -pair[0])  # type: ignore[union-attr]
        (top, label), *others = ranked
        ranking = tuple((option, probability) for probability, option in others)
        return Outcome("model", label, top, ranking)
    return _read_value(case, result, template)


def _read_value(case: Case, result: GeneratedValue, template: PromptTemplate) -> Outcome:
    assert isinstance(case.ask, FreeValue)
    none = template.none if case.ask.may_be_none else None
    found = [(result.text, result.probability), *result.alternatives]
    if case.ask.copy_from is None:
        # The value was written token by token; another one may be more probable as a whole.
        found.sort(key=lambda pair: -pair[1])
    (text, top), *others = found
    ranking = tuple((other, p) for other, p in others if other not in (none, ""))
    return Outcome("model", None if text in (none, "") else text, top, ranking)


def _named(rule: Rule) -> str:
    return f"{rule.id}@{rule.version}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
