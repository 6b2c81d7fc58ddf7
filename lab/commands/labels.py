"""`python -m lab labels`: what labelled rows are worth on whole tables."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
import numpy as np

from dp_tools.cli.answering import MODEL
from dp_tools.engine import open_engine
from dp_tools.engine.questions import Engine
from dp_tools.models.catalogue import resolve
from dp_tools.preprocessor import Preprocessor
from lab.benchmarks.cleaning import CodeAlone
from lab.benchmarks.labels import HEADER, WAYS_HEADER, Recorded, Way, measure, who_adds_what


@click.command()
@click.argument("folders", type=click.Path(path_type=Path, exists=True, file_okay=False), nargs=-1, required=True)
@click.option("--rows", type=click.IntRange(1), default=20, show_default=True, help="Rows that are labelled.")
@click.option("--seeds", type=click.IntRange(0), default=5, show_default=True, help="Choices of rows.")
@click.option("--by-code", is_flag=True, help="Count what code decides, without a model.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Compare all ways to find wrong cells by the answers in this file, and ask nothing more.",
)
@MODEL
def labels(folders: tuple[Path, ...], rows: int, seeds: int, by_code: bool, cache: Path | None, model: str) -> None:
    """Measure cleaning with and without labelled rows in FOLDERS of a dirty.csv and a clean.csv; writes Markdown."""
    if cache is not None:
        _who_adds_what(folders, rows, seeds, cache, model)
        return
    engine: Engine | None = CodeAlone() if by_code else None
    with Preprocessor(model, ":memory:", engine=engine, adapters=False) as preprocessor:
        click.echo(f"| {' | '.join(HEADER)} |\n| --- |{' --: |' * (len(HEADER) - 1)}")
        for folder in folders:
            for one in measure(preprocessor, folder, list(range(1, seeds + 1)), rows):
                click.echo(f"| {' | '.join(one.line())} |")


def _who_adds_what(folders: tuple[Path, ...], rows: int, seeds: int, cache: Path, model: str) -> None:
    click.echo(f"| {' | '.join(WAYS_HEADER)} |\n| --- | --- |{' --: |' * (len(WAYS_HEADER) - 2)}")
    spec = resolve(model)
    with closing(open_engine(spec, cache=False)) as engine:
        recorded = Recorded(engine, cache)
        with Preprocessor(model, ":memory:", engine=recorded.answered, adapters=False) as preprocessor:
            for folder in folders:
                before, found = recorded.lacking, dict[str, list[Way]]()
                for _, ways in who_adds_what(preprocessor, folder, range(1, seeds + 1), rows):
                    for way in ways:
                        found.setdefault(way.name, []).append(way)
                for name, runs in found.items():
                    f1 = [run.f1 for run in runs]
                    figures = [", ".join(f"{one:.3f}" for one in f1), f"{np.median(f1):.3f}"]
                    asked = f"{np.median([run.asked for run in runs]):,.0f}"
                    lacking = f"{recorded.lacking - before:,}"
                    click.echo(f"| {' | '.join([folder.name, name, *figures, asked, lacking])} |")
