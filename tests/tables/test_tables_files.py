"""Reading files of any kind and writing them back: nothing re-typed, nothing lost, nothing outside the roots."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from unwritable import nothing_writable, shelf

from dp_tools.errors import DpToolsError, InvalidRequest, TableUnavailable
from dp_tools.sqlite_file import reading_uri
from dp_tools.tables.change_log import Change, read_changes, undo, write_changes
from dp_tools.tables.io.delimited import LONGEST_RECORD
from dp_tools.tables.io.paths import Roots, new_file
from dp_tools.tables.snapshot import Table, inline_table, open_file, open_table


def values_of(table: Table) -> list[dict[str, str | None]]:
    with table:
        return [record for _, record in table.records()]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail_half_way(target: Path) -> None:
    with new_file(target, overwrite=True) as part:
        part.write_text("half")
        raise KeyboardInterrupt


def be_overtaken(target: Path) -> None:
    with new_file(target) as part:
        part.write_text("ours")
        target.write_text("theirs")


def change(row: int, attribute: str, old: str | None, new: str) -> Change:
    return Change(row, attribute, old, new, 0.9, "A test.", "rule")


def clean_and_undo(path: Path, changes: list[Change], **options: object) -> tuple[bytes, bytes]:
    file = open_file(path, **options)
    cleaned, log = path.with_name(f"cleaned{path.suffix}"), path.with_name("log.jsonl")
    write_changes(file, changes, cleaned, log)
    restored = path.with_name(f"restored{path.suffix}")
    undo(cleaned, log, restored)
    return cleaned.read_bytes(), restored.read_bytes()


def test_values_stay_strings_as_found(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,zip,price\n007,01234,1.50\n008,,true\n")
    assert values_of(open_table(path)) == [
        {"id": "007", "zip": "01234", "price": "1.50"},
        {"id": "008", "zip": "", "price": "true"},
    ]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_dialect_and_encoding_are_found_and_reported(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = tmp_path / "t.csv"
    lines = [("name", "town"), *(("Zoë Müller, Jr", "Genève") for _ in range(30))]
    text = "\r\n".join(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in line) for line in lines)
    path.write_bytes(text.encode(encoding))
    with open_table(path) as table:
        assert table.columns == ("name", "town")
        assert next(table.records())[1] == {"name": "Zoë Müller, Jr", "town": "Genève"}
        assert table.reading.options["delimiter"] == delimiter
        assert table.reading.options["encoding"]


def test_unchanged_records_are_written_as_they_were_and_undo_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    original = b'a,"b",c\r\n"1",x,"say ""hi"""\r\n\r\n 2 ,"y\r\nz",\n3,w,end'
    path.write_bytes(original)
    cleaned, restored = clean_and_undo(path, [change(0, "b", "x", "X,1"), change(2, "c", "end", "END")])
    assert cleaned == b'a,"b",c\r\n"1","X,1","say ""hi"""\r\n\r\n 2 ,"y\r\nz",\n3,w,END'
    assert restored == original


cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Cs",)), max_size=8)


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=6),
    ending=st.sampled_from(["\n", "\r\n"]),
    data=st.data(),
)
def test_any_change_to_any_csv_can_be_undone_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], ending: str, data: st.DataObject
) -> None:
    import csv
    import io

    # The writer leaves a lone carriage return without quotes where lines end in "\n", which makes two lines of one.
    assume(ending == "\r\n" or not any("\r" in cell for row in rows for cell in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=ending)
    writer.writerows([("a", "b", "c"), *rows])
    path = tmp_path_factory.mktemp("undo") / "t.csv"
    path.write_bytes(text.getvalue().encode())
    options = {"delimiter": ",", "header": True, "encoding": "utf-8", "ragged": "set aside"}
    numbered = list(open_file(path, **options).rows())
    changed = data.draw(st.lists(st.sampled_from([number for number, _ in numbered]), unique=True)) if numbered else []
    new = data.draw(cells)
    changes = [change(row, "b", dict(numbered)[row][1], new) for row in sorted(changed)]
    file = open_file(path, **options)
    cleaned, log = path.with_name("cleaned.csv"), path.with_name("log.jsonl")
    write_changes(file, changes, cleaned, log)
    got = dict(open_file(cleaned, **options).rows())
    assert all(got[row][1] == new for row in changed)
    assert {row: got[row] for row, _ in numbered if row not in changed} == {
        row: values for row, values in numbered if row not in changed
    }
    undo(cleaned, log, path.with_name("restored.csv"))
    assert path.with_name("restored.csv").read_bytes() == path.read_bytes()


def test_json_lines_keep_numbers_and_nesting_as_written(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    original = b'{"id": 1.50, "tags": ["a", 2], "name": null}\n\n{"name":"x","id":007e1}\n'.replace(b"007e1", b"7e1")
    path.write_bytes(original)
    assert values_of(open_table(path)) == [
        {"id": "1.50", "tags": '["a", 2]', "name": None},
        {"id": "7e1", "tags": None, "name": "x"},
    ]
    cleaned, restored = clean_and_undo(path, [change(0, "name", None, "y"), change(1, "id", "7e1", "8.0")])
    assert b'"name": "y"' in cleaned
    assert b'"id": 8.0' in cleaned
    assert restored == original


def test_parquet_keeps_types_of_columns_and_undo_gives_the_values_back(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"n": [1, 2, None], "s": ["a", "b", "c"], "f": [0.5, 1.0, 2.0]})
    frame.write_parquet(path)
    write_changes(
        open_file(path),
        [change(1, "n", "2", "20"), change(2, "n", None, "3"), change(2, "s", "c", "C")],
        tmp_path / "c.parquet",
        tmp_path / "log.jsonl",
    )
    cleaned = pl.read_parquet(tmp_path / "c.parquet")
    assert cleaned.schema == frame.schema
    assert cleaned.rows() == [(1, "a", 0.5), (20, "b", 1.0), (3, "C", 2.0)]
    undo(tmp_path / "c.parquet", tmp_path / "log.jsonl", tmp_path / "r.parquet")
    assert pl.read_parquet(tmp_path / "r.parquet").equals(frame)


def test_excel_changes_only_the_cells_named(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["name", "count"])
    book.active.append(["ann", 3])
    book.active.append([None, 4.5])
    book.create_sheet("Other").append(["kept"])
    path = tmp_path / "t.xlsx"
    book.save(path)
    assert values_of(open_table(path)) == [{"name": "ann", "count": "3"}, {"name": None, "count": "4.5"}]
    clean_and_undo(path, [change(0, "count", "3", "5"), change(1, "name", None, "bob")])
    cleaned = openpyxl.load_workbook(tmp_path / "cleaned.xlsx")
    assert [cell.value for row in cleaned.worksheets[0].iter_rows() for cell in row] == [
        "name",
        "count",
        "ann",
        5,
        "bob",
        4.5,
    ]
    assert cleaned["Other"]["A1"].value == "kept"
    assert values_of(open_table(tmp_path / "restored.xlsx")) == values_of(open_table(path))


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_table_or_a_query_of_a_database_is_read_and_a_table_written_back(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("t.db" if kind == "sqlite" else "t.duckdb")
    connection = sqlite3.connect(path) if kind == "sqlite" else pytest.importorskip("duckdb").connect(str(path))
    connection.execute("CREATE TABLE people (id INTEGER, name VARCHAR)")
    connection.execute("INSERT INTO people VALUES (1, 'ann'), (2, 'bbo')")
    connection.commit()
    connection.close()
    assert values_of(open_table(path, query="SELECT name FROM people WHERE id = 2")) == [{"name": "bbo"}]
    clean_and_undo(path, [change(1, "name", "bbo", "bob")])
    assert values_of(open_table(tmp_path / f"cleaned{path.suffix}"))[1] == {"id": "2", "name": "bob"}
    assert values_of(open_table(tmp_path / f"restored{path.suffix}"))[1] == {"id": "2", "name": "bbo"}


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH '{other}' AS o",
        "DELETE FROM people",
        "SELECT 1; DELETE FROM people",
        "PRAGMA writable_schema=1",
        "SELECT load_extension('x')",
    ],
)
def test_a_query_can_neither_change_a_database_nor_leave_it(tmp_path: Path, query: str) -> None:
    path = tmp_path / "t.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE people (id)")
    connection.execute("INSERT INTO people VALUES (1)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(DpToolsError):
        open_table(path, query=query.format(other=tmp_path / "other.db"))
    assert path.read_bytes() == before
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize("query", ["COPY (SELECT 1) TO '{other}'", "SELECT * FROM read_text('{secret}')"])
def test_a_duckdb_query_cannot_reach_other_files(tmp_path: Path, query: str) -> None:
    path, secret = tmp_path / "t.duckdb", tmp_path / "secret.txt"
    secret.write_text("secret")
    pytest.importorskip("duckdb").connect(str(path)).close()
    with pytest.raises(DpToolsError):
        open_table(path, query=query.format(other=tmp_path / "other.csv", secret=secret))
    assert not (tmp_path / "other.csv").exists()


def test_ragged_rows_are_refused_by_line_or_set_aside_untouched(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n1,2\n3\n4,5,6\n7,8\n")
    with pytest.raises(TableUnavailable, match=r"Line 3 of t\.csv has 1 value, the first line has 2"):
        open_table(path)
    with open_table(path, ragged="set aside") as table:
        assert [number for number, _ in table.records()] == [0, 3]
        assert "2 records" in table.reading.notes[-1]
    cleaned, restored = clean_and_undo(path, [change(3, "b", "8", "9")], ragged="set aside")
    assert cleaned == b"a,b\n1,2\n3\n4,5,6\n7,9\n"
    assert restored == path.read_bytes()


def test_duplicate_and_empty_headers_get_names_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,a,,a_2\n1,2,3,4\n")
    with open_table(path) as table:
        assert table.columns == ("a", "a_3", "column_3", "a_2")
        assert len(table.reading.notes) == 2
    cleaned, _ = clean_and_undo(path, [change(0, "a_3", "2", "9")])
    assert cleaned == b"a,a,,a_2\n1,9,3,4\n"


def test_a_file_without_header_is_noticed_and_keeps_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("1,2020-01-02,ann\n2,2020-01-03,bob\n3,2020-01-04,cid\n")
    with open_table(path) as table:
        assert table.columns == ("column_1", "column_2", "column_3")
        assert table.count == 3
        assert "looks like data" in table.reading.notes[0]
    with open_table(path, header=True) as table:
        assert table.count == 2


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(TableUnavailable, match="empty"):
        open_table(path)


def test_a_header_alone_is_a_table_without_records(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n")
    with open_table(path) as table:
        assert table.count == 0
        assert list(table.records()) == []


def test_a_single_line_of_a_gigabyte_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.truncate(2**30)
        file.seek(0)
        file.write(b"a,b\n" + b"x" * (LONGEST_RECORD // 4))
    script = (
        "import sys\n"
        "from dp_tools.tables.snapshot import open_table\n"
        "from dp_tools.errors import TableUnavailable\n"
        "try:\n    open_table(sys.argv[1], encoding='latin-1', delimiter=',')\n"
        "except TableUnavailable as error:\n    print(error)\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "print(int(status['VmHWM'].split()[0]) // 1024)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    message, peak = run.stdout.strip().splitlines()
    assert "Line 2 of t.csv is longer than 16 MB" in message
    assert int(peak) < 600


def test_an_unclosed_quote_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,2\n3,"4\n5,6\n')
    with pytest.raises(TableUnavailable, match=r"line 3 of t\.csv is never closed"):
        open_table(path)
    assert values_of(open_table(path, quote=""))[1] == {"a": "3", "b": '"4'}


def test_mixed_encodings_are_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("a,b\nZoë,1\n".encode() + "Müller,2\n".encode("cp1252"))
    with pytest.raises(TableUnavailable, match="mixes encodings: line 2 is UTF-8, line 3 is not"):
        open_table(path)
    assert values_of(open_table(path, encoding="cp1252"))[1] == {"a": "Müller", "b": "2"}


def test_a_bad_byte_far_into_the_file_is_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n" + b"some text,1\n" * 150_000 + b"\xff,2\n")
    with pytest.raises(TableUnavailable, match="is not utf-8 throughout"):
        open_table(path)


def test_an_unknown_ending_and_a_missing_file_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "t.xyz").write_text("a")
    with pytest.raises(TableUnavailable, match="no ending that says what it is"):
        open_table(tmp_path / "t.xyz")
    with pytest.raises(TableUnavailable, match="There is no file"):
        open_table(tmp_path / "none.csv")
    (tmp_path / "t.parquet").write_text("a")
    with pytest.raises(TableUnavailable, match="cannot be read as Parquet"):
        open_table(tmp_path / "t.parquet")
    (tmp_path / "t.db").write_text("not a database, but long enough to be looked at" * 50)
    with pytest.raises(TableUnavailable, match="cannot be read as sqlite"):
        open_table(tmp_path / "t.db")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("half.jsonl", '{"a": "\\ud800x"}\n', "half a character"),
        ("list.jsonl", "[1, 2]\n", "not a JSON object"),
        ("text.jsonl", '{"a": 1}\nno\n', "Line 2 of text.jsonl is not JSON"),
        ("name.csv", "\x1frow,b\n1,2\n", "not a name"),
        ("bad.xlsx", "no", "as an Excel workbook"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_one_sentence(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TableUnavailable, match=message):
        open_table(tmp_path / name)


def test_an_inline_table_has_at_most_200_rows() -> None:
    assert values_of(inline_table([{"a": "1"}, {"a": None}])) == [{"a": "1"}, {"a": None}]
    with pytest.raises(InvalidRequest, match="201 records are too many"):
        inline_table([{"a": "1"}] * 201)


def test_paths_outside_the_roots_are_refused(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    (other / "secret.csv").write_text("a\n1\n")
    (root / "in.csv").write_text("a\n1\n")
    (root / "link.csv").symlink_to(other / "secret.csv")
    (root / "folder").symlink_to(other)
    (root / "loop").symlink_to(root / "loop")
    roots = Roots.of([root])
    assert roots.to_read("in.csv") == (root / "in.csv").resolve()
    assert roots.to_read(root / "in.csv") == (root / "in.csv").resolve()
    second = tmp_path / "second"
    second.mkdir()
    (second / "there.csv").write_text("a\n1\n")
    assert Roots.of([root, second]).to_read("there.csv") == (second / "there.csv").resolve()
    for path in ("../other/secret.csv", other / "secret.csv", "link.csv", "folder/secret.csv"):
        with pytest.raises(TableUnavailable, match="lies outside"):
            roots.to_read(path)
    for path in ("../new.csv", "folder/new.csv", "link.csv"):
        with pytest.raises(TableUnavailable, match="lies outside"):
            roots.to_write(path)
    for path in ("loop", "a\x00b", "none.csv", "."):
        with pytest.raises(TableUnavailable):
            roots.to_read(path)


def test_nothing_is_overwritten_unasked_and_nothing_is_left_half_written(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("mine")
    with pytest.raises(TableUnavailable, match="already exists"), new_file(target) as part:
        part.write_text("theirs")
    assert target.read_text() == "mine"
    with pytest.raises(KeyboardInterrupt):
        fail_half_way(target)
    assert target.read_text() == "mine"
    assert names_in(tmp_path) == ["out.csv"]
    with new_file(target, overwrite=True) as part:
        part.write_text("theirs")
    assert target.read_text() == "theirs"


def test_a_file_that_appears_while_another_is_written_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with pytest.raises(TableUnavailable, match="already exists"):
        be_overtaken(target)
    assert target.read_text() == "theirs"


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "x,y\n" * 100_000)
    file = open_file(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(TableUnavailable, match="no room left"):
            write_changes(file, [change(0, "a", "x", "z")], tmp_path / "out.csv", tmp_path / "log.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names_in(tmp_path) == ["t.csv"]


def test_undo_refuses_a_file_that_was_changed_since(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    write_changes(open_file(path), [change(0, "b", "2", "3")], tmp_path / "c.csv", tmp_path / "log.jsonl")
    assert [entry["new"] for entry in read_changes(tmp_path / "log.jsonl")] == ["3"]
    (tmp_path / "c.csv").write_text("a,b\n1,4\n")
    with pytest.raises(TableUnavailable, match="was changed since"):
        undo(tmp_path / "c.csv", tmp_path / "log.jsonl", tmp_path / "r.csv")
    assert not (tmp_path / "r.csv").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such folders")
def test_a_database_with_a_journal_of_its_own_is_read_where_nothing_can_be_written() -> None:
    with shelf() as folder:
        with contextlib.closing(sqlite3.connect(folder / "beers.db")) as database, database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE beers (name TEXT)")
            database.execute("INSERT INTO beers VALUES ('Lager')")
        # Not by `open_table`: its process may not be started by the user that the test becomes.
        with nothing_writable(folder):
            uri = reading_uri(folder / "beers.db")
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
                assert database.execute("SELECT name FROM beers").fetchall() == [("Lager",)]
