"""`python -m lab field`: the command line on a folder of small files whose right values stand beside them."""

from __future__ import annotations

import shlex
import sys
import tempfile
from pathlib import Path

import click

from lab.benchmarks.field import HEADER, Field


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--command", help='What starts dp-tools, such as "OLD/.venv/bin/dp-tools" (default: this one).')
def field(folder: Path, command: str | None) -> None:
    """Measure the command that the truth of each CSV file of FOLDER is for; writes a Markdown table.

    NAME.csv has its truth in NAME.truth.json: `entity_of_row` of a list; `pairs_of_rows_a_b`, from 1, of NAME_a.csv and
    NAME_b.csv, or the column of NAME_b.csv for each of NAME_a.csv; of NAME_gaps.csv the value of each row with a gap;
    `one_two_by_row`, the values of "one" and "two" in the texts of the last column.
    The right cells of NAME_dirty.csv stand in NAME_clean.csv; a file without any of these is right as it is.
    """
    with tempfile.TemporaryDirectory() as scratch:
        start = [sys.executable, "-m", "dp_tools"] if command is None else shlex.split(command)
        click.echo(f"| {' | '.join(HEADER)} |")
        click.echo(f"| --- | --- |{' --: |' * (len(HEADER) - 2)}")
        for one in Field(folder, start, Path(scratch)).measured():
            click.echo(f"| {' | '.join(one.line())} |")
