"""Workbooks as people have them: formulas, charts, hidden sheets and the rest survive cleaning, and undo is exact."""

from __future__ import annotations

import contextlib
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dp_tools.errors import TableUnavailable
from dp_tools.tables.change_log import Change, read_changes, undo, write_changes
from dp_tools.tables.snapshot import open_file, open_table

openpyxl = pytest.importorskip("openpyxl")

SHEET = "xl/worksheets/sheet2.xml"


def change(row: int, attribute: str, old: str | None, new: str) -> Change:
    return Change(row, attribute, old, new, 0.9, "A test.", "rule")


def workbook(path: Path) -> Path:
    """A hidden list, a sheet of sales with a merged title, formulas, a chart and more, and a sheet of sums."""
    from openpyxl.chart import BarChart, Reference
    from openpyxl.comments import Comment
    from openpyxl.formatting.rule import CellIsRule
    from openpyxl.styles import Font, PatternFill
    from openpyxl.worksheet.datavalidation import DataValidation

    book = openpyxl.Workbook()
    book.active.title = "Lists"
    book.active.append(["town"])
    book.active.append(["Bath"])
    book.active.sheet_state = "hidden"
    sheet = book.create_sheet("Sales")
    sheet["A1"] = "Sales of the year"
    sheet.merge_cells("A1:E1")
    sheet.append([])
    sheet.append(["item", "town", "price", "count", "amount"])
    for row, (item, town, price, count) in enumerate(
        [("Tea", "Bath", 1.5, 4), ("Milk", "Cork", "1O5", 2), ("Jam & co", None, 2.25, 3), ("Oats", "Bath", 3, 1)], 4
    ):
        sheet.append([item, town, price, count, f"=C{row}*D{row}"])
    sheet.append(["Total", None, None, None, "=SUM(E4:E7)"])
    sheet["B4"].comment = Comment("Ask Ann.", "Bob")
    sheet["C5"].font = Font(bold=True)
    validation = DataValidation(type="list", formula1="Lists!$A$2:$A$9")
    sheet.add_data_validation(validation)
    validation.add("B4:B7")
    sheet.conditional_formatting.add("D4:D7", CellIsRule(operator="lessThan", formula=["2"], fill=PatternFill("solid")))
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=4, min_row=3, max_row=7), titles_from_data=True)
    sheet.add_chart(chart, "H3")
    book.create_sheet("Sums").append(["=SUM(Sales!E4:E7)"])
    book.save(path)
    return with_results(path, {"E4": 6, "E6": 6.75, "E7": 3, "E8": 15.75})


def with_results(path: Path, results: dict[str, float], sheet: str = SHEET) -> Path:
    """The workbook as a spreadsheet program saves it, with the results of its formulas."""
    parts = parts_of(path)
    for place, result in results.items():
        pattern = rf'(<c r="{place}"[^>]*><f>[^<]*</f>)<v\s*/>'.encode()
        parts[sheet], count = re.subn(pattern, rb"\g<1><v>%s</v>" % str(result).encode(), parts[sheet])
        assert count == 1
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def cells_of(xml: bytes) -> dict[bytes, bytes]:
    return {found[1]: found[0] for found in re.finditer(rb'<c r="([A-Z]+\d+)".*?(?:/>|</c>)', xml)}


def cleaned(path: Path, changes: list[Change], **options: Any) -> Path:
    target, log = path.with_name("cleaned.xlsx"), path.with_name("log.jsonl")
    write_changes(open_file(path, **options), changes, target, log)
    restored = path.with_name("restored.xlsx")
    assert undo(target, log, restored)
    assert restored.read_bytes() == path.read_bytes()
    return target


def test_the_first_visible_sheet_is_read_below_its_title_and_named(tmp_path: Path) -> None:
    with open_table(workbook(tmp_path / "t.xlsx")) as table:
        assert table.columns == ("item", "town", "price", "count", "amount")
        assert [tuple(record.values()) for _, record in table.records()] == [
            ("Tea", "Bath", "1.5", "4", "6"),
            ("Milk", "Cork", "1O5", "2", None),
            ("Jam & co", None, "2.25", "3", "6.75"),
            ("Oats", "Bath", "3", "1", "3"),
        ]
        notes = " ".join(table.reading.notes)
    assert "The sheet 'Sales' was read; the workbook has also Lists (hidden), Sums." in notes
    assert "The header is in line 3; the 2 lines above it are kept as they are." in notes
    assert "The last line looks like a total" in notes
    assert "5 cells are results of formulas: they are judged, and never written." in notes
    assert "1 of them have no saved result" in notes
    with open_table(tmp_path / "t.xlsx", sheet="Lists") as table:
        assert table.count == 1
    with pytest.raises(TableUnavailable, match="choose from Lists, Sales, Sums"):
        open_table(tmp_path / "t.xlsx", sheet="None")


def test_only_changed_cells_differ_and_undo_restores_bit_for_bit(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx")
    target = cleaned(
        path,
        [
            change(1, "price", "1O5", "105"),
            change(1, "amount", None, "210"),
            change(2, "town", None, "Bath <&> Cork"),
            change(3, "count", "1", "2"),
            change(3, "amount", "3", "6"),
        ],
    )
    before, after = parts_of(path), parts_of(target)
    assert list(before) == list(after)
    assert [name for name in before if before[name] != after[name]] == [SHEET]
    old, new = cells_of(before[SHEET]), cells_of(after[SHEET])
    assert {place for place in new if old.get(place) != new[place]} == {b"C5", b"B6", b"D7"}
    # Formulas are calculated again when the workbook is opened; until then their results are those saved.
    assert after[SHEET].count(b"<f>") == before[SHEET].count(b"<f>") == 5
    assert b'</sheetData><sheetCalcPr fullCalcOnLoad="1"/>' in after[SHEET]
    book = openpyxl.load_workbook(target)
    sheet = book["Sales"]
    assert (sheet["C5"].value, sheet["B6"].value, sheet["D7"].value) == (105, "Bath <&> Cork", 2)
    assert sheet["C5"].font.bold
    assert sheet["E7"].value == "=C7*D7"
    assert sheet["B4"].comment.text == "Ask Ann."
    assert [str(found.sqref) for found in sheet.data_validations.dataValidation] == ["B4:B7"]
    assert book["Lists"].sheet_state == "hidden"
    assert {change["attribute"] for change in read_changes(tmp_path / "log.jsonl")} == {"price", "town", "count"}
    results = openpyxl.load_workbook(target, data_only=True)["Sales"]
    assert (results["E4"].value, results["E6"].value, results["E8"].value) == (6, 6.75, 15.75)


def test_kinds_of_values_are_kept_where_the_new_ones_allow_it(tmp_path: Path) -> None:
    import datetime

    book = openpyxl.Workbook()
    book.active.append(["name", "day", "done", "share"])
    book.active.append(["Ann", datetime.datetime(2024, 5, 1), True, 0.5])
    book.active.append(["Bob", datetime.datetime(2024, 5, 2), False, 0.25])
    path = tmp_path / "t.xlsx"
    book.save(path)
    target = cleaned(
        path,
        [
            change(0, "day", "2024-05-01", "2024-06-01"),
            change(0, "done", "TRUE", "FALSE"),
            change(1, "name", "Bob", " Bo\nb "),
            change(1, "day", "2024-05-02", "unknown"),
            change(1, "share", "0.25", "0.75"),
        ],
    )
    rows = list(openpyxl.load_workbook(target).active.iter_rows(min_row=2, values_only=True))
    assert rows == [("Ann", datetime.datetime(2024, 6, 1), False, 0.5), (" Bo\nb ", "unknown", False, 0.75)]


def test_cells_and_rows_that_are_not_in_the_file_are_put_where_they_belong(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["a", "b", "c", "d"], ["1", None, None, "4"], [None, "2", None, None], ["5", "6", "7", None]):
        book.active.append(row)
    path = tmp_path / "t.xlsx"
    book.save(path)
    target = cleaned(
        path,
        [change(0, "b", None, "x"), change(0, "c", None, "y"), change(1, "a", None, "z"), change(2, "d", None, "w")],
    )
    rows = list(openpyxl.load_workbook(target).active.iter_rows(min_row=2, values_only=True))
    assert rows == [("1", "x", "y", "4"), ("z", "2", None, None), ("5", "6", "7", "w")]
    with open_table(target) as table:
        assert table.count == 3


def test_a_sheet_with_a_prefix_and_without_references_is_edited(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.save(path)
    parts = parts_of(path)
    parts["xl/worksheets/sheet1.xml"] = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>'
        b'<x:row><x:c t="inlineStr"><x:is><x:t>a</x:t></x:is></x:c>'
        b'<x:c t="inlineStr"><x:is><x:t>b</x:t></x:is></x:c></x:row>'
        b"<x:row><x:c><x:v>1</x:v></x:c><x:c><x:v>2</x:v></x:c></x:row><x:row><x:c><x:v>3</x:v></x:c></x:row>"
        b"</x:sheetData></x:worksheet>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    target = cleaned(path, [change(0, "b", "2", "7"), change(1, "b", None, "8")])
    with open_table(target) as table:
        assert [tuple(record.values()) for _, record in table.records()] == [("1", "7"), ("3", "8")]


def test_array_formulas_and_merged_cells_are_never_written(tmp_path: Path) -> None:
    from openpyxl.worksheet.formula import ArrayFormula

    book = openpyxl.Workbook()
    for row in (["region", "n", "twice"], ["North", 1, 2], [None, 2, 4], ["South", 3, 6]):
        book.active.append(row)
    book.active["C2"] = ArrayFormula("C2:C4", "=B2:B4*2")
    book.active.merge_cells("A2:A3")
    path = tmp_path / "t.xlsx"
    book.save(path)
    with open_table(path) as table:
        assert [record["region"] for _, record in table.records()] == ["North", "North", "South"]
    target = cleaned(path, [change(1, "region", None, "North"), change(1, "twice", "4", "5"), change(2, "n", "3", "4")])
    assert (
        cells_of(parts_of(target)["xl/worksheets/sheet1.xml"]).keys()
        == cells_of(parts_of(path)["xl/worksheets/sheet1.xml"]).keys()
    )
    assert [entry["attribute"] for entry in read_changes(tmp_path / "log.jsonl")] == ["n"]


def test_a_workbook_of_empty_or_hidden_sheets_says_so(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Data").append(["a"])
    book["Data"].sheet_state = "hidden"
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(TableUnavailable, match="name a hidden one to read it: Data"):
        open_table(tmp_path / "t.xlsx")


def test_a_table_that_begins_to_the_right_is_found(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["B2"] = "Stock"
    for row, values in enumerate([("sku", "n"), ("A1", 5), ("B2", 6), ("C3", 7)], 4):
        book.active.cell(row, 3, values[0])
        book.active.cell(row, 4, values[1])
    path = tmp_path / "t.xlsx"
    book.save(path)
    with open_table(path) as table:
        assert table.columns == ("sku", "n")
        assert table.count == 3
    target = cleaned(path, [change(1, "n", "6", "8")])
    assert openpyxl.load_workbook(target).active["D6"].value == 8


def test_the_size_that_a_sheet_claims_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    for row in (["a", "b"], [1, 2], [3, 4]):
        book.active.append(row)
    book.save(path)
    for claim in ("A1:XFD1048576", "A1"):
        parts = parts_of(path)
        name = "xl/worksheets/sheet1.xml"
        parts[name] = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="%s"' % claim.encode(), parts[name])
        with zipfile.ZipFile(tmp_path / "claim.xlsx", "w") as archive:
            for part, content in parts.items():
                archive.writestr(part, content)
        with open_table(tmp_path / "claim.xlsx") as table:
            assert table.columns == ("a", "b")
            assert table.count == 2


def assert_read_or_refused(path: Path) -> None:
    """Whatever is in the file, nothing but one sentence comes of it."""
    with contextlib.suppress(TableUnavailable), open_table(path) as table:
        assert table.columns


@pytest.mark.parametrize("part", ["xl/workbook.xml", SHEET, "xl/styles.xml", "[Content_Types].xml", "_rels/.rels"])
@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "other"])
def test_a_broken_workbook_is_one_sentence(tmp_path: Path, part: str, damage: str) -> None:
    path = workbook(tmp_path / "t.xlsx")
    parts = parts_of(path)
    content = parts.pop(part)
    if damage != "gone":
        parts[part] = {"cut": content[: len(content) // 2], "empty": b"", "other": b"<a><b x='1'/></a>"}[damage]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert_read_or_refused(path)


def test_bytes_of_a_workbook_that_changed_on_the_way_are_one_sentence(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx")
    content = path.read_bytes()
    for place in range(40, len(content), len(content) // 40):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        assert_read_or_refused(path)
