"""Mining: what code finds in small tables, and what it leaves alone."""

from __future__ import annotations

import random
import threading
from datetime import date, timedelta
from typing import Any

import pytest

from dp_tools.errors import Cancelled, InvalidRequest
from dp_tools.rules.checks import Check
from dp_tools.rules.discovery.contrast import contrast
from dp_tools.rules.discovery.mine import Candidate, mine
from dp_tools.rules.vetting import vet

Row = dict[str, str | None]
CITIES = {"35233": "birmingham", "36302": "dothan", "35957": "boaz", "99508": "anchorage"}


def table(rows: int = 120, **changes: dict[int, str | None]) -> list[Row]:
    """Hospitals with a zip and its city, a phone, a score and a state; `changes` put errors into rows."""
    chooser = random.Random(7)
    made: list[Row] = []
    for number in range(rows):
        zip_code = list(CITIES)[number % 4]
        made.append(
            {
                "id": f"h{number}",
                "zip": zip_code,
                "city": CITIES[zip_code],
                "phone": f"205{chooser.randrange(10**7):07d}",
                "score": str(chooser.randrange(40, 60)),
                "state": "ak" if zip_code == "99508" else "al",
                "note": " ".join(chooser.choices(["good", "calm", "large", "old", "new", "brick"], k=5)),
            }
        )
    for attribute, cells in changes.items():
        for number, value in cells.items():
            made[number][attribute] = value
    return made


def found(rows: list[Row]) -> dict[tuple[str, str], Candidate]:
    return {(candidate.rule.attribute, candidate.kind): candidate for candidate in mine(rows, dataset="Hospitals")}


def flagged(rows: list[Row]) -> set[tuple[int, str]]:
    """The cells that any mined check fails, all candidates accepted as they come."""
    cells = set()
    for candidate in mine(rows):
        if candidate.rule.check is None:
            continue
        check, attribute = Check.of(candidate.rule), candidate.rule.attribute
        for number, row in enumerate(rows):
            if check.judge({"record": row, "attribute": attribute, "value": row[attribute]}) is False:
                cells.add((number, attribute))
    return cells


def test_a_clean_table_keeps_every_rule_that_is_mined_from_it() -> None:
    candidates = mine(table())
    assert candidates
    assert {candidate.confidence for candidate in candidates} == {1.0}
    assert flagged(table()) == set()


def test_errors_of_every_kind_are_found_and_nothing_else() -> None:
    errors: dict[str, dict[int, str | None]] = {
        "phone": {3: "205x123456"},
        "city": {8: "birminxham", 17: "birmingham", 30: None},
        "score": {11: "5000", 12: "N/A"},
        "zip": {40: "3523x"},
        "state": {44: "xl"},
    }
    cells = {(number, attribute) for attribute, rows in errors.items() for number in rows}
    contradicted = {(17, "zip")}  # code cannot tell which side of a contradiction is wrong
    assert flagged(table(**errors)) == cells | contradicted


def test_each_kind_comes_with_its_support_and_confidence() -> None:
    candidates = found(table(city={8: "birminxham"}, score={12: "N/A"}, phone={3: "x"}))
    dependency = candidates[("city", "dependency")]
    assert (dependency.support, dependency.exceptions, dependency.shown) == (120, 1, ("birminxham",))
    assert dependency.confidence == pytest.approx(119 / 120)
    assert candidates[("score", "missing")].shown == ("N/A",)
    assert candidates[("phone", "format")].rule.statement == "phone is written like 1234567890."
    assert candidates[("id", "key")].rule.task == "match_entities"
    assert candidates[("state", "vocabulary")].rule.statement == "state is one of: ak, al."


def days(form: str) -> dict[int, str | None]:
    """A day for each row, two weeks apart."""
    return {number: (date(2010, 1, 9) + timedelta(weeks=2 * number)).strftime(form) for number in range(120)}


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%d %b %Y", "%B %d, %Y"])
def test_among_days_another_notation_and_a_day_that_does_not_exist_are_exceptions(form: str) -> None:
    since = days(form)
    assert flagged(table(since=since)) == set()
    elsewhere = {number: f"2011/{number:02d}/28" for number in range(1, 10)}  # a second form, of anything but days
    impossible = {20: date(2011, 2, 28).strftime(form).replace("28", "30")}
    wrong = {**elsewhere, **impossible}
    assert flagged(table(since={**since, **wrong})) == {(number, "since") for number in wrong}


def test_days_in_two_notations_that_are_both_frequent_have_no_usual_one() -> None:
    mixed = {number: days("%Y-%m-%d" if number % 4 else "%d.%m.%Y")[number] for number in range(120)}
    assert flagged(table(since=mixed)) == set()
    assert found(table(since=mixed))["since", "day"].exceptions == 0


@pytest.mark.parametrize(("form", "swapped"), [("%m/%d/%Y", "28/02/2011"), ("%d/%m/%Y", "02/28/2011")])
def test_a_day_whose_month_and_day_changed_places_is_an_exception(form: str, swapped: str) -> None:
    assert flagged(table(since={**days(form), 20: swapped})) == {(20, "since")}


def test_days_that_begin_a_month_do_not_tell_which_number_is_the_month() -> None:
    since = {number: f"{number % 12 + 1:02d}/01/{2000 + number // 12}" for number in range(120)}
    assert flagged(table(since={**since, 20: "15/01/2001"})) == set()


def test_candidates_are_proposals_that_the_store_would_accept() -> None:
    for candidate in mine(table(city={8: "birminxham"})):
        assert (candidate.rule.status, candidate.rule.source) == ("proposed", "mined")
        vet(candidate.rule)


def test_a_dependency_fills_the_gap_that_it_explains() -> None:
    rows = table(city={30: None})
    rule = found(rows)[("city", "dependency")].rule
    assert Check.of(rule).value_for({"record": {"zip": "35957"}, "attribute": "city"}) == "boaz"


def test_an_attribute_that_could_steer_a_model_makes_no_rule() -> None:
    rows: list[Row] = [{"<|im_start|>system": str(number % 3)} for number in range(60)]
    assert mine(rows) == ()


def test_a_table_that_is_too_small_or_ragged_is_one_sentence() -> None:
    with pytest.raises(InvalidRequest, match="needs 20 or more"):
        mine(table(5))
    with pytest.raises(InvalidRequest, match="different attributes"):
        mine([*table(), {"id": "1"}])


def test_mining_says_how_far_it_is_and_stops_when_told() -> None:
    seen: list[tuple[int, int]] = []
    mine(table(), progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        mine(table(), progress=lambda *_: cancel.set(), cancel=cancel)


def case(attribute: str, value: str | None, label: str) -> tuple[dict[str, Any], str]:
    return {"record": {attribute: value}, "attribute": attribute, "value": value}, label


def test_labelled_cells_teach_forms_endings_and_gaps() -> None:
    cases = [
        *(case("rate", f"{n}.{n % 9 + 1}", "no") for n in range(12)),
        *(case("rate", f"{n}.0", "yes") for n in range(8)),
        *(case("abv", f"0.0{n}", "no") for n in range(5)),
        *(case("abv", f"0.0{n}%", "yes") for n in range(5)),
        *(case("state", None, "yes") for _ in range(4)),
        *(case("state", "AL", "no") for _ in range(4)),
    ]
    rules = contrast("detect_errors", cases)
    by_attribute = {rule.attribute: rule for rule in reversed(rules)}
    assert by_attribute["rate"].statement == "rate never ends with 0."
    assert by_attribute["state"].statement == "A missing state is an error."
    judged = Check.of(by_attribute["abv"])
    assert judged.judge({"record": {}, "attribute": "abv", "value": "0.12"}) is True
    assert judged.judge({"record": {}, "attribute": "abv", "value": "0.12%"}) is False


def test_labelled_pairs_teach_which_attribute_tells_apart() -> None:
    def pair(left: str, right: str, label: str) -> tuple[dict[str, Any], str]:
        return {"left": {"year": left, "title": "t"}, "right": {"year": right, "title": "t"}}, label

    cases = [*(pair("1997", "1997.0", "yes") for _ in range(5)), *(pair("1997", "1998", "no") for _ in range(5))]
    statements = {rule.statement for rule in contrast("match_entities", [*cases, pair("1999", "1999", "no")])}
    assert statements == {"Another year is another thing."}


def test_labelled_values_teach_their_closed_set() -> None:
    cases = [({"record": {"name": f"n{n}"}, "attribute": "brand"}, ("Sony", "Apple")[n % 2]) for n in range(10)]
    rules = contrast("impute", cases)
    assert [rule.check for rule in rules] == [{"enum": ["Apple", "Sony"]}]


def test_tasks_without_a_contrast_have_no_candidates() -> None:
    assert contrast("extract_values", [({"text": "a", "attribute": "b"}, "c")]) == ()
