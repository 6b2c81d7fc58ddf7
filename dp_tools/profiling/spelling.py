"""Spelling errors: explains how one text may have come from another by encoding, scanning or typing."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

Kind = Literal["transposed", "doubled", "look-alike", "neighbouring key", "left out", "added", "replaced"]
"""Two letters changed places; a letter stands twice; a character looks like the right one; a key beside the right one
was hit, or hit as well; a letter is left out; one is added; one stands for another."""

_ROWS = ((0.0, "1234567890"), (0.5, "qwertyuiop"), (0.75, "asdfghjkl"), (1.25, "zxcvbnm"))
_KEYS = {key: (start + place, row) for row, (start, keys) in enumerate(_ROWS) for place, key in enumerate(keys)}
_LOOK_ALIKE = {
    frozenset(pair)
    for pair in (
        *(("0", "o"), ("1", "l"), ("1", "i"), ("l", "i"), ("5", "s"), ("8", "b"), ("2", "z"), ("6", "g"), ("9", "g")),
        *(("rn", "m"), ("cl", "d"), ("vv", "w"), ("ii", "u"), ("3", "e"), ("4", "a"), ("|", "l"), ("|", "i")),
    )
}
_OTHER_SCRIPTS = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухԁһӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανι",
    "ABESIJKMHOPCTYXaesijopcyxdhlABEZHIKMNOPTYXoavi",
)
_DIGITS = str.maketrans("OolI|SsBZz", "0011155822")


@dataclass(frozen=True, slots=True)
class Slip:
    """One edit that makes one text of another.

    Args:
        kind: of the edit.
        inside: whether it touches neither the first nor the last character: words of one stem differ at their ends,
            and names often at their first letter, where hands hardly slip (Pollock and Zamora, 1984).
    """

    kind: Kind
    inside: bool


def plain_text(text: str) -> str:
    """The text as it looks: no invisible characters, one blank for any others, full-width and look-alike letters of
    other scripts as the Latin ones."""
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return " ".join(visible.translate(_OTHER_SCRIPTS).split())


def plain_letters(text: str) -> str:
    """The same in small letters without marks: "Kraków" is "krakow"."""
    apart = unicodedata.normalize("NFD", plain_text(text).casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def as_digits(text: str) -> str | None:
    """The number that a scanner, or a hand, wrote with letters that look like digits; None where there is none."""
    read = text.translate(_DIGITS)
    digits = sum(c.isdigit() for c in text)
    return read if read != text and digits and read.replace(".", "", 1).replace(",", "").isdecimal() else None


def slip(value: str, meant: str) -> Slip | None:
    """The one edit by which `value` came of `meant`; None where they are equal or it takes more.

    Case plays no part; a pair of letters that looks like one letter counts as one.
    """
    ours, theirs = value.casefold(), meant.casefold()
    start = 0
    while start < min(len(ours), len(theirs)) and ours[start] == theirs[start]:
        start += 1
    end = 0
    while end < min(len(ours), len(theirs)) - start and ours[-1 - end] == theirs[-1 - end]:
        end += 1
    put, lost = ours[start : len(ours) - end], theirs[start : len(theirs) - end]
    beside = ours[max(start - 1, 0) : start] + ours[len(ours) - end : len(ours) - end + 1]
    kind = _kind(put, lost, beside)
    return Slip(kind, start > 0 and end > 0) if kind else None


def _kind(put: str, lost: str, beside: str) -> Kind | None:
    if frozenset((put, lost)) in _LOOK_ALIKE:
        return "look-alike"
    if len(put) == len(lost) == 2:
        return "transposed" if put == lost[::-1] else None
    if len(put) == len(lost) == 1:
        return "neighbouring key" if _neighbours(put, lost) else "replaced"
    if len(put) == 1 and not lost:
        if put in beside:
            return "doubled"
        return "neighbouring key" if any(_neighbours(put, key) for key in beside) else "added"
    return "left out" if len(lost) == 1 and not put else None


def _neighbours(one: str, other: str) -> bool:
    if one not in _KEYS or other not in _KEYS:
        return False
    (x, row), (y, line) = _KEYS[one], _KEYS[other]
    return abs(row - line) <= 1 and abs(x - y) <= 1


def is_mixed(text: str) -> bool:
    """Whether letters of another script, or digits, stand inside the Latin letters of one word: no word is so."""
    for word in text.split():
        kinds = [_sort(c) for c in word]
        if "latin" in kinds and "other" in kinds:
            return True
        if any(a == c == "latin" and b == "digit" for a, b, c in zip(kinds, kinds[1:], kinds[2:], strict=False)):
            return True
    return False


def _sort(character: str) -> str:
    if character.isalpha():
        return "latin" if unicodedata.name(character, "").startswith(("LATIN", "FULLWIDTH LATIN")) else "other"
    return "digit" if character.isdigit() else "sign"
