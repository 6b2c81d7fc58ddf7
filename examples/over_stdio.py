"""Every task on labelled data through a stdio server, as an agent would call it: `python over_stdio.py --help`.

Prints a Markdown table: what was asked, how many questions, the score against the labels, seconds.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import click
from mcp import Client, StdioServerParameters, stdio_client

from dp_tools.evaluation.datasets import read_datasets
from dp_tools.evaluation.instances import Instance
from dp_tools.evaluation.scores import score
from dp_tools.tables.snapshot import open_table
from dp_tools.tasks.task import Outcome

INSTRUCTION = "Is this hospital owned by a government?"


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder laid out as TASK/dataset/split.")
@click.option("--table", type=click.Path(path_type=Path), required=True, help="Folder with dirty.csv and clean.csv.")
@click.option("--model", default="nano", show_default=True, help="What the server answers with.")
@click.option("--limit", default=100, show_default=True, help="Instances of each dataset, and records of the table.")
@click.argument("datasets", nargs=-1)
def over_stdio(data: Path, table: Path, model: str, limit: int, datasets: tuple[str, ...]) -> None:
    """Ask about the first records of a table, and about DATASETS, each TASK/dataset."""
    anyio.run(_run, data, table, model, limit, datasets)


async def _run(data: Path, table: Path, model: str, limit: int, datasets: tuple[str, ...]) -> None:
    command = ["-m", "dp_tools", "serve", "--model", model]
    server = stdio_client(StdioServerParameters(command=sys.executable, args=command, env=dict(os.environ)))
    click.echo("| what | tool | questions | score | precision | recall | seconds |\n|---|---|---:|---:|---:|---:|---:|")
    async with Client(server, mode="legacy") as client:
        await _table(client, table, limit)
        for dataset in read_datasets(data, datasets):
            split = dataset.split("test").sample(limit)
            outcomes, started = [], time.perf_counter()
            for batch in split.batches(dataset=dataset.name):
                arguments = batch.request.model_dump(mode="json", exclude_defaults=True)
                outcomes += [_outcome(item) for item in await _call(client, split.task, arguments)]
            asked = [instance for batch in split.batches() for instance in batch.instances]
            _print(f"{dataset.folder}/{dataset.name}", split.task, asked, outcomes, started)


async def _table(client: Client, folder: Path, limit: int) -> None:
    """Error detection on the first records, the others being context, and an instruction about a few of them."""
    dirty, clean = ([record for _, record in _records(folder / f"{kind}.csv")] for kind in ("dirty", "clean"))
    cells = [
        (found, right)
        for record, truth in zip(dirty[:limit], clean, strict=False)
        for found, right in zip(record.values(), truth.values(), strict=True)
    ]
    labels = [Instance({}, "yes" if found != right else "no") for found, right in cells]
    started = time.perf_counter()
    arguments = {"records": dirty[:limit], "context": dirty[limit:], "dataset": folder.name}
    outcomes = [_outcome(item) for item in await _call(client, "detect_errors", arguments)]
    _print(f"{folder.name}, {len(dirty[:limit])} records", "detect_errors", labels, outcomes, started)
    started = time.perf_counter()
    answers = await _call(client, "follow_instruction", {"records": dirty[:5], "instruction": INSTRUCTION})
    shown = ", ".join(str(item["answer"]) for item in answers)
    click.echo(f"| {INSTRUCTION} {shown} | follow_instruction | 5 | | | | {time.perf_counter() - started:.1f} |")


async def _call(client: Client, tool: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """The items of the answer."""
    result = await client.call_tool(tool, arguments)
    if result.is_error or result.structured_content is None:
        raise click.ClickException(f"{tool}: {result.content}")
    found = ("cells", "values", "pairs", "columns", "answers")
    return next(result.structured_content[name] for name in found if name in result.structured_content)


def _outcome(item: dict[str, Any]) -> Outcome:
    verdict = next((item[name] for name in ("error", "match") if name in item), None)
    value = item.get("value", item.get("type")) if "error" not in item else None
    label = value if verdict is None else "yes" if verdict else "no"
    ranking = tuple((name, probability) for name, probability in item.get("alternatives", ()))
    return Outcome("model", label, item.get("confidence"), ranking, failure=item.get("failure"))


def _print(what: str, task: str, instances: list[Instance], outcomes: list[Outcome], started: float) -> None:
    seconds = time.perf_counter() - started
    result = score(task, instances, outcomes)
    scores = " | ".join(f"{share:.1f}" for share in (result.score, result.precision, result.recall))
    click.echo(f"| {what} | {task} | {result.n} | {scores} | {seconds:.1f} |")


def _records(path: Path) -> list[Any]:
    with closing(open_table(path)) as table:
        return list(table.records())


if __name__ == "__main__":
    over_stdio()
