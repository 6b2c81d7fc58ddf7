"""A person at the workbench: every view does its job on a real server, by mouse and by keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from waiting import until
from workbench_serving import Served, write_visits

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import expect

from dp_tools.tables.jobs.reviews import next_reviews

if TYPE_CHECKING:
    from playwright.sync_api import Page


def queue(served: Served, count: int = 12, **changed: object) -> None:
    """Put cases before a person."""
    store = served.context.jobs.store
    if not store.knows("clean-1"):
        request = {"kind": "clean", "source": {"path": str(served.folder / "visits.csv")}}
        store.add("clean-1", "clean", json.dumps(request))
        store.update("clean-1", status="done")
    cases = [
        {
            "task": "detect_errors",
            "dataset": "visits",
            "attribute": "town",
            "question": f'Row {n + 1}: is town "Tmapa" wrong? It may be "Tampa": it differs in two letters.',
            "subject": json.dumps(
                {"record": {"town": "Tmapa", "zip": f"9{n:04}"}, "attribute": "town", "value": "Tmapa"}
            ),
            "proposal": "Tampa",
            "confidence": 0.5 + n / 100,
            "row": n + 1,
            **changed,
        }
        for n in range(count)
    ]
    store.add_reviews("clean-1", cases)


def test_the_address_signs_in_once_and_the_page_stays_signed_in(served: Served, page: Page) -> None:
    address = served.address()
    page.goto(address)
    expect(page.get_by_role("navigation")).to_be_visible()
    assert "ticket" not in page.url
    page.reload()
    expect(page.get_by_role("navigation")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto(address)
    page.reload()
    expect(page.get_by_text("Open the address that dp-tools printed")).to_be_visible()


def test_ten_cases_are_answered_by_keyboard_least_certain_first(served: Served, page: Page) -> None:
    queue(served)
    page.goto(served.address(view="review"))
    expect(page.get_by_text("Row 1: is town")).to_be_visible()
    for row in range(1, 10):
        expect(page.locator("#question")).to_contain_text(f"Row {row}:")
        page.keyboard.press("y")
    page.keyboard.press("n")
    expect(page.get_by_text("10 cases answered here, 2 open.")).to_be_visible()
    page.keyboard.press("b")
    expect(page.get_by_text("You answered: no")).to_be_visible()
    page.keyboard.press("y")
    page.keyboard.press("s")
    expect(page.locator("#question")).to_contain_text("Row 12:")
    until(lambda: [label for label in labels(served) if label == "yes"] == ["yes"] * 10)
    assert next_reviews(served.context.jobs.store)[1] == 2


def test_a_table_is_profiled_cleaned_and_its_changes_are_seen_downloaded_and_undone(served: Served, page: Page) -> None:
    original = write_visits(served.folder)
    page.goto(served.address(table=str(served.folder / "visits.csv")))
    expect(page.get_by_role("heading", name="visits.csv")).to_be_visible()
    expect(page.get_by_text("121 rows, 3 columns")).to_be_visible()
    page.get_by_role("list", name="Columns").get_by_role("button", name="visits").click()
    expect(page.get_by_role("img", name="bins from")).to_be_visible()
    page.get_by_role("button", name="Clean", exact=True).click()
    expect(page.get_by_role("heading", name="Clean done")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("4 were repaired")).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download visits.clean.csv").click()
    cleaned = served.folder / "visits.clean.csv"
    assert Path(downloading.value.path()).read_bytes() == cleaned.read_bytes() != original.encode()
    page.get_by_role("button", name="Show its cells in the table").click()
    expect(page.get_by_text("6 marked cells")).to_be_visible()
    page.get_by_label("Only rows with marked cells").check()
    grid = page.get_by_role("grid")
    expect(grid.get_by_role("row")).to_have_count(6)
    grid.get_by_role("gridcell", name="Tmapa Tampa").click()
    expect(page.get_by_text("38 of 38 other records")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Undo this change").click()
    expect(page.get_by_text("3 changes left")).to_be_visible()
    assert "Tmapa" in cleaned.read_text()
    page.get_by_role("combobox", name="Column").select_option("town")
    page.get_by_role("button", name="Undo 1 change of town").click()
    expect(page.get_by_text("2 changes left")).to_be_visible()
    page.get_by_role("button", name="Undo all 2 changes").click()
    expect(page.get_by_text("0 changes left")).to_be_visible()
    assert cleaned.read_text() == original


def labels(served: Served) -> list[str]:
    """The answers that were kept as examples."""
    found = served.context.knowledge.search("person decided cases", limit=10)
    return [example.label for rule in found if rule.source == "person" for example in rule.examples]
