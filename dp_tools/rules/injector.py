"""The injector: selects the rules that apply in a scope, by precedence and within a token budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from dp_tools.rules.checks import Check
from dp_tools.rules.injection import Decision, Overridden, Subject
from dp_tools.rules.rule import ALL, Example, Rule
from dp_tools.rules.same_case import case_key
from dp_tools.rules.scope import Rank, key, rank
from dp_tools.rules.vetting import vet_text

RULE_SHARE = 0.5
"""The largest part of the budget that one rule may take."""
PACK_SHARE = 0.75
"""The largest part of the budget that the rules of one pack may take together."""

LEFT_TO_ITS_CHECK = "left to its check"
"""Why the model does not read a rule whose check decides passing and failing cases: of others it says nothing."""

_YES_NO = {
    "detect_errors": {True: "no", False: "yes"},
    "match_entities": {True: "yes", False: "no"},
    "match_schemas": {True: "yes", False: "no"},
}
"""What a passed and a failed check say, by task: a cell that passes holds no error, a pair that passes matches."""


def estimate_tokens(text: str) -> int:
    """Tokens a text takes at most in common vocabularies, for callers without a tokenizer."""
    return math.ceil(len(text.encode()) / 3)


@dataclass(frozen=True)
class Selection:
    """An `Injection` over rules that were read from the store: a snapshot, safe to share between threads.

    Args:
        task: the task it was made for.
        dataset: the dataset it was made for, or None.
        attribute: the attribute it was made for, or None.
        candidates: the active rules of the scope with their age (lower is older), in any order.
        budget: tokens that the statements may take together.
        count: counts the tokens of one statement.
        of_cells: where a gap is to be filled, the rules of error detection: a closed set of values that they name is
            one to fill from.
    """

    task: str
    dataset: str | None
    attribute: str | None
    candidates: tuple[tuple[Rule, int], ...]
    budget: int
    count: Callable[[str], int]
    of_cells: Selection | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        return self._spoken[0]

    @property
    def overridden(self) -> tuple[Overridden, ...]:
        return (*self._silenced, *self._spoken[1])

    def decide(self, subject: Subject) -> Decision | None:
        verdicts = self._verdicts(subject)
        first = next(verdicts, None)
        if first is None:
            return None
        others = tuple(
            Overridden(other.rule, f"says {other.label}; {first.rule.id} takes precedence")
            for other in verdicts
            if other.label != first.label
        )
        return replace(first, overridden=others)

    def allowed(self) -> tuple[str, ...] | None:
        for rule in self._acting:
            if rule.check is not None:
                values = Check.of(rule).allowed(self.attribute)
                if values is not None:
                    return values
        return None if self.of_cells is None else self.of_cells.allowed()

    def without(self, rule_id: str) -> Selection:
        candidates = tuple(pair for pair in self.candidates if pair[0].id != rule_id)
        of_cells = None if self.of_cells is None else self.of_cells.without(rule_id)
        return replace(self, candidates=candidates, of_cells=of_cells)

    def examples(self) -> tuple[Example, ...]:
        return tuple(example for rule in self._acting for example in rule.examples)

    def without_examples(self) -> Selection:
        candidates = tuple((rule.model_copy(update={"examples": ()}), place) for rule, place in self.candidates)
        of_cells = None if self.of_cells is None else self.of_cells.without_examples()
        return replace(self, candidates=candidates, of_cells=of_cells)

    def _verdicts(self, subject: Subject) -> Iterator[Decision]:
        """Every verdict on the case, most binding first."""
        if self._labels:
            for rule, label in self._labels.get(case_key(subject), ()):
                answer = key(label) if self.task in _YES_NO else label
                yield Decision(answer, rule, "example", f"Labelled case: {rule.statement}")
        for rule in self._checked:
            check = Check.of(rule)
            if self.task in _YES_NO:
                passed = check.judge(subject)
                if passed is False or (passed and rule.decides == "both"):
                    yield Decision(_YES_NO[self.task][passed], rule, "check", rule.statement)
            elif self.task == "impute":
                value = check.value_for(subject)
                if value is not None:
                    yield Decision(value, rule, "check", rule.statement)

    @cached_property
    def _ordered(self) -> tuple[Rule, ...]:
        """Most binding first; the call's own rules are the last word of whoever asks, so they lead their rank."""

        def order(pair: tuple[Rule, int]) -> tuple[int, int, int, int]:
            rule, age = pair
            called = rule.source == "call"
            return (Rank.ATTRIBUTE if called else rank(rule), 0 if called else 1, -rule.priority, age)

        return tuple(rule for rule, _ in sorted(self.candidates, key=order))

    @cached_property
    def _by_topic(self) -> tuple[tuple[Rule, ...], tuple[Overridden, ...]]:
        acting: list[Rule] = []
        silenced: list[Overridden] = []
        leaders: dict[str, Rule] = {}
        for rule in self._ordered:
            leader = leaders.setdefault(key(rule.topic), rule) if rule.topic.strip() else rule
            if leader is rule:
                acting.append(rule)
            else:
                silenced.append(Overridden(rule, f"{leader.id} takes precedence on {rule.topic}"))
        return tuple(acting), tuple(silenced)

    @property
    def _acting(self) -> tuple[Rule, ...]:
        return self._by_topic[0]

    @property
    def _silenced(self) -> tuple[Overridden, ...]:
        return self._by_topic[1]

    @cached_property
    def _checked(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self._acting if rule.check is not None)

    @cached_property
    def _labels(self) -> dict[str, list[tuple[Rule, str]]]:
        labels: dict[str, list[tuple[Rule, str]]] = {}
        for rule in self._acting:
            for example in rule.examples:
                labels.setdefault(case_key(example.case), []).append((rule, example.label))
        return labels

    @cached_property
    def _spoken(self) -> tuple[tuple[Rule, ...], tuple[Overridden, ...]]:
        """What fits, most binding rules served first, and what does not."""
        taken: list[Rule] = []
        overridden: list[Overridden] = []
        spoken: dict[str, Rule] = {}
        used = 0
        packs: dict[str, int] = {}
        for rule in self._acting:
            tokens = self.count(rule.statement)
            same = spoken.get(key(rule.statement))
            if self.task in _YES_NO and rule.check is not None and rule.decides == "both":
                reason = LEFT_TO_ITS_CHECK
            elif same is not None:
                reason = f"{same.id} says the same"
            elif tokens > self.budget * RULE_SHARE:
                reason = f"takes {tokens} of {self.budget} tokens, more than one rule may"
            elif used + tokens > self.budget:
                reason = f"no room left in {self.budget} tokens"
            elif rule.pack and packs.get(rule.pack, 0) + tokens > self.budget * PACK_SHARE:
                reason = f"pack {rule.pack} has used its share of {self.budget} tokens"
            else:
                taken.append(rule)
                spoken[key(rule.statement)] = rule
                used += tokens
                packs[rule.pack] = packs.get(rule.pack, 0) + tokens
                continue
            overridden.append(Overridden(rule, reason))
        return tuple(reversed(taken)), tuple(overridden)


def call_rules(
    extra: Sequence[str], *, task: str, dataset: str | None, attribute: str | None
) -> tuple[tuple[Rule, int], ...]:
    """The call's own rules as candidates: they bind like rules for this dataset and attribute and are never stored.

    Raises:
        RuleRejected: a statement that no rule may carry.
    """
    for statement in extra:
        vet_text(statement, "A rule of the call")
    return tuple(
        (
            Rule(
                id=f"call-{number}",
                task=task,
                dataset=dataset or ALL,
                attribute=attribute or ALL,
                statement=statement.strip(),
                source="call",
            ),
            number,
        )
        for number, statement in enumerate(extra, start=1)
        if statement.strip()
    )
