"""A person's whole way through the workbench, and what a person does while jobs run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engines import Held
from visits_table import VISITS
from workbench_serving import Served, workbench_server

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import expect

from dp_tools.engine.questions import Engine
from dp_tools.tables.entities.register import Register, register_path

if TYPE_CHECKING:
    from playwright.sync_api import Page

ASTRAY = [("Tampa", "83702"), ("Boise", "33602"), ("Salem", "83702"), ("Tampa", "97301"), ("Boise", "97301")]


def write_astray(folder: Path) -> str:
    """Write visits of which twelve have a zip code of another town; returns the text."""
    astray = [{"town": town, "zip": code, "visits": "55"} for town, code in [*ASTRAY, *ASTRAY, *ASTRAY[:2]]]
    rows = [*VISITS, *VISITS, *astray]
    rows[10] = {**rows[10], "town": "Tmapa"}
    text = "".join(f"{','.join(values)}\n" for values in (rows[0], *(row.values() for row in rows)))
    (folder / "visits.csv").write_text(text, encoding="utf-8")
    return text


def test_a_person_opens_a_file_cleans_it_answers_writes_a_rule_runs_again_downloads_and_undoes(
    served: Served, page: Page
) -> None:
    original = write_astray(served.folder)
    page.goto(served.address())
    page.get_by_role("button", name="visits.csv").click()
    expect(page.get_by_role("rowheader", name="Distinct")).to_be_visible()
    expect(page.get_by_text("252 rows, 3 columns")).to_be_visible()
    page.get_by_role("button", name="Clean", exact=True).click()
    expect(page.get_by_text("1 were repaired")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Review its cases").click()
    expect(page.get_by_text("0 cases answered here, 18 open.")).to_be_visible()
    for answered in range(10):
        expect(page.get_by_text(f"{answered} case{'' if answered == 1 else 's'} answered here")).to_be_visible()
        page.keyboard.press("y")
    expect(page.get_by_text("10 cases answered here, 8 open.")).to_be_visible()
    page.get_by_role("button", name="Write a rule for such cases").click()
    page.get_by_label("What holds, in one sentence").fill("Zip codes have five digits.")
    page.get_by_label("Check as JSON Schema").fill('{"type": "string", "pattern": "^[0-9]{5}$"}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The rule is kept and acts from now on.")).to_be_visible()
    page.get_by_role("link", name="Table").click()
    page.get_by_role("button", name="visits.csv").click()
    page.get_by_role("button", name="Clean", exact=True).click()
    expect(page.get_by_text("Labelled case: A person has decided cases like this one.").first).to_be_visible(
        timeout=60_000
    )
    (rule,) = served.context.knowledge.search("five digits", limit=1)
    assert (rule.task, rule.status, rule.check is not None) == ("detect_errors", "active", True)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download visits.clean.csv").click()
    cleaned = served.folder / "visits.clean.csv"
    assert Path(downloading.value.path()).read_bytes() == cleaned.read_bytes() != original.encode()
    page.get_by_role("button", name="Show its cells in the table").click()
    page.get_by_role("button", name="Undo all").click()
    page.get_by_role("button", name="Undo it").click()
    expect(page.get_by_text("0 changes left")).to_be_visible()
    assert cleaned.read_text() == original


CONTACTS = """\
name,email,phone,town
Ann Miller,ann.miller@acme.example,+49 30 5550101,Berlin
Ann Miller,ann.miller@acme.example,030 5550101,Berlin
Bob Fox,bob.fox@fox.example,+49 89 5550303,Munich
"""


def test_duplicates_are_brought_into_a_register_where_a_person_splits_them(served: Served, page: Page) -> None:
    (served.folder / "My contacts.csv").write_text(CONTACTS)
    page.goto(served.address(table="My contacts.csv"))
    page.get_by_role("button", name="Find duplicates").click()
    expect(page.get_by_label("Register of its entities")).to_have_value("my-contacts")
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_role("button", name="Review its groups").click()
    expect(page.get_by_role("heading", name="Entity 1", exact=True)).to_be_visible()
    page.keyboard.press("2")
    page.keyboard.press("x")
    expect(page.get_by_text("1 record of entity 1 is now entity 3.")).to_be_visible()
    register = Register(register_path("my-contacts", served.context.jobs.store.folder), served.context.knowledge)
    assert [step.who for step in register.history()][1:] == ["person at the workbench"]
    assert register.sizes([1, 2, 3]) == {1: 1, 2: 1, 3: 1}


@pytest.fixture
def waiting(engine: Engine, tmp_path: Path) -> Iterator[tuple[Served, Held]]:
    """A server whose model answers nothing long until it is let go."""
    held = Held(engine)
    with workbench_server(held, tmp_path) as started:
        yield started, held


def test_a_job_is_cancelled_and_resumed_where_it_stopped(waiting: tuple[Served, Held], page: Page) -> None:
    served, held = waiting
    lines = [f"Beer {n},{n % 7}.0\n" for n in range(20)]
    (served.folder / "beers.csv").write_text("beer,ounces\n" + "".join(lines) + "Stout,12 oz\n")
    page.goto(served.address(table="beers.csv"))
    page.get_by_role("button", name="Only find wrong cells").click()
    expect(page.get_by_role("progressbar", name="of asking")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Find wrong cells cancelled")).to_be_visible()
    assert held.stopped.is_set()
    held.go.set()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name="Find wrong cells done")).to_be_visible()
    expect(page.get_by_role("list", name="Jobs").get_by_role("listitem")).to_have_count(1)


def test_the_grid_scrolls_over_all_rows_and_draws_only_those_on_the_screen(served: Served, page: Page) -> None:
    lines = [f"{n},town {n % 7}\n" for n in range(1, 20_001)]
    (served.folder / "long.csv").write_text("number,town\n" + "".join(lines))
    page.goto(served.address(table="long.csv"))
    expect(page.get_by_role("rowheader", name="Distinct")).to_be_visible()
    grid = page.get_by_role("grid", name="Rows of long.csv")
    first = grid.get_by_role("gridcell", name="1", exact=True)
    first.click()
    expect(page.get_by_role("heading", name="number, row 1")).to_be_visible()
    page.keyboard.press("Control+End")
    expect(grid.get_by_role("gridcell", name="20000", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="town, row 20,000")).to_be_visible()
    page.keyboard.press("Control+Home")
    expect(first).to_be_focused()
    grid.hover()
    page.mouse.wheel(0, 28 * 1000)
    expect(grid.get_by_role("gridcell", name="1001", exact=True)).to_be_visible()
    page.locator(".grid-scroll").evaluate("(bar) => { bar.scrollTop = bar.scrollHeight / 2; }")
    expect(grid.get_by_role("gridcell", name="10010", exact=True)).to_be_visible()
    assert grid.get_by_role("row").count() < 40
    expect(grid).to_have_attribute("aria-rowcount", "20001")
