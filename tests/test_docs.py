"""The documentation: every snippet runs, every link leads somewhere, every reference page is what the code says."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from dp_tools.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").glob("*.md"))]
PAGES += sorted((ROOT / "lab").rglob("*.md"))
RUNNABLE = [
    ROOT / "README.md",
    *(ROOT / "docs" / name for name in ("tutorial/clean-a-table.md", "explanation/explanations.md")),
]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_ROWS = 24


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lent_engine: object) -> Path:  # noqa: ARG001
    """A folder with the example tables, cut short, as the current one, and a knowledge store of its own."""
    for table in (ROOT / "examples").glob("*.csv"):
        lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
        (tmp_path / table.name).write_text("".join(lines[:_ROWS]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dp_tools.rules.store.knowledge_file.default_path", lambda: tmp_path / "own.db")
    return tmp_path


def snippets(page: Path, language: str) -> list[str]:
    return [text for found, text in _FENCE.findall(page.read_text(encoding="utf-8")) if found == language]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_every_python_snippet_runs_in_the_order_of_the_page(page, workplace, capsys):  # noqa: ARG001
    found = snippets(page, "python")
    assert found
    exec(compile("\n".join(found), str(page), "exec"), {"__name__": "snippets"})
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_every_command_on_a_page_runs(page, workplace):  # noqa: ARG001
    lines = [line for text in snippets(page, "console") for line in text.splitlines() if line.startswith("$ ")]
    assert lines
    for line in lines:
        program, *arguments = shlex.split(line.removeprefix("$ "))
        assert program == "dp-tools"
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, f"{line}\n{result.output}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_command_reference_is_what_the_code_says():
    made = runpy.run_path(str(ROOT / "docs" / "make_commands.py"))
    assert (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8") == made["reference"](), (
        "run python docs/make_commands.py"
    )


def test_the_examples_have_the_errors_that_their_page_names(workplace):  # noqa: ARG001
    import csv

    def read(name: str) -> list[dict[str, str]]:
        with (ROOT / "examples" / name).open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    dirty, clean = read("orders_dirty.csv"), read("orders_clean.csv")
    assert len(dirty) == len(clean) == 200
    wrong = sum(bad[name] != good[name] for bad, good in zip(dirty, clean, strict=True) for name in good)
    assert f"with {wrong} wrong cells" in (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    left, right = read("catalogue_a.csv"), read("catalogue_b.csv")
    matches = read("catalogue_matches.csv")
    assert {match["left_id"] for match in matches} <= {record["id"] for record in left}
    assert {match["right_id"] for match in matches} <= {record["sku"] for record in right}
    assert (len(left), len(right), len(matches)) == (41, 41, 32)
