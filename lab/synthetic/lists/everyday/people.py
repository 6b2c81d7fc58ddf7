"""Contacts and patients of the everyday generator, as five systems write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Literal

from lab.synthetic.lists.everyday import errors
from lab.synthetic.lists.everyday.firms import Firm, firms
from lab.synthetic.lists.everyday.letters import UMLAUTS, ascii_name, folded
from lab.synthetic.lists.everyday.pools import MAILBOXES, NICKNAMES, Country, Place
from lab.synthetic.lists.listing import Record, SyntheticList
from lab.synthetic.lists.proportions import Proportions

_SHORT_STREETS = (
    ("straße", "str."),
    (" Straße", " Str."),
    ("Street", "St"),
    ("Avenue", "Ave"),
    ("Road", "Rd"),
    ("Boulevard", "Blvd"),
    ("Drive", "Dr"),
    ("Lane", "Ln"),
    ("avenue", "av."),
    ("boulevard", "bd"),
    ("Calle", "C/"),
    ("Avenida", "Avda."),
    ("Plaza", "Pza."),
    ("platz", "pl."),
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where someone or something is."""

    street: str
    number: str
    place: Place


@dataclass(frozen=True, slots=True)
class Person:
    """What is true of a person.

    Args:
        entity: who it is.
        woman: whether `former` may be a surname before a marriage.
        phone: the digits within the country, area code first.
        mailbox: the e-mail address; `second_mailbox` another one.
        firm: where the person works, if that is known.
    """

    entity: str
    country: Country
    woman: bool
    first: str
    last: str
    former: str
    born: date
    address: Address
    earlier: Address
    phone: str
    second_phone: str
    mailbox: str
    second_mailbox: str
    firm: Firm | None


@dataclass(frozen=True, slots=True)
class Habit:
    """How one system writes people.

    Args:
        source: its label.
        name: the order of the name's parts.
        upper: whether in capitals.
        ascii: how letters beyond ASCII are written.
        phone: the notation of telephone numbers.
        day: the notation of days.
        country: which name of the country.
        short_street: whether the words for street are abbreviated.
        legal: whether the company's legal form is given.
        width: where values end, in characters.
        never: columns that it does not have.
        scans: whether values come from a scanner.
    """

    source: str
    name: Literal["first last", "last, first", "last first"]
    upper: bool = False
    ascii: Literal["kept", "folded", "spelled"] = "kept"
    phone: Literal["+", "national", "digits", "00"] = "+"
    day: str = "%Y-%m-%d"
    country: Literal["name", "english", "code"] = "code"
    short_street: bool = False
    legal: bool = True
    width: int | None = None
    never: tuple[str, ...] = ()
    scans: bool = False


HABITS = (
    Habit("crm", "first last", country="name"),
    Habit(
        "webshop", "first last", ascii="folded", phone="national", day="%d.%m.%Y", country="english", short_street=True
    ),
    Habit(
        "newsletter",
        "first last",
        phone="digits",
        day="%m/%d/%Y",
        never=("street", "postcode", "company"),
        short_street=True,
    ),
    Habit("erp", "last, first", upper=True, ascii="spelled", phone="00", day="%Y%m%d", width=30, short_street=True),
    Habit("fair", "last first", phone="national", day="%d/%m/%y", country="english", legal=False, scans=True),
)


def contacts(random: Random, count: int, shares: Proportions, countries: Sequence[Country]) -> SyntheticList:
    """People with their companies, about `count` records."""
    employers = firms(random, max(2, count // 6), shares, countries)
    columns = ("name", "email", "phone", "company", "street", "postcode", "city", "country")
    return _listed(random, "contacts", count, shares, columns, _households(random, shares, employers, countries))


def patients(random: Random, count: int, shares: Proportions, countries: Sequence[Country]) -> SyntheticList:
    """People with their day of birth, first and last names in columns of their own, about `count` records."""
    columns = ("last_name", "first_name", "sex", "born", "street", "postcode", "city", "phone", "email")
    return _listed(random, "patients", count, shares, columns, _households(random, shares, [], countries))


def _listed(
    random: Random,
    kind: str,
    count: int,
    shares: Proportions,
    columns: tuple[str, ...],
    households: Iterator[list[Person]],
) -> SyntheticList:
    written: list[tuple[str, Record]] = []
    while len(written) < count:
        for person in next(households):
            for habit in sources(random, HABITS, shares):
                record = write_person(random, person, habit, shares)
                full = {"source": habit.source, **{column: record[column] for column in columns}}
                written.append((person.entity, _finished(random, full, habit, shares)))
    return SyntheticList.shuffled(random, kind, written[:count], numbered(random, kind))


def numbered(random: Random, kind: str) -> Callable[[int], Record]:
    """Keys with a letter and a number that grows."""
    start, step = random.randrange(1000, 9000), random.choice((1, 3, 7))
    return lambda place: {"id": f"{kind[0].upper()}{start + step * place:05d}"}


def sources(random: Random, habits: tuple[Habit, ...], shares: Proportions) -> list[Habit]:
    """The systems in which an entity stands; now and then one of them has it twice."""
    if random.random() >= shares.several:
        return [random.choice(habits)]
    number = random.choice((2, 2, 2, 2, 3, 3, 4, 5))
    chosen = random.sample(habits, number)
    if random.random() < 0.2:
        chosen[-1] = chosen[0]
    return chosen


def _households(
    random: Random, shares: Proportions, employers: list[Firm], countries: Sequence[Country]
) -> Iterator[list[Person]]:
    """People one household after the other, without an end."""
    number = 0
    while True:
        country = random.choice(countries)
        number += 1
        first = _person(random, f"p{number}", country, employers)
        if random.random() >= shares.household:
            yield [first]
            continue
        members = [first]
        kind = random.random()
        if kind < shares.twins:
            for twin in "ab":
                other = _person(random, f"p{number}{twin}", country, employers)
                members.append(replace(other, born=first.born + timedelta(days=9800)))
            members[2] = replace(members[2], born=members[1].born)
        elif kind < shares.twins + shares.namesakes and not first.woman:
            son = _person(random, f"p{number}s", country, employers, woman=False)
            members.append(replace(son, first=first.first, born=first.born + timedelta(days=10400 + number)))
        else:
            members.append(_person(random, f"p{number}m", country, employers, woman=not first.woman))
        yield [first, *(_joined(random, first, member) for member in members[1:])]


def _joined(random: Random, first: Person, member: Person) -> Person:
    """A person as a member of a household."""
    return replace(
        member,
        country=first.country,
        last=first.last,
        address=first.address,
        phone=first.phone,
        mailbox=mailbox(random, member.first, first.last, member.firm),
        second_mailbox=mailbox(random, member.first, first.last, None),
    )


def _person(random: Random, entity: str, country: Country, employers: list[Firm], woman: bool | None = None) -> Person:
    firm = None
    if employers and random.random() < 0.8:
        firm = random.choice(employers)
        country = firm.country
    woman = random.random() < 0.5 if woman is None else woman
    first, last = random.choice(country.women if woman else country.men), random.choice(country.surnames)
    address = _address(random, country)
    return Person(
        entity=entity,
        country=country,
        woman=woman,
        first=first,
        last=last,
        former=random.choice(country.surnames),
        born=date(1938, 1, 1) + timedelta(days=random.randrange(24_500)),
        address=address,
        earlier=_address(random, country),
        phone=_number(random, country, address.place),
        second_phone=_number(random, country, address.place),
        mailbox=mailbox(random, first, last, firm),
        second_mailbox=mailbox(random, first, last, None),
        firm=firm,
    )


def _address(random: Random, country: Country) -> Address:
    return Address(random.choice(country.streets), str(random.randint(1, 140)), random.choice(country.places))


def _number(random: Random, country: Country, place: Place) -> str:
    return place.area + "".join(str(random.randint(2, 9)) for _ in range(country.local))


def mailbox(random: Random, first: str, last: str, firm: Firm | None) -> str:
    """An e-mail address made of a name, at a company or at a provider of private ones."""
    given, family = (ascii_name(part, "") for part in (first, last))
    if firm is not None:
        return f"{random.choice((f'{given}.{family}', f'{given[0]}.{family}', f'{given[0]}{family}'))}@{firm.domain}"
    number = random.choice(("", "", str(random.randint(1, 99)), str(random.randint(1950, 2004))))
    return f"{random.choice((f'{given}.{family}', f'{family}.{given}', f'{given}_{family}'))}{number}@" + random.choice(
        MAILBOXES
    )


def write_phone(digits: str, country: Country, area: str, notation: str) -> str:
    """A telephone number in a notation: with a plus sign, as dialled within the country, digits only, or with 00."""
    rest = digits[len(area) :]
    if notation == "+":
        return f"+{country.calling} {area} {rest}"
    if notation == "national":
        if country.code == "US":
            return f"({area}) {rest[:3]}-{rest[3:]}"
        return f"{country.trunk}{area} {' '.join(rest[n : n + 3] for n in range(0, len(rest), 3))}"
    return f"{country.trunk}{digits}" if notation == "digits" else f"00{country.calling}{digits}"


def write_street(address: Address, country: Country, short: bool) -> str:
    """Street and number in the country's order."""
    street = address.street
    if short:
        for word, abbreviation in _SHORT_STREETS:
            street = street.replace(word, abbreviation)
    return f"{address.number} {street}" if country.number_first else f"{street} {address.number}"


def write_country(country: Country, notation: str) -> str:
    """The country's own name, its English name, or its code."""
    return {"name": country.name, "english": country.english}.get(notation, country.code)


def write_person(random: Random, person: Person, habit: Habit, shares: Proportions) -> Record:
    """Every column of a person as a system writes it, before errors."""

    def happens(share: float) -> bool:
        return random.random() < share

    first, last = person.first, person.last
    if happens(shares.informal):
        nicks = NICKNAMES.get(first, ())
        first = random.choice(nicks) if nicks else first
    if person.woman and happens(shares.renamed):
        last = random.choice((person.former, f"{person.former}-{last}", f"{last}-{person.former}"))
    address = person.earlier if happens(shares.moved) else person.address
    phone = person.second_phone if happens(shares.new_number) else person.phone
    mail = person.second_mailbox if happens(shares.other_mailbox) else person.mailbox
    area = person.address.place.area
    firm = person.firm
    if firm is not None and happens(shares.shared_mailbox):
        mail = firm.mailbox
    if firm is not None and happens(shares.switchboard):
        phone, area = firm.phone, firm.place.area
    name = {
        "first last": f"{first} {last}",
        "last, first": f"{last}, {first}",
        "last first": f"{last} {first}" if happens(0.5) else f"{first} {last}",
    }[habit.name]
    return {
        "name": name,
        "first_name": first,
        "last_name": last,
        "sex": ("F" if person.woman else "M") if habit.upper else ("female" if person.woman else "male"),
        "born": person.born.strftime(habit.day),
        "email": mail,
        "phone": write_phone(phone, person.country, area, habit.phone),
        "company": "" if firm is None else firm.written(habit.legal),
        "street": write_street(address, person.country, habit.short_street),
        "postcode": address.place.postcode,
        "city": address.place.city,
        "country": write_country(person.country, habit.country),
    }


def _finished(random: Random, record: Record, habit: Habit, shares: Proportions) -> Record:
    return finished(random, record, habit, shares, keep=("source", "sex", "name", "last_name", "first_name"))


def finished(random: Random, record: Record, habit: Habit, shares: Proportions, *, keep: tuple[str, ...]) -> Record:
    """A record with the gaps, typing errors, capitals, width and encoding of its system.

    Args:
        keep: columns that are never empty.
    """
    merged = "city" in record and "street" in record and random.random() < shares.merged
    if merged:
        record |= {"street": f"{record['street']}, {record['city']}", "city": ""}
    spoilt = random.random() < shares.garbled
    for column, value in record.items():
        if column == "source" or not value:
            continue
        if column not in keep and (column in habit.never or random.random() < shares.gap):
            kept = column not in habit.never and random.random() < shares.placeholder
            record[column] = errors.placeholder(random, column) if kept else ""
            continue
        if column not in ("sex", "born"):
            if random.random() < shares.typed:
                value = errors.mistyped(random, value)
            if habit.scans and random.random() < shares.scanned:
                value = errors.scanned(random, value)
        if column != "email":
            value = value.translate(UMLAUTS) if habit.ascii == "spelled" else value
            value = folded(value) if habit.ascii != "kept" else value
            value = value.upper() if habit.upper else value
        value = errors.garbled(value) if spoilt else value
        record[column] = value[: habit.width].strip()
    return record
