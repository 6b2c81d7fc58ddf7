"""Column types that code can determine with certainty: by check digits or by an unmistakable pattern."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from dp_tools.profiling.check_digits import is_gtin, is_iban, is_isbn
from dp_tools.records import is_missing

_READ = 1000
_MOST = 0.9
"""Share of a column's values that must be of a kind."""
_FEWEST = 3
"""Different values below which check digits may be right by chance."""
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_NAMES = {
    "IBAN": re.compile(r"\biban\b|\bbank account|\baccount number\b"),
    "book number": re.compile(r"\bisbn"),
    "article number": re.compile(r"\b(ean|gtin|upc|barcodes?|bar code)(\b|\d)"),
    "telephone number": re.compile(r"\b(tele)?phones?\b|\btel\b|\bmobile\b|\bfax\b|\bcell ?phone\b"),
    "e-mail address": re.compile(r"\be ?-?mails?\b"),
    "postal code": re.compile(r"\b(post(al)?|zip) ?codes?\b|\bzip\b|\bplz\b|\bpostcodes?\b"),
}
"""How types are called that stand for a kind; the last one no code can tell, but it is none of the others."""
_TELEPHONE = re.compile(r"(?:\+|00|0|\()\d[\d\s()/.-]{6,18}\d|\d{2,5}[\s/.-]+\d[\d\s/.-]{4,14}\d")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}")


class CertainType(NamedTuple):
    """What code says of a column.

    Args:
        kind: of its values.
        types: of the given types those that stand for the kind.
        others: those that stand for another one, and so cannot be right.
    """

    kind: str
    types: tuple[str, ...]
    others: tuple[str, ...]


def certain_type(values: Sequence[str | None], types: Sequence[str]) -> CertainType | None:
    """What the form of a column's values says of its type; None where it says nothing."""
    filled = list(dict.fromkeys(value.strip() for value in values if value is not None and not is_missing(value)))
    kind = _kind(filled[:_READ])
    if kind is None:
        return None
    named = {one: [name for name, pattern in _NAMES.items() if pattern.search(_plain(one))] for one in types}
    wide = {"book number": ("book number", "article number")}.get(kind, (kind,))
    return CertainType(
        kind,
        tuple(one for one, kinds in named.items() if set(kinds) & set(wide)),
        tuple(one for one, kinds in named.items() if kinds and not set(kinds) & set(wide)),
    )


def _kind(values: Sequence[str]) -> str | None:
    if len(values) < _FEWEST:
        return None
    for kind, check in (
        ("IBAN", is_iban),
        ("book number", is_isbn),
        ("article number", is_gtin),
        ("e-mail address", lambda value: bool(_MAIL.fullmatch(value))),
        ("telephone number", _is_telephone),
    ):
        if sum(map(check, values)) >= _MOST * len(values):
            return kind
    return None


def _is_telephone(value: str) -> bool:
    digits = sum(c.isdigit() for c in value)
    days = re.fullmatch(r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}", value)
    return 8 <= digits <= 15 and not days and bool(_TELEPHONE.fullmatch(value))


def _plain(name: str) -> str:
    return _HUMP.sub(" ", name).lower()
