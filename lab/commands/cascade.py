"""`python -m lab cascade`: how few questions a match takes, and whether it keeps its promise."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from dp_tools.cli.answering import MODEL, stages
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.cascade.promise import Promise
from lab.benchmarks.cascade import match_runs

HEADER = "| table | | questions | asked | F1 | F1 of runs | recall | precision | missed |"


@click.command()
@click.argument("tables", type=click.Path(path_type=Path, exists=True, file_okay=False), nargs=-1, required=True)
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True, help="Runs of each table.")
@click.option("--first", type=click.IntRange(1), help="Only so many candidate pairs of each table.")
@click.option("--cache", type=click.Path(path_type=Path, dir_okay=False), help="File of answers (default: your own).")
@click.option("--truth", is_flag=True, help="Let the known matches answer in place of the model.")
@MODEL
def cascade(
    tables: tuple[Path, ...], seeds: int, first: int | None, cache: Path | None, truth: bool, model: str
) -> None:
    """Match each of TABLES, folders with tableA.csv, tableB.csv and matches.csv; writes a Markdown table.

    Each table is asked in full once, through the cache; the runs replay its answers. F1 is against the truth; recall
    and precision of the yes answers are against asking everything, the lowest of all runs. A run misses where one of
    these is below the promise.
    """
    promise = Promise()
    with Preprocessor(model, ":memory:", cache=cache, adapters=False) as preprocessor, stages() as stage:
        click.echo(HEADER)
        click.echo("| --- | --- | --: | --: | --: | --- | --: | --: | --: |")
        for folder in tables:
            work = Work(preprocessor.decider, NoJournal(), progress=stage(folder.name))
            whole, *runs = match_runs(work, folder, promise, range(seeds), first=first, truth=truth)
            click.echo(f"| {folder.name} | all | {whole.size:,} | 100% | {whole.f1:.3f} | | 1.000 | 1.000 | |")
            f1 = np.array([run.f1 for run in runs])
            missed = sum(run.recall < promise.recall or run.precision < promise.precision for run in runs)
            asked = np.mean([run.asked for run in runs])
            click.echo(
                f"| {folder.name} | default | {asked:,.0f} | {asked / whole.size:.1%} | {f1.mean():.3f} | "
                f"{f1.min():.3f} to {f1.max():.3f} | {min(run.recall for run in runs):.3f} | "
                f"{min(run.precision for run in runs):.3f} | {missed} of {len(runs)} |"
            )
