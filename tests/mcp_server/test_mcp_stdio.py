"""The server as a process: it starts without the model, writes nothing but protocol, and ends in good order."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from serving import ROOT, answer, environment, process, refusal
from waiting import until

CELL = {"records": [{"ounces": "12.0 oz"}]}
HELLO = {
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
HEAVY = ("numpy", "scipy", "llama_cpp", "sqlite_utils", "duckdb", "polars", "torch", "dp_tools.preprocessor")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_a_host_starts_the_server_and_gets_an_answer_of_the_model(tmp_path: Path, tiny_model: Path) -> None:
    async with process(tmp_path, "--model", str(tiny_model)) as client:
        assert (await answer(client, "detect_errors", CELL))["model"] == "tiny"
        assert (await answer(client, "add_rule", {"statement": "Ounces have no unit."}))["acts"] is False
        assert "There are no records" in await refusal(client, "detect_errors", {"records": []})


def test_the_server_is_ready_before_anything_heavy_is_imported() -> None:
    code = (
        "import sys; from dp_tools.mcp_server.server import create_server; import dp_tools.mcp_server.stdio; "
        f"create_server(); print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_standard_output_carries_nothing_but_protocol(tmp_path: Path, tiny_model: Path) -> None:
    with started(tmp_path, tiny_model) as server:
        send(server, 1, **HELLO)
        assert receive(server)["result"]["serverInfo"]["name"] == "dp-tools"
        notify(server, "notifications/initialized")
        server.stdin.write("this is not JSON\n")  # type: ignore[union-attr]
        send(server, 2, "tools/call", {"name": "detect_errors", "arguments": CELL})
        send(server, 3, "tools/call", {"name": "detect_errors", "arguments": {"records": [{"a": {"b": "1"}}]}})
        answers: dict[int, Any] = {}
        while len(answers) < 2:
            message = receive(server)
            if "id" in message and message["id"] is not None:
                answers[message["id"]] = message
    assert answers[2]["result"]["isError"] is False
    assert answers[3]["result"]["isError"] is True


def test_a_client_that_leaves_before_its_answer_is_no_failure(tmp_path: Path, tiny_model: Path) -> None:
    with started(tmp_path, tiny_model) as server:
        send(server, 1, **HELLO)
        receive(server)
        notify(server, "notifications/initialized")
        assert server.stdout is not None
        assert server.stdin is not None
        server.stdout.close()
        send(server, 2, "tools/list", {})
        server.stdin.close()
        assert server.wait(30) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to receive")
def test_sigterm_lets_a_running_answer_finish(tmp_path: Path, tiny_model: Path) -> None:
    records = [{"name": f"Beer {n}", "ounces": f"{n}.0"} for n in range(400)]
    with started(tmp_path, tiny_model) as server:
        send(server, 1, **HELLO)
        receive(server)
        notify(server, "notifications/initialized")
        call = {"name": "detect_errors", "arguments": {"records": records, "attributes": ["ounces"], "only": "all"}}
        send(server, 2, "tools/call", call)
        # Its answer to a ping says that the server has taken the call, too.
        send(server, 3, "ping", {})
        answers: dict[int, Any] = {}
        while 3 not in answers:
            answers.update(numbered(receive(server)))
        assert 2 not in answers
        server.send_signal(signal.SIGTERM)
        while 2 not in answers:
            answers.update(numbered(receive(server)))
        assert not answers[2]["result"]["isError"], answers[2]
        assert len(answers[2]["result"]["structuredContent"]["cells"]) == 400
        assert server.wait(timeout=20) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the number of a parent that is gone")
def test_the_server_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    # The pipe to the server stays open in this process, so only the missing parent can tell the server to end.
    reader, writer = os.pipe()
    heard, spoken = os.pipe()
    code = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, 'server.py'], stdin={reader}, stdout={spoken})\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment(tmp_path),
        pass_fds=[reader, spoken],
    )  # fmt: skip
    try:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.write(writer, json.dumps({"jsonrpc": "2.0", "id": 1, **HELLO}).encode() + b"\n")
        assert select.select([heard], [], [], 60)[0]
        parent.kill()
        until(lambda: not alive(child))
    finally:
        parent.kill()
        parent.communicate()
        for end in (reader, writer, heard, spoken):
            os.close(end)


def alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process_id}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@contextmanager
def started(data: Path, model: Path) -> Iterator[subprocess.Popen[str]]:
    server = subprocess.Popen(
        [sys.executable, "-m", "dp_tools", "serve", "--model", str(model)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(data),
    )
    try:
        yield server
    finally:
        server.kill()
        server.wait()
        for stream in (server.stdin, server.stdout):
            assert stream is not None
            stream.close()


def send(server: subprocess.Popen[str], number: int, method: str, params: dict[str, Any]) -> None:
    _write(server.stdin, {"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def notify(server: subprocess.Popen[str], method: str) -> None:
    _write(server.stdin, {"jsonrpc": "2.0", "method": method})


def receive(server: subprocess.Popen[str]) -> Any:
    assert server.stdout is not None
    return json.loads(server.stdout.readline())


def numbered(message: Any) -> dict[int, Any]:
    """A response by its number; nothing for a notification."""
    return {message["id"]: message} if "id" in message else {}


def _write(stream: IO[str] | None, message: dict[str, Any]) -> None:
    assert stream is not None
    stream.write(json.dumps(message) + "\n")
    stream.flush()
