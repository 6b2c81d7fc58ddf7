"""Cleaning a table: each distinct question once; the dirty value stays unless something better is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from tables_job import ScriptedEngine

from dp_tools.errors import InvalidRequest
from dp_tools.models.calibration import Calibration, PlattCalibration
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Rule
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import Cleaner, Repair
from dp_tools.tables.clean.filling import fill_column
from dp_tools.tables.snapshot import Table, open_table

CITIES = {"35233": "Birmingham", "35801": "Huntsville", "36201": "Anniston", "36301": "Dothan"}


def shops(path: Path, **wrong: dict[int, str]) -> Table:
    """100 shops; `wrong` replaces cells: attribute to {row: value}."""
    lines = ["id,zip,city,ounces,kind,note"]
    for row in range(100):
        zip_code = list(CITIES)[row % 4]
        values = {"zip": zip_code, "city": CITIES[zip_code], "ounces": "12", "kind": "open", "note": "quite good"}
        values |= {name: cells[row] for name, cells in wrong.items() if row in cells}
        lines.append(f"{row}," + ",".join(values.values()))
    path.write_text("\n".join(lines) + "\n")
    return open_table(path)


def rule(attribute: str, check: dict[str, object], statement: str = "It has a form.") -> Rule:
    return Rule(
        id=f"form-of-{attribute}",
        task="detect_errors",
        attribute=attribute,
        statement=statement,
        check=check,
        decides="both",
    )


@pytest.fixture
def preprocessor() -> Iterator[Preprocessor]:
    with Preprocessor(knowledge=":memory:", engine=ScriptedEngine()) as opened:
        yield opened


def cleaned(preprocessor: Preprocessor, table: Table, attributes: list[str]) -> Repair:
    with table:
        cleaner = Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [], attributes)
        return cleaner.repair(cleaner.detect().wrong)


def test_equal_questions_are_asked_once(preprocessor: Preprocessor, tmp_path: Path) -> None:
    with shops(tmp_path / "t.csv", city={3: "Dothxn"}) as table:
        work = Work(preprocessor.decider, NoJournal())
        detection = Cleaner(work, table, None, [], ["city", "kind", "note"]).detect()
    assert detection.cells == 300
    assert work.asked + detection.by_table == detection.questions < 12


def test_serial_numbers_are_not_judged_unless_they_are_named(preprocessor: Preprocessor, tmp_path: Path) -> None:
    with shops(tmp_path / "t.csv") as table:
        assert Cleaner(Work(preprocessor.decider, NoJournal()), table, None, []).detect().content.left_out == {
            "id": "a serial number"
        }
        with pytest.raises(InvalidRequest, match="no attribute 'town'"):
            Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [], ["town"])
        with pytest.raises(InvalidRequest, match="no attributes to judge"):
            Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [], [])


@pytest.mark.parametrize(
    ("attribute", "check", "dirty", "right", "source"),
    [
        ("city", {"type": "string", "not": {"pattern": "x"}}, "Dothxn", "Dothan", "dependency"),
        ("city", {"type": "string"}, "", "Dothan", "dependency"),
        ("ounces", {"type": "number"}, "12.0 oz", "12", "format"),
        ("ounces", {"type": "number"}, "1,250", "1250", "format"),
        ("ounces", {"type": ["number", "null"]}, "N/A", "", "format"),
        ("kind", {"enum": ["open", "shut", "moved"]}, "shutt", "shut", "rule"),
        ("note", {"type": "string", "not": {"pattern": "x"}}, "quitx good", "quite good", "frequent value"),
        ("city", {"type": "string", "not": {"pattern": " [A-Z]{2}$"}}, "Dothan AL", "Dothan", "dependency"),
    ],
)
def test_a_wrong_value_is_replaced_by_what_the_table_or_a_rule_says(
    preprocessor: Preprocessor,
    tmp_path: Path,
    attribute: str,
    check: dict[str, object],
    dirty: str,
    right: str,
    source: str,
) -> None:
    preprocessor.knowledge.add(rule(attribute, check), who="a test")
    value = f'"{dirty}"' if "," in dirty else dirty
    repair = cleaned(preprocessor, shops(tmp_path / "t.csv", **{attribute: {3: value}}), [attribute])
    assert [(change.row, change.old, change.new, change.source) for change in repair.changes] == [
        (3, dirty, right, source)
    ]
    change = repair.changes[0]
    assert change.rule == f"form-of-{attribute}@1"
    assert change.confidence == 1
    assert change.why.startswith("It has a form.")


@pytest.mark.parametrize(
    ("style", "form", "dirty", "right"),
    [
        ("%d %b %Y", "^[0-9]{2} [A-Z]", "2011-03-07", "07 Mar 2011"),
        ("%m/%d/%Y", "^[0-9]{2}/", "7 March 2011", "03/07/2011"),
        ("%d.%m.%Y", "^[0-9]{2}[.]", "7 March 2011", "07.03.2011"),
        ("%Y-%m-%d", "^[0-9]{4}-", "3/4/2011", None),  # in March or in April
    ],
)
def test_a_day_is_written_as_the_other_days_of_its_column(
    preprocessor: Preprocessor, tmp_path: Path, style: str, form: str, dirty: str, right: str | None
) -> None:
    preprocessor.knowledge.add(rule("note", {"type": "string", "pattern": form}), who="a test")
    days = {row: (date(2010, 1, 9) + timedelta(weeks=row)).strftime(style) for row in range(100)}
    repair = cleaned(preprocessor, shops(tmp_path / "t.csv", note={**days, 3: dirty}), ["note"])
    assert [change.new for change in repair.changes] == ([right] if right else [])


def test_a_value_without_a_better_one_stays(preprocessor: Preprocessor, tmp_path: Path) -> None:
    preprocessor.knowledge.add(rule("note", {"type": "string", "not": {"pattern": "^zz"}}), who="a test")
    notes = {row: f"remark {chr(97 + row % 26) * 5} {row}" for row in range(100)}
    repair = cleaned(preprocessor, shops(tmp_path / "t.csv", note={**notes, 5: "zz 81"}), ["note"])
    assert repair.changes == []
    assert [cell.value for cell in repair.unrepaired] == ["zz 81"]


def test_what_the_rules_find_right_is_never_touched(preprocessor: Preprocessor, tmp_path: Path) -> None:
    preprocessor.knowledge.add(rule("city", {"type": "string"}), who="a test")
    repair = cleaned(preprocessor, shops(tmp_path / "t.csv", city={3: "Dothxn", 9: "Elsewhere"}), ["city"])
    assert repair.changes == repair.doubtful == []


def test_gaps_are_filled_from_the_closed_set_of_the_column(preprocessor: Preprocessor, tmp_path: Path) -> None:
    preprocessor.decider.calibration = Calibration(
        {"impute": PlattCalibration(scale=0.05, shift=6.0)}
    )  # what fills is sure here
    with shops(tmp_path / "t.csv", kind={1: "", 2: "shut", 6: "shut", 9: "?"}) as table:
        filling = fill_column(Work(preprocessor.decider, NoJournal()), table, "kind")
    assert filling.gaps == 2
    assert filling.allowed == ["open", "shut"]
    assert [change.row for change in filling.changes] == [1, 9]
    assert {change.new for change in filling.changes} <= {"open", "shut"}


@pytest.mark.parametrize("task", ["impute", "detect_errors"])
def test_gaps_are_filled_from_the_values_that_a_rule_lists(
    preprocessor: Preprocessor, tmp_path: Path, task: str
) -> None:
    listed = {"enum": ["open", "shut", "moved"]}
    preprocessor.knowledge.add(
        Rule(id="states", task=task, attribute="kind", statement="It is a state.", check=listed), who="a test"
    )
    with shops(tmp_path / "t.csv", kind={row: ["OPN", "CLSD", ""][row % 3] for row in range(100)}) as table:
        filling = fill_column(Work(preprocessor.decider, NoJournal()), table, "kind")
    assert filling.allowed == ["open", "shut", "moved"]
    assert {change.new for change in [*filling.changes, *filling.doubtful]} <= {"open", "shut", "moved"}
