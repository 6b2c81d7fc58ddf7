"""Over forty files made to break a reader: damaged, lying about what they are, or small and unfolding to much."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import polars as pl

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'


def workbook(sheet: str = HEADER, **parts: str | None) -> bytes:
    """A workbook whose only sheet holds these rows; `parts` replace others (None leaves one out)."""
    made = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append(["x", 1])
    book.save(made)
    body = f'<?xml version="1.0"?><worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>'
    changes: dict[str, str | None] = {"xl/worksheets/sheet1.xml": body, **parts}
    out = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        names = [*old.namelist(), *(name for name in changes if name not in old.namelist())]
        for name in names:
            text = changes.get(name, None if name in changes else old.read(name).decode())
            if text is not None:
                new.writestr(name, text)
    return out.getvalue()


def sparse_workbook(*cells: str) -> bytes:
    """A workbook with a value in each of these cells and nothing else."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    for cell in cells:
        book.active[cell] = "x"
    book.save(out)
    return out.getvalue()


def row(cell: str) -> str:
    return f'{HEADER}<row r="2">{cell}</row>'


def parquet(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out, compression="zstd")
    return out.getvalue()


def sqlite(folder: Path, *statements: str) -> bytes:
    path = folder / "made.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path.read_bytes()


def broken(data: bytes, at: float, to: bytes = b"\xff\x00\xff\x00") -> bytes:
    place = int(len(data) * at)
    return data[:place] + to + data[place + len(to) :]


def hostile(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each file; `folder` is for making them."""
    strings = f'<sst xmlns="{MAIN}"><si><t>{"x" * 32_000}</t></si></sst>'
    entities = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    simple = pl.DataFrame({"a": ["x", "y"] * 50, "b": ["1", "2"] * 50})
    keys = [json.dumps({f"key {n}": n}) for n in range(20_000)]
    nested = json.dumps({"a": "x"}) + '\n{"a": ' + "[" * 900 + "]" * 900 + "}\n"
    yield "corners.xlsx", sparse_workbook("XFD1", "A1048576")
    yield "wide header and one cell far down.xlsx", sparse_workbook("A1", "FZZ1", "A1048576")
    yield "cut.xlsx", workbook()[:700]
    yield "not a zip.xlsx", b"PK\x03\x04" + b"\x00" * 100
    yield "no sheet.xlsx", workbook(**{"xl/worksheets/sheet1.xml": None})
    yield "no workbook.xlsx", workbook(**{"xl/workbook.xml": None})
    yield "no content types.xlsx", workbook(**{"[Content_Types].xml": None})
    yield "sheet cut.xlsx", workbook(**{"xl/worksheets/sheet1.xml": "<worksheet><sheetData><row"})
    yield "styles cut.xlsx", workbook(**{"xl/styles.xml": "<styleSheet"})
    yield "no sheets named.xlsx", workbook(**{"xl/workbook.xml": f'<workbook xmlns="{MAIN}"><sheets/></workbook>'})
    yield "cell nowhere.xlsx", workbook(row('<c r="!!"><v>1</v></c>'))
    yield "shared string that is not there.xlsx", workbook(row('<c r="A2" t="s"><v>999</v></c>'))
    yield "style that is not there.xlsx", workbook(row('<c r="A2" s="999"><v>1</v></c>'))
    yield "a number that is none.xlsx", workbook(row('<c r="A2"><v>1e</v></c>'))
    yield "a date that is none.xlsx", workbook(row('<c r="A2" t="d"><v>2024-99-99</v></c>'))
    yield "a row that is none.xlsx", workbook('<row r="x"><c r="A1"><v>1</v></c></row>')
    yield "a row far away.xlsx", workbook(HEADER + '<row r="9999999999"><c><v>1</v></c></row>')
    yield (
        "entities.xlsx",
        workbook(**{"xl/worksheets/sheet1.xml": f'{entities}]><worksheet xmlns="{MAIN}">&i;</worksheet>'}),
    )
    yield "zip bomb.xlsx", workbook(**{"xl/sharedStrings.xml": " " * 300_000_000})
    yield (
        "cell bomb.xlsx",
        workbook(
            HEADER + "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, 60_000)),
            **{"xl/sharedStrings.xml": strings},
        ),
    )
    yield "keys.jsonl", "\n".join(keys).encode()
    yield "nested.jsonl", nested.encode()
    yield "nested very deep.jsonl", b'{"a": ' + b"[" * 200_000 + b"\n"
    yield "half a character.jsonl", b'{"a": "\\ud800"}\n'
    yield "sparse.jsonl", b"\n".join([json.dumps({f"k{n}": 1 for n in range(4_000)}).encode(), *[b'{"k1":1}'] * 60_000])
    yield "not an object.jsonl", b"[1, 2]\n"
    yield "not utf-8.jsonl", b'{"a": "\xff"}\n'
    yield "a million columns.csv", b",".join(b"c%d" % n for n in range(1_000_000)) + b"\n1\n"
    yield "commas.csv", b"," * 10_000_000
    yield "one line.csv", b"a" * 17_000_000
    yield "never closed.csv", b'a,b\n1,"' + b"x\n" * 9_000_000
    yield "nul.csv", b"\x00" * 1_000
    yield "noise.csv", bytes(range(256)) * 40
    yield "cut.parquet", parquet(simple)[:-20]
    yield "broken.parquet", broken(parquet(simple), 0.9)
    yield "broken pages.parquet", broken(parquet(simple), 0.05)
    yield "lists.parquet", parquet(pl.DataFrame({"a": [[1], [2]]}))
    yield "wide.parquet", parquet(pl.DataFrame({f"c{n}": ["x"] for n in range(6_000)}))
    yield "many rows.parquet", parquet(pl.select(pl.repeat("x", 25_000_000).alias("a")))
    yield "long values.parquet", parquet(pl.DataFrame({"a": ["x" * 20_000_000]}))
    yield "long values.db", sqlite(folder, "CREATE TABLE t (a)", "INSERT INTO t VALUES (hex(zeroblob(9000000)))")
    yield (
        "made up values.db",
        sqlite(folder, "CREATE TABLE t (a, b AS (hex(zeroblob(400000000))))", "INSERT INTO t (a) VALUES (1)"),
    )
    yield "not a database.db", b"SQLite format 3\x00" + b"\xff" * 4_000
    yield "broken.db", broken(sqlite(folder, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"), 0.01, b"\xff" * 60)
    yield "no table.db", sqlite(folder, "CREATE VIEW v AS SELECT 1 AS a")
    yield "empty.duckdb", b""
    yield "noise.duckdb", b"DUCK" * 5_000


MAY_BE_READ = frozenset(
    {
        "wide header and one cell far down.xlsx",
        "style that is not there.xlsx",
        "half a character.jsonl",
        "nul.csv",
        "noise.csv",
        "broken pages.parquet",
    }
)
"""Files of which some reading makes sense; all others have to be refused."""
