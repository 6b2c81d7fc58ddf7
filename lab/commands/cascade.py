"""`python -m lab cascade`: how few questions a match or a detection takes, and whether it keeps its promise."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import numpy as np

from dp_tools.cli.answering import MODEL, stages
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.cascade.promise import Promise
from lab.benchmarks.cascade import Peer, Run, match_runs
from lab.benchmarks.cascade_cells import CellRun, cell_runs

FIRST_ROWS = 200
"""What the package's own default draws its sample from."""
PEERS = ("BARGAIN", "LOTUS", "LOTUS-defaults")
HEADER = "| table | | questions | asked | F1 | F1 of runs | recall | precision | missed |"
CELLS = "| table | | questions | asked | of cells | F1 | F1 of runs | recall | precision | missed |"


@click.command()
@click.argument("tables", type=click.Path(path_type=Path, exists=True, file_okay=False), nargs=-1, required=True)
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True, help="Runs of each table.")
@click.option("--first", type=click.IntRange(1), help="Only so many candidate pairs of each table.")
@click.option("--cache", type=click.Path(path_type=Path, dir_okay=False), help="File of answers (default: your own).")
@click.option("--truth", is_flag=True, help="Let the known matches answer in place of the model.")
@click.option(
    "--beside",
    type=click.Choice(PEERS),
    multiple=True,
    help="A package that also chooses what to ask, with the prior as its proxy; repeatable.",
)
@MODEL
def cascade(
    tables: tuple[Path, ...],
    seeds: int,
    first: int | None,
    cache: Path | None,
    truth: bool,
    beside: tuple[str, ...],
    model: str,
) -> None:
    """Match or clean each of TABLES, folders with tableA.csv, tableB.csv and matches.csv, or with dirty.csv and
    clean.csv; writes a Markdown table for either kind.

    Each table is asked in full once, through the cache; the runs replay its answers. F1 is against the truth; recall
    and precision of the yes answers, of cells of the questions that the model answers with "wrong", are against asking
    everything, the lowest of all runs. A run misses where one of these is below the promise.
    """
    promise = Promise()
    peers = {name: _peer(name) for name in beside}
    dirty = [folder for folder in tables if (folder / "dirty.csv").is_file()]
    pairs = [folder for folder in tables if folder not in dirty]
    with Preprocessor(model, ":memory:", cache=cache, adapters=False) as preprocessor, stages() as stage:

        def work(folder: Path) -> Work:
            return Work(preprocessor.decider, NoJournal(), progress=stage(folder.name))

        if pairs:
            _head(HEADER)
        for folder in pairs:
            found = match_runs(work(folder), folder, promise, range(seeds), first=first, truth=truth, beside=peers)
            _lines(folder.name, list(found), promise)
        if dirty:
            _head(CELLS)
        for folder in dirty:
            cleaned = cell_runs(partial(work, folder), folder, promise, range(seeds))
            _lines(folder.name, list(cleaned), promise)


def _peer(name: str) -> Peer:
    # Imported here: packages that only this comparison needs.
    if name == "BARGAIN":
        from lab.benchmarks.bargain import bargained

        return bargained
    from lab.benchmarks.lotus import lotus_cascade

    return partial(lotus_cascade, sample_from=None if name == "LOTUS" else FIRST_ROWS)


def _head(header: str) -> None:
    click.echo(header)
    click.echo("| --- | --- |" + " --: |" * (header.count("|") - 3))


def _lines(name: str, found: Sequence[Run], promise: Promise) -> None:
    """A line of the run that asks everything, and one of the others of each kind."""
    whole, *others = found
    click.echo(f"| {name} | all | {whole.size:,} | 100% |{_of_cells(whole, whole.size)} {whole.f1:.4f} | | 1 | 1 | |")
    for who in dict.fromkeys(run.who for run in others):
        runs = [run for run in others if run.who == who]
        asked = float(np.mean([run.asked for run in runs]))
        f1 = np.array([run.f1 for run in runs if run.f1 is not None])
        said = f"{f1.mean():.4f} | {f1.min():.4f} to {f1.max():.4f}" if len(f1) else "|"
        missed = sum(run.recall < promise.recall or run.precision < promise.precision for run in runs)
        click.echo(
            f"| {name} | {who} | {asked:,.0f} | {asked / whole.size:.1%} |{_of_cells(whole, asked)} {said} | "
            f"{min(run.recall for run in runs):.3f} | {min(run.precision for run in runs):.3f} | "
            f"{missed} of {len(runs)} |"
        )


def _of_cells(whole: Run, asked: float) -> str:
    return f" {asked / whole.cells:.1%} |" if isinstance(whole, CellRun) else ""
