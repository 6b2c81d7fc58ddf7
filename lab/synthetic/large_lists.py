"""Large lists whose duplicates are known by kind: people, and products that no two sellers word alike.

Names, streets and makers come from syllables, so that a million records hold as many different ones as real lists do;
a record takes some microseconds. The same seed gives the same list.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

Row = list[str]
Change = Callable[[Row, Random], Row]
DUPLICATES = 0.1
"""Share of the records that are a copy of an earlier one, changed in one way."""
_PEOPLE = ("id", "first_name", "last_name", "street", "postcode", "city", "email", "phone", "birth_date")
_PRODUCTS = ("id", "title", "maker", "price")
_ONSETS = ("b", "br", "d", "f", "g", "gr", "h", "k", "kl", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "w")
_VOWELS = ("a", "e", "i", "o", "u", "ei", "au")
_ENDS = ("", "n", "r", "s", "l", "ck", "nd", "tz", "m", "rt")
_FIRST = (
    *("Anna", "Maria", "Julia", "Laura", "Sarah", "Emma", "Clara", "Nina", "Lea", "Eva", "Ida", "Paula", "Vera"),
    *("Thomas", "Peter", "Michael", "Stefan", "Jan", "Paul", "Lukas", "David", "Simon", "Felix", "Max", "Karl", "Otto"),
)
_THINGS = ("lamp", "drill", "router", "printer", "kettle", "camera", "speaker", "monitor", "scanner", "charger")
_USES = ("kitchen", "garden", "office", "travel", "studio", "garage", "outdoor", "desk", "wall", "pocket")
_COLOURS = ("black", "white", "silver", "red", "blue", "green", "grey", "yellow")
_SHORT = {"black": "blk", "white": "wht", "silver": "slv", "kitchen": "kitch.", "garden": "gdn", "office": "off."}
_SELLERS = ("new", "original", "sale", "free shipping", "top price", "oem")


def write_people(path: Path, count: int, seed: int = 1) -> tuple[NDArray[np.int64], list[str]]:
    """Write a CSV file of people.

    Returns:
        Of each record its entity, and how it was changed; "" for one that was not.
    """
    return _write(path, _PEOPLE, count, Random(f"people {seed}"), _person, _CHANGES_OF_PEOPLE)


def write_products(path: Path, count: int, seed: int = 1) -> tuple[NDArray[np.int64], list[str]]:
    """Write a CSV file of products, one in five of them a sibling of another: the same words, another model number.

    Returns:
        As `write_people`.
    """
    return _write(path, _PRODUCTS, count, Random(f"products {seed}"), _product, _CHANGES_OF_PRODUCTS)


def _write(
    path: Path,
    columns: tuple[str, ...],
    count: int,
    random: Random,
    make: Callable[[Random, Row | None], Row],
    changes: Mapping[str, Change],
) -> tuple[NDArray[np.int64], list[str]]:
    kinds = list(changes)
    entities, changed = np.arange(count), [""] * count
    order = list(range(count))
    random.shuffle(order)
    rows: list[Row] = []
    for number in range(count):
        if number and random.random() < DUPLICATES:
            kind = random.choice(kinds)
            origin = random.randrange(number)
            rows.append(changes[kind](list(rows[origin]), random))
            entities[number], changed[number] = entities[origin], kind
        else:
            rows.append(make(random, rows[random.randrange(number)] if number else None))
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(columns)
        lines.writerows([place, *rows[number]] for place, number in enumerate(order))
    return entities[order], [changed[number] for number in order]


def _word(random: Random, syllables: int) -> str:
    return "".join(random.choice(_ONSETS) + random.choice(_VOWELS) for _ in range(syllables)) + random.choice(_ENDS)


def _person(random: Random, _other: Row | None) -> Row:
    first, last = random.choice(_FIRST), _word(random, random.choice((1, 2, 2, 3))).capitalize()
    place = int(2000 * random.random() ** 2)
    city = _word(Random(place), 2).capitalize()
    street = f"{_word(random, 2).capitalize()}straße {random.randint(1, 120)}"
    mail = f"{first}.{last}{random.randint(1, 99)}@{random.choice(('example.org', 'example.com', 'mail.test'))}".lower()
    phone = f"+49 {200 + place % 700} {random.randint(1_000_000, 9_999_999)}"
    born = f"{random.randint(1935, 2006)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
    return [first, last, street, f"{10000 + 37 * place:05}", city, mail, phone, born]


def _slip(text: str, random: Random) -> str:
    place = random.randrange(1, len(text)) if len(text) > 1 else 0
    return text[:place] + random.choice("aeinrst") + text[place + 1 :]


def _in(place: int, change: Callable[[str, Random], str]) -> Change:
    def made(row: Row, random: Random) -> Row:
        row[place] = change(row[place], random)
        return row

    return made


def _moved(row: Row, random: Random) -> Row:
    return [*row[:2], *_person(random, None)[2:5], *row[5:]]


def _without_contacts(row: Row, _random: Random) -> Row:
    return [*row[:5], "", "", row[7]]


def _other_notation(row: Row, _random: Random) -> Row:
    first, last, street, postcode, city, mail, phone, born = row
    street, phone = street.replace("straße", "str."), phone.replace("+49 ", "0").replace(" ", "")
    born = ".".join(reversed(born.split("-")))
    return [first.upper(), last.upper(), street, postcode, city.upper(), mail, phone, born]


def _married(row: Row, random: Random) -> Row:
    return [row[0], f"{_word(random, 2).capitalize()}-{row[1]}", *row[2:]]


_CHANGES_OF_PEOPLE: Mapping[str, Change] = {
    "a slip in the surname": _in(1, _slip),
    "an initial": _in(0, lambda first, _: f"{first[0]}."),
    "moved": _moved,
    "no e-mail, no telephone": _without_contacts,
    "other notation": _other_notation,
    "double surname": _married,
}


def _code(random: Random) -> str:
    letters = "".join(random.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=2))
    return f"{letters}-{random.randint(100, 9999)}"


def _product(random: Random, other: Row | None) -> Row:
    if other is not None and random.random() < 0.2:
        # A sibling: the same words with another model number, which is another product.
        words = other[0].split()
        return [" ".join(_code(random) if "-" in word else word for word in words), other[1], _price(random)]
    maker = _word(Random(int(5000 * random.random() ** 2)), 2).capitalize()
    size = f"{random.randint(2, 90)} {random.choice(('cm', 'W', 'l', 'MP'))}"
    words = [maker, random.choice(_USES), random.choice(_THINGS), _code(random), random.choice(_COLOURS), size]
    return [" ".join(words), maker, _price(random)]


def _price(random: Random) -> str:
    return f"{random.randint(500, 50_000) / 100:.2f}"


def _reordered(title: str, random: Random) -> str:
    words = title.split()
    random.shuffle(words)
    return " ".join(words)


def _offered(row: Row, random: Random) -> Row:
    return [f"{row[0].lower()} {random.choice(_SELLERS)}", "", _price(random)]


_CHANGES_OF_PRODUCTS: Mapping[str, Change] = {
    "other order": _in(0, _reordered),
    "model number written otherwise": _in(0, lambda title, _: title.replace("-", "")),
    "words in short": _in(0, lambda title, _: " ".join(_SHORT.get(word, word) for word in title.split())),
    "no model number": _in(0, lambda title, _: " ".join(word for word in title.split() if "-" not in word)),
    "a seller's words": _offered,
}


def rows_of(entities: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The positions of the records of each entity that has several, ascending."""
    order = np.argsort(entities, kind="stable")
    ends = np.flatnonzero(np.diff(entities[order])) + 1
    yield from (part for part in np.split(order, ends) if len(part) > 1)
