"""Habits of many desks: the everyday lists written again, each by people and systems with ways of their own.

A weight that is fitted on the habits of five systems holds for those. So every list draws how often each habit occurs,
from never to often, and its records are written with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from lab.synthetic.lists import Record, SyntheticList

Habit = Callable[[Random, str], str]
_NAMES = ("name", "first_name")
_DIGITS = ("phone", "postcode", "street", "born", "ssn", "vat")
_WORDS = ("name", "first_name", "last_name", "company", "street", "city", "email", "website")
_NOTHING = ("unknown", "XXX", "not given", "-", "k.A.", "see notes", "s/n", "?", "999999999", "noreply@example.com")
_BY_EAR = (
    *(("ck", "k"), ("th", "t"), ("ss", "s"), ("nn", "n"), ("ll", "l"), ("tt", "t"), ("ph", "f"), ("ei", "ie")),
    *(("sch", "sh"), ("dt", "t"), ("ou", "u"), ("y", "i"), ("w", "v"), ("c", "k"), ("z", "s"), ("mm", "m")),
)
_TITLES = ("Dr ", "Mr ", "Ms ", "Prof. ", "Herr ", "Frau ", "Mme ", "Sr. ")
_UNITS = (" Apt {}", "/{}", "-{}", ", Top {}", " #{}", " int. {}", ", flat {}", " piso {}")


def _initial(random: Random, name: str) -> str:
    """The given name of "given surname", "surname, given" or a column of its own as an initial."""
    before, comma, after = name.partition(", ")
    given = after if comma else before
    words = given.split()
    if not words or len(words[0]) < 2:
        return name
    short = " ".join([words[0][0] + random.choice(("", ".")), *words[1:]])
    return before + comma + short if comma else short


def _middle(random: Random, name: str) -> str:
    before, comma, after = name.partition(", ")
    words = (after if comma else before).split()
    words.insert(1, random.choice("ABCDEFGHJKLMNPRSTW") + random.choice(("", ".")))
    return before + comma + " ".join(words)


def _pet_form(random: Random, name: str) -> str:
    before, comma, after = name.partition(", ")
    words = (after if comma else before).split()
    if not words or len(words[0]) < 6:
        return name
    words[0] = words[0][: random.choice((3, 4))] + random.choice(("", "i", "y", "ka", "o"))
    return before + comma + " ".join(words)


def _titled(random: Random, name: str) -> str:
    return name if "," in name else random.choice(_TITLES) + name


def _turned(_random: Random, name: str) -> str:
    """Surname first, without a comma."""
    words = name.replace(",", "").split()
    return " ".join([words[-1], *words[:-1]]) if words else name


def _swapped_digits(random: Random, value: str) -> str:
    places = [n for n in range(1, len(value) - 1) if value[n : n + 2].isdigit() and value[n] != value[n + 1]]
    if not places:
        return value
    place = random.choice(places)
    return value[:place] + value[place + 1] + value[place] + value[place + 2 :]


def _by_ear(random: Random, value: str) -> str:
    heard = [(sound, other) for sound, other in _BY_EAR if sound in value]
    return value.replace(*random.choice(heard), 1) if heard else value


def _lost_letter(random: Random, value: str) -> str:
    place = random.randrange(1, len(value)) if len(value) > 4 else 0
    return value[:place] + value[place + 1 :] if place else value


def _misread(random: Random, value: str) -> str:
    """One letter or digit that a scanner took for another."""
    pairs = {
        "5": "S",
        "8": "B",
        "6": "G",
        "2": "Z",
        "0": "O",
        "1": "l",
        "n": "ri",
        "m": "rn",
        "u": "v",
        "a": "o",
        "e": "c",
    }
    places = [place for place, letter in enumerate(value) if letter in pairs]
    if not places:
        return value
    place = random.choice(places)
    return value[:place] + pairs[value[place]] + value[place + 1 :]


def _misencoded(random: Random, value: str) -> str:
    kind = random.randrange(3)
    if kind == 0:
        return value.encode("ascii", "replace").decode()
    if kind == 1:
        return value.encode("ascii", "xmlcharrefreplace").decode()
    return value.encode("latin-1", "replace").decode("cp850")


def _short_trade(random: Random, value: str) -> str:
    words = value.split()
    places = [n for n, word in enumerate(words) if n and len(word) > 6]
    if places:
        place = random.choice(places)
        words[place] = words[place][: random.choice((3, 4))] + random.choice(("", "."))
    return " ".join(words)


def _with_unit(random: Random, value: str) -> str:
    return value + random.choice(_UNITS).format(random.randint(1, 30))


def _cut(random: Random, value: str) -> str:
    return value[: random.choice((20, 25, 30))].rstrip()


def _capitals(random: Random, value: str) -> str:
    return random.choice((value.upper(), value.lower(), value.title()))


_HABITS: tuple[tuple[tuple[str, ...], float, Habit], ...] = (
    (_NAMES, 0.3, _initial),
    (_NAMES, 0.2, _middle),
    (_NAMES, 0.1, _pet_form),
    (("name",), 0.3, _titled),
    (("name",), 0.3, _turned),
    (_DIGITS, 0.08, _swapped_digits),
    (_WORDS, 0.08, _by_ear),
    (_WORDS, 0.04, _lost_letter),
    ((*_WORDS, *_DIGITS), 0.04, _misread),
    (_WORDS, 0.05, _misencoded),
    (("company",), 0.15, _short_trade),
    (("street",), 0.05, _with_unit),
    ((*_WORDS, *_DIGITS), 0.1, _cut),
    ((*_WORDS,), 0.3, _capitals),
)
"""Columns, how often at the most, and what is done to their values."""
_MOST_GAPS = 0.4
_KEPT = ("id", "source", "name", "last_name", "first_name", "company", "street")


def with_habits(made: SyntheticList, random: Random) -> SyntheticList:
    """The list with habits of its own, and with gaps that come column by column."""
    shares = [most * random.random() ** 2 for _, most, _ in _HABITS]
    columns = list(made.records[0])
    gaps = {name: _MOST_GAPS * random.random() ** 2 for name in columns if name not in _KEPT}
    fillers = random.random() ** 2
    merged = 0.1 * random.random() ** 2
    records = tuple(_written(record, random, shares, gaps, fillers, merged) for record in made.records)
    return SyntheticList(made.kind, records, made.entities)


def _written(
    record: Record, random: Random, shares: list[float], gaps: dict[str, float], fillers: float, merged: float
) -> Record:
    found = dict(record)
    if found.get("postcode") and found.get("city") and random.random() < merged:
        found["city"], found["postcode"] = f"{found['postcode']} {found['city']}", ""
    for column, value in record.items():
        if not found[column] or column in ("id", "source"):
            continue
        if random.random() < gaps.get(column, 0.0):
            found[column] = random.choice(_NOTHING) if random.random() < fillers else ""
            continue
        value = found[column]
        for (columns, _, habit), share in zip(_HABITS, shares, strict=True):
            if column in columns and value and random.random() < share:
                value = habit(random, value)
        found[column] = re.sub(r"\s+", " ", value)
    return found
