"""Clients and servers for the tests of the MCP surface."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, TextContent

from dp_tools.engine.format_choice import optimize_weights
from dp_tools.engine.questions import Engine
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.models.catalogue import resolve
from dp_tools.models.optimized import note_of, optimized_folder, optimized_path
from dp_tools.preprocessor import Preprocessor

ROOT = Path(__file__).parent.parent
ERAS = ["auto", "legacy"]
"""In memory, `auto` is 2026-07-28 and `legacy` 2025-11-25."""


@contextmanager
def server_context_of(engine: Engine, knowledge: Path) -> Iterator[ServerContext]:
    """An owner that shares the tests' engine and has a knowledge store of its own."""
    preprocessor = Preprocessor(knowledge=knowledge, engine=engine)
    try:
        yield ServerContext(preprocessor=preprocessor)
    finally:
        preprocessor.knowledge.close()


def process(data: Path, *options: str) -> Client:
    """A client of a server in a process of its own, with a data folder of its own: `python server.py`, which takes no
    options, or `dp-tools serve` with these."""
    command = ["-m", "dp_tools", "serve", *options] if options else [str(ROOT / "server.py")]
    variables = environment(data) if options else prepared_environment(data)
    return Client(stdio_client(StdioServerParameters(command=sys.executable, args=command, env=variables, cwd=ROOT)))


@contextmanager
def raw_process(data: Path, *, greet: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    """`python server.py` in a process of its own, line by line, after the handshake unless it is left out."""
    server = subprocess.Popen(
        [sys.executable, "server.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=prepared_environment(data),
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        if greet:
            info = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
            hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": info}
            done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            server.stdin.write("".join(json.dumps(message) + "\n" for message in (hello, done)).encode())
            server.stdin.flush()
            server.stdout.readline()
        yield server
    finally:
        server.kill()
        server.wait()
        server.stdin.close()
        server.stdout.close()


def prepared_environment(data: Path) -> dict[str, str]:
    """Variables for a server that answers with the embedded model. Its weights are optimized where they are not yet: a
    server that optimizes them meanwhile answers more slowly than tests wait."""
    spec = resolve("nano")
    if not note_of(optimized_path(spec)).exists():
        optimize_weights(spec)
    return environment(data)


def environment(data: Path) -> dict[str, str]:
    """Variables for a server with a data folder of its own, and the weights that are optimized already."""
    optimized, cache = optimized_folder(), data / "cache"
    optimized.mkdir(parents=True, exist_ok=True)
    cache.mkdir()
    (cache / "models").symlink_to(optimized)
    return {
        **os.environ,
        "XDG_DATA_HOME": str(data),
        "XDG_STATE_HOME": str(data),
        "DP_TOOLS_CACHE": str(cache),
        "PYTHONPATH": str(ROOT),
    }


def text_of(result: CallToolResult) -> str:
    """The text that a model reads."""
    assert len(result.content) == 1
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


async def answer(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The structured answer of a call that must succeed."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content


async def refusal(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    """The sentence of a call that must fail."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return text_of(result)


def assert_same(one: Any, other: Any) -> None:
    """Two answers say the same; probabilities may differ in what another order of additions makes of them."""
    if isinstance(one, float):
        assert one == pytest.approx(other, abs=0.05)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same(one[name], other[name])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    else:
        assert one == other
