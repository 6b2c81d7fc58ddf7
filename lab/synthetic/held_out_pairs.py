"""Synthetic pairs, for nothing but a score: parts as two shops list them, people as two offices keep them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Row = dict[str, str | None]

MAKERS = (
    "Bosch",
    "Denso",
    "Makita",
    "Timken",
    "Gates",
    "Monroe",
    "Champion",
    "Fram",
    "Moog",
    "Dorman",
    "Valeo",
    "Mann",
)
PARTS = {
    "cordless drill": ("18V", "2-speed", "with two batteries", "brushless"),
    "oil filter": ("spin-on", "for diesel engines", "long life"),
    "spark plug": ("iridium", "copper core", "pack of 4"),
    "wheel bearing": ("front left", "with ABS sensor", "sealed"),
    "shock absorber": ("rear", "gas charged", "heavy duty"),
    "timing belt": ("123 teeth", "reinforced", "with tensioner"),
    "angle grinder": ("125 mm", "1400 W", "variable speed"),
    "brake pad set": ("ceramic", "front", "with wear indicator"),
}
FIRST = {"William": "Bill", "Elizabeth": "Liz", "Robert": "Bob", "Margaret": "Peggy", "Thomas": "Tom", "Anna": "Ann"}
FIRST |= {
    "Katherine": "Kate",
    "Michael": "Mike",
    "Alexander": "Alex",
    "Susan": "Sue",
    "Daniel": "Dan",
    "Helen": "Helen",
}
LAST = (
    "Abbott",
    "Becker",
    "Castillo",
    "Dawson",
    "Ellis",
    "Farrell",
    "Goldberg",
    "Hansen",
    "Iverson",
    "Jansen",
    "Keller",
)
STREETS = ("Elm Street", "Mill Road", "Station Avenue", "Grove Lane", "Harbour Drive", "Victoria Street", "Queens Road")
TOWNS = (
    ("Bristol", "BS1 4ST"),
    ("Leeds", "LS2 7UE"),
    ("Norwich", "NR2 1TF"),
    ("Exeter", "EX4 3LS"),
    ("Derby", "DE1 2QY"),
)


def part(random: Random) -> dict[str, Any]:
    kind = random.choice(tuple(PARTS))
    letters = "".join(random.choice("ABCDEFGHKLMNPRSTW") for _ in range(random.randint(1, 3)))
    number = f"{letters}-{random.randint(100, 99999)}{random.choice(('', '', 'X', '/R'))}"
    return {"maker": random.choice(MAKERS), "kind": kind, "number": number, "price": random.uniform(5, 300)}


def other_part(random: Random, sold: dict[str, Any]) -> dict[str, Any]:
    """Another part of the same maker and kind, whose number is near or is not."""
    other = {**part(random), "maker": sold["maker"], "kind": sold["kind"]}
    if random.random() < 0.5:
        digits = [place for place, sign in enumerate(sold["number"]) if sign.isdigit()]
        place = random.choice(digits)
        changed = str((int(sold["number"][place]) + random.randint(1, 9)) % 10)
        other |= {"number": sold["number"][:place] + changed + sold["number"][place + 1 :], "price": sold["price"]}
    return other


def in_one_shop(random: Random, sold: dict[str, Any]) -> Row:
    detail = random.choice(PARTS[sold["kind"]])
    return {
        "name": f"{sold['maker']} {sold['kind']} {detail}".title(),
        "part number": sold["number"] if random.random() < 0.85 else None,
        "price": f"{sold['price']:.2f}",
    }


def in_another_shop(random: Random, sold: dict[str, Any]) -> Row:
    number = sold["number"].replace("-", random.choice(("", "-"))).replace("/", "").lower()
    detail = random.choice(PARTS[sold["kind"]])
    words = [sold["maker"], number if random.random() < 0.8 else "", sold["kind"], detail]
    return {
        "title": " ".join(" ".join(words).lower().split()),
        "brand": sold["maker"].upper() if random.random() < 0.7 else None,
        "price": f"${sold['price'] * random.uniform(0.85, 1.15):.2f}" if random.random() < 0.8 else None,
    }


def person(random: Random) -> dict[str, Any]:
    first, last = random.choice(tuple(FIRST)), random.choice(LAST)
    return {
        "first": first,
        "last": last,
        "street": f"{random.randint(1, 240)} {random.choice(STREETS)}",
        "town": random.choice(TOWNS),
        "telephone": f"0{random.randint(1200, 1999)}{random.randint(100000, 999999)}",
        "born": (random.randint(1935, 2004), random.randint(1, 12), random.randint(13, 28)),
    }


def other_person(random: Random, known: dict[str, Any]) -> dict[str, Any]:
    """One of the same household, of the same name, or of the same town."""
    other = person(random)
    shared = random.choice((("last", "street", "town", "telephone"), ("first", "last"), ("last", "town")))
    other |= {name: known[name] for name in shared}
    if other["first"] == known["first"] and "first" not in shared:
        other["first"] = random.choice([first for first in FIRST if first != known["first"]])
    return other


def in_one_office(random: Random, known: dict[str, Any]) -> Row:
    year, month, day = known["born"]
    return {
        "name": f"{known['first']} {known['last']}",
        "address": known["street"],
        "town": known["town"][0],
        "postcode": known["town"][1],
        "telephone": known["telephone"] if random.random() < 0.8 else None,
        "date of birth": f"{year}-{month:02d}-{day:02d}" if random.random() < 0.8 else None,
    }


def in_another_office(random: Random, known: dict[str, Any]) -> Row:
    year, month, day = known["born"]
    first = FIRST[known["first"]] if random.random() < 0.3 else known["first"]
    number = known["telephone"]
    return {
        "name": random.choice((f"{known['last']}, {first}", f"{first} {known['last']}".upper())),
        "address": known["street"].replace("Street", "St").replace("Road", "Rd").replace("Avenue", "Ave"),
        "town": known["town"][0] if random.random() < 0.9 else None,
        "postcode": known["town"][1] if random.random() < 0.8 else None,
        "telephone": f"+44 {number[1:5]} {number[5:]}" if random.random() < 0.7 else None,
        "date of birth": f"{day}/{month}/{year}" if random.random() < 0.7 else None,
    }


Make = Callable[[Random], dict[str, Any]]
Change = Callable[[Random, dict[str, Any]], Any]
KINDS: dict[str, tuple[Make, Change, Change, Change]] = {
    "Parts": (part, other_part, in_one_shop, in_another_shop),
    "People": (person, other_person, in_one_office, in_another_office),
}


def synthetic_pairs(kind: str, count: int = 300, seed: int = 17) -> Iterator[dict[str, Any]]:
    """Candidate pairs, one match in five, the others with something in common."""
    make, change, one, other = KINDS[kind]
    random = Random(f"{kind} {seed}")
    for _ in range(count):
        thing = make(random)
        match = random.random() < 0.2
        beside = thing if match else change(random, thing)
        yield {"left": one(random, thing), "right": other(random, beside), "label": int(match)}
