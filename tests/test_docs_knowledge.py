"""docs/how-to/write-rules.md: its commands print what it says, its Python runs, its pack is a pack."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from dp_tools.cli import main
from dp_tools.rules.packs.packs import parse_pack

TEXT = (Path(__file__).parent.parent / "docs" / "how-to" / "write-rules.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_the_commands_print_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = str(tmp_path / "knowledge.db")
    monkeypatch.chdir(tmp_path)
    ran = 0
    for block in blocks("console"):
        for part in block.split("$ dp-tools ")[1:]:
            command, _, expected = part.partition("\n")
            result = CliRunner().invoke(main, [*shlex.split(command), "--knowledge", store])
            assert result.exit_code == 0, result.output
            if expected.endswith("…\n"):
                assert result.stdout.startswith(expected.removesuffix("…\n"))
            else:
                assert result.stdout == expected
            ran += 1
    assert ran == 6


def test_the_python_runs() -> None:
    (block,) = blocks("python")
    exec(compile(block, "docs/how-to/write-rules.md", "exec"), {})


def test_the_pack_is_a_pack() -> None:
    (block,) = blocks("yaml")
    assert [rule.dataset for rule in parse_pack(block).rules] == ["Shops"]


def test_every_shipped_pack_is_named() -> None:
    folder = Path(__file__).parent.parent / "knowledge"
    for file in folder.glob("*.yaml"):
        assert f"`{file.stem}`" in TEXT


def test_every_keyword_and_command_is_explained() -> None:
    source = (Path(__file__).parent.parent / "dp_tools" / "rules" / "checks.py").read_text("utf-8")
    for keyword in set(re.findall(r"`(x-[a-z]+)`", source)):
        assert f"`{keyword}`" in TEXT
