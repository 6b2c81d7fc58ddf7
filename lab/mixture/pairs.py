"""Training examples of entity matching: labelled, generated and synthetic pairs, and pairs under rules that bind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from dp_tools.adapters.training_example import TrainingExample
from dp_tools.profiling import PairFacts
from dp_tools.records import clean_name, is_missing
from dp_tools.tasks import TASKS
from dp_tools.tasks.match_entities import MatchEntitiesRequest, RecordPair
from lab.mixture.cells import Known
from lab.mixture.duplicates import Table
from lab.mixture.examples import TRIES, often
from lab.mixture.pair_drawing import bunched, draw, finished, renamed, sides_of
from lab.mixture.pair_rules import pair_rule
from lab.mixture.products import listed_products
from lab.mixture.recipe import Recipe
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


def entity_pairs(random: Random, data: Path, recipe: Recipe, known: Known) -> Iterator[TrainingExample]:
    """Labelled candidate pairs, balanced, reshaped, with and without rules and evidence."""
    for dataset in datasets(data, "EM", recipe.leave_out):
        rows = pairs(data, "EM", dataset)
        size = min(round(_SIZES.get(dataset, _SIZE) * recipe.size), 3 * len(rows))
        wide, near = known("match_entities", dataset, None)
        facts = PairFacts(sides_of(rows))
        drawn = draw(random, rows, recipe, size)
        yield from _bunches(random, drawn, recipe, f"EM/{dataset}", facts, rules=(*wide, *near))
    for dataset in datasets(data, "EXTRA", recipe.leave_out):
        rows = pairs(data, "EXTRA", dataset)
        facts = PairFacts(sides_of(rows))
        for row in draw(random, rows, recipe, round(500 * recipe.size)):
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
    yield from _bunches(random, rows, recipe, "generated/products", PairFacts(sides_of(rows)))


def binding_pairs(random: Random, data: Path, recipe: Recipe, count: int) -> Iterator[TrainingExample]:
    """Pairs under a rule about one attribute, and again under one that demands the opposite verdict."""
    found = [(name, pairs(data, "EM", name)) for name in datasets(data, "EM", recipe.leave_out)]
    sources = [(name, rows, PairFacts(sides_of(rows))) for name, rows in found]
    wanted, made = round(count * recipe.size) if sources else 0, 0
    for _ in range(TRIES * wanted):
        if made >= wanted:
            return
        dataset, rows, facts = random.choice(sources)
        row = random.choice(rows)
        if not row["label"] and often(random, 0.8):
            continue
        ruled = _ruled_pair(random, row, rows, recipe)
        if ruled is None:
            continue
        words = random.getrandbits(48)
        for kind, about, label in ruled.verdicts:
            rules = [pair_rule(Random(words), kind, about)]
            if often(random, 0.2):
                # The conflicting rule is more general, so it stands first and loses.
                opposite = "indifferent" if kind == "different" else "different"
                rules.insert(0, pair_rule(random, opposite, "any attribute" if often(random, 0.5) else ruled.name))
            made += 1
            source = f"binding/EM/{dataset}"
            yield _pair_example(
                random, recipe, ruled.left, ruled.right, label, source, tuple(rules), facts, always=True
            )


@dataclass(frozen=True, slots=True)
class _RuledPair:
    """A pair, and the rules that it comes under.

    Args:
        left, right: the records.
        name: the attribute that the first rule is about.
        verdicts: of each rule its kind, the attribute it is about, and whether the pair is a match under it.
    """

    left: Record
    right: Record
    name: str
    verdicts: list[tuple[str, str, bool]]


def _ruled_pair(random: Random, row: Row, rows: Sequence[Row], recipe: Recipe) -> _RuledPair | None:
    """A pair of a dataset under a rule and its opposite; None where its records have no attribute in common."""
    natural = bool(row["label"])
    left, right = _reshape(random, *_either_way(random, row, recipe), recipe)
    shared, unequal = _compared(left, right)
    if not shared:
        return None
    attribute = random.choice(unequal if unequal and often(random, 0.7) else shared)
    differs, altered = attribute in unequal, False
    if differs and not natural:
        # An equal key in records that are plainly different: only a rule can make them one.
        right, differs = {**right, attribute: left[attribute]}, False
    elif not differs and natural and often(random, 0.6):
        other = {**right, attribute: random.choice(rows)["right"].get(attribute)}
        differs = altered = attribute in _compared(left, other)[1]
        right = other if altered else right
    name = clean_name(attribute)
    verdicts = _verdicts(random, name, natural=natural, differs=differs)
    if len(verdicts) > 1 and not altered:
        others = [other for other in shared if (other in unequal) != differs and other != attribute]
        verdicts = _told_apart_by_name(random, verdicts, others)
    return _RuledPair(left, right, name, verdicts)


def _told_apart_by_name(
    random: Random, verdicts: list[tuple[str, str, bool]], others: Sequence[str]
) -> list[tuple[str, str, bool]]:
    """The first sentence again, about an attribute of which it is not true, for the second: the name in it decides."""
    if not others or not often(random, 0.4):
        return verdicts
    kind, _, label = verdicts[0]
    return [verdicts[0], (kind, clean_name(random.choice(others)), not label)]


def _either_way(random: Random, row: Row, recipe: Recipe) -> tuple[Record, Record]:
    """The records of a pair, the one first or the other."""
    left, right = row["left"], row["right"]
    return (right, left) if recipe.reshape and often(random, 0.5) else (left, right)


def _compared(left: Record, right: Record) -> tuple[list[str], list[str]]:
    """The attributes that both records have a value of, and those of them whose values are unequal."""
    shared = [name for name in left if name in right and not is_missing(left[name]) and not is_missing(right[name])]
    return shared, [name for name in shared if _flat(left[name]) != _flat(right[name])]


def _verdicts(random: Random, name: str, *, natural: bool, differs: bool) -> list[tuple[str, str, bool]]:
    """Two rules about an attribute that demand opposite verdicts, or one that changes nothing.

    Args:
        name: the attribute.
        natural: whether the pair is a match without a rule.
        differs: whether the records differ in the attribute.
    """
    if not natural:
        return [("same", name, True), ("indifferent", name, False)]
    if differs:
        return [("different", name, False), ("indifferent", name, True)]
    return [(random.choice(("different", "indifferent", "same")), name, True)]


def _bunches(
    random: Random,
    rows: Sequence[Row],
    recipe: Recipe,
    source: str,
    facts: PairFacts,
    *,
    rules: tuple[str, ...] = (),
) -> Iterator[TrainingExample]:
    """An example of each pair, reshaped; those with the same first side begin alike."""
    for first, second, label, choices in bunched(random, rows, recipe):
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
    return finished(random, recipe, case, label, source, rules, always=always)


def _reshape(random: Random, left: Record, right: Record, recipe: Recipe) -> tuple[Record, Record]:
    """The pair as other tables would have it: with one attribute, with fewer, in another order, or renamed."""
    left, right = dict(left), dict(right)
    names = [name for name in left if name in right]
    if recipe.single and names and often(random, 0.1):
        first = names[0]
        if not is_missing(left[first]) and not is_missing(right[first]):
            return {first: left[first]}, {first: right[first]}
    if not recipe.reshape:
        return left, right
    if len(names) > 2 and often(random, 0.2):
        dropped = random.choice(names[1:])
        left.pop(dropped), right.pop(dropped)
    if often(random, 0.25):
        left, right = _reordered(random, left, right)
    if often(random, 0.2):
        left, right = _with_other_names(random, left, right)
    return left, right


def _reordered(random: Random, left: Record, right: Record) -> tuple[Record, Record]:
    order = list(dict.fromkeys([*left, *right]))
    random.shuffle(order)
    first, second = ({name: side[name] for name in order if name in side} for side in (left, right))
    return first, second


def _with_other_names(random: Random, left: Record, right: Record) -> tuple[Record, Record]:
    """The pair with its attributes renamed, unless two of them would have one name."""
    names = {name: renamed(random, name) for name in dict.fromkeys([*left, *right])}
    if len(set(names.values())) < len(names):
        return left, right
    first, second = ({names[name]: value for name, value in side.items()} for side in (left, right))
    return first, second


def _flat(value: str | None) -> str:
    return " ".join((value or "").lower().split())
