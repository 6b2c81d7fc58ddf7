"""Preprocessor: the public Python API, one method a task, and the one place where the parts meet.

A request becomes cases; the injector adds the rules that hold; checks, examples and what a table keeps decide what they
can; the rest is one batch of questions for the engine; what comes back is calibrated and read as a typed answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar

from dp_tools.engine import open_engine
from dp_tools.engine.background_optimize import wait_until_prepared
from dp_tools.engine.questions import Engine, GeneratedValue, LabelScores, Result, Unanswered, name_with
from dp_tools.models.calibration import Calibration, Line
from dp_tools.models.catalogue import ModelSpec, resolve
from dp_tools.models.user_adapters import OwnAdapter, OwnAdapters, default_folder
from dp_tools.profiling import Facts
from dp_tools.progress import Progress
from dp_tools.prompts import wire_format_of
from dp_tools.prompts.ask import FreeValue, YesNo
from dp_tools.prompts.templates.template import WireFormat, to_question
from dp_tools.rules.coverage import Ruled, ruled
from dp_tools.rules.injection import Injection, statements
from dp_tools.rules.rule import Rule
from dp_tools.rules.scope import key
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tasks import TASKS
from dp_tools.tasks.annotate_columns import AnnotateColumnsAnswer
from dp_tools.tasks.detect_errors import DetectErrorsAnswer
from dp_tools.tasks.extract_values import ExtractValuesAnswer
from dp_tools.tasks.follow_instruction import FollowInstructionAnswer
from dp_tools.tasks.impute import ImputeAnswer
from dp_tools.tasks.match_entities import MatchEntitiesAnswer
from dp_tools.tasks.match_schemas import MatchSchemasAnswer
from dp_tools.tasks.request_errors import read_request
from dp_tools.tasks.task import Answer, Case, LostRule, Outcome, Request, Task, UsedRule
from dp_tools.tasks.verdicts import VerdictAnswer, VerdictRequest, selected

_ALL = 1_000_000
Fields = Mapping[str, str | None]
A = TypeVar("A", bound=Answer)


class Preprocessor:
    """Answers the seven tasks with one model and one knowledge store. Safe to use from several threads.

    Args:
        model: a catalogue name ("nano"), "nano+PATH" with another adapter, the path of a GGUF,
            "hf:owner/repo/file.gguf", or what `resolve` made of one of these.
        knowledge: the SQLite file of the rules; the user's own by default; an open store is used as it is.
        engine: answers instead of the model named, for those who already hold one.
        threads: processor threads; the physical cores by default.
        cache: where answers are kept for the same questions; the user's cache folder by default, False for nowhere.
        second: a model that is asked again where the first one's confidence lies in `band`.
        adapters: the folder of adapters of one's own, by default the user's; a call that names a dataset which has one
            is answered with it. False for none.
        band: confidences, lowest and highest, between which the first model counts as unsure.

    Raises:
        ModelUnavailable: the model does not exist (it is loaded at the first question).
        KnowledgeUnavailable: the knowledge store cannot be opened.
    """

    def __init__(
        self,
        model: str | ModelSpec = "nano",
        knowledge: str | Path | KnowledgeStore | None = None,
        *,
        engine: Engine | None = None,
        threads: int | None = None,
        cache: Path | Literal[False] | None = None,
        second: str | None = None,
        adapters: Path | Literal[False] | None = None,
        band: tuple[float, float] = (0.0, 0.8),
    ) -> None:
        self.model: ModelSpec = resolve(model)
        self.knowledge = knowledge if isinstance(knowledge, KnowledgeStore) else KnowledgeStore.open(knowledge)
        self._lent = engine is not None
        self.engine = engine if engine is not None else open_engine(model, threads=threads, cache=cache)
        self.second = None if second is None else Preprocessor(second, self.knowledge, threads=threads, cache=cache)
        self.adapters = None if adapters is False else OwnAdapters(adapters or default_folder())
        self.band = band
        self.calibration = Calibration.load(self.model.calibration) if self.model.calibration else Calibration()

    def wait_until_prepared(
        self, waiting: Callable[[float], None] = lambda _seconds: None, cancel: threading.Event | None = None
    ) -> None:
        """Wait until the weights are prepared for this machine, which happens once; until then coarser ones answer.

        Args:
            waiting: called several times a second with the seconds waited.
            cancel: set it to stop.

        Raises:
            Cancelled: `cancel` was set.
        """
        if not self._lent:
            wait_until_prepared(self.model, waiting=waiting, cancel=cancel)
        if self.second is not None:
            self.second.wait_until_prepared(waiting, cancel)

    @cached_property
    def wire(self) -> WireFormat:
        """The model's wire format; a GGUF outside the catalogue is opened to read its chat template."""
        return wire_format_of(self.model)

    def detect_errors(
        self, records: Sequence[Fields], attributes: Sequence[str] | None = None, **options: Any
    ) -> DetectErrorsAnswer:
        """Verdict per cell. Options: the fields of `DetectErrorsRequest`, and progress, cancel."""
        return self._run(DetectErrorsAnswer, "detect_errors", options, records=records, attributes=attributes)

    def impute(
        self, records: Sequence[Fields], attribute: str, allowed: Sequence[str] | None = None, **options: Any
    ) -> ImputeAnswer:
        """Value per record. Options: the fields of `ImputeRequest`, and progress, cancel."""
        return self._run(ImputeAnswer, "impute", options, records=records, attribute=attribute, allowed=allowed)

    def match_entities(self, pairs: Sequence[tuple[Fields, Fields]], **options: Any) -> MatchEntitiesAnswer:
        """Verdict per pair (left, right). Options: the fields of `MatchEntitiesRequest`, and progress, cancel."""
        return self._run(
            MatchEntitiesAnswer,
            "match_entities",
            options,
            pairs=[{"left": left, "right": right} for left, right in pairs],
        )

    def match_schemas(
        self, left: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]], **options: Any
    ) -> MatchSchemasAnswer:
        """Scored pairs and a one-to-one assignment. Options: the fields of `MatchSchemasRequest`, progress, cancel."""
        return self._run(MatchSchemasAnswer, "match_schemas", options, left=left, right=right)

    def annotate_columns(
        self, columns: Sequence[Mapping[str, Any]], types: Sequence[str], **options: Any
    ) -> AnnotateColumnsAnswer:
        """Type per column. Options: the fields of `AnnotateColumnsRequest`, and progress, cancel."""
        return self._run(AnnotateColumnsAnswer, "annotate_columns", options, columns=columns, types=types)

    def extract_values(
        self, texts: Sequence[str], attributes: Sequence[Mapping[str, Any] | str], **options: Any
    ) -> ExtractValuesAnswer:
        """Value per text and attribute. Options: the fields of `ExtractValuesRequest`, and progress, cancel."""
        wanted = [{"name": attribute} if isinstance(attribute, str) else attribute for attribute in attributes]
        return self._run(ExtractValuesAnswer, "extract_values", options, texts=texts, attributes=wanted)

    def follow_instruction(
        self, records: Sequence[Fields], instruction: str, **options: Any
    ) -> FollowInstructionAnswer:
        """Answer per record. Options: the fields of `FollowInstructionRequest`, and progress, cancel."""
        return self._run(
            FollowInstructionAnswer, "follow_instruction", options, records=records, instruction=instruction
        )

    def run(
        self,
        request: Request,
        *,
        facts: Facts | None = None,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> Answer:
        """Answer any task's request; every other way in is made from this one.

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
        task = task_of(request)
        cases = task.cases(request, facts)
        injections = self.inject(task.name, cases, request)
        outcomes = self.outcomes(task.name, cases, injections, progress=progress, cancel=cancel)
        answer = self.read(request, outcomes, injections)
        if isinstance(request, VerdictRequest) and isinstance(answer, VerdictAnswer) and request.only is not None:
            return selected(answer, request.only)
        return answer

    def inject(self, task: str, cases: Sequence[Case], request: Request) -> dict[str | None, Injection]:
        """The knowledge that holds for these cases, by attribute."""
        return {
            attribute: self.knowledge.inject(
                task=task, dataset=request.dataset, attribute=attribute, extra=request.rules
            )
            for attribute in dict.fromkeys(case.attribute for case in cases)
        }

    def outcomes(
        self,
        task: str,
        cases: Sequence[Case],
        injections: Mapping[str | None, Injection],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Outcome]:
        """How each case ends under these injections: decided by an example, a check or the table, or asked."""
        settled = self.settled(cases, injections)
        open_cases = [number for number, outcome in enumerate(settled) if outcome is None]
        injected = {number: with_rules(cases[number], injections[cases[number].attribute]) for number in open_cases}
        dataset = dataset_of(injections)
        own = self.own(task, dataset)
        adapter = own.path if own else None
        questions = [replace(to_question(self.wire, c.prompt, c.ask), adapter=adapter) for c in injected.values()]
        results = self.engine.answer(questions, progress=progress, cancel=cancel) if questions else []
        lines = {
            name: self._line(task, own, ruled=bearing == "in words")
            for name, bearing in _bearing(injected.values(), injections).items()
        }
        for number, result in zip(open_cases, results, strict=True):
            rules = tuple(_named(rule) for rule in injections[cases[number].attribute].rules)
            case = injected[number]
            outcome = calibrated(self._read(case, result), case, lines[case.attribute])
            settled[number] = replace(outcome, rules=rules)
        outcomes = [
            replace(outcome, cut=case.cut) for case, outcome in zip(cases, settled, strict=True) if outcome is not None
        ]
        return (
            outcomes if self.second is None else self._ask_again(self.second, task, cases, injections, outcomes, cancel)
        )

    def own(self, task: str, dataset: str | None) -> OwnAdapter | None:
        """The user's own adapter for a dataset, if there is one."""
        if self.adapters is None or dataset is None:
            return None
        return self.adapters.find(key(dataset), task, self.model)

    def line(self, task: str, dataset: str | None) -> Line:
        """The calibration of what answers about a dataset, where no rule is about the case."""
        return self._line(task, self.own(task, dataset), ruled=False)

    def _line(self, task: str, own: OwnAdapter | None, *, ruled: bool) -> Line:
        """The calibration of the user's own adapter, or the model's."""
        return self.calibration.line(task, ruled=ruled) if own is None else own.about.line

    def _ask_again(
        self,
        second: Preprocessor,
        task: str,
        cases: Sequence[Case],
        injections: Mapping[str | None, Injection],
        outcomes: list[Outcome],
        cancel: threading.Event | None,
    ) -> list[Outcome]:
        """The outcomes, those of which the first model was unsure from the second one where it has an answer."""
        low, high = self.band
        unsure = [
            number
            for number, outcome in enumerate(outcomes)
            if outcome.by == "model" and outcome.confidence is not None and low <= outcome.confidence <= high
        ]
        asked = second.outcomes(task, [cases[number] for number in unsure], injections, cancel=cancel) if unsure else []
        for number, outcome in zip(unsure, asked, strict=True):
            if outcome.problem is None:
                outcomes[number] = replace(
                    outcome, reason=f"{self.engine.name} was unsure; {second.engine.name} answered."
                )
        return outcomes

    def read(self, request: Request, outcomes: Sequence[Outcome], injections: Mapping[str | None, Injection]) -> Answer:
        """The typed answer that these outcomes make, with the model and the rules that were in force."""
        answer = task_of(request).read(request, outcomes)
        own = self.own(task_of(request).name, request.dataset)
        answer.model = name_with(self.engine.name, own.path if own else None)
        if self.second is not None:
            answer.model += f", {self.second.engine.name} where unsure"
        answer.rules, answer.lost = _rules_of(injections, outcomes)
        assert isinstance(answer, Answer)
        return answer

    def close(self) -> None:
        """Free the model and close the knowledge store."""
        self.engine.close()
        if self.second is not None:
            self.second.engine.close()
        self.knowledge.close()

    def __enter__(self) -> Preprocessor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, kind: type[A], task: str, options: dict[str, Any], **fields: Any) -> A:
        run = {name: options.pop(name) for name in ("facts", "progress", "cancel") if name in options}
        given = {name: value for name, value in {**fields, **options}.items() if value is not None}
        answer = self.run(read_request(TASKS[task], given), **run)
        assert isinstance(answer, kind)
        return answer

    def settled(self, cases: Sequence[Case], injections: Mapping[str | None, Injection]) -> list[Outcome | None]:
        """What is decided without the model: by an example or a check, whose word is taken, or by what the table keeps.

        None where the model is to be asked. The table has no say where a person retired what it keeps as a rule, nor
        where rules are about the attribute (see `TableVerdict.speaks`).
        """
        retired = self.retired if any(case.table for case in cases) else frozenset()
        bearing = _bearing([case for case in cases if case.table], injections)

        def settle(case: Case) -> Outcome | None:
            decision = injections[case.attribute].decide(case.subject)
            if decision is not None:
                rules, reason, lost = (_named(decision.rule),), decision.reason, decision.lost
                return Outcome(decision.by, decision.label, 1.0, rules=rules, reason=reason, lost=lost)
            told = next((t for t in case.table if t.id not in retired and t.speaks(bearing[case.attribute])), None)
            if told is None:
                return None
            return Outcome("table", "yes" if told.wrong else "no", told.certainty, reason=told.reason)

        return [settle(case) for case in cases]

    @property
    def retired(self) -> frozenset[str]:
        """The rules that a person has retired or rejected, by id."""
        return frozenset(rule.id for rule in self.knowledge.list(status="retired", limit=_ALL))

    def _read(self, case: Case, result: Result) -> Outcome:
        if isinstance(result, Unanswered):
            return Outcome("nobody", problem=result.reason)
        if isinstance(result, LabelScores):
            if isinstance(case.ask, YesNo):
                return Outcome("model", "yes", result.probabilities[0])
            ranked = sorted(zip(result.probabilities, case.ask.options, strict=True), key=lambda pair: -pair[0])  # type: ignore[union-attr]
            (top, label), *others = ranked
            ranking = tuple((option, probability) for probability, option in others)
            return Outcome("model", label, top, ranking)
        return self._read_value(case, result)

    def _read_value(self, case: Case, result: GeneratedValue) -> Outcome:
        assert isinstance(case.ask, FreeValue)
        none = self.wire.none if case.ask.may_be_none else None
        # The value was written token by token; another one may be more probable as a whole.
        (text, top), *others = sorted(
            [(result.text, result.probability), *result.alternatives], key=lambda pair: -pair[1]
        )
        ranking = tuple((other, p) for other, p in others if other not in (none, ""))
        return Outcome("model", None if text in (none, "") else text, top, ranking)


def calibrated(outcome: Outcome, case: Case, line: Line) -> Outcome:
    """What a model gave, with the probability that the line makes of it and of the evidence; a verdict may change."""
    if outcome.confidence is None:
        return outcome
    if not isinstance(case.ask, YesNo):
        confidence = line(outcome.confidence)
        others = [(label, line(probability)) for label, probability in outcome.ranking]
        # One line for all leaves their order; together they have what the first one leaves.
        share = min(1.0, (1 - confidence) / (sum(probability for _, probability in others) or 1.0))
        ranking = tuple((label, probability * share) for label, probability in others)
        return replace(outcome, confidence=confidence, ranking=ranking)
    yes = line(outcome.probability_of_yes or 0.0, case.testimony, case.words)
    verdict = yes >= line.threshold
    label, confidence = ("yes", yes) if verdict else ("no", 1 - yes)
    return replace(outcome, label=label, confidence=confidence, threshold=line.threshold)


def _bearing(cases: Iterable[Case], injections: Mapping[str | None, Injection]) -> dict[str | None, Ruled]:
    """What the rules of each injection say of the very attribute that its cases are about."""
    # Variants of one question have injections of their own, so the attribute's name is taken from the case itself.
    about = {case.attribute: case.subject.get("attribute", case.attribute) for case in cases}
    return {name: "not" if said is None else ruled(injections[name], said) for name, said in about.items()}


def dataset_of(injections: Mapping[str | None, Injection]) -> str | None:
    """The dataset that these injections are for."""
    return next((found.dataset for found in injections.values()), None)


def task_of(request: Request) -> Task[Any, Any]:
    """The task whose request this is."""
    return next(task for task in TASKS.values() if isinstance(request, task.request))


def with_rules(case: Case, injection: Injection) -> Case:
    """The case with the rules that the model is to read, and with the closed set of values that a check names."""
    wide, near = statements(injection.rules)
    allowed = injection.allowed() if isinstance(case.ask, FreeValue) and case.ask.allowed is None else None
    ask = replace(case.ask, allowed=allowed) if allowed and isinstance(case.ask, FreeValue) else case.ask
    return replace(case, prompt=replace(case.prompt, rules=wide, near_rules=near), ask=ask)


def _named(rule: Rule) -> str:
    return f"{rule.id}@{rule.version}"


def _rules_of(
    injections: Mapping[str | None, Injection], outcomes: Sequence[Outcome]
) -> tuple[list[UsedRule], list[LostRule]]:
    """The rules that were read or decided, and those that found no place or would have decided otherwise."""
    used = {_named(rule): rule for injection in injections.values() for rule in injection.rules}
    unread = {_named(entry.rule): entry for injection in injections.values() for entry in injection.lost}
    decided = {name for outcome in outcomes for name in outcome.rules}
    used |= {name: entry.rule for name, entry in unread.items() if name in decided}
    lost = {name: entry for name, entry in unread.items() if name not in used}
    lost |= {_named(entry.rule): entry for outcome in outcomes for entry in outcome.lost}
    return (
        [UsedRule(id=rule.id, version=rule.version, statement=rule.statement) for rule in used.values()],
        [
            LostRule(id=e.rule.id, version=e.rule.version, statement=e.rule.statement, reason=e.reason)
            for e in lost.values()
        ],
    )
