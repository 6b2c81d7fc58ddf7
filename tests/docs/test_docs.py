"""The documentation: every block runs and prints what it shows, links lead somewhere, reference pages are current."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from pathlib import Path

import pytest
from snippets import BLOCKS, COMMANDS, PAGES, PROGRAMS, ROOT, blocks, commands, name, run_page, same

from dp_tools.rules.packs.packs import parse_pack

REFERENCE = ROOT / "docs" / "reference"
TUTORIALS = ROOT / "docs" / "tutorial"
LINKED = [*PAGES, *sorted((ROOT / "lab").rglob("*.md"))]
RUNNABLE = [
    page
    for page in PAGES
    if TUTORIALS not in page.parents and {"python", "console"} & {language for language, _ in blocks(page)}
]


_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)")


@pytest.mark.parametrize("page", RUNNABLE, ids=name)
def test_every_block_of_a_page_runs_and_prints_what_is_shown(page, snippet_folder, lent_engine):  # noqa: ARG001
    run_page(page)


def test_what_does_not_run_is_on_a_page_and_has_a_reason():
    found = [
        command
        for page in PAGES
        for language, text in blocks(page)
        if language == "console"
        for command in commands(text)
    ]
    assert {command.words[0] for command in found} - {"dp-tools"} == set(PROGRAMS)
    lines = [" ".join(command.words[1:]) + " " for command in found if command.words[0] == "dp-tools"]
    assert all(any(line.startswith(f"{start} ") for line in lines) for start in COMMANDS)
    assert set(BLOCKS) <= {name(page) for page in PAGES}


@pytest.mark.parametrize(
    ("shown", "output", "holds"),
    [
        ("36 of 600 cells …", "35 of 600 cells are wrong", True),
        ("36 of 600 cells", "46 of 600 cells", False),
        ('formats "99.99.9999" 7', 'formats "99.99.9999" 7 ', True),
        ("two cells", "three cells", False),
        ("", "anything", True),
    ],
)
def test_shown_output_is_compared_but_for_ellipses_and_rounding(shown, output, holds):
    assert same(shown, output) is holds


def test_blocks_are_in_languages_that_are_tested_or_shown_only():
    languages = {language for page in PAGES for language, _ in blocks(page)}
    assert languages <= {"python", "console", "json", "yaml", "toml", "text"}


def test_every_json_toml_and_yaml_block_is_valid():
    for page in PAGES:
        for language, text in blocks(page):
            if language == "json":
                json.loads(text)
            elif language == "toml":
                tomllib.loads(text)
            elif language == "yaml":
                assert parse_pack(text).rules


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page):
    for target, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        found = page.parent / target if target else page
        assert found.exists(), target
        assert not anchor or anchor in _anchors(found), f"{target}#{anchor}"


def test_every_page_is_on_the_map():
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target, _ in _LINK.findall(index.read_text(encoding="utf-8"))}
    assert {page for page in PAGES if ROOT / "docs" in page.parents} - {index} <= linked


@pytest.mark.parametrize("what", ["commands", "tools", "answers"])
def test_the_generated_pages_are_what_the_code_says(what, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    module = __import__(f"make_{what}")
    assert module.PAGE.read_text(encoding="utf-8") == module.reference(), f"run python docs/make_{what}.py"


def test_every_environment_variable_is_documented():
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "dp_tools").rglob("*.py"))
    page = (REFERENCE / "environment.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\"(DP_TOOLS_[A-Z_]+)\"", code)) == set(re.findall(r"`(DP_TOOLS_[A-Z_]+)`", page))


def test_every_shipped_pack_and_check_keyword_is_documented():
    page = (REFERENCE / "rules.md").read_text(encoding="utf-8")
    checks = (ROOT / "dp_tools" / "rules" / "checks.py").read_text(encoding="utf-8")
    for word in {path.stem for path in (ROOT / "knowledge").glob("*.yaml")} | set(re.findall(r"`(x-[a-z]+)`", checks)):
        assert f"`{word}`" in page


def test_the_table_of_rooms_is_what_the_folders_and_the_import_contract_say():
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE)
    named = [room.strip("/`") for row in rows for room in row.split(", ")]
    package = ROOT / "dp_tools"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    rooms |= {path.name for path in package.glob("*.py") if not path.name.startswith("__")}
    assert set(named) == rooms
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ][0]
    layers = [re.split(r" [|:] ", layer) for layer in contract["layers"]]
    depth = {room.removeprefix("dp_tools."): level for level, layer in enumerate(layers) for room in layer}
    levels = [depth[room.removesuffix(".py")] for room in named if room.removesuffix(".py") in depth]
    assert levels == sorted(levels)


def test_the_examples_have_the_errors_that_their_page_names():
    def read(table: str) -> list[dict[str, str]]:
        with (ROOT / "examples" / table).open(encoding="utf-8") as file:
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


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
