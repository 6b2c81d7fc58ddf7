"""Data constraints of a table decide which of its cells are wrong, unless a rule says otherwise."""

from __future__ import annotations

import csv
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest
from flights_table import flights
from tables_job import ScriptedEngine

from dp_tools.errors import Cancelled
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Rule
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import Cleaner, Detection, Repair
from dp_tools.tables.snapshot import Table, open_table

CITIES = {"35233": "Birmingham", "35801": "Huntsville", "36201": "Anniston", "36301": "Dothan"}


def places(path: Path, rows: int = 200, **wrong: dict[int, str]) -> Table:
    """Zips with their cities and a state; `wrong` replaces cells: attribute to {row: value}."""
    lines = ["zip,city,state"]
    for row in range(rows):
        zip_code = list(CITIES)[row % 4]
        values = {"zip": zip_code, "city": CITIES[zip_code], "state": "AL"}
        values |= {name: cells[row] for name, cells in wrong.items() if row in cells}
        lines.append(",".join(values.values()))
    path.write_text("\n".join(lines) + "\n")
    return open_table(path)


@pytest.fixture
def preprocessor() -> Preprocessor:
    return Preprocessor(knowledge=":memory:", engine=ScriptedEngine())


def detected(preprocessor: Preprocessor, table: Table, rules: list[str] | None = None) -> Detection:
    with table:
        return Cleaner(Work(preprocessor.decider, NoJournal()), table, None, rules or []).detect()


def wrong_cells(detection: Detection) -> list[tuple[int, str, str | None]]:
    return [(cell.row, cell.attribute, cell.value) for cell in detection.wrong if cell.outcome.decided_by == "table"]


def test_a_cell_that_breaks_what_the_table_keeps_is_wrong_and_the_reason_is_given(
    preprocessor: Preprocessor, tmp_path: Path
) -> None:
    detection = detected(preprocessor, places(tmp_path / "t.csv", zip={3: "3630"}, city={8: "Elsewhere"}))
    assert wrong_cells(detection) == [(3, "zip", "3630"), (8, "city", "Elsewhere")]
    reasons = {cell.row: cell.reason or "" for cell in detection.wrong}
    assert reasons[3] == "zip is one of: 35233, 35801, 36201, 36301. 99.5% of the cells conform to it."
    assert {cell.error for cell in detection.wrong if cell.outcome.decided_by == "table"} == {0.9}
    assert detection.by_table == detection.questions  # all other values are as usual


def test_where_two_cells_contradict_each_other_a_third_tells_which_is_wrong(
    preprocessor: Preprocessor, tmp_path: Path
) -> None:
    places(tmp_path / "t.csv", city={9: "Dothan"}).close()
    header, *lines = (tmp_path / "t.csv").read_text().splitlines()
    names = {zip_code: f"x{number}" for number, zip_code in enumerate(CITIES)}
    (tmp_path / "u.csv").write_text(
        "\n".join([f"{header},county", *(f"{line},{names[line.split(',')[0]]}" for line in lines)])
    )
    assert wrong_cells(detected(preprocessor, open_table(tmp_path / "u.csv"))) == [(9, "city", "Dothan")]
    without = detected(preprocessor, open_table(tmp_path / "t.csv"))
    assert {(cell.attribute, cell.error) for cell in without.wrong} == {("zip", 0.6), ("city", 0.6)}


def test_what_the_table_says_is_right_is_proposed(preprocessor: Preprocessor, tmp_path: Path) -> None:
    with places(tmp_path / "t.csv", city={8: "Birminghxm", 12: "Elsewhere"}) as table:
        cleaner = Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [])
        repair: Repair = cleaner.repair([cell for cell in cleaner.detect().wrong if cell.outcome.decided_by == "table"])
    assert {(c.row, c.new) for c in [*repair.changes, *repair.doubtful]} == {(8, "Birmingham"), (12, "Birmingham")}


def test_a_day_in_another_notation_and_one_that_does_not_exist_are_wrong(
    preprocessor: Preprocessor, tmp_path: Path
) -> None:
    days = {row: (date(2010, 1, 9) + timedelta(weeks=row)).strftime("%d %b %Y") for row in range(200)}
    wrong = {**dict.fromkeys(range(0, 60, 5), "2011-03-07"), 7: "30 Feb 2010"}
    assert wrong_cells(detected(preprocessor, places(tmp_path / "t.csv", state={**days, **wrong}))) == [
        (row, "state", wrong[row]) for row in sorted(wrong)
    ]


def test_a_day_whose_month_and_day_changed_places_is_wrong_and_put_right(
    preprocessor: Preprocessor, tmp_path: Path
) -> None:
    days = {row: (date(2010, 1, 9) + timedelta(weeks=row)).strftime("%m/%d/%Y") for row in range(200)}
    with places(tmp_path / "t.csv", state={**days, 7: "28/02/2010"}) as table:
        cleaner = Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [])
        (wrong,) = (cell for cell in cleaner.detect().wrong if cell.outcome.decided_by == "table")
        repair: Repair = cleaner.repair([wrong])
    assert wrong.reason == "No calendar has the day 28/02/2010, read with the month first."
    assert [(change.row, change.new) for change in [*repair.changes, *repair.doubtful]] == [(7, "02/28/2010")]


def test_a_small_table_says_nothing_about_itself(preprocessor: Preprocessor, tmp_path: Path) -> None:
    detection = detected(preprocessor, places(tmp_path / "t.csv", rows=60, zip={3: "3630"}))
    assert {cell.outcome.decided_by for cell in detection.wrong} <= {"model"}


def test_a_rule_about_the_attribute_comes_before_what_the_table_keeps(
    preprocessor: Preprocessor, tmp_path: Path
) -> None:
    wrong = {"zip": {3: "3630"}, "city": {8: "Birminghxm"}}
    call = detected(preprocessor, places(tmp_path / "a.csv", **wrong), ["A zip of four digits is fine."])
    assert wrong_cells(call) == [(8, "city", "Birminghxm")]
    preprocessor.knowledge.add(
        Rule(id="zips", task="detect_errors", attribute="zip", statement="Old codes are shorter."), who="ann"
    )
    assert wrong_cells(detected(preprocessor, places(tmp_path / "b.csv", **wrong))) == [(8, "city", "Birminghxm")]


def test_after_checks_on_its_form_a_cell_is_still_held_against_the_cells_beside_it(
    preprocessor: Preprocessor, tmp_path: Path
) -> None:
    check = {"type": "string", "pattern": "^[A-Za-z]+$"}
    preprocessor.knowledge.add(
        Rule(id="letters", task="detect_errors", attribute="city", statement="A city has letters only.", check=check),
        who="ann",
    )
    detection = detected(preprocessor, places(tmp_path / "t.csv", city={8: "Elsewhere", 12: "Do1han"}))
    found = [(cell.row, cell.outcome.decided_by) for cell in detection.wrong if cell.attribute == "city"]
    assert [one for one in found if one[1] != "model"] == [(8, "table"), (12, "check")]


def test_where_sources_contradict_each_other_the_majority_is_proposed_to_a_person(
    preprocessor: Preprocessor, tmp_path: Path
) -> None:
    rows = flights(0.25)
    with (tmp_path / "flights.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    right = {row["flight"]: row for row in flights(0)}
    with open_table(tmp_path / "flights.csv") as table:
        cleaner = Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [], ["leaves", "lands"])
        wrong = [cell for cell in cleaner.detect().wrong if cell.outcome.decided_by == "table"]
        repair = cleaner.repair(wrong)
    truly = {
        (n, name)
        for n, row in enumerate(rows)
        for name in ("leaves", "lands")
        if row[name] != right[row["flight"]][name]
    }
    found = {(cell.row, cell.attribute) for cell in wrong}
    assert len(found & truly) > 0.9 * len(truly)
    assert len(found - truly) < 0.05 * len(found)
    assert not repair.changes
    proposed = {(change.row, change.attribute): change.new for change in repair.doubtful}
    assert proposed
    assert all(right[rows[row]["flight"]][name] == new for (row, name), new in proposed.items() if (row, name) in truly)


def test_what_a_person_rejected_stays_away(preprocessor: Preprocessor, tmp_path: Path) -> None:
    assert wrong_cells(detected(preprocessor, places(tmp_path / "a.csv", state={5: "XX"}))) == [(5, "state", "XX")]
    rejected = Rule(id="mined-all-state-vocabulary", task="detect_errors", attribute="state", statement="Only AL.")
    preprocessor.knowledge.propose(rejected, who="an agent")
    preprocessor.knowledge.reject("mined-all-state-vocabulary", who="ann")
    assert wrong_cells(detected(preprocessor, places(tmp_path / "b.csv", state={5: "XX"}))) == []


def test_a_second_habit_of_the_table_is_less_certain(preprocessor: Preprocessor, tmp_path: Path) -> None:
    table = places(tmp_path / "t.csv", rows=300, zip=dict.fromkeys(range(0, 300, 4), "N/A"))
    detection = detected(preprocessor, table)
    assert {cell.error for cell in detection.wrong if cell.value == "N/A"} <= {0.6, 0.9}
    assert any(cell.value == "N/A" for cell in detection.wrong)


def test_looking_for_what_the_table_keeps_can_be_stopped(preprocessor: Preprocessor, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with places(tmp_path / "t.csv") as table, pytest.raises(Cancelled):
        Cleaner(Work(preprocessor.decider, NoJournal(), cancel=stop), table, None, [])


def visits(rows: int = 200) -> list[dict[str, str | None]]:
    """Zips with their cities, and a remark in three rows of four."""
    return [
        {"zip": zip_code, "city": CITIES[zip_code], "remark": None if row % 4 == 1 else f"{'ab' * (row % 7 + 1)} {row}"}
        for row in range(rows)
        for zip_code in [list(CITIES)[row % 3]]
    ]


def test_where_gaps_are_usual_a_gap_is_no_error_and_nobody_is_asked(preprocessor: Preprocessor) -> None:
    gap, filled = preprocessor.detect(visits()[1:3], attributes=["remark"], context=visits()).cells
    assert (gap.error, gap.decided_by, gap.confidence) == (False, "table", 0.98)
    assert gap.reason == "remark is often left empty: 25.2% of the cells are."
    assert filled.decided_by == "model"


def test_a_value_that_nothing_sets_apart_is_right_and_nobody_is_asked(preprocessor: Preprocessor) -> None:
    staff = [
        {"number": f"{3000 + row}", "name": f"{'abcdefghij'[row % 10]}{'klmno' * (row // 10)}"} for row in range(150)
    ]
    number, name = preprocessor.detect(staff[7:8], context=staff).cells
    assert (number.error, number.decided_by, number.confidence) == (False, "table", 0.98)
    assert number.reason == "All values of number look alike, and nothing sets this one apart."
    assert name.decided_by == "model"  # seen once, and a word: it may be misspelt
    (far,) = preprocessor.detect([{**staff[0], "number": "9999"}], attributes=["number"], context=staff).cells
    assert far.decided_by != "table" or far.error
    (ruled,) = preprocessor.detect(
        staff[:1], attributes=["number"], context=staff, rules=["A number has five digits."]
    ).cells
    assert ruled.decided_by == "model"
    (few,) = preprocessor.detect(staff[:1], attributes=["number"], context=staff[:60]).cells
    assert few.decided_by == "model"


def test_few_records_say_nothing_about_gaps(preprocessor: Preprocessor) -> None:
    (few,) = preprocessor.detect(visits()[1:2], attributes=["remark"], context=visits(60)).cells
    assert few.decided_by == "model"


def test_a_gap_is_an_error_where_the_cells_beside_it_say_what_should_stand_there(preprocessor: Preprocessor) -> None:
    gaps = [{**record, "city": None} if row % 5 == 0 else record for row, record in enumerate(visits())]
    (cell,) = preprocessor.detect(gaps[:1], attributes=["city"], context=gaps).cells
    assert (cell.error, cell.decided_by) == (True, "table")
    assert (cell.reason or "").startswith("zip determines city.")


def test_a_rule_in_words_is_heard_on_gaps_even_where_it_names_no_attribute(preprocessor: Preprocessor) -> None:
    asked = {"attributes": ["remark"], "context": visits()}
    (cell,) = preprocessor.detect(visits()[1:2], rules=["A missing value is an error."], **asked).cells
    assert cell.decided_by == "model"
    preprocessor.knowledge.add(Rule(id="gaps", task="detect_errors", statement="Nothing may be empty."), who="ann")
    (cell,) = preprocessor.detect(visits()[1:2], **asked).cells
    assert cell.decided_by == "model"


def test_cleaning_leaves_gaps_alone_where_they_are_usual(preprocessor: Preprocessor, tmp_path: Path) -> None:
    with (tmp_path / "visits.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["zip", "city", "remark"])
        writer.writeheader()
        writer.writerows(visits())
    detection = detected(preprocessor, open_table(tmp_path / "visits.csv"))
    assert not any(cell.attribute == "remark" and not cell.value for cell in detection.wrong)
