"""Errors of the held-back generator: spelling by ear, digits in the wrong order, lost letters, other encodings."""

from __future__ import annotations

import html
import re
import unicodedata
from random import Random

_BY_EAR = (
    ("ph", "f"),
    ("ck", "k"),
    ("th", "t"),
    ("ss", "s"),
    ("nn", "n"),
    ("ll", "l"),
    ("tt", "t"),
    ("v", "w"),
    ("c", "k"),
    ("y", "i"),
    ("z", "s"),
    ("ie", "ei"),
)
_BY_SCANNER = {"5": "S", "8": "B", "6": "G", "2": "Z", "u": "v", "a": "o", "n": "ri", "g": "q", "S": "5", "B": "8"}
_NOTHING = {
    "e_mail": ["noreply@example.com", "unknown@unknown", "x"],
    "telephone": ["+00", "999999999", "see notes"],
    "birth_date": ["1970-01-01", "99/99/9999", "01/01/1901"],
}


def misheard(random: Random, text: str) -> str:
    """A text as someone writes it who heard it, or, of digits, with two of them in the wrong order."""
    pairs = [place for place in range(1, len(text) - 1) if text[place : place + 2].isdigit()]
    if pairs:
        place = random.choice(pairs)
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    heard = [(sound, other) for sound, other in _BY_EAR if sound in text]
    if heard and random.random() < 0.7:
        sound, other = random.choice(heard)
        return text.replace(sound, other, 1)
    inner = range(1, max(2, len(text) - 1))
    place = random.choice(inner)
    return text[:place] + text[place + 1 :]


def misread(random: Random, text: str) -> str:
    """A text with one letter that a scanner took for another."""
    places = [place for place, letter in enumerate(text) if place and letter in _BY_SCANNER]
    if not places:
        return text.replace(" ", "", 1)
    place = random.choice(places)
    return text[:place] + _BY_SCANNER[text[place]] + text[place + 1 :]


def misencoded(random: Random, text: str) -> str:
    """Letters beyond ASCII as question marks, as entities of HTML, taken apart, or as an old code page reads them."""
    kind = random.randrange(4)
    if kind == 0:
        return text.encode("ascii", "replace").decode()
    if kind == 1:
        return html.escape(text.encode("ascii", "xmlcharrefreplace").decode(), quote=False).replace("&amp;#", "&#")
    if kind == 2:
        return unicodedata.normalize("NFD", text)
    return text.encode("latin-1", "replace").decode("cp850")


def nothing(random: Random, column: str) -> str:
    """A word that stands for no value."""
    return random.choice(_NOTHING.get(column, ["unknown", "XXX", "?", "not given"]))


def plain(text: str) -> str:
    """A text in lower-case ASCII letters and digits, as mailboxes and domains have it."""
    known = text.replace("ı", "i").replace("İ", "I").replace("ø", "o").replace("ł", "l")
    letters = unicodedata.normalize("NFKD", known).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]", "", letters)
