"""What a client's model is shown of the server: few tokens, only the tools that were asked for, and a face."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from http_serving import connected, listening
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import TextResourceContents, Tool
from serving import ERAS, ROOT, environment

from dp_tools.cli.serve import serve
from dp_tools.mcp_server.call_metrics import CallMetrics
from dp_tools.mcp_server.fair_scheduler import FairScheduler
from dp_tools.mcp_server.http import Address, http_app
from dp_tools.mcp_server.panels import PANEL, SHOWN
from dp_tools.mcp_server.server import create_server
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools.groups import PROFILES, Profile, instructions
from dp_tools.tasks import TASKS

pytestmark = pytest.mark.anyio

JOBS = {"get_job", "cancel_job"}
TABLES = {"profile_table", "clean_table", "match_tables", "dedupe_table", "next_reviews", "answer_review", *JOBS}
TABLES |= {"undo_changes", "find_entity", "entity_history", "change_entities"}
RULES = {"search_rules", "add_rule", "change_rule", "test_rule", "review_rule"}
GROUPS: dict[Profile, set[str]] = {"tasks": {*TASKS, "explain_answer", *JOBS}, "tables": TABLES, "rules": RULES}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def tokens(tool: Tool) -> float:
    """About how many tokens a model reads of a tool: four characters each, as most hosts pass it on."""
    shown = {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}
    return len(json.dumps(shown, ensure_ascii=False, separators=(",", ":"))) / 4


async def test_the_menu_costs_a_model_half_of_what_it_did() -> None:
    async with Client(create_server()) as client:
        costs = {tool.name: tokens(tool) for tool in (await client.list_tools()).tools}
    assert sum(costs.values()) <= 5200, costs
    assert max(costs.values()) <= 400, costs


async def test_the_menu_describes_every_argument_and_asks_for_no_null() -> None:
    async with Client(create_server()) as client:
        for tool in (await client.list_tools()).tools:
            for name, field in tool.input_schema["properties"].items():
                assert field["description"], (tool.name, name)
                assert {"type": "null"} not in field.get("anyOf", []), (tool.name, name)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("chosen", [("tasks",), ("tables",), ("rules",), ("tasks", "rules"), PROFILES])
async def test_a_server_offers_the_chosen_groups_and_speaks_of_no_other_tool(
    chosen: tuple[Profile, ...], era: str
) -> None:
    async with Client(create_server(profiles=chosen), mode=era) as client:
        offered = {tool.name for tool in (await client.list_tools()).tools}
        prompts = [
            (await client.get_prompt(prompt.name, dict.fromkeys((a.name for a in prompt.arguments or []), "x")))
            for prompt in (await client.list_prompts()).prompts
        ]
    assert offered == set[str]().union(*(GROUPS[profile] for profile in chosen))
    facts_by_kind = instructions(chosen) + " ".join(str(prompt.messages) for prompt in prompts)
    assert not [
        name
        for names in GROUPS.values()
        for name in names - offered
        if name in facts_by_kind.replace("clean_table:", "")
    ]


async def test_the_command_line_chooses_the_groups_over_stdio(tmp_path: Path) -> None:
    command = ["-m", "dp_tools", "serve", "--tools", "rules"]
    server = StdioServerParameters(command=sys.executable, args=command, env=environment(tmp_path), cwd=ROOT)
    async with Client(stdio_client(server)) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == RULES


async def test_the_groups_are_chosen_over_http_too(tmp_path: Path) -> None:
    server_context = ServerContext(knowledge=tmp_path / "knowledge.db")
    app = http_app(
        server_context,
        Address("127.0.0.1", 8765),
        None,
        scheduler=FairScheduler(),
        call_metrics=CallMetrics(),
        profiles=("tables",),
    )
    with listening(app) as base:
        async with connected(base) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == TABLES


def test_a_group_that_does_not_exist_is_named_with_those_that_do() -> None:
    refused = CliRunner().invoke(serve, ["--tools", "tasks,reports"])
    assert refused.exit_code == 2
    assert "no tools called 'reports': choose from tasks, tables, rules" in refused.output


@pytest.mark.parametrize("era", ERAS)
async def test_the_server_s_card_has_an_icon_that_travels_with_it(era: str) -> None:
    async with Client(create_server(), mode=era) as client:
        card = client.server_info
    assert card is not None
    assert card.icons is not None
    (icon,) = card.icons
    head, _, data = icon.src.partition(",")
    assert (head, icon.mime_type) == ("data:image/png;base64", "image/png")
    assert base64.b64decode(data).startswith(b"\x89PNG")
    assert len(data) < 2000


@pytest.mark.parametrize("era", ERAS)
async def test_five_tools_name_the_panel_that_shows_their_results(era: str) -> None:
    async with Client(create_server(), mode=era) as client:
        tools = (await client.list_tools()).tools
        named = {tool.name: tool.meta["ui"]["resourceUri"] for tool in tools if tool.meta}
        (content,) = (await client.read_resource(named["get_job"])).contents
    assert named == dict.fromkeys(SHOWN, PANEL)
    assert content.mime_type == "text/html;profile=mcp-app"
    assert isinstance(content, TextResourceContents)
    assert content.text.count("</script>") == 1
    assert "https://" not in content.text
