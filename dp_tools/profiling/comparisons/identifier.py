"""Codes and identifiers: separators, country prefixes, check digits; addresses on the web."""

from __future__ import annotations

import re
from collections.abc import Callable

from dp_tools.profiling.check_digits import is_gtin, is_iban
from dp_tools.profiling.comparisons.comparison import Comparison
from dp_tools.profiling.comparisons.folding import compact, is_digit_slip, is_slip

_SHORTEST = 4
_LONGEST_CUT = 7
"""Letters of a site from which on it may be another one, cut off or with a slip."""
_URL = re.compile(r"(?i)^\s*(?:[a-z]+://)?(?:www\d?\.)?([^/\s?#:]+)(?::\d+)?([^\s?#]*)")


def compare_identifiers(left: str, right: str) -> Comparison:
    """How two codes without check digits compare."""
    return _compare(left, right, None)


def compare_ibans(left: str, right: str) -> Comparison:
    """How two IBANs compare."""
    return _compare(left, right, is_iban)


def compare_gtins(left: str, right: str) -> Comparison:
    """How two GTINs compare; leading zeros pad one to the length of another."""
    one, two = (compact(value).lstrip("0") for value in (left, right))
    if one == two and left != right:
        return Comparison("normalised", "same but notation", one)
    return _compare(left, right, is_gtin)


def compare_web_addresses(left: str, right: str) -> Comparison:
    """How two addresses on the web compare."""
    one, two = _URL.match(left.casefold()), _URL.match(right.casefold())
    if one is None or two is None:
        return Comparison("silent", "not an address")
    if one[1] != two[1]:
        shorter, longer = sorted((one[1], two[1]), key=len)
        if len(shorter) > _LONGEST_CUT and longer.startswith(shorter):
            return Comparison("near", "cut off", shorter)
        if len(shorter) > _LONGEST_CUT and is_slip(one[1], two[1]):
            return Comparison("near", "near spelling")
        return Comparison("contradicting", "other site")
    if one[2].rstrip("/") == two[2].rstrip("/"):
        return Comparison("exact" if left == right else "normalised", "same", one[1] + one[2].rstrip("/"))
    return Comparison("near", "same site", one[1])


def _compare(left: str, right: str, check: Callable[[str], bool] | None) -> Comparison:
    one, two = compact(left), compact(right)
    if not one or not two:
        return Comparison("silent", "not a code")
    if one == two:
        return Comparison("exact", "same", one) if left == right else Comparison("normalised", "same but notation", one)
    shorter, longer = sorted((one, two), key=len)
    if len(shorter) >= _SHORTEST + 2 and len(longer) - len(shorter) <= 2 and longer.endswith(shorter):
        return Comparison("normalised", "same but prefix", shorter)
    both_valid = check is not None and check(left) and check(right)
    if len(shorter) > _SHORTEST and is_digit_slip(one, two) and not both_valid:
        return Comparison("near", "a character differs")
    return Comparison("contradicting", "other code")
