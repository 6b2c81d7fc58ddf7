"""`python -m lab columns`: schema matching on pairs of exports whose mapping is known."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import click
import polars as pl

from dp_tools.cli.answering import MODEL
from dp_tools.preprocessor import Preprocessor
from lab.synthetic.exports import (
    DOMAINS,
    Export,
    ExportPair,
    make_held_back,
    with_little_in_common,
    with_unknown_names,
)


@click.command()
@click.argument("files", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1)
@click.option("--domain", "domains", type=click.Choice(DOMAINS), multiple=True, help="Synthetic exports of a domain.")
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Pairs of exports of each domain.")
@click.option("--unknown", type=click.FloatRange(0, 1), default=0.0, help="Share of unknown names on one side.")
@click.option("--apart", is_flag=True, help="Synthetic exports that have hardly anything in common.")
@MODEL
def columns(
    files: tuple[Path, ...], domains: tuple[str, ...], seeds: int, unknown: float, apart: bool, model: str
) -> None:
    """Measure schema matching on FILES and on exports of the held-back generator; writes a Markdown table.

    Of a pair NAME_a.csv and NAME_b.csv the first is named; NAME.truth.json maps its columns to those of the other.
    """
    with Preprocessor(model, ":memory:", cache=False, adapters=False) as preprocessor:
        preprocessor.decider.wait_until_optimized()
        click.echo("| exports | columns | true | right | wrong | pairs | questions | seconds |")
        click.echo("| --- | --: | --: | --: | --: | --: | --: | --: |")
        for name, pair in _pairs(files, domains, seeds):
            pair = with_little_in_common(pair) if apart else pair
            pair = with_unknown_names(Random(name), pair, unknown) if unknown else pair
            started = time.perf_counter()
            answer = preprocessor.match_schemas(_frame(pair.left), _frame(pair.right), only="all")
            seconds = time.perf_counter() - started
            found = {pair.left.columns[a]: pair.right.columns[b] for a, b in answer.assignment}
            right = sum(pair.mapping.get(left) == other for left, other in found.items())
            asked = sum(judged.decided_by == "model" for judged in answer.pairs)
            click.echo(
                f"| {name} | {len(pair.left.columns)} and {len(pair.right.columns)} | {len(pair.mapping)} | {right} | "
                f"{len(found) - right} | {len(answer.pairs)} | {asked} | {seconds:.1f} |"
            )


def _pairs(files: Sequence[Path], domains: Sequence[str], seeds: int) -> Iterator[tuple[str, ExportPair]]:
    for file in files:
        name = file.stem.removesuffix("_a")
        mapping = json.loads(file.with_name(f"{name}.truth.json").read_text(encoding="utf-8"))
        yield name, ExportPair(_export(file), _export(file.with_name(f"{name}_b.csv")), mapping)
    for domain in domains:
        for seed in range(1, seeds + 1):
            yield f"{domain} {seed}", make_held_back(domain, seed)


def _export(path: Path) -> Export:
    with path.open(newline="", encoding="utf-8") as file:
        columns, *rows = csv.reader(file)
    return Export(path.stem, tuple(columns), tuple(map(tuple, rows)))


def _frame(export: Export) -> pl.DataFrame:
    return pl.DataFrame(export.rows, schema=list(export.columns), orient="row")
