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
_OWN = ("email", "phone", "born", "vat", "website", "ssn")
"""Columns that two records of different people or companies seldom share."""
_NUMBERS = ("vat", "ssn")
"""Those of them that nobody shares."""


def with_siblings(made: SyntheticList, random: Random, share: float) -> SyntheticList:
    """The list with `share` as many further records, each of an entity of its own beside one that it resembles."""
    maker = {"companies": _company, "properties": _property}.get(made.kind, _person)
    records, entities = list(made.records), list(made.entities)
    for number in range(round(share * len(made.records))):
        record = dict(random.choice(made.records))
        other = random.choice(made.records)
        record["id"] = f"Z{number:05}"
        maker(record, other, random)
        records.append(record)
        entities.append(f"sibling {number}")
    return SyntheticList(made.kind, tuple(records), tuple(entities))


def _person(record: Record, other: Record, random: Random) -> None:
    if random.random() < 0.3:
        # A namesake elsewhere.
        record.update({name: value for name, value in other.items() if name not in ("name", "first_name", "last_name")})
        return
    column = "first_name" if "first_name" in record else "name"
    words = record[column].split()
    place = -1 if "," in record[column] else 0
    given = words[place] if words else ""
    changed = _other_gender(given) if random.random() < 0.2 else _given_name(other)
    record[column] = " ".join([*words[:place], changed, *words[1:]] if place == 0 else [*words[:-1], changed])
    _change_own(record, other, random)
    if given and given.lower() in record.get("email", "").lower():
        record["email"] = re.sub(re.escape(given), changed, record["email"], flags=re.IGNORECASE).lower()


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
