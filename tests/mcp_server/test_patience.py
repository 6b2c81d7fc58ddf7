"""Long calls: what is decided is there before the client loses patience, and a job finishes the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from http_serving import connected, listening
from mcp import Client
from serving import ERAS, answer, process, refusal
from starlette.applications import Starlette
from tables_job import ScriptedEngine
from test_mcp_tables import Follows
from waiting import until

from dp_tools.engine.pace import Pace
from dp_tools.mcp_server.auth import ListedTokens
from dp_tools.mcp_server.call_metrics import CallMetrics
from dp_tools.mcp_server.fair_scheduler import FairScheduler, SharedEngine
from dp_tools.mcp_server.http import Address, Tokens, http_app
from dp_tools.mcp_server.server import create_server
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Rule
from dp_tools.tables.jobs import jobs as jobs_module
from dp_tools.tables.jobs.call_jobs import CallWork
from dp_tools.tasks.detect_errors import DetectErrorsRequest

pytestmark = pytest.mark.anyio

NUMBER = Rule(
    id="ounces-number",
    statement="Ounces are a number.",
    dataset="cellar",
    check={"type": "number"},
    attribute="ounces",
    decides="both",
)
CELLS: dict[str, Any] = {
    "records": [{"beer": f"Beer {n} of {n * 7 % 50}", "ounces": f"{n % 3 + 12}.0"} for n in range(60)],
    "dataset": "cellar",
    "only": "all",
}
PAIRS: dict[str, Any] = {
    "pairs": [{"left": {"name": f"Ann {n} Lee"}, "right": {"name": f"Anna {n} Li"}} for n in range(60)],
    "only": "all",
}
LONG_S = 20.0
"""More than any of these calls may take that does not wait."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def engine() -> ScriptedEngine:
    """Answers so many questions, and no more until it is let go on."""
    return ScriptedEngine(most=45)


@pytest.fixture(params=["as foreseen", "unforeseen"])
def server_context(engine: ScriptedEngine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ServerContext]:
    """A server that knows beforehand that calls are long, or finds it out."""
    with opened(engine, tmp_path, 1.0 if request.param == "as foreseen" else 1e9) as found:
        yield found


class opened:  # noqa: N801
    """A server over an engine of a certain pace, in characters a second."""

    def __init__(self, engine: ScriptedEngine, folder: Path, pace: float, patience: float = 0.3) -> None:
        slow = SharedEngine(engine, FairScheduler(calls_each=4), pace=Pace(start=pace))
        self._preprocessor = Preprocessor(knowledge=folder / "knowledge.db", engine=slow)
        if not self._preprocessor.knowledge.list(dataset="cellar"):
            self._preprocessor.knowledge.add(NUMBER, who="ann")
        self._context = ServerContext(preprocessor=self._preprocessor, state=folder / "jobs", patience=patience)

    def __enter__(self) -> ServerContext:
        return self._context

    def __exit__(self, *_: object) -> None:
        self._context.close()
        self._preprocessor.knowledge.close()


def app_of(server_context: ServerContext, tokens: Tokens | None = None) -> Starlette:
    """The server over HTTP, without the tools for whole tables."""
    return http_app(
        server_context,
        Address("127.0.0.1", 8765),
        tokens,
        scheduler=FairScheduler(),
        call_metrics=CallMetrics(),
        profiles=("tasks",),
    )


async def whole(client: Client, job: str) -> dict[str, Any]:
    """The answer of a call, once its job is done."""
    (found,) = (await answer(client, "get_job", {"job": job, "wait": 60}))["jobs"]
    assert found["status"] == "done", found
    assert found["kind"] == "call"
    kept: dict[str, Any] = found["answer"]
    return kept


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("tool", "asked", "items"), [("detect_errors", CELLS, "cells"), ("match_entities", PAIRS, "pairs")]
)
async def test_a_long_call_returns_what_is_decided_and_a_job_for_the_rest(
    server_context: ServerContext, engine: ScriptedEngine, era: str, tool: str, asked: dict[str, Any], items: str
) -> None:
    async with Client(create_server(server_context), mode=era) as client:
        with anyio.fail_after(LONG_S):
            first = await answer(client, tool, asked)
        engine.most = None
        ended = await whole(client, first["job"])
        again = await answer(client, tool, {**asked, "patience": 60})
    pending = [item for item in first[items] if item["decided_by"] == "pending"]
    decided = [item for item in first[items] if item["decided_by"] != "pending"]
    assert pending
    assert len(first[items]) == len(ended[items]) == len(again[items])
    places = "record" if items == "cells" else "pair"
    assert [item[places] for item in first[items]] == sorted(item[places] for item in ended[items])
    assert all("confidence" not in item for item in pending)
    assert all(item["decided_by"] != "pending" for item in ended[items])
    assert [item for item in ended[items] if item in decided] == decided
    assert " of " in first["progress"]
    assert "job" not in again
    if items == "cells":
        assert {item["decided_by"] for item in first[items] if item["attribute"] == "ounces"} == {"check"}


async def test_what_may_be_found_is_asked_first_and_the_same_call_asks_the_same(
    engine: ScriptedEngine, tmp_path: Path
) -> None:
    kinds = {"tent": "sleeping", "stove": "cooking", "lamp": "lighting"}
    goods = [{"product": name, "kind": kind, "price": f"{n % 5}.50"} for n in range(14) for name, kind in kinds.items()]
    odd = {"product": "tent", "kind": "cooking", "price": "3.50"}
    asked = DetectErrorsRequest(records=[*goods, odd], attributes=["price", "kind"])
    with opened(engine, tmp_path, 1.0) as server_context:
        decider = server_context.preprocessor.decider
        first, second = CallWork(decider, asked).questions, CallWork(decider, asked).questions
    assert first == second
    assert "rare with product" in "".join(segment.text for segment in first[0].segments)
    assert len(first) > 2


async def test_a_call_that_fits_leaves_no_job_behind(engine: ScriptedEngine, tmp_path: Path) -> None:
    engine.most = None
    with opened(engine, tmp_path, 1e9, patience=60.0) as server_context:
        async with Client(create_server(server_context)) as client:
            assert "job" not in await answer(client, "match_entities", PAIRS)
            assert (await answer(client, "get_job", {}))["jobs"] == []


async def test_the_patience_of_a_call_comes_before_the_servers(engine: ScriptedEngine, tmp_path: Path) -> None:
    with opened(engine, tmp_path, 1e9, patience=1000.0) as server_context:
        async with Client(create_server(server_context)) as client:
            with anyio.fail_after(LONG_S):
                assert "job" in await answer(client, "match_entities", {**PAIRS, "patience": 0.1})
            assert "patience" in await refusal(client, "match_entities", {**PAIRS, "patience": -1})


async def test_a_long_answer_counts_what_is_pending_where_not_everything_is_shown(
    server_context: ServerContext, engine: ScriptedEngine
) -> None:
    async with Client(create_server(server_context)) as client:
        first = await answer(client, "match_entities", {**PAIRS, "only": None})
        engine.most = None
        ended = await whole(client, first["job"])
    assert first["left_out"]["pending"] > 0
    assert "pending" not in {item["decided_by"] for item in first["pairs"]}
    assert "pending" not in ended["left_out"]


async def test_the_work_goes_on_when_the_client_leaves(engine: ScriptedEngine, tmp_path: Path) -> None:
    with opened(engine, tmp_path, 1.0) as server_context, listening(app_of(server_context)) as base:
        async with connected(base) as client:
            job = (await answer(client, "match_entities", PAIRS))["job"]
        engine.most = None
        async with connected(base) as client:
            assert len((await whole(client, job))["pairs"]) == len(PAIRS["pairs"])


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_is_cancelled_before_it_has_its_handle_stops_and_keeps_its_answers(
    engine: ScriptedEngine, tmp_path: Path, era: str
) -> None:
    def status() -> list[str]:
        return [job.status for job in server_context.jobs.list()]

    with opened(engine, tmp_path, 1.0) as server_context, listening(app_of(server_context)) as base:
        async with connected(base, era=era) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "match_entities", {**PAIRS, "patience": 1000})
                assert await anyio.to_thread.run_sync(engine.reached.wait, LONG_S)
                group.cancel_scope.cancel()
            await anyio.to_thread.run_sync(until, lambda: status() == ["cancelled"])
            (job,) = (await answer(client, "get_job", {"job": server_context.jobs.list()[0].id}))["jobs"]
            engine.most = None
            ended = await answer(client, "match_entities", {**PAIRS, "patience": 60})
    decided = [item["decided_by"] for item in job["answer"]["pairs"]]
    assert 0 < decided.count("model") < len(PAIRS["pairs"])
    assert [item["decided_by"] for item in ended["pairs"]] == ["model"] * len(PAIRS["pairs"])


async def test_the_same_call_follows_the_job_that_is_at_it(
    server_context: ServerContext, engine: ScriptedEngine
) -> None:
    async with Client(create_server(server_context)) as client:
        first = await answer(client, "match_entities", PAIRS)
        second = await answer(client, "match_entities", {**PAIRS, "patience": 0})
        assert second["job"] == first["job"]
        engine.most = None
        third = await answer(client, "match_entities", {**PAIRS, "patience": 60})
        assert len((await answer(client, "get_job", {}))["jobs"]) == 1
    assert "job" not in third


async def test_a_server_that_is_started_again_goes_on_by_the_handle(engine: ScriptedEngine, tmp_path: Path) -> None:
    with opened(engine, tmp_path, 1.0) as server_context:
        async with Client(create_server(server_context)) as client:
            job = (await answer(client, "match_entities", PAIRS))["job"]
            assert await anyio.to_thread.run_sync(engine.reached.wait, LONG_S)
    later = ScriptedEngine()
    with opened(later, tmp_path, 1.0) as server_context:
        async with Client(create_server(server_context)) as client:
            ended = await whole(client, job)
    assert len(ended["pairs"]) == len(PAIRS["pairs"])
    assert 0 < later.asked < len(PAIRS["pairs"]), "what was answered is not asked again"


async def test_a_call_is_cancelled_by_its_handle_and_keeps_what_it_has(
    server_context: ServerContext, engine: ScriptedEngine
) -> None:
    async with Client(create_server(server_context)) as client:
        first = await answer(client, "match_entities", PAIRS)
        assert await anyio.to_thread.run_sync(engine.reached.wait, LONG_S)
        assert (await answer(client, "cancel_job", {"job": first["job"]}))["status"] == "cancelled"
        (found,) = (await answer(client, "get_job", {"job": first["job"]}))["jobs"]
        kept = [item for item in found["answer"]["pairs"] if item["decided_by"] != "pending"]
        assert [item for item in first["pairs"] if item["decided_by"] != "pending" and item not in kept] == []
        assert 0 < len(kept) < len(found["answer"]["pairs"]) == len(PAIRS["pairs"])
        engine.most = None
        ended = await answer(client, "match_entities", {**PAIRS, "patience": 60})
    assert "pending" not in {item["decided_by"] for item in ended["pairs"]}


async def test_a_client_that_knows_tasks_gets_the_tools_own_result_in_the_end(
    server_context: ServerContext, engine: ScriptedEngine
) -> None:
    follows = Follows()
    async with (
        anyio.create_task_group() as group,
        Client(create_server(server_context), extensions=[follows]) as client,
    ):

        async def let_go() -> None:
            while not follows.begun:
                await anyio.sleep(0.02)
            engine.most = None

        group.start_soon(let_go)
        result = await client.call_tool("match_entities", PAIRS)
    assert result.structured_content is not None
    assert len(result.structured_content["pairs"]) == len(PAIRS["pairs"])
    assert "pending" not in {item["decided_by"] for item in result.structured_content["pairs"]}
    assert follows.begun[0]["taskId"].startswith("call-")


async def test_only_so_many_calls_go_on_at_once(
    server_context: ServerContext, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "CALLS_EACH", 1)
    async with Client(create_server(server_context)) as client:
        first = await answer(client, "match_entities", PAIRS)
        sentence = await refusal(client, "detect_errors", CELLS)
        engine.most = None
        await whole(client, first["job"])
        assert "job" not in await answer(client, "detect_errors", {**CELLS, "patience": 60})
    assert sentence.startswith("As many long calls as may be are being answered already: wait for one with get_job")


async def test_whoever_may_ask_the_model_has_calls_of_their_own_and_nobody_elses(
    engine: ScriptedEngine, tmp_path: Path
) -> None:
    tokens = Tokens(ListedTokens([f"{name} {name * 32} dp:read dp:run" for name in "ab"] + [f"c {'c' * 32} dp:read"]))
    with opened(engine, tmp_path, 1.0) as server_context, listening(app_of(server_context, tokens)) as base:
        async with connected(base, "a" * 32) as ann, connected(base, "b" * 32) as ben:
            job = (await answer(ann, "match_entities", PAIRS))["job"]
            assert "no job" in await refusal(ben, "get_job", {"job": job})
            engine.most = None
            assert len((await whole(ann, job))["pairs"]) == len(PAIRS["pairs"])


async def test_a_client_over_stdio_leaves_in_the_middle_and_the_next_one_gets_the_whole_answer(
    tiny_model: Path, tmp_path: Path
) -> None:
    state = str(tmp_path / "jobs")
    options = ("--model", str(tiny_model), "--no-cache", "--patience", "0", "--state", state, "--tools", "tasks")
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    async with process(tmp_path / "one", *options, "--knowledge", str(tmp_path / "rules.db")) as client:
        with anyio.fail_after(30):
            begun = await answer(client, "match_entities", PAIRS)
    assert begun["pairs"][0].keys() >= {"pair", "decided_by"}
    async with process(tmp_path / "two", *options, "--knowledge", str(tmp_path / "rules.db")) as client:
        ended = await whole(client, begun["job"])
    assert [item["pair"] for item in ended["pairs"]] == list(range(len(PAIRS["pairs"])))
    assert "pending" not in {item["decided_by"] for item in ended["pairs"]}
