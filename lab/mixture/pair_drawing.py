"""What the examples of pairs of records and of pairs of attributes share: which are drawn, and how each is finished."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from dp_tools.adapters.training_example import TrainingExample
from dp_tools.records import clean_name
from dp_tools.tasks.task import Case
from lab.mixture.duplicates import likeness
from lab.mixture.examples import Alike, often, training_example, yes_no
from lab.mixture.recipe import Recipe
from lab.mixture.rule_forms import idle_rules
from lab.mixture.sources import Record, Row

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


def bunched(random: Random, rows: Sequence[Row], recipe: Recipe) -> Iterator[tuple[Any, Any, bool, Random]]:
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


def draw(
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


def sides_of(rows: Sequence[Row]) -> Iterator[Record]:
    return (row[side] for row in rows for side in ("left", "right"))


def finished(
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


def renamed(random: Random, name: str) -> str:
    plain = clean_name(name)
    for word, others in _RENAMED.items():
        if word in plain:
            return random.choice((*others, plain))
    return random.choice((plain, plain.replace(" ", "_"), plain.upper(), plain[:4], f"col {random.randint(1, 20)}"))
