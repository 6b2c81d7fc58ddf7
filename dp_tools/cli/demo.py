"""`dp-tools demo`: the main job on example tables, through a real server process and a real MCP client."""

from __future__ import annotations

import csv
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import click
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult
from rich.console import Console
from rich.table import Table

from dp_tools import leftovers
from dp_tools.cli.answering import HEARTBEAT_S, MODEL, bar, wait_for_weights
from dp_tools.cli.records import read_records
from dp_tools.errors import DpToolsError, TableUnavailable
from dp_tools.models.catalogue import resolve
from dp_tools.records import is_missing
from dp_tools.tasks.task import RecordField

DATASET = "outdoor-orders"
LARGEST = 6
"""The largest quantity that the demo's own rule allows."""
RULE = {
    "statement": f"The shop sells at most {LARGEST} of one product in an order; a larger quantity is an error.",
    "task": "detect_errors",
    "dataset": DATASET,
    "attribute": "quantity",
    "check": {"type": "string", "pattern": f"^[1-{LARGEST}]$"},
    "why": "the demo's own rule",
}
NEXT = """
What next?
  Connect a client:    claude mcp add dp-tools -- dp-tools serve --root FOLDER   (other clients: docs/how-to)
  Clean a file:        dp-tools profile FILE.csv, then dp-tools clean FILE.csv; dp-tools undo restores the original
  Match two files:     dp-tools match-tables A.csv B.csv
  Write a rule:        dp-tools rules add "Prices are in euros." --dataset NAME; dp-tools rules list
"""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of the example tables the demo works on.

    Args:
        cleaned: the attributes of the orders that are cleaned; None for all.
        judged: orders whose cells are judged one by one.
        products: products of the first catalogue that are matched with all of the second.
    """

    cleaned: tuple[str, ...] | None
    judged: int
    products: int


SHORT = Extent(cleaned=("city", "country"), judged=6, products=10)
FULL = Extent(cleaned=None, judged=50, products=41)


class DemoFailed(DpToolsError):
    """The server answered a call of the demo with an error."""


@click.command()
@MODEL
@click.option("--full", is_flag=True, help="Use the whole example tables; takes several times as long.")
def demo(model: str, full: bool) -> None:
    """Profile and clean a table, fill missing values, match two catalogues and their columns, and change an answer by a
    rule.

    The demo starts a server over stdio with its own knowledge store. Scores compare the results with the ground truth
    that ships with the example tables.
    """
    with tempfile.TemporaryDirectory(prefix="dp-tools-demo-") as folder:
        leftovers.note(Path(folder))
        try:
            anyio.run(_demo, model, FULL if full else SHORT, Path(folder).resolve())
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
        started = time.perf_counter()
        async with self._shown(items) as shown:

            async def show(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
                shown.reached(int(progress), message)

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
        while state["status"] in ("waiting", "running"):
            (state,) = (await self.call("get_job", state["total"], job=state["id"], wait=300))["jobs"]
        if state["status"] != "done":
            raise DemoFailed(f"The server could not {_words(tool)}: {state['problem'] or state['status']}")
        self._seconds = time.perf_counter() - started
        return dict(state["result"])

    @asynccontextmanager
    async def _shown(self, items: int) -> AsyncIterator[_Progress]:
        """Shows how far a call is: a bar on a terminal, a line every few seconds elsewhere."""
        with bar(items) as advance:
            progress = _Progress(advance)
            async with anyio.create_task_group() as group:
                if not self.console.is_terminal:
                    group.start_soon(self._say_again, progress)
                yield progress
                group.cancel_scope.cancel()

    async def _say_again(self, progress: _Progress) -> None:
        started = time.perf_counter()
        while True:
            await anyio.sleep(HEARTBEAT_S)
            seconds = time.perf_counter() - started
            self.console.print(f"  ... {seconds:.0f} s: {progress.message or 'waiting'}", markup=False)

    def note(self, what: str, items: int, score: str) -> None:
        """Keep a line of the summary for the latest call."""
        self.results.append((what, str(items), score, f"{self._seconds:.1f} s"))
        self.console.print(f"  {score}")


class _Progress:
    """How far a call is."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self.message: str | None = None

    def reached(self, done: int, message: str | None) -> None:
        self._advance(done)
        self.message = message


async def _demo(model: str, extent: Extent, folder: Path) -> None:
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
        await _profile(run, folder)
        await anyio.to_thread.run_sync(wait_for_weights, model, console.print)
        await _clean_the_table(run, folder, clean, extent.cleaned or tuple(clean[0]))
        await _judge_cells(run, dirty, clean, extent.judged)
        await _fill_gaps(run, dirty, clean)
        await _match_catalogues(run, folder, extent.products)
        await _match_columns(run, folder)
        await _teach_a_rule(run, dirty)
    table = Table("what", "items", "against the truth", "time", title="\nThe demo in numbers", title_justify="left")
    for line in run.results:
        table.add_row(*line)
    console.print(table)
    if resolve(model).adapter is None:
        console.print("This model was not tuned for these tasks: on most of them it is near chance.")
    console.print(NEXT, markup=False, highlight=False, soft_wrap=True)


async def _profile(run: _Demo, folder: Path) -> None:
    run.console.print("What is in orders_dirty.csv? Counting tells, without the model.")
    answer = await run.call("profile_table", 0, table={"path": str(folder / "orders_dirty.csv")})
    profile = answer["profile"]
    run.console.print(f"  {profile['records']} records, {len(profile['columns'])} columns.")
    for column in profile["columns"]:
        if remark := _remark(column, profile["records"]):
            run.console.print(f"  {column['name']}: {remark}", markup=False)


async def _clean_the_table(run: _Demo, folder: Path, clean: Sequence[RecordField], attributes: Sequence[str]) -> None:
    run.console.print(
        f"Clean {', '.join(attributes)} of orders_dirty.csv: find wrong cells, repair what is sure enough."
    )
    table = folder / "orders_dirty.csv"
    result = await run.job("clean_table", table={"path": str(table)}, attributes=list(attributes), dataset=DATASET)
    run.console.print(f"  {result['summary']}")
    before, after = read_records(table), read_records(folder / "orders_dirty.clean.csv")
    cells = [(n, name) for n in range(len(clean)) for name in attributes]
    wrong = {(n, name) for n, name in cells if before[n][name] != clean[n][name]}
    changed = {(n, name) for n, name in cells if before[n][name] != after[n][name]}
    right = {(n, name) for n, name in changed if after[n][name] == clean[n][name]}
    run.note(
        "cells cleaned",
        len(cells),
        f"{len(right)} of {len(wrong)} wrong cells mended, {len(changed - wrong)} right cells changed",
    )


async def _judge_cells(run: _Demo, dirty: Sequence[RecordField], clean: Sequence[RecordField], judged: int) -> None:
    run.console.print(f"Judge every cell of the first {judged} orders, with how sure the answer is.")
    names = [name for name in dirty[0] if name not in ("order_id", "customer")]
    items = judged * len(names)
    asked = {"records": dirty[:judged], "attributes": names, "context": dirty[judged:], "dataset": DATASET}
    answer = await run.call("detect_errors", items, **asked)
    found = {(cell["record"], cell["attribute"]) for cell in answer["cells"] if cell["error"]}
    wrong = {(n, a) for n, record in enumerate(dirty[:judged]) for a in names if record[a] != clean[n][a]}
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


async def _match_catalogues(run: _Demo, folder: Path, products: int) -> None:
    run.console.print(f"Which of the first {products} products of one catalogue are in the other one, too?")
    left, right = folder / "catalogue_a.csv", folder / "catalogue_b.csv"
    header, *lines = left.read_text(encoding="utf-8").splitlines(keepends=True)
    left.write_text("".join((header, *lines[:products])), encoding="utf-8")
    result = await run.job(
        "match_tables", left={"path": str(left)}, right={"path": str(right)}, output=str(folder / "matches.csv")
    )
    run.console.print(f"  {result['summary']}")
    pairs = ((match["left_id"], match["right_id"]) for match in read_records(folder / "catalogue_matches.csv"))
    ids = {record["id"] for record in read_records(left)}
    truth = {pair for pair in pairs if pair[0] in ids}
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
    number = next(n for n, record in enumerate(dirty) if int(record["quantity"] or 0) > LARGEST)
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


def _remark(column: dict[str, Any], records: int) -> str:
    """What a person would notice about a column first; nothing where it is unremarkable."""
    remarks = []
    if gaps := round((1 - column["filled"]) * records):
        remarks.append(f"{gaps} gap{'s' if gaps > 1 else ''}")
    if column["distinct"] == records:
        remarks.append("a key")
    if others := [form for form in column["formats"][1:] if column["kind"] == "date"]:
        remarks.append(f"{sum(form['count'] for form in others)} dates in another format, {others[0]['text']}")
    if "high" in column:
        remarks.append(f"{column['low']:g} to {column['high']:g}, in the middle {column['median']:g}")
    return ", ".join(remarks)


def _words(tool: str) -> str:
    return tool.replace("_", " ")


def _spoken(cell: dict[str, Any]) -> str:
    verdict = {True: "an error", False: "fine", None: "no answer"}[cell["error"]]
    return f"{verdict}, says the {cell.get('decided_by', 'model')} ({100 * (cell.get('confidence') or 0):.0f}% sure)"


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
