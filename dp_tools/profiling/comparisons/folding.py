"""Values as they are compared: small Latin letters and digits, whatever the script, the accents and the encoding."""

from __future__ import annotations

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


@lru_cache(maxsize=_REMEMBERED)
def folded(value: str) -> str:
    """The words of a value in small Latin letters and digits, one blank apart.

    Accents go, other scripts are written in Latin letters, and UTF-8 that was read as CP1252 is read again.
    """
    if _GARBLED.search(value):
        value = _read_again(value)
    plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", value))
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

    Words below four letters allow none, from eight letters on two.
    """
    longest = max(len(one), len(two))
    allowed = 0 if longest < 4 else 1 if longest < 8 else 2
    return one != two and OSA.distance(one, two, score_cutoff=allowed) <= allowed


def is_digit_slip(one: str, two: str) -> bool:
    """Whether two codes of one length differ in one character, or in two that changed places."""
    return len(one) == len(two) and OSA.distance(one, two, score_cutoff=1) == 1


def _read_again(value: str) -> str:
    try:
        return value.encode("cp1252").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return value
