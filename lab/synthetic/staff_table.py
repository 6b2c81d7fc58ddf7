"""A synthetic table whose errors are known, and which nothing has trained on or calibrated with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Row = dict[str, str | None]

NAMES = ("Ines", "Tom", "Aiko", "Ravi", "Lena", "Hugo", "Nadia", "Paul", "Greta", "Yusuf", "Clara", "Marek", "Oona")
FAMILIES = ("Novak", "Berg", "Silva", "Okafor", "Tanaka", "Rossi", "Haddad", "Kowalski", "Dubois", "Larsen", "Mehta")
DEPARTMENTS = (
    ("Accounting", "Helga Brandt", "Vienna"),
    ("Purchasing", "Samuel Ortiz", "Madrid"),
    ("Quality Control", "Mei Lin", "Porto"),
    ("Logistics", "Bruno Keller", "Hamburg"),
    ("Research", "Asha Pillai", "Dublin"),
    ("Customer Care", "Filip Sand", "Malmo"),
)
COUNTRIES = {
    "Vienna": "Austria",
    "Madrid": "Spain",
    "Porto": "Portugal",
    "Hamburg": "Germany",
    "Dublin": "Ireland",
    "Malmo": "Sweden",
}
MONTHS = ("Jan", "Mar", "May", "Sep", "Nov")
IMPOSSIBLE = (("salary", "4"), ("salary", "-30000"), ("salary", "3500000"), ("grade", "G99"), ("since", "?"))
GRADES = {"G1": 28000, "G2": 34000, "G3": 41000, "G4": 52000}


def staff(seed: int = 11) -> Iterator[dict[str, Any]]:
    """Every cell of 150 people; one person in three has one wrong cell, of one of six kinds."""
    random = Random(seed)
    rows = [_person(random, number) for number in range(150)]
    for number, row in enumerate(rows):
        record, wrong, kind = dict(row), None, "right"
        if random.random() < 1 / 3:
            kind = random.choice(tuple(_CORRUPTIONS))
            wrong, value = _CORRUPTIONS[kind](random, row)
            record[wrong] = value
        for name in record:
            is_wrong = name == wrong and record[name] != row[name]
            found = {"label": int(is_wrong), "kind": kind if is_wrong else "right"}
            yield {"row_id": number, "record": record, "attribute": name, **found}


def _person(random: Random, number: int) -> Row:
    department, head, office = random.choice(DEPARTMENTS)
    grade = random.choice(tuple(GRADES))
    return {
        "staff no": f"{3000 + number}",
        "name": f"{random.choice(NAMES)} {random.choice(FAMILIES)}",
        "department": department,
        "head": head,
        "office": office,
        "country": COUNTRIES[office],
        "grade": grade,
        "salary": str(GRADES[grade] + 100 * random.randint(0, 40)),
        "since": f"{random.randint(1, 28)} {random.choice(MONTHS)} {random.randint(2005, 2024)}",
    }


def _mistyped(random: Random, row: Row) -> tuple[str, str]:
    name = random.choice(("department", "head", "office", "country"))
    value = row[name] or ""
    place = random.randrange(1, len(value))
    return name, value[:place] + random.choice("aeiourstln") + value[place:]


def _misplaced(random: Random, row: Row) -> tuple[str, str | None]:
    name, other = random.sample(("department", "head", "office", "country", "grade"), 2)
    return name, row[other]


def _against_its_key(random: Random, row: Row) -> tuple[str, str]:
    name = random.choice(("head", "office", "country"))
    _, head, office = random.choice([entry for entry in DEPARTMENTS if entry[0] != row["department"]])
    return name, {"head": head, "office": office, "country": COUNTRIES[office]}[name]


def _date_otherwise(random: Random, row: Row) -> tuple[str, str]:
    day, _, year = (row["since"] or "").split()
    return "since", f"{year}-{random.randint(1, 12):02d}-{int(day):02d}"


def _impossible(random: Random, _: Row) -> tuple[str, str]:
    return random.choice(IMPOSSIBLE)


def _lower(random: Random, row: Row) -> tuple[str, str]:
    name = random.choice(("department", "head", "office", "country"))
    return name, (row[name] or "").lower()


_CORRUPTIONS: dict[str, Callable[[Random, Row], tuple[str, str | None]]] = {
    "mistyped": _mistyped,
    "of another column": _misplaced,
    "against its key": _against_its_key,
    "another format": _date_otherwise,
    "impossible": _impossible,
    "small letters": _lower,
}
