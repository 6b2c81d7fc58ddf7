"""Contacts, companies, patients, properties and inventory of the held-back generator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from lab.synthetic.lists.held_back.desks import Desk, desks, on_paper
from lab.synthetic.lists.held_back.pools import (
    BROKERS,
    CRAFTS,
    DWELLINGS,
    GOODS,
    HOUSES,
    LANDS,
    MAKERS,
    PROVIDERS,
    SHORT_NAMES,
    Land,
)
from lab.synthetic.lists.held_back.spoiling import plain
from lab.synthetic.lists.listing import Record
from lab.synthetic.lists.proportions import Proportions

Written = list[tuple[str, Record]]


class House(NamedTuple):
    """A company, or a branch of one, where it is."""

    key: str
    land: Land
    words: str
    craft: str
    form: list[str]
    site: str
    at: tuple[str, list[str]]
    line: str
    number: str


class Human(NamedTuple):
    """A person, with what changes in a life: a surname, an address, a number, a mailbox."""

    key: str
    land: Land
    woman: bool
    given: str
    middle: str
    families: tuple[str, str]
    homes: tuple[tuple[str, list[str]], tuple[str, list[str]]]
    numbers: tuple[str, str]
    mails: tuple[str, str]
    day: date
    house: House | None


def _where(random: Random, land: Land) -> tuple[str, list[str]]:
    return random.choice(land.roads).format(random.randint(1, 99)), random.choice(land.towns)


def _digits(random: Random, count: int) -> str:
    return "".join(random.choices("0123456789", k=count))


def _filled(random: Random, pattern: str) -> str:
    return "".join(_digits(random, 1) if letter == "#" else letter for letter in pattern)


def _dialled(desk: Desk, land: Land, number: str) -> str:
    if desk.calling in ("+", "+ "):
        return f"+{land.calling} {number[:3]} {number[3:]}"
    if desk.calling == "0":
        return f"{land.trunk}{number[:2]}-{number[2:5]} {number[5:]}"
    return f"({land.trunk}){number}" if desk.calling and land.trunk else number


def _houses(random: Random, count: int, shares: Proportions) -> list[House]:
    found: list[House] = []
    while len(found) < count:
        land = random.choice(LANDS)
        craft = random.choice(list(CRAFTS))
        first = random.choice((random.choice(HOUSES), random.choice(land.families), " ".join(random.sample(HOUSES, 2))))
        words = f"{first} {craft}"
        head = House(
            key=f"house-{len(found)}",
            land=land,
            words=words,
            craft=craft,
            form=random.choice(land.forms),
            site=f"{plain(words)}.{random.choice(('test', 'example', 'invalid'))}",
            at=_where(random, land),
            line=_filled(random, land.line),
            number=_digits(random, 10),
        )
        found.append(head)
        while random.random() < shares.branches:
            key = f"{head.key}-{len(found)}"
            found.append(head._replace(key=key, at=_where(random, land), line=_filled(random, land.line)))
    return found


def _human(random: Random, key: str, land: Land, house: House | None = None) -> Human:
    woman = random.random() < 0.52
    given = random.choice(land.given[0 if woman else 1])
    families = (random.choice(land.families), random.choice(land.families))
    name, family = plain(given), plain(families[0])
    private = "".join(random.choice(parts) for parts in ((name, name[:3]), ("", "-", "."), (family,), ("", "1", "77")))
    at_work = f"{random.choice((f'{name}.{family}', f'{family}{name[0]}', f'{name[0]}-{family}'))}@"
    own = f"{private}@{random.choice(PROVIDERS)}"
    return Human(
        key=key,
        land=land,
        woman=woman,
        given=given,
        middle=random.choice(land.given[0 if woman else 1])[0] if random.random() < 0.2 else "",
        families=families,
        homes=(_where(random, land), _where(random, land)),
        numbers=(_filled(random, land.mobile), _filled(random, land.mobile)),
        mails=(at_work + house.site, own) if house else (own, f"{family}.{name}@{random.choice(PROVIDERS)}"),
        day=date(1931, 5, 1) + timedelta(days=random.randrange(27_000)),
        house=house,
    )


def _humans(random: Random, shares: Proportions, houses: list[House]) -> Iterator[Human]:
    """People, those of one household one after the other, without an end."""
    count = 0
    while True:
        count += 1
        house = random.choice(houses) if houses and random.random() < 0.75 else None
        one = _human(random, f"human-{count}", house.land if house else random.choice(LANDS), house)
        yield one
        if random.random() > shares.household:
            continue
        other = _human(random, f"human-{count}-b", one.land)
        mail = f"{plain(other.given)}.{plain(one.families[0])}@{random.choice(PROVIDERS)}"
        other = other._replace(families=(one.families[0], other.families[1]), homes=one.homes, mails=(mail, mail))
        if random.random() < 0.6:
            other = other._replace(numbers=(one.numbers[0], other.numbers[1]))
        draw = random.random()
        if draw < shares.namesakes and not one.woman:
            other = other._replace(given=one.given, middle="", day=one.day + timedelta(days=9000 + count))
        elif draw < shares.namesakes + shares.twins:
            other = other._replace(day=one.day)
        yield other


def _named(random: Random, human: Human, shares: Proportions) -> tuple[str, str]:
    given, family = human.given, human.families[0]
    draw = random.random()
    if draw < shares.informal / 2:
        given = SHORT_NAMES.get(given, given)
    elif draw < shares.informal:
        given = f"{given[0]}."
    elif human.middle and draw < 0.6:
        given = f"{given} {human.middle}."
    if human.woman and random.random() < shares.renamed:
        family = random.choice((human.families[1], f"{family} {human.families[1]}", f"{human.families[1]}-{family}"))
    return given, family


def _reached(random: Random, human: Human, desk: Desk, shares: Proportions) -> Record:
    """How and where a person is reached, by one system."""
    home = human.homes[random.random() < shares.moved]
    number = human.numbers[random.random() < shares.new_number]
    mail = human.mails[random.random() < shares.other_mailbox]
    if human.house is not None:
        mail = f"info@{human.house.site}" if random.random() < shares.shared_mailbox else mail
        number = human.house.line if random.random() < shares.switchboard else number
    road, (zip_code, town) = home
    return {
        "e_mail": mail,
        "telephone": _dialled(desk, human.land, number),
        "address": road,
        "zip": zip_code,
        "locality": town,
        "nation": human.land.names[desk.nation],
    }


def contacts(random: Random, count: int, shares: Proportions) -> Written:
    """People at work and at home."""
    written: Written = []
    for human in _humans(random, shares, _houses(random, max(3, count // 8), shares)):
        for desk in desks(random, shares):
            given, family = _named(random, human, shares)
            title = random.choice(("", "", "", "Dr ", "Ms " if human.woman else "Mr "))
            whole = f"{family} {given}" if desk.label == "legacy" else f"{title}{given} {family}"
            reached = _reached(random, human, desk, shares)
            company = _firm_name(random, human.house, shares) if human.house else ""
            record = {"full_name": whole, "organisation": company, **reached}
            written.append((human.key, on_paper(random, desk, record, shares, {"full_name"})))
        if len(written) >= count:
            return written
    raise AssertionError("people do not end")


def patients(random: Random, count: int, shares: Proportions) -> Written:
    """People with their day of birth and the number of an insurance."""
    written: Written = []
    for human in _humans(random, shares, []):
        insured = _digits(random, 9)
        for desk in desks(random, shares):
            given, family = _named(random, human, shares)
            reached = _reached(random, human, desk, shares)
            record = {
                "forename": given,
                "surname": family,
                "gender": "FM"[not human.woman],
                "birth_date": human.day.strftime(desk.dates),
                "insurance": insured if random.random() < 0.5 else "",
                **{name: reached[name] for name in ("address", "zip", "locality", "telephone", "e_mail")},
            }
            written.append((human.key, on_paper(random, desk, record, shares, {"forename", "surname", "gender"})))
        if len(written) >= count:
            return written
    raise AssertionError("people do not end")


def _firm_name(random: Random, house: House, shares: Proportions) -> str:
    words = house.words
    if random.random() < shares.informal:
        words = words.replace(house.craft, CRAFTS[house.craft])
    return words if random.random() < 0.25 else f"{words} {random.choice(house.form)}"


def companies(random: Random, count: int, shares: Proportions) -> Written:
    """Companies and branches."""
    written: Written = []
    for house in _houses(random, count, shares):
        for desk in desks(random, shares):
            road, (zip_code, town) = _where(random, house.land) if random.random() < shares.moved / 2 else house.at
            record = {
                "organisation": _firm_name(random, house, shares),
                "address": road,
                "zip": zip_code,
                "locality": town,
                "nation": house.land.names[desk.nation],
                "telephone": _dialled(desk, house.land, house.line),
                "web": random.choice((house.site, f"www.{house.site}", f"https://{house.site}/contact")),
                "registration": house.number if random.random() < 0.4 else "",
            }
            written.append((house.key, on_paper(random, desk, record, shares, {"organisation"})))
    return written


def properties(random: Random, count: int, shares: Proportions) -> Written:
    """Dwellings, several of them at one address."""
    written: Written = []
    buildings = 0
    while len(written) < count:
        buildings += 1
        land = random.choice(LANDS)
        road, (zip_code, town) = _where(random, land)
        doors = random.choice((1, 1, 2, 4))
        for door in range(doors):
            size, kind = random.randint(25, 310), random.choice(DWELLINGS)
            asked = size * random.randint(900, 7000)
            for desk in desks(random, shares):
                price = asked if random.random() > shares.price_moved else asked * random.randint(90, 105) // 100
                flat = ("", f" int. {door + 1}", f"-{door + 1}", f" bis {door + 1}")[
                    random.randint(1, 3) if doors > 1 else 0
                ]
                record = {
                    "address": road + flat,
                    "zip": zip_code,
                    "locality": town,
                    "nation": land.names[desk.nation],
                    "category": kind,
                    "floor_space": f"{size} sqm" if desk.casing else str(size),
                    "asking": f"€ {price:,}".replace(",", "." if desk.nation else ","),
                    "broker": random.choice(BROKERS) if random.random() < 0.3 else BROKERS[buildings % len(BROKERS)],
                }
                written.append((f"home-{buildings}-{door}", on_paper(random, desk, record, shares, {"address"})))
    return written


def inventory(random: Random, count: int, shares: Proportions) -> Written:
    """Goods in sizes, shades and models."""
    written: Written = []
    lines = 0
    while len(written) < count:
        lines += 1
        maker, goods, series = random.choice(MAKERS), random.choice(list(GOODS)), random.choice(HOUSES)
        for version in random.sample(GOODS[goods], random.randint(1, len(GOODS[goods]))):
            model, cost = f"{maker[:2].upper()}-{_digits(random, 5)}", random.randint(99, 29_900) / 100
            for desk in desks(random, shares):
                paid = cost if random.random() > shares.price_moved else round(cost * random.uniform(0.9, 1.1), 2)
                parts = [maker, f"{goods} {series}", version]
                if desk.label in ("legacy", "Helpdesk"):
                    parts = [f"{series} {goods}", version.replace(" ", ""), maker]
                if random.random() < shares.informal:
                    parts.remove(maker)
                record = {
                    "item": ", ".join(parts) if desk.label == "billing" else " ".join(parts),
                    "maker": maker,
                    "model": model if desk.casing != "lower" else model.replace("-", ""),
                    "cost": f"{paid:.2f}",
                    "stock": str(random.randint(0, 500)),
                }
                written.append((f"good-{lines}-{version}", on_paper(random, desk, record, shares, {"item"})))
    return written
