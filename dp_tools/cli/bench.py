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
from dp_tools.evaluation.datasets import SPLITS, read_datasets
from dp_tools.evaluation.splits import Split
from dp_tools.preprocessor import Preprocessor


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of datasets, laid out as TASK/dataset/split.")
@click.option("--tables", type=click.Path(path_type=Path), help="Folder of whole tables to measure instead of --data.")
@click.option("--only", multiple=True, help="TASK/dataset or TASK to measure (repeatable).")
@click.argument("more", nargs=-1)
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of instances per dataset.")
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Split to measure.")
@click.option(
    "--rules",
    type=click.Choice(("general", "packs")),
    default="packs",
    show_default=True,
    help="Use general rules only, or also the rules of each dataset's pack.",
)
@click.option("--alone", is_flag=True, help="Judge each instance without evidence from the rest of its table.")
@MODEL
@click.option("--knowledge", default=":memory:", help="Knowledge store (default: the shipped packs only).")
@click.option("--user-adapters", is_flag=True, help="Answer with user adapters, for datasets that have one.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the results as JSON.")
@click.option(
    "--markdown",
    "markdown_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the results as a Markdown table.",
)
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Write the results as an SVG chart.")
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
    user_adapters: bool,
    json_file: Path | None,
    markdown_file: Path | None,
    picture: Path | None,
) -> None:
    """Measure the model on labelled data: one row per dataset, then means, beside the published results.

    Scores are in percent: F1 of the positive class, accuracy for imputation, micro-F1 for column types. --limit always
    takes the same instances and preserves the share of each label.

    With --tables, measures whole tables, each with general rules only and with its pack's rules (or as --rules says).
    """
    if more and not only:
        raise click.UsageError(f"What is {more[0]}? Name datasets after --only.")
    if tables is not None:
        given = click.get_current_context().get_parameter_source("rules") is ParameterSource.COMMANDLINE
        choices: Sequence[Rules] = ("general",) if rules == "general" else ("packs",)
        _bench_tables(tables, (*only, *more), choices if given else ("general", "packs"), model, knowledge, json_file)
        return
    if data is None:
        raise click.UsageError("Give a folder: --data DIR, or --tables DIR.")
    splits = _splits(data, (*only, *more), split, limit)
    splits = [entry.alone() for entry in splits] if alone else splits
    engine = open_engine(model, cache=False, wait=True)
    with Preprocessor(model, knowledge, engine=engine, adapters=None if user_adapters else False) as preprocessor:
        results, failed = _measured(preprocessor, splits, json_file, packs=rules == "packs")
    _show(HEADER, cells(results))
    if markdown_file is not None:
        _write(markdown_file, markdown(results))
    if picture is not None:
        _write(picture, bench_picture.picture(results))
    if failed:
        click.echo("\n".join(f"Not measured: {what}" for what in failed), err=True)
        click.get_current_context().exit(1)


def _measured(
    preprocessor: Preprocessor, splits: Sequence[Split], json_file: Path | None, *, packs: bool
) -> tuple[list[Row], list[str]]:
    """A row for each split, written as they come, and what could not be measured."""
    results: list[Row] = []
    failed: list[str] = []
    done = 0
    with bar(sum(len(split.instances) for split in splits)) as advance, interruptible() as cancel:
        for split in splits:
            try:
                row = measure(preprocessor, split, packs=packs, progress=onward(advance, done), cancel=cancel)
            except InvalidRequest as error:
                failed.append(f"{split.folder}/{split.dataset}: {error}")
                continue
            results.append(row)
            done += row.result.n
            advance(done)
            click.echo(f"{row.task}/{row.dataset}: {row.result.score:.2f} in {row.seconds:.0f} s", err=True)
            if json_file is not None:
                _write(json_file, json.dumps([row.as_json() for row in results], indent=2) + "\n")
    return results, failed


def _splits(data: Path, only: Sequence[str], name: str, limit: int | None) -> list[Split]:
    """The split of this name of each dataset; says which datasets do not have it."""
    splits = []
    for dataset in read_datasets(data, only):
        if name in dataset.files:
            splits.append(dataset.split(name).sample(limit))
        else:
            click.echo(f"{dataset.folder}/{dataset.name} has no split {name}: left out.", err=True)
    return splits


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
