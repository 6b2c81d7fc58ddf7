"""Training examples of schema matching: labelled pairs of attributes, and columns of one table seen twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from dp_tools.adapters.training_example import TrainingExample
from dp_tools.profiling import SchemaFacts
from dp_tools.records import is_missing
from dp_tools.tasks import TASKS
from dp_tools.tasks.match_schemas import Attribute, MatchSchemasRequest
from lab.mixture.cells import Known
from lab.mixture.examples import often
from lab.mixture.pair_drawing import bunched, draw, finished, renamed, sides_of
from lab.mixture.recipe import Recipe
from lab.mixture.sources import Record, Row, datasets, pairs

_SIZES = {"IMDB-Sakila": 3000}
_SIZE = 15000


def schema_pairs(random: Random, data: Path, recipe: Recipe, known: Known) -> Iterator[TrainingExample]:
    """Labelled attribute pairs; the few matches are shown often, each time in another form."""
    for dataset in datasets(data, "SM", recipe.leave_out):
        rows = pairs(data, "SM", dataset)
        wide, near = known("match_schemas", dataset, None)
        facts = SchemaFacts(sides_of(rows))
        size = round(_SIZES.get(dataset, _SIZE) * recipe.size)
        drawn = draw(random, rows, recipe, size, repeats=14, negatives=5.0, alike=_kinship(rows))
        for first, second, label, choices in bunched(random, drawn, recipe):
            left, right = _attribute(choices, first, recipe), _attribute(random, second, recipe)
            request = MatchSchemasRequest(left=[left], right=[right])
            case = TASKS["match_schemas"].cases(request, facts if often(choices, 0.75) else None)[0]
            yield finished(choices, recipe, case, label, f"SM/{dataset}", (*wide, *near))


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
        yield finished(random, recipe, case, same, f"generated/{source}", ())


def _sampled(random: Random, records: Sequence[Record], name: str, recipe: Recipe) -> Attribute:
    rows = random.sample(list(records), min(len(records), 12))
    values = [value for row in rows if (value := row.get(name)) and not is_missing(value)]
    return Attribute(name=renamed(random, name) if recipe.reshape else name, samples=values[:5])


def _attribute(random: Random, side: Row, recipe: Recipe) -> Attribute:
    description, table = side.get("description"), side.get("table_description")
    if recipe.reshape and description and often(random, 0.25):
        description = " ".join(word for word in description.split() if not often(random, 0.15))
    if recipe.reshape and often(random, 0.5):
        table = None
    return Attribute(name=side["name"], description=description or None, table=table or None)


def _kinship(rows: Sequence[Row]) -> Callable[[Row], float]:
    """How many sides of a pair of attributes have a match of their own, 0 to 1: with both, only the pair tells."""
    matched = [{row[side]["name"] for row in rows if row["label"]} for side in ("left", "right")]

    def kinship(row: Row) -> float:
        return sum(row[side]["name"] in names for side, names in zip(("left", "right"), matched, strict=True)) / 2

    return kinship
