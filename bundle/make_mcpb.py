"""Builds dist/dp-tools.mcpb, the bundle that desktop hosts install with a click: `python bundle/make_mcpb.py`.

The host's uv makes the environment from pyproject.toml, so the bundle holds the sources and nothing compiled.
"""

from __future__ import annotations

import json
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from dp_tools.mcp_server.server import create_server

ROOT = Path(__file__).parent.parent
CONTENTS = ("pyproject.toml", "README.md", "LICENSE", "server.py", "dp_tools", "knowledge", "examples", "install")
"""What the host's uv builds the package from."""
_LLAMA_ONLY = "-DLLAVA_BUILD=OFF -DCMAKE_PROJECT_llama.cpp_INCLUDE=${__dirname}/install/llama_only.cmake"
_FIXED_TIME = (2026, 1, 1, 0, 0, 0)


def manifest() -> dict[str, Any]:
    """The bundle's manifest, from the project and from the server itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tools, prompts = anyio.run(_offered)
    return {
        "$schema": "https://raw.githubusercontent.com/anthropics/mcpb/main/schemas/mcpb-manifest-v0.4.schema.json",
        "manifest_version": "0.4",
        "name": project["name"],
        "display_name": "Data preprocessing tools",
        "version": project["version"],
        "description": project["description"],
        "author": {"name": project["authors"][0]["name"]},
        "license": project["license"],
        "keywords": project["keywords"],
        "server": {
            "type": "uv",
            "entry_point": "server.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "dp-tools", "serve", "--root", "${user_config.root}"],
                "env": {"CMAKE_ARGS": _LLAMA_ONLY},
            },
        },
        "user_config": {
            "root": {
                "type": "directory",
                "title": "Folder for tables",
                "description": "Tables are read from this folder and results are written to it, and nowhere else.",
                "required": True,
                "default": "${HOME}/Documents",
            }
        },
        "tools": tools,
        "prompts": prompts,
        "compatibility": {
            "platforms": ["darwin", "linux", "win32"],
            "runtimes": {"python": project["requires-python"]},
        },
    }


def build(target: Path) -> Path:
    """Write the bundle; the same sources give the same bytes."""
    files = {"manifest.json": json.dumps(manifest(), indent=2).encode()}
    for name in CONTENTS:
        found = ROOT / name
        for path in sorted(found.rglob("*")) if found.is_dir() else [found]:
            if path.is_file() and "__pycache__" not in path.parts:
                files[path.relative_to(ROOT).as_posix()] = path.read_bytes()
    target.parent.mkdir(exist_ok=True)
    beside = target.with_suffix(".part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            bundle.writestr(zipfile.ZipInfo(name, _FIXED_TIME), content, zipfile.ZIP_DEFLATED)
    return beside.replace(target)


async def _offered() -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    async with Client(create_server()) as client:
        tools = [{"name": t.name, "description": t.description or ""} for t in (await client.list_tools()).tools]
        prompts = [
            {
                "name": prompt.name,
                "description": prompt.description or "",
                "arguments": [argument.name for argument in prompt.arguments or []],
                "text": prompt.description or "",
            }
            for prompt in (await client.list_prompts()).prompts
        ]
    return tools, prompts


if __name__ == "__main__":
    print(build(ROOT / "dist" / "dp-tools.mcpb"))
