"""`python -m lab gaps`: how a half-empty column of categories is filled."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from dp_tools.engine import open_engine
from dp_tools.engine.questions import Question, Result
from dp_tools.models.catalogue import resolve
from dp_tools.records import Record
from dp_tools.tables.confidence_bands import ACCEPT, REVIEW
from dp_tools.tasks.closed_set import TRUST, Ask, ClosedSet, closed_set_of
from lab.gap_trust import fit_trust
from lab.synthetic.categories import CATEGORIES, things

_FILLED = 0.6
_ENOUGH = 8
MODES = ("the column's values", "one value in no filled row", "the values listed")


@dataclass
class _Column:
    """A list whose gaps are to be filled, and what chooses for them; None where choosing is no help."""

    name: str
    mode: str
    empty: list[Record]
    attribute: str
    chooser: ClosedSet | None
    asked: int


@click.command()
@click.option("--seeds", type=click.IntRange(min=1), default=2, show_default=True, help="Orders of the rows.")
@click.option("--only", multiple=True, help="A column to measure; more may follow.")
@click.option("--cache", type=click.Path(path_type=Path, file_okay=False), help="Where answers are kept.")
def gaps(seeds: int, only: Sequence[str], cache: Path | None) -> None:
    """Measure how gaps are chosen among the values of a column, on hand-written lists.

    Six rows of ten keep their category. What choices are worth is fitted on the other lists. Printed per list: hidden
    rows that were right, gaps, gaps that were chosen rightly, gaps that are filled and how many of them wrongly, gaps
    put before a person, and questions asked. The last line is what all lists together give.
    """
    engine = open_engine(replace(resolve("nano"), adapter=None), cache=cache or False, optimized=False)
    report([name for name in CATEGORIES if not only or name[1] in only], seeds, engine.answer)
    engine.close()


def report(names: Sequence[tuple[str, str]], seeds: int, ask: Ask) -> None:
    """Print what `gaps` prints.

    Args:
        names: the lists.
        seeds: orders of the rows.
        ask: answers questions.
    """
    columns = {name: list(_columns(name, seeds, ask)) for name in names}
    trials = {
        name: [one.chooser.trials for one in found if one.chooser and one.mode == MODES[0]]
        for name, found in columns.items()
    }
    for mode in MODES:
        totals = [0] * 7
        for name in names:
            others = [tried for other in names if other != name for tried in trials[other]]
            trust = fit_trust(others) if others else TRUST
            for column in columns[name]:
                if column.mode != mode:
                    continue
                if column.chooser is not None:
                    column.chooser.trust = trust
                figures = _figures(column)
                hidden = "no help" if column.chooser is None else f"{column.chooser.right} of {column.chooser.hidden}"
                click.echo(f"{mode}, {column.name}: hidden {hidden}, {_text(figures)}")
                totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
        click.echo(f"== {mode}: {_text(totals)}")
    if every := [tried for found in trials.values() for tried in found]:
        click.echo(f"All lists: {fit_trust(every)}")


class _Counting:
    """Asks, and counts the questions."""

    def __init__(self, ask: Ask) -> None:
        self._ask, self.asked = ask, 0

    def __call__(self, questions: Sequence[Question]) -> Sequence[Result]:
        self.asked += len(questions)
        return self._ask(questions)


def _columns(name: tuple[str, str], seeds: int, ask: Ask) -> Iterator[_Column]:
    key, attribute = name
    for seed in range(seeds):
        rows = things(CATEGORIES[name])
        random.Random(seed).shuffle(rows)
        kinds = sorted({kind for _, kind in rows})
        for mode in MODES:
            absent = kinds[seed % len(kinds)] if mode == MODES[1] else None
            records: list[Record] = [
                {"no": f"A{n:03d}", key: thing, attribute: kind} for n, (thing, kind) in enumerate(rows)
            ]
            filled = [record for record in records[: int(len(rows) * _FILLED)] if record[attribute] != absent]
            empty = [record for record in records if record not in filled]
            if len(filled) < _ENOUGH:
                continue
            counting = _Counting(ask)
            gone = [{**record, attribute: None} for record in empty]
            listed = kinds if mode == MODES[2] else []
            chooser = closed_set_of(counting, attribute, listed, filled, gone)
            yield _Column(f"{key} -> {attribute}", mode, empty, attribute, chooser, counting.asked)


def _figures(column: _Column) -> list[int]:
    gone = [{**record, column.attribute: None} for record in column.empty]
    choices = column.chooser.choose(gone) if column.chooser else [None] * len(gone)
    found = [
        (choice.confidence, choice.value == record[column.attribute])
        for choice, record in zip(choices, column.empty, strict=True)
        if choice
    ]
    return [
        len(column.empty),
        sum(right for _, right in found),
        sum(sure >= ACCEPT for sure, _ in found),
        sum(sure >= ACCEPT and not right for sure, right in found),
        sum(REVIEW <= sure < ACCEPT for sure, _ in found),
        sum(REVIEW <= sure < ACCEPT and right for sure, right in found),
        column.asked,
    ]


def _text(figures: Sequence[int]) -> str:
    empty, right, filled, wrong, asked, good, questions = figures
    return (
        f"gaps {empty}, chosen rightly {right}, filled {filled} ({wrong} wrongly), for review {asked} ({good} right), "
        f"{questions} questions before the first"
    )
