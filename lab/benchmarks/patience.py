"""Whether a chat client that waits a minute gets what it asked for: long calls over stdio, and clients that leave.

A server process of its own, without a cache of answers, is asked to judge the cells of a table and candidate pairs.
Measured are the seconds until the call returns, what it returns by then, how long it said that the rest takes, and how
long it took. The client looks at the job once and leaves; another one asks a new server for the rest by the handle.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from dp_tools.errors import ModelUnavailable
from dp_tools.tables.jobs.results import GOING_ON
from lab.benchmarks.speed import Sizes, requests_from, synthetic_requests

TIMEOUT_S = 60.0
"""After which many clients give a call up."""
_WAIT_S = 20
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of one call.

    Args:
        tool: that was called.
        items: what it was asked about.
        returned_s: seconds until the call returned.
        decided: items that had their answer then.
        without_model: those of them that something else than the model decided.
        promised_s: how long the rest would take, as the answer said; None where nothing was left.
        rest_s: how long it took, with the start of another server.
        longest_s: seconds of the longest call until the whole answer was there.
    """

    tool: str
    items: int
    returned_s: float
    decided: int
    without_model: int
    promised_s: float | None
    rest_s: float
    longest_s: float


def measure_patience(data: Path | None, *, cells: int, pairs: int, model: str, report: Report) -> list[Figures]:
    """Ask both tools.

    Args:
        data: labelled data with ED/Hospital and EM/Amazon-Google; synthetic records of the same shape without it.
        cells, pairs: how many to ask about.
        model: that the server answers with.
        report: called with what is being measured.
    """
    sizes = Sizes(pairs=pairs, rows=max(1, cells // 19), values=1)
    matching, detecting, _ = requests_from(data, sizes) if data is not None else synthetic_requests(sizes)
    # Without the dataset's name: the rules of Hospital decide each of its cells without the model.
    calls = [
        ("detect_errors", detecting[0].model_dump(mode="json", exclude={"show_record", "dataset"}), "cells"),
        ("match_entities", matching[0].model_dump(mode="json"), "pairs"),
    ]
    found: list[Figures] = []
    for tool, arguments, items in calls:
        report(tool)
        given = {name: value for name, value in arguments.items() if value is not None} | {"only": "all"}
        with tempfile.TemporaryDirectory() as folder:
            found.append(anyio.run(_call, Path(folder), model, tool, given, items))
    return found


async def _call(folder: Path, model: str, tool: str, arguments: dict[str, Any], items: str) -> Figures:
    seconds: list[float] = []

    async def call(client: Client, name: str, given: dict[str, Any]) -> dict[str, Any]:
        begun = time.perf_counter()
        result = await client.call_tool(name, given, read_timeout_seconds=TIMEOUT_S)
        seconds.append(time.perf_counter() - begun)
        if result.is_error or result.structured_content is None:
            raise ModelUnavailable(f"The server did not answer {name}: {result.content}")
        return dict(result.structured_content)

    async def look(client: Client, job: str) -> dict[str, Any]:
        (state,) = (await call(client, "get_job", {"job": job, "wait": _WAIT_S}))["jobs"]
        return dict(state)

    async with _server(folder, model) as client:
        first = whole = await call(client, tool, arguments)
        begun = time.perf_counter()
        if "job" in first:
            await look(client, first["job"])
    if "job" in first:
        async with _server(folder, model) as client:
            while (state := await look(client, first["job"]))["status"] in GOING_ON:
                pass
            whole = state["answer"]
    if any(item["decided_by"] == "pending" for item in whole[items]) or len(whole[items]) != len(first[items]):
        raise ModelUnavailable(f"The whole answer of {tool} lacks items.")
    decided = [item["decided_by"] for item in first[items] if item["decided_by"] != "pending"]
    return Figures(
        tool,
        len(whole[items]),
        round(seconds[0], 1),
        len(decided),
        sum(by != "model" for by in decided),
        first.get("seconds_left"),
        round(time.perf_counter() - begun, 1),
        round(max(seconds), 1),
    )


def _server(folder: Path, model: str) -> Client:
    """A client of a server process whose jobs and rules are kept in a folder."""
    (folder / "tables").mkdir(exist_ok=True)
    options = ["--model", model, "--no-cache", "--state", str(folder / "jobs"), "--knowledge", str(folder / "rules.db")]
    command = ["-m", "dp_tools", "serve", *options, "--root", str(folder / "tables")]
    return Client(stdio_client(StdioServerParameters(command=sys.executable, args=command)))
