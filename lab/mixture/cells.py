"""Training examples of error detection: labelled cells, errors on clean tables, and rules that bind the verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from random import Random

from dp_tools.adapters.training_example import TrainingExample
from dp_tools.profiling import Fact, RecordFacts
from dp_tools.profiling.facts import GroupMajority, RareWith
from dp_tools.records import clean_name, is_missing
from dp_tools.tasks import TASKS
from dp_tools.tasks.detect_errors import DetectErrors, DetectErrorsRequest
from dp_tools.tasks.task import Case
from lab.conventions import HOUSE_CONVENTIONS
from lab.mixture.corruption import corrupt, other_format
from lab.mixture.examples import Alike, often, training_example, yes_no
from lab.mixture.recipe import Recipe
from lab.mixture.rule_forms import GAP, idle_rules, value_rules
from lab.mixture.rule_traits import trait_rules
from lab.mixture.sources import Record, Row, datasets, joined, read_rows

Known = Callable[[str, str, str | None], tuple[tuple[str, ...], tuple[str, ...]]]
"""The shipped packs' rules for (task, dataset, attribute): those for all attributes, those for this one."""

_DATASET_EXAMPLES = 38000
_TABLE_EXAMPLES = 45
_RIGHT = 3
"""Right cells to one wrong."""
_BUNCH = 6
"""Cells of one record that stand together, so that the record is read once."""
_FILLED = 0.95
"""Share of filled cells in a column from which on a gap in it is an error."""
_TRAITS = 4
"""Rules about what a cell's value is made of; the cell's tokens are shared by all rules about it."""


def labelled_cells(random: Random, data: Path, recipe: Recipe, known: Known) -> Iterator[TrainingExample]:
    """Cells of the labelled datasets, with the evidence of their own table."""
    for dataset in datasets(data, "ED", recipe.leave_out):
        rows = read_rows(data, "ED", dataset)
        facts = RecordFacts(_records(rows))
        rules = {row["attribute"]: known("detect_errors", dataset, row["attribute"]) for row in rows}
        house = HOUSE_CONVENTIONS.get(dataset, set())
        tellable = [row for row in rows if row["attribute"] not in house or any(rules[row["attribute"]])]
        for row, choices in _balanced(random, tellable, recipe, int(_DATASET_EXAMPLES * recipe.size)):
            wide, near = rules[row["attribute"]]
            with_rules = row["attribute"] in house or often(random, 0.5)
            case = _case(choices, row["record"], row["attribute"], facts, recipe)
            placed = (wide, near) if with_rules else ((), ())
            wide, near = _among_idle(random, recipe, *placed, _others(row["record"], row["attribute"]))
            yield training_example(
                case,
                yes_no(row["label"]),
                f"ED/{dataset}",
                rules=wide,
                near_rules=near,
                evidence=recipe.evidence and often(random, 0.85),
            )


def generated_errors(
    random: Random, tables: dict[str, list[Record]], recipe: Recipe, *, draws: int = 8
) -> Iterator[TrainingExample]:
    """Clean tables made dirty: whatever was changed is an error, provided that something shows it."""
    times = max(1, round(draws * recipe.size))
    for source, clean in tables.items():
        for _ in range(times):
            size = min(len(clean), random.choice((20, 40, 80, 150, 300, 600)))
            records = [dict(record) for record in random.sample(clean, size)]
            yield from _corrupted(random, records, f"generated/{source}", recipe)
    if len(tables) > 1:
        for _ in range(times * len(tables)):
            sources = random.sample(list(tables), 2)
            records = joined(random, *(tables[source] for source in sources))
            yield from _corrupted(random, records, f"generated/{'+'.join(sources)}", recipe)


def _corrupted(random: Random, records: list[Record], source: str, recipe: Recipe) -> Iterator[TrainingExample]:
    corrupted = _make_dirty(random, records)
    yield from _judge(random, records, corrupted, RecordFacts(records), source, recipe)


def binding_rules(
    random: Random, tables: dict[str, list[Record]], recipe: Recipe, count: int
) -> Iterator[TrainingExample]:
    """Cells, each under a rule about it and under another that demands the opposite verdict where there is one."""
    sources = list(tables.items())
    made = 0
    while made < round(count * recipe.size):
        source, clean = random.choice(sources)
        records = [dict(found) for found in random.sample(clean, min(len(clean), random.choice((1, 5, 30, 100))))]
        record = random.choice(records)
        attributes = random.sample(list(record), min(len(record), _BUNCH))
        for attribute in attributes:
            _disturb(random, record, attribute)
        facts, shown = RecordFacts(records), random.getrandbits(48)
        for attribute in attributes:
            case = _case(Random(shown), record, attribute, facts, recipe, shown=0.4)
            for wide, near, error in _bound(random, record, attribute, recipe):
                made += 1
                yield training_example(
                    case,
                    yes_no(error),
                    f"binding/{source}",
                    rules=wide,
                    near_rules=near,
                    evidence=recipe.evidence and often(random, 0.6),
                )


def _bound(
    random: Random, record: Record, attribute: str, recipe: Recipe
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    """Wide and near rules with the verdict that they demand of a cell, for both verdicts where there is a rule."""
    name, value = clean_name(attribute), record[attribute]
    rules = value_rules(random, name, value)
    wrong, right = ([rule for rule in rules if rule[2] is error] for error in (True, False))
    chosen = [random.choice(found) for found in (wrong, right) if found]
    if value is not None and not is_missing(value):
        chosen += trait_rules(random, name, value.strip(), _TRAITS)
    for statement, opposite, error in chosen:
        general = [_generalised(opposite, name) if often(random, 0.5) else opposite] if often(random, 0.2) else []
        # A rule about one attribute stands with it; only one kept for all attributes stands before the data.
        placed = (general, [statement]) if often(random, 0.9) else ([*general, statement], [])
        yield *_among_idle(random, recipe, *placed, _others(record, attribute)), error


def _disturb(random: Random, record: Record, attribute: str) -> None:
    """Bring the cell near a rule: leave a gap, or write the value in another form."""
    value = record[attribute]
    if often(random, 0.2):
        record[attribute] = None
    elif value is not None and not is_missing(value) and often(random, 0.35):
        record[attribute] = other_format(random, value)


def _generalised(rule: str, name: str) -> str:
    return rule.replace(name, "any value").replace(name.capitalize(), "Any value")


def _make_dirty(random: Random, records: list[Record]) -> dict[tuple[int, str], bool]:
    """Corrupt cells in place; gives the corrupted places, True where only evidence can show it."""
    corrupted: dict[tuple[int, str], bool] = {}
    for attribute in list(records[0]):
        rate = random.choice((0, 0.01, 0.03, 0.08, 0.15))
        own = _filled(records, attribute)
        same_form = Random(random.random()) if often(random, 0.15) else None
        for number, record in enumerate(records):
            value = record[attribute]
            if value is None or is_missing(value) or not often(random, rate):
                continue
            kind = random.random()
            if same_form is not None:
                record[attribute] = other_format(Random(same_form.getrandbits(1)), value)
            elif kind < 0.62:
                record[attribute] = corrupt(random, value)
            elif kind < 0.72:
                record[attribute] = None
            elif kind < 0.82:
                other = random.choice(list(record))
                if (number, other) not in corrupted and _swapped(record, attribute, other):
                    corrupted[number, other] = False
            else:
                record[attribute] = random.choice(own)
            if record[attribute] != value:
                corrupted[number, attribute] = same_form is None and kind >= 0.82
    return corrupted


def _filled(records: Sequence[Record], attribute: str) -> list[str | None]:
    """The values of a column that are not missing."""
    return [record[attribute] for record in records if not is_missing(record[attribute])]


def _swapped(record: Record, one: str, other: str) -> bool:
    """Exchange two values of a record, unless they are one or the other is missing; gives whether it was done."""
    if one == other or is_missing(record[other]):
        return False
    record[one], record[other] = record[other], record[one]
    return True


def _judge(
    random: Random,
    records: Sequence[Record],
    corrupted: dict[tuple[int, str], bool],
    facts: RecordFacts,
    source: str,
    recipe: Recipe,
) -> Iterator[TrainingExample]:
    alike = Alike(random)
    for (number, name), error in _judged_places(random, records, corrupted):
        record = records[number]
        case = _case(alike.of(number), record, name, facts, recipe)
        evident = any(_accuses(fact) for fact in case.facts)
        subtle = error and corrupted[number, name]
        if subtle and not evident:
            continue
        near: tuple[str, ...] = ()
        if is_missing(record[name]):
            judged = _judged_gap(random, records, name)
            if judged is None:
                continue
            error, near = judged
        evidence = recipe.evidence and (subtle or often(random, 0.85))
        if subtle and not evidence:
            continue
        wide, near = _among_idle(random, recipe, (), near, _others(record, name))
        yield training_example(case, yes_no(error), source, rules=wide, near_rules=near, evidence=evidence)


def _judged_places(
    random: Random, records: Sequence[Record], corrupted: Collection[tuple[int, str]]
) -> list[tuple[tuple[int, str], bool]]:
    """Corrupted cells and others, each with whether it is corrupted."""
    wanted = round(_TABLE_EXAMPLES / (1 + _RIGHT))
    wrong = random.sample(sorted(corrupted), min(len(corrupted), wanted))
    intact = {
        number: random.sample(own, len(own))
        for number in range(len(records))
        if (own := [name for name in records[0] if (number, name) not in corrupted])
    }
    right = _right_cells(random, intact, wrong)
    return [*((place, True) for place in wrong), *((place, False) for place in right)]


def _judged_gap(random: Random, records: Sequence[Record], name: str) -> tuple[bool, tuple[str, ...]] | None:
    """Whether a gap in a column is an error, and the rule that says so if one does; None where nobody can tell."""
    if often(random, 0.3):
        error = often(random, 0.5)
        return error, ((GAP.rule if error else GAP.waiver)(random, clean_name(name)),)
    filled = len(_filled(records, name)) / len(records)
    if 0.5 < filled < _FILLED or len(records) < 20:
        return None
    return filled >= _FILLED, ()


def _right_cells(
    random: Random, intact: dict[int, list[str]], wrong: Sequence[tuple[int, str]]
) -> list[tuple[int, str]]:
    """Right cells of the records that have wrong ones, then bunches of other records; takes them out of `intact`."""
    right: list[tuple[int, str]] = []
    beside = [(number, _RIGHT - 1) for number, _ in wrong]
    while intact and len(right) < _RIGHT * len(wrong) + 8:
        number, count = beside.pop() if beside else (random.choice(list(intact)), _BUNCH)
        own = intact.pop(number, [])
        right += [(number, name) for name in own[:count]]
        if own[count:]:
            intact[number] = own[count:]
    return right


def _accuses(fact: Fact) -> bool:
    """Whether a fact speaks against the cell: other rows say something else, or a rare combination."""
    return isinstance(fact, RareWith) or (isinstance(fact, GroupMajority) and not fact.agrees)


def _case(
    random: Random, record: Record, attribute: str, facts: RecordFacts, recipe: Recipe, *, shown: float = 0.6
) -> Case:
    if recipe.reshape and often(random, 0.3):
        names = list(record)
        random.shuffle(names)
        kept = [name for name in names if name == attribute or not often(random, 0.2)]
        record_shown = {name: record[name] for name in kept}
    else:
        record_shown = record
    request = DetectErrorsRequest(
        records=[record_shown], attributes=[attribute], show_record=often(random, shown if recipe.evidence else 1.0)
    )
    task = TASKS["detect_errors"]
    assert isinstance(task, DetectErrors)
    return task.cases(request, _Whole(record, facts))[0]


class _Whole:
    """Facts that always see the whole record, whatever part of it is shown."""

    def __init__(self, record: Record, facts: RecordFacts) -> None:
        self._record, self._facts = record, facts

    @property
    def knows_columns(self) -> bool:
        return self._facts.knows_columns

    @property
    def rows(self) -> int:
        return self._facts.rows

    def about(self, record: object, attribute: str) -> tuple[Fact, ...]:  # noqa: ARG002
        return self._facts.about(self._record, attribute)

    def group_evidence(self, record: object, attribute: str) -> tuple[Fact, ...]:  # noqa: ARG002
        return self._facts.group_evidence(self._record, attribute)


def _others(record: Record, attribute: str) -> list[str]:
    return [clean_name(name) for name in record if name != attribute]


def _among_idle(
    random: Random, recipe: Recipe, wide: Sequence[str], near: Sequence[str], others: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The wide and the near rules, now and then among idle ones that have nothing to do with the case."""
    placed = list(wide), list(near)
    if recipe.binding_rules and often(random, 0.25):
        place = placed[often(random, 0.6)]
        place += idle_rules(random, others, random.choice((1, 1, 2, 3)))
        random.shuffle(place)
    return tuple(placed[0]), tuple(placed[1])


def _records(rows: Sequence[Row]) -> list[Record]:
    return list({str(row.get("row_id", number)): row["record"] for number, row in enumerate(rows)}.values())


def _balanced(random: Random, rows: Sequence[Row], recipe: Recipe, count: int) -> Iterator[tuple[Row, Random]]:
    """One wrong cell to three right ones, wrong ones at most eight times each; or a plain sample.

    Two of the right cells are of the wrong one's record, the others of any: with each comes how its record is shown.
    Fully balanced labels would have to be calibrated far back, and with them every yes that a rule demands.
    """
    wrong = [row for row in rows if row["label"]]
    if not recipe.balance or not wrong:
        some = count if wrong else count // 8
        yield from ((row, random) for row in random.sample(list(rows), min(len(rows), some)))
        return
    right: dict[str, list[Row]] = {}
    for row in rows:
        if not row["label"]:
            right.setdefault(repr(row["record"]), []).append(row)
    wanted = min(round(count / (1 + _RIGHT)), 8 * len(wrong))
    bunches = []
    for row in random.choices(wrong, k=wanted):
        beside = right.get(repr(row["record"]), [])
        bunches.append([row, *random.sample(beside, min(len(beside), _RIGHT - 1))])
    missing = wanted * (1 + _RIGHT) - sum(map(len, bunches))
    records = list(right.values())
    while missing > 0 and records:
        beside = random.choice(records)
        bunches.append(random.sample(beside, min(len(beside), _BUNCH, missing)))
        missing -= len(bunches[-1])
    for bunch in bunches:
        shown = random.getrandbits(48)
        yield from ((row, Random(shown)) for row in bunch)
