"""`dp-tools demo`: the main job on example tables, through a real server process and a real MCP client."""

from __future__ import annotations

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
from mcp.types import ElicitRequestParams, ElicitResult
from rapidfuzz import fuzz, process, utils
from rich.console import Console
from rich.table import Table

from dp_tools.cli.answering import bar
from dp_tools.cli.records import read_records
from dp_tools.errors import DpToolsError, TableUnavailable
from dp_tools.prompts.serializer import is_missing
from dp_tools.tasks.task import RecordField

DATASET = "outdoor-orders"
JUDGED = ("order_date", "city", "country", "product", "category", "unit_price", "quantity")
FILLED = ("country", "category")
CANDIDATES = 3
"""Candidates per record of the first catalogue."""
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
@click.option("--model", default="nano", show_default=True, help="A model's name, GGUF path, or hf:owner/repo/file.")
def demo(model: str) -> None:
    """Find errors, fill gaps, match two catalogues and their columns, and let a rule change an answer.

    Everything goes through a server that this command starts over stdio, with a knowledge store of its own. The scores
    are against the truth that ships beside the example tables.
    """
    with tempfile.TemporaryDirectory(prefix="dp-tools-demo-") as folder:
        anyio.run(_demo, model, Path(folder) / "knowledge.db")


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
            raise DemoFailed(f"The server could not {tool.replace('_', ' ')}: {text}")
        self._seconds = time.perf_counter() - started
        return dict(result.structured_content)

    def note(self, what: str, items: int, score: str) -> None:
        """Keep a line of the summary for the latest call."""
        self.results.append((what, str(items), score, f"{self._seconds:.1f} s"))
        self.console.print(f"  {score}")


async def _demo(model: str, knowledge: Path) -> None:
    examples = _examples()
    console = Console()
    command = ["-m", "dp_tools", "serve", "--model", model, "--knowledge", str(knowledge)]
    server = stdio_client(StdioServerParameters(command=sys.executable, args=command))
    started = time.perf_counter()
    async with Client(server, mode="legacy", elicitation_callback=_the_person_accepts) as client:
        tools = (await client.list_tools()).tools
        console.print(f"Connected to dp-tools serve in {time.perf_counter() - started:.1f} s: {len(tools)} tools.\n")
        run = _Demo(client, console)
        dirty, clean = (read_records(examples / f"orders_{kind}.csv") for kind in ("dirty", "clean"))
        await _find_errors(run, dirty, clean)
        await _fill_gaps(run, dirty, clean)
        await _match_catalogues(run, examples)
        await _match_columns(run, examples)
        await _teach_a_rule(run, dirty)
    table = Table("what", "items", "against the truth", "time", title="\nThe demo in numbers", title_justify="left")
    for line in run.results:
        table.add_row(*line)
    console.print(table)


async def _find_errors(run: _Demo, dirty: Sequence[RecordField], clean: Sequence[RecordField]) -> None:
    run.console.print(f"Which cells of orders_dirty.csv are wrong? ({len(dirty)} records, {len(JUDGED)} columns)")
    items = len(dirty) * len(JUDGED)
    answer = await run.call("detect_errors", items, records=dirty, attributes=JUDGED, dataset=DATASET)
    found = {(cell["record"], cell["attribute"]) for cell in answer["cells"] if cell["error"]}
    wrong = {(n, a) for n, record in enumerate(dirty) for a in JUDGED if record[a] != clean[n][a]}
    for number, attribute in sorted(found & wrong)[:3]:
        run.console.print(f"  {dirty[number]['order_id']}: {attribute} {dirty[number][attribute]!r}", markup=False)
    run.note("cells judged", items, _f1(found, wrong))


async def _fill_gaps(run: _Demo, dirty: Sequence[RecordField], clean: Sequence[RecordField]) -> None:
    for attribute in FILLED:
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


async def _match_catalogues(run: _Demo, examples: Path) -> None:
    left, right = read_records(examples / "catalogue_a.csv"), read_records(examples / "catalogue_b.csv")
    matches = read_records(examples / "catalogue_matches.csv")
    truth = {(match["left_id"], match["right_id"]) for match in matches}
    names = [record["name"] or "" for record in right]
    candidates = [
        (ours, right[place])
        for ours in left
        for _, _, place in process.extract(
            ours["title"], names, scorer=fuzz.token_set_ratio, processor=utils.default_process, limit=CANDIDATES
        )
    ]
    places = [(ours["id"], theirs["sku"]) for ours, theirs in candidates]
    run.console.print(
        f"Which products stand in both catalogues? ({len(left)} and {len(right)} products; {len(places)} candidate "
        f"pairs by likeness of title, holding {len(truth & set(places))} of the {len(truth)} true ones)"
    )
    pairs = [{"left": _without(ours, "id"), "right": _without(theirs, "sku")} for ours, theirs in candidates]
    answer = await run.call("match_entities", len(pairs), pairs=pairs, dataset="products")
    found = {place for place, pair in zip(places, answer["pairs"], strict=True) if pair["match"]}
    run.note("pairs judged", len(pairs), _f1(found, truth))


async def _match_columns(run: _Demo, examples: Path) -> None:
    sides = [read_records(examples / f"catalogue_{side}.csv") for side in "ab"]
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
    return ElicitResult(action="accept", content={"decision": "accept"})


def _spoken(cell: dict[str, Any]) -> str:
    verdict = {True: "an error", False: "fine", None: "no answer"}[cell["error"]]
    return f"{verdict}, says the {cell.get('by', 'model')} ({100 * (cell.get('confidence') or 0):.0f}% sure)"


def _f1(found: set[Any], truth: set[Any]) -> str:
    hits = len(found & truth)
    precision, recall = hits / max(len(found), 1), hits / max(len(truth), 1)
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return f"F1 {100 * f1:.0f} (precision {100 * precision:.0f}, recall {100 * recall:.0f}; {len(truth)} true)"


def _without(record: RecordField, attribute: str) -> RecordField:
    return {name: value for name, value in record.items() if name != attribute}


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
