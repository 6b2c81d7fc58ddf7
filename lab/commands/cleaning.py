"""`python -m lab cleaning`: detection and repair on tables whose columns are of known kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from dp_tools.cli.answering import MODEL
from dp_tools.engine.questions import Engine
from dp_tools.preprocessor import Preprocessor
from lab.benchmarks.cleaning import HEADER, Cleaned, CodeAlone, clean_file, clean_synthetic
from lab.synthetic.kind_tables import TABLES


@click.command()
@click.argument("files", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1)
@click.option("--table", "tables", type=click.Choice(TABLES), multiple=True, help="A synthetic table (repeatable).")
@click.option("--rows", type=click.IntRange(12), default=130, show_default=True, help="Of each synthetic table.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Synthetic tables of each kind.")
@click.option(
    "--spoiled", type=click.FloatRange(0, 0.2), default=0.0, show_default=True, help="Share of spoiled cells."
)
@click.option("--by-code", is_flag=True, help="Count what code decides, without a model.")
@MODEL
def cleaning(
    files: tuple[Path, ...], tables: tuple[str, ...], rows: int, seeds: int, spoiled: float, by_code: bool, model: str
) -> None:
    """Measure cleaning on FILES and on synthetic tables; writes a Markdown table.

    The right cells of NAME_dirty.csv stand in NAME_clean.csv beside it; in a file without one every cell is right.
    """

    def measured(preprocessor: Preprocessor) -> Iterator[Cleaned]:
        for file in files:
            twin = file.with_name(file.name.replace("_dirty", "_clean"))
            yield clean_file(preprocessor, file, twin if twin != file and twin.exists() else None)
        yield from clean_synthetic(preprocessor, tables, rows, range(1, seeds + 1), spoiled)

    engine: Engine | None = CodeAlone() if by_code else None
    with Preprocessor(model, ":memory:", engine=engine, adapters=False) as preprocessor:
        click.echo(f"| {' | '.join(HEADER)} |")
        click.echo(f"| --- |{' --: |' * (len(HEADER) - 1)}")
        for one in measured(preprocessor):
            click.echo(f"| {' | '.join(one.line())} |")
