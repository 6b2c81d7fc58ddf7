"""What kind of thing a column holds, from its name and its values together, with a probability.

A name says what a person meant, values what they are; either may be missing or wrong. Both give points to kinds, and
the points of all kinds make the probabilities (softmax). Names are read in the commonest European languages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dp_tools.profiling.column_names import points_of_name
from dp_tools.profiling.column_values import Values, points_of_values
from dp_tools.profiling.kind import Kind

_OTHER = 2.0
"""Points of "other": what name and values together must exceed."""
CERTAIN = 0.5
"""Probability from which a kind is taken for what a column holds."""
_CONTACT: frozenset[Kind] = frozenset(
    {"email", "telephone", "street", "postcode", "city", "country", "tax number", "iban", "date of birth"}
)
_PRODUCT: frozenset[Kind] = frozenset({"price", "quantity", "gtin", "code"})
_GENERIC = re.compile(r"(?i)^(full[ _-]?)?(name|title|titel|bezeichnung|nom|nombre|nome|naam|nazwa)\d?$")
"""Names that say that something is named, and not what."""
_CONTEXT = 2.0


class ColumnKind(NamedTuple):
    """The kind of a column and the probability that it is right, 0 to 1; a person's word is 1."""

    kind: Kind
    probability: float


def kinds_of(
    columns: Mapping[str, Sequence[str | None]], stated: Mapping[str, Kind] | None = None
) -> dict[str, ColumnKind]:
    """The kind of each column of a table.

    Args:
        columns: values by the column's name; the first filled ones are looked at.
        stated: kinds that a person gave, by the column's name.
    """
    stated = stated or {}
    points = {name: _points(name, Values.of(values)) for name, values in columns.items() if name not in stated}
    first = {name: _best(found) for name, found in points.items()}
    around = [kind.kind for kind in first.values() if kind.probability >= CERTAIN] + list(stated.values())
    for name, found in points.items():
        if _GENERIC.match(name):
            _add_context(found, around)
            first[name] = _best(found)
    return {name: ColumnKind(stated[name], 1.0) if name in stated else first[name] for name in columns}


def _points(name: str, values: Values) -> dict[Kind, float]:
    found: dict[Kind, float] = {"other": _OTHER}
    by_name, by_values = points_of_name(name), points_of_values(values)
    for kind in by_name.keys() | by_values.keys():
        found[kind] = found.get(kind, 0.0) + by_name.get(kind, 0.0) + by_values.get(kind, 0.0)
    if by_values.get("last name first", 0.0) > 0:
        found["last name first"] += by_name.get("person name", 0.0)
    return found


def _add_context(points: dict[Kind, float], around: Sequence[Kind]) -> None:
    """What a column called "name" names is told by the columns beside it."""
    contacts = len(_CONTACT.intersection(around))
    products = len(_PRODUCT.intersection(around))
    if contacts >= 2 and contacts > products:
        for kind in ("person name", "company"):
            points[kind] = points.get(kind, 0.0) + _CONTEXT
        if "company" in around:
            points["person name"] += 1.0
        if "date of birth" in around:
            points["person name"] += _CONTEXT
    elif products:
        points["product title"] = points.get("product title", 0.0) + _CONTEXT


def _best(points: Mapping[Kind, float]) -> ColumnKind:
    kind = max(points, key=lambda one: points[one])
    total = sum(math.exp(value - points[kind]) for value in points.values())
    return ColumnKind(kind, round(1 / total, 4))
