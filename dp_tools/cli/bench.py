"""`dp-tools bench`: the benchmark as a command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console
from rich.table import Table

from dp_tools.cli.answering import MODEL, bar, interruptible, onward
from dp_tools.engine import open_engine
from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.evaluation import bench_picture, bench_tables
from dp_tools.evaluation.bench import HEADER, Row, cells, markdown, measure
from dp_tools.evaluation.bench_tables import Rules
from dp_tools.evaluation.instances import SPLITS, read_datasets
from dp_tools.preprocessor import Preprocessor


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder laid out as TASK/dataset/split.")
@click.option("--tables", type=click.Path(path_type=Path), help="Folder of whole tables to measure instead.")
@click.option("--only", multiple=True, help="A TASK/dataset or a TASK to measure; more may follow.")
@click.argument("more", nargs=-1)
@click.option("--limit", type=click.IntRange(min=1), help="At most this many instances of each dataset.")
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Which split to measure.")
@click.option(
    "--rules",
    type=click.Choice(("general", "packs")),
    default="packs",
    show_default=True,
    help="General rules only, or those of each dataset's pack too.",
)
@click.option("--alone", is_flag=True, help="Judge every instance without the evidence of the rest of its table.")
@MODEL
@click.option("--knowledge", default=":memory:", help="Knowledge store; the shipped packs alone if left out.")
@click.option("--own", is_flag=True, help="Answer with your own adapters, for the datasets that have one.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows here.")
@click.option(
    "--markdown", "markdown_file", type=click.Path(path_type=Path, dir_okay=False), help="And the table here."
)
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="And a picture here, as SVG.")
def bench(
    data: Path | None,
    tables: Path | None,
    only: tuple[str, ...],
    more: tuple[str, ...],
    limit: int | None,
    split: str,
    rules: str,
    alone: bool,
    model: str,
    knowledge: str,
    own: bool,
    json_file: Path | None,
    markdown_file: Path | None,
    picture: Path | None,
) -> None:
    """Measure the model on a folder of labelled data: one row per dataset, then means, beside the published results.

    Scores are in percent: F1 of the positive class, accuracy for imputation, micro-F1 for column types. With --limit
    the same instances are taken every time, at the natural rate of labels.

    With --tables: whole tables, each with general rules and with its pack's too (or as --rules says).
    """
    if more and not only:
        raise click.UsageError(f"What is {more[0]}? Name datasets after --only.")
    if tables is not None:
        said = click.get_current_context().get_parameter_source("rules") is ParameterSource.COMMANDLINE
        choices: Sequence[Rules] = ("general",) if rules == "general" else ("packs",)
        _bench_tables(tables, (*only, *more), choices if said else ("general", "packs"), model, knowledge, json_file)
        return
    if data is None:
        raise click.UsageError("Give a folder: --data DIR, or --tables DIR.")
    splits = []
    for dataset in read_datasets(data, (*only, *more)):
        if split in dataset.files:
            chosen = dataset.split(split).sample(limit)
            splits.append(chosen.alone() if alone else chosen)
        else:
            click.echo(f"{dataset.folder}/{dataset.name} has no split {split}: left out.", err=True)
    total, done = sum(len(entry.instances) for entry in splits), 0
    results: list[Row] = []
    failed: list[str] = []
    engine = open_engine(model, cache=False, wait=True)
    with (
        Preprocessor(model, knowledge, engine=engine, adapters=None if own else False) as preprocessor,
        bar(total) as advance,
        interruptible() as cancel,
    ):
        for entry in splits:
            try:
                row = measure(
                    preprocessor, entry, packs=rules == "packs", progress=onward(advance, done), cancel=cancel
                )
            except InvalidRequest as error:
                failed.append(f"{entry.folder}/{entry.dataset}: {error}")
                continue
            results.append(row)
            done += row.result.n
            advance(done)
            click.echo(f"{row.task}/{row.dataset}: {row.result.score:.2f} in {row.seconds:.0f} s", err=True)
            if json_file is not None:
                _write(json_file, json.dumps([row.as_json() for row in results], indent=2) + "\n")
    _show(HEADER, cells(results))
    if markdown_file is not None:
        _write(markdown_file, markdown(results))
    if picture is not None:
        _write(picture, bench_picture.picture(results))
    if failed:
        click.echo("\n".join(f"Not measured: {what}" for what in failed), err=True)
        click.get_current_context().exit(1)


def _bench_tables(
    folder: Path, only: Sequence[str], rules: Sequence[Rules], model: str, knowledge: str, json_file: Path | None
) -> None:
    rows = []
    engine = open_engine(model, cache=False, wait=True)
    with (
        Preprocessor(model, knowledge, engine=engine, adapters=False) as preprocessor,
        bar(0) as advance,
        interruptible() as cancel,
    ):
        for row in bench_tables.bench_tables(
            folder, preprocessor, only=only, rules=rules, progress=lambda done, _: advance(done), cancel=cancel
        ):
            rows.append(row)
            click.echo(json.dumps(row), err=True)
    _show(bench_tables.HEADER, bench_tables.cells(rows))
    if json_file is not None:
        _write(json_file, json.dumps(rows, indent=2) + "\n")


def _show(header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    table = Table(*header, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*line)
    console = Console()
    console.width = console.width if console.is_terminal else 200
    console.print(table)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TableUnavailable(f"{path} cannot be written ({error.strerror}): choose another place.") from error
