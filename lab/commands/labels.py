"""`python -m lab labels`: what labelled rows are worth on whole tables."""

from __future__ import annotations

from pathlib import Path

import click

from dp_tools.cli.answering import MODEL
from dp_tools.engine.questions import Engine
from dp_tools.preprocessor import Preprocessor
from lab.benchmarks.cleaning import CodeAlone
from lab.benchmarks.labels import HEADER, measure


@click.command()
@click.argument("folders", type=click.Path(path_type=Path, exists=True, file_okay=False), nargs=-1, required=True)
@click.option("--rows", type=click.IntRange(1), default=20, show_default=True, help="Rows that are labelled.")
@click.option("--seeds", type=click.IntRange(0), default=5, show_default=True, help="Choices of rows.")
@click.option("--by-code", is_flag=True, help="Count what code decides, without a model.")
@MODEL
def labels(folders: tuple[Path, ...], rows: int, seeds: int, by_code: bool, model: str) -> None:
    """Measure cleaning with and without labelled rows in FOLDERS of a dirty.csv and a clean.csv; writes Markdown."""
    engine: Engine | None = CodeAlone() if by_code else None
    with Preprocessor(model, ":memory:", engine=engine, adapters=False) as preprocessor:
        click.echo(f"| {' | '.join(HEADER)} |\n| --- |{' --: |' * (len(HEADER) - 1)}")
        for folder in folders:
            for one in measure(preprocessor, folder, list(range(1, seeds + 1)), rows):
                click.echo(f"| {' | '.join(one.line())} |")
