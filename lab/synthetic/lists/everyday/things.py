"""Companies, properties and inventory of the everyday generator, as five systems write them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from lab.synthetic.lists.everyday.firms import Firm, firms
from lab.synthetic.lists.everyday.people import (
    HABITS,
    Address,
    Habit,
    finished,
    numbered,
    sources,
    write_country,
    write_phone,
    write_street,
)
from lab.synthetic.lists.everyday.pools import AGENTS, BRANDS, HOMES, THINGS, Country
from lab.synthetic.lists.listing import Record, SyntheticList
from lab.synthetic.lists.proportions import Proportions


def companies(random: Random, count: int, shares: Proportions, countries: Sequence[Country]) -> SyntheticList:
    """Companies and their branches, about `count` records."""
    written: list[tuple[str, Record]] = []
    for firm in firms(random, count, shares, countries):
        for habit in sources(random, HABITS, shares):
            record = _firm(random, firm, habit, shares)
            written.append((firm.entity, finished(random, record, habit, shares, keep=("company",))))
        if len(written) >= count:
            break
    return SyntheticList.shuffled(random, "companies", written[:count], numbered(random, "companies"))


def _firm(random: Random, firm: Firm, habit: Habit, shares: Proportions) -> Record:
    informal = random.random() < shares.informal
    name = firm.written(habit.legal and not informal, long=random.random() < 0.1, short=habit.short_street and informal)
    moved = random.random() < shares.moved / 2
    street = random.choice(firm.country.streets) if moved else firm.street
    address = Address(street, firm.number, firm.place)
    return {
        "source": habit.source,
        "company": name,
        "street": write_street(address, firm.country, habit.short_street),
        "postcode": firm.place.postcode,
        "city": firm.place.city,
        "country": write_country(firm.country, habit.country),
        "phone": write_phone(firm.phone, firm.country, firm.place.area, habit.phone),
        "email": firm.mailbox,
        "website": random.choice(("https://www.{}", "www.{}", "{}", "http://{}/")).format(firm.domain),
        "vat": firm.vat if random.random() < 0.5 else "",
    }


def properties(random: Random, count: int, shares: Proportions, countries: Sequence[Country]) -> SyntheticList:
    """Homes for sale; several homes of one building are things of their own. About `count` records."""
    written: list[tuple[str, Record]] = []
    number = 0
    while len(written) < count:
        country = random.choice(countries)
        address = Address(random.choice(country.streets), str(random.randint(1, 120)), random.choice(country.places))
        units = random.choice((1, 1, 1, 2, 3))
        for unit in range(1, units + 1):
            number += 1
            facts = _home(random, units > 1)
            for habit in sources(random, HABITS, shares):
                record = _offer(random, facts, unit if units > 1 else None, address, habit, shares)
                record["country"] = write_country(country, habit.country)
                street = write_street(address, country, habit.short_street)
                record["street"] = street + record.pop("unit")
                written.append((f"h{number}", finished(random, record, habit, shares, keep=("street", "type"))))
    return SyntheticList.shuffled(random, "properties", written[:count], numbered(random, "properties"))


def _home(random: Random, flat: bool) -> dict[str, float | str]:
    area = random.randint(28, 240)
    return {
        "type": random.choice(HOMES[2:5] if flat else HOMES),
        "area": area,
        "rooms": max(1, round(area / 28)),
        "price": round(area * random.uniform(1800, 6200), -3),
        "agent": random.choice(AGENTS),
        "year": random.randint(1890, 2023),
    }


def _offer(
    random: Random,
    facts: dict[str, float | str],
    unit: int | None,
    address: Address,
    habit: Habit,
    shares: Proportions,
) -> Record:
    price = float(facts["price"])
    if random.random() < shares.price_moved:
        price = round(price * random.choice((0.9, 0.95, 0.97, 1.02)), -2)
    mark = {"crm": " / {}", "webshop": ", Apt {}", "newsletter": " #{}", "erp": " TOP {}", "fair": " Unit {}"}
    area = f"{facts['area']} m²" if habit.source in ("crm", "newsletter") else str(facts["area"])
    return {
        "source": habit.source,
        "street": "",
        "unit": "" if unit is None else mark[habit.source].format(unit),
        "postcode": address.place.postcode,
        "city": address.place.city,
        "country": "",
        "type": str(facts["type"]),
        "rooms": str(facts["rooms"]),
        "area": area,
        "price": f"{price:,.0f} EUR" if habit.source == "webshop" else f"{price:.0f}",
        "built": str(facts["year"]),
        "agent": str(facts["agent"]),
    }


def inventory(random: Random, count: int, shares: Proportions, _countries: Sequence[Country]) -> SyntheticList:
    """Articles in variants that are things of their own, about `count` records."""
    written: list[tuple[str, Record]] = []
    number = 0
    while len(written) < count:
        brand, thing = random.choice(BRANDS), random.choice(list(THINGS))
        variants = random.sample(THINGS[thing], random.choice((1, 1, 2, 3)))
        series = f"{random.choice('ABCDEGKLMPRSTX')}{random.choice('ABCDEKLMRST')}{random.randint(10, 990)}"
        for place, variant in enumerate(variants):
            number += 1
            facts = (f"{series}-{place + 1}", round(random.uniform(1, 300), 2), gtin(random))
            for habit in sources(random, HABITS, shares):
                record = _article(random, brand, thing, variant, facts, habit, shares)
                written.append((f"a{number}", finished(random, record, habit, shares, keep=("description",))))
    return SyntheticList.shuffled(random, "inventory", written[:count], numbered(random, "inventory"))


def gtin(random: Random) -> str:
    body = [4, 0, *(random.randint(0, 9) for _ in range(10))]
    check = -sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10
    return "".join(map(str, (*body, check)))


def _article(
    random: Random,
    brand: str,
    thing: str,
    variant: str,
    facts: tuple[str, float, str],
    habit: Habit,
    shares: Proportions,
) -> Record:
    part, price, gtin = facts
    if random.random() < shares.price_moved:
        price = round(price * random.uniform(0.92, 1.08), 2)
    words = [brand, f"{thing} {part.split('-')[0]}", variant]
    if habit.short_street:
        words[2] = variant.replace(" mm", "mm").replace(" V", "V").replace(" W", "W").replace("size ", "sz ")
    if habit.name == "last, first":
        words = [words[1], words[2], brand]
    if random.random() < shares.informal:
        words = [word for word in words if word != brand]
    amount = f"{price:.2f}"
    return {
        "source": habit.source,
        "description": " ".join(words),
        "brand": brand,
        "part_no": part.replace("-", " ") if habit.short_street else part,
        "gtin": gtin if random.random() < 0.6 else "",
        "price": amount.replace(".", ",") if habit.source in ("erp", "fair") else amount,
        "unit": {"crm": "pcs", "erp": "ST", "webshop": "piece"}.get(habit.source, "EA"),
    }
