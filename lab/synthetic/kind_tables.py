"""Tables whose columns are of known kinds, clean or with errors and other notations that are known cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Literal

from lab.synthetic.lists.everyday.letters import ascii_name
from lab.synthetic.lists.everyday.pools import COUNTRIES, Country
from lab.synthetic.lists.everyday.things import gtin

Row = dict[str, str]
Kind = Literal["error", "notation"]
TABLES = ("customers", "staff", "stock", "ledger", "ward")
_ALLERGIES = ("none", "none", "none", "penicillin", "latex", "nuts", "unknown", "pollen")
_REMARKS = (
    "called back, wants an offer by Friday",
    "delivery to the back entrance, ring twice",
    "pays late; remind after 14 days",
    "asked for the English manual",
    "no visits before 10 am",
    "returned one box, the rest was fine",
    "prefers to be written to in French",
    "moved last spring, old address still on the sign",
)
_THINGS = ("hex bolt", "cable tie", "work glove", "desk lamp", "paper roll", "hinge", "shelf board", "hand pump")
_DEPARTMENTS = {"Sales": "CC-110", "Finance": "CC-120", "Legal": "CC-130", "Operations": "CC-200"}


@dataclass(frozen=True, slots=True)
class KindTable:
    """A table with what is wrong in it.

    Args:
        name: which table it is.
        rows: as they are read.
        truth: for each cell (row from 0, column) that is not as it should be, the kind of fault and the right value.
    """

    name: str
    rows: list[Row]
    truth: dict[tuple[int, str], tuple[Kind, str]]


def make(name: str, rows: int, seed: int, share: float = 0.0) -> KindTable:
    """A table.

    Args:
        name: one of `TABLES`.
        rows: how many.
        seed: the same gives the same table.
        share: of the cells that can be spoiled, those that are; 0 for a clean table.
    """
    random = Random(f"{name} {seed}")
    right = [_ROWS[name](random, number) for number in range(rows)]
    dirty, truth = [dict(row) for row in right], dict[tuple[int, str], tuple[Kind, str]]()
    spoilers = _SPOILERS[name]
    cells = [(number, column) for number in range(rows) for column in spoilers if right[number][column]]
    for number, column in random.sample(cells, round(share * len(cells))):
        kind, spoil = random.choice(spoilers[column])
        value = spoil(random, right[number][column])
        if value != right[number][column]:
            dirty[number][column] = value
            truth[number, column] = kind, right[number][column]
    return KindTable(name, dirty, truth)


def _person(random: Random, country: Country) -> tuple[str, str]:
    return random.choice(country.women + country.men), random.choice(country.surnames)


def _customer(random: Random, number: int) -> Row:
    country = COUNTRIES[number * 7 % len(COUNTRIES)]
    first, last = _person(random, country)
    place = random.choice(country.places)
    # A British number has ten digits, however long its area code is.
    digits = 10 - len(place.area) if country.code == "GB" else country.local
    local = "".join(str(random.randint(2, 9)) for _ in range(digits))
    return {
        "customer": f"K-{10000 + number * 7}",
        "name": f"{first} {last}",
        "e-mail": f"{ascii_name(first, '')}.{ascii_name(last, '')}{number % 90}@{random.choice(_DOMAINS)}",
        "phone": f"+{country.calling} {place.area} {local}",
        "postcode": place.postcode,
        "city": place.city,
        "country": country.code,
        "date of birth": _day(random, 1940, 2005),
        "website": f"https://www.{ascii_name(last, '-')}-{random.choice(('bau', 'shop', 'media'))}.example/",
        "iban": _iban(random),
        "turnover": f"{random.lognormvariate(8, 1.6):.2f}",
        "remark": random.choice(_REMARKS) if random.random() < 0.6 else "",
    }


def _employee(random: Random, number: int) -> Row:
    country = COUNTRIES[number % len(COUNTRIES)]
    first, last = _person(random, country)
    department = random.choice(tuple(_DEPARTMENTS))
    return {
        "employee_no": f"E{4000 + number}",
        "first_name": first,
        "last_name": last,
        "mail": f"{ascii_name(first, '')[0]}.{ascii_name(last, '')}{number}@firm.example",
        "department": department,
        "cost_center": _DEPARTMENTS[department],
        "hired": _day(random, 2004, 2024),
        # One in sixty earns far more than the others, and rightly so.
        "salary": str(500 * (random.randint(250, 400) if number % 60 == 7 else random.randint(64, 190))),
        "bonus": str(100 * random.randint(0, 40)),
        "badge": f"{random.choice('ABCD')}{random.randint(10, 99)}-{random.randint(100, 999)}",
    }


def _article(random: Random, number: int) -> Row:
    thing = random.choice(_THINGS)
    return {
        "art_no": f"{thing[:3].upper()}-{1000 + number * 13}",
        "description": f"{thing} {random.randint(2, 40)} mm",
        "ean": gtin(random),
        "qty": str(int(random.expovariate(1 / 150))),
        "unit_price": f"{random.lognormvariate(2, 1.2):.2f}",
        "bin": f"{random.choice('ABCDEF')}{random.randint(1, 40):02}",
        "last_count": _day(random, 2024, 2024),
        "supplier_web": f"www.{random.choice(('norrland', 'kabelhuset', 'handsafe', 'quartz', 'lindgren'))}.example",
    }


def _entry(random: Random, number: int) -> Row:
    amount = random.paretovariate(0.9) * 40
    minus = random.random() < 0.3
    return {
        "Belegnr": f"BU{70000 + number}",
        "Buchungstag": _day(random, 2023, 2024, "{0.day:02}.{0.month:02}.{0.year}"),
        "Betrag": f"{'-' if minus else ''}{_german(amount)}",
        "Umsatz": _german(random.uniform(80, 9900)),
        "Menge": str(random.randint(1, 60)),
        "Konto": random.choice(("4400", "4930", "6815", "6300", "1200")),
        "Gegenkonto": str(10000 + random.randint(0, 300)),
        "Text": random.choice(("Rechnung", "Gutschrift", "Zahlung", "Miete", "Porto")),
    }


def _patient(random: Random, number: int) -> Row:
    return {
        "case": f"P{20000 + number * 3}",
        "allergies": random.choice(_ALLERGIES),
        "smoker": random.choice(("no", "no", "no", "yes", "unknown")),
        "blood_group": random.choice(("0+", "A+", "B+", "AB+", "0-", "A-")),
        "weight_kg": f"{random.gauss(76, 14):.1f}",
        "born": _day(random, 1930, 2015, "{0.month}/{0.day}/{0.year}"),
        "ward": random.choice(("W1", "W2", "ICU", "ER")),
        "discharge": random.choice(("home", "home", "rehab", "n/a", "transfer")),
        "note": random.choice(_REMARKS),
    }


_DOMAINS = ("firm.example", "mail.example", "holz-sued.example", "uni.example", "shop.example", "post.example")
_ROWS: dict[str, Callable[[Random, int], Row]] = {
    "customers": _customer,
    "staff": _employee,
    "stock": _article,
    "ledger": _entry,
    "ward": _patient,
}


def _day(random: Random, first: int, last: int, style: str = "{0:%Y-%m-%d}") -> str:
    start = date(first, 1, 1)
    return style.format(start + timedelta(days=random.randrange((date(last, 12, 31) - start).days)))


def _german(amount: float) -> str:
    return f"{amount:,.2f}".translate({ord(","): ".", ord("."): ","})


def _iban(random: Random) -> str:
    account = "".join(str(random.randint(0, 9)) for _ in range(18))
    return f"DE{98 - int(f'{account}131400') % 97:02}{account}"


Spoiler = tuple[Kind, Callable[[Random, str], str]]


def _other_digit(random: Random, value: str) -> str:
    place = random.choice([place for place, character in enumerate(value) if character.isdigit() and place > 3])
    return f"{value[:place]}{(int(value[place]) + random.randint(1, 9)) % 10}{value[place + 1 :]}"


def _spoiled(way: Callable[[str], str], _: Random, value: str) -> str:
    return way(value)


def _error(*ways: Callable[[str], str]) -> list[Spoiler]:
    return [("error", partial(_spoiled, way)) for way in ways]


def _notation(*ways: Callable[[str], str]) -> list[Spoiler]:
    return [("notation", partial(_spoiled, way)) for way in ways]


_MAILS = _error(
    lambda v: v.replace("@", ""),
    lambda v: v.replace("@", "@@"),
    lambda v: v.replace(".", " ", 1),
    lambda v: v.replace(".example", ",example"),
    lambda v: v.partition("@")[0] + "@",
)
_IMPOSSIBLE_DAYS = _error(lambda v: f"{v[:5]}02-30", lambda _: "0000-00-00", lambda v: f"{v[:5]}13{v[7:]}")
_OTHER_DAYS = _notation(lambda v: f"{v[8:]}.{v[5:7]}.{v[:4]}", lambda v: v.replace("-", "/"))
_SPOILERS: dict[str, dict[str, Sequence[Spoiler]]] = {
    "customers": {
        "e-mail": _MAILS,
        "phone": [
            *_error(lambda v: v[:8], lambda v: f"{v}{v[4:]}", lambda v: v.replace("5", "S").replace("2", "Z")),
            *_notation(lambda v: v.replace("+", "00")),
        ],
        "postcode": _error(lambda v: v[:-2], lambda v: f"{v}7"),
        "date of birth": [*_IMPOSSIBLE_DAYS, *_error(lambda v: f"20{v[3]}9-1{v[6:]}", lambda _: "1900-01-01")],
        "website": _error(
            lambda v: v.replace("https://", "htp:/"), lambda v: v.replace(".", " "), lambda v: v.replace(".", "")
        ),
        "iban": [("error", _other_digit)],
    },
    "staff": {
        "mail": _MAILS,
        "hired": [*_IMPOSSIBLE_DAYS, *_OTHER_DAYS],
        "salary": [
            *_error(lambda v: f"-{v}", lambda v: f"{v}00", lambda v: v[:-2]),
            *_notation(lambda v: f"{int(v):,} EUR", lambda v: f"{int(v):,}", lambda v: f"€{v}", lambda v: f"{v}.00"),
        ],
        "first_name": _error(lambda v: v.replace("a", "4").replace("e", "3")),
    },
    "stock": {
        "ean": [("error", _other_digit), *_error(lambda v: v[:-2])],
        "qty": [*_error(lambda v: f"-{v}", lambda v: f"{int(v) + 3}00000"), *_notation(lambda v: f"{v} pcs")],
        "unit_price": [*_error(lambda v: f"-{v}"), *_notation(lambda v: v.replace(".", ","), lambda v: f"{v} EUR")],
        "last_count": [*_IMPOSSIBLE_DAYS, *_OTHER_DAYS, *_error(lambda v: f"2042{v[4:]}")],
        "supplier_web": _error(lambda v: v.replace(".", " "), lambda v: v.replace(".", "")),
    },
    "ledger": {
        "Buchungstag": [*_error(lambda v: f"31.02{v[5:]}"), *_notation(lambda v: f"{v[6:]}-{v[3:5]}-{v[:2]}")],
        "Umsatz": _notation(
            lambda v: v.replace(".", "").replace(",", "."), lambda v: f"{v} €", lambda v: v.replace(".", "")
        ),
        "Menge": _error(lambda v: f"-{v}", lambda v: f"{v}00000", lambda v: f"{v}x"),
    },
    "ward": {
        "weight_kg": [*_error(lambda v: f"-{v}", lambda v: v.replace(".", "")), *_notation(lambda v: f"{v} kg")],
        "born": _error(lambda v: f"2/30/{v[-4:]}", lambda v: f"13/13/{v[-4:]}", lambda v: f"{v[:-4]}2{v[-3:-1]}8"),
    },
}
