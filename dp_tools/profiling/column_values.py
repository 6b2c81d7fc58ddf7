"""What the values of a column say of its kind: validators, patterns, and words that are known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dp_tools.profiling.check_digits import is_gtin, is_iban
from dp_tools.profiling.comparisons.company import has_legal_form
from dp_tools.profiling.comparisons.countries import country_code
from dp_tools.profiling.comparisons.day import days_of
from dp_tools.profiling.comparisons.folding import digits, words
from dp_tools.profiling.comparisons.given_names import is_given_name
from dp_tools.profiling.comparisons.place import is_known_city, is_region
from dp_tools.profiling.comparisons.street import has_street_word
from dp_tools.profiling.kind import Kind
from dp_tools.records import is_missing

_READ = 1000
"""Cells of a column that are read."""
_LOOKED_AT = 120
"""Different values of them that are looked at."""
_SHOWN = 200
"""Characters of a value that are looked at."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}")
_URL = re.compile(r"(?i)(https?://|www\.)\S+|[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,6}(/\S*)?")
_TELEPHONE = re.compile(r"(?i)[+(]?\d[\d\s()/.\-]{5,20}\d(\s*(x|ext\.?|dw)\s*\d{1,5})?")
_INTERNATIONAL = re.compile(r"^(\+|00)\d|^\(?0\d|[\s/.-]")
_POSTCODE = re.compile(
    r"(?i)([a-z]{1,2}-)?\d{4,5}(-\d{4})?|\d{2}-\d{3}|\d{3} \d{2}|[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}|"
    r"[a-z]\d[a-z] ?\d[a-z]\d|\d{4} ?[a-z]{2}|\d{3}-\d{4}|\d{6}"
)
_LETTERED_POSTCODE = re.compile(
    r"(?i)[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}|[a-z]\d[a-z] ?\d[a-z]\d|\d{4} ?[a-z]{2}|\d{2}-\d{3}|[a-z]{1,2}-\d{4,5}"
)
_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?\d[\d.,' ]*\)?\s?[$€£¥%]?(\s?[a-zA-Z]{1,4})?")
_MONEY = re.compile(r"(?i)[$€£¥]|\b(eur|usd|gbp|chf|pln)\b|^-?\d{1,3}([., ']\d{3})*[.,]\d{2}$")
_UNIT = re.compile(r"(?i)^\d+([.,]\d+)?\s?(mg|g|kg|ml|cl|l|mm|cm|m|km|oz|lb|lbs|pcs|st|gb|tb|w|kw|%)$")
_TAX = re.compile(r"(?i)[a-z]{2}[\s-]?[a-z]?\d[\d\s.-]{6,12}[a-z]?\d?|\d{3}[ .]\d{3}[ .]\d{3}|\d{2,3}/\d{3}/\d{4,5}")
_CODE = re.compile(r"(?=[^\s]*\d)[A-Za-z0-9][A-Za-z0-9._/-]{1,24}")
_FLAG = frozenset(
    [
        "yes",
        "no",
        "y",
        "n",
        "true",
        "false",
        "t",
        "f",
        "0",
        "1",
        "ja",
        "nein",
        "j",
        "oui",
        "non",
        "si",
        "tak",
        "nie",
        "x",
        "on",
        "off",
    ]
)
_FRACTION = re.compile(r"^\d+\.\d{1,2}$")
_TRADE = frozenset(
    [
        "services",
        "service",
        "solutions",
        "group",
        "tools",
        "supply",
        "supplies",
        "trading",
        "holding",
        "consulting",
        "international",
        "systems",
        "industries",
        "bakery",
        "cafe",
        "restaurant",
        "hotel",
        "bar",
        "grill",
        "kitchen",
        "bistro",
        "pizzeria",
        "clinic",
        "hospital",
        "school",
        "university",
        "college",
        "bank",
        "insurance",
        "logistics",
        "freight",
        "transport",
        "foods",
        "electric",
        "plumbing",
        "cleaning",
        "printing",
        "print",
        "paper",
        "construction",
        "engineering",
        "technologies",
        "technology",
        "software",
        "media",
        "design",
        "studio",
        "center",
        "centre",
        "medical",
        "pharma",
        "energy",
        "motors",
        "auto",
        "garage",
        "shop",
        "store",
        "market",
        "stores",
        "imports",
        "exports",
        "brewing",
        "brewery",
        "catering",
        "security",
        "lighting",
        "elektro",
        "elektrik",
        "technik",
        "bau",
        "werke",
        "werk",
        "verlag",
        "handel",
        "versicherung",
        "backerei",
        "gasthof",
        "apotheke",
        "praxis",
        "klinik",
        "schule",
        "sohne",
        "freres",
        "fils",
        "fratelli",
        "hijos",
        "hermanos",
        "transports",
        "industrie",
        "agency",
        "agence",
        "partners",
        "associates",
        "sons",
        "brothers",
        "the",
        "club",
        "house",
        "room",
        "diner",
        "steakhouse",
        "deli",
    ]
)
"""Words of names of companies, shops and institutions, in the form that `words` gives them."""
_PREFIXED = re.compile(r"[A-Za-z]{1,5}[-_]?\d{2,}")
_HOUSE = re.compile(r"\d{1,5}\s?[a-zA-Z]?(\s?[-/]\s?\d{1,4}[a-zA-Z]?)?")
_ALL, _MOST, _SOME = 0.9, 0.7, 0.35
_COMMA = re.compile(r"[^\W\d][\w'. -]*, ?[^\W\d][\w'. -]*")


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a column that are looked at.

    Args:
        counts: how often each filled value stands in the cells that were read, the commonest values only.
        filled: how many of those cells were filled.
        distinct: how many different values they hold.
    """

    counts: Mapping[str, int]
    filled: int
    distinct: int

    @classmethod
    def of(cls, values: Sequence[str | None]) -> Values:
        """Those of a column."""
        counts = Counter(
            value.strip()[:_SHOWN] for value in values[:_READ] if value is not None and not is_missing(value)
        )
        return cls(dict(counts.most_common(_LOOKED_AT)), counts.total(), len(counts))

    def share(self, holds: Callable[[str], object]) -> float:
        """Of the cells those whose value something holds for."""
        total = sum(self.counts.values())
        return sum(count for value, count in self.counts.items() if holds(value)) / total if total else 0.0


def points_of_values(values: Values) -> dict[Kind, float]:
    """Points of each kind that the values of a column speak for, or against where they are negative."""
    if not values.filled:
        return {}
    points = _of_forms(values)
    _add(points, _of_words(values))
    _add(points, _of_spread(values))
    return points


def _add(points: dict[Kind, float], more: dict[Kind, float]) -> None:
    for kind, value in more.items():
        points[kind] = points.get(kind, 0.0) + value


def _graded(share: float, points: float, against: float) -> float:
    """Points where nearly all values are of a form, fewer where most are, and against where few are."""
    if share >= _ALL:
        return points
    if share >= _MOST:
        return 0.7 * points
    return 0.0 if share >= _SOME else against


def _of_forms(values: Values) -> dict[Kind, float]:
    share = values.share
    dated = share(lambda value: days_of(value) is not None)
    international = share(_INTERNATIONAL.search)
    telephones = share(_is_telephone)
    money, numbers = share(_MONEY.search), share(_NUMBER.fullmatch)
    return {
        "email": _graded(share(_EMAIL.fullmatch), 6, -6),
        "web address": _graded(share(lambda value: _URL.fullmatch(value) and "@" not in value), 4, -5),
        "telephone": _graded(telephones, 3.5 if international >= _SOME and dated < _SOME else 0.5, -5),
        "date": _graded(dated, 4.5, -5),
        "date of birth": _graded(dated, 2.5, -6) if dated < _SOME else _graded(dated, 2.5, -6) + _born(values),
        "iban": _graded(share(is_iban), 7, -3),
        "gtin": _graded(share(lambda value: is_gtin(value.removesuffix(".0"))), 6, -3),
        "postcode": _graded(share(_POSTCODE.fullmatch), 3 if share(_LETTERED_POSTCODE.fullmatch) >= _MOST else 1, -5),
        "price": _graded(numbers, 3 if money >= _MOST else 0.5, -4),
        "quantity": _graded(numbers, 3 if share(_UNIT.search) >= _MOST else 0.5, -3),
        "tax number": _graded(share(_TAX.fullmatch), 2, -1),
        "personal number": 0.0 if share(lambda value: 6 <= len(digits(value)) <= 13) >= _MOST else -4,
        "code": _graded(share(_CODE.fullmatch), 1.5 if numbers < _SOME else 0.5, -3)
        + (1.5 if share(_PREFIXED.fullmatch) >= _ALL else 0.0),
        "house number": _graded(share(_HOUSE.fullmatch), 0.5, -5),
        "flag": _graded(share(lambda value: value.casefold() in _FLAG), 4, 1) if values.distinct <= 4 else -4.0,
    }


def _is_telephone(value: str) -> bool:
    return bool(_TELEPHONE.fullmatch(value)) and not _FRACTION.search(value) and 6 <= len(digits(value)) <= 16


def _born(values: Values) -> float:
    """Days of birth are spread over many years and none is to come."""
    years = [day.year for value in values.counts for day in (days_of(value) or ())[:1]]
    return 1.0 if years and max(years) - min(years) > 25 else 0.0


def _of_streets(numbered: float, roads: float, digitless: float) -> float:
    """Points of "street" for the share of values with a street's word and a number, with the word, and without digits.

    Where numbers of houses have a column of their own, most values have the word alone.
    """
    if numbered >= 0.1:
        return min(4.0, 5 * numbered)
    if roads >= 0.5:
        return min(3.0, 4 * roads)
    return 0.0 if digitless < _ALL else -2.0


def _of_words(values: Values) -> dict[Kind, float]:
    share = values.share
    split = {value: words(value) for value in values.counts}
    digitless = share(lambda value: not any(character.isdigit() for character in value))
    count = sum(map(len, split.values())) / len(split)
    named = share(lambda value: len(split[value]) <= 4 and any(map(is_given_name, split[value])))
    legal, roads = share(has_legal_form), share(has_street_word)
    streets = share(lambda value: has_street_word(value) and any(map(str.isdigit, value)))
    trade = share(lambda value: not _TRADE.isdisjoint(split[value]))
    countries = share(country_code)
    cities, regions = share(is_known_city), share(is_region)
    commas = share(_COMMA.fullmatch)
    wordy = digitless >= _MOST
    two_words = wordy and 1.5 <= count <= 4
    return {
        "person name": (min(3.5, 7 * named - 1) if two_words and legal < 0.1 else -2.0)
        + (1 if commas > 0.1 else 0)
        - 6 * legal
        - 6 * trade,
        "last name first": 5.0 if commas >= _ALL and two_words and named >= 0.2 else -5.0,
        "first name": min(3.0, 4 * named) if wordy and count < 1.6 else -4.0,
        "last name": 0.5 if wordy and count < 2 else -4.0,
        "company": min(4.5, 12 * legal + 6 * trade) - (0.0 if legal + trade >= 0.08 else min(3.0, 4 * named)),
        "street": _of_streets(streets, roads, digitless),
        "country": 4.5 if countries >= _MOST else -4.0,
        "city": (min(3.0, 8 * cities) if wordy and count < 2.5 else -3.0)
        - (3 if countries >= _MOST else 0)
        - 6 * legal,
        "region": 4.0 if regions >= _MOST else -1.0,
        "free text": 4.0 if count >= 8 else 1.0 if count >= 5 else -2.0,
        "product title": 1.0 if count >= 4 and digitless < _ALL else 0.0,
    }


def _of_spread(values: Values) -> dict[Kind, float]:
    """Few values that come again and again are a closed set; a person's own values are not."""
    repeated = values.distinct <= min(40.0, max(3, 0.2 * values.filled), 0.5 * values.filled)
    if not repeated:
        return {"category": -2.0, "source label": -3.0, "country": 0.0}
    few = values.distinct <= 12
    return {
        "category": 1.5,
        "source label": 0.5 if few else -2.0,
        "person name": -2.0,
        "company": -1.0,
        "product title": -1.5,
        "free text": -2.0,
        "code": -1.5,
        "postcode": -0.5,
    }
