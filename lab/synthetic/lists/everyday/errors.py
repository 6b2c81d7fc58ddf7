"""Errors of the everyday generator: fingers on a keyboard, optical character recognition, a wrong encoding."""

from __future__ import annotations

from random import Random

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_SCANNED = (
    ("rn", "m"),
    ("m", "rn"),
    ("cl", "d"),
    ("l", "1"),
    ("O", "0"),
    ("0", "O"),
    ("I", "l"),
    ("e", "c"),
    ("h", "b"),
    ("ii", "ü"),
    ("vv", "w"),
)
PLACEHOLDERS = {
    "email": ("test@test.com", "n/a", "none@none.com"),
    "phone": ("0000000000", "n/a", "123456789"),
    "born": ("1900-01-01", "01.01.1900", "0000-00-00"),
    "": ("n/a", "-", "unknown", "N.N."),
}


def mistyped(random: Random, text: str) -> str:
    """A text with one slip of the fingers: a neighbouring key, a letter left out, doubled, or swapped with the next."""
    places = [place for place, letter in enumerate(text) if letter.isalnum()]
    if len(places) < 4:
        return text
    place = random.choice(places[1:])
    letter, kind = text[place], random.randrange(4)
    if kind == 0 and (near := _neighbours(letter)):
        return text[:place] + random.choice(near) + text[place + 1 :]
    if kind == 1:
        return text[:place] + text[place + 1 :]
    if kind == 2:
        return text[:place] + letter + text[place:]
    return text[: place - 1] + letter + text[place - 1] + text[place + 1 :]


def _neighbours(letter: str) -> str:
    for row in _ROWS:
        place = row.find(letter.lower())
        if place >= 0:
            near = row[max(0, place - 1) : place] + row[place + 1 : place + 2]
            return near.upper() if letter.isupper() else near
    return ""


def scanned(random: Random, text: str) -> str:
    """A text with one confusion of a scanner, where it holds letters that are confused."""
    found = [(seen, read) for seen, read in _SCANNED if seen in text[1:]]
    if not found:
        return text
    seen, read = random.choice(found)
    place = text.index(seen, 1)
    return text[:place] + read + text[place + len(seen) :]


def garbled(text: str) -> str:
    """UTF-8 that was read as Windows-1252."""
    return text.encode().decode("cp1252", errors="replace")


def placeholder(random: Random, column: str) -> str:
    """What is written where a form wants a value that nobody has."""
    return random.choice(PLACEHOLDERS.get(column, PLACEHOLDERS[""]))
