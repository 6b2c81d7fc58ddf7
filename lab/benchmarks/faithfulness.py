"""Whether explanations are true: is what they name what the answer hangs on, and what does it cost to know?

Deletion and sufficiency are the area measures of DeYoung et al., "ERASER" (ACL 2020): take away what was named and the
probability of the answer should fall; keep nothing else and it should stay. Both against attributes picked at random.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dp_tools.decision import task_of
from dp_tools.errors import TableUnavailable
from dp_tools.evaluation.splits import Split
from dp_tools.explain import Explanation, explain
from dp_tools.explain.item_parts import ItemParts, parts_of, single
from dp_tools.explain.perturbation import NOTABLE
from dp_tools.explain.perturbed_questions import Asker, PerturbedQuestion, probability_of
from dp_tools.preprocessor import Preprocessor
from dp_tools.profiling import Facts
from dp_tools.progress import Progress
from dp_tools.rules.rule import Example, Rule
from dp_tools.tasks.detect_errors import DetectErrorsRequest
from dp_tools.tasks.task import Request
from lab.mixture.rule_forms import value_rules

DEPTH = 3
"""Attributes that are taken away or kept at most; a paragraph names no more."""
RANDOM_ORDERS = 2


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Mean probability of the answer by the number of attributes taken away, and kept.

    An answer for which fewer attributes are named stays where it is when they are used up, at random too.

    Args:
        name: of the dataset.
        answers: how many were explained.
        deleted, deleted_random: after taking away 0, 1, 2 ... attributes, those named, and random ones.
        kept, kept_random: with only 0, 1, 2 ... attributes.
    """

    name: str
    answers: int
    deleted: tuple[float, ...]
    deleted_random: tuple[float, ...]
    kept: tuple[float, ...]
    kept_random: tuple[float, ...]

    @property
    def deletion(self) -> tuple[float, float]:
        """Mean fall of the probability over the numbers from 1: named, random. Of the named more is better."""
        return self._falls(self.deleted), self._falls(self.deleted_random)

    @property
    def sufficiency(self) -> tuple[float, float]:
        """Mean fall from the whole case to what is kept: named, random. Of the named less is better."""
        return self._falls(self.kept), self._falls(self.kept_random)

    def _falls(self, line: Sequence[float]) -> float:
        return statistics.mean(self.deleted[0] - p for p in line[1:])


def faithfulness(
    preprocessor: Preprocessor,
    split: Split,
    *,
    depth: int = DEPTH,
    seed: int = 42,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> list[Faithfulness]:
    """Explain every answer of a split and measure whether it hangs on what was named.

    Named are the attributes whose contribution is notable, or else the strongest one, and never all of them. Answers
    that a check or an example decided do not hang on attributes and are left out; the dataset is not named either.

    Args:
        preprocessor: what answers.
        split: the instances.
        depth: attributes that are taken away or kept at most.
        seed: of the random orders.
        progress, cancel: as `Preprocessor.run`; progress counts answers.

    Returns:
        One result; for error detection a second one for which the judged cell does not count as an attribute: it mostly
        decides, so without it the question is harder.

    Raises:
        TableUnavailable: no answer was the model's own.
    """
    chooser = random.Random(seed)
    asker = Asker(preprocessor.decider, split.facts)
    found: dict[bool, list[list[list[float]]]] = {True: [], False: []}
    for done, (request, explanation) in enumerate(explained(preprocessor, split, cancel=cancel), start=1):
        if progress is not None:
            progress(done, len(split.instances))
        item_parts = parts_of(single(request, explanation.item))
        for with_own in (True, False) if item_parts.own is not None else (True,):
            parts = [part for part in item_parts.parts if with_own or part != item_parts.own]
            if explanation.decided_by == "model" and explanation.probability is not None and len(parts) > 1:
                found[with_own].append(_lines(asker, item_parts, parts, explanation, depth, chooser, cancel))
    if not found[True]:
        raise TableUnavailable(f"No answer of {split.dataset} was the model's own: nothing can be measured.")
    names = {True: split.dataset, False: f"{split.dataset}, other attributes only"}
    return [
        Faithfulness(names[with_own], len(cases), *(tuple(_mean(lines)) for lines in zip(*cases, strict=True)))
        for with_own, cases in found.items()
        if cases
    ]


def explained(
    preprocessor: Preprocessor, split: Split, *, cancel: threading.Event | None = None
) -> Iterator[tuple[Request, Explanation]]:
    """Every instance of a split with its explanation, under general rules."""
    for batch in split.batches():
        for start in range(0, len(batch.instances), 20):
            items = range(start, min(start + 20, len(batch.instances)))
            found = explain(preprocessor.decider, batch.request, items, facts=split.facts, cancel=cancel)
            yield from ((batch.request, explanation) for explanation in found.explanations)


def _lines(
    asker: Asker,
    item_parts: ItemParts[Request],
    parts: Sequence[str],
    explanation: Explanation,
    depth: int,
    chooser: random.Random,
    cancel: threading.Event | None,
) -> list[list[float]]:
    """The probability of the answer as parts are taken away and kept: deleted, random, kept, random."""
    change = {entry.name: entry.change for entry in explanation.decided if entry.kind == "attribute"}
    named = sorted(parts, key=lambda part: -change.get(part, 0.0))
    notable = sum(change.get(part, 0.0) >= NOTABLE for part in parts)
    most = min(max(notable, 1), depth, len(parts) - 1)
    orders = [named, *(chooser.sample(parts, len(parts)) for _ in range(RANDOM_ORDERS))]
    groups = [order[: min(place, most)] for order in orders for place in range(depth + 1)]
    wanted = [item_parts.without(group) for group in groups]
    wanted += [item_parts.without([part for part in parts if part not in group]) for group in groups]
    case = asker.case(item_parts.request)
    injection = asker.decider.inject(task_of(item_parts.request).name, [case], item_parts.request)[case.attribute]
    outcomes = asker.ask([PerturbedQuestion(request, injection) for request in wanted], cancel=cancel)
    found = [probability_of(explanation.answer, outcome) for (outcome,) in outcomes]
    size = depth + 1
    rows = [found[start : start + size] for start in range(0, len(found), size)]
    deleted, kept = rows[: len(orders)], rows[len(orders) :]
    return [deleted[0], _mean(deleted[1:]), kept[0], _mean(kept[1:])]


def _mean(rows: Sequence[Sequence[float]]) -> list[float]:
    return [statistics.mean(column) for column in zip(*rows, strict=True)]


@dataclass(frozen=True, slots=True)
class Planted:
    """Cases in which a rule alone decides.

    Args:
        kind: statement, check or example.
        cases: how many there were.
        first: in how many the explanation names the rule first.
        tried: how many cases were tried to find them.
    """

    kind: str
    cases: int
    first: int
    tried: int


def planted(
    preprocessor: Preprocessor,
    splits: Iterable[Split],
    cases: int = 100,
    *,
    seed: int = 42,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> list[Planted]:
    """Plant rules that alone decide a cell and see whether explanations name them first.

    Half of the cases are statements that turn the model's answer, a quarter checks, a quarter labelled examples. That a
    rule alone decides is measured: the answer without it is another one.

    Args:
        preprocessor: what answers; its knowledge store gets rules, so it should be one of its own (":memory:").
        splits: of error detection; cells are taken from them in random order.
        cases: how many are wanted in all.
        seed: of the choice of cells and wordings.
        progress, cancel: as `Preprocessor.run`; progress counts the cases found.
    """
    chooser = random.Random(seed)
    cells = [
        (
            DetectErrorsRequest(records=[i.row["record"]], attributes=[i.row["attribute"]], show_record=True),
            split.facts,
        )
        for split in splits
        if split.folder == "ED"
        for i in split.instances
    ]
    chooser.shuffle(cells)
    wanted = {"statement": cases - 2 * (cases // 4), "check": cases // 4, "example": cases // 4}

    def plant(kind: str, number: int, request: DetectErrorsRequest, facts: Facts | None) -> Explanation | None:
        if kind == "statement":
            return _with_statement(preprocessor, request, facts, chooser, cancel)
        return _with_rule(preprocessor, request, facts, kind, f"planted-{kind}-{number}", cancel)

    results, done = [], 0
    for kind, count in wanted.items():
        found = first = tried = 0
        for request, facts in cells[: 20 * count]:
            if found == count:
                break
            tried += 1
            explanation = plant(kind, tried, request, facts)
            if explanation is None:
                continue
            found += 1
            done += 1
            first += explanation.decided[0].name.startswith(("call-", "planted-"))
            if progress is not None:
                progress(done, cases)
        results.append(Planted(kind, found, first, tried))
    return results


def _with_statement(
    preprocessor: Preprocessor,
    request: DetectErrorsRequest,
    facts: Facts | None,
    chooser: random.Random,
    cancel: threading.Event | None,
) -> Explanation | None:
    """The explanation under a statement about the cell that turns the model's answer; None if it does not."""
    (attribute,) = request.attributes or [""]
    rules = value_rules(chooser, attribute, request.records[0][attribute])
    if not rules:
        return None
    statement, _, _ = chooser.choice(rules)
    ruled = request.model_copy(update={"rules": [statement]})
    before, after = (preprocessor.run(asked, facts=facts, cancel=cancel).cells[0] for asked in (request, ruled))  # type: ignore[attr-defined]
    if before.error == after.error or after.decided_by != "model":
        return None
    return explain(preprocessor.decider, ruled, facts=facts, cancel=cancel).explanations[0]


def _with_rule(
    preprocessor: Preprocessor,
    request: DetectErrorsRequest,
    facts: Facts | None,
    kind: str,
    name: str,
    cancel: threading.Event | None,
) -> Explanation | None:
    """The explanation under a check or an example that says the opposite of the model; None where a check cannot."""
    (attribute,) = request.attributes or [""]
    record = request.records[0]
    value = record[attribute]
    plain = preprocessor.run(request, facts=facts, cancel=cancel).cells[0]  # type: ignore[attr-defined]
    if plain.decided_by != "model" or (kind == "check" and value is None):
        return None
    rule = Rule(id=name, task="detect_errors", attribute=attribute, statement=f"{attribute} is settled.")
    if kind == "example":
        subject = {"record": record, "attribute": attribute, "value": value}
        labelled = Example(case=subject, label="no" if plain.error else "yes")
        rule = rule.model_copy(update={"examples": (labelled,)})
    elif plain.error:
        rule = rule.model_copy(update={"check": {"enum": [value]}, "decides": "both"})
    else:
        rule = rule.model_copy(update={"check": {"not": {"enum": [value]}}})
    preprocessor.knowledge.add(rule, who="the benchmark", why="planted")
    try:
        explanation = explain(preprocessor.decider, request, facts=facts, cancel=cancel).explanations[0]
    finally:
        preprocessor.knowledge.retire(name, who="the benchmark")
    return explanation if explanation.decided_by == kind else None


@dataclass(frozen=True, slots=True)
class Cost:
    """What explanations take: seconds for an answer by itself and for its explanation, medians over pairs.

    Args:
        name: of the dataset.
        pairs: how many were measured.
        ratio: median of explanation over answer.
    """

    name: str
    pairs: int
    answer: float
    explanation: float
    ratio: float


def cost(
    preprocessor: Preprocessor,
    split: Split,
    *,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Cost | None:
    """Time the answer and the explanation of every pair of a split, one pair at a time, the dataset's rules in force.

    Pairs that a check or an example decides take no time worth comparing with and are left out.

    Args:
        preprocessor: what answers; without an answer cache.
        split: of entity matching.
        progress, cancel: as `Preprocessor.run`.

    Returns:
        The cost, or None where the model answered no pair.
    """
    times: list[tuple[float, float]] = []
    (batch,) = split.batches(dataset=split.dataset)
    preprocessor.run(single(batch.request, 0))  # the model loads at its first question
    for item in range(len(batch.instances)):
        request = single(batch.request, item)
        started = time.perf_counter()
        preprocessor.run(request, cancel=cancel)
        answered = time.perf_counter()
        (explanation,) = explain(preprocessor.decider, request, cancel=cancel).explanations
        if explanation.decided_by == "model":
            times.append((answered - started, time.perf_counter() - answered))
        if progress is not None:
            progress(item + 1, len(batch.instances))
    if not times:
        return None
    return Cost(
        split.dataset,
        len(times),
        statistics.median(answer for answer, _ in times),
        statistics.median(explanation for _, explanation in times),
        statistics.median(explanation / answer for answer, explanation in times),
    )
