"""`python -m lab gaps`: how a half-empty column of categories is filled."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import click

from dp_tools.engine import open_engine
from dp_tools.engine.questions import Engine
from dp_tools.models.catalogue import resolve
from dp_tools.tables.confidence_bands import ACCEPT, REVIEW
from dp_tools.tasks.closed_set import ENOUGH, ClosedSet
from lab.synthetic.categories import CATEGORIES, things

_FILLED = 0.6
MODES = ("the column's values", "one value in no filled row", "the values listed")


@click.command()
@click.option("--seeds", type=click.IntRange(min=1), default=2, show_default=True, help="Orders of the rows.")
@click.option("--only", multiple=True, help="A column to measure; more may follow.")
def gaps(seeds: int, only: Sequence[str]) -> None:
    """Measure how gaps are chosen among the values of a column, on hand-written lists.

    Six rows of ten keep their category. Printed per list: hidden rows that were right, gaps, gaps that were chosen
    rightly, gaps that are filled and how many of them wrongly, and gaps put before a person.
    """
    engine = open_engine(replace(resolve("nano"), adapter=None), cache=False, optimized=False)
    for mode in MODES:
        totals = [0] * 5
        for column in CATEGORIES:
            if only and column[1] not in only:
                continue
            for figures in _measured(engine, column, mode, seeds):
                click.echo(f"{mode}, {column[0]} -> {column[1]}: hidden {figures[5]} of {figures[6]}, {_said(figures)}")
                totals = [total + figure for total, figure in zip(totals, figures, strict=False)]
        click.echo(f"== {mode}: {_said(totals)}")
    engine.close()


def _measured(engine: Engine, column: tuple[str, str], mode: str, seeds: int) -> Iterator[list[int]]:
    key, attribute = column
    for seed in range(seeds):
        rows = things(CATEGORIES[column])
        random.Random(seed).shuffle(rows)
        kinds = sorted({kind for _, kind in rows})
        absent = kinds[seed % len(kinds)] if mode == MODES[1] else None
        records = [{"no": f"A{n:03d}", key: thing, attribute: kind} for n, (thing, kind) in enumerate(rows)]
        filled = [record for record in records[: int(len(rows) * _FILLED)] if record[attribute] != absent]
        empty = [record for record in records if record not in filled]
        values = kinds if mode == MODES[2] else sorted({record[attribute] for record in filled})
        if len(filled) < ENOUGH:
            continue
        asked = [{**record, attribute: None} for record in empty]
        chooser = ClosedSet(engine.answer, attribute, values, filled, asked, listed=mode == MODES[2])
        choices = chooser.choose(asked) if chooser.helps else [None] * len(asked)
        found = [(c.confidence, c.value == r[attribute]) for c, r in zip(choices, empty, strict=True) if c]
        yield [
            len(empty),
            sum(right for _, right in found),
            sum(sure >= ACCEPT for sure, _ in found),
            sum(sure >= ACCEPT and not right for sure, right in found),
            sum(REVIEW <= sure < ACCEPT for sure, _ in found),
            chooser.right,
            chooser.hidden,
        ]


def _said(figures: Sequence[int]) -> str:
    empty, right, filled, wrong, asked = figures[:5]
    return f"gaps {empty}, chosen rightly {right}, filled {filled} ({wrong} wrongly), for review {asked}"
