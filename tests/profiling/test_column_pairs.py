"""Columns of two exports: names in several languages and all values are counted, the model is asked about the rest."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mcp import Client
from serving import answer, server_context_of

from dp_tools.cli import main
from dp_tools.engine.questions import Engine
from dp_tools.mcp_server.server import create_server
from dp_tools.preprocessor import Preprocessor
from dp_tools.profiling.column_concepts import meanings
from dp_tools.rules.rule import Rule

STOCK = """art_no,descr,uom,qty_oh,net_prc,crncy,supp_id,supp_nm,ean13,wt_g,last_mvmt,active
10021,"Hex bolt M8x40, zinc",EA,1240,0.18,EUR,S044,Norrland Fästen AB,4006381333931,21,2024-05-02,Y
10022,"Hex nut M8, zinc",EA,3310,0.06,EUR,S044,Norrland Fästen AB,4006381333948,5,2024-05-02,Y
10107,"Cable tie 200 mm, black",PK,85,2.40,EUR,S012,Kabelhuset ApS,4006381333955,160,2023-11-17,Y
10250,"Work gloves, size 9",PR,62,4.95,EUR,S091,Handsafe Ltd,4006381333962,110,2022-08-30,N
"""
WAREHOUSE = """ItemCode,ItemName,Barcode,UnitOfMeasure,StockLevel,UnitCost,Currency,VendorCode,Vendor,WeightKg,\
DateOfLastMovement,Discontinued,ShelfLocation
A-10021,HEX BOLT M8 X 40 ZN,4006381333931,each,1198,0.19,EUR,V-44,Norrland Fasten,0.021,02/06/2024,false,R3-07
A-10107,CABLE TIE 200MM BLK,4006381333955,pack,91,2.35,EUR,V-12,Kabelhuset,0.160,17/11/2023,false,R1-15
A-10250,GLOVES WORK SZ 9,4006381333962,pair,58,5.10,EUR,V-91,Handsafe,0.110,30/08/2022,true,R7-02
"""
TRUE = {
    **{"art_no": "ItemCode", "descr": "ItemName", "uom": "UnitOfMeasure", "qty_oh": "StockLevel"},
    **{"net_prc": "UnitCost", "crncy": "Currency", "supp_id": "VendorCode", "supp_nm": "Vendor", "ean13": "Barcode"},
    **{"wt_g": "WeightKg", "last_mvmt": "DateOfLastMovement", "active": "Discontinued"},
}
CUSTOMERS = [
    dict(zip(("KDNR", "Nachname", "PLZ", "Ort", "Tel", "Geb.-Datum"), values, strict=True))
    for values in (
        ("10041", "Huber", "8010", "Graz", "+43 316 55501", "02.05.1971"),
        ("10042", "Egger", "4020", "Linz", "+43 732 55502", "17.11.1985"),
        ("10077", "Wimmer", "5020", "Salzburg", "+43 662 55503", ""),
    )
]
CLIENTS = [
    {"apellidos": "Rossi", "fecha_nac": "1969-01-30", "poblacion": "Málaga", "cp": "29001", "movil": "+34 600 555 010"},
    {"apellidos": "Peña", "fecha_nac": "1990-07-04", "poblacion": "León", "cp": "24001", "movil": "+34 600 555 011"},
]


def columns(records: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [{"name": name, "samples": [record[name] for record in records]} for name in records[0]]


def assigned(left: list[dict[str, str]], right: list[dict[str, str]], found: Any) -> dict[str, str]:
    return {list(left[0])[a]: list(right[0])[b] for a, b in found.assignment}


@pytest.mark.usefixtures("lent_engine")
def test_two_exports_need_no_more_than_the_two_files(tmp_path: Path) -> None:
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for file, text in zip(files, (STOCK, WAREHOUSE), strict=True):
        file.write_text(text, encoding="utf-8")
    ran = CliRunner().invoke(main, ["match-schemas", *map(str, files), "--knowledge", str(tmp_path / "k.db")])
    rows = list(csv.DictReader(io.StringIO(ran.stdout)))
    pairs = {row["left"]: row["right"] for row in rows if row["assigned"] == "yes"}
    assert sum(TRUE.get(left) == right for left, right in pairs.items()) >= 10
    assert sum(TRUE.get(left) != right for left, right in pairs.items()) <= 1
    assert sum(row["decided_by"] == "table" for row in rows) >= 150
    assert all(row["reason"] for row in rows if row["decided_by"] == "table")


def test_names_in_other_languages_are_matched_and_what_has_no_counterpart_is_left(preprocessor: Preprocessor) -> None:
    found = preprocessor.match_schemas(columns(CUSTOMERS), columns(CLIENTS))
    pairs = assigned(CUSTOMERS, CLIENTS, found)
    counted = {"Nachname": "apellidos", "PLZ": "cp", "Ort": "poblacion", "Geb.-Datum": "fecha_nac"}
    assert counted.items() <= pairs.items()
    assert "KDNR" not in pairs


def test_a_telephone_and_a_mobile_telephone_are_two_columns(preprocessor: Preprocessor) -> None:
    ours = [{"phone": "+43 316 55501", "mobile": "+43 660 55501"}, {"phone": "+43 1 55502", "mobile": "+43 664 55502"}]
    theirs = [
        {"Mobil": "+49 170 55503", "Festnetz": "+49 89 55503"},
        {"Mobil": "+49 171 5554", "Festnetz": "+49 30 5554"},
    ]
    found = preprocessor.match_schemas(columns(ours), columns(theirs))
    assert assigned(ours, theirs, found) == {"phone": "Festnetz", "mobile": "Mobil"}


def test_values_match_columns_whose_names_nobody_understands(preprocessor: Preprocessor) -> None:
    theirs = [{"Q7": row["PLZ"], "Q9": row["Nachname"], "Q1": row["Tel"]} for row in CUSTOMERS]
    found = preprocessor.match_schemas(columns(CUSTOMERS), columns(theirs))
    pairs = assigned(CUSTOMERS, theirs, found)
    assert {"PLZ": "Q7", "Nachname": "Q9", "Tel": "Q1"}.items() <= pairs.items()
    reason = next(pair.reason for pair in found.pairs if (pair.left, pair.right) == (2, 0))
    assert reason is not None
    assert "share 100% of their values" in reason


def test_a_rule_of_the_call_is_weighed_by_the_model_and_not_overruled_by_counting(preprocessor: Preprocessor) -> None:
    found = preprocessor.match_schemas(columns(CUSTOMERS), columns(CLIENTS), rules=["PLZ never matches cp."])
    assert {pair.decided_by for pair in found.pairs} == {"model"}


def test_a_rule_of_the_dataset_is_weighed_as_well_and_one_of_another_dataset_is_not(preprocessor: Preprocessor) -> None:
    rule = Rule(id="no-cp", task="match_schemas", dataset="crm", statement="PLZ never matches cp.")
    preprocessor.knowledge.add(rule, who="a test")
    own, other = (
        {
            pair.decided_by
            for pair in preprocessor.match_schemas(columns(CUSTOMERS), columns(CLIENTS), dataset=name).pairs
        }
        for name in ("crm", "shop")
    )
    assert own == {"model"}
    assert "table" in other


def test_without_values_the_model_is_asked(preprocessor: Preprocessor) -> None:
    found = preprocessor.match_schemas([{"name": "zip"}], [{"name": "postal code"}, {"name": "colour"}])
    assert {pair.decided_by for pair in found.pairs} == {"model"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_counting_decides_over_mcp_as_well(engine: Engine, tmp_path: Path) -> None:
    with server_context_of(engine, tmp_path / "knowledge.db") as server_context:
        async with Client(create_server(server_context)) as client:
            asked = {"left": columns(CUSTOMERS), "right": columns(CLIENTS), "only": "all"}
            found = await answer(client, "match_schemas", asked)
    by_table = [pair for pair in found["pairs"] if pair["decided_by"] == "table"]
    assert len(by_table) >= 25
    assert all(pair["reason"] for pair in by_table)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        *(("plz", "Postal code"), ("tel_no", "Telefonnummer"), ("mob", "Cellulare"), ("dob", "FechaNacimiento")),
        *(("CUSTNUM", "Kundennummer"), ("qty_oh", "StockLevel"), ("wt_g", "Gewicht"), ("USt-IdNr", "Partita IVA")),
        *(("Bestelldatum", "order_date"), ("lname", "Nachname"), ("amt", "Betrag"), ("mfr", "Hersteller")),
    ],
)
def test_a_name_means_the_same_in_another_language_or_abbreviated(name: str, other: str) -> None:
    ours, theirs = (frozenset().union(*(meaning for _, meaning in meanings(one))) for one in (name, other))
    assert ours & theirs


def test_opposites_are_counterparts_with_a_remark(preprocessor: Preprocessor) -> None:
    ours = [{"aktiv": value} for value in ("ja", "nein", "ja", "ja")]
    theirs = [{"inactive": value} for value in ("no", "yes", "no", "no")]
    (pair,) = preprocessor.match_schemas(columns(ours), columns(theirs)).pairs
    assert pair.match
    assert pair.decided_by == "table"
    assert "opposite" in (pair.reason or "")


def test_of_many_columns_that_are_all_alike_the_model_is_asked_about_the_best_few(preprocessor: Preprocessor) -> None:
    def wide(step: int) -> list[dict[str, Any]]:
        values = [[str((place * 37 + row * step) % 97) for row in range(30)] for place in range(16)]
        return [{"name": f"c{place}x", "samples": column} for place, column in enumerate(values)]

    found = preprocessor.match_schemas(wide(7), wide(11), only="all")
    assert len(found.pairs) == 16 * 16
    assert sum(pair.decided_by == "model" for pair in found.pairs) <= 3 * 16


def test_values_of_any_length_are_compared(preprocessor: Preprocessor) -> None:
    ours = [{"n": "9" * 500, "text": "word " * 50_000}, {"n": "8" * 500, "text": "other " * 50_000}]
    found = preprocessor.match_schemas(columns(ours), columns(ours))
    assert {pair.match for pair in found.pairs if pair.left == pair.right} == {True}
