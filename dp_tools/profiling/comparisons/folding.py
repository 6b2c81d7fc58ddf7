"""Values as they are compared: small Latin letters and digits, whatever the script, the accents and the encoding."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii
from rapidfuzz.distance import OSA

_REMEMBERED = 2**16
_APOSTROPHES = re.compile(r"(?<=\w)['’`´](?=\w)")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_UMLAUT = re.compile(r"([aou])e")
_GARBLED = re.compile(r"[ÃÂÅÄÐÑ][\u0080-\u00bf\u0152-\u2122]")
_PAGES = (
    (re.compile(r"(?<=[A-Za-z])[³±¾÷](?=[a-z])"), "cp850"),
    (re.compile(r"(?<=[A-Za-z])[¸‰ˆ‡·](?=[a-z])"), "mac_roman"),
)
"""Signs inside a word that are letters of Latin-1, read with another code page."""
_ENTITY = re.compile(r"&#?\w+;")
_LOST = re.compile(r"[?\ufffd](?=\w)|(?<=\w)[?\ufffd]")
"""What stands in a word for a letter that an encoding does not have."""
_SCANNED = (("rn", "m"), ("ri", "n"), ("cl", "d"), ("vv", "w"), ("ii", "u"))
_SCANNED_LETTERS = str.maketrans("015862vhq", "olsbgzubg")


@lru_cache(maxsize=_REMEMBERED)
def folded(value: str) -> str:
    """The words of a value in small Latin letters and digits, one blank apart.

    Accents go, other scripts are written in Latin letters, and what went through a wrong encoding is read again.
    """
    plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", readable(value)))
    return _NOT_WORD.sub(" ", anyascii(plain).lower()).strip()


@lru_cache(maxsize=_REMEMBERED)
def words(value: str) -> tuple[str, ...]:
    """The words of a value, with one spelling for "ü", "ue" and "u"."""
    return tuple(_UMLAUT.sub(r"\1", word) for word in folded(value).split())


@lru_cache(maxsize=_REMEMBERED)
def compact(value: str) -> str:
    """The letters and digits of a value without anything between them."""
    return folded(value).replace(" ", "")


def digits(value: str) -> str:
    """The digits of a value."""
    return "".join(character for character in value if character.isdigit())


def is_slip(one: str, two: str) -> bool:
    """Whether two different words may be one with a slip: a letter changed, added, left out, or two swapped.

    Words below four letters allow none, from eight letters on two; letters that a scanner confuses do not count.
    """
    longest = max(len(one), len(two))
    allowed = 0 if longest < 4 else 1 if longest < 8 else 2
    if one == two or abs(len(one) - len(two)) > 2:
        return False
    return OSA.distance(one, two, score_cutoff=allowed) <= allowed or (
        longest > 3 and as_scanned(one) == as_scanned(two)
    )


@lru_cache(maxsize=_REMEMBERED)
def as_scanned(word: str) -> str:
    """A word with one letter for all that optical character recognition confuses."""
    for seen, read in _SCANNED:
        word = word.replace(seen, read)
    return word.translate(_SCANNED_LETTERS)


def is_digit_slip(one: str, two: str) -> bool:
    """Whether two codes of one length differ in one character, or in two that changed places."""
    return len(one) == len(two) and OSA.distance(one, two, score_cutoff=1) == 1


def readable(value: str) -> str:
    """A value with the letters that a wrong encoding, an entity of HTML or a lost letter left unreadable."""
    if value.isascii() and "&" not in value and "?" not in value:
        return value
    if _ENTITY.search(value):
        value = html.unescape(value)
    if _GARBLED.search(value):
        value = _read_as(value, "cp1252", "utf-8")
    for signs, read in _PAGES:
        if signs.search(value):
            value = _read_as(value, read, "latin-1")
    return _LOST.sub("", value)


def _read_as(value: str, read: str, written: str) -> str:
    """The value as it was written, where that is what was read with another encoding."""
    try:
        return value.encode(read).decode(written)
    except (UnicodeEncodeError, UnicodeDecodeError):
        return value
