"""Training examples of column types: labelled columns with many or few types to choose from, and known columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from dp_tools.adapters.training_example import TrainingExample
from dp_tools.records import clean_name, is_missing
from dp_tools.tasks import TASKS
from dp_tools.tasks.annotate_columns import AnnotateColumnsRequest, Column
from lab.mixture.examples import often, training_example
from lab.mixture.recipe import Recipe
from lab.mixture.sources import Record, Row, datasets, read_rows

_VIEWS = {"T2Dv2": 70, "Limaye": 20}
_VIEW = 25


def labelled_columns(random: Random, data: Path, recipe: Recipe) -> Iterator[TrainingExample]:
    """Each labelled column in several views: other rows, with or without its table, all types or some."""
    for dataset in datasets(data, "CTA", recipe.leave_out):
        rows = read_rows(data, "CTA", dataset)
        types = sorted({_type(row) for row in rows})
        whole, part = divmod(_VIEWS.get(dataset, _VIEW) * recipe.size, 1)
        for row in rows:
            for _ in range(int(whole) + often(random, part)):
                yield _annotated(random, recipe, _view(random, row), _type(row), types, f"CTA/{dataset}")


def table_columns(
    random: Random, tables: dict[str, list[Record]], recipe: Recipe, count: int
) -> Iterator[TrainingExample]:
    """Columns of known tables, their attribute names being the types."""
    sources = [(source, records) for source, records in tables.items() if len(records[0]) > 3]
    names = sorted({clean_name(name) for _, records in sources for name in records[0]})
    if not sources:
        return
    for _ in range(round(count * recipe.size)):
        source, records = random.choice(sources)
        name = random.choice(list(records[0]))
        rows = random.sample(records, min(len(records), random.randint(4, 12)))
        values = [row.get(name) for row in rows]
        if all(is_missing(value) for value in values):
            continue
        own = [clean_name(other) for other in records[0]]
        choices = list(dict.fromkeys([*own, *random.sample(names, min(6, len(names)))]))
        table = [list(row.values()) for row in rows[:3]] if often(random, 0.4) else []
        column = Column(values=values, table=table)
        yield _annotated(random, recipe, column, clean_name(name), choices, f"generated/{source}", all_share=0.4)


def _annotated(
    random: Random,
    recipe: Recipe,
    column: Column,
    answer: str,
    types: list[str],
    source: str,
    *,
    all_share: float = 0.6,
) -> TrainingExample:
    others = [name for name in types if name != answer]
    if not often(random, all_share):
        others = random.sample(others, min(len(others), random.randint(1, 20)))
    choices = [*others, answer]
    if often(random, 0.7):
        random.shuffle(choices)
    else:
        choices.sort()
    request = AnnotateColumnsRequest(columns=[column], types=choices)
    shown = recipe.evidence and often(random, 0.85)
    return training_example(TASKS["annotate_columns"].cases(request)[0], answer, source, evidence=shown)


def _view(random: Random, row: Row) -> Column:
    values = [_text(value) for value in row["column"]]
    if len(values) > 4 and often(random, 0.6):
        values = random.sample(values, random.randint(3, len(values)))
    table = [[_text(cell) for cell in cells] for cells in row.get("table") or ()] if often(random, 0.6) else []
    return Column(values=values, table=table)


def _type(row: Row) -> str:
    return str(row.get("label_text") or row["label"])


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
