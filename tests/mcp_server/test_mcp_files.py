"""Files over MCP: where a server without roots reads and writes, what a person is asked, and what may be replaced."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from click.testing import CliRunner
from http_serving import connected, listening
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitResult, ResourceTemplateReference
from serving import ERAS, answer, process, refusal
from tables_job import ScriptedEngine

from dp_tools.cli import main
from dp_tools.errors import TableUnavailable
from dp_tools.mcp_server.auth import ListedTokens
from dp_tools.mcp_server.call_metrics import CallMetrics
from dp_tools.mcp_server.fair_scheduler import FairScheduler
from dp_tools.mcp_server.http import Address, Tokens, http_app
from dp_tools.mcp_server.server import create_server
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Rule
from dp_tools.tables.asking import CHUNK
from dp_tools.tables.io.paths import Roots

pytestmark = pytest.mark.anyio

TABLE = "name,town\n" + "".join(f"Ann Lee {n % 3},Rome\n" for n in range(6))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a server without roots reads and writes; it is not there yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("dp_tools.tables.io.paths.own_folder", lambda: tmp_path / "documents" / "dp-tools")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "people.csv").write_text(TABLE)
    return tmp_path / "documents" / "dp-tools"


@pytest.fixture
def preprocessor(tmp_path: Path) -> Iterator[Preprocessor]:
    with Preprocessor(knowledge=tmp_path / "rules.db", engine=ScriptedEngine()) as opened:
        yield opened


@pytest.fixture
def server_context(home: Path, preprocessor: Preprocessor) -> Iterator[ServerContext]:  # noqa: ARG001
    kept = ServerContext(preprocessor=preprocessor)
    yield kept
    kept.close()


@asynccontextmanager
async def person(server_context: ServerContext, era: str, *, says: bool) -> AsyncIterator[tuple[Client, list[str]]]:
    asked: list[str] = []

    async def reply(_: Any, question: Any) -> ElicitResult:
        asked.append(question.message)
        return ElicitResult(action="accept", content={"agreed": says})

    async with Client(create_server(server_context), mode=era, elicitation_callback=reply) as client:
        yield client, asked


async def done(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The result of a job."""
    job = await answer(client, tool, arguments)
    (ended,) = (await answer(client, "get_job", {"job": job["id"], "wait": 60}))["jobs"]
    assert ended["status"] == "done"
    return dict(ended)


def files_of(job: dict[str, Any]) -> list[str]:
    return [file["path"] for file in job["result"]["files"]]


async def test_without_roots_the_disk_is_closed_and_results_go_to_a_folder_of_the_users_own(
    server_context: ServerContext, home: Path, tmp_path: Path
) -> None:
    table = {"path": str(tmp_path / "data" / "people.csv")}
    async with Client(create_server(server_context)) as client:
        for tool in ("profile_table", "dedupe_table"):
            assert "start" in await refusal(client, tool, {"table": table})
            nowhere = await refusal(client, tool, {"table": {"path": str(tmp_path / "data" / "none.csv")}})
            assert "lies outside" in nowhere
        assert not home.exists()
        records = [{"name": "Ann Lee"}, {"name": "Ann Lee"}]
        job = await done(client, "dedupe_table", {"table": {"records": records}, "output": "twice.csv"})
    assert files_of(job)[0] == str(home / "twice.csv")
    assert (home / "twice.csv").is_file()


@pytest.mark.parametrize("era", ERAS)
async def test_a_file_outside_the_roots_is_read_where_the_person_says_so(
    server_context: ServerContext, home: Path, tmp_path: Path, era: str
) -> None:
    path, nowhere = (str(tmp_path / "data" / name) for name in ("people.csv", "none.csv"))
    async with person(server_context, era, says=False) as (client, asked):
        for tool in ("profile_table", "dedupe_table"):
            assert "did not agree" in await refusal(client, tool, {"table": {"path": path}})
            assert "did not agree" in await refusal(client, tool, {"table": {"path": nowhere}})
        assert [nowhere in question for question in asked] == [False, True, False, True]
    async with person(server_context, era, says=True) as (client, asked):
        profiled = await answer(client, "profile_table", {"table": {"path": path}})
        assert profiled["profile"]["records"] == 6
        job = await done(client, "dedupe_table", {"table": {"path": path}})
        assert files_of(job)[0] == str(home / "people.duplicates.csv")
        assert len(asked) == 2
        assert f"read, from outside the server's folders: {json.dumps(path)}" in asked[1]
        assert "There is no file" in await refusal(client, "profile_table", {"table": {"path": nowhere}})
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["people.csv"]


@pytest.mark.parametrize("era", ERAS)
async def test_every_file_is_named_to_the_person_with_what_it_replaces(
    server_context: ServerContext, home: Path, era: str
) -> None:
    home.mkdir(parents=True)
    (home / "people.csv").write_text(TABLE)
    (home / "people.clean.changes.jsonl").write_text("mine")
    asked_for = {"table": {"path": "people.csv"}, "overwrite": True}
    async with person(server_context, era, says=True) as (client, asked):
        await done(client, "clean_table", asked_for)
        await done(client, "clean_table", asked_for)
    first, second = asked
    names = ("people.clean.csv", "people.clean.review.csv", "people.clean.changes.jsonl")
    for name in names:
        assert json.dumps(str(home / name)) in first
    assert first.count("a new file") == 2
    assert first.count("replaces a file that dp-tools did not write") == 1
    assert second.count("replaces the file of an earlier job") >= 2
    assert (home / "people.clean.changes.jsonl").read_text() != "mine"


async def test_without_a_person_only_what_dp_tools_wrote_is_replaced(server_context: ServerContext, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "people.csv").write_text(TABLE)
    asked_for = {"table": {"path": "people.csv"}, "overwrite": True}
    async with Client(create_server(server_context)) as client:
        assert "only a person" in await refusal(client, "dedupe_table", {**asked_for, "output": "people.csv"})
        await done(client, "dedupe_table", asked_for)
        await done(client, "dedupe_table", asked_for)
        edited = home / "people.duplicates.csv"
        edited.write_text(edited.read_text() + "a person's own line\n")
        assert "only a person" in await refusal(client, "dedupe_table", asked_for)
    assert edited.read_text().endswith("own line\n")
    assert (home / "people.csv").read_text() == TABLE


async def test_tools_that_may_replace_files_say_so(server_context: ServerContext) -> None:
    async with Client(create_server(server_context)) as client:
        tools = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
    for name in ("clean_table", "match_tables", "dedupe_table"):
        hints = tools[name]
        assert hints is not None
        assert hints.destructive_hint
        assert not hints.read_only_hint


@pytest.fixture
def slow(server_context: ServerContext, home: Path) -> ScriptedEngine:
    """A table that is answered only in part until the engine is let go on."""
    home.mkdir(parents=True)
    lines = (f"Ann {chr(97 + n % 7)} Lee {n % 9},Rome {n % 4}\n" for n in range(300))
    (home / "people.csv").write_text("name,town\n" + "".join(lines))
    engine = server_context.preprocessor.decider.engine
    assert isinstance(engine, ScriptedEngine)
    engine.most = 2 * CHUNK
    return engine


async def test_a_stopped_job_goes_on_under_other_rules_only_where_that_is_asked_for(
    server_context: ServerContext, slow: ScriptedEngine
) -> None:
    asked_for = {"table": {"path": "people.csv"}}
    async with Client(create_server(server_context)) as client:
        job = (await answer(client, "dedupe_table", asked_for))["id"]
        assert await anyio.to_thread.run_sync(slow.reached.wait, 30)
        await answer(client, "cancel_job", {"job": job})
        slow.most = None
        server_context.knowledge.add(Rule(id="same-name", statement="One name is one person."), who="ann")
        assert "1 changed rule (same-name)" in await refusal(client, "dedupe_table", asked_for)
        ended = await done(client, "dedupe_table", {**asked_for, "with_current_model": True})
    assert ended["id"] == job
    assert "1 changed rule (same-name)" in ended["result"]["summary"]


@pytest.mark.parametrize("agreed", [True, False])
async def test_a_person_is_asked_before_a_stopped_job_goes_on_under_other_rules(
    server_context: ServerContext, slow: ScriptedEngine, agreed: bool
) -> None:
    asked: list[str] = []

    async def reply(_: Any, question: Any) -> ElicitResult:
        asked.append(question.message)
        return ElicitResult(action="accept", content={"agreed": agreed or "Go on?" not in question.message})

    asked_for = {"table": {"path": "people.csv"}}
    async with Client(create_server(server_context), elicitation_callback=reply) as client:
        job = (await answer(client, "dedupe_table", asked_for))["id"]
        assert await anyio.to_thread.run_sync(slow.reached.wait, 30)
        await answer(client, "cancel_job", {"job": job})
        slow.most = None
        server_context.knowledge.add(Rule(id="same-name", statement="One name is one person."), who="ann")
        if agreed:
            assert (await done(client, "dedupe_table", asked_for))["id"] == job
        else:
            assert "did not agree" in await refusal(client, "dedupe_table", asked_for)
    assert "1 changed rule (same-name)" in asked[-1]
    assert "would be asked again. Go on?" in asked[-1]


async def test_a_call_that_is_made_again_while_its_job_runs_starts_no_second_one_and_a_shell_can_go_on(
    server_context: ServerContext, home: Path, slow: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for = {"table": {"path": "people.csv"}}
    async with Client(create_server(server_context)) as client:
        started = await answer(client, "dedupe_table", asked_for)
        assert started["status"] == "running"
        assert (await answer(client, "dedupe_table", asked_for))["id"] == started["id"]
        other = {"table": {"path": str(home / "people.csv")}}
        assert (await answer(client, "dedupe_table", other))["id"] == started["id"]
        assert len((await answer(client, "get_job", {}))["jobs"]) == 1
        await answer(client, "cancel_job", {"job": started["id"]})
    slow.most = None
    # A person at a shell, in another folder, finds the job of the server and goes on with it.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dp_tools.cli.tables.Preprocessor", lambda *_, **__: server_context.preprocessor)
    listed = CliRunner().invoke(main, ["jobs", "list"], catch_exceptions=False).output
    assert started["id"] in listed
    assert str(server_context.jobs.store.folder) in listed
    resumed = CliRunner().invoke(main, ["jobs", "resume", started["id"]], catch_exceptions=False)
    assert resumed.exit_code == 0, resumed.output
    shown = json.loads(CliRunner().invoke(main, ["jobs", "show", started["id"]], catch_exceptions=False).output)
    assert shown["status"] == "done"
    assert files_of(shown)[0] == str(home / "people.duplicates.csv")


async def test_a_job_that_fails_is_an_error_of_the_call(server_context: ServerContext, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "ragged.csv").write_text("a,b\n1,2\n3\n")
    async with Client(create_server(server_context)) as client:
        result = await client.call_tool("dedupe_table", {"table": {"path": "ragged.csv"}})
        assert result.structured_content is not None
        job = result.structured_content["id"]
        looked = await client.call_tool("get_job", {"job": job, "wait": 30})
        assert looked.is_error
        assert looked.content[0].text.startswith("Line 3 of ragged.csv")  # type: ignore[union-attr]
        assert looked.structured_content is not None
        assert looked.structured_content["jobs"][0]["status"] == "failed"
        assert not (await client.call_tool("get_job", {})).is_error


@pytest.mark.parametrize("given", ["people.csv", ["people.csv"], 7])
async def test_a_table_of_another_shape_is_answered_with_the_right_one(
    server_context: ServerContext, given: Any
) -> None:
    async with Client(create_server(server_context)) as client:
        for tool in ("profile_table", "clean_table", "dedupe_table"):
            assert '{"path": "FILE"}' in await refusal(client, tool, {"table": given})


async def test_servers_with_other_roots_or_other_rules_share_no_jobs(
    preprocessor: Preprocessor, home: Path, tmp_path: Path
) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        (folder / "people.csv").write_text(TABLE)
    server_contexts = [ServerContext(preprocessor=preprocessor, roots=[folder]) for folder in folders]
    with Preprocessor(knowledge=tmp_path / "other.db", engine=ScriptedEngine()) as other:
        server_contexts += [
            ServerContext(preprocessor=other, roots=folders[:1]),
            ServerContext(preprocessor=preprocessor, state=tmp_path / "s"),
        ]
        async with Client(create_server(server_contexts[0])) as client:
            job = await done(client, "dedupe_table", {"table": {"path": "people.csv"}})
            assert len((await answer(client, "get_job", {}))["jobs"]) == 1
        for stranger in server_contexts[1:]:
            async with Client(create_server(stranger)) as client:
                assert (await answer(client, "get_job", {}))["jobs"] == []
                assert "no job" in await refusal(client, "get_job", {"job": job["id"]})
        again = ServerContext(preprocessor=preprocessor, roots=folders[:1])
        async with Client(create_server(again)) as client:
            assert (await answer(client, "get_job", {}))["jobs"][0]["id"] == job["id"]
    assert not home.exists()


async def test_a_caller_over_http_sees_the_jobs_cases_and_results_of_its_own_token_alone(
    server_context: ServerContext, home: Path
) -> None:
    home.mkdir(parents=True)
    (home / "people.csv").write_text(TABLE)
    ann, bob = "ann" * 6, "bob" * 6
    everything = "dp:read dp:run dp:rules"
    tokens = Tokens(ListedTokens([f"ann {ann} {everything}", f"bob {bob} {everything}"]))
    app = http_app(
        server_context, Address("127.0.0.1", 8765), tokens, scheduler=FairScheduler(), call_metrics=CallMetrics()
    )
    template = ResourceTemplateReference(uri="jobs://{job}/result")
    asked_for = {"table": {"path": "people.csv"}, "overwrite": True}
    case = {"task": "match_entities", "dataset": None, "attribute": None, "question": "?", "subject": "{}"}
    with listening(app) as base:
        for era in ERAS:
            async with connected(base, ann, era) as client:
                job = (await done(client, "dedupe_table", asked_for))["id"]
                mine = server_context.jobs.of(json.dumps(["ann", None])).store
                mine.add_reviews(job, [{**case, "proposal": "yes", "confidence": 0.5}])
                (review,) = (await answer(client, "next_reviews", {"job": job}))["reviews"]
                assert (await client.complete(template, {"name": "job", "value": job})).completion.values == [job]
                assert (await client.read_resource(f"jobs://{job}/result")).contents
            async with connected(base, bob, era) as client:
                assert (await answer(client, "get_job", {}))["jobs"] == []
                for tool in ("get_job", "cancel_job", "next_reviews"):
                    assert "There is no job" in await refusal(client, tool, {"job": job})
                assert (await answer(client, "next_reviews", {})) == {"reviews": [], "open": 0}
                given = {"review": review["id"], "answer": "yes"}
                assert "no open case" in await refusal(client, "answer_review", given)
                assert (await client.complete(template, {"name": "job", "value": job})).completion.values == []
                with pytest.raises(MCPError, match="There is no job"):
                    await client.read_resource(f"jobs://{job}/result")
                assert "only a person" in await refusal(client, "dedupe_table", asked_for)
            async with connected(base, ann, era) as client:
                assert (await answer(client, "answer_review", given))["acts"] is False


async def test_the_place_of_the_servers_own_files_is_no_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "dp-tools" / "jobs").mkdir(parents=True)
    with pytest.raises(TableUnavailable, match="keeps its own files"):
        Roots.of([tmp_path / "dp-tools" / "jobs"])


async def test_a_server_process_keeps_its_jobs_where_it_is_told(tmp_path: Path) -> None:
    async with process(tmp_path) as client:
        assert (await answer(client, "get_job", {}))["jobs"] == []
    assert list((tmp_path / "dp-tools" / "servers").glob("*/jobs.sqlite"))
