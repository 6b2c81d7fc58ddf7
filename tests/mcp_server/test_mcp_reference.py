"""The reference and the packaging say what the server is."""

from __future__ import annotations

import json
import tomllib

import jsonschema_rs
import pytest
from serving import ROOT

from dp_tools.cli.serve import serve

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_registry_entry_fits_the_package() -> None:
    entry = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
    assert len(entry["description"]) <= 100
    assert entry["version"] == PROJECT["version"]
    assert f"mcp-name: {entry['name']}" in (ROOT / "README.md").read_text(encoding="utf-8")
    (package,) = entry["packages"]
    assert (package["identifier"], package["version"]) == (PROJECT["name"], PROJECT["version"])
    serving, root = package["packageArguments"]
    assert serving["value"] == "serve"
    assert root["name"] in [option.opts[0] for option in serve.params]


def test_the_bundle_s_manifest_fits_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "bundle"))
    from make_mcpb import manifest

    found = manifest()
    assert found["manifest_version"] == "0.4"
    assert found["version"] == PROJECT["version"]
    assert found["server"]["type"] == "uv"
    assert {"detect_errors", "add_rule"} <= {tool["name"] for tool in found["tools"]}


def test_the_registry_entry_follows_its_schema() -> None:
    schema = {"type": "object", "required": ["$schema", "name", "description", "version", "packages"]}
    jsonschema_rs.validate(schema, json.loads((ROOT / "server.json").read_text(encoding="utf-8")))
