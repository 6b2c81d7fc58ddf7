"""`dp-tools demo`: the main job on example tables, through a real server process and a real MCP client."""

from __future__ import annotations

import csv
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import click
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult
from rich.console import Console
from rich.table import Table

from dp_tools.cli.answering import MODEL, bar
from dp_tools.cli.records import read_records
from dp_tools.errors import DpToolsError, TableUnavailable
from dp_tools.models.catalogue import resolve
from dp_tools.prompts.serializer import is_missing
from dp_tools.tasks.task import RecordField

DATASET = "outdoor-orders"
JUDGED = 50
"""Orders whose cells are judged one by one."""
RULE = {
    "statement": "The shop sells at most 20 of one product in an order; a larger quantity is an error.",
    "task": "detect_errors",
    "dataset": DATASET,
    "attribute": "quantity",
    "check": {"type": "string", "pattern": "^([1-9]|1[0-9]|20)$"},
    "why": "the demo's own rule",
}


class DemoFailed(DpToolsError):
    """The server answered a call of the demo with an error."""


@click.command()
@MODEL
def demo(model: str) -> None:
    """Clean a table, fill gaps, match two catalogues and their columns, and let a rule change an answer.

    Everything goes through a server that this command starts over stdio, with a knowledge store of its own. The scores
    are against the truth that ships beside the example tables.
    """
    with tempfile.TemporaryDirectory(prefix="dp-tools-demo-") as folder:
        try:
            anyio.run(_demo, model, Path(folder).resolve())
        except ExceptionGroup as group:
            raise _cause(group) from None


class _Demo:
    """The client's side of the demo: calls with a progress bar, and the results so far."""

    def __init__(self, client: Client, console: Console) -> None:
        self.client = client
        self.console = console
        self.results: list[tuple[str, ...]] = []

    async def call(self, tool: str, items: int, **arguments: Any) -> dict[str, Any]:
        """One tool call.

        Raises:
            DemoFailed: the server refused it.
        """
        with bar(items) as advance:

            async def show(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
                advance(int(progress))

            started = time.perf_counter()
            result = await self.client.call_tool(tool, arguments, progress_callback=show)
        text = result.content[0].text if result.content and hasattr(result.content[0], "text") else ""
        if result.is_error or result.structured_content is None:
            raise DemoFailed(f"The server could not {_words(tool)}: {text}")
        self._seconds = time.perf_counter() - started
        return dict(result.structured_content)

    async def job(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A job from its start to its result.

        Raises:
            DemoFailed: the server refused it, or it failed.
        """
        started = time.perf_counter()
        state = await self.call(tool, 0, **arguments)
        with bar(state["total"]) as advance:
            while state["status"] in ("waiting", "running"):
                (state,) = (await self.call("get_job", 0, job=state["id"], wait=2))["jobs"]
                advance(state["done"])
        if state["status"] != "done":
            raise DemoFailed(f"The server could not {_words(tool)}: {state['problem'] or state['status']}")
        self._seconds = time.perf_counter() - started
        return dict(state["result"])

    def note(self, what: str, items: int, score: str) -> None:
        """Keep a line of the summary for the latest call."""
        self.results.append((what, str(items), score, f"{self._seconds:.1f} s"))
        self.console.print(f"  {score}")


async def _demo(model: str, folder: Path) -> None:
    for file in _examples().glob("*.csv"):
        shutil.copy(file, folder)
    console = Console()
    command = ["-m", "dp_tools", "serve", "--model", model]
    command += ["--knowledge", str(folder / "rules.db"), "--root", str(folder)]
    # Its jobs are the demo's, not the user's.
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
    server = stdio_client(StdioServerParameters(command=sys.executable, args=command, env=environment))
    started = time.perf_counter()
    async with Client(server, mode="legacy", elicitation_callback=_the_person_accepts) as client:
        tools = (await client.list_tools()).tools
        console.print(f"Connected to dp-tools serve in {time.perf_counter() - started:.1f} s: {len(tools)} tools.\n")
        run = _Demo(client, console)
        dirty, clean = (read_records(folder / f"orders_{kind}.csv") for kind in ("dirty", "clean"))
        await _clean_the_table(run, folder, clean)
        await _judge_cells(run, dirty, clean)
        await _fill_gaps(run, dirty, clean)
        await _match_catalogues(run, folder)
        await _match_columns(run, folder)
        await _teach_a_rule(run, dirty)
    table = Table("what", "items", "against the truth", "time", title="\nThe demo in numbers", title_justify="left")
    for line in run.results:
        table.add_row(*line)
    console.print(table)
    if resolve(model).adapter is None:
        console.print("This model was not tuned for these tasks: on most of them it is near chance.")


async def _clean_the_table(run: _Demo, folder: Path, clean: Sequence[RecordField]) -> None:
    run.console.print("Clean orders_dirty.csv: find the wrong cells and repair what is sure enough.")
    table = folder / "orders_dirty.csv"
    result = await run.job("clean_table", table={"path": str(table)}, dataset=DATASET)
    run.console.print(f"  {result['summary']}")
    before, after = read_records(table), read_records(folder / "orders_dirty.clean.csv")
    cells = [(n, name) for n, record in enumerate(clean) for name in record]
    wrong = {(n, name) for n, name in cells if before[n][name] != clean[n][name]}
    changed = {(n, name) for n, name in cells if before[n][name] != after[n][name]}
    right = {(n, name) for n, name in changed if after[n][name] == clean[n][name]}
    run.note(
        "cells cleaned",
        len(cells),
        f"{len(right)} of {len(wrong)} wrong cells mended, {len(changed - wrong)} right cells changed",
    )


async def _judge_cells(run: _Demo, dirty: Sequence[RecordField], clean: Sequence[RecordField]) -> None:
    run.console.print(f"Judge every cell of the first {JUDGED} orders, with how sure the answer is.")
    names = [name for name in dirty[0] if name not in ("order_id", "customer")]
    items = JUDGED * len(names)
    asked = {"records": dirty[:JUDGED], "attributes": names, "context": dirty[JUDGED:], "dataset": DATASET}
    answer = await run.call("detect_errors", items, **asked)
    found = {(cell["record"], cell["attribute"]) for cell in answer["cells"] if cell["error"]}
    wrong = {(n, a) for n, record in enumerate(dirty[:JUDGED]) for a in names if record[a] != clean[n][a]}
    for number, attribute in sorted(found & wrong)[:3]:
        run.console.print(f"  {dirty[number]['order_id']}: {attribute} {dirty[number][attribute]!r}", markup=False)
    run.note("cells judged", items, _f1(found, wrong))


async def _fill_gaps(run: _Demo, dirty: Sequence[RecordField], clean: Sequence[RecordField]) -> None:
    for attribute in ("country", "category"):
        gaps = [number for number, record in enumerate(dirty) if is_missing(record[attribute])]
        known = [record for record in dirty if not is_missing(record[attribute])]
        run.console.print(f"What belongs into the {len(gaps)} gaps of {attribute}?")
        answer = await run.call(
            "impute",
            len(gaps),
            records=[dirty[number] for number in gaps],
            attribute=attribute,
            allowed=sorted({record[attribute] or "" for record in known}),
            context=known,
            dataset=DATASET,
        )
        values = [value["value"] for value in answer["values"]]
        right = sum(value == clean[number][attribute] for value, number in zip(values, gaps, strict=True))
        run.note(f"gaps filled, {attribute}", len(gaps), f"{right} of {len(gaps)} right")


async def _match_catalogues(run: _Demo, folder: Path) -> None:
    run.console.print("Which products stand in both catalogues?")
    left, right = folder / "catalogue_a.csv", folder / "catalogue_b.csv"
    result = await run.job(
        "match_tables", left={"path": str(left)}, right={"path": str(right)}, output=str(folder / "matches.csv")
    )
    run.console.print(f"  {result['summary']}")
    truth = {(match["left_id"], match["right_id"]) for match in read_records(folder / "catalogue_matches.csv")}
    with (folder / "matches.csv").open(encoding="utf-8", newline="") as file:
        found = {(match["left_id"], match["right_sku"]) for match in csv.DictReader(file)}
    run.note("products matched", int(result["figures"]["candidates"]), _f1(found, truth))


async def _match_columns(run: _Demo, folder: Path) -> None:
    sides = [read_records(folder / f"catalogue_{side}.csv") for side in "ab"]
    left, right = (
        [{"name": name, "samples": [record[name] for record in records[:5] if record[name]]} for name in records[0]]
        for records in sides
    )
    truth = {("id", "sku"), ("title", "name"), ("brand", "maker"), ("price", "price")}
    run.console.print(f"Which of their columns mean the same? ({len(left)} and {len(right)} columns)")
    answer = await run.call("match_schemas", len(left) * len(right), left=left, right=right)
    found = {(str(left[i]["name"]), str(right[j]["name"])) for i, j in answer["assignment"]}
    run.note("pairs of columns", len(left) * len(right), _f1(found, truth))


async def _teach_a_rule(run: _Demo, dirty: Sequence[RecordField]) -> None:
    number = next(n for n, record in enumerate(dirty) if int(record["quantity"] or 0) > 20)
    order = dirty[number]
    question = {"records": [order], "attributes": ["quantity"], "context": dirty, "dataset": DATASET}
    run.console.print(f"Is a quantity of {order['quantity']} an error? A rule decides:")
    before = (await run.call("detect_errors", 1, **question))["cells"][0]
    run.console.print(f"  before: {_spoken(before)}")
    rule = (await run.call("add_rule", 1, **RULE))["rule"]
    run.console.print(
        f"  the rule: {RULE['statement']} ({rule['id']}, {rule['status']}; this client's person said yes)"
    )
    after = (await run.call("detect_errors", 1, **question))["cells"][0]
    run.console.print(f"  after: {_spoken(after)}")
    run.note("answer changed by a rule", 1, "yes" if before["error"] != after["error"] else "no")


async def _the_person_accepts(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG001
    """Accepts the rule and the job that the demo proposes; which columns mean the same is left to the model."""
    choosing = isinstance(params, ElicitRequestFormParams) and any(
        name.startswith("column_") for name in params.requested_schema.get("properties", {})
    )
    return ElicitResult(action="decline") if choosing else ElicitResult(action="accept", content={"decision": "accept"})


def _cause(error: Exception) -> Exception:
    """The failure inside the groups that the client's tasks wrap around it."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _words(tool: str) -> str:
    return tool.replace("_", " ")


def _spoken(cell: dict[str, Any]) -> str:
    verdict = {True: "an error", False: "fine", None: "no answer"}[cell["error"]]
    return f"{verdict}, says the {cell.get('by', 'model')} ({100 * (cell.get('confidence') or 0):.0f}% sure)"


def _f1(found: set[Any], truth: set[Any]) -> str:
    hits = len(found & truth)
    precision, recall = hits / max(len(found), 1), hits / max(len(truth), 1)
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return f"F1 {100 * f1:.0f} (precision {100 * precision:.0f}, recall {100 * recall:.0f}; {len(truth)} true)"


def _examples() -> Path:
    """The example tables, in the installed package or in the source tree.

    Raises:
        TableUnavailable: they are in neither.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "examples", package.parent / "examples"):
        if (folder / "orders_dirty.csv").is_file():
            return folder
    raise TableUnavailable("The example tables are missing: install dp-tools again.")
