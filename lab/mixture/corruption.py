"""Ways in which values go wrong in real tables, done on purpose to clean ones."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from random import Random

Corruption = Callable[[Random, str], str]

_PLACEHOLDERS = ("N/A", "NULL", "-", "unknown", "none", "#REF!", "...", "xxx", "999999", "00000", "test", "20010101")
_FOREIGN = (
    "Some college", "Afghanistan", "...@gmail.com", "Monday", "blue", "12:30", "http://", "Private", "MALE", "kg",
    "Dr.", "4th floor", "2019-02-31", "+1 555 0100", "yes", "Ltd.", "San Francisco", "ISO 9001", "0.5",
)  # fmt: skip
_UNITS = (" oz", "%", " kg", " USD", " min", "$", " cm", ".", " units", " years", "*", " approx.")


def typo(random: Random, value: str) -> str:
    """One to three slips of the keyboard."""
    letters = list(value)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        place = random.randrange(len(letters)) if letters else 0
        kind = random.randrange(4)
        if kind == 0 and len(letters) > 2:
            del letters[place]
        elif kind == 1:
            letters.insert(place, random.choice(string.ascii_lowercase))
        elif kind == 2 and len(letters) > place + 1:
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
        elif letters:
            letters[place] = random.choice(string.ascii_lowercase)
    return "".join(letters)


def smudge(random: Random, value: str) -> str:
    """Some characters replaced by one and the same letter, as bad recognition does."""
    mark = random.choice("xxxqz#*?")
    share = random.choice((0.05, 0.1, 0.25))
    letters = [mark if c != " " and random.random() < share else c for c in value]
    letters[random.randrange(len(letters))] = mark
    return "".join(letters)


def odd_character(random: Random, value: str) -> str:
    """A character from another script or encoding in the middle of the value."""
    place = random.randrange(len(value) + 1)
    return (
        value[:place]
        + chr(random.choice((random.randrange(0xA1, 0x17F), random.randrange(0x250, 0x7FF))))
        + value[place:]
    )


def scramble(random: Random, value: str) -> str:
    """The letters reversed, or each replaced by a random one of its kind."""
    if random.random() < 0.3:
        return value[::-1]
    share = random.choice((0.4, 0.7, 1.0))
    return "".join(_other(random, c) if random.random() < share else c for c in value)


def placeholder(random: Random, value: str) -> str:  # noqa: ARG001
    """What people write where they have nothing to write."""
    return random.choice(_PLACEHOLDERS)


def foreign(random: Random, value: str) -> str:  # noqa: ARG001
    """A value of quite another kind."""
    return random.choice(_FOREIGN)


def other_format(random: Random, value: str) -> str:
    """The same value in another form: case, unit, separators, spacing, decimals, truncation."""
    number = value.replace(".", "", 1).isdigit()
    ways: list[Callable[[], str]] = [lambda: value + random.choice(_UNITS), lambda: f" {value} ".replace(" ", "_")]
    if number:
        ways += [lambda: value + ".0", lambda: "0" + value, lambda: value.replace(".", ","), lambda: f"'{value}'"]
        if value.isdigit() and len(value) > 3:
            ways.append(lambda: f"{int(value):,}")
    else:
        ways += [value.upper, value.lower, value.title, lambda: value.replace(" ", "-"), lambda: value.replace(" ", "")]
        ways += [lambda: value[: max(2, len(value) // 2)], lambda: value + " " + value.split(" ")[-1]]
        ways += [lambda: value + "?", lambda: f'"{value}"', lambda: ", ".join(reversed(value.split(" ")))]
    return random.choice(ways)()


def outlier(random: Random, value: str) -> str:
    """A number of another order of magnitude, or negative; other values get a digit slipped in."""
    try:
        number = float(value)
    except ValueError:
        place = random.randrange(len(value) + 1)
        return value[:place] + random.choice(string.digits) + value[place:]
    changed = random.choice((number * 10, number * 100, number * 1000, -number, number + 9999, number / 100))
    return f"{changed:.0f}" if value.lstrip("-").isdigit() and random.random() < 0.9 else f"{changed:g}"


CORRUPTIONS: Sequence[tuple[Corruption, float]] = (
    (typo, 3.0),
    (smudge, 1.5),
    (odd_character, 1.0),
    (scramble, 1.5),
    (placeholder, 1.0),
    (foreign, 1.0),
    (other_format, 2.0),
    (outlier, 1.5),
)


def corrupt(random: Random, value: str) -> str:
    """The value gone wrong in one of the ways above; the result differs from the value."""
    for _ in range(8):
        way = random.choices([way for way, _ in CORRUPTIONS], [weight for _, weight in CORRUPTIONS])[0]
        corrupted = way(random, value)
        if corrupted.strip() and corrupted.strip() != value.strip():
            return corrupted
    return value + "?"


def _other(random: Random, character: str) -> str:
    if character.islower():
        return random.choice(string.ascii_lowercase)
    if character.isupper():
        return random.choice(string.ascii_uppercase)
    return random.choice(string.digits) if character.isdigit() else character
