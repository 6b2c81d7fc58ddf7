"""What a column holds is told from its name and its values, shown in the profile, and may be said by a person."""

from __future__ import annotations

import json
import random

import pytest
from click.testing import CliRunner

from dp_tools.cli import main
from dp_tools.profiling.column_kinds import kinds_of
from lab.synthetic.lists import everyday

FIRST = ["Ines", "Pablo", "Greta", "Felix", "Anna", "Marek", "Olga", "Tom", "Lucia", "Henrik"]
LAST = ["Keller", "Novak", "Rossi", "Dubois", "Larsen", "Kovacs", "Meyer", "Santos", "Quinn", "Vogel"]
PEOPLE = [(first, last) for first in FIRST for last in LAST[:6]]
_SEEDED = random.Random(46)
NUMBERS = [_SEEDED.randrange(100, 999) for _ in PEOPLE]

NAMED = {
    "person name": (["Name", "ansprechpartner", "contact_person"], [f"{f} {n}" for f, n in PEOPLE]),
    "last name first": (["name", "Mitarbeiter"], [f"{n}, {f}" for f, n in PEOPLE]),
    "first name": (["Vorname", "fname", "givenName", "prenom", "imię"], [f for f, _ in PEOPLE]),
    "last name": (["Nachname", "lname", "surname", "apellidos", "cognome"], [n for _, n in PEOPLE]),
    "email": (["mail", "E-Mail", "x"], [f"{f}.{n}@firm.example".lower() for f, n in PEOPLE]),
    "telephone": (["Tel", "mob", "Handynummer", "x"], [f"+49 30 {number} {number + 17}" for number in NUMBERS]),
    "company": (["Firma", "vendor", "name"], [f"{n} {f} GmbH" for f, n in PEOPLE]),
    "street": (
        ["Straße", "addr", "rue", "x"],
        [f"{n}str. {number}" for (_, n), number in zip(PEOPLE, NUMBERS, strict=True)],
    ),
    "postcode": (["PLZ", "zip", "kod pocztowy"], [f"{number}{number % 90 + 10}" for number in NUMBERS]),
    "city": (["Ort", "town", "miasto"], [("Wien", "Praha", "Porto", "Linz", "Graz")[number % 5] for number in NUMBERS]),
    "country": (["Land", "x"], [("AT", "Germany", "PL")[number % 3] for number in NUMBERS]),
    "date of birth": (["geburtsdatum", "dob"], [f"19{number % 80 + 10}-0{number % 9 + 1}-12" for number in NUMBERS]),
    "date": (["datum", "x"], [f"2024-0{number % 9 + 1}-1{number % 10}" for number in NUMBERS]),
    "price": (["net_prc", "Preis"], [f"{number},{number % 90 + 10}" for number in NUMBERS]),
    "gtin": (["barcode", "x"], ["4006381333931", "4006381333948", "4006381333955"]),
    "iban": (["konto", "x"], ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819"]),
    "tax number": (["ust_id", "vat_no"], [f"DE{number}{number}{number}" for number in NUMBERS]),
    "web address": (
        ["homepage", "x"],
        [f"https://www.{n.lower()}{number}.example/" for (_, n), number in zip(PEOPLE, NUMBERS, strict=True)],
    ),
    "flag": (["active", "x"], ["Y", "N", "Y", "Y"] * 5),
    "code": (["sku", "part_no"], [f"KB-{number}" for number in NUMBERS]),
    "product title": (
        ["Artikelbezeichnung", "item_name"],
        [f"Cordless drill {number}W 2 batteries" for number in NUMBERS],
    ),
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, (names, _) in NAMED.items() for name in names], ids=str
)
def test_name_and_values_tell_what_a_column_holds(kind, name):
    found = kinds_of({name: NAMED[kind][1]})[name]
    assert found.kind == kind
    assert found.probability > 0.5


def test_streets_are_told_though_their_numbers_have_a_column_of_their_own():
    roads = ("street", "place", "circuit", "crescent")
    streets = [f"{last.lower()} {roads[number % 4]}" for number, (_, last) in enumerate(PEOPLE)]
    found = kinds_of({"address_1": streets, "street_number": [str(number) for number in NUMBERS]})
    assert found["address_1"].kind == "street"
    assert kinds_of({"address_1": [last for _, last in PEOPLE]})["address_1"].kind != "street"


def test_values_overrule_a_name_that_is_wrong():
    assert kinds_of({"phone": NAMED["email"][1]})["phone"].kind == "email"
    assert kinds_of({"Mail": NAMED["price"][1]})["Mail"].kind != "email"


def test_what_is_called_a_name_is_told_by_the_columns_beside_it():
    neutral = ["Aurora", "Borealis", "Corvus", "Delphinus", "Equuleus", "Fornax"]
    beside = {"phone": NAMED["telephone"][1][:6], "addr": NAMED["street"][1][:6]}
    assert kinds_of({"name": neutral, "price": NAMED["price"][1][:6]})["name"].kind == "product title"
    assert kinds_of({"name": neutral, **beside})["name"].kind in ("company", "person name")


def test_a_person_says_what_a_column_holds():
    assert kinds_of({"x": ["1", "2"]}, {"x": "telephone"})["x"] == ("telephone", 1.0)


def test_an_empty_column_is_told_by_its_name_and_a_strange_one_is_nothing_known():
    found = kinds_of({"E-Mail": [None, ""], "gargle": ["blip", "blop", "blup"]})
    assert found["E-Mail"].kind == "email"
    assert found["gargle"].kind == "other"
    assert found["gargle"].probability < 0.6


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        ("contacts", {"email": "email", "phone": "telephone", "company": "company", "city": "city"}),
        ("patients", {"first_name": "first name", "last_name": "last name", "dob": "date of birth", "email": "email"}),
        ("companies", {"company": "company", "street": "street", "city": "city", "country": "country"}),
    ],
)
def test_columns_of_lists_as_people_have_them(table, wanted):
    records = everyday.make(table, 150, seed=9).records
    found = kinds_of({name: [record[name] for record in records] for name in records[0]})
    assert {name: found[name].kind for name in wanted if name in found} == {
        n: k for n, k in wanted.items() if n in found
    }


def test_the_profile_says_what_each_column_holds(tmp_path):
    file = tmp_path / "contacts.csv"
    lines = [
        f"K-{place:03},{('shop', 'crm')[place % 2]},{f} {n},{f}.{n}@firm.example" for place, (f, n) in enumerate(PEOPLE)
    ]
    file.write_text("\n".join(["id,system,wer,anschreiben", *lines]) + "\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["profile", str(file), "--json"])
    assert result.exit_code == 0, result.output
    columns = {column["name"]: column for column in json.loads(result.stdout)["columns"]}
    assert {name: column["holds"] for name, column in columns.items()} == {
        "id": "serial number",
        "system": "source label",
        "wer": "person name",
        "anschreiben": "email",
    }
    assert columns["anschreiben"]["holds_probability"] > 0.9
    assert "wer: text; holds person name" in CliRunner().invoke(main, ["profile", str(file)]).stdout
