"""Facts from a table's snapshot are the facts that its records would give, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from dp_tools.profiling import RecordFacts, rendered
from dp_tools.tables import table_facts as module
from dp_tools.tables.snapshot import open_table
from dp_tools.tables.table_facts import TableFacts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    lines = ["id,zip,city,state,rating,phone,note"]
    for number in range(120):
        place = number % 5
        city = ["Boston", "Dallas", "Miami", "Denver", "Austin"][place]
        city = {17: "Bostonn", 44: "", 71: "Miamı"}.get(number, city)
        state = {3: "Boston", 9: "?"}.get(number, ["MA", "TX", "FL", "CO", "TX"][place])
        rating = {5: "999", 6: "n/a"}.get(number, str(number % 7 + 1))
        phone = {7: "(1) 5", 8: "", 9: "1O1-5"}.get(number, f"{101 + place}{'-/ '[number % 3]}{number}")
        lines.append(f"{number},{10000 + place},{city},{state},{rating},{phone}, some note {number % 11} ")
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_gives_the_facts_that_its_records_give(path: Path) -> None:
    with open_table(path) as table:
        records = [record for _, record in table.records()]
        ours, theirs = TableFacts(table), RecordFacts(records)
    for record in records:
        for attribute in record:
            assert ours.about(record, attribute) == theirs.about(record, attribute)
            assert ours.group_evidence(record, attribute) == theirs.group_evidence(record, attribute)
    assert any("by zip" in fact for fact in rendered(ours.about(records[17], "city")))
    assert any("by phone" in fact for fact in rendered(ours.group_evidence({**records[17], "zip": None}, "city")))


def test_a_column_of_very_many_values_keeps_what_repeats(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 50)
    with open_table(path) as table:
        records = [record for _, record in table.records()]
        ours, theirs = TableFacts(table), RecordFacts(records)
    assert ours.about(records[0], "id") == theirs.about(records[0], "id")
    assert ours.about(records[17], "city") == theirs.about(records[17], "city")
