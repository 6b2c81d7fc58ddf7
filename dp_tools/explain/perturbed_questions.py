"""Perturbed questions: asked in one batch and compared with the answer that was given."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dp_tools.decision import Decider, ReadyRequest, held_against_rows, task_of
from dp_tools.engine.ahead import Guess
from dp_tools.explain.item_parts import parts_of
from dp_tools.profiling import Fact, Facts, contradiction_score, rendered
from dp_tools.progress import Progress
from dp_tools.prompts.ask import FreeValue
from dp_tools.rules.injection import Injection
from dp_tools.tasks.detect_errors import DetectErrors
from dp_tools.tasks.task import WITHOUT_MODEL, Case, Outcome, Request

ALTERNATIVES = 3
"""Other values whose probability is kept, so that a given value can be followed when another one wins."""


@dataclass(frozen=True)
class PerturbedQuestion:
    """One question, close to the one that was asked.

    Args:
        request: with one item.
        injection: the rules that hold.
        without_fact: a fact that is left out, or None.
        judged: the case that checks and examples judge where it is not the request's own: a rewrite is still that case.
    """

    request: Request
    injection: Injection
    without_fact: Fact | None = None
    judged: Case | None = None


class Asker:
    """Asks variants of one task.

    Args:
        decider: what answers.
        facts: facts of whole columns; they stay the same for all variants.
        permutation_averaged: every variant is asked in several orders (see `ItemParts.orders`) and the mean taken.
    """

    def __init__(self, decider: Decider, facts: Facts | None, *, permutation_averaged: bool = False) -> None:
        self.decider = decider
        self.permutation_averaged = permutation_averaged
        self._facts = facts

    def case(self, request: Request) -> Case:
        """The case of a request with one item."""
        (case,) = task_of(request).cases(request, self._facts)
        if isinstance(case.ask, FreeValue):
            return replace(case, ask=replace(case.ask, alternatives=ALTERNATIVES))
        return case

    def ask(
        self,
        questions: Sequence[PerturbedQuestion],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[tuple[Outcome, ...]]:
        """How each variant ends: one outcome, or one for each order where answers are averaged.

        Raises:
            ModelUnavailable, Cancelled: as `Decider.answer`.
        """
        if not questions:
            return []
        task = task_of(questions[0].request).name
        groups, cases, injections = self._joined(questions)
        outcomes = self.decider.outcomes(task, cases, injections, progress=progress, cancel=cancel)
        found = (held_against_rows(case, outcome) for case, outcome in zip(cases, outcomes, strict=True))
        return [tuple(next(found) for _ in group) for group in groups]

    def ask_ahead(self, ready: ReadyRequest, questions: Sequence[PerturbedQuestion]) -> Guess:
        """Begin with what `ask` will ask; see `Decider.ask_ahead`.

        Args:
            ready: the request whose variants these are.
            questions: the variants.
        """
        _, cases, injections = self._joined(questions)
        return self.decider.ask_ahead(replace(ready, cases=cases, injections=injections))

    def _joined(
        self, questions: Sequence[PerturbedQuestion]
    ) -> tuple[list[list[Case]], list[Case], dict[str | None, Injection]]:
        """The cases of each variant, all of them as they are asked together, and the rules of each."""
        groups = [self._cases(question) for question in questions]
        cases: list[Case] = []
        injections: dict[str | None, Injection] = {}
        for number, (question, group) in enumerate(zip(questions, groups, strict=True)):
            # Outcomes are found by a case's attribute, so every variant gets one to have its own rules.
            name = str(number)
            injections[name] = question.injection
            cases += (replace(case, attribute=name) for case in group)
        return groups, cases, injections

    def _cases(self, question: PerturbedQuestion) -> list[Case]:
        judged = question.judged or self.case(question.request)
        requests = parts_of(question.request).orders if self.permutation_averaged else [question.request]
        cases = [replace(self.case(request), subject=judged.subject) for request in requests]
        if question.judged is not None and "left" not in judged.subject:
            # Facts about a cell come from its column, where its values stand as they were written.
            cases = [replace(_with_facts(case, judged.facts), table=judged.table) for case in cases]
        return [_less(case, question.without_fact) for case in cases]


def mean_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """The mean of one question's outcomes in several orders.

    Args:
        outcomes: one or more; what a check or an example decided is the same in each.
    """
    first = outcomes[0]
    answered = [outcome for outcome in outcomes if outcome.confidence is not None]
    if len(outcomes) == 1 or first.decided_by in WITHOUT_MODEL or not answered:
        return first
    labels = list(dict.fromkeys(label for outcome in answered for label in _labels(outcome)))
    if set(labels) <= {"yes", "no"} and not any(outcome.ranking for outcome in answered):
        return _mean_verdict(answered)
    means = {label: sum(probability_of(label, o) for o in answered) / len(answered) for label in labels}
    (top, confidence), *others = sorted(means.items(), key=lambda pair: (-pair[1], pair[0] or ""))
    ranking = tuple((label, probability) for label, probability in others if label is not None)
    return replace(answered[0], label=top, confidence=confidence, ranking=ranking)


def _mean_verdict(answered: Sequence[Outcome]) -> Outcome:
    yes = sum(outcome.probability_of_yes or 0.0 for outcome in answered) / len(answered)
    is_yes = yes >= answered[0].threshold
    return replace(answered[0], label="yes" if is_yes else "no", confidence=yes if is_yes else 1 - yes)


def probability_of(label: str | None, outcome: Outcome) -> float:
    """The probability that an outcome gives to a label; 0 where nothing is known of it.

    Args:
        label: as in `Outcome`; None stands for "no value".
        outcome: with an answer.
    """
    if outcome.confidence is None:
        return 0.0
    if same_label(label, outcome.label):
        return outcome.confidence
    if outcome.label in ("yes", "no") and label in ("yes", "no"):
        return 1 - outcome.confidence
    ranked = (probability for other, probability in outcome.ranking if same_label(label, other))
    left = max(0.0, 1 - outcome.confidence - sum(probability for _, probability in outcome.ranking))
    return next(ranked, left if label is None else 0.0)


def same_label(one: str | None, other: str | None) -> bool:
    """Whether two labels are the same but for spaces."""
    if one is None or other is None:
        return one is other
    return one.split() == other.split()


def _less(case: Case, fact: Fact | None) -> Case:
    """The case without a fact."""
    return case if fact is None else _with_facts(case, tuple(other for other in case.facts if other != fact))


def _with_facts(case: Case, facts: tuple[Fact, ...]) -> Case:
    """The case with these facts, and with what they testify; what a pair's codes do is no fact."""
    changed = replace(case, prompt=replace(case.prompt, evidence=rendered(facts)), facts=facts)
    return (
        replace(changed, evidence_score=contradiction_score(facts))
        if case.prompt.task == DetectErrors.name
        else changed
    )


def _labels(outcome: Outcome) -> Iterable[str | None]:
    yield outcome.label
    yield from (label for label, _ in outcome.ranking)
