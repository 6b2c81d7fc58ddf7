"""`python -m lab patience`: whether long calls answer before a client gives them up."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from lab.benchmarks.patience import TIMEOUT_S, measure_patience


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder laid out as TASK/dataset/split with EM/Amazon-Google and ED/Hospital (default: synthetic records of "
    "the same shape).",
)
@click.option("--cells", type=click.IntRange(min=1), default=2000, show_default=True, help="Cells to judge.")
@click.option("--pairs", type=click.IntRange(min=1), default=500, show_default=True, help="Pairs to judge.")
@click.option("--model", default="nano", show_default=True, help="Model that the server answers with.")
def patience(data: Path | None, cells: int, pairs: int, model: str) -> None:
    """Ask a server over stdio with a time-out of 60 seconds, and leave in the middle. Writes a table as Markdown."""
    console = Console(stderr=True)
    with console.status("Measuring") as status:
        found = measure_patience(
            data, cells=cells, pairs=pairs, model=model, report=lambda what: status.update(f"Measuring {what}")
        )
    click.echo(
        "| call | items | returned after | decided by then | without the model | rest promised in "
        f"| rest took | longest call (of {TIMEOUT_S:.0f} s) |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    for one in found:
        promised = "" if one.promised_s is None else f"{one.promised_s:.0f} s"
        click.echo(
            f"| `{one.tool}` | {one.items:,} | {one.returned_s} s | {one.decided:,} "
            f"| {one.without_model:,} | {promised} | {one.rest_s:.0f} s | {one.longest_s} s |"
        )
