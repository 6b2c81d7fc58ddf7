"""Evidence from identifiers of two records: model numbers, part numbers, barcodes, references.

A small model hears how many words two records share and little of which; but a code that both have, or codes of which
they share none, decide most pairs that have some.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SHORTEST = 4
_DIGITS = 2
_BARCODE = 8
"""Digits from which on a number alone names one thing."""
_MEASURE = re.compile(r"(\d+[a-z]{1,4})+|(\d+x)+\d+[a-z]*")
"""1080p, 500gb, 4th-6th, 1920x1080; a code that looks like one says nothing then."""
_PLAIN = re.compile(r"[a-z\d]+")
_JOINED = re.compile(r"(?=.*\d)(?=.*[a-z])[a-z\d]+(?:[-/][a-z\d]+)+")


def plain_code(token: str) -> str:
    """A token of letters and digits without the hyphens and strokes in it, which sources set as they like."""
    return re.sub("[-/]", "", token) if _JOINED.fullmatch(token) else token


def codes_among(tokens: Iterable[str]) -> set[str]:
    """The tokens that name one thing: letters with two digits or more, or eight digits and more.

    Args:
        tokens: in small letters, as `plain_code` leaves them.
    """
    return {token for token in tokens if _is_code(token)}


def codes_agree(ours: set[str], theirs: set[str]) -> float:
    """1 where two records share a code, -1 where both have some and none is even a part of another, otherwise 0."""
    if ours & theirs:
        return 1.0
    apart = all(one not in other and other not in one for one in ours for other in theirs)
    return -1.0 if ours and theirs and apart else 0.0


def _is_code(token: str) -> bool:
    if not _PLAIN.fullmatch(token) or _MEASURE.fullmatch(token):
        return False
    digits = sum(character.isdigit() for character in token)
    return digits >= _BARCODE if digits == len(token) else len(token) >= _SHORTEST and digits >= _DIGITS
