"""Explaining answers: what each depends on is measured by asking again with one thing changed, all in one batch.

Leaving out one part at a time is the occlusion of Zeiler and Fergus (ECCV 2014), on records as Mojito does it for
entity matching (Di Cicco et al., aiDM 2019): attributes are dropped, or copied from one side to the other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from rapidfuzz.distance import OSA

from dp_tools.decision import Decider, task_of
from dp_tools.errors import InvalidRequest
from dp_tools.explain.counted_facts import case_facts
from dp_tools.explain.explanation import (
    Change,
    Contribution,
    ExplainRequest,
    Explanation,
    Explanations,
    Kind,
    Rewrite,
    WouldChange,
)
from dp_tools.explain.item_parts import SWAPPED, ItemParts, parts_of, single
from dp_tools.explain.perturbed_questions import Asker, PerturbedQuestion, mean_outcome, probability_of, same_label
from dp_tools.explain.rationale import rationale_of
from dp_tools.explain.text import UNDECIDED, confidence_band, paragraph
from dp_tools.profiling import Facts
from dp_tools.progress import Progress
from dp_tools.rules.injection import Injection
from dp_tools.rules.rule import Rule
from dp_tools.tasks import TASKS
from dp_tools.tasks.request_errors import read_request
from dp_tools.tasks.task import Case, Outcome, Request

NOTABLE = 0.05
"""The least change of probability that is looked into: rules that do less all together are not taken one by one."""
SURE = 0.9
"""An answer this probable that one rewrite does not move is taken to be steady; others are rewritten further."""
_ALL_RULES = "all rules"


def explain(
    decider: Decider,
    request: Request,
    items: Sequence[int] = (0,),
    *,
    facts: Facts | None = None,
    permutation_averaged: bool = False,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Explanations:
    """Explain answers to a request.

    Args:
        decider: what answered.
        request: the request as it was answered; the same request gets the same answer, so the answer is not needed.
        items: positions in the answer, from 0.
        facts: facts of whole columns, where the request was answered with some.
        permutation_averaged: explain the mean over several orders (see `dp_tools.explain.averaging`).
        progress: called with (questions answered, questions in all); the second grows once.
        cancel: set it to stop.

    Raises:
        InvalidRequest: the request cannot be answered, or its answer has no such item.
        ModelUnavailable: no question can be answered.
        Cancelled: `cancel` was set.
    """
    # All perturbations of an item share the same facts.
    shared_facts = decider.facts(request, facts)
    # Refuses what is wrong with the whole request before anything is asked.
    ready = decider.ready(request, shared_facts)
    count = len(ready.cases)
    for item in items:
        if not 0 <= item < count:
            raise InvalidRequest(f"The answer has no item {item}: it has {count}, counted from 0.")
    asker = Asker(decider, shared_facts, permutation_averaged=permutation_averaged)
    perturbations = [_Perturbation(item, single(request, item), asker) for item in items]
    first = [probe.question for perturbation in perturbations for probe in perturbation.first_probes()]
    done, outcomes = 0, iter(asker.ask(first, progress=progress, cancel=cancel))
    for perturbation in perturbations:
        perturbation.take(outcomes)
        outcome = decider.in_its_column(ready, perturbation.item, perturbation.base, cancel=cancel)
        if outcome is not perturbation.base:
            perturbation.settle(outcome)
    second = [probe.question for perturbation in perturbations for probe in perturbation.second_probes()]
    done = len(first)
    further: Progress | None = (lambda n, total: progress(done + n, done + total)) if progress else None
    outcomes = iter(asker.ask(second, progress=further, cancel=cancel))
    for perturbation in perturbations:
        perturbation.take(outcomes)
    return Explanations(
        model=decider.engine.name, explanations=[perturbation.explanation(cancel) for perturbation in perturbations]
    )


def explain_answer(
    decider: Decider,
    asked: ExplainRequest,
    *,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Explanations:
    """`explain` for a request in its loose form, as it comes from an agent.

    Raises:
        InvalidRequest: the request is not one of the task's, or its answer has no such item.
        ModelUnavailable, Cancelled: as `explain`.
    """
    request = read_request(TASKS[asked.task], asked.request)
    return explain(
        decider, request, asked.items, permutation_averaged=asked.permutation_averaged, progress=progress, cancel=cancel
    )


@dataclass
class _Probe:
    """A variant with what is changed in it.

    Args:
        kind: of what is changed; None for the question as asked and for rewrites.
        size: characters that change.
    """

    question: PerturbedQuestion
    kind: Kind | None
    name: str
    change: Change = "taken away"
    size: int = 0
    outcome: Outcome | None = None
    rule: Rule | None = None


@dataclass
class _Perturbation:
    """One item on its way to an explanation."""

    item: int
    request: Request
    asker: Asker
    probes: list[_Probe] = field(default_factory=list)
    _waiting: list[_Probe] = field(default_factory=list)
    _orders: tuple[Outcome, ...] = ()
    _rewritten: _Probe | None = None

    def __post_init__(self) -> None:
        decider = self.asker.decider
        self.task = task_of(self.request).name
        self.parts: ItemParts[Request] = parts_of(self.request)
        self.case: Case = self.asker.case(self.request)
        self.injection: Injection = decider.inject(self.task, [self.case], self.request)[self.case.attribute]
        self.decision = self.injection.decide(self.case.subject)

    @property
    def base(self) -> Outcome:
        """The answer as given."""
        outcome = self.probes[0].outcome
        assert outcome is not None
        return outcome

    def first_probes(self) -> list[_Probe]:
        """The question as asked, without each part, each fact and its rules, and rewritten."""
        probes = [self._probe(None, "", self.request)]
        for part in self.parts.parts:
            probe = self._probe("attribute", part, self.parts.without([part]))
            probe.size = self.parts.characters(part)
            probes.append(probe)
        if self.decision is not None:
            probes.append(self._without_rule(self.decision.rule, self.decision.decided_by))
        else:
            if "left" not in self.case.subject:  # facts about a pair follow from its attributes
                probes += [
                    _Probe(PerturbedQuestion(self.request, self.injection, without_fact=fact), "fact", fact.render())
                    for fact in self.case.facts
                ]
            probes += self._without_rules()
        if not self.asker.permutation_averaged:
            self._rewritten = self._probe(None, *self.parts.rewritten, judged=self.case)
            probes.append(self._rewritten)
        self._waiting = probes
        return probes

    def second_probes(self) -> list[_Probe]:
        """What the first answers make worth asking: rules and rewrites one by one, values made equal to the other's."""
        if self.base.confidence is None:
            return []
        probes = []
        together = next((probe for probe in self.probes if probe.name == _ALL_RULES), None)
        if together is not None:
            self.probes.remove(together)
            if self._flips(together) or abs(self._change(together) or 0.0) >= NOTABLE:
                probes += [self._without_rule(rule, "rule") for rule in self.injection.rules]
        if self.base.label == "no":
            probes += self._copies()
        probes += self._further_rewrites()
        self._waiting = probes
        return probes

    def take(self, outcomes: Iterator[tuple[Outcome, ...]]) -> None:
        """Take the outcomes of the probes that were handed out last, in their order."""
        for probe in self._waiting:
            outcomes_by_order = next(outcomes)
            probe.outcome = mean_outcome(outcomes_by_order)
            if not self.probes:
                self._orders = outcomes_by_order
            self.probes.append(probe)
        self._waiting = []

    def settle(self, outcome: Outcome) -> None:
        """Take what the whole column says: nothing that was changed in this record has a part in it."""
        self.probes = [replace(self.probes[0], outcome=outcome)]
        self._orders, self._rewritten = (), None

    def explanation(self, cancel: threading.Event | None) -> Explanation:
        """The explanation, once both batches have been taken."""
        base = self.base
        rewrites = self._rewrites()
        rewrite_sensitive = any(not same_label(entry.answer, base.label) for entry in rewrites)
        explanation = Explanation(
            item=self.item,
            text="",
            answer=base.label,
            decided_by=base.decided_by,
            probability=None if base.confidence is None else round(base.confidence, 4),
            confidence_band=confidence_band(base),
            decided=self._decided(),
            would_change=self._would_change(),
            facts=case_facts(self.case, base),
            rewrites=rewrites,
            rewrite_sensitive=rewrite_sensitive,
            review=_review(base, rewrite_sensitive),
        )
        explanation.text = paragraph(self.task, self.case, base, explanation)
        explanation.rationale = rationale_of(self.asker.decider, self.case, self.injection, cancel)
        return explanation

    def _probe(self, kind: Kind | None, name: str, request: Request, judged: Case | None = None) -> _Probe:
        return _Probe(PerturbedQuestion(request, self.injection, judged=judged), kind, name)

    def _without_rules(self) -> list[_Probe]:
        """Of several rules all together first: each of them changes the whole prompt, and mostly none does much."""
        rules = self.injection.rules
        if len(rules) < 2:
            return [self._without_rule(rule, "rule") for rule in rules]
        bare = self.injection
        for rule in rules:
            bare = bare.without(rule.id)
        return [_Probe(PerturbedQuestion(self.request, bare), None, _ALL_RULES)]

    def _without_rule(self, rule: Rule, kind: Kind) -> _Probe:
        question = PerturbedQuestion(self.request, self.injection.without(rule.id))
        return _Probe(question, kind, rule.id, "left out", len(rule.statement), rule=rule)

    def _further_rewrites(self) -> list[_Probe]:
        """One by one what turned the answer; and the sides swapped, unless the answer is sure and did not move."""
        rewritten = self._rewritten
        if rewritten is None:
            return []
        further = self.parts.parts_rewritten if self._flips(rewritten) else {}
        swapped = self.parts.swapped
        moved = abs(self._change(rewritten) or 0.0) >= NOTABLE
        if swapped is not None and (moved or (self.base.confidence or 0.0) < SURE):
            further = {SWAPPED: swapped, **further}
        return [self._probe(None, name, request, judged=self.case) for name, request in further.items()]

    def _copies(self) -> list[_Probe]:
        """Values made equal to the other side's, where the difference may be what speaks against a match.

        These are the attributes without which a match is notably more probable, or else the one where it is most so.
        """
        changes = {
            probe.name: self._change(probe) or 0.0
            for probe in self.probes
            if probe.kind == "attribute" and probe.change == "taken away"
        }
        copies = sorted(self.parts.copies().items(), key=lambda entry: -changes.get(entry[0], 0.0))
        probes = []
        for number, (part, copied) in enumerate(copies):
            if number and changes.get(part, 0.0) < NOTABLE:
                break
            probe = self._probe("attribute", part, copied)
            probe.change, probe.size = "made equal to the other side", self._edits(part)
            probes.append(probe)
        return probes

    def _edits(self, part: str) -> int:
        subject = self.case.subject
        return OSA.distance(*(str(subject[side].get(part) or "") for side in ("left", "right")))

    def _flips(self, probe: _Probe) -> bool:
        outcome = probe.outcome
        return outcome is not None and outcome.confidence is not None and not same_label(outcome.label, self.base.label)

    def _change(self, probe: _Probe) -> float | None:
        """By how much the answer as given is more probable with it than without it."""
        if probe.outcome is None or probe.outcome.confidence is None or self.base.confidence is None:
            return None
        return self.base.confidence - probability_of(self.base.label, probe.outcome)

    def _decided(self) -> list[Contribution]:
        found = []
        for probe in self.probes:
            change = self._change(probe)
            if probe.kind is None or probe.change == "made equal to the other side" or change is None:
                continue
            assert probe.outcome is not None
            contribution = Contribution(
                kind=probe.kind,
                name=probe.name,
                change=round(change, 4),
                answer=probe.outcome.label,
                flips=self._flips(probe),
                statement=probe.rule.statement if probe.rule else None,
            )
            found.append(contribution)
        return sorted(found, key=_weight)

    def _would_change(self) -> WouldChange | None:
        flips = [probe for probe in self.probes if probe.kind not in (None, "fact") and self._flips(probe)]
        if not flips or self.base.confidence is None:
            return None
        least = min(flips, key=lambda probe: probe.size)
        assert least.kind is not None
        assert least.outcome is not None
        assert least.outcome.confidence is not None
        return WouldChange(
            kind=least.kind,
            name=least.name,
            change=least.change,
            answer=least.outcome.label,
            probability=round(least.outcome.confidence, 4),
        )

    def _rewrites(self) -> list[Rewrite]:
        if self.asker.permutation_averaged:
            asked = [(f"order {number}", vote) for number, vote in enumerate(self._orders, start=1)]
        else:
            asked = [(p.name, p.outcome) for p in self.probes[1:] if p.kind is None and p.outcome is not None]
        return [
            Rewrite(
                rewrite=name,
                answer=outcome.label,
                probability=round(probability_of(self.base.label, outcome), 4),
            )
            for name, outcome in asked
            if outcome.confidence is not None
        ]


def _weight(entry: Contribution) -> tuple[bool, bool, float]:
    """What decided by itself first, then a rule without which the answer is another one, then by size of the change."""
    return (
        entry.kind not in ("check", "example"),
        not (entry.kind == "rule" and entry.flips),
        -abs(entry.change),
    )


def _review(base: Outcome, rewrite_sensitive: bool) -> str | None:
    if base.confidence is None:
        return base.failure or "There is no answer."
    if rewrite_sensitive:
        return "A rewrite that changes nothing in the data turns the answer."
    return "The answer is close to undecided." if base.confidence < UNDECIDED else None
