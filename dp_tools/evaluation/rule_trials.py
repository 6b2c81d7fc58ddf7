"""Trying rules: what a rule does to the score, which rules labelled cases teach, and how much each rule sways answers.

The loop of `learn` is that of KnowTrans ("Boosting Transferability of Data Preparation LLMs via Knowledge
Augmentation", 2025), with a measured score on held-back cases for its selector instead of a model's opinion.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dp_tools.errors import InvalidRequest
from dp_tools.evaluation.instances import Instance
from dp_tools.evaluation.scores import Score, same_value, score
from dp_tools.evaluation.splits import Split
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.rules.discovery.contrast import contrast
from dp_tools.rules.injection import Injection
from dp_tools.rules.rule import ALL, Example, Rule
from dp_tools.rules.scope import key
from dp_tools.tasks.task import Case, Outcome

SWAYS = 0.2
"""Share of the sampled answers that a rule changes from which an audit reports it."""
TRIED = 12
"""Candidates that `learn` tries at most."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A case that a rule answers otherwise.

    Args:
        number: the case's number in the data, from 0.
        case: what was asked, short.
        before, after: the answers without and with the rule; None is no answer.
        right: the right answer.
    """

    number: int
    case: str
    before: str | None
    after: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class Trial:
    """A rule's effect on labelled cases.

    Args:
        rule: what was tried.
        before, after: the scores without and with it.
        flips: the cases it answers otherwise.
        mended: flips from wrong to right.
        broken: flips from right to wrong.
    """

    rule: Rule
    before: Score
    after: Score
    flips: tuple[Flip, ...]
    mended: int
    broken: int


@dataclass(frozen=True, slots=True)
class Learned:
    """What labelled cases taught.

    Args:
        kept: rules that raised the score on the held-back cases, in the order they were found.
        tried: how many candidates were measured.
        before, after: the scores on the held-back cases without and with what was kept.
    """

    kept: tuple[Rule, ...]
    tried: int
    before: Score
    after: Score


@dataclass(frozen=True, slots=True)
class Influence:
    """How a rule sways the answers of a sample.

    Args:
        rule: the rule.
        cases: sampled cases in whose scope it stands.
        flips: how many of them are answered otherwise because of it.
        towards: what those became.
        outlier: it changes more than `SWAYS` of the answers in its scope.
    """

    rule: Rule
    cases: int
    flips: int
    towards: dict[str, int]
    outlier: bool


def try_rule(
    preprocessor: Preprocessor,
    split: Split,
    rule: Rule,
    *,
    dataset: str | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Trial:
    """The task on the same cases without and with a rule, which need not be active.

    Args:
        preprocessor: what answers; its knowledge store has the rules that stand beside the one tried.
        split: labelled cases.
        rule: the rule.
        dataset: the dataset whose rules apply; the rule's own if it names one.
        progress: called with (questions answered, questions in all).
        cancel: set it to stop.

    Raises:
        InvalidRequest: the rule is for another task, or holds for none of these cases.
    """
    if rule.task not in (split.task, ALL):
        raise InvalidRequest(f"Rule {rule.id} is for {rule.task} and the data for {split.task}; give fitting data.")
    bench = _Bench(preprocessor, split, dataset or (rule.dataset if rule.dataset != ALL else None), cancel)
    if not bench.holds(rule):
        raise InvalidRequest(f"Rule {rule.id} holds for none of these cases; name its dataset and check its attribute.")
    half = len(bench.cases)
    before = bench.outcomes([], without=rule.id, progress=_part(progress, 0, 2 * half))
    after = bench.outcomes([rule], progress=_part(progress, half, 2 * half))
    return bench.trial(rule, before, after)


def learn(
    preprocessor: Preprocessor,
    split: Split,
    *,
    dataset: str | None = None,
    candidates: Sequence[Rule] = (),
    seed: int = 42,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Learned:
    """Rules and examples that labelled cases teach: found on one half, kept if they raise the score on the other.

    Args:
        preprocessor: what answers.
        split: labelled cases, of both labels.
        dataset: the dataset the rules are to hold for.
        candidates: further rules to try, such as those an agent or a person wrote.
        seed: which cases are held back.
        progress: called with (questions answered, questions in all); what is in all is an upper bound.
        cancel: set it to stop.

    Raises:
        InvalidRequest: there are fewer than 8 cases.
    """
    if len(split.instances) < 8:
        raise InvalidRequest(f"Learning needs 8 labelled cases or more; there are {len(split.instances)}.")
    shown, held = _halves(split, seed)
    fit = _Bench(preprocessor, shown, dataset, cancel)
    bench = _Bench(preprocessor, held, dataset, cancel)
    total = (TRIED + 1) * len(bench.cases) + len(fit.cases)
    labelled = [(case.subject, instance.label) for case, instance in fit.pairs if instance.label is not None]
    found = [*candidates, *contrast(split.task, labelled, dataset=dataset or ALL)]
    wrong = fit.wrong(fit.outcomes([], progress=_part(progress, 0, total)))
    found += _from_mistakes(split.task, wrong, dataset or ALL)
    kept: list[Rule] = []
    before = best = bench.outcomes([], progress=_part(progress, len(fit.cases), total))
    tried = 0
    for rule in found:
        if tried == TRIED:
            break
        if not bench.holds(rule) or not bench.decides(rule):
            continue
        tried += 1
        part = _part(progress, len(fit.cases) + tried * len(bench.cases), total)
        outcomes = bench.outcomes([*kept, rule], progress=part)
        if bench.score(outcomes).score > bench.score(best).score:
            kept.append(rule)
            best = outcomes
    return Learned(tuple(kept), tried, bench.score(before), bench.score(best))


def audit(
    preprocessor: Preprocessor,
    split: Split,
    *,
    dataset: str | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> tuple[Influence, ...]:
    """How much each rule in force sways the answers to a sample, most first. The labels are not looked at.

    Raises:
        Cancelled: `cancel` was set.
    """
    bench = _Bench(preprocessor, split, dataset, cancel)
    rules = bench.in_force()
    total = (len(rules) + 1) * len(bench.cases)
    with_all = bench.outcomes([], progress=_part(progress, 0, total))
    found = []
    for number, rule in enumerate(rules, start=1):
        part = _part(progress, number * len(bench.cases), total)
        changed = bench.outcomes([], without=rule.id, progress=part)
        cases = bench.scope_of(rule)
        flips = [with_all[n].label or "no answer" for n in cases if with_all[n].label != changed[n].label]
        share = len(flips) / len(cases) if cases else 0.0
        found.append(Influence(rule, len(cases), len(flips), dict(Counter(flips)), share > SWAYS))
    return tuple(sorted(found, key=lambda entry: -entry.flips))


class _Bench:
    """Labelled cases, and how they end under other rules; only what another rule touches is asked again."""

    def __init__(
        self, preprocessor: Preprocessor, split: Split, dataset: str | None, cancel: threading.Event | None
    ) -> None:
        self._preprocessor = preprocessor
        self._task = split.task
        self._dataset = dataset
        self._cancel = cancel
        asked = split.asked(dataset=dataset)
        self.cases, self.instances = asked.cases, asked.instances

    @property
    def pairs(self) -> list[tuple[Case, Instance]]:
        return list(zip(self.cases, self.instances, strict=True))

    def outcomes(self, trying: Sequence[Rule], *, without: str = "", progress: Progress | None = None) -> list[Outcome]:
        injections = self._injections(trying)
        if without:
            injections = {attribute: found.without(without) for attribute, found in injections.items()}
        return self._preprocessor.decider.outcomes(
            self._task, self.cases, injections, progress=progress, cancel=self._cancel
        )

    def score(self, outcomes: Sequence[Outcome]) -> Score:
        return score(self._task, self.instances, outcomes)

    def trial(self, rule: Rule, before: Sequence[Outcome], after: Sequence[Outcome]) -> Trial:
        flips = [
            Flip(number, _short(case), was.label, now.label, instance.label)
            for number, ((case, instance), was, now) in enumerate(zip(self.pairs, before, after, strict=True))
            if was.label != now.label
        ]
        return Trial(
            rule,
            self.score(before),
            self.score(after),
            tuple(flips),
            mended=sum(flip.after == flip.right for flip in flips),
            broken=sum(flip.before == flip.right for flip in flips),
        )

    def wrong(self, outcomes: Sequence[Outcome]) -> list[tuple[Case, str]]:
        return [
            (case, instance.label)
            for (case, instance), outcome in zip(self.pairs, outcomes, strict=True)
            if instance.label is not None and not same_value(outcome.label or "", instance.label)
        ]

    def holds(self, rule: Rule) -> bool:
        return any(
            rule.id in {found.id for found in _all_rules(injection)} for injection in self._injections([rule]).values()
        )

    def decides(self, rule: Rule) -> bool:
        """Whether a rule that is only for code decides any of these cases; one for the model always may."""
        if rule.check is None and not rule.examples:
            return True
        injections = self._injections([rule])
        if any(injection.allowed() for injection in injections.values()):
            return True
        return any(
            (decision := injections[case.attribute].decide(case.subject)) is not None
            and rule.id in (decision.rule.id, *(entry.rule.id for entry in decision.overridden))
            for case in self.cases
        )

    def in_force(self) -> list[Rule]:
        rules = {rule.id: rule for found in self._injections([]).values() for rule in _all_rules(found)}
        return list(rules.values())

    def scope_of(self, rule: Rule) -> list[int]:
        return [
            number
            for number, case in enumerate(self.cases)
            if rule.attribute == ALL or key(case.attribute or ALL) == key(rule.attribute)
        ]

    def _injections(self, trying: Sequence[Rule]) -> dict[str | None, Injection]:
        return {
            attribute: self._preprocessor.knowledge.inject(
                task=self._task, dataset=self._dataset, attribute=attribute, trying=trying
            )
            for attribute in dict.fromkeys(case.attribute for case in self.cases)
        }


def _all_rules(injection: Injection) -> list[Rule]:
    return [*injection.rules, *(entry.rule for entry in injection.overridden)]


def _from_mistakes(task: str, wrong: Sequence[tuple[Case, str]], dataset: str) -> list[Rule]:
    """The cases that were answered wrongly, as labelled examples."""
    if not wrong:
        return []
    examples = tuple(Example(case=case.subject, label=label) for case, label in wrong)
    slug = "".join(character if character.isalnum() else "-" for character in dataset.casefold()).strip("-") or ALL
    return [
        Rule(
            id=f"learned-{slug[:60]}-{task.replace('_', '-')}-seen",
            task=task,
            dataset=dataset,
            statement="Cases seen before keep their label.",
            examples=examples,
            source="learned",
            status="proposed",
        )
    ]


def _halves(split: Split, seed: int) -> tuple[Split, Split]:
    """Two halves with the same share of each label."""
    chooser = random.Random(seed)
    numbers = list(range(len(split.instances)))
    chooser.shuffle(numbers)
    numbers.sort(key=lambda number: split.instances[number].label in (None, "no"))
    shown, held = sorted(numbers[::2]), sorted(numbers[1::2])
    return (
        replace(split, instances=tuple(split.instances[number] for number in shown)),
        replace(split, instances=tuple(split.instances[number] for number in held)),
    )


def _part(progress: Progress | None, start: int, total: int) -> Progress | None:
    if progress is None:
        return None
    whole: Callable[[int, int], None] = progress
    return lambda done, _: whole(start + done, total)


def _short(case: Case) -> str:
    subject = case.subject
    if "value" in subject:
        return f"{subject['attribute']}: {subject['value']}"[:120]
    if "left" in subject:
        return " / ".join(" ".join(str(v) for v in subject[s].values() if v)[:58] for s in ("left", "right"))
    return str(next(iter(subject.values())))[:120]
