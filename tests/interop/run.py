"""The clients people use, each in an environment of its own, against one server: same tools, same answers.

Usage: python tests/interop/run.py [FOLDER] [CLIENT ...], where FOLDER keeps the environments (default: build/interop).
Each client lists the tools and calls detect_errors, match_entities and add_rule, over stdio and over HTTP.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"
PYTHON = {
    "fastmcp_client": "fastmcp>=4.1",
    "pydantic_ai_client": "pydantic-ai-slim[mcp]>=2.60",
    "openai_agents_client": "openai-agents>=0.24",
    "llama_index_client": "llama-index-tools-mcp>=0.6",
    "langchain_mcp_client": "langchain[mcp]>=1.4.7",
    "langchain_adapters_client": "langchain-mcp-adapters>=0.3.2",
}
NODE = {"sdk_v1": "@modelcontextprotocol/sdk@1", "sdk_v2": "@modelcontextprotocol/client@2"}
CLOSE = 0.02
"""Probabilities may differ this much between two runs of the model."""


def main(folder: Path, wanted: list[str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    # A home of its own: most clients hand a server over stdio no other variable that says where its files are, and
    # only one cache for all means one weight format for all.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "DP_TOOLS_"))}
    environment |= {"PYTHONPATH": str(ROOT), "HOME": str(folder / "home")}
    server = [sys.executable, str(ROOT / "server.py")]
    expected = answers_of([sys.executable, str(CLIENTS / "sdk.py")], server, environment)
    failed = []
    with over_http(environment) as url:
        for name in wanted or ["sdk", *PYTHON, *NODE]:
            command = [sys.executable, str(CLIENTS / "sdk.py")] if name == "sdk" else client(name, folder)
            for way, target in (("stdio", server), ("http", [url])):
                started = time.monotonic()
                try:
                    same = alike(expected, answers_of(command, target, environment))
                except subprocess.SubprocessError as error:
                    print(getattr(error, "stderr", error))
                    same = False
                print(f"{'ok  ' if same else 'FAIL'} {name} over {way}, {time.monotonic() - started:.1f} s", flush=True)
                failed += [] if same else [f"{name} over {way}"]
    return len(failed)


def client(name: str, folder: Path) -> list[str]:
    """The command of a client, installed where it is not yet."""
    home = folder / name
    if name in PYTHON:
        python = home / "bin" / "python"
        if not (home / "ready").exists():
            venv.create(home, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", PYTHON[name]], check=True)
            (home / "ready").touch()
        return [str(python), str(CLIENTS / f"{name}.py")]
    if not (home / "ready").exists():
        home.mkdir(exist_ok=True)
        quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
        subprocess.run(["npm", "install", "--prefix", home, *quiet, NODE[name], "node@22"], check=True)
        (home / "ready").touch()
    # Node looks for packages beside the script.
    script = home / f"{name}.mjs"
    script.write_text((CLIENTS / f"{name}.mjs").read_text(encoding="utf-8"), encoding="utf-8")
    return [str(home / "node_modules" / "node" / "bin" / "node"), str(script), str(CLIENTS / "task.json")]


def answers_of(command: list[str], target: list[str], environment: dict[str, str]) -> Any:
    """What a client prints. Its own environment must not see this project's packages, the server must."""
    if command[0] != sys.executable:
        # The server that such a client starts over stdio finds the project by itself: server.py lies in it.
        environment = {**environment}
        environment.pop("PYTHONPATH")
    done = subprocess.run(
        [*command, *target], env=environment, cwd=ROOT, check=True, capture_output=True, text=True, timeout=300
    )
    return json.loads(done.stdout.splitlines()[-1])


def alike(one: Any, other: Any) -> bool:
    """Whether two answers say the same. A proposal gets a free id and is dated by its version."""
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= CLOSE
    if isinstance(one, dict) and isinstance(other, dict):
        names = [name for name in one if name not in ("id", "next")]
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in names)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


@contextmanager
def over_http(environment: dict[str, str]) -> Iterator[str]:
    """A server over HTTP on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "dp_tools", "serve", "--http", f"127.0.0.1:{port}"],
        env=environment,
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health")
                break
            except OSError:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(timeout=60)


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "interop"
    sys.exit(main(place.resolve(), sys.argv[2:]))
