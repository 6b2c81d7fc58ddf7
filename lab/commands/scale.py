"""`python -m lab scale`: how whole tables scale with their records."""

from __future__ import annotations

import json

import click

from lab.benchmarks.scale import measure


@click.command()
@click.argument("rows", type=click.IntRange(min=1), default=1_000_000)
def scale(rows: int) -> None:
    """Time each step of work on a generated table of ROWS records: seconds and peak memory, as JSON."""
    for step in measure(rows):
        click.echo(json.dumps(step))
