"""`python -m lab speed`: how fast the model answers on this machine, and beside what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from dp_tools.errors import TableUnavailable
from lab.benchmarks.speed import Sizes, measure_speed

QUICK = Sizes(pairs=50, rows=20, values=30, sample=8, repeats=2, agreement=60, calls=10)


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder laid out as TASK/dataset/split with EM/Amazon-Google, ED/Hospital and DI/Restaurant (default: "
    "synthetic records of the same shape).",
)
@click.option("--quick", is_flag=True, help="A tenth of the questions, to see that it runs; the figures are rough.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures here.")
def speed(data: Path | None, quick: bool, json_file: Path | None) -> None:
    """Measure the engine beside the loop that everyone writes and beside bare llama.cpp. Takes about half an hour."""
    sizes = QUICK if quick else Sizes()
    console = Console(stderr=True)
    with console.status("Measuring") as status:
        figures = measure_speed(data, sizes, report=lambda what: status.update(f"Measuring {what}"))
    _show(figures)
    if json_file is not None:
        try:
            json_file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise TableUnavailable(
                f"{json_file} cannot be written ({error.strerror}): choose another place."
            ) from error


def _show(figures: dict[str, Any]) -> None:
    table = Table(
        "job", "n", "naive/s", "same prompts/s", "ours/s", "same prompts", "whole job", box=None, pad_edge=False
    )
    for name in ("pairs", "cells", "values"):
        job = figures[name]
        rates = (job["naive_per_second"], job["same_prompt_per_second"], job["ours_per_second"])
        table.add_row(
            name,
            str(job["n"]),
            *map(str, rates),
            f"{job['same_prompt_ratio']}x",
            f"{job['ratio']}x",
            str(job["efficiency"]),
        )
    console = Console()
    console.width = console.width if console.is_terminal else 200
    console.print(table)
    for name, value in figures.items():
        if not isinstance(value, dict):
            console.print(f"{name.replace('_', ' ')}: {value}")
