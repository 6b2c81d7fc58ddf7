"""Where a table begins and ends in its file: found out, said, overruled, and written back as it was."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.tables.change_log import Change, undo, write_changes
from dp_tools.tables.snapshot import open_file, open_table

ROWS = "1,Ann,12.50\n2,Bob,7.00\n3,Cid,9.25\n4,Dee,1.25\n5,Eve,3.00\n"
TABLE = "id,name,amount\n" + ROWS


def opened(tmp_path: Path, text: str, **options: Any) -> tuple[tuple[str, ...], list[tuple[str | None, ...]], str]:
    path = tmp_path / "t.csv"
    path.write_text(text, newline="")
    with open_table(path, **options) as table:
        return table.columns, [tuple(record.values()) for _, record in table.records()], " ".join(table.reading.notes)


@pytest.mark.parametrize(
    "above",
    [
        "Sales report 2024\n",
        "Sales report 2024\nExported: 2024-05-01\n\n",
        "Sales report 2024,,\n,,\n",
        "Sales report,2024,\nRegion,North,\n,,\n",
        'Report on 5" pipes\n',
        "# exported by a system\n# on a day, at noon, by Ann\n",
        "Report,Sales\nDate,2024-05-01\nBy,Ann\n",
        "2024-05-01\n",
        "sep=,\n",
        ",2024,\n",
    ],
)
def test_title_lines_above_the_header_are_found_and_said(tmp_path: Path, above: str) -> None:
    columns, records, notes = opened(tmp_path, above + TABLE)
    assert columns == ("id", "name", "amount")
    assert len(records) == 5
    assert f"The header is in line {above.count(chr(10)) + 1}" in notes
    assert "kept as" in notes


@pytest.mark.parametrize(
    ("below", "count"),
    [
        ("Total,,33.00\n", 1),
        (",Total,33.00\n", 1),
        (",,33.00\n", 1),
        ("Summe;;33,00\n".replace(";", ",").replace("33,00", "33.00"), 1),
        ("Total,33.00\n", 1),
        ("\nGrand total,,33.00\n", 1),
        (",,\nTotal,,33.00\n", 2),
        ("\nSource: the till\n", 1),
        ("Total,,33.00\n\n* without returns\n\n", 2),
        ("Exported by Ann on Monday\n", 1),
        ("\nNotes:\n1) provisional\n2) see there, and there\n", 3),
        ("Average,,6.60\nTotal,,33.00\n", 2),
    ],
)
def test_totals_and_remarks_at_the_end_are_found_said_and_kept(tmp_path: Path, below: str, count: int) -> None:
    _, records, notes = opened(tmp_path, TABLE + below)
    assert [record[0] for record in records] == ["1", "2", "3", "4", "5"]
    assert "not judged" in notes
    assert opened(tmp_path, TABLE + below, ragged="set aside", footer_lines=count)[1] == records
    assert open_file(tmp_path / "t.csv").reading.options["footer_lines"] == count


@pytest.mark.parametrize(
    "last",
    ["6,Total Gym,59.99\n", "6,Fay,2.00\n", "6,,\n", "6,New customer,\n", "7,Fay,33.00\n", "9,Sum,1.00\n"],
)
def test_a_last_record_like_the_others_stays_a_record(tmp_path: Path, last: str) -> None:
    _, records, notes = opened(tmp_path, TABLE + last)
    assert len(records) == 6
    assert notes == ""


def test_a_total_of_a_table_of_two_columns_is_told_by_its_sum(tmp_path: Path) -> None:
    table = "company,revenue\nShell,381\nBP,241\nEni,101\nEquinor,107\n"
    assert len(opened(tmp_path, table + "Total,218\n")[1]) == 5
    assert len(opened(tmp_path, table + "Total,830\n")[1]) == 4
    table = "region,a,b\nNorth,1,20\nSouth,3,40\nEast,5,60\nWest,7,80\n"
    assert len(opened(tmp_path, table + "All,16,200\n")[1]) == 4
    assert len(opened(tmp_path, table + "All,16,201\n")[1]) == 5


def test_a_footer_of_a_large_file_is_found_too(tmp_path: Path) -> None:
    text = "id,name,amount\n" + "".join(f"{n},name of {n},1.50\n" for n in range(60_000)) + "Total,,90000.00\n"
    _, records, notes = opened(tmp_path, text)
    assert len(records) == 60_000
    assert "The last line looks like a total" in notes


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("name,town\n1,Ann,Bath\n2,Bob,Cork\n3,Cid,Lund\n", ("column_1", "name", "town")),
        ("id,name\n7,Ann,12.50\n7,Bob,7.00\n9,Cid,1.00\n", ("id", "name", "column_3")),
        ("id,name\n1,Ann,\n2,Bob,\n2,Cid,\n", ("id", "name", "column_3")),
        ("id,name,\n1,Ann\n2,Bob\n3,Cid\n", ("id", "name")),
    ],
)
def test_a_header_of_another_length_than_all_records_is_read(
    tmp_path: Path, text: str, columns: tuple[str, ...]
) -> None:
    found, records, _ = opened(tmp_path, text)
    assert found == columns
    assert len(records) == 3


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        "E1000,Ann,CC-110,a@x.example\nE1001,Bob,CC-130,b@y.example\nE1002,Cid,CC-110,c@z.example\n",
        "Ann,open\nBob,open\nCid,closed\nDee,open\n",
        "Sales report\n\n" + ROWS,
    ],
)
def test_a_file_without_a_header_is_found_out_and_said(tmp_path: Path, text: str) -> None:
    columns, records, notes = opened(tmp_path, text)
    assert columns[:2] == ("column_1", "column_2")
    assert len(records) == len(text.removeprefix("Sales report\n\n").splitlines())
    assert "looks like data" in notes


@pytest.mark.parametrize(
    "text",
    [
        "c1,c2\nv1,v2\nv3,v4\nv5,v6\n",
        "name,town\nAnn,Bath\nBob,Cork\n",
        "region,2019,2020\nNorth,5100,5200\nSouth,4100,4300\n",
        "a,a,,b\n1,2,3,4\n",
    ],
)
def test_a_header_is_not_taken_for_data(tmp_path: Path, text: str) -> None:
    columns, _, notes = opened(tmp_path, text)
    assert columns[0] == text.split(",")[0]
    assert "looks like data" not in notes


MESSY = "Sales report\n\nid,name,amount\n" + ROWS + "\nTotal,,33.00\n"


def test_what_was_found_out_can_be_overruled(tmp_path: Path) -> None:
    assert opened(tmp_path, MESSY, header_line=4)[0] == ("1", "Ann", "12.50")
    assert opened(tmp_path, MESSY, skip_lines=3, header=False)[0] == ("column_1", "column_2", "column_3")
    assert opened(tmp_path, MESSY, skip_lines=3, header=False)[1][0] == ("1", "Ann", "12.50")
    assert len(opened(tmp_path, MESSY, footer_lines=0)[1]) == 6
    assert len(opened(tmp_path, MESSY, footer_lines=2)[1]) == 4
    assert len(opened(tmp_path, MESSY, header_line=3, footer_lines=1)[1]) == 5
    for options, message in (
        ({"header_line": 3, "skip_lines": 2}, "not both"),
        ({"header_line": 0}, "from 1"),
        ({"footer_lines": -1}, "from 0"),
        ({"header_line": 3, "header": False}, "no header_line"),
    ):
        with pytest.raises(InvalidRequest, match=message):
            opened(tmp_path, MESSY, **options)
    with pytest.raises(TableUnavailable, match="no records"):
        opened(tmp_path, MESSY, header_line=99)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_is_around_the_table_is_written_back_as_it_was(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(MESSY.replace("\n", ending).encode())
    cleaned, log = tmp_path / "cleaned.csv", tmp_path / "log.jsonl"
    write_changes(open_file(path), [Change(4, "name", "Eve", "1", 0.9, "A test.", "rule")], cleaned, log)
    assert cleaned.read_bytes() == path.read_bytes().replace(b"5,Eve", b"5,1")
    undo(cleaned, log, tmp_path / "restored.csv")
    assert (tmp_path / "restored.csv").read_bytes() == path.read_bytes()


def test_setting_every_record_aside_is_an_error(tmp_path: Path) -> None:
    text = "id,name\n" + "1,Ann,x\n2,Bob,y,z\n3,Cid,x\n4\n"
    with pytest.raises(TableUnavailable, match=r'--ragged "set aside"'):
        opened(tmp_path, text)
    with pytest.raises(TableUnavailable, match="All 4 records"):
        opened(tmp_path, text, ragged="set aside")


def test_nothing_is_taken_out_of_tables_that_have_only_a_header_and_records(tmp_path: Path) -> None:
    chance = random.Random(7)
    towns = ("Bath", "Cork", "Lund", "North", "South", "Ann", "Bob")
    words = (*towns, "Tea", "Milk", "Jam", "open", "closed", "red", "total", "sum", "none", "unknown", "n/a")
    kinds: list[Callable[[int], str]] = [
        lambda n: str(n + 1),
        lambda _: f"{chance.choice('ABC')}{chance.randrange(100, 999)}",
        lambda _: chance.choice(words),
        lambda _: f"{chance.choice(words)} {chance.choice(words)}",
        lambda _: f"{chance.uniform(0, 99):.2f}",
        lambda _: f"2024-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}",
        lambda _: f"{chance.choice(words).lower()}@x.example",
        lambda _: chance.choice(["0", "1"]),
    ]
    names = (
        *("id", "code", "town", "item", "amount", "day", "mail"),
        *("flag", "name", "city", "price", "status", "count"),
    )
    for number in range(100):
        chosen = [chance.choice(kinds) for _ in range(chance.randrange(2, 7))]
        header = chance.sample(names, len(chosen))
        gaps = chance.choice([0.0, 0.0, 0.1, 0.4])
        rows = [
            ["" if place and chance.random() < gaps else kind(n) for place, kind in enumerate(chosen)]
            for n in range(chance.randrange(3, 40))
        ]
        text = "".join(",".join(row) + "\n" for row in [header, *rows])
        columns, records, notes = opened(tmp_path, text)
        assert columns == tuple(header), (number, text)
        assert len(records) == len(rows), (number, text)
        assert notes == "", (number, text)
