"""Measures in two texts that stand against each other: 100 g and 200 g, a pack of four and "x8".

A small model reads the words around a number and overlooks the number; but titles that agree in all else and differ in
how much of it there is are two things.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

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
    "length": {
        "mm": 0.1,
        "cm": 1.0,
        "m": 100.0,
        **dict.fromkeys(("in", "inch", "inches", '"', "″"), 2.54),
        "ft": 30.48,
    },
    "storage": {"mb": 1e-3, "gb": 1.0, "tb": 1e3},
    "power": {**dict.fromkeys(("w", "watt", "watts"), 1.0), "kw": 1e3},
    "voltage": dict.fromkeys(("v", "volt", "volts"), 1.0),
    "charge": {"mah": 1.0, "ah": 1e3},
    "frequency": {"hz": 1.0, "mhz": 1e6, "ghz": 1e9},
    "count": {
        **dict.fromkeys(("pack", "packs", "pk", "pcs", "pc", "piece", "pieces", "count", "ct"), 1.0),
        **dict.fromkeys(("stück", "stk", "st", "tlg", "pezzi", "pièces", "piezas", "szt"), 1.0),
    },
    "washes": dict.fromkeys(("wash", "washes"), 1.0),
    "percent": {"%": 1.0},
}
_MEASURE_OF = {unit: (name, factor) for name, units in _UNITS.items() for unit, factor in units.items()}
_AS_WRITTEN = {"m": "m", "st": "St"}
"""Units that are read in one case only: 3M is a firm, and 1st a place."""
_NAMES = "|".join(
    (
        *sorted(map(re.escape, _MEASURE_OF.keys() - _AS_WRITTEN.keys()), key=len, reverse=True),
        *(f"(?-i:{unit})" for unit in _AS_WRITTEN.values()),
    )
)
_MEASURE = re.compile(rf"(?<![\w.,])(?:(\d{{1,3}})\s?[x×]\s?)?(\d+(?:[.,]\d+)?)[\s-]?({_NAMES})(?!\w)", re.IGNORECASE)
"""How many times, how much, and the unit."""
_COUNT = re.compile(
    r"(?<![\w.])(?:(?<!\d\s)x|(?:pack|set|box|wallet|bag|lot|boîte) (?:of|de))\s?(\d{1,3})(?![\w,]|\.\d|\s?x)"
    r"|(?<![\w.])(\d{1,3})(?:\s?x(?=\s[^\W\d])|[\s-]?er[\s-]?(?:pack|packung|set|box)(?!\w))",
    re.IGNORECASE,
)
_PORTIONED = frozenset({"weight", "volume"})
"""Measures whose amount may be that of a part: 4 x 100 g are 400 g."""
_NETWORK = re.compile(r"[2-6]G")
"""5G is no weight."""
_SAME = 0.03
"""Relative difference that rounding makes."""
_REMEMBERED = 16_384


class Measured(NamedTuple):
    """A text by its measures.

    Args:
        amounts: by what they measure, each in the measure's base.
        rest: the text without them.
    """

    amounts: Mapping[str, frozenset[float]]
    rest: str


def measures_agree(left: Iterable[str], right: Iterable[str]) -> float:
    """1 where both sides state the same of a measure, -1 where all that they state of one differs, else 0.

    Args:
        left, right: the values of two records.
    """
    ours, theirs = _measures(left), _measures(right)
    agreed = [share_an_amount(ours[name], theirs[name]) for name in ours.keys() & theirs.keys()]
    return 0.0 if not agreed else 1.0 if all(agreed) else -1.0


def share_an_amount(ours: Iterable[float], theirs: Collection[float]) -> bool:
    """Whether two sides state one amount of a measure, but for rounding."""
    return any(abs(one - two) <= _SAME * max(one, two) for one in ours for two in theirs)


def _measures(values: Iterable[str]) -> dict[str, set[float]]:
    found: dict[str, set[float]] = {}
    for value in values:
        for name, amounts in measured(value).amounts.items():
            found.setdefault(name, set()).update(amounts)
    return found


@lru_cache(maxsize=_REMEMBERED)
def measured(text: str) -> Measured:
    """The amounts that a text states, and the text without them."""
    found: dict[str, set[float]] = {}

    def amount(match: re.Match[str]) -> str:
        if _NETWORK.fullmatch(match[0]):
            return match[0]
        name, factor = _MEASURE_OF[match[3].lower()]
        one = float(match[2].replace(",", ".")) * factor
        found.setdefault(name, set()).add(one)
        if match[1] and name in _PORTIONED:
            found[name].add(one * int(match[1]))
            found.setdefault("count", set()).add(float(match[1]))
        return " "

    def count(match: re.Match[str]) -> str:
        found.setdefault("count", set()).add(float(match[1] or match[2]))
        return " "

    rest = _COUNT.sub(count, _MEASURE.sub(amount, text))
    return Measured(MappingProxyType({name: frozenset(amounts) for name, amounts in found.items()}), rest)
