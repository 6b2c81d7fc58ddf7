"""Synthetic tables whose errors are known: what a model does with tables that nobody has trained on.

On the valid splits of tables that it has learned from, a model is surer and heeds counted evidence less than it should
elsewhere. So calibration looks at these as well. Nothing may train on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from dp_tools.evaluation.instances import instance_of
from dp_tools.evaluation.splits import Split, split_of

Row = dict[str, str | None]

SOURCES = tuple(
    f"{word}{ending}" for word in ("aero", "flight", "sky", "travel", "wing") for ending in ("view", "list", "ly")
)
AIRPORTS = ("MIA", "PHX", "JFK", "SFO", "ORD", "DFW", "LAX", "EWR", "MCO", "ATL", "DEN", "SEA")
TIMES = ("scheduled departure time", "actual departure time", "scheduled arrival time", "actual arrival time")


def flights(seed: int = 5) -> Iterator[dict[str, Any]]:
    """Times of 40 flights as 12 of 15 sources report them, three of which are wrong in every second cell."""
    random = Random(seed)
    number = 0
    for _ in range(40):
        start, end = random.sample(AIRPORTS, 2)
        flight = f"{random.choice(('AA', 'UA', 'CO', 'DL'))}-{random.randint(10, 4999)}-{start}-{end}"
        departure = random.randint(300, 1300)
        left, arrival = departure + random.randint(-5, 40), departure + random.randint(60, 300)
        truth = dict(zip(TIMES, (departure, left, arrival, arrival + random.randint(-20, 40)), strict=True))
        careless = random.sample(SOURCES, 3)
        for source in random.sample(SOURCES, 12):
            record: Row = {"datasource": source, "flight": flight}
            kinds = {"datasource": "right", "flight": "right"}
            for name, minutes in truth.items():
                record[name], kinds[name] = _reported(random, minutes, 0.55 if source in careless else 0.1)
            # Whether a gap is an error is a convention, and there is none here.
            yield from _cells(record, {name: kind for name, kind in kinds.items() if kind != "missing"}, number)
            number += 1


def _reported(random: Random, minutes: int, wrong: float) -> tuple[str | None, str]:
    drawn = random.random()
    if drawn < 0.75 * wrong:
        return _clock(minutes + random.choice((-30, -13, -7, -2, 3, 5, 9, 17, 60))), "another time"
    if drawn < wrong:
        return f"12/1/2011 {_clock(minutes)}", "another format"
    return (None, "missing") if drawn < wrong + 0.08 else (_clock(minutes), "right")


def _clock(minutes: int) -> str:
    hour = minutes // 60 % 24
    return f"{(hour - 1) % 12 + 1}:{minutes % 60:02d} {'a.m.' if hour < 12 else 'p.m.'}"


FIRST = (
    "James",
    "Mary",
    "Robert",
    "Ana",
    "John",
    "Lisa",
    "Omar",
    "Linda",
    "David",
    "Susan",
    "Carlos",
    "Karen",
    "Daniel",
)
LAST = (
    "Smith",
    "Johnson",
    "Lee",
    "Brown",
    "Jones",
    "Garcia",
    "Miller",
    "Davis",
    "Lopez",
    "Wilson",
    "Moore",
    "Martin",
    "Perez",
)
PLACES = (
    ("Portland", "OR", "97201"),
    ("Madison", "WI", "53703"),
    ("Tucson", "AZ", "85701"),
    ("Raleigh", "NC", "27601"),
    ("Boise", "ID", "83702"),
    ("Omaha", "NE", "68102"),
    ("Tampa", "FL", "33602"),
    ("Albany", "NY", "12207"),
    ("Provo", "UT", "84601"),
    ("Reno", "NV", "89501"),
    ("Salem", "OR", "97301"),
    ("Durham", "NC", "27701"),
)
PRODUCTS = (
    ("Steel Water Bottle", "Kitchen", "18.50"),
    ("Yoga Mat", "Sports", "24.00"),
    ("Desk Lamp", "Home", "39.90"),
    ("Bluetooth Speaker", "Electronics", "59.00"),
    ("Running Socks", "Sports", "9.50"),
    ("Notebook A5", "Office", "4.20"),
    ("USB-C Cable", "Electronics", "12.00"),
    ("Frying Pan", "Kitchen", "32.00"),
    ("Office Chair", "Office", "189.00"),
    ("Pillow", "Home", "21.00"),
)
IMPOSSIBLE = {
    "quantity": ("-3", "1200", "0.5"),
    "unit price": ("-9.50", "99999.00", "free"),
    "order date": ("2032-01-15", "1923-05-02", "2023-13-40"),
    "zip": ("00000", "972", "9720l"),
    "email": ("james.smith", "mary@", "n.a@@gmail.com"),
    "status": ("???", "shiped!", "x"),
}


def orders(seed: int = 7) -> Iterator[dict[str, Any]]:
    """400 orders, every second of which has one error of one of six kinds; of the right cells one in eight is asked."""
    random = Random(seed)
    rows = [_order(random, number) for number in range(400)]
    for number, row in enumerate(rows):
        record, kinds = dict(row), dict.fromkeys(row, "right")
        if random.random() < 0.5:
            kind = random.choice(tuple(_CORRUPTIONS))
            name, value = _CORRUPTIONS[kind](random, row, rows)
            if value != row[name]:
                record[name], kinds[name] = value, kind
        asked = [name for name, kind in kinds.items() if kind != "right" or random.random() < 0.125]
        yield from _cells(record, {name: kinds[name] for name in asked}, number)


def _order(random: Random, number: int) -> Row:
    first, last = random.choice(FIRST), random.choice(LAST)
    city, state, code = random.choice(PLACES)
    product, category, price = random.choice(PRODUCTS)
    provider = random.choice(("gmail.com", "yahoo.com", "outlook.com"))
    return {
        "order id": f"O-{10000 + number * 7}",
        "customer": f"{first} {last}",
        "email": f"{first.lower()}.{last.lower()}@{provider}",
        "city": city,
        "state": state,
        "zip": code,
        "order date": f"2023-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}",
        "product": product,
        "category": category,
        "quantity": str(random.choice((1, 1, 1, 2, 2, 3, 4, 5))),
        "unit price": price,
        "status": random.choices(("shipped", "delivered", "pending", "returned"), (3, 5, 2, 1))[0],
    }


def _mistyped(random: Random, row: Row, _: Sequence[Row]) -> tuple[str, str]:
    name = random.choice(("city", "product", "category", "status"))
    value = row[name] or ""
    place = random.randrange(len(value) - 1)
    changed = (
        value[:place] + value[place + 1 :],
        value[:place] + random.choice("abcdefghijklmnopqrstuvwxyz") + value[place + 1 :],
        value[: place + 1] + value[place:],
        value[:place] + value[place + 1] + value[place] + value[place + 2 :],
    )
    return name, random.choice(changed)


def _misplaced(random: Random, row: Row, _: Sequence[Row]) -> tuple[str, str | None]:
    name = random.choice(("city", "state", "zip", "product", "category", "quantity", "status"))
    return name, row[random.choice([other for other in row if other != name])]


def _of_another(random: Random, row: Row, rows: Sequence[Row]) -> tuple[str, str | None]:
    name = random.choice(("city", "state", "zip", "category"))
    return name, random.choice([other[name] for other in rows if other[name] != row[name]])


def _date_otherwise(_: Random, row: Row, __: Sequence[Row]) -> tuple[str, str]:
    year, month, day = (row["order date"] or "").split("-")
    return "order date", f"{month}/{day}/{year}"


def _impossible(random: Random, _: Row, __: Sequence[Row]) -> tuple[str, str]:
    name = random.choice(tuple(IMPOSSIBLE))
    return name, random.choice(IMPOSSIBLE[name])


def _capitals(random: Random, row: Row, _: Sequence[Row]) -> tuple[str, str]:
    name = random.choice(("city", "product", "status", "customer"))
    return name, (row[name] or "").upper()


_CORRUPTIONS: dict[str, Callable[[Random, Row, Sequence[Row]], tuple[str, str | None]]] = {
    "mistyped": _mistyped,
    "of another column": _misplaced,
    "against its key": _of_another,
    "another format": _date_otherwise,
    "impossible": _impossible,
    "capitals": _capitals,
}


def _cells(record: Row, kinds: dict[str, str], number: int) -> Iterator[dict[str, Any]]:
    for name, kind in kinds.items():
        yield {"row_id": number, "record": record, "attribute": name, "label": int(kind != "right"), "kind": kind}


def synthetic_tables() -> list[Split]:
    """The cells of both tables as splits of error detection: Synthetic_flights and Synthetic_orders."""
    tables = {"Synthetic_flights": flights(), "Synthetic_orders": orders()}
    return [
        split_of("ED", name, "synthetic", [instance_of("ED", name, cell) for cell in cells])
        for name, cells in tables.items()
    ]
