"""A register is used from the shell, from Python and over MCP, and each way sees the same entities."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner, Result
from mcp import Client
from mcp.types import ElicitResult
from tables_job import ScriptedEngine

from dp_tools import Preprocessor
from dp_tools.cli import main
from dp_tools.errors import InvalidRequest
from dp_tools.mcp_server.server import create_server
from dp_tools.mcp_server.server_context import ServerContext

JANUARY = """\
uid,name,email,phone,zip,town
u1,Ann Miller,ann.miller@acme.example,+49 30 5550101,10969,Berlin
u2,Bob Fox,bob.fox@fox.example,+49 89 5550303,80331,München
u3,Cleo Stern,cleo@stern.example,+49 40 5550505,20095,Hamburg
"""
FEBRUARY = """\
uid,name,email,phone,zip,town
u4,Ann Miller,ann.miller@acme.example,030 5550101,10969,Berlin
u2,Bob Fox,bob.fox@fox.example,+49 89 5550303,80331,Munich
u3,Cleo Stern,cleo@stern.example,+49 40 5550505,20095,Hamburg
u5,Dora Klein,dora@klein.example,+49 69 5550404,60313,Frankfurt
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "january.csv").write_text(JANUARY, encoding="utf-8")
    (tmp_path / "february.csv").write_text(FEBRUARY, encoding="utf-8")
    return tmp_path


def preprocessor(folder: Path) -> Preprocessor:
    return Preprocessor(knowledge=folder / "rules.db", engine=ScriptedEngine(), state=folder / "state")


def both_months(pre: Preprocessor, folder: Path) -> list[dict[str, Any]]:
    pre.dedupe(folder / "january.csv", register="customers", key=["uid"])
    return pre.dedupe(folder / "february.csv", register="customers").to_dicts()


def shell(folder: Path, *arguments: str) -> Result:
    options = ["--state", str(folder / "state"), "--knowledge", str(folder / "rules.db")]
    result = CliRunner().invoke(main, ["entities", *arguments[:1], *options, *arguments[1:]])
    assert result.exit_code == 0, result.output
    return result


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_next_months_file_keeps_the_ids_of_the_last(folder: Path) -> None:
    with preprocessor(folder) as pre:
        rows = both_months(pre, folder)
        assert [(row["uid"], row["entity"], row["records"]) for row in rows] == [
            ("u4", 1, 2),
            ("u2", 2, 1),
            ("u3", 3, 1),
            ("u5", 4, 1),
        ]
        register = pre.register("customers")
        assert register.entity(2).merged["town"] == "Munich"  # the changed record took the place of the old one
        assert [(step.what, step.source) for step in register.history(2)] == [
            ("file", "january.csv"),
            ("file", "february.csv"),
        ]
        merged = (folder / "february.entities.merged.csv").read_text(encoding="utf-8").splitlines()
        assert len(merged) == 5
        again = pre.dedupe(folder / "february.csv", register="customers", overwrite=True, resume=False)
        assert (again.figures["new"], again.figures["changed"], again.figures["step"]) == (0, 0, 0)
        with pytest.raises(InvalidRequest, match="names records by uid"):
            pre.dedupe(folder / "january.csv", register="customers", key=["name"], overwrite=True)
        with pytest.raises(InvalidRequest, match="names no register"):
            pre.register("../customers")


def test_a_shell_looks_up_merges_splits_undoes_and_exports(folder: Path) -> None:
    with preprocessor(folder) as pre:
        both_months(pre, folder)
    assert [one["entity"] for one in lines(shell(folder, "list", "customers"))] == [1, 2, 3, 4]
    (ann, *_) = lines(shell(folder, "who", "customers", "name=A. Miller", "email=ann.miller@acme.example"))
    assert (ann["entity"], ann["decided"]) == (1, True)
    assert shell(folder, "merge", "customers", "3", "4", "--why", "one household").stdout == "3\n"
    records = [one["record"] for one in lines(shell(folder, "show", "customers", "3"))[0]["records"]]
    assert len(records) == 2
    shell(folder, "undo", "customers", "3")
    steps = lines(shell(folder, "history", "customers"))
    assert [(step["what"], step["is_undone"]) for step in steps] == [
        ("file", False),
        ("file", False),
        ("merged", True),
        ("undone", False),
    ]
    for name in ("out.csv", "out.parquet", "out.sqlite", "out.duckdb"):
        shell(folder, "export", "customers", "-o", str(folder / name))
    rows = pl.read_csv(folder / "out.csv").select("entity", "uid").rows()
    assert rows == [(1, "u1"), (1, "u4"), (2, "u2"), (3, "u3"), (4, "u5")]
    assert pl.read_parquet(folder / "out.parquet").select("entity", "uid").rows() == rows
    with duckdb.connect(str(folder / "out.duckdb")) as made:
        assert made.execute("SELECT entity, uid FROM mapping").fetchall() == rows
    connection = sqlite3.connect(folder / "out.sqlite")
    assert connection.execute("SELECT entity, uid FROM mapping").fetchall() == rows
    connection.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_an_agent_looks_up_and_only_a_person_changes_entities(folder: Path) -> None:
    with preprocessor(folder) as pre:
        both_months(pre, folder)
        for trusted in (False, True):
            context = ServerContext(preprocessor=pre, roots=[folder], state=folder / "state")
            async with Client(create_server(context, trust_agents=trusted)) as client:
                record = {"email": "cleo@stern.example", "name": "Cleo Stern"}
                found = await client.call_tool("find_entity", {"register_name": "customers", "record": record})
                assert found.structured_content["entities"][0]["entity"] == 3
                told = await client.call_tool("entity_history", {"register_name": "customers", "entity": 3})
                assert [step["what"] for step in told.structured_content["steps"]] == ["file"]
                merged = await client.call_tool(
                    "change_entities",
                    {"register_name": "customers", "action": "merge", "entities": [3, 4], "why": "a test"},
                )
                assert bool(merged.is_error) is not trusted
                path = await client.call_tool("find_entity", {"register_name": "x.sqlite", "record": record})
                assert path.is_error
        register = pre.register("customers")
        assert register.size(3) == 2


@pytest.mark.anyio
async def test_a_person_is_shown_what_an_agent_would_change_and_any_step_is_taken_back(folder: Path) -> None:
    asked: list[str] = []

    async def reply(_: Any, question: Any) -> ElicitResult:
        asked.append(question.message)
        return ElicitResult(action="accept", content={"agreed": "wants to merge" not in question.message})

    with preprocessor(folder) as pre:
        both_months(pre, folder)
        context = ServerContext(preprocessor=pre, roots=[folder], state=folder / "state")
        async with Client(create_server(context), elicitation_callback=reply) as client:

            async def change(**arguments: Any) -> Any:
                return await client.call_tool("change_entities", {"register_name": "customers", **arguments})

            assert (await change(action="merge", entities=[3, 4])).is_error
            records = [one.record for one in pre.register("customers").entity(1).records]
            split = await change(action="split", entities=[1], records=records[1:], why="two people")
            made = split.structured_content["entity"]
            assert not (await change(action="keep_apart", entities=[2, made])).is_error
            refused = await change(action="keep_apart", entities=[2])
            assert refused.content[0].text == "To keep apart, name two `entities`."
            told = await client.call_tool("entity_history", {"register_name": "customers"})
            steps = told.structured_content["steps"]
            assert [step["what"] for step in steps] == ["file", "file", "split", "kept apart"]
            assert told.structured_content["waiting"] == []
            undone = await change(action="undo", step=3)
            assert undone.structured_content["moved"] == 1
            arguments = {
                "table": {"path": str(folder / "january.csv")},
                "register_name": "suppliers",
                "output": str(folder / "out.csv"),
            }
            assert not (await client.call_tool("dedupe_table", arguments)).is_error
        assert pre.register("customers").size(1) == 2
    assert "take back step 3 of the register (split, by" in asked[3]
    assert "Ann Miller" in asked[1]
    assert 'the entity register "suppliers"' in asked[4]
