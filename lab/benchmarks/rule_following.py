"""Whether the model does what a rule says: the same case under opposite rules, and under rules that say nothing of it.

Every sentence here is worded otherwise than in the training mixture, and the records are those of valid splits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from dp_tools.decision import task_of
from dp_tools.errors import TableUnavailable
from dp_tools.evaluation.datasets import read_datasets
from dp_tools.evaluation.instances import Instance
from dp_tools.evaluation.scores import same_value
from dp_tools.evaluation.splits import Split
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.records import clean_name, is_missing
from dp_tools.tasks.detect_errors import DetectErrorsRequest
from dp_tools.tasks.impute import ImputeRequest
from dp_tools.tasks.match_entities import MatchEntitiesRequest, RecordPair
from dp_tools.tasks.task import Outcome, Request
from lab.mixture.rule_forms import capitalised

Opposites = tuple[tuple[str, str], ...]
"""Rules about {a} with what demands the opposite answer; a case comes under both sentences of one pair."""

GAPS: Opposites = (
    ("It is wrong to leave {a} blank.", "It is all right to leave {a} blank."),
    ("A record cannot do without its {a}.", "A record can do without its {a}."),
    ("Whoever leaves out {a} has forgotten something.", "Whoever leaves out {a} has forgotten nothing."),
    ("{a} can never be absent.", "{a} can well be absent."),
)
"""A gap is an error, or none."""
SMALL: Opposites = (
    ("Only capitals occur in {a}.", "Only small letters occur in {a}."),
    ("{a} looks like ABC, not like abc.", "{a} looks like abc, not like ABC."),
    ("Upper case is the rule for {a}.", "Lower case is the rule for {a}."),
    ("Whoever types {a} holds the shift key down.", "Whoever types {a} never presses the shift key."),
)
"""A value in small letters is an error, or none."""
DIGITS: Opposites = (
    ("No digit ever stands in {a}.", "Digits do occur in {a}."),
    ("Where {a} has a number in it, something went wrong.", "A number in {a} is what we expect."),
    ("Numbers got into {a} by mistake.", "Numbers got into {a} on purpose."),
    ("{a} is spelled without any of 0 to 9.", "{a} may well hold some of 0 to 9."),
)
"""A value with a digit is an error, or none."""
PAIRS: Opposites = (
    (
        "Two records that do not agree on {a} are never one and the same.",
        "Whether they agree on {a} is beside the point.",
    ),
    ("If {a} is not the same, they are two things.", "If {a} is not the same, that proves nothing."),
    ("One thing has one {a}; another {a}, another thing.", "One thing may be listed with more than one {a}."),
    ("{a} always tells two things apart.", "{a} never tells two things apart."),
)
"""Records that match otherwise but differ in {a} are no match, or a match."""
WRITTEN: Opposites = (
    ("Every letter of {a} is a capital.", "Every letter of {a} is a small one."),
    ("No letter of {a} is small.", "No letter of {a} is a capital."),
    ("We print {a} like ACME, never like Acme.", "We print {a} like acme, never like Acme."),
    ("Our system knows {a} in upper case alone.", "Our system knows {a} in lower case alone."),
)
"""A value is written in capitals, or in small letters."""
IDLE = (
    "Opening hours are given for weekdays.",
    "Chemical names follow IUPAC.",
    "Coordinates are in decimal degrees.",
    "Licence plates are written without blanks.",
    "Exchange rates are those of the day before.",
    "Blood pressure is in millimetres of mercury.",
)


_WRITTEN = "how a value is written"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of rule.

    Args:
        name: what the rules are about.
        cases: questions asked, each with its rule.
        followed: those answered as the rule says.
    """

    name: str
    cases: int
    followed: int


@dataclass(frozen=True, slots=True)
class Following:
    """How rules are followed.

    Args:
        kinds: counterfactual cases: the same case under a rule and its opposite.
        idle: questions asked with and without a rule that has nothing to do with them.
        swayed: those of them whose answer the rule changed.
    """

    kinds: tuple[Kind, ...]
    idle: int
    swayed: int

    @property
    def whole(self) -> Kind:
        """The counterfactual cases of all kinds together."""
        return Kind("all", sum(kind.cases for kind in self.kinds), sum(kind.followed for kind in self.kinds))


@dataclass(frozen=True, slots=True)
class _Case:
    kind: str
    request: Request
    answer: str


def measure_following(
    preprocessor: Preprocessor,
    data: Path,
    *,
    cases: int = 300,
    seed: int = 42,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Following:
    """Ask counterfactual cases, and questions with idle rules.

    Args:
        preprocessor: what answers.
        data: a folder of labelled instances, of which the valid splits are read.
        cases: how many of each of the two.
        seed: which.
        progress: called with (questions answered, questions in all).
        cancel: set it to stop.

    Raises:
        TableUnavailable: the folder holds no valid split to take cases from.
    """
    random = Random(seed)
    splits = [found.split("valid") for found in read_datasets(data) if "valid" in found.files]
    counterfactual = list(_counterfactual(random, splits, cases))
    plain = [request for split in splits for request in _plain(random, split, cases // max(1, len(splits)) + 1)]
    random.shuffle(plain)
    plain = plain[:cases]
    if not counterfactual or not plain:
        raise TableUnavailable(f"{data} has no valid splits to take cases from.")
    idle = [request.model_copy(update={"rules": [random.choice(IDLE)]}) for request in plain]
    total = len(counterfactual) + 2 * len(plain)
    asked = 0

    def ask(request: Request) -> Outcome:
        nonlocal asked
        task = task_of(request)
        found = task.cases(request, None)
        injections = preprocessor.decider.inject(task.name, found, request)
        (outcome,) = preprocessor.decider.outcomes(task.name, found, injections, cancel=cancel)
        asked += 1
        if progress is not None:
            progress(asked, total)
        return outcome

    counts: dict[str, list[int]] = {}
    for case in counterfactual:
        outcome = ask(case.request)
        right = outcome.label is not None and _agrees(case, outcome.label)
        counts.setdefault(case.kind, []).append(int(right))
    swayed = sum(ask(bare).label != ask(ruled).label for bare, ruled in zip(plain, idle, strict=True))
    kinds = tuple(Kind(name, len(found), sum(found)) for name, found in sorted(counts.items()))
    return Following(kinds, len(plain), swayed)


def _agrees(case: _Case, label: str) -> bool:
    # How letters are written is what the rule of an imputation is about.
    return label == case.answer if case.kind == _WRITTEN else same_value(label, case.answer)


def _counterfactual(random: Random, splits: Sequence[Split], count: int) -> Iterator[_Case]:
    """Pairs of cases, as many of each kind as of the next."""
    makers = [
        _gap(random, splits),
        _valued(random, splits, "small letters", SMALL, str.islower),
        _valued(random, splits, "digits", DIGITS, lambda value: any(letter.isdigit() for letter in value)),
        _pairs(random, splits),
        _written(random, splits),
    ]
    made = 0
    while makers and made < count:
        for maker in list(makers):
            both = next(maker, None)
            if both is None:
                makers.remove(maker)
                continue
            yield from both
            made += len(both)


def _cells(random: Random, splits: Sequence[Split]) -> list[Instance]:
    found = [instance for split in splits if split.folder == "ED" for instance in split.instances]
    return random.sample(found, len(found))


def _gap(random: Random, splits: Sequence[Split]) -> Iterator[list[_Case]]:
    for instance in _cells(random, splits):
        attribute = instance.row["attribute"]
        yield _opposed(random, "gaps", GAPS, {**instance.row["record"], attribute: None}, attribute)


def _valued(
    random: Random, splits: Sequence[Split], kind: str, wordings: Opposites, fits: Callable[[str], bool]
) -> Iterator[list[_Case]]:
    """Cells whose value fits."""
    for instance in _cells(random, splits):
        record, attribute = instance.row["record"], instance.row["attribute"]
        value = record[attribute] or ""
        if not is_missing(value) and fits(value) and len(value) < 40:
            yield _opposed(random, kind, wordings, record, attribute)


def _opposed(
    random: Random, kind: str, wordings: Opposites, record: dict[str, str | None], attribute: str
) -> list[_Case]:
    """A cell under a rule that calls it an error and under its opposite."""
    return [
        _Case(kind, DetectErrorsRequest(records=[record], attributes=[attribute], rules=[rule]), answer)
        for rule, answer in zip(_both_ways(random, wordings, attribute), ("yes", "no"), strict=True)
    ]


def _both_ways(random: Random, wordings: Opposites, attribute: str) -> list[str]:
    """One of the wordings, both ways."""
    return [capitalised(rule.replace("{a}", clean_name(attribute))) for rule in random.choice(wordings)]


def _pairs(random: Random, splits: Sequence[Split]) -> Iterator[list[_Case]]:
    """Matching pairs that differ in an attribute: no match under the one rule, a match under the other."""
    found = [i for split in splits if split.folder == "EM" for i in split.instances if i.label == "yes"]
    for instance in random.sample(found, len(found)):
        left, right = instance.row["left"], instance.row["right"]
        names = [
            name
            for name in left
            if name in right
            and not is_missing(left[name])
            and not is_missing(right[name])
            and not same_value(left[name], right[name])
        ]
        if names:
            pair = RecordPair(left=left, right=right)
            yield [
                _Case("pairs", MatchEntitiesRequest(pairs=[pair], rules=[rule]), answer)
                for rule, answer in zip(_both_ways(random, PAIRS, random.choice(names)), ("no", "yes"), strict=True)
            ]


def _written(random: Random, splits: Sequence[Split]) -> Iterator[list[_Case]]:
    """Gaps whose value stands in the record, to be written in capitals and in small letters."""
    found = [i for split in splits if split.folder == "DI" for i in split.instances]
    for instance in random.sample(found, len(found)):
        record, attribute, value = instance.row["record"], instance.row["attribute"], instance.label or ""
        text = " ".join(str(cell) for cell in record.values()).casefold()
        if value.casefold() in text and value.upper() != value.lower() and len(value) < 30:
            written = (value.upper(), value.lower())
            yield [
                _Case(_WRITTEN, ImputeRequest(records=[record], attribute=attribute, rules=[rule]), answer)
                for rule, answer in zip(_both_ways(random, WRITTEN, attribute), written, strict=True)
            ]


def _plain(random: Random, split: Split, count: int) -> Iterator[Request]:
    """Single questions about the instances of a split."""
    chosen = random.sample(split.instances, min(count, len(split.instances)))
    for instance in chosen:
        yield from (batch.request for batch in replace(split, instances=(instance,)).batches())
