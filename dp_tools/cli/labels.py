"""Labels as commands: which rows to label, and what was learned of datasets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from dp_tools.cli.answering import stages
from dp_tools.cli.tables import FILE, READING_OPTIONS, options
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.labelled.choice import ENOUGH, choose_rows, write_rows_to_label
from dp_tools.tables.snapshot import open_table

_KNOWLEDGE = (
    click.option("--knowledge", type=click.Path(path_type=Path), help="Knowledge store (default: your own)."),
)
_TASKS = click.Choice(("cells", "pairs"))


@click.command()
@click.argument("file", type=FILE)
@click.option("--rows", type=click.IntRange(1), default=ENOUGH, show_default=True, help="Number of rows to label.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For another choice of rows.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Output CSV file (default: FILE.to-label.csv beside FILE).",
)
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@options(READING_OPTIONS)
def label(file: Path, rows: int, seed: int, output: Path | None, force: bool, **reading: Any) -> None:
    """Choose the rows of FILE whose labels teach most, and write them to a CSV file.

    Correct the values in it that are wrong, leave the others as they are, and give it to `dp-tools clean --labelled`.
    """
    target = output or file.with_name(f"{file.stem}.to-label.csv")
    with stages() as stage, open_table(file, progress=stage("reading records"), **reading) as table:
        chosen = choose_rows(table, rows, seed=seed, stage=stage)
        write_rows_to_label(table, chosen, target, overwrite=force)
    click.echo(
        f"{target} holds {len(chosen)} rows: correct what is wrong in it, then run "
        f"`dp-tools clean {file} --labelled {target}`.",
        err=True,
    )


@click.group()
def learned() -> None:
    """List and remove what was learned from the labels of datasets."""


@learned.command("list")
@click.argument("dataset", required=False)
@options(_KNOWLEDGE)
def list_learned(dataset: str | None, knowledge: Path | None) -> None:
    """Print what was learned of DATASET (default: of all), one JSON object per line, the newest version first."""
    with KnowledgeStore.open(knowledge) as store:
        for one in store.list_learned(dataset):
            scores = {"metric": one.metric, "before": round(one.before, 4), "after": round(one.after, 4)}
            about = {"dataset": one.dataset, "task": one.task, "version": one.version, "labels": one.labels}
            click.echo(json.dumps({**about, **scores, "used": one.helps, "at": one.at}, ensure_ascii=False))


@learned.command()
@click.argument("dataset")
@click.option("--task", type=_TASKS, default="cells", show_default=True, help="What was learned about.")
@click.option("--version", type=click.IntRange(1), help="Remove only this version, and keep the labels.")
@options(_KNOWLEDGE)
def remove(dataset: str, task: Any, version: int | None, knowledge: Path | None) -> None:
    """Remove what was learned of DATASET, and its labels."""
    with KnowledgeStore.open(knowledge) as store:
        gone = store.remove_learned(dataset, task, version)
    click.echo(f"{gone:,} entries were removed.", err=True)
