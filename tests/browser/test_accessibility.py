"""Nobody is kept out: axe-core finds nothing serious in any view, and no view is wider than a telephone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from register_arrivals import customers
from workbench_serving import Served, write_visits

pytest.importorskip("playwright", reason="playwright is not installed")
pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from dp_tools.rules.rule import Rule

if TYPE_CHECKING:
    from playwright.sync_api import Page


def require_open(page: Page, view: str) -> None:
    """Fail on what axe calls serious or critical, and on a page that scrolls sideways."""
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not serious, (view, [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in serious])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view


@pytest.mark.parametrize(("width", "colours"), [(360, "light"), (1600, "dark")])
def test_axe_finds_nothing_serious_in_any_view(served: Served, page: Page, width: int, colours: str) -> None:
    write_visits(served.folder)
    customers(served.context.preprocessor, served.context.jobs.store.folder)
    served.context.knowledge.propose(Rule(id="zip", statement="Zip codes have five digits.", source="agent"), who="a")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if colours == "dark" else "light")
    page.goto(served.address(table="visits.csv"))
    expect(page.get_by_role("rowheader", name="Distinct")).to_be_visible()
    require_open(page, "table")
    page.get_by_role("button", name="Clean", exact=True).click()
    expect(page.get_by_text("4 were repaired")).to_be_visible(timeout=60_000)
    require_open(page, "jobs")
    page.get_by_role("button", name="Show its cells in the table").click()
    expect(page.get_by_text("6 marked cells")).to_be_visible()
    page.get_by_label("Only rows with marked cells").check()
    expect(page.get_by_role("gridcell", name="Tmapa Tampa")).to_be_visible()
    require_open(page, "table of a job")
    page.goto(f"{served.base}/workbench/#view=rules&rule=zip")
    expect(page.get_by_role("button", name="Accept")).to_be_visible()
    require_open(page, "rules")
    page.get_by_role("button", name="Write a rule").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    require_open(page, "a rule's form")
    page.goto(f"{served.base}/workbench/#view=review")
    page.reload()
    expect(page.locator("#question")).to_be_visible()
    require_open(page, "review")
    page.get_by_role("button", name="Groups of duplicates").click()
    expect(page.get_by_role("heading", name="Are entity 1 and entity 2 the same?")).to_be_visible()
    require_open(page, "groups")
    page.get_by_role("button", name="Other cases").click()
    page.get_by_role("button", name="Why this proposal?").click()
    expect(page.get_by_role("heading", name="What it depends on")).to_be_visible(timeout=60_000)
    require_open(page, "why")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Open the address")).to_be_visible()
    require_open(page, "signed out")
