"""What the name of a column says of its kind: words of several languages, with their abbreviations."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import cast

from dp_tools.profiling.comparisons.folding import folded
from dp_tools.profiling.kind import Kind
from dp_tools.profiling.vocabulary import entries

_STRONG, _PART, _WEAK = 4.0, 3.0, 1.5
"""Points where words that mean a kind are the whole name, are part of it, or mean something else as well."""
_LONGEST = 5
"""Letters from which on a word may be part of a longer one: "telefonnummer"."""
_HUMPS = re.compile(r"(?<=[a-zà-ÿ])(?=[A-Z])|(?<=[A-Za-z])(?=\d)")

_AMBIGUOUS: dict[str, tuple[Kind, ...]] = {
    "name": ("person name", "company", "product title"),
    "nom": ("person name", "last name", "company", "product title"),
    "nombre": ("first name", "person name", "company", "product title"),
    "nome": ("first name", "person name", "company", "product title"),
    "naam": ("person name", "company", "product title"),
    "nazwa": ("company", "product title"),
    "name1": ("company", "person name"),
    "title": ("product title", "category"),
    "patient": ("person name", "code"),
    "contact": ("person name", "telephone", "email"),
    "kontakt": ("person name", "telephone", "email"),
    "customer": ("company", "person name"),
    "kunde": ("company", "person name"),
    "client": ("company", "person name"),
    "account": ("company", "code"),
    "number": ("code", "telephone", "house number"),
    "land": ("country", "region"),
    "st": ("region", "street"),
    "last": ("last name",),
    "first": ("first name",),
    "size": ("quantity", "category"),
    "location": ("city", "category"),
    "standort": ("city", "category"),
    "data": ("date",),
    "by": ("city",),
    "place": ("city",),
    "partner": ("company", "person name"),
    "via": ("street",),
    "cap": ("postcode",),
    "uid": ("code", "tax number"),
}
"""Words that mean several kinds, or seldom the one that they stand under."""


def _phrases() -> dict[str, dict[Kind, float]]:
    found: dict[str, dict[Kind, float]] = {}
    for kind, phrases in entries("column_names"):
        for phrase in phrases:
            found.setdefault(phrase, {})[cast(Kind, kind)] = _STRONG
    for phrase, kinds in _AMBIGUOUS.items():
        found[phrase] = dict.fromkeys(kinds, _WEAK)
    return found


_PHRASES = _phrases()
_STEMS = {
    phrase: kinds
    for phrase, kinds in _PHRASES.items()
    if " " not in phrase and len(phrase) >= _LONGEST and _STRONG in kinds.values()
}


@lru_cache(maxsize=4096)
def points_of_name(name: str) -> dict[Kind, float]:
    """Points of each kind that the name of a column speaks for."""
    found = folded(_HUMPS.sub(" ", name)).split()
    joined = " ".join(found)
    whole = _PHRASES.get(joined) or _PHRASES.get(joined.replace(" ", ""))
    if whole is not None:
        return dict(whole)
    points: dict[Kind, float] = {}
    for length in range(len(found) - 1, 0, -1):
        for start in range(len(found) - length + 1):
            kinds = _PHRASES.get(" ".join(found[start : start + length]), {})
            for kind, value in kinds.items():
                # The last word of a compound is what it is: a "company phone" is a telephone.
                last = 0.5 if start + length == len(found) else 0.0
                points[kind] = max(points.get(kind, 0.0), min(value, _PART) + last + 0.3 * (length - 1))
    for word in found:
        for stem, kinds in _STEMS.items():
            if word != stem and word.endswith(stem):
                points |= {kind: max(points.get(kind, 0.0), _PART) for kind in kinds}
            elif word != stem and word.startswith(stem):
                points |= {kind: max(points.get(kind, 0.0), _PART - 1) for kind in kinds}
    return points
