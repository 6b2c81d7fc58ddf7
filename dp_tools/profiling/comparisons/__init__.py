"""Comparisons of two values by what kind of thing they are, each with a level instead of a percentage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from dp_tools.profiling.comparisons.amount import compare_amounts
from dp_tools.profiling.comparisons.company import compare_companies
from dp_tools.profiling.comparisons.comparison import MISSING, Comparison, Level
from dp_tools.profiling.comparisons.day import compare_dates
from dp_tools.profiling.comparisons.email import compare_emails
from dp_tools.profiling.comparisons.identifier import (
    compare_gtins,
    compare_ibans,
    compare_identifiers,
    compare_web_addresses,
)
from dp_tools.profiling.comparisons.person_name import compare_names, name_of
from dp_tools.profiling.comparisons.place import (
    compare_cities,
    compare_countries,
    compare_postcodes,
    compare_regions,
)
from dp_tools.profiling.comparisons.street import compare_streets
from dp_tools.profiling.comparisons.telephone import compare_telephones
from dp_tools.profiling.comparisons.wording import compare_labels, compare_texts
from dp_tools.profiling.kind import Kind
from dp_tools.records import is_missing

__all__ = ["MISSING", "Comparison", "Level", "compare_names_of_people", "compare_values"]


def _compare_whole_names(left: str, right: str) -> Comparison:
    return compare_names(name_of(left), name_of(right))


_BY_KIND: Mapping[Kind, Callable[[str, str], Comparison]] = MappingProxyType(
    {
        "person name": _compare_whole_names,
        "first name": _compare_whole_names,
        "last name": _compare_whole_names,
        "last name first": _compare_whole_names,
        "email": compare_emails,
        "company": compare_companies,
        "street": compare_streets,
        "house number": compare_labels,
        "postcode": compare_postcodes,
        "city": compare_cities,
        "region": compare_regions,
        "country": compare_countries,
        "date": compare_dates,
        "date of birth": compare_dates,
        "price": compare_amounts,
        "quantity": compare_amounts,
        "code": compare_identifiers,
        "gtin": compare_gtins,
        "iban": compare_ibans,
        "tax number": compare_identifiers,
        "personal number": compare_identifiers,
        "serial number": compare_identifiers,
        "web address": compare_web_addresses,
        "category": compare_labels,
        "flag": compare_labels,
    }
)


def compare_names_of_people(left: tuple[str, ...], right: tuple[str, ...]) -> Comparison:
    """How two names compare, each whole or as given names and surname."""
    return compare_names(name_of(*left), name_of(*right))


def compare_values(
    kind: Kind, left: str | None, right: str | None, *, regions: tuple[str | None, str | None] = (None, None)
) -> Comparison:
    """How two values of one kind compare.

    Args:
        kind: of both; values of a kind without a comparison of its own compare by their words.
        left, right: as they are written, None where there is none.
        regions: the countries of the two records (ISO 3166, two letters), where they are known; they tell how to read
            a telephone number in national notation.
    """
    if left is None or right is None or is_missing(left) or is_missing(right):
        return MISSING
    if kind == "telephone":
        return compare_telephones(left, right, regions)
    return _BY_KIND.get(kind, compare_texts)(left, right)
