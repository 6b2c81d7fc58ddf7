"""`dp-tools bench`: the benchmark as a command."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from dp_tools.cli.answering import bar, interruptible, onward
from dp_tools.engine import open_engine
from dp_tools.errors import TableUnavailable
from dp_tools.preprocessor import Preprocessor
from dp_tools.tuning.bench import HEADER, Row, cells, markdown, measure
from dp_tools.tuning.instances import SPLITS, read_datasets


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder laid out as TASK/dataset/split.")
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
@click.option("--model", default="nano", show_default=True, help="A model's name, GGUF path, or hf:owner/repo/file.")
@click.option("--knowledge", default=":memory:", help="Knowledge store; the shipped packs alone if left out.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows here.")
@click.option(
    "--markdown", "markdown_file", type=click.Path(path_type=Path, dir_okay=False), help="And the table here."
)
def bench(
    data: Path,
    only: tuple[str, ...],
    more: tuple[str, ...],
    limit: int | None,
    split: str,
    rules: str,
    model: str,
    knowledge: str,
    json_file: Path | None,
    markdown_file: Path | None,
) -> None:
    """Measure the model on a folder of labelled data: one row per dataset, then means, beside the published results.

    Scores are in percent: F1 of the positive class, accuracy for imputation, micro-F1 for column types. With --limit
    the same instances are taken every time, at the natural rate of labels.
    """
    if more and not only:
        raise click.UsageError(f"What is {more[0]}? Name datasets after --only.")
    splits = []
    for dataset in read_datasets(data, (*only, *more)):
        if split in dataset.files:
            splits.append(dataset.split(split).sample(limit))
        else:
            click.echo(f"{dataset.folder}/{dataset.name} has no split {split}: left out.", err=True)
    total, done = sum(len(entry.instances) for entry in splits), 0
    results: list[Row] = []
    engine = open_engine(model, cache=False)
    with (
        Preprocessor(model, knowledge, engine=engine) as preprocessor,
        bar(total) as advance,
        interruptible() as cancel,
    ):
        for entry in splits:
            row = measure(preprocessor, entry, packs=rules == "packs", progress=onward(advance, done), cancel=cancel)
            results.append(row)
            done += row.result.n
            advance(done)
    table = Table(*HEADER, box=None, pad_edge=False)
    for line in cells(results):
        table.add_row(*line)
    console = Console()
    console.width = console.width if console.is_terminal else 200
    console.print(table)
    if json_file is not None:
        _write(json_file, json.dumps([row.as_json() for row in results], indent=2) + "\n")
    if markdown_file is not None:
        _write(markdown_file, markdown(results))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TableUnavailable(f"{path} cannot be written ({error.strerror}): choose another place.") from error
