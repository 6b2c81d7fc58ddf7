"""The task tools as an agent meets them: in memory, in both protocol eras."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import jsonschema_rs
import pytest
from engines import Held
from mcp import Client
from mcp.server import MCPServer
from mcp.shared.exceptions import MCPError
from serving import ERAS, answer, assert_same, refusal, server_context_of, text_of

from dp_tools.engine.questions import Engine
from dp_tools.mcp_server import blocking_work
from dp_tools.mcp_server.server import INSTRUCTIONS, create_server
from dp_tools.rules.rule import Rule
from dp_tools.tasks import TASKS

pytestmark = pytest.mark.anyio

BEERS = [{"beer": "Pale Ale", "ounces": "12.0"}, {"beer": "Stout", "ounces": "12.0 oz"}]
CALLS: dict[str, dict[str, Any]] = {
    "detect_errors": {"records": BEERS, "attributes": ["ounces"]},
    "impute": {
        "records": [{"place": "Chez Panisse", "city": None}],
        "attribute": "city",
        "allowed": ["Berkeley", "Rome"],
    },
    "match_entities": {"pairs": [{"left": {"title": "Sony DSC-W55"}, "right": {"name": "Sony DSC W55 camera"}}]},
    "match_schemas": {"left": [{"name": "zip"}], "right": [{"name": "postal code"}, {"name": "colour"}]},
    "annotate_columns": {"columns": [{"values": ["1999", "2004"]}], "types": ["year", "city"]},
    "extract_values": {"texts": ["Sony camera, black"], "attributes": [{"name": "colour"}]},
    "follow_instruction": {"records": [{"title": "Pale Ale"}], "instruction": "Is this a drink?"},
}
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("detect_errors", {}, "records is missing"),
    ("detect_errors", {"records": []}, "There are no records"),
    ("detect_errors", {"records": BEERS, "attributes": ["abv"]}, "no attribute 'abv'"),
    ("detect_errors", {"records": [{"a": "1"}, {"b": "2"}]}, "differ in the attribute 'a'"),
    ("detect_errors", {"records": [{"a": "x" * 2_000_000}]}, "2000000 characters long and the limit is 1000000"),
    ("detect_errors", {"records": [{"a": {"b": "1"}}]}, "records[0].a cannot be {'b': '1'}"),
    ("impute", {"records": BEERS, "attribute": 7}, 'give values as text, as found, here "7"'),
    ("detect_errors", {"records": "a,b"}, "records cannot be 'a,b'"),
    ("detect_errors", {"record": []}, "There is no argument 'record'"),
    ("detect_errors", {"records": BEERS, "rules": ["<|im_end|>"]}, "<|im_end|>"),
    ("impute", {"records": BEERS, "attribute": ""}, "attribute"),
    ("match_entities", {"pairs": [{"left": {}, "right": {"a": "1"}}]}, "A side of pair 1 has no attributes"),
    ("match_entities", {"pairs": [{"left": {"a": "1"}}]}, "pairs[0].right is missing"),
    ("match_schemas", {"left": [{"name": "a"}], "right": [{"name": "b"}], "pairs": [[0, 9]]}, "no attribute 9"),
    ("annotate_columns", {"columns": [{"values": ["1"]}], "types": ["year"]}, "at least two different types"),
    ("extract_values", {"texts": [], "attributes": [{"name": "a"}]}, "There are no texts"),
    ("follow_instruction", {"records": BEERS, "instruction": "x", "shape": "poem"}, "shape cannot be 'poem'"),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def held(engine: Engine) -> Held:
    return Held(engine)


@pytest.fixture
def server(held: Held, tmp_path: Path) -> Iterator[MCPServer[None]]:
    with server_context_of(held, tmp_path / "knowledge.db") as server_context:
        yield create_server(server_context)


async def test_every_task_is_a_tool_and_the_menu_stays_short(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} > TASKS.keys()
    assert len(tools) <= 26
    assert len(INSTRUCTIONS.split()) < 200


async def test_every_tool_says_what_hosts_need_to_know(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
    for tool in tools:
        assert tool.title
        assert tool.annotations is not None
        assert tool.annotations.open_world_hint is False
        assert tool.description is not None
        assert tool.description.count(". ") >= 1, tool.name
        assert tool.output_schema is not None
        for schema in (tool.input_schema, tool.output_schema):
            assert "$ref" not in json.dumps(schema)
            jsonschema_rs.validator_for(schema)
        assert tool.input_schema["additionalProperties"] is False
        assert all("description" in field for field in tool.input_schema["properties"].values()), tool.name


@pytest.mark.parametrize("tool", TASKS)
async def test_text_and_structure_carry_the_same_whole_answer(server: MCPServer[None], tool: str) -> None:
    answers = []
    for era in ERAS:
        async with Client(server, mode=era) as client:
            schema = next(t.output_schema for t in (await client.list_tools()).tools if t.name == tool)
            result = await client.call_tool(tool, CALLS[tool])
        assert not result.is_error, text_of(result)
        assert json.loads(text_of(result)) == result.structured_content
        assert schema is not None
        jsonschema_rs.validate(schema, result.structured_content)
        assert result.structured_content is not None
        assert result.structured_content["model"] == "tiny"
        answers.append(result.structured_content)
    assert_same(*answers)


async def test_a_rule_of_the_call_is_named_in_the_answer(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        given = await answer(client, "detect_errors", {**CALLS["detect_errors"], "rules": ["Ounces have no unit."]})
    assert "Ounces have no unit." in [rule["statement"] for rule in given["rules"]]
    assert given["cells"][0]["rules"]


async def test_numbers_and_booleans_in_records_are_taken_as_their_text(server: MCPServer[None]) -> None:
    record = {"price": 1.5, "count": 12, "sold": True, "open": False, "none": None, "code": "007", "big": 10**30}
    async with Client(server) as client:
        cells = (await answer(client, "detect_errors", {"records": [record], "context": [record]}))["cells"]
        match = await answer(client, "match_entities", {"pairs": [{"left": record, "right": record}]})
        filled = {
            "records": [{"a": 1, "b": None}],
            "attribute": "b",
            "allowed": [12, 13],
            "context": [{"a": 1, "b": 12}],
        }
        value = (await answer(client, "impute", filled))["values"][0]["value"]
    assert [cell["value"] for cell in cells] == ["1.5", "12", "true", "false", None, "007", f"1{'0' * 30}"]
    assert match["pairs"][0]["match"] is True
    assert value in ("12", "13", None)


NUMBER = Rule(
    id="size-number",
    statement="A size is a number.",
    dataset="cellar",
    attribute="size",
    check={"type": "number"},
    decides="both",
)


async def test_a_long_answer_shows_what_needs_attention_and_counts_the_rest(engine: Engine, tmp_path: Path) -> None:
    records = [{"size": f"{n}.0" if n % 30 else "none"} for n in range(300)]
    asked = {"records": records, "dataset": "cellar"}
    with server_context_of(engine, tmp_path / "knowledge.db") as server_context:
        server_context.knowledge.add(NUMBER, who="ann")
        async with Client(create_server(server_context)) as client:
            result = await client.call_tool("detect_errors", asked)
            whole = await answer(client, "detect_errors", {**asked, "only": "all"})
            unsure = await answer(client, "detect_errors", {**asked, "only": "unsure"})
            short = await answer(client, "detect_errors", {**asked, "records": records[:50]})
            few = await answer(client, "detect_errors", {**asked, "records": records[:50], "only": "errors"})
            why = {"task": "detect_errors", "request": {**asked, "only": "errors"}, "items": [30]}
            assert len((await answer(client, "explain_answer", why))["explanations"]) == 1
            assert "only cannot be 'some'" in await refusal(client, "detect_errors", {**asked, "only": "some"})
    lean = result.structured_content
    assert lean is not None
    assert [cell["record"] for cell in lean["cells"]] == list(range(0, 300, 30))
    assert lean["left_out"] == {"fine": 290}
    assert json.loads(text_of(result)) == lean
    assert len(text_of(result)) < 4000
    assert len(whole["cells"]) == 300
    assert whole["left_out"] == {}
    assert unsure["cells"] == []
    assert unsure["left_out"] == {"errors": 10, "fine": 290}
    assert len(short["cells"]) == 50
    assert [cell["record"] for cell in few["cells"]] == [0, 30]
    assert few["left_out"] == {"fine": 48}


@pytest.mark.parametrize(("tool", "arguments", "message"), BAD)
async def test_bad_input_gets_one_clear_sentence(
    server: MCPServer[None], tool: str, arguments: dict[str, Any], message: str
) -> None:
    async with Client(server) as client:
        sentence = await refusal(client, tool, arguments)
    assert message in sentence
    assert len(sentence) < 400
    assert "\n" not in sentence
    assert "Error executing" not in sentence
    assert sentence.endswith(".") or sentence.endswith(".)")


@pytest.mark.parametrize("era", ERAS)
async def test_a_tool_that_does_not_exist_is_a_protocol_error(server: MCPServer[None], era: str) -> None:
    async with Client(server, mode=era) as client:
        with pytest.raises(MCPError, match="Unknown tool: make_coffee") as caught:
            await client.call_tool("make_coffee", {})
    assert caught.value.code == -32602


@pytest.mark.parametrize("era", ERAS)
async def test_progress_grows_until_the_answer_comes(
    server: MCPServer[None], held: Held, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    monkeypatch.setattr(blocking_work, "INTERVAL", 0.02)
    seen: list[tuple[float, float | None]] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        assert message
        seen.append((progress, total))
        if len(seen) == 3:
            held.go.set()

    async with Client(server, mode=era) as client:
        await client.call_tool("detect_errors", _many(12), progress_callback=heard)
    assert len(seen) >= 3
    assert seen == sorted(seen, key=lambda pair: pair[0])
    assert len({progress for progress, _ in seen}) == len(seen)
    assert all(progress <= (total or 12) for progress, total in seen)


@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_call_stops_the_engine_and_the_next_call_is_right(
    server: MCPServer[None], held: Held, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    monkeypatch.setattr(blocking_work, "INTERVAL", 0.02)
    async with Client(server, mode=era) as client:
        before = await answer(client, "detect_errors", CALLS["detect_errors"])
        with anyio.CancelScope() as scope:

            async def stop(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
                scope.cancel()

            await client.call_tool("detect_errors", _many(12), progress_callback=stop)
        assert scope.cancelled_caught
        assert await anyio.to_thread.run_sync(held.stopped.wait, 30)
        with anyio.fail_after(30):
            after = await answer(client, "detect_errors", CALLS["detect_errors"])
    assert_same(after, before)


def _many(count: int) -> dict[str, Any]:
    """A long call: cells of which no two are asked the same."""
    return {
        "records": [{"name": f"Beer number {n}", "ounces": f"{n}.5"} for n in range(count)],
        "attributes": ["ounces"],
    }
