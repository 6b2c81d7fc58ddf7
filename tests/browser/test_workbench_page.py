"""A person at the workbench: every view does its job on a real server, by mouse and by keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from register_arrivals import arrive, customers
from waiting import until
from workbench_serving import Served, workbench_server, write_visits

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import expect

from dp_tools.engine.questions import Engine
from dp_tools.mcp_server.auth import ListedTokens
from dp_tools.mcp_server.http import Tokens
from dp_tools.rules.packs.packs import parse_pack
from dp_tools.rules.rule import Rule
from dp_tools.tables.entities.register import Register, register_path
from dp_tools.tables.jobs.reviews import next_reviews

if TYPE_CHECKING:
    from playwright.sync_api import Page


PACK = """\
pack: cellar
version: {}
title: The cellar
rules:
  - id: ounces
    statement: {}
    dataset: cellar
    attribute: ounces
"""


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
            "confidence": 0.5 + min(n, 49) / 100,
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
    page.get_by_role("button", name="Undo this change").click()
    page.get_by_role("button", name="Undo it").click()
    expect(page.get_by_text("3 changes left")).to_be_visible()
    assert "Tmapa" in cleaned.read_text()
    page.get_by_role("combobox", name="Column").select_option("town")
    page.get_by_role("button", name="Undo 1 change of town").click()
    page.get_by_role("button", name="Undo it").click()
    expect(page.get_by_text("2 changes left")).to_be_visible()
    page.get_by_role("button", name="Undo all 2 changes").click()
    page.get_by_role("button", name="Undo it").click()
    expect(page.get_by_text("0 changes left")).to_be_visible()
    assert cleaned.read_text() == original


def labels(served: Served) -> list[str]:
    """The answers that were kept as examples."""
    found = served.context.knowledge.search("person decided cases", limit=10)
    return [example.label for rule in found if rule.source == "person" for example in rule.examples]


def test_a_rule_is_written_with_its_check_looked_at_found_and_its_history_shown(served: Served, page: Page) -> None:
    page.goto(served.address(view="rules"))
    page.get_by_role("button", name="Write a rule").click()
    page.get_by_label("What holds, in one sentence").fill("Ounces are <b>numbers</b>.")
    page.get_by_label("Dataset", exact=True).last.fill("cellar")
    page.get_by_label("Check as JSON Schema").fill('{"typ": "number"}')
    expect(page.get_by_text('JSON Schema has no keyword "typ"')).to_be_visible()
    page.get_by_label("Check as JSON Schema").fill('{"type": "number"}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Ounces are <b>numbers</b>.")).to_be_visible()
    (rule,) = served.context.knowledge.search("Ounces numbers", limit=1)
    assert (rule.dataset, rule.status, rule.check) == ("cellar", "active", {"type": "number"})
    page.get_by_role("button", name="Change", exact=True).click()
    page.get_by_label("What holds, in one sentence").fill("Ounces are plain numbers.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Ounces are plain numbers.")).to_be_visible()
    expect(page.get_by_text("statement: ")).to_be_visible()


def test_a_proposal_is_tried_on_labelled_cases_and_accepted(served: Served, page: Page) -> None:
    (served.folder / "cases.csv").write_text("beer,ounces,attribute,label\nStout,12 oz,ounces,1\nAle,12,ounces,0\n")
    rule = Rule(
        id="ounces", statement="Ounces are a number.", attribute="ounces", check={"type": "number"}, decides="both"
    )
    served.context.knowledge.propose(rule.model_copy(update={"source": "agent"}), who="an agent")
    page.goto(served.address(view="rules", status="proposed"))
    page.get_by_role("button", name="Ounces are a number.").click()
    page.get_by_role("button", name="Try it on labelled cases").click()
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.get_by_text("2 cases: f1")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Accepted: the rule acts from now on.")).to_be_visible()
    assert served.context.knowledge.get("ounces").status == "active"


def test_a_pack_is_compared_with_the_store_before_it_is_installed(served: Served, page: Page) -> None:
    store = served.context.knowledge
    store.install(parse_pack(PACK.format(1, "Ounces are a number.")), who="ann")
    store.change("ounces", who="ann", statement="Ounces are <b>mine</b>.")
    new = "\n  - id: style\n    statement: A style is a name.\n    dataset: cellar\n    attribute: style\n"
    (served.folder / "cellar.yaml").write_text(PACK.format(2, "Ounces are whole.") + new)
    (served.folder / "broken.yaml").write_text("no pack")
    page.goto(served.address(view="rules"))
    page.get_by_role("button", name="Packs").click()
    page.get_by_label("Before installing").select_option("broken.yaml")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("is not a pack")).to_be_visible()
    page.get_by_label("Before installing").select_option("cellar.yaml")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("Version 1 is installed. Installing it collides with 1 rule, adds 1 rule.")).to_be_visible()
    expect(page.get_by_text("You and pack cellar 2 both changed it. Yours stays as it is.")).to_be_visible()
    expect(page.get_by_text("statement: Ounces are <b>mine</b>. → Ounces are whole.")).to_be_visible()
    assert store.get("ounces").statement == "Ounces are <b>mine</b>."


def test_an_answer_is_explained_from_its_case(served: Served, page: Page) -> None:
    queue(served, 1)
    page.goto(served.address(view="review"))
    page.get_by_role("button", name="Why this proposal?").click()
    expect(page.get_by_role("heading", name="Answer:")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="What it depends on")).to_be_visible()
    expect(page.get_by_role("img", name="without it").first).to_be_visible()


def test_the_records_of_a_pair_are_side_by_side_with_what_differs_marked(served: Served, page: Page) -> None:
    left, right = {"beer": "Pale Ale", "ounces": "12.0"}, {"beer": "Pale Ales", "ounces": "12.0", "style": "ale"}
    pair = {
        "task": "match_entities",
        "attribute": None,
        "row": None,
        "subject": json.dumps({"left": left, "right": right}),
    }
    queue(served, 1, **pair, question="Are row 1 and row 2 the same?", proposal="yes")
    page.goto(served.address(view="review"))
    row = page.get_by_role("row", name="beer differs")
    expect(row.get_by_role("cell")).to_have_text(["Pale Ale", "Pale Ales"])
    expect(row.locator("mark")).to_have_text(["s"])
    expect(page.get_by_role("row", name="style differs")).to_be_visible()
    expect(page.get_by_role("row", name="ounces 12.0 12.0", exact=True)).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_text("No case waits for a person.")).to_be_visible()
    until(lambda: labels(served) == ["no"])


def sizes(register: Register) -> dict[int, int]:
    return {one.entity: len(one.records) for one in register.entities()}


def test_groups_of_duplicates_are_merged_split_and_undone_by_keyboard(served: Served, page: Page) -> None:
    register = customers(served.context.preprocessor, served.context.jobs.store.folder)
    assert sizes(register) == {1: 1, 2: 2, 3: 3}
    page.goto(served.address(view="review"))
    page.get_by_role("button", name="Groups of duplicates").click()
    expect(page.get_by_role("heading", name="Are entity 1 and entity 2 the same?")).to_be_visible()
    expect(page.get_by_role("row", name="town differs ≠ Berlin Bonn Bonn")).to_be_visible()
    page.keyboard.press("y")
    expect(page.get_by_text("Entities 1 and 2 are one: 1.")).to_be_visible()
    page.get_by_role("list", name="Questions").get_by_role("button", name="Entity 3, 3 records").click()
    expect(page.get_by_role("heading", name="Entity 3")).to_be_visible()
    expect(page.get_by_role("cell", name="Rob <i>Fox").locator("mark").first).to_be_visible()
    page.keyboard.press("3")
    page.keyboard.press("x")
    expect(page.get_by_text("1 record of entity 3 is now entity 4.")).to_be_visible()
    assert sizes(register) == {1: 3, 3: 2, 4: 1}
    page.keyboard.press("u")
    page.get_by_role("button", name="Undo it").click()
    expect(page.get_by_text("is undone; 1 record moved back")).to_be_visible()
    assert sizes(register) == {1: 3, 3: 3}
    page.keyboard.press("m")
    page.get_by_label("Or by its number").fill("1")
    page.get_by_role("button", name="Show both").click()
    expect(page.get_by_role("heading", name="Are entity 1 and entity 3 the same?")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_text("Entities 1 and 3 are kept apart.")).to_be_visible()
    assert [step.what for step in register.history()] == ["file", "file", "merged", "split", "undone", "kept apart"]


def test_an_entity_whose_record_changed_may_be_several_things_until_a_person_says_that_it_is_one(
    served: Served, page: Page
) -> None:
    path = register_path("people", served.context.jobs.store.folder)
    pre = served.context.preprocessor
    arrive(pre, path, "ab", {frozenset("ab"): 0.9}, "january")
    arrive(pre, path, "b", {frozenset("ab"): 0.1}, "february", word="other")
    register = Register(path, pre.knowledge)
    page.goto(served.address(view="review", register="people"))
    expect(page.get_by_role("heading", name="Is entity 1 one thing?")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_role("checkbox").first).to_be_focused()
    page.keyboard.press("y")
    expect(page.get_by_text("Entity 1 is one.")).to_be_visible()
    expect(page.get_by_text("0 questions wait for a person.")).to_be_visible()
    assert (register.waiting(), register.size(1)) == ([], 2)


def test_alike_cases_are_answered_together_after_a_look_at_each(served: Served, page: Page) -> None:
    queue(served, 12)
    page.goto(served.address(view="review"))
    page.get_by_role("button", name="Answer alike cases together").click()
    page.get_by_role("button", name="Wrong cell? town").click()
    page.get_by_label("At least % sure").fill("56")
    page.get_by_role("button", name="Answer 6 cases").click()
    expect(page.get_by_text("6 cases of 6 answered.")).to_be_visible()
    assert labels(served) == ["yes"] * 6
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_text("6 open")).to_be_visible()


def test_hundreds_of_cases_are_answered_together_in_few_steps_of_the_history(served: Served, page: Page) -> None:
    queue(served, 620)
    page.goto(served.address(view="review"))
    page.get_by_role("button", name="Answer alike cases together").click()
    page.get_by_role("button", name="Wrong cell? town").click()
    page.get_by_role("button", name="Show 120 more").click()
    page.get_by_role("button", name="Answer 620 cases").click()
    expect(page.get_by_text("620 cases of 620 answered.")).to_be_visible()
    assert labels(served) == ["yes"] * 620
    (rule,) = served.context.knowledge.search("person decided cases", limit=10)
    assert len(served.context.knowledge.history(rule.id)) == 4


def test_nothing_that_a_table_a_rule_or_a_name_holds_becomes_markup(served: Served, page: Page) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    name = "\"'<i>quoted<i>.csv"
    (served.folder / name).write_text(f"a,<b>b</b>\n{hostile},1\n{hostile},2\n")
    served.context.knowledge.add(Rule(id="hostile", statement="Never write <img src=x onerror=alert(3)>."), who="ann")
    queue(served, 1, question=f"Is {hostile} wrong?", proposal=hostile)
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(served.address())
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("gridcell", name="<script>").first).to_be_visible()
    expect(page.get_by_text("2 distinct").first).to_be_visible()
    page.goto(f"{served.base}/workbench/#view=rules&words=never write")
    expect(page.get_by_text("Never write <img")).to_be_visible()
    page.goto(f"{served.base}/workbench/#view=review")
    expect(page.locator("#question")).to_contain_text("<script>alert(2)</script>")
    assert page.locator("main img[src], main script, main i").count() == 0


def test_one_signs_in_with_a_token_and_may_do_what_it_allows(engine: Engine, tmp_path: Path, page: Page) -> None:
    runner = "runs" * 4
    with workbench_server(engine, tmp_path, Tokens(ListedTokens([f"runner {runner} dp:read dp:run"]))) as guarded:
        page.goto(guarded.address(view="rules"))
        page.get_by_label("Token").fill("wrong" * 4)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("This token lets nobody in.")).to_be_visible()
        page.get_by_label("Token").fill(runner)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Write a rule").click()
        page.get_by_label("What holds, in one sentence").fill("Ounces are a number.")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Your token does not allow this. Required scope: dp:rules.")).to_be_visible()
        page.get_by_role("button", name="Close", exact=True).click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You are signed out.")).to_be_visible()
