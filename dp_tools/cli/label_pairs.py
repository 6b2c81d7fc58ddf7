"""One sitting in which a person labels pairs of records, for a match or a search for duplicates to learn from."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Lines

from dp_tools.cli.answering import stages
from dp_tools.cli.tables import FILE, KINDS_OF_COLUMNS, READING_OPTIONS, options
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.match.identity import stated_kinds
from dp_tools.tables.match.judging import Judging, Row
from dp_tools.tables.match.labelled_judging import evidence_of
from dp_tools.tables.match.labelled_pairs import Pair, add_pair_label, begin_pair_labels, read_pair_labels
from dp_tools.tables.match.matching import MatchOptions, judging_of
from dp_tools.tables.match.sitting import Sitting
from dp_tools.tables.snapshot import open_table

_ANSWERS = ("y", "n", "s", "q")


@click.command("label-pairs")
@click.argument("left", type=FILE)
@click.argument("right", type=FILE, required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File of labelled pairs; one that exists is gone on with.",
)
@click.option("--count", type=click.IntRange(1), default=30, show_default=True, help="Pairs to ask about.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what chance chooses.")
@options(KINDS_OF_COLUMNS, READING_OPTIONS)
def label_pairs(
    left: Path, right: Path | None, output: Path, count: int, seed: int, kinds: tuple[str, ...], **reading: Any
) -> None:
    """Ask which records of LEFT and RIGHT, or of LEFT alone, are the same, and write the answers as labelled pairs.

    Each pair is one that the judge, taught by the answers so far, is least certain of. Give the file to match-tables or
    dedupe with --labelled. Answer y, n, s to skip, or q to stop.
    """
    with ExitStack() as stack:
        stage = stack.enter_context(stages())
        tables = [
            stack.enter_context(open_table(path, progress=stage("reading records"), **reading))
            for path in (left, right)
            if path is not None
        ]
        begin_pair_labels(output)
        with open_table(output) as file:
            known = dict(read_pair_labels(file, tables[0], tables[-1]).same)
        work = Work(stack.enter_context(Preprocessor(knowledge=":memory:")).decider, NoJournal())
        judging, _ = judging_of(work, tables, MatchOptions(kinds=stated_kinds(kinds)), besides=sorted(known))
        sitting = Sitting(evidence_of(judging), _places(judging, known), seed=seed)
        _ask(judging, sitting, count, output)
    click.echo(f"{output}: {len(sitting.labels):,} labelled pairs.", err=True)


def _ask(judging: Judging, sitting: Sitting, count: int, output: Path) -> None:
    """Ask about pairs until there are enough, or the person stops."""
    found = judging.candidates
    for number in range(1, count + 1):
        place = sitting.next()
        if place is None:
            return
        _show(*next(judging.records(np.array([place]))))
        words = f"{number} of {count}: the same? (expected F1 {sitting.sure:.2f}"
        words += "; the latest answers were expected, this may be enough)" if sitting.is_enough else ")"
        answer = click.prompt(words, type=click.Choice(_ANSWERS), err=True)
        if answer == "q":
            return
        if answer == "s":
            sitting.skip(place)
            continue
        same = answer == "y"
        add_pair_label(output, (int(found.left[place]), int(found.right[place])), same=same)
        sitting.answer(place, same)


def _show(left: Row, right: Row) -> None:
    """Both records side by side."""
    lines = Lines("", "left", "right", box=None, pad_edge=False)
    for name in dict.fromkeys((*left, *right)):
        lines.add_row(*map(escape, (name, left.get(name) or "", right.get(name) or "")))
    Console(stderr=True).print(lines)


def _places(judging: Judging, known: dict[Pair, bool]) -> dict[int, bool]:
    found = judging.candidates
    pairs = zip(found.left.tolist(), found.right.tolist(), strict=True)
    return {place: known[pair] for place, pair in enumerate(pairs) if pair in known}
