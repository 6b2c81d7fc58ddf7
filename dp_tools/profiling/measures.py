"""Measures in two texts that stand against each other: 100 g and 200 g, a pack of four and "x8".

A small model reads the words around a number and overlooks the number; but titles that agree in all else and differ in
how much of it there is are two things.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

_UNITS: Mapping[str, Mapping[str, float]] = {
    "weight": {
        "mg": 1e-3,
        **dict.fromkeys(("g", "gr", "gram", "grams", "gramm"), 1.0),
        **dict.fromkeys(("kg", "kilo", "kilos"), 1e3),
        **dict.fromkeys(("oz", "ounce", "ounces"), 28.349523),
        **dict.fromkeys(("lb", "lbs"), 453.59237),
    },
    "volume": {
        "ml": 1.0,
        "cl": 10.0,
        "dl": 100.0,
        **dict.fromkeys(("l", "ltr", "liter", "litre", "liters", "litres"), 1e3),
    },
    "length": {"mm": 0.1, "cm": 1.0, **dict.fromkeys(("in", "inch", "inches", '"', "″"), 2.54), "ft": 30.48},
    "storage": {"mb": 1e-3, "gb": 1.0, "tb": 1e3},
    "power": {**dict.fromkeys(("w", "watt", "watts"), 1.0), "kw": 1e3},
    "voltage": dict.fromkeys(("v", "volt", "volts"), 1.0),
    "charge": {"mah": 1.0, "ah": 1e3},
    "frequency": {"hz": 1.0, "mhz": 1e6, "ghz": 1e9},
    "count": {
        **dict.fromkeys(("pack", "packs", "pk", "pcs", "pc", "piece", "pieces", "count", "ct"), 1.0),
        **dict.fromkeys(("stück", "stk", "tlg", "pezzi", "pièces", "piezas", "szt"), 1.0),
    },
    "washes": dict.fromkeys(("wash", "washes"), 1.0),
    "percent": {"%": 1.0},
}
_MEASURE_OF = {unit: (name, factor) for name, units in _UNITS.items() for unit, factor in units.items()}
_NAMES = "|".join(sorted(map(re.escape, _MEASURE_OF), key=len, reverse=True))
_MEASURE = re.compile(rf"(?<![\w.,])(\d+(?:[.,]\d+)?)[\s-]?({_NAMES})(?!\w)", re.IGNORECASE)
_COUNT = re.compile(
    r"(?<![\w.])(?:x|pack of|set of|box of|wallet of)\s?(\d{1,3})(?![\w,]|\.\d|\s?x)"
    r"|(?<![\w.])(\d{1,3})\s?x(?=\s[^\W\d])",
    re.IGNORECASE,
)
_NETWORK = re.compile(r"[2-6]G")
"""5G is no weight."""
_SAME = 0.03
"""Relative difference that rounding makes."""
_REMEMBERED = 16_384


def measures_agree(left: Iterable[str], right: Iterable[str]) -> float:
    """1 where both sides state the same of a measure, -1 where all that they state of one differs, else 0.

    Args:
        left, right: the values of two records.
    """
    ours, theirs = _measures(left), _measures(right)
    agreed = [
        any(abs(one - two) <= _SAME * max(one, two) for one in ours[name] for two in theirs[name])
        for name in ours.keys() & theirs.keys()
    ]
    return 0.0 if not agreed else 1.0 if all(agreed) else -1.0


def _measures(values: Iterable[str]) -> dict[str, set[float]]:
    found: dict[str, set[float]] = {}
    for value in values:
        for name, amounts in _in_text(value).items():
            found.setdefault(name, set()).update(amounts)
    return found


@lru_cache(maxsize=_REMEMBERED)
def _in_text(text: str) -> Mapping[str, frozenset[float]]:
    """The amounts of a text by what they measure, each in the measure's base."""
    found: dict[str, set[float]] = {}
    for match in _MEASURE.finditer(text):
        if not _NETWORK.fullmatch(match[0]):
            name, factor = _MEASURE_OF[match[2].lower()]
            found.setdefault(name, set()).add(float(match[1].replace(",", ".")) * factor)
    for match in _COUNT.finditer(text):
        found.setdefault("count", set()).add(float(match[1] or match[2]))
    return MappingProxyType({name: frozenset(amounts) for name, amounts in found.items()})
