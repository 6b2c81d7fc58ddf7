"""Training examples of entity matching and schema matching."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from dp_tools.adapters.training_example import TrainingExample
from dp_tools.profiling import PairFacts, SchemaFacts
from dp_tools.records import clean_name, is_missing
from dp_tools.tasks import TASKS
from dp_tools.tasks.match_entities import MatchEntitiesRequest, RecordPair
from dp_tools.tasks.match_schemas import Attribute, MatchSchemasRequest
from dp_tools.tasks.task import Case
from lab.mixture.cells import Known
from lab.mixture.duplicates import Table, likeness
from lab.mixture.examples import TRIES, Alike, often, training_example, yes_no
from lab.mixture.products import listed_products
from lab.mixture.recipe import Recipe
from lab.mixture.rule_forms import capitalised, idle_rules
from lab.mixture.sources import Record, Row, datasets, pairs

_SIZES = {
    "Amazon-Google": 90000,
    "DBLP-GoogleScholar": 42000,
    "DBLP-ACM": 17000,
    "Beer": 10000,
    "iTunes-Amazon": 9000,
    "WDC_computers": 6500,
    "WDC_watches": 3500,
    "Fodors-Zagats": 9000,
    "Dirty_DBLP-ACM": 1200,
    "Dirty_iTunes-Amazon": 1000,
}
_SIZE = 3000
_SCHEMA_SIZES = {"IMDB-Sakila": 3000}
_SCHEMA_SIZE = 15000
_RENAMED = {
    "title": ("name", "product", "label", "heading", "item"),
    "name": ("title", "label", "designation"),
    "authors": ("writers", "author", "by", "creators"),
    "venue": ("journal", "published in", "booktitle", "conference"),
    "manufacturer": ("brand", "maker", "company", "producer", "vendor"),
    "price": ("cost", "list price", "amount"),
    "year": ("date", "published", "released"),
    "addr": ("address", "street", "location"),
    "phone": ("telephone", "tel", "contact"),
    "type": ("category", "kind", "cuisine"),
    "description": ("details", "text", "about"),
}
_FRAMES: dict[str, tuple[str, ...]] = {
    "different": (
        "{d} means a different entity.",
        "{d} means no match.",
        "{d} rules a match out.",
        "With {d}, the answer is no.",
        "{d} is enough to tell them apart.",
        "{d} shows that they are not the same.",
        "If {a} differs, it is not a match.",
        "Both must have the same {a}.",
        "{a} must agree exactly.",
        "Matching records have an equal {a}.",
        "No match without the same {a}.",
        "They are the same only if {a} is equal.",
        "A match needs the same {a}.",
        "Say no if {a} is not the same.",
        "Two records that disagree on {a} are different entities.",
        "Never match records with {d}.",
        "{d}: not the same entity.",
        "Entities are told apart by {a}.",
        "The {a} of an entity is the same in every source.",
        "Sources never disagree on the {a} of one entity.",
        "Where {a} differs, so do the entities.",
        "{a} is decisive: unequal means no.",
        "Check {a}; a difference settles it.",
    ),
    "indifferent": (
        "{d} does not matter.",
        "{d} is no reason against a match.",
        "{d} proves nothing.",
        "{d} is not important.",
        "{d} still allows a match.",
        "{a} may differ between matching records.",
        "Ignore {a}.",
        "Pay no attention to {a}.",
        "Leave {a} out of the comparison.",
        "{a} is unreliable: do not compare it.",
        "Matching records need not have an equal {a}.",
        "{a} says nothing about identity.",
        "Do not look at {a}.",
        "Disagreement on {a} is no obstacle.",
        "Two records that disagree on {a} may still be one entity.",
        "{d}: no reason for a no.",
        "Entities cannot be told apart by {a}.",
        "The {a} of an entity is not the same in every source.",
        "Sources often disagree on the {a} of one entity.",
        "Where {a} differs, the entities need not.",
        "{a} decides nothing: unequal may still mean yes.",
        "Skip {a}; a difference settles nothing.",
    ),
    "same": (
        "Records with {e} are the same entity.",
        "{e} is enough for a match.",
        "With {e}, the answer is yes.",
        "{e} proves a match.",
        "If {a} is equal, it is a match, whatever else differs.",
        "{a} is the key: equal {a}, same entity.",
        "Compare {a} only.",
        "Say yes if {a} is the same.",
        "Two records that agree on {a} are one entity.",
        "Always match records with {e}.",
        "{e}: the same entity.",
    ),
}
_CLAUSES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "different": (
        (
            "if {a} differs",
            "where {a} is unequal",
            "when {a} disagrees",
            "as soon as {a} is different",
            "should {a} deviate",
            "once {a} is another",
            "with unequal {a}",
            "unless {a} is equal",
            "unless both have one {a}",
            "whenever the {a} of one is not that of the other",
            "given two values of {a}",
            "without agreement on {a}",
        ),
        (
            "the answer is no",
            "they do not match",
            "it is no match",
            "the records belong to different entities",
            "the pair is no duplicate",
            "keep them apart",
            "treat them as distinct",
            "do not merge them",
            "the entities are different",
            "nothing else can make them match",
            "they describe separate entities",
            "we call them different",
            "a match is out of the question",
            "the likeness of the rest is deceptive",
        ),
    ),
    "indifferent": (
        (
            "if {a} differs",
            "where {a} is unequal",
            "when {a} disagrees",
            "even if {a} is different",
            "should {a} deviate",
            "though {a} may be another",
            "with unequal {a}",
            "whatever {a} says",
            "whenever the {a} of one is not that of the other",
            "given two values of {a}",
            "with or without agreement on {a}",
            "whether {a} is equal or not",
        ),
        (
            "they may match all the same",
            "that does not count",
            "judge by the rest",
            "look at the others instead",
            "that is no objection",
            "a match is still possible",
            "the rest decides",
            "they can be duplicates nonetheless",
            "do not mind",
            "go by the other attributes",
            "that alone separates nobody",
            "we still call them one if the rest fits",
            "nothing follows from it",
            "the likeness of the rest is what counts",
        ),
    ),
    "same": (
        (
            "if {a} is equal",
            "where {a} agrees",
            "when both have one {a}",
            "as soon as {a} is the same",
            "with equal {a}",
            "given one value of {a}",
            "once the {a} of one is that of the other",
        ),
        (
            "the answer is yes",
            "they match",
            "it is a match",
            "the records belong to one entity",
            "the pair is a duplicate",
            "merge them",
            "the rest does not count",
            "we call them one",
            "nothing else can keep them apart",
        ),
    ),
}
"""Conditions and conclusions, put together in either order, so that no sentence about pairs is known by heart."""
_DIFFERENCES = ("a different {a}", "another {a}", "a difference in {a}", "an unequal {a}", "{a} that differs")
_EQUALITIES = ("the same {a}", "an equal {a}", "one {a}", "{a} that agrees")


def entity_pairs(random: Random, data: Path, recipe: Recipe, known: Known) -> Iterator[TrainingExample]:
    """Labelled candidate pairs, balanced, reshaped, with and without rules and evidence."""
    for dataset in datasets(data, "EM", recipe.leave_out):
        rows = pairs(data, "EM", dataset)
        size = min(round(_SIZES.get(dataset, _SIZE) * recipe.size), 3 * len(rows))
        wide, near = known("match_entities", dataset, None)
        facts = PairFacts(_sides(rows))
        drawn = _draw(random, rows, recipe, size)
        yield from _bunches(random, drawn, recipe, f"EM/{dataset}", facts, rules=(*wide, *near))
    for dataset in datasets(data, "EXTRA", recipe.leave_out):
        rows = pairs(data, "EXTRA", dataset)
        facts = PairFacts(_sides(rows))
        for row in _draw(random, rows, recipe, round(500 * recipe.size)):
            left, right = row["left"], row["right"]
            if often(random, 0.5):
                left, right = right, left
            yield _pair_example(random, recipe, left, right, bool(row["label"]), f"EXTRA/{dataset}", (), facts)


def generated_pairs(
    random: Random, tables: dict[str, list[Record]], recipe: Recipe, count: int
) -> Iterator[TrainingExample]:
    """Records of clean tables beside a second writing of them, and beside others that look like them."""
    sources = [(name, table, PairFacts(rows)) for name, rows in tables.items() if (table := Table.of(rows))]
    for source, table, facts in sources:
        rows = list(table.candidates(random, round(count * recipe.size / len(sources))))
        yield from _bunches(random, rows, recipe, f"generated/{source}", facts)


def synthetic_products(random: Random, recipe: Recipe, count: int) -> Iterator[TrainingExample]:
    """Synthetic products, as two shops list them."""
    rows = list(listed_products(random, round(count * recipe.size)))
    yield from _bunches(random, rows, recipe, "generated/products", PairFacts(_sides(rows)))


def binding_pairs(random: Random, data: Path, recipe: Recipe, count: int) -> Iterator[TrainingExample]:
    """Pairs under a rule about one attribute, and again under one that demands the opposite verdict."""
    found = [(name, pairs(data, "EM", name)) for name in datasets(data, "EM", recipe.leave_out)]
    sources = [(name, rows, PairFacts(_sides(rows))) for name, rows in found]
    wanted, made = round(count * recipe.size) if sources else 0, 0
    for _ in range(TRIES * wanted):
        if made >= wanted:
            return
        dataset, rows, facts = random.choice(sources)
        row = random.choice(rows)
        natural = bool(row["label"])
        if not natural and often(random, 0.8):
            continue
        sides = row["left"], row["right"]
        left, right = _reshape(random, *(sides[::-1] if recipe.reshape and often(random, 0.5) else sides), recipe)
        shared = [n for n in left if n in right and not is_missing(left[n]) and not is_missing(right[n])]
        if not shared:
            continue
        unequal = [name for name in shared if _flat(left[name]) != _flat(right[name])]
        attribute = random.choice(unequal if unequal and often(random, 0.7) else shared)
        differs, altered = attribute in unequal, False
        if differs and not natural:
            # An equal key in records that are plainly different: only a rule can make them one.
            right = {**right, attribute: left[attribute]}
            differs = False
        elif natural and not differs and often(random, 0.6):
            value = random.choice(rows)["right"].get(attribute)
            if not is_missing(value) and _flat(value) != _flat(left[attribute]):
                right, differs, altered = {**right, attribute: value}, True, True
        name = clean_name(attribute)
        if not natural:
            verdicts = [("same", name, True), ("indifferent", name, False)]
        elif differs:
            verdicts = [("different", name, False), ("indifferent", name, True)]
        else:
            verdicts = [(random.choice(("different", "indifferent", "same")), name, True)]
        others = [clean_name(other) for other in shared if (other in unequal) != differs and other != attribute]
        if others and (differs or not natural) and not altered and often(random, 0.4):
            # The same sentence about an attribute of which it is not true: the name in it decides.
            kind, _, label = verdicts[0]
            verdicts[1] = (kind, random.choice(others), not label)
        words = random.getrandbits(48)
        for kind, about, label in verdicts:
            rules = [_say(Random(words), kind, about)]
            if often(random, 0.2):
                # The conflicting rule is more general, so it stands first and loses.
                opposite = "indifferent" if kind == "different" else "different"
                rules.insert(0, _say(random, opposite, "any attribute" if often(random, 0.5) else name))
            made += 1
            source = f"binding/EM/{dataset}"
            yield _pair_example(random, recipe, left, right, label, source, tuple(rules), facts, always=True)


def schema_pairs(random: Random, data: Path, recipe: Recipe, known: Known) -> Iterator[TrainingExample]:
    """Labelled attribute pairs; the few matches are shown often, each time in another form."""
    for dataset in datasets(data, "SM", recipe.leave_out):
        rows = pairs(data, "SM", dataset)
        wide, near = known("match_schemas", dataset, None)
        facts = SchemaFacts(_sides(rows))
        size = round(_SCHEMA_SIZES.get(dataset, _SCHEMA_SIZE) * recipe.size)
        drawn = _draw(random, rows, recipe, size, repeats=14, negatives=5.0, alike=_kinship(rows))
        for first, second, label, choices in _bunched(random, drawn, recipe):
            left, right = _attribute(choices, first, recipe), _attribute(random, second, recipe)
            request = MatchSchemasRequest(left=[left], right=[right])
            case = TASKS["match_schemas"].cases(request, facts if often(choices, 0.75) else None)[0]
            yield _finish(choices, recipe, case, label, f"SM/{dataset}", (*wide, *near))


def column_pairs(
    random: Random, tables: dict[str, list[Record]], recipe: Recipe, count: int
) -> Iterator[TrainingExample]:
    """Attributes of one table seen twice, through other rows and other names: matches; others of it: none."""
    sources = list(tables.items())
    for _ in range(round(count * recipe.size)):
        source, records = random.choice(sources)
        names = list(records[0])
        one = random.choice(names)
        same = often(random, 0.5)
        other = one if same else random.choice(names)
        if (one == other) != same:
            continue
        left, right = _sampled(random, records, one, recipe), _sampled(random, records, other, recipe)
        if not left.samples or not right.samples:
            continue
        case = TASKS["match_schemas"].cases(MatchSchemasRequest(left=[left], right=[right]))[0]
        yield _finish(random, recipe, case, same, f"generated/{source}", ())


def _sampled(random: Random, records: Sequence[Record], name: str, recipe: Recipe) -> Attribute:
    rows = random.sample(list(records), min(len(records), 12))
    values = [value for row in rows if (value := row.get(name)) and not is_missing(value)]
    return Attribute(name=_rename(random, name) if recipe.reshape else name, samples=values[:5])


def _attribute(random: Random, side: Row, recipe: Recipe) -> Attribute:
    description, table = side.get("description"), side.get("table_description")
    if recipe.reshape and description and often(random, 0.25):
        description = " ".join(word for word in description.split() if not often(random, 0.15))
    if recipe.reshape and often(random, 0.5):
        table = None
    return Attribute(name=side["name"], description=description or None, table=table or None)


def _bunches(
    random: Random,
    rows: Sequence[Row],
    recipe: Recipe,
    source: str,
    facts: PairFacts,
    *,
    rules: tuple[str, ...] = (),
) -> Iterator[TrainingExample]:
    """A example of each pair, reshaped; those with the same first side begin alike."""
    for first, second, label, choices in _bunched(random, rows, recipe):
        left, right = _reshape(choices, first, second, recipe)
        yield _pair_example(choices, recipe, left, right, label, source, rules, facts)


def _pair_example(
    random: Random,
    recipe: Recipe,
    left: Record,
    right: Record,
    label: bool,
    source: str,
    rules: tuple[str, ...],
    facts: PairFacts,
    *,
    always: bool = False,
) -> TrainingExample:
    request = MatchEntitiesRequest(pairs=[RecordPair(left=left, right=right)])
    # A pair may come alone, too: then nothing tells which of its words are rare.
    case = TASKS["match_entities"].cases(request, facts if often(random, 0.75) else None)[0]
    return _finish(random, recipe, case, label, source, rules, always=always)


def _sides(rows: Sequence[Row]) -> Iterator[Record]:
    return (row[side] for row in rows for side in ("left", "right"))


def _finish(
    random: Random,
    recipe: Recipe,
    case: Case,
    label: bool,
    source: str,
    rules: tuple[str, ...],
    *,
    always: bool = False,
) -> TrainingExample:
    shown = list(rules) if always or often(random, 0.4) else []
    if recipe.binding_rules and often(random, 0.2):
        place = random.randrange(len(shown) + 1)
        shown[place:place] = idle_rules(random, (), random.choice((1, 1, 2)))
    return training_example(case, yes_no(label), source, rules=shown, evidence=recipe.evidence and often(random, 0.85))


def _bunched(random: Random, rows: Sequence[Row], recipe: Recipe) -> Iterator[tuple[Any, Any, bool, Random]]:
    """First side, second side, label, and choices that pairs with the same first side share.

    Which side stands first is drawn; a pair that comes again finds other choices.
    """
    alike = Alike(random)
    times: Counter[str] = Counter()
    for row in rows:
        first, second = row["left"], row["right"]
        if recipe.reshape and often(random, 0.5):
            first, second = second, first
        pair = repr((first, second))
        yield first, second, bool(row["label"]), alike.of((repr(first), times[pair]))
        times[pair] += 1


def _draw(
    random: Random,
    rows: Sequence[Row],
    recipe: Recipe,
    size: int,
    *,
    repeats: int = 3,
    negatives: float = 3.0,
    alike: Callable[[Row], float] = lambda row: likeness(row["left"], row["right"]),
) -> list[Row]:
    """Both labels, at a rate near that of real candidates; the hard ones of each label more often.

    Fully balanced labels would have to be calibrated far back, and with them every yes that a rule demands.
    """
    if not recipe.balance:
        return random.sample(list(rows), min(len(rows), size))
    yes = [row for row in rows if row["label"]]
    no = [row for row in rows if not row["label"]]
    if not yes or not no:
        return []
    count = min(round(size / (1 + negatives)), repeats * len(yes))
    chosen = _pick(random, yes, count, recipe, hard=lambda row: 1 - alike(row))
    chosen += _pick(random, no, round(count * negatives), recipe, hard=alike)
    random.shuffle(chosen)
    return chosen


def _pick(random: Random, rows: Sequence[Row], count: int, recipe: Recipe, hard: Callable[[Row], float]) -> list[Row]:
    """Each row as often as the next as far as that goes, the rest drawn, hard ones with more weight."""
    chosen = list(rows) * (count // len(rows)) if count >= len(rows) else []
    rest = count - len(chosen)
    if not recipe.hard:
        return chosen + random.sample(list(rows), min(rest, len(rows)))
    weights = [0.15 + hard(row) ** 2 for row in rows]
    return chosen + random.choices(list(rows), weights, k=rest)


def _kinship(rows: Sequence[Row]) -> Callable[[Row], float]:
    """How many sides of a pair of attributes have a match of their own, 0 to 1: with both, only the pair tells."""
    matched = [{row[side]["name"] for row in rows if row["label"]} for side in ("left", "right")]

    def kinship(row: Row) -> float:
        return sum(row[side]["name"] in names for side, names in zip(("left", "right"), matched, strict=True)) / 2

    return kinship


def _reshape(random: Random, left: Record, right: Record, recipe: Recipe) -> tuple[Record, Record]:
    left, right = dict(left), dict(right)
    names = [name for name in left if name in right]
    if recipe.single and names and often(random, 0.1):
        first = names[0]
        if not is_missing(left[first]) and not is_missing(right[first]):
            return {first: left[first]}, {first: right[first]}
    if recipe.reshape and len(names) > 2 and often(random, 0.2):
        dropped = random.choice(names[1:])
        left.pop(dropped), right.pop(dropped)
    if recipe.reshape and often(random, 0.25):
        order = list(dict.fromkeys([*left, *right]))
        random.shuffle(order)
        left, right = ({n: side[n] for n in order if n in side} for side in (left, right))
    if recipe.reshape and often(random, 0.2):
        renamed = {name: _rename(random, name) for name in dict.fromkeys([*left, *right])}
        if len(set(renamed.values())) == len(renamed):
            left, right = ({renamed[n]: v for n, v in side.items()} for side in (left, right))
    return left, right


def _rename(random: Random, name: str) -> str:
    plain = clean_name(name)
    for word, others in _RENAMED.items():
        if word in plain:
            return random.choice((*others, plain))
    return random.choice((plain, plain.replace(" ", "_"), plain.upper(), plain[:4], f"col {random.randint(1, 20)}"))


def _say(random: Random, kind: str, name: str) -> str:
    if often(random, 0.5):
        condition, conclusion = (random.choice(clauses) for clauses in _CLAUSES[kind])
        text = f"{condition}, {conclusion}." if often(random, 0.6) else f"{conclusion}, {condition}."
    else:
        text = random.choice(_FRAMES[kind])
        text = text.replace("{d}", random.choice(_DIFFERENCES)).replace("{e}", random.choice(_EQUALITIES))
    return capitalised(text.replace("{a}", name))


def _flat(value: str | None) -> str:
    return " ".join((value or "").lower().split())
