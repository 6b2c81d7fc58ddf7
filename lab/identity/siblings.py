"""Records that look alike and are others: namesakes, relatives, colleagues, sister companies, neighbours.

What tells these from one record written twice is what a judge has to learn; lists without them teach it to merge.
"""

from __future__ import annotations

import re
from random import Random

from lab.synthetic.lists import Record, SyntheticList

_TRADES = (
    *("Plastics", "Rentals", "Logistics", "Wholesale", "Services", "Trading", "Consulting", "Foods", "Energy", "Media"),
    *("Immobilien", "Technik", "Transports", "Iberica", "Nord", "Süd", "East", "West", "International", "Retail"),
)
_ENDINGS = {"a": "o", "o": "a", "e": "a", "n": "na", "s": "a", "d": "da", "k": "ka", "r": "ra", "l": "la", "t": "te"}
_PEOPLE = ("contacts", "patients")
_YOUNGER = (" Jr.", " jr", " Junior", " II")
_OWN = ("email", "phone", "born", "vat", "website", "ssn")
"""Columns that two records of different people or companies seldom share."""
_NUMBERS = ("vat", "ssn")
"""Those of them that nobody shares."""


def with_siblings(made: SyntheticList, random: Random, share: float) -> SyntheticList:
    """The list with `share` as many further records, each of an entity of its own beside one that it resembles."""
    maker = {"companies": _company, "properties": _property}.get(made.kind, _person)
    records, entities = list(made.records), list(made.entities)
    for number in range(round(share * len(made.records))):
        beside = random.randrange(len(made.records))
        record = dict(records[beside])
        other = random.choice(made.records)
        record["id"] = f"Z{number:05}"
        maker(record, other, random)
        if made.kind in _PEOPLE and record[_given_column(record)].endswith(_YOUNGER) and random.random() < 0.5:
            records[beside] = _as_older(records[beside])
        records.append(record)
        entities.append(f"sibling {number}")
    return SyntheticList(made.kind, tuple(records), tuple(entities))


def _person(record: Record, other: Record, random: Random) -> None:
    kind = random.random()
    if kind < 0.15:
        _colleague(record, other, random)
        return
    if kind < 0.25:
        _child(record, other, random)
        return
    if kind < 0.5:
        # A namesake elsewhere.
        record.update({name: value for name, value in other.items() if name not in ("name", "first_name", "last_name")})
        return
    column = _given_column(record)
    words = record[column].split()
    place = -1 if "," in record[column] else 0
    given = words[place] if words else ""
    changed = _other_gender(given) if random.random() < 0.2 else _given_name(other)
    record[column] = " ".join([*words[:place], changed, *words[1:]] if place == 0 else [*words[:-1], changed])
    _change_own(record, other, random)
    if given and given.lower() in record.get("email", "").lower():
        record["email"] = re.sub(re.escape(given), changed, record["email"], flags=re.IGNORECASE).lower()


def _colleague(record: Record, other: Record, random: Random) -> None:
    """Another person of the same firm or house, who gives the shared mailbox and telephone or a neighbouring number."""
    for name in ("name", "first_name", "last_name", "sex"):
        if name in record:
            record[name] = other[name]
    user, at, domain = record["email"].partition("@")
    if at and random.random() < 0.7:
        user = random.choice((user, "info", "office", other["email"].partition("@")[0]))
    record["email"] = f"{user}{at}{domain}"
    if record["phone"] and random.random() < 0.6:
        record["phone"] = _next_number(record["phone"], random)
    _change_numbers(record, other)


def _child(record: Record, other: Record, random: Random) -> None:
    """The son or daughter of the same name, as both write it."""
    if record[_given_column(record)]:
        record[_given_column(record)] += random.choice(_YOUNGER)
    _change_own(record, other, random)


def _as_older(record: Record) -> Record:
    """The parent, as a list writes it that knows of both."""
    column = _given_column(record)
    return record if record[column].endswith(_YOUNGER) else {**record, column: f"{record[column]} Sr."}


def _given_column(record: Record) -> str:
    return "first_name" if "first_name" in record else "name"


def _given_name(record: Record) -> str:
    if "first_name" in record:
        return record["first_name"]
    name = record["name"]
    return (name.rpartition(",")[2] if "," in name else name).split()[0] if name.strip(" ,") else "Kim"


def _other_gender(name: str) -> str:
    ending = name[-1:].lower()
    return name[:-1] + _ENDINGS[ending] if ending in _ENDINGS and len(name) > 3 else name + "a"


def _company(record: Record, other: Record, random: Random) -> None:
    words = record["company"].split() or ["Acme"]
    form = random.random()
    if form < 0.35:
        record["company"] = " ".join([*words[:1], random.choice(_TRADES), *words[2:]])
    elif form < 0.6:
        record["company"] += random.choice((" ({})", " {}")).format(random.choice(_TRADES))
    elif form < 0.8:
        record["company"] = " ".join([words[0], random.choice(_TRADES)])
    else:
        record["company"] = " ".join(
            [_slip(words[0], random), *(_slip(word, random) for word in words[1:2]), *words[2:]]
        )
        record["street"] = _near_number(record["street"], random)
    place = random.random()
    if place < 0.4:
        record["street"] = _near_number(record["street"], random)
    elif place < 0.7:
        record["street"] = other["street"]
    _change_own(record, other, random)


def _property(record: Record, other: Record, random: Random) -> None:
    form = random.random()
    if form < 0.6:
        record["street"] = _near_number(record["street"], random)
    else:
        record["street"] = other["street"]
    for name in ("rooms", "area", "price", "built"):
        record[name] = other[name]


def _change_own(record: Record, other: Record, random: Random) -> None:
    for name in _OWN:
        if record.get(name) and (name in _NUMBERS or random.random() < 0.7):
            record[name] = (
                _next_number(record[name], random) if name == "phone" and random.random() < 0.5 else other[name]
            )


def _change_numbers(record: Record, other: Record) -> None:
    for name in ("born", *_NUMBERS):
        if record.get(name):
            record[name] = other[name]


def _near_number(street: str, random: Random) -> str:
    return re.sub(r"\d+", lambda found: str(int(found[0]) + random.choice((1, 2, 4, 10, 100))), street, count=1)


def _next_number(phone: str, random: Random) -> str:
    return phone[:-2] + f"{random.randrange(100):02}"


def _slip(word: str, random: Random) -> str:
    place = random.randrange(len(word))
    return word[:place] + random.choice("aeinrst") + word[place + 1 :]


def with_numbers(made: SyntheticList, random: Random) -> SyntheticList:
    """The list with a personal number for half of its records: one for each entity, sometimes mistyped."""
    numbers: dict[str, str] = {}
    records = []
    for entity, record in zip(made.entities, made.records, strict=True):
        number = numbers.setdefault(entity, f"{random.randrange(10**8, 10**9)}")
        if random.random() < 0.05:
            number = _next_number(number, random)
        records.append({**record, "ssn": number if random.random() < 0.5 else ""})
    return SyntheticList(made.kind, tuple(records), made.entities)
