"""Whole tables over MCP: profiles, jobs by their handle, cases for a person, and files only where they may be."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partialmethod
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from engines import Held
from mcp import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.server import MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    ElicitResult,
    Request,
    RequestParams,
    ResourceLink,
    ResourceTemplateReference,
    Result,
)
from pydantic import ConfigDict, Field
from serving import ERAS, answer, refusal

from dp_tools.engine.questions import Engine
from dp_tools.mcp_server.server import create_server
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools import schema_choices
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Rule
from dp_tools.tables.jobs.call_jobs import CallWork
from dp_tools.tables.jobs.jobs import Jobs
from dp_tools.tasks.match_schemas import AttributePair, MatchSchemasAnswer

pytestmark = pytest.mark.anyio

ROWS = [("beer", "ounces"), *((f"Beer {n}", "12.0") for n in range(8)), ("Stout", "12.0 oz")]
NUMBER = Rule(
    id="ounces-number",
    statement="Ounces are a number.",
    dataset="cellar",
    check={"type": "number"},
    attribute="ounces",
    decides="both",
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table; jobs keep their state outside of it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    home = tmp_path / "tables"
    home.mkdir()
    with (home / "beers.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(ROWS)
    return home


@pytest.fixture
def held(engine: Engine) -> Held:
    return Held(engine)


@pytest.fixture
def server_context(held: Held, folder: Path, tmp_path: Path) -> Iterator[ServerContext]:
    preprocessor = Preprocessor(knowledge=tmp_path / "knowledge.db", engine=held)
    preprocessor.knowledge.add(NUMBER, who="ann")
    opened = ServerContext(preprocessor=preprocessor, roots=[folder])
    yield opened
    opened.close()
    preprocessor.knowledge.close()


@asynccontextmanager
async def person(server: MCPServer[None], era: str, *words: dict[str, Any]) -> AsyncIterator[tuple[Client, list[str]]]:
    asked: list[str] = []
    left = list(words)

    async def reply(_: Any, question: Any) -> ElicitResult:
        asked.append(question.message)
        return ElicitResult(action="accept", content=left.pop(0))

    async with Client(server, mode=era, elicitation_callback=reply) as client:
        yield client, asked


DETECT = {"table": {"path": "beers.csv"}, "what": "detect", "attributes": ["ounces"], "dataset": "cellar"}


async def test_a_profile_says_what_is_in_a_table(server_context: ServerContext) -> None:
    async with Client(create_server(server_context)) as client:
        given = await answer(client, "profile_table", {"table": {"path": "beers.csv"}})
        text = (await client.read_resource("tables://beers.csv/profile")).contents[0].text  # type: ignore[union-attr]
    assert given["profile"]["records"] == 9
    assert [column["name"] for column in given["profile"]["columns"]] == ["beer", "ounces"]
    assert text.startswith("beers.csv: 9 records")


async def test_corrected_rows_come_with_the_call_and_are_kept_with_the_dataset(server_context: ServerContext) -> None:
    labels = [{"row": "9", "beer": "Stout", "ounces": "12.5"}]
    asked = {"table": {"path": "beers.csv"}, "dataset": "ales", "labelled": {"records": labels}}
    async with Client(create_server(server_context)) as client:
        given = await answer(client, "clean_table", asked)
        refused = await refusal(
            client, "clean_table", {**asked, "labelled": {"records": [{"row": "10"}]}, "what": "fill"}
        )
    changes = [(one["row"], one["attribute"], one["new"]) for one in given["result"]["preview"]]
    assert (9, "ounces", "12.5") in changes
    assert len(server_context.knowledge.labels("ales", "cells")) == 1
    assert refused


@pytest.mark.parametrize("era", ERAS)
async def test_a_table_is_searched_for_errors_and_the_result_is_a_file(
    server_context: ServerContext, folder: Path, era: str
) -> None:
    async with Client(create_server(server_context), mode=era) as client:
        result = await client.call_tool("clean_table", DETECT)
        assert result.structured_content is not None
        job = result.structured_content["id"]
        done = (await answer(client, "get_job", {"job": job, "wait": 60}))["jobs"][0]
        assert done["status"] == "done", done
        listed = (await answer(client, "get_job", {}))["jobs"]
        read = json.loads((await client.read_resource(f"jobs://{job}/result")).contents[0].text)  # type: ignore[union-attr]
        template = ResourceTemplateReference(uri="jobs://{job}/result")
        found = (await client.complete(template, {"name": "job", "value": "det"})).completion.values
        link = (await client.call_tool("get_job", {"job": job})).content[-1]
    assert [one["id"] for one in listed] == [job] == found
    assert "12.0 oz" in (folder / "beers.errors.csv").read_text(encoding="utf-8")
    assert "12.0 oz" in read["heads"]["beers.errors.csv"]
    assert read["result"]["figures"] == done["result"]["figures"]
    assert isinstance(link, ResourceLink)
    assert str(link.uri) == f"jobs://{job}/result"


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_is_asked_before_files_are_written(
    server_context: ServerContext, folder: Path, era: str
) -> None:
    async with person(create_server(server_context), era, {"agreed": False}, {"agreed": True}) as (client, asked):
        assert "did not agree" in await refusal(client, "clean_table", DETECT)
        assert not (folder / "beers.errors.csv").exists()
        job = (await answer(client, "clean_table", DETECT))["id"]
        assert (await answer(client, "get_job", {"job": job, "wait": 60}))["jobs"][0]["status"] == "done"
    assert len(asked) == 2
    assert str(folder / "beers.errors.csv") in asked[0]


async def test_the_same_call_goes_on_with_a_job_that_was_stopped(
    server_context: ServerContext, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Jobs, "start", partialmethod(Jobs.start, wait=0.05))
    async with Client(create_server(server_context)) as client:
        request = {**DETECT, "attributes": ["beer", "ounces"], "output": "all.csv"}
        started = await answer(client, "clean_table", request)
        assert started["status"] == "running"
        job = {"job": started["id"], "wait": 60}
        assert (await answer(client, "cancel_job", {"job": started["id"]}))["id"] == started["id"]
        assert (await answer(client, "get_job", job))["jobs"][0]["status"] == "cancelled"
        held.go.set()
        again = await answer(client, "clean_table", request)
        assert again["id"] == started["id"]
        ended = await answer(client, "get_job", job)
    assert ended["jobs"][0]["status"] == "done"


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("profile_table", {"table": {"path": "none.csv"}}, "There is no file none.csv"),
        ("profile_table", {"table": {"path": "../state"}}, "lies outside"),
        ("profile_table", {"table": {"path": "/etc/passwd"}}, "lies outside"),
        ("profile_table", {"table": {"path": "~nosuch/x.csv"}}, "is no path that can be followed"),
        ("profile_table", {"table": {}}, "give a path, or records"),
        ("profile_table", {"table": {"path": "beers.csv"}, "columns": ["abv"]}, "abv"),
        ("profile_table", {"table": {"records": [{"a": "1"}] * 201}}, "201 records are too many"),
        ("clean_table", {"table": {"path": "beers.csv"}, "what": "fill"}, "Name the one attribute"),
        ("clean_table", {**DETECT, "allowed": ["1"]}, "leave allowed out"),
        ("clean_table", {**DETECT, "output": "beers.csv"}, "already exists"),
        ("clean_table", {**DETECT, "output": "../x.csv"}, "lies outside"),
        ("match_tables", {"left": {"path": "beers.csv"}, "right": {"path": "none.csv"}}, "There is no file"),
        ("get_job", {"job": "clean-none"}, "no job"),
        ("cancel_job", {"job": "clean-none"}, "no job"),
        ("next_reviews", {"job": "clean-none"}, "no job"),
        ("answer_review", {"review": 7, "answer": "yes"}, "no open case 7"),
        ("test_rule", {"rule_id": "ounces-number", "data": "none.csv", "task": "detect_errors"}, "There is no file"),
    ],
)
async def test_bad_input_gets_one_clear_sentence(
    server_context: ServerContext, tool: str, arguments: dict[str, Any], message: str
) -> None:
    async with Client(create_server(server_context)) as client:
        sentence = await refusal(client, tool, arguments)
    assert message in sentence
    assert "\n" not in sentence


async def test_a_resource_outside_the_folders_is_not_read(server_context: ServerContext) -> None:
    async with Client(create_server(server_context)) as client:
        for path in ("../state/x.csv", "/etc/passwd", "%2e%2e/state/x.csv", "none.csv"):
            with pytest.raises(MCPError):
                await client.read_resource(f"tables://{path}/profile")


async def test_a_rule_is_tried_on_labelled_cases(server_context: ServerContext, folder: Path) -> None:
    rows = [("beer", "ounces", "attribute", "label"), ("A", "12.0", "ounces", "0"), ("B", "12 oz", "ounces", "1")]
    with (folder / "labelled.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    asked = {"rule_id": "ounces-number", "data": "labelled.csv", "task": "detect_errors", "dataset": "cellar"}
    async with Client(create_server(server_context)) as client:
        trial = await answer(client, "test_rule", asked)
    assert trial["cases"] == 2
    assert trial["after"] == 100.0


async def test_a_persons_word_settles_columns_that_are_about_as_likely(
    server_context: ServerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_choices, "CLOSE", 2.0)
    pairs = [AttributePair(left=0, right=right, match=True, score=0.9) for right in (0, 1)]
    close = MatchSchemasAnswer(pairs=pairs, assignment=[(0, 0)])
    monkeypatch.setattr(CallWork, "answer", lambda *_: close.model_copy(deep=True))
    asked = {"left": [{"name": "zip"}], "right": [{"name": "zip code"}, {"name": "postal code"}]}
    for era in ERAS:
        word = {"column_0": "postal code (1)"}
        async with person(create_server(server_context), era, word, {"column_0": "none of them"}) as (
            client,
            questions,
        ):
            chosen = await answer(client, "match_schemas", asked)
            none = await answer(client, "match_schemas", asked)
        assert chosen["assignment"] == [[0, 1]]
        assert [pair["match"] for pair in chosen["pairs"]] == [False, True]
        assert none["assignment"] == []
        assert len(questions) == 2
    async with person(create_server(server_context), "legacy", {"column_0": "neither"}) as (client, questions):
        assert (await answer(client, "match_schemas", asked))["assignment"] == [[0, 0]]
        assert len(questions) == 1
    async with Client(create_server(server_context)) as client:
        assert (await answer(client, "match_schemas", asked))["assignment"] == [[0, 0]]


@pytest.mark.parametrize("era", ERAS)
async def test_an_answer_to_a_case_is_the_persons(server_context: ServerContext, era: str) -> None:
    case = {
        "task": "detect_errors",
        "dataset": "cellar",
        "attribute": "beer",
        "question": "Is this wrong?",
        "subject": json.dumps({"record": {"beer": "Stuot"}, "attribute": "beer", "value": "Stuot"}),
        "proposal": "Stout",
        "confidence": 0.5,
    }
    server_context.jobs.store.add("clean-1", "clean", "{}")
    server_context.jobs.store.add_reviews("clean-1", [case, {**case, "confidence": 0.6}])
    async with Client(create_server(server_context), mode=era) as client:
        waiting = await answer(client, "next_reviews", {})
        assert waiting["open"] == 2
        first, second = (review["id"] for review in waiting["reviews"])
        assert (await answer(client, "answer_review", {"review": first, "answer": "yes"}))["acts"] is False
    async with person(create_server(server_context), era, {"answer": "no"}) as (client, asked):
        kept = await answer(client, "answer_review", {"review": second, "answer": "yes"})
    assert "The agent says: yes" in asked[0]
    assert kept["rule"]["examples"][-1]["label"] == "no"
    assert kept["acts"] is True


async def test_where_a_table_begins_and_ends_is_said_and_can_be_given(
    server_context: ServerContext, folder: Path
) -> None:
    text = (folder / "beers.csv").read_text()
    (folder / "report.csv").write_text(f"Beers in the cellar\n\n{text}\n(printed on Monday)\n")
    async with Client(create_server(server_context)) as client:
        found = (await answer(client, "profile_table", {"table": {"path": "report.csv"}}))["profile"]
        assert found["records"] == len(ROWS) - 1
        assert "The header is in line 3" in " ".join(found["notes"])
        given = {"path": "report.csv", "header_line": 4, "footer_lines": 2}
        found = (await answer(client, "profile_table", {"table": given}))["profile"]
        assert [column["name"] for column in found["columns"]] == list(ROWS[1])
        assert found["records"] == len(ROWS) - 3
        given = {"path": "report.csv", "skip_lines": 1, "header_line": 3}
        assert "not both" in await refusal(client, "profile_table", {"table": given})


TASKS = "io.modelcontextprotocol/tasks"


class Asked(RequestParams):
    taskId: str  # noqa: N815
    inputResponses: dict[str, Any] | None = None  # noqa: N815


class TaskRequest(Request[Asked, str]):
    method: str
    params: Asked


async def task(client: Client, method: str, task_id: str, **fields: Any) -> dict[str, Any]:
    """What a method of the tasks extension answers."""
    asked = TaskRequest(method=method, params=Asked(taskId=task_id, **fields))
    return (await client.session.send_request(asked, Loose)).model_dump(by_alias=True)


class Loose(Result):
    model_config = ConfigDict(extra="allow")


class Begun(Result):
    """A task in the place of a tool's result."""

    model_config = ConfigDict(extra="allow")
    result_type: Literal["task"] = Field(alias="resultType")


class Follows(ClientExtension):
    """A client's half of the extension: it asks until the task has ended."""

    identifier = TASKS

    def __init__(self) -> None:
        self.begun: list[dict[str, Any]] = []

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Begun, resolve=self._follow)]

    async def _follow(self, begun: Begun, context: ClaimContext) -> CallToolResult:
        self.begun.append(begun.model_dump(by_alias=True))
        asked = TaskRequest(method="tasks/get", params=Asked(taskId=self.begun[-1]["taskId"]))
        with anyio.fail_after(60):
            while True:
                state = (await context.session.send_request(asked, Loose)).model_dump(by_alias=True)
                if state["status"] != "working":
                    return CallToolResult.model_validate(state["result"])
                await anyio.sleep(0.05)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that are never done at once."""
    start = Jobs.start
    monkeypatch.setattr(Jobs, "start", lambda jobs, request, **options: start(jobs, request, wait=0, **options))


@pytest.mark.usefixtures("slow")
async def test_a_client_that_knows_tasks_follows_a_job_as_one(server_context: ServerContext) -> None:
    follows = Follows()
    async with Client(create_server(server_context), extensions=[follows]) as client:
        result = await client.call_tool("clean_table", DETECT)
        (begun,) = follows.begun
        state = await task(client, "tasks/get", begun["taskId"])
        assert await task(client, "tasks/update", begun["taskId"], inputResponses={}) == await task(
            client, "tasks/cancel", begun["taskId"]
        )
    assert begun["status"] == "working"
    assert begun["ttlMs"] is None
    assert {"result", "error", "inputRequests"}.isdisjoint(begun)
    assert result.structured_content is not None
    assert result.structured_content["id"] == begun["taskId"]
    assert result.structured_content["result"]["figures"]
    assert state["status"] == "completed"
    assert state["createdAt"].endswith("+00:00")


@pytest.mark.usefixtures("slow")
async def test_a_job_that_fails_is_a_completed_task_with_an_error_of_the_tool(
    server_context: ServerContext, folder: Path
) -> None:
    (folder / "bad.csv").write_bytes(b"a,b\n1\n")
    async with Client(create_server(server_context), extensions=[Follows()]) as client:
        result = await client.call_tool("clean_table", {"table": {"path": "bad.csv"}, "output": "none.csv"})
    assert result.is_error
    assert "bad.csv" in result.content[0].text  # type: ignore[union-attr]


async def test_tasks_are_for_clients_that_declare_them_and_exist(server_context: ServerContext) -> None:
    async with Client(create_server(server_context)) as client:
        assert client.server_capabilities is not None
        assert TASKS in (client.server_capabilities.extensions or {})
        for method in ("tasks/get", "tasks/cancel"):
            with pytest.raises(MCPError) as refused:
                await task(client, method, "clean-none")
            assert refused.value.code == MISSING_REQUIRED_CLIENT_CAPABILITY
    async with Client(create_server(server_context), extensions=[Follows()]) as client:
        for method in ("tasks/get", "tasks/update", "tasks/cancel"):
            with pytest.raises(MCPError, match="There is no job 'clean-none'") as refused:
                await task(client, method, "clean-none", inputResponses={})
            assert refused.value.code == INVALID_PARAMS
    async with Client(create_server(server_context), mode="legacy") as client:
        with pytest.raises(MCPError) as refused:
            await task(client, "tasks/get", "clean-none")
    assert refused.value.code == METHOD_NOT_FOUND
