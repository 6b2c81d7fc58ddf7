"""Columns that number the records or name their source are left out of comparing and judging, and said to be."""

from __future__ import annotations

import random
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner

from dp_tools.cli import main
from dp_tools.errors import InvalidRequest
from dp_tools.tables.identity_columns import EXPORTED, KEY, SERIAL, SOURCE, contents
from dp_tools.tables.snapshot import Table, inline_table

COUNT = 40
_SEEDED = random.Random(46)
NUMBERS = _SEEDED.sample(range(10_000, 99_999), COUNT)
NAMES = [f"{first} {last}" for first in ("Ines", "Pablo", "Greta", "Felix") for last in "ABCDEFGHIJ"]
LEFT_OUT = {
    ("id", SERIAL): [str(n) for n in range(COUNT)],
    ("contact", SERIAL): [f"R{n:03}" for n in range(COUNT)],
    ("vendor_no", KEY): [f"V{number}" for number in NUMBERS],
    ("VendorNo", KEY): [str(number) for number in NUMBERS],
    ("Kundennr", KEY): [str(number) for number in NUMBERS],
    ("rec_id", KEY): [f"rec-{number}-{'org' if number % 2 else 'dup-0'}" for number in NUMBERS],
    ("sku", KEY): [f"{('KBD', 'MON', 'ADP')[number % 3]}-{number}" for number in NUMBERS],
    ("external", KEY): [str(UUID(int=_SEEDED.getrandbits(128))) for _ in NUMBERS],
    ("system", SOURCE): [("shop", "crm", "fair")[number % 3] for number in NUMBERS],
    ("Source System", SOURCE): [("shop", "crm", "fair")[number % 3] for number in NUMBERS],
    ("exported_at", EXPORTED): [f"2026-11-{number % 28 + 1:02} 08:{number % 60:02}:00" for number in NUMBERS],
}
KEPT = {
    "name": NAMES,
    "phone": [f"0155{number}" for number in NUMBERS],
    "Telefonnummer": [f"0155{number}" for number in NUMBERS],
    "ean": [f"40{number}77{number % 9}" for number in NUMBERS],
    "population": [str(number * (number % 7 + 1)) for number in NUMBERS],
    "Umsatz": [f"{number % 900},{number % 90 + 10}" for number in NUMBERS],
    "model": [f"GSR {number}" for number in NUMBERS],
    "operating_system": [("linux", "windows")[number % 2] for number in NUMBERS],
    "mail": [f"u{number}@a.example" for number in NUMBERS],
    "opened": [f"19{number % 90 + 10}-0{number % 9 + 1}-1{number % 7}" for number in NUMBERS],
    "order_no": [f"B{number}" for number in (*NUMBERS[:-1], NUMBERS[0])],
}


def table_of(columns: dict[str, list[str]]) -> Table:
    return inline_table([dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)])


@pytest.mark.parametrize(("name", "reason"), LEFT_OUT, ids=lambda part: str(part))
def test_a_key_a_source_and_a_time_of_export_are_left_out_of_comparing(name, reason):
    with table_of({"name": NAMES, name: LEFT_OUT[name, reason]}) as table:
        (content,) = contents((table,), comparing=True)
        assert (content.columns, content.left_out) == (["name"], {name: reason})
        (content,) = contents((table,), comparing=True, include=[name])
        assert (content.columns, content.left_out) == (["name", name], {})


@pytest.mark.parametrize("name", KEPT)
def test_what_describes_a_record_stays_however_distinct_it_is(name):
    with table_of({name: KEPT[name]}) as table:
        assert contents((table,), comparing=True)[0].left_out == {}


def test_cells_of_a_key_are_not_judged_though_a_few_repeat_and_times_are():
    codes = [f"O{number}" for number in (*NUMBERS[:-1], NUMBERS[0])] + [f"O{n}" for n in range(100_000, 100_060)]
    times = [f"2026-11-{n % 28 + 1:02} 08:00:00" for n in range(100)]
    with table_of({"order": codes, "exported_at": times}) as table:
        assert contents((table,))[0].left_out == {"order": KEY}
        assert contents((table,), comparing=True)[0].left_out == {"exported_at": EXPORTED}


def test_a_key_that_both_tables_hold_is_compared():
    ours, theirs = [f"B{number}" for number in NUMBERS], [f"B{number}" for number in reversed(NUMBERS)]
    strange = [f"B{number + 1}" for number in NUMBERS]
    with (
        table_of({"part": NAMES, "code": ours}) as left,
        table_of({"title": NAMES, "item": theirs}) as right,
        table_of({"title": NAMES, "item": strange}) as other,
    ):
        assert [content.left_out for content in contents((left, right), comparing=True)] == [{}, {}]
        assert [content.left_out for content in contents((left, other), comparing=True)] == [
            {"code": KEY},
            {"item": KEY},
        ]


def test_columns_can_be_excluded_named_alone_and_must_exist():
    with table_of({"name": NAMES, "id": LEFT_OUT["id", SERIAL], "mail": KEPT["mail"]}) as table:
        assert contents((table,), exclude=["mail"])[0].columns == ["name"]
        assert contents((table,), only=["id", "mail"], exclude=["mail"])[0].columns == ["id"]
        with pytest.raises(InvalidRequest, match="no attribute 'town'"):
            contents((table,), exclude=["town"])
        with pytest.raises(InvalidRequest, match="is left to look at"):
            contents((table,), exclude=["name", "mail", "id"])
    with table_of({"id": LEFT_OUT["id", SERIAL]}) as table:
        assert contents((table,))[0].columns == ["id"], "a table of keys alone is not empty"


def test_the_result_of_a_job_names_what_was_left_out(tmp_path: Path, lent_engine):  # noqa: ARG001
    file = tmp_path / "contacts.csv"
    lines = [f"K-{n:02},{('shop', 'crm')[n % 2]},{NAMES[n]}" for n in range(6)]
    file.write_text("\n".join(("id,system,name", *lines)) + "\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["dedupe", str(file), "--knowledge", ":memory:", "--state", str(tmp_path / "s")])
    assert result.exit_code == 0, result.output
    assert "Left out: id (a serial number), system (a source label)" in " ".join(result.output.split())
