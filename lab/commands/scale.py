"""`python -m lab scale`: how whole tables scale with their records."""

from __future__ import annotations

import json

import click

from lab.benchmarks import large_lists
from lab.benchmarks import scale as tables


@click.command()
@click.argument("rows", type=click.IntRange(min=1), default=1_000_000)
@click.option("--list", "kind", type=click.Choice(list(large_lists.LISTS)), help="Find the duplicates of such a list.")
@click.option("--workers", default=0, help="Look up and compare records of the list in so many workers.")
def scale(rows: int, kind: str | None, workers: int) -> None:
    """Time each step of work on a generated table of ROWS records: seconds and peak memory, as JSON."""
    for step in tables.measure(rows) if kind is None else large_lists.measure(kind, rows, workers):
        click.echo(json.dumps(step))
