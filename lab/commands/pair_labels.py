"""`python -m lab pair-labels`: what a few labelled pairs are worth, beside the dedupe library with as many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import click
import numpy as np

from dp_tools.preprocessor import Preprocessor
from lab.benchmarks.label_peers import dedupe_library
from lab.benchmarks.lists import Found, KnownList, Measured, febrl_list, measured, synthetic_lists
from lab.benchmarks.pair_labels import by_counting, known_tables, who_adds_what, with_labels
from lab.synthetic.lists import KINDS

Way = Callable[[KnownList, int, int], Found]
WAYS: dict[str, Way] = {
    "counted evidence": lambda known, _count, _seed: by_counting(known),
    "with labels": with_labels,
    "dedupe": dedupe_library,
}


@click.command("pair-labels")
@click.argument("tables", type=click.Path(path_type=Path, exists=True, file_okay=False), nargs=-1)
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="A synthetic list; may be given again.")
@click.option("--records", type=click.IntRange(10), default=600, show_default=True, help="Of each synthetic list.")
@click.option("--lists", type=click.IntRange(1), default=1, show_default=True, help="Synthetic lists of each kind.")
@click.option("--febrl", type=click.IntRange(1, 4), multiple=True, help="A set of FEBRL; may be given again.")
@click.option("--labels", type=click.IntRange(0), default=30, show_default=True, help="Labels of each run.")
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Runs of each way with labels.")
@click.option("--way", "ways", type=click.Choice(tuple(WAYS)), multiple=True, default=tuple(WAYS)[:2])
@click.option("--model", "with_model", is_flag=True, help="Compare counted evidence and the model, each with labels.")
@click.option("--cache", type=click.Path(path_type=Path, dir_okay=False), help="File of the model's answers.")
@click.option("--first", type=click.IntRange(1), help="With the model: only so many candidates of each table.")
def pair_labels(
    tables: tuple[Path, ...],
    kinds: tuple[str, ...],
    records: int,
    lists: int,
    febrl: tuple[int, ...],
    labels: int,
    seeds: int,
    ways: tuple[str, ...],
    with_model: bool,
    cache: Path | None,
    first: int | None,
) -> None:
    """Measure TABLES (folders with tableA.csv, tableB.csv and matches.csv) and synthetic lists.

    The truth answers each question of a sitting. Writes a Markdown table: medians of the runs, mean and range of F1.
    """
    if with_model:
        with Preprocessor(knowledge=":memory:", cache=cache, adapters=False) as preprocessor:
            click.echo("| table | way | precision | recall | F1 | F1 of runs | questions |")
            click.echo("| --- | --- | --: | --: | --: | --- | --: |")
            for known in _known(tables, kinds, records, range(1, lists + 1), febrl):
                found: dict[str, list[Measured]] = {}
                for way, cut, pairs in who_adds_what(known, preprocessor, labels, range(seeds), first):
                    found.setdefault(way, []).append(measured(cut, pairs))
                for way, runs in found.items():
                    questions = np.median([run.questions for run in runs])
                    click.echo(f"| {known.name} | {way} | {_figures(runs)} | {questions:,.0f} |")
        return
    click.echo("| table | records | pairs | way | precision | recall | F1 | F1 of runs | seconds |")
    click.echo("| --- | --: | --: | --- | --: | --: | --: | --- | --: |")
    for known in _known(tables, kinds, records, range(1, lists + 1), febrl):
        for way in ways:
            run = partial(WAYS[way], known, labels)
            runs = [measured(known, run(seed)) for seed in range(1 if way == "counted evidence" else seeds)]
            click.echo(_line(known, way, runs))


def _known(
    tables: Sequence[Path], kinds: Sequence[str], records: int, lists: Sequence[int], febrl: Sequence[int]
) -> Iterator[KnownList]:
    yield from map(known_tables, tables)
    yield from synthetic_lists(kinds, records, lists, two=False)
    yield from map(febrl_list, febrl)


def _line(known: KnownList, way: str, runs: Sequence[Measured]) -> str:
    size = len(known.left) + len(known.right or ())
    seconds = np.median([run.seconds for run in runs])
    return f"| {known.name} | {size:,} | {len(known.pairs):,} | {way} | {_figures(runs)} | {seconds:.1f} |"


def _figures(runs: Sequence[Measured]) -> str:
    """Median precision and recall, mean F1 and its range."""
    precision, recall = np.median([run.precision for run in runs]), np.median([run.recall for run in runs])
    scores = [run.f1 for run in runs]
    spread = f"{min(scores):.3f} to {max(scores):.3f}" if len(scores) > 1 else ""
    return f"{precision:.3f} | {recall:.3f} | {np.mean(scores):.3f} | {spread}"
