"""Many clients for a long time: `python tests/soak.py [--calls 2000] [--clients 16] [--json FILE]`.

A server process over HTTP is asked by clients of which some cancel and some are killed in the middle of a call. Every
call asks about a pair whose answer is known from before the load, and about a pair that nobody asked about before. Exit
code 1 if an answer was wrong, a call is left at the model, or memory grew by more than a tenth.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

ROOT = Path(__file__).parent.parent
KNOWN = [
    {"left": {"title": f"Sony DSC-W{n}"}, "right": {"name": f"Sony DSC W{n if n % 2 else n + 1} camera"}}
    for n in range(20)
]
CANCELLED, KILLED = 0.05, 0.05
CLOSE = 0.05
"""Probabilities may differ this much between two runs of the model."""


class Soak:
    """One run against one server."""

    def __init__(self, base: str, process: int, calls: int) -> None:
        self.base = base
        self.process = process
        self.left = calls
        self.calls = calls
        self.outcomes: Counter[str] = Counter()
        self.early: int | None = None
        self.known: list[Any] = []

    async def run(self, clients: int) -> dict[str, Any]:
        """Ask, and say what came of it."""
        async with self.client() as client:
            result = await client.call_tool("match_entities", {"pairs": KNOWN})
            assert result.structured_content is not None
            self.known = result.structured_content["pairs"]
        started = time.monotonic()
        async with anyio.create_task_group() as group:
            for number in range(clients):
                group.start_soon(self.ask, random.Random(number), number)
        seconds = time.monotonic() - started
        with anyio.move_on_after(30):
            while self.at_model():
                await anyio.sleep(0.1)
        before = time.monotonic()
        async with self.client() as client:
            await client.call_tool("match_entities", {"pairs": KNOWN[:1]})
        return {
            "calls": self.calls,
            "clients": clients,
            "outcomes": dict(self.outcomes),
            "seconds": round(seconds, 1),
            "left_at_model": self.at_model(),
            "last_call_seconds": round(time.monotonic() - before, 2),
            "memory_early_mb": self.early,
            "memory_end_mb": memory(self.process),
        }

    async def ask(self, chance: random.Random, number: int) -> None:
        """One client: it asks until there is nothing left to ask, and comes back after it was killed."""
        while self.left > 0:
            async with self.client() as client:
                while self.left > 0:
                    self.left -= 1
                    if self.left == self.calls - self.calls // 10:
                        self.early = memory(self.process)
                    draw = chance.random()
                    if draw < KILLED:
                        await self.kill(chance, number)
                        break
                    await self.call(client, chance, number, cancel=draw < KILLED + CANCELLED)

    async def call(self, client: Client, chance: random.Random, number: int, *, cancel: bool) -> None:
        """One call, which may be given up after a moment."""
        place = chance.randrange(len(KNOWN))
        arguments = {"pairs": [KNOWN[place], self.fresh(number)]}
        with anyio.move_on_after(chance.uniform(0.01, 0.3)) if cancel else anyio.CancelScope() as scope:
            result = await client.call_tool("match_entities", arguments, read_timeout_seconds=300)
            assert result.structured_content is not None or result.is_error
            found = result.structured_content
            right = found is not None and alike(found["pairs"][0], self.known[place])
            self.outcomes["right" if right else "refused" if result.is_error else "wrong"] += 1
        if scope.cancelled_caught:
            self.outcomes["cancelled"] += 1

    async def kill(self, chance: random.Random, number: int) -> None:
        """A call whose connection is cut in the middle, without a word."""
        host, port = self.base.removeprefix("http://").split(":")
        call = {"name": "match_entities", "arguments": {"pairs": [self.fresh(number)]}}
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "killed", "version": "1"}}
        session = await self.post({"method": "initialize", "params": hello, "id": 1})
        body = json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call})
        headers = {
            "Host": f"{host}:{port}",
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "Mcp-Session-Id": session,
            "Content-Length": str(len(body)),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        stream = await anyio.connect_tcp(host, int(port))
        await stream.send(f"POST /mcp HTTP/1.1\r\n{lines}\r\n{body}".encode())
        await anyio.sleep(chance.uniform(0.01, 0.3))
        # Closing with a reset, as a process that dies leaves its connections.
        raw = stream.extra_attributes[anyio.abc.SocketAttribute.raw_socket]()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        await stream.aclose()
        self.outcomes["killed"] += 1

    async def post(self, message: dict[str, Any]) -> str:
        async with httpx2.AsyncClient(timeout=60) as http:
            headers = {"Accept": "application/json, text/event-stream"}
            reply = await http.post(f"{self.base}/mcp", json={"jsonrpc": "2.0", **message}, headers=headers)
            return str(reply.headers["mcp-session-id"])

    def fresh(self, number: int) -> dict[str, Any]:
        """A pair that nobody asked about before."""
        return {"left": {"title": f"Item {number}-{self.left}"}, "right": {"name": f"Item {self.left}"}}

    def client(self) -> Client:
        return Client(streamable_http_client(f"{self.base}/mcp"))

    def at_model(self) -> int:
        """Calls that wait for the model or have it, as the server tells."""
        lines = httpx2.get(f"{self.base}/metrics").text.splitlines()
        return int(float(next(line.split()[1] for line in lines if line.startswith("dp_tools_calls_at_model "))))


def alike(one: Any, other: Any) -> bool:
    return bool(one["match"] == other["match"] or abs(one["confidence"] - 0.5) < CLOSE) and (
        abs(one["confidence"] - other["confidence"]) < CLOSE
    )


def memory(process: int) -> int:
    """Resident memory in MB (Linux)."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS"))


@contextmanager
def served() -> Iterator[tuple[str, int]]:
    """The URL and the process of a server with data of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "XDG_DATA_HOME": data, "XDG_STATE_HOME": data, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "dp_tools", "serve", "--http", address]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    httpx2.get(f"http://{address}/health")
                    break
                except httpx2.ConnectError:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(timeout=0.1)
            yield f"http://{address}", process.pid
        finally:
            process.terminate()
            process.wait(60)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with served() as (base, process):
        report = anyio.run(Soak(base, process, options.calls).run, options.clients)
    print(json.dumps(report, indent=2))
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    grew = report["memory_early_mb"] and report["memory_end_mb"] > 1.1 * report["memory_early_mb"]
    return int(bool(report["outcomes"].get("wrong") or report["left_at_model"] or grew))


if __name__ == "__main__":
    sys.exit(main())
