"""Training examples whose answer is a value: imputation and extraction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from dp_tools.adapters.training_example import TrainingExample
from dp_tools.evaluation.instances import completed
from dp_tools.profiling import RecordFacts
from dp_tools.profiling.facts import GroupMajority
from dp_tools.records import Record as AnyRecord
from dp_tools.records import clean_name, is_missing
from dp_tools.tasks import TASKS
from dp_tools.tasks.extract_values import ExtractValuesRequest, WantedAttribute
from dp_tools.tasks.impute import ImputeRequest
from lab.mixture.cells import Known
from lab.mixture.examples import TRIES, often, training_example
from lab.mixture.recipe import Recipe
from lab.mixture.rule_forms import capitalised, idle_rules
from lab.mixture.sources import Record, datasets, read_rows

NONE = "unknown"
_LONGEST = 50
_SIZES = {"Buy": 17000, "Restaurant": 15000}
_SIZE = 5000
_EXTRACTIONS = 9000
_FRAMES = (
    "{n} is written in {c}.",
    "Write {n} in {c}.",
    "Give {n} in {c}.",
    "Use {c} for {n}.",
    "{n} must be in {c}.",
    "Answer in {c}.",
    "We write {n} in {c}.",
    "All of {n} stands in {c}.",
    "Values of {n} are always in {c}.",
    "Put {n} in {c}.",
    "{n} goes in {c}.",
    "{n} is stored in {c}.",
    "{n} appears in {c}.",
    "Convert {n} to {c}.",
    "Our form of {n}: {c}.",
    "{n} is to be given in {c}.",
    "No {n} other than in {c}.",
    "Only {c} for {n}.",
    "The letters of {n} are all {c}.",
)
_CAPITALS = ("capital letters", "capitals", "upper case", "uppercase letters", "big letters only", "block letters")
_SMALL = ("lower case", "small letters", "lowercase letters", "small letters without any capital", "lowercase only")
_BARS = (
    "{n} has no {c}.",
    "No {c} in {n}.",
    "Write {n} without {c}.",
    "Avoid {c} in {n}.",
    "{n} does not use {c}.",
    "{c} are wrong in {n}.",
)
_CASES = (
    ("capital letters", "small letters"),
    ("capitals", "small letters"),
    ("upper case letters", "lower case letters"),
    ("uppercase letters", "lowercase letters"),
)
_LIKE = (
    "Write {n} like {c}.",
    "{n} is written as in {c}.",
    "{c} is how we write {n}.",
    "Write {n} the way {c} is written.",
    "{n} is to look like {c}.",
    "{n} as in {c}, not as in {d}.",
    "Write {n} like {c} and not like {d}.",
    "{c} is right for {n}, {d} is not.",
)
_EXAMPLES = ("Berlin", "Red", "Sony", "Main Street", "Pale Ale", "Mary")
_UNDERSCORES = ("one piece, with underscores for spaces", "words joined by underscores")
_HYPHENS = ("one piece, with hyphens for spaces", "words joined by hyphens")
_TITLE = ("title case", "words that start with a capital", "small letters after a capital in each word")
_ABBREVIATED = ("If {n} is {v}, write it as {s}.", "{s} stands for the {n} {v}.", "Abbreviate {v} as {s}.")
_UNGUESSED = (f"Never guess {{n}}: answer {NONE}.", f"{{n}} is always {NONE}.", f"Leave {{n}} {NONE}.")


def labelled_gaps(random: Random, data: Path, recipe: Recipe, known: Known) -> Iterator[TrainingExample]:
    """The labelled imputation sets, at most four times each, attributes permuted.

    One half of the rows is asked about with what the other half says, the other half with the record alone.
    """
    for dataset in datasets(data, "DI", recipe.leave_out):
        found = read_rows(data, "DI", dataset)
        rows = random.sample(found, len(found))
        table, asked = rows[: len(rows) // 2], rows[len(rows) // 2 :]
        facts = RecordFacts([completed(row) for row in table]) if recipe.evidence else None
        for _ in range(min(4 * len(rows), round(_SIZES.get(dataset, _SIZE) * recipe.size))):
            known_from = facts if often(random, 0.7) else None
            row = random.choice(rows if known_from is None else asked)
            attribute, value = row["attribute"], row["label"]
            record, source = _reshaped(random, row["record"], recipe), f"DI/{dataset}"
            if recipe.binding_rules and often(random, 0.3):
                # A value that is known by heart has to give way to a rule, too.
                for rule, answer in _two_ways_to_write(random, clean_name(attribute), value.strip()):
                    yield _gap(random, recipe, record, attribute, answer, source, ((), (rule,)), known_from)
            else:
                rules = known("impute", dataset, attribute) if often(random, 0.4) else ((), ())
                yield _gap(random, recipe, record, attribute, value, source, rules, known_from)


def generated_gaps(
    random: Random, tables: dict[str, list[Record]], recipe: Recipe, count: int
) -> Iterator[TrainingExample]:
    """A gap in any attribute of any record; where nothing in the record tells the value, the answer is "unknown".

    What the rows say comes from other rows than those that have the gap.
    """
    counts = {
        source: {name: Counter(record.get(name) for record in records) for name in records[0]}
        for source, records in tables.items()
    }
    halves = {source: _parted(random, rows) for source, rows in tables.items()}
    sources = list(halves.items())
    made = unknowns = 0
    wanted = round(count * recipe.size)
    for _ in range(TRIES * wanted):
        if made >= wanted:
            return
        source, (facts, records) = random.choice(sources)
        gap = _drawn_gap(random, records)
        if gap is None:
            continue
        attribute, value, rest = gap
        known = facts if recipe.evidence and often(random, 0.5) else None
        values = counts[source][attribute]
        closed = len(values) <= 40 or values[value] >= 0.02 * len(tables[source])
        if not closed and not _tells(value, rest) and not _rows_tell(known, value, rest, attribute):
            if unknowns > 0.12 * made:
                continue
            unknowns += 1
            value = NONE
        made += 1
        shown = _reshaped(random, rest, recipe)
        yield _gap(random, recipe, shown, attribute, value, f"generated/{source}", ((), ()), known)


def _drawn_gap(random: Random, records: Sequence[Record]) -> tuple[str, str, Record] | None:
    """An attribute of a record, its value, and the rest of the record; None where the value is missing or too long."""
    record = random.choice(records)
    attribute = random.choice(list(record))
    value = record[attribute]
    if value is None or is_missing(value) or len(value) > _LONGEST:
        return None
    return attribute, value, {name: other for name, other in record.items() if name != attribute}


def _parted(random: Random, rows: Sequence[Record]) -> tuple[RecordFacts, list[Record]]:
    """What some rows of a table say, and the other rows."""
    mixed = random.sample(rows, len(rows))
    shown = min(len(rows) // 2, 400)
    return RecordFacts(mixed[:shown]), mixed[shown:]


def _rows_tell(facts: RecordFacts | None, value: str, rest: Record, attribute: str) -> bool:
    """Whether most rows like the rest of a record have this value."""
    found = facts.group_evidence({**rest, attribute: None}, attribute) if facts else ()
    return any(isinstance(fact, GroupMajority) and fact.value == value.strip() for fact in found)


def binding_values(
    random: Random, tables: dict[str, list[Record]], recipe: Recipe, count: int
) -> Iterator[TrainingExample]:
    """The same gap under two rules about how its value is written."""
    sources = list(tables.items())
    wanted, made = round(count * recipe.size), 0
    for _ in range(TRIES * wanted):
        if made >= wanted:
            return
        source, records = random.choice(sources)
        gap = _drawn_gap(random, records)
        if gap is None or not _tells(gap[1], gap[2]):
            continue
        attribute, value, rest = gap
        name = clean_name(attribute)
        for rule, answer in _two_ways_to_write(random, name, value.strip()):
            made += 1
            rules = ((), (rule,)) if often(random, 0.85) else ((rule,), ())
            yield _gap(random, recipe, rest, attribute, answer, f"binding/{source}", rules)


def _two_ways_to_write(random: Random, name: str, value: str) -> list[tuple[str, str]]:
    """Two rules about how a value is written, with what they make of it; mostly one sentence about both letters."""

    def sentences(frames: tuple[str, ...], *forms: str) -> list[str]:
        frame = random.choice(frames)
        return [capitalised(frame.replace("{n}", name).replace("{c}", form)) for form in forms]

    kind = random.random()
    if kind < 0.5:
        letters = sentences(_FRAMES, random.choice(_CAPITALS), random.choice(_SMALL))
    elif kind < 0.75:
        letters = sentences(_BARS, *reversed(random.choice(_CASES)))
    else:
        example = random.choice(_EXAMPLES)
        cases = (example.upper(), example.lower())
        other = example if often(random, 0.5) else None
        frames = sentences(_LIKE, *cases)
        letters = [frame.replace("{d}", other or case) for frame, case in zip(frames, reversed(cases), strict=True)]
    both = list(zip(letters, (value.upper(), value.lower()), strict=True))
    if often(random, 0.6):
        return both
    short = value[: random.choice((1, 2, 3))].upper()
    forms = (
        (_UNDERSCORES, value.replace(" ", "_")),
        (_HYPHENS, value.replace(" ", "-")),
        (_TITLE, value.title()),
    )
    others = [
        *((sentences(_FRAMES, random.choice(form))[0], written) for form, written in forms),
        (random.choice(_ABBREVIATED).format(n=name, v=value, s=short), short),
        (random.choice(_UNGUESSED).format(n=name), NONE),
    ]
    return [random.choice(both), random.choice(others)]


def extractions(random: Random, data: Path, recipe: Recipe) -> Iterator[TrainingExample]:
    """Values that stand in a text, and as many questions about what it does not state."""
    for dataset in datasets(data, "AVE", recipe.leave_out):
        rows = read_rows(data, "AVE", dataset)
        stated = [row for row in rows if row["label"] is not None]
        silent = [row for row in rows if row["label"] is None]
        size = round(min(_EXTRACTIONS * recipe.size, 2.2 * len(stated)))
        for row in random.choices(stated, k=size // 2) + random.choices(silent, k=size // 2):
            title, description = row["title"], row.get("description") or ""
            text = f"{title} {description}".strip()
            label = row["label"]
            if often(random, 0.15) and (label is None or label in title):
                text = title
            if label is not None and label not in text:
                continue
            request = ExtractValuesRequest(texts=[text], attributes=[WantedAttribute(name=row["attribute"])])
            case = TASKS["extract_values"].cases(request)[0]
            yield training_example(
                case, NONE if label is None else label, f"AVE/{dataset}", rules=_idle(random, recipe)
            )


def table_extractions(
    random: Random, tables: dict[str, list[Record]], recipe: Recipe, count: int
) -> Iterator[TrainingExample]:
    """Values of a record read out of the record's own text."""
    sources = list(tables.items())
    for _ in range(round(count * recipe.size)):
        source, records = random.choice(sources)
        record = random.choice(records)
        filled = [(n, v) for n, v in record.items() if v is not None and not is_missing(v) and len(v) < 120]
        if len(filled) < 2:
            continue
        random.shuffle(filled)
        shown = filled[: random.randint(2, 6)]
        named = often(random, 0.4)
        text = random.choice((" ", ", ", " - ", "; ")).join(f"{clean_name(n)} {v}" if named else v for n, v in shown)
        name, value = random.choice(shown)
        if len(value) > _LONGEST:
            continue
        if often(random, 0.25):
            others = [n for n in record if n not in dict(shown)]
            if not others:
                continue
            name, value = random.choice(others), NONE
        request = ExtractValuesRequest(texts=[text], attributes=[WantedAttribute(name=name)])
        yield training_example(TASKS["extract_values"].cases(request)[0], value.strip(), f"generated/{source}")


def _gap(
    random: Random,
    recipe: Recipe,
    record: AnyRecord,
    attribute: str,
    answer: str,
    source: str,
    rules: tuple[tuple[str, ...], tuple[str, ...]],
    facts: RecordFacts | None = None,
) -> TrainingExample:
    request = ImputeRequest(records=[dict(record)], attribute=attribute)
    case = TASKS["impute"].cases(request, facts)[0]
    wide, near = rules
    idle = _idle(random, recipe)
    wide, near = ((*idle, *wide), near) if often(random, 0.5) else (wide, (*idle, *near))
    return training_example(case, answer.strip(), source, rules=wide, near_rules=near)


def _idle(random: Random, recipe: Recipe) -> tuple[str, ...]:
    return tuple(idle_rules(random, (), random.choice((1, 2)))) if recipe.binding_rules and often(random, 0.12) else ()


def _reshaped(random: Random, record: AnyRecord, recipe: Recipe) -> Record:
    names = list(record)
    if recipe.reshape and often(random, 0.3):
        random.shuffle(names)
    return {name: record[name] for name in names}


def _tells(value: str, rest: AnyRecord) -> bool:
    """Whether the value stands in the rest of the record, letter for letter up to case."""
    return len(value) > 1 and any(value.lower() in (other or "").lower() for other in rest.values())
