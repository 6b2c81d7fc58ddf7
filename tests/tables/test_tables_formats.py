"""Tables in other formats: older and other workbooks, JSON arrays, compressed files, and what is not read at all."""

from __future__ import annotations

import base64
import gzip
import json
import zipfile
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from dp_tools.cli import main
from dp_tools.errors import TableUnavailable
from dp_tools.rules.rule import Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.change_log import Change, undo, write_changes
from dp_tools.tables.io.formats import LARGEST_UNPACKED
from dp_tools.tables.snapshot import open_file, open_table

XLS = base64.b85decode(
    "c-rk)O-vI(6#iy^=#QneSV+KxY)C`}F33SISimS3AgBj_LZYSAgp{<T#l&(@6girhc+z+w;o=4L;!pITHxDKlJ(!r7fF3=WXyO67"
    "zIi)KiuOPgY?SP`nKy6V%(pYM^XAR&zFm&4EIevn#cwzQ9Ys5Uni89!6mSa>P`zzS)y@5sY!Ckx0)AS^8WYcJ-}vMj%Jp7_hKI&0"
    "lE7z5qnN^QHj}cdh<+YJLdY@n2!ni2!#zr2H1W9VSteQTX8C~IzF^tQmYXblsO^e4hvoQi`(e6|yv}H?To)!O@Ps)Z+0umuyq11^"
    "^_Fma-b7z+A~E@IR<sx)EP_^UAeBkw5|b;4(Go7=hiw7h-M#wK^6b^M3y}TiX1lM9{kCQRv#>7+>4@{Fg>E>@J2;V_&P&5tQ#Lhm"
    "YC4-tuVD}&D(-T^@nzE4Ze=f8Ly3Y8<kOd^B15G7L?)RcpYH1-(SMMv1yYW7Q`I4BDw!w4Oi+e&4grx(A)uBwMu_A%>R6BR_J~lB"
    "U%UV9-O$)b{5)G`IqW-!!(KTX*tjMcL=JD%II^7?9W1Z&UH7ow%rZukq`YmUK`F=QxXlf&ZKHm=8Smr!O7#7t&woAfv}OKF`~c}o"
    "1FJK!r4R81w9;WUt~UG}Iz^|rdq?6~+|7jwBcE6{{Si|9T11WARwrN`))8bi>Kv0=Jsz{xTXIlV<Ec6av%ce=s!%O7p55ja8n=+r"
    "Daq%jZ<I7D8H%l!Ve8D6yXlH1OOoBF*gCVJ*hU$)!R#8vHkjQJgsPKlpJJP3*e0|6syCC_fsK-62VHN{%6XFq4<0;t@ZiD2wn4sb"
    "Y3fDN;O`9Q)zYW_>#S2MdcR3_EKVXz*ED^W9z%xm910crPa{m>-b-we<Nhy{I8D9hkj5B~BVDoo(x-+fozIquk?q?;mG)n(WSoDw"
    "|6hW$16="
)
"""A workbook of Excel 97: a hidden sheet, and a visible one with a title above a table of three records."""

CSV = b"id,ounces\n1,12\n2,12 oz\n3,12\n4,12\n"


def records_of(path: Path) -> list[tuple[str | None, ...]]:
    with open_table(path) as table:
        return [tuple(record.values()) for _, record in table.records()]


def changed(path: Path, row: int, attribute: str, old: str | None, new: str) -> tuple[bytes, bytes]:
    """The bytes after a change and after undoing it."""
    target, log = path.with_name(f"cleaned{path.suffix}"), path.with_name("log.jsonl")
    write_changes(open_file(path), [Change(row, attribute, old, new, 0.9, "A test.", "rule")], target, log)
    undo(target, log, path.with_name(f"restored{path.suffix}"))
    return target.read_bytes(), path.with_name(f"restored{path.suffix}").read_bytes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store whose rule decides every cell of `ounces`, so that no model is loaded."""
    monkeypatch.chdir(tmp_path)
    with KnowledgeStore.open(tmp_path / "rules.db", import_shipped=False) as store:
        rule = Rule(
            id="ounces",
            task="detect_errors",
            attribute="ounces",
            statement="ounces is a number.",
            check={"type": "number"},
            decides="both",
        )
        store.add(rule, who="a test")
    return tmp_path


def clean(name: str) -> None:
    job = ("-a", "ounces", "--knowledge", "rules.db", "--state", "state")
    done = CliRunner().invoke(main, ["clean", name, *job])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[-1])["changed"] == 1


def test_an_xls_workbook_is_read_and_its_result_is_csv(folder: Path) -> None:
    pytest.importorskip("python_calamine")
    (folder / "stock.xls").write_bytes(zlib.decompress(XLS))
    with open_table(folder / "stock.xls") as table:
        assert table.columns == ("sku", "n", "since")
        assert table.reading.format == "xls"
        assert table.reading.options["sheet"] == "Stock"
        assert "Lists (hidden)" in table.reading.notes[0]
        assert "The header is in line 3" in table.reading.notes[1]
    assert records_of(folder / "stock.xls") == [("A1", "5", "x"), ("B2", "6.5", "y"), ("C3", "7 pcs", "z")]
    (folder / "bad.xls").write_bytes(b"no workbook")
    with pytest.raises(TableUnavailable, match=r"cannot be read as \.xls"):
        open_table(folder / "bad.xls")


def ods(path: Path, rows: list[list[str]]) -> Path:
    space = "urn:oasis:names:tc:opendocument:xmlns"
    lines = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{space}:office:1.0" '
        f'xmlns:table="{space}:table:1.0" xmlns:text="{space}:text:1.0" office:version="1.2"><office:body>'
        f'<office:spreadsheet><table:table table:name="Beers">{lines}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("content.xml", content)
        manifest = f'<manifest:manifest xmlns:manifest="{space}:manifest:1.0"/>'
        archive.writestr("META-INF/manifest.xml", manifest)
    return path


def test_an_ods_workbook_is_cleaned_into_csv_which_can_be_undone(folder: Path) -> None:
    pytest.importorskip("python_calamine")
    ods(folder / "beers.ods", [line.split(",") for line in CSV.decode().splitlines()])
    clean("beers.ods")
    assert (folder / "beers.clean.csv").read_bytes() == CSV.replace(b"12 oz", b"12")
    undo(folder / "beers.clean.csv", folder / "beers.clean.changes.jsonl", folder / "back.csv")
    assert (folder / "back.csv").read_bytes() == CSV


ARRAYS = {
    "pretty": json.dumps([{"id": 1, "name": "é", "tags": ["x"]}, {"id": 2, "name": None}], indent=2) + "\n",
    "dense": '[{"id":1,"name":"\\u00e9","tags":["x"]},{"id":2,"name":null}]',
    "with a mark": '\ufeff[ {"id" : 1, "name":"é", "tags":["x"]}\r\n , {"id":2,"name":null} ]',
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_of_objects_is_read_and_only_changed_values_are_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(ARRAYS[name].encode())
    assert records_of(path) == [("1", "é", '["x"]'), ("2", None, None)]
    cleaned, restored = changed(path, 1, "name", None, "Bob")
    assert cleaned.decode() == ARRAYS[name].replace("null", '"Bob"')
    assert restored == path.read_bytes()
    cleaned, restored = changed_again(path, 1, "tags", None, "none")
    assert json.loads(cleaned.decode("utf-8-sig"))[1] == {"id": 2, "name": None, "tags": "none"}
    assert restored == path.read_bytes()
    assert json.loads(changed_again(path, 0, "id", "1", "7")[0].decode("utf-8-sig"))[0]["id"] == 7


def changed_again(path: Path, row: int, attribute: str, old: str | None, new: str) -> tuple[bytes, bytes]:
    for name in ("cleaned.json", "restored.json", "log.jsonl"):
        path.with_name(name).unlink()
    return changed(path, row, attribute, old, new)


def test_json_lines_may_be_called_json(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"a": 1}\n{"a": 2}\n')
    assert records_of(path) == [("1",), ("2",)]
    cleaned, restored = changed(path, 1, "a", "2", "3")
    assert cleaned == b'{"a": 1}\n{"a": 3}\n'
    assert restored == path.read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2]", "Item 1 of t.json is not a JSON object"),
        ('[{"a": 1} {"a": 2}]', "broken after item 1"),
        ('[{"a": 1}', "broken after item 1"),
        ('[{"a": }]', "Item 1 of t.json is not JSON"),
        ('[{"a": 1}] x', "goes on after its array"),
        ("[]", "is empty"),
        ("", "holds no array"),
        ("7", "holds no array"),
        ('{"data": [{"a": 1}]}', "holds no array"),
        ('{\n"a": 1\n}', "holds no array"),
        ("[" * 5000, "Item 1 of t.json is not JSON"),
        ('[{"a": "\\ud800"}]', "half a character"),
    ],
)
def test_json_that_is_no_table_is_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(content)
    with pytest.raises(TableUnavailable, match=message):
        open_table(path)


def test_a_compressed_table_is_cleaned_into_a_plain_one(folder: Path) -> None:
    (folder / "beers.csv.gz").write_bytes(gzip.compress(CSV))
    with zipfile.ZipFile(folder / "stock.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/beers of may.csv", CSV)
        archive.writestr("README", "About it.")
        archive.writestr("__MACOSX/data/._beers of may.csv", "x")
    for name, plain in (("beers.csv.gz", "beers.clean"), ("stock.zip", "stock.clean")):
        assert records_of(folder / name)[1] == ("2", "12 oz")
        clean(name)
        assert (folder / f"{plain}.csv").read_bytes() == CSV.replace(b"12 oz", b"12")
        undo(folder / f"{plain}.csv", folder / f"{plain}.changes.jsonl", folder / f"{plain}.back.csv")
        assert (folder / f"{plain}.back.csv").read_bytes() == CSV


def test_what_a_compressed_file_lacks_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", CSV)
        archive.writestr("b.csv", CSV)
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("README", "About it.")
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    (tmp_path / "bad.csv.gz").write_bytes(b"no archive")
    (tmp_path / "half.csv.gz").write_bytes(gzip.compress(CSV * 100)[:-20])
    (tmp_path / "what.gz").write_bytes(gzip.compress(CSV))
    for name, message in (
        ("two.zip", "holds 2 tables"),
        ("none.zip", "holds no table"),
        ("bad.zip", "cannot be opened"),
        ("bad.csv.gz", "cannot be unpacked"),
        ("half.csv.gz", "cannot be unpacked"),
        ("what.gz", "holds no table"),
    ):
        with pytest.raises(TableUnavailable, match=message):
            open_table(tmp_path / name)
    assert LARGEST_UNPACKED == 2 * 2**30
    monkeypatch.setattr("dp_tools.tables.io.formats.LARGEST_UNPACKED", 10)
    (tmp_path / "large.csv.gz").write_bytes(gzip.compress(CSV))
    with pytest.raises(TableUnavailable, match="unpacks to more than"):
        open_table(tmp_path / "large.csv.gz")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("t.numbers", "export it as .xlsx"),
        ("t.pdf", "ask for the data"),
        ("t.xml", "convert it"),
        ("t.7z", "unpack it"),
    ],
)
def test_a_known_kind_that_is_not_read_says_what_it_is(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(TableUnavailable, match=message):
        open_table(tmp_path / name)


def test_a_workbook_that_claims_more_cells_than_fit_into_memory_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    path = ods(tmp_path / "t.ods", [["a", "b"], ["1", "2"]])
    with zipfile.ZipFile(path) as archive:
        content = archive.read("content.xml").decode()
    many = 'table:number-rows-repeated="1048576"', 'table:number-columns-repeated="16384"'
    content = content.replace("<table:table-row>", f"<table:table-row {many[0]}>")
    content = content.replace("<table:table-cell ", f"<table:table-cell {many[1]} ")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<x/>")
    with pytest.raises(TableUnavailable, match="too large"):
        open_table(path)
