"""Explanations as agents and people get them: the MCP tool in both protocol eras, and the command."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from click.testing import CliRunner, Result
from mcp import Client
from mcp.types import BlobResourceContents, EmbeddedResource, ImageContent, TextContent
from serving import ERAS, refusal, server_context_of

from dp_tools.cli import main
from dp_tools.engine.questions import Engine
from dp_tools.mcp_server.auth import RUN
from dp_tools.mcp_server.server import create_server
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools.explain import explain_tool

REQUEST = {"pairs": [{"left": {"title": "Sony W55"}, "right": {"title": "Sony W80"}}]}
CALL: dict[str, Any] = {"task": "match_entities", "request": REQUEST}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize(("era", "form"), [(ERAS[0], "png"), (ERAS[1], "svg")])
async def test_an_agent_gets_the_explanation_as_text_as_structure_and_as_a_picture(
    engine: Engine, tmp_path: Path, era: str, form: str
) -> None:
    pytest.importorskip("matplotlib", reason='needs the extra "plots"')
    with server_context_of(engine, tmp_path / "knowledge.db") as server_context:
        async with Client(create_server(server_context), mode=era) as client:
            schema = next(t.output_schema for t in (await client.list_tools()).tools if t.name == "explain_answer")
            result = await client.call_tool("explain_answer", {**CALL, "picture": form})
    text, picture = result.content
    assert isinstance(text, TextContent)
    assert json.loads(text.text) == result.structured_content
    assert schema is not None
    jsonschema_rs.validate(schema, result.structured_content)
    if form == "png":
        assert isinstance(picture, ImageContent)
        assert base64.b64decode(picture.data).startswith(b"\x89PNG")
    else:
        assert isinstance(picture, EmbeddedResource)
        assert isinstance(picture.resource, BlobResourceContents)
        assert b"<svg" in base64.b64decode(picture.resource.blob)


def test_whoever_may_only_read_rules_may_not_ask_the_model_for_explanations() -> None:
    assert explain_tool(ServerContext()).scope == RUN


@pytest.mark.anyio
async def test_an_agent_is_told_in_a_sentence_what_cannot_be_explained(engine: Engine, tmp_path: Path) -> None:
    bad = [
        ({**CALL, "task": "make_coffee"}, "task cannot be 'make_coffee'"),
        ({**CALL, "items": [7]}, "no item 7"),
        ({**CALL, "items": []}, "items"),
        ({**CALL, "request": {"pairs": []}}, "There are no pairs"),
        ({**CALL, "request": {"pair": []}}, "pair"),
    ]
    with server_context_of(engine, tmp_path / "knowledge.db") as server_context:
        async with Client(create_server(server_context)) as client:
            for arguments, message in bad:
                assert message in await refusal(client, "explain_answer", arguments)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["explain", *map(str, arguments)])


def test_a_person_gets_a_paragraph_and_a_picture(tmp_path: Path, lent_engine: object) -> None:  # noqa: ARG001
    pytest.importorskip("matplotlib", reason='needs the extra "plots"')
    table = tmp_path / "pairs.csv"
    table.write_text("left_title,right_title\nSony W55,Sony W80\n")
    picture = tmp_path / "why.svg"
    message = run("match", table, "--row", "1", "--knowledge", ":memory:", "--picture", picture)
    assert message.exit_code == 0, message.output
    assert message.stdout.startswith("The two records are ")
    assert "<svg" in picture.read_text()


def test_a_request_of_any_task_can_be_explained_from_a_file(tmp_path: Path, lent_engine: object) -> None:  # noqa: ARG001
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"records": [{"beer": "Stout", "abv": "5%"}], "attributes": ["abv"]}))
    result = run("detect", file, "--item", "0", "--knowledge", ":memory:", "--json")
    assert result.exit_code == 0, result.output
    (explanation,) = json.loads(result.stdout)["explanations"]
    assert {entry["name"] for entry in explanation["decided"]} >= {"beer", "abv"}


def test_what_cannot_be_explained_is_one_sentence_and_nothing_is_written(tmp_path: Path) -> None:
    table = tmp_path / "cities.csv"
    table.write_text("city\nboston\n")
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for arguments, message in (
        (("detect", table), "--row"),
        (("detect", table, "--row", "1"), "--attribute"),
        (("detect", table, "--row", "9", "-a", "city"), "no record 9"),
        (("detect", table, "--row", "1", "-a", "zip"), "no attribute 'zip'"),
        (("annotate", table, "--row", "1"), ".json"),
        (("match", table, "--row", "1"), "left_"),
        (("match", broken), "not a JSON file"),
        (("match", table, "--row", "1", "--picture", tmp_path / "why.gif"), ".png"),
    ):
        refused = run(*arguments, "--knowledge", ":memory:")
        assert refused.exit_code == 2, refused.output
        assert message in refused.output
        assert "Traceback" not in refused.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.json", "cities.csv"]
