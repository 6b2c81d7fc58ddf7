"""The systems of both generators of exports: how they write values."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from lab.synthetic.exports.everyday_names import EVERYDAY_NAMES
from lab.synthetic.exports.held_back_names import HELD_BACK_NAMES
from lab.synthetic.exports.making import ExportPair, Fact, Facts, System, Writer, pair
from lab.synthetic.lists import EVERYDAY, HELD_BACK, everyday, held_back
from lab.synthetic.lists.listing import Record

DOMAINS = ("contacts", "items", "staff", "orders")

_WORDS = {
    "sector": ("Retail", "Construction", "Chemicals", "Finance", "Education", "Food"),
    "role": ("Accountant", "Engineer", "Buyer", "Driver", "Team lead", "Analyst", "Technician"),
    "unit": ("Finance", "Production", "Purchasing", "Logistics", "Sales", "Research"),
    "category": ("Tools", "Fasteners", "Electrical", "Office", "Safety"),
    "status": ("open", "shipped", "paid", "cancelled"),
    "payment": ("card", "invoice", "transfer", "cash"),
    "notes": ("call back in May", "prefers e-mail", "", "key account", "late payer; see contract", "moved office"),
}


def _amount(value: Fact, decimal: str) -> str:
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    return text.replace(".", decimal)


def _writer(day: str, decimal: str, flags: tuple[str, str], *, nation: int, grams: bool = False) -> Writer:
    """A system's way of writing.

    Args:
        day: the notation of days.
        decimal: the decimal sign.
        flags: yes and no.
        nation: 0 for a country's name, 2 for its code.
        grams: whether weights are in grams instead of kilograms.
    """

    def write(concept: str, value: Fact) -> str:
        if isinstance(value, bool):
            return flags[0 if value else 1]
        if isinstance(value, date):
            return value.strftime(day)
        if concept == "country":
            name, _, code = str(value).partition("/")
            return code if nation else name
        if concept == "weight" and isinstance(value, float):
            return str(round(value * 1000)) if grams else f"{value:.3f}".replace(".", decimal)
        return _amount(value, decimal) if isinstance(value, float) else str(value)

    return write


_EVERYDAY_WRITERS = {
    "german": _writer("%d.%m.%Y", ",", ("ja", "nein"), nation=0),
    "crm": _writer("%Y-%m-%d", ".", ("true", "false"), nation=0),
    "shop": _writer("%Y-%m-%dT00:00:00", ".", ("TRUE", "FALSE"), nation=2),
    "hr": _writer("%m/%d/%Y", ".", ("Yes", "No"), nation=0),
    "french": _writer("%d/%m/%Y", ",", ("oui", "non"), nation=0, grams=True),
    "spanish": _writer("%d-%m-%Y", ",", ("S", "N"), nation=2),
    "short": _writer("%Y%m%d", ".", ("Y", "N"), nation=2, grams=True),
}
_HELD_BACK_WRITERS = {
    "italian": _writer("%d/%m/%y", ",", ("sì", "no"), nation=0),
    "dutch": _writer("%d-%m-%Y", ",", ("J", "N"), nation=0),
    "swedish": _writer("%Y-%m-%d", ",", ("1", "0"), nation=2, grams=True),
    "portuguese": _writer("%d.%m.%Y", ".", ("V", "F"), nation=0),
    "cloud": _writer("%b %d, %Y", ".", ("True", "False"), nation=0, grams=True),
    "mainframe": _writer("%y%m%d", ".", ("X", "-"), nation=2),
}


def make_everyday(domain: str, seed: int, things: int = 60) -> ExportPair:
    """A pair of exports of the everyday generator.

    Args:
        domain: contacts, items, staff or orders.
        seed: the same seed gives the same pair.
        things: what both exports are drawn from.
    """
    random = Random(f"everyday exports {domain} {seed}")
    people = everyday.make("contacts", 2 * things, seed, EVERYDAY).records
    goods = everyday.make("inventory", 2 * things, seed, EVERYDAY).records
    facts = [_facts(random, domain, _person_of(people[n]), _good_of(goods[n])) for n in range(things)]
    return pair(random, _systems(EVERYDAY_NAMES[domain], _EVERYDAY_WRITERS), facts, gap=0.2)


def make_held_back(domain: str, seed: int, things: int = 60) -> ExportPair:
    """A pair of exports of the held-back generator; see `make_everyday`."""
    random = Random(f"held back exports {domain} {seed}")
    people = held_back.make("contacts", 2 * things, seed, HELD_BACK).records
    goods = held_back.make("inventory", 2 * things, seed, HELD_BACK).records
    facts = [_facts(random, domain, _human_of(people[n]), _item_of(goods[n])) for n in range(things)]
    return pair(random, _systems(HELD_BACK_NAMES[domain], _HELD_BACK_WRITERS), facts, gap=0.3)


def _systems(names: dict[str, dict[str, str]], writers: dict[str, Writer]) -> list[System]:
    return [System(name, columns, writers[name]) for name, columns in names.items()]


def _person_of(record: Record) -> Record:
    first, _, last = record["name"].title().replace(",", "").partition(" ")
    known = {name: record[name] for name in ("email", "phone", "company", "street", "postcode", "city")}
    return {**known, "first": first, "last": last or first, "country": record["country"] or "France"}


def _human_of(record: Record) -> Record:
    *first, last = record["full_name"].title().split()
    own = {"email": "e_mail", "phone": "telephone", "company": "organisation", "street": "address"}
    known = {name: record[column] for name, column in (own | {"postcode": "zip", "city": "locality"}).items()}
    return {**known, "first": " ".join(first) or last, "last": last, "country": record["nation"] or "Sverige"}


def _good_of(record: Record) -> Record:
    return {
        "title": record["description"],
        "brand": record["brand"],
        "model": record["part_no"],
        "gtin": record["gtin"],
    }


def _item_of(record: Record) -> Record:
    return {"title": record["item"], "brand": record["maker"], "model": record["model"], "gtin": ""}


def _facts(random: Random, domain: str, person: Record, good: Record) -> Facts:
    """What is true of one thing of a domain, the countries as NAME/CODE."""
    start = date(2015, 1, 1)
    net = round(random.uniform(5, 4000), 2)
    common: dict[str, Fact] = {
        "email": person["email"],
        "city": person["city"],
        "postcode": person["postcode"],
        "country": f"{person['country']}/{person['country'][:2].upper()}",
        "first": person["first"],
        "last": person["last"],
        "active": random.random() < 0.8,
        "born": date(1950, 1, 1) + timedelta(days=random.randrange(18_000)),
    }
    if domain == "contacts":
        return common | {
            "key": str(random.randint(10_000, 99_999)),
            "company": person["company"],
            "salutat": random.choice(("Mr", "Ms", "Dr")),
            "street": person["street"],
            "phone": person["phone"],
            "mobile": f"+{random.randint(30, 99)} {random.randint(150, 199)} {random.randint(1_000_000, 9_999_999)}",
            "since": start + timedelta(days=random.randrange(3000)),
            "revenue": round(random.uniform(10_000, 9_000_000), 2),
            "vat": random.choice(("DE", "FR", "IT")) + str(random.randint(10**8, 10**9 - 1)),
            "notes": random.choice(_WORDS["notes"]),
            "website": f"www.{person['last'].lower().split()[0]}.example",
            "sector": random.choice(_WORDS["sector"]),
            "consent": random.random() < 0.5,
        }
    if domain == "items":
        return {
            "key": good["model"] or str(random.randint(10_000, 99_999)),
            "title": good["title"],
            "brand": good["brand"],
            "gtin": good["gtin"] or f"40{random.randint(10**10, 10**11 - 1)}",
            "category": random.choice(_WORDS["category"]),
            "unit": random.choice(("pcs", "box", "m", "kg")),
            "qty": random.randint(0, 4000),
            "price": round(random.uniform(0.5, 400), 2),
            "cost": round(random.uniform(0.3, 250), 2),
            "currency": random.choice(("EUR", "EUR", "USD", "GBP")),
            "weight": round(random.uniform(0.01, 30), 3),
            "supplier": person["company"] or f"{person['last']} Trading",
            "moved": start + timedelta(days=random.randrange(3000)),
            "active": common["active"],
            "bin": f"{random.choice('ABCDR')}{random.randint(1, 9)}-{random.randint(1, 30):02d}",
            "minimum": random.choice((5, 10, 20, 50, 100)),
        }
    if domain == "staff":
        return common | {
            "key": str(random.randint(1000, 9999)),
            "gender": random.choice(("F", "M")),
            "hired": start + timedelta(days=random.randrange(3000)),
            "role": random.choice(_WORDS["role"]),
            "unit": random.choice(_WORDS["unit"]),
            "salary": random.randint(24, 140) * 500,
            "hours": random.choice((20, 30, 35, 38, 40)),
            "iban": f"DE{random.randint(10, 99)} {random.randint(1000, 9999)} {random.randint(10**11, 10**12 - 1)}",
            "phone": person["phone"],
            "manager": f"{random.choice(('Lena', 'Marc', 'Ivo'))} {random.choice(('Hart', 'Wolff', 'Costa'))}",
        }
    ordered = start + timedelta(days=random.randrange(3000))
    return common | {
        "key": f"{random.randint(100_000, 999_999)}",
        "ordered": ordered,
        "shipped": ordered + timedelta(days=random.randint(1, 20)),
        "customer": f"{person['first']} {person['last']}",
        "qty": random.randint(1, 40),
        "net": net,
        "tax": round(net * 0.2, 2),
        "gross": round(net * 1.2, 2),
        "currency": random.choice(("EUR", "EUR", "USD")),
        "status": random.choice(_WORDS["status"]),
        "payment": random.choice(_WORDS["payment"]),
        "remark": random.choice(_WORDS["notes"]),
    }
