"""Numbers with units and currencies: one amount in two notations, another unit of the same measure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from dp_tools.profiling.comparisons.comparison import Comparison

_NUMBER = re.compile(r"[-−(]?\d[\d.,'\u00a0\u202f ]*")
_CURRENCIES = {
    **dict.fromkeys(("€", "euro", "euros"), "eur"),
    **dict.fromkeys(("$", "us$", "dollar", "dollars"), "usd"),
    **dict.fromkeys(("£", "pound", "pounds"), "gbp"),
    **dict.fromkeys(("¥", "yen"), "jpy"),
    **dict.fromkeys(("fr", "sfr"), "chf"),
    **{"zł": "pln", "kč": "czk"},
}
_CODES = frozenset(
    {
        *("aud", "bgn", "brl", "cad", "chf", "cny", "czk", "dkk", "eur", "gbp", "hkd", "huf", "inr", "jpy", "mxn"),
        *("nok", "nzd", "pln", "ron", "rub", "sek", "sgd", "try", "usd", "zar"),
    }
)
_MEASURES: dict[str, dict[str, float]] = {
    "g": {"mg": 1e-3, "g": 1, "gr": 1, "gram": 1, "kg": 1e3, "t": 1e6, "oz": 28.349523, "lb": 453.59237},
    "l": {"ml": 1e-3, "cl": 1e-2, "dl": 0.1, "l": 1, "liter": 1, "litre": 1, "gal": 3.785412},
    "m": {"mm": 1e-3, "cm": 1e-2, "m": 1, "km": 1e3, "in": 0.0254, "inch": 0.0254, '"': 0.0254, "ft": 0.3048},
    "w": {"w": 1, "kw": 1e3},
    "b": {"mb": 1e6, "gb": 1e9, "tb": 1e12},
    "s": {"s": 1, "sec": 1, "min": 60, "h": 3600, "hr": 3600},
}
_UNITS = {unit: (base, factor) for base, units in _MEASURES.items() for unit, factor in units.items()}
_EQUAL = 5e-3
"""Relative difference that rounding makes."""
_NEAR = 0.05


class Amount(NamedTuple):
    """A number in the base of its measure, and the measure or currency ("" where none is written)."""

    number: float
    unit: str


def currency_of(text: str) -> str | None:
    """The code of a currency that a sign, a name or a code names, in small letters; None for any other text."""
    plain = text.strip().casefold()
    code = _CURRENCIES.get(plain, plain)
    return code if code in _CODES else None


@lru_cache(maxsize=2**16)
def amount_of(value: str) -> Amount | None:
    """The amount that a value names, or None."""
    text = value.strip().casefold()
    found = _NUMBER.search(text)
    if found is None or (number := number_from(found[0])) is None:
        return None
    around = f"{text[: found.start()]} {text[found.end() :]}".strip(" .)")
    if around in _UNITS:
        base, factor = _UNITS[around]
        return Amount(number * factor, base)
    return Amount(number, _CURRENCIES.get(around, around))


def number_from(text: str) -> float | None:
    """A number with a decimal point or comma and marks between thousands; brackets mean minus."""
    sign = -1 if text.strip()[:1] in "-−(" else 1
    plain = re.sub(r"[^\d.,]", "", text).rstrip(".,")
    marks = [mark for mark in plain if mark in ".,"]
    if len(set(marks)) == 2:
        plain = plain.replace(marks[0], "")
        marks = [mark for mark in plain if mark in ".,"]
    if len(marks) > 1 or (marks and re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", plain) and marks[0] == ","):
        plain = plain.replace(marks[0], "")
    try:
        return sign * float(plain.replace(",", "."))
    except ValueError:
        return None


def compare_amounts(left: str, right: str) -> Comparison:
    """How two amounts compare."""
    one, two = amount_of(left), amount_of(right)
    if one is None or two is None:
        return Comparison("silent", "not a number")
    if one.unit != two.unit and one.unit and two.unit:
        return Comparison("silent", "other unit")
    larger = max(abs(one.number), abs(two.number))
    apart = abs(one.number - two.number) / larger if larger else 0.0
    if apart <= (_EQUAL if one.unit in ("g", "l", "m") else 0.0):
        return Comparison("exact" if left == right else "normalised", "same", f"{one.number:.6g}")
    if apart <= _NEAR:
        return Comparison("near", "near number")
    return Comparison("contradicting", "other number")
