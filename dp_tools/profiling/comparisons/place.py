"""Postcodes, cities, regions and countries."""

from __future__ import annotations

from functools import lru_cache

from dp_tools.profiling.comparisons.comparison import Comparison
from dp_tools.profiling.comparisons.countries import country_code
from dp_tools.profiling.comparisons.folding import compact, is_digit_slip, is_slip, words
from dp_tools.profiling.vocabulary import entries

_CITIES = {" ".join(words(name)): number for number, (_, names) in enumerate(entries("cities")) for name in names}
_SHORT = {"st": "saint", "ste": "sainte", "sankt": "saint", "skt": "saint", "mt": "mount", "ft": "fort", "s": "saint"}
_REGIONS = {
    name: code for code, names in entries("regions") for name in (code.lower(), *(" ".join(words(n)) for n in names))
}


def is_known_city(value: str) -> bool:
    """Whether a value is a city with names in several languages."""
    return " ".join(words(value)) in _CITIES


def is_region(value: str) -> bool:
    """Whether a value is a state or a province, by name or code."""
    return " ".join(words(value)) in _REGIONS


@lru_cache(maxsize=2**16)
def city_words(value: str) -> tuple[str, ...]:
    """The words of a city's name, without district numbers and what stands in brackets."""
    found = words(value.partition("(")[0])
    return tuple(_SHORT.get(word, word) for word in found if not any(map(str.isdigit, word))) or found


def compare_cities(left: str, right: str) -> Comparison:
    """How two cities compare."""
    ours, theirs = city_words(left), city_words(right)
    one, two = " ".join(ours), " ".join(theirs)
    if not one or not two:
        return Comparison("silent", "not a name")
    if one == two or one.replace(" ", "") == two.replace(" ", ""):
        return Comparison("exact" if left == right else "normalised", "same", one)
    if one in _CITIES and _CITIES.get(one) == _CITIES.get(two):
        return Comparison("normalised", "same in another language", one)
    if is_slip(one, two):
        return Comparison("near", "near spelling")
    if (ours[0] == theirs[0] and len(ours[0]) > 3) or set(ours) < set(theirs) or set(theirs) < set(ours):
        return Comparison("near", "one part of the other")
    return Comparison("contradicting", "other city")


def compare_countries(left: str, right: str) -> Comparison:
    """How two countries compare."""
    one, two = country_code(left), country_code(right)
    if one is None or two is None:
        same = compact(left) == compact(right)
        return Comparison("normalised", "same") if same else Comparison("silent", "not a country")
    if one != two:
        return Comparison("contradicting", "other country")
    return Comparison("exact" if left == right else "normalised", "same")


def compare_regions(left: str, right: str) -> Comparison:
    """How two states or provinces compare."""
    one, two = " ".join(words(left)), " ".join(words(right))
    if _REGIONS.get(one, one) == _REGIONS.get(two, two):
        return Comparison("exact" if left == right else "normalised", "same")
    if is_slip(one, two):
        return Comparison("near", "near spelling")
    return Comparison("contradicting", "other region")


def compare_postcodes(left: str, right: str) -> Comparison:
    """How two postcodes compare."""
    one, two = plain_postcode(left), plain_postcode(right)
    if not one or not two:
        return Comparison("silent", "not a postcode")
    if one == two:
        return Comparison("exact" if left == right else "normalised", "same", one)
    shorter, longer = sorted((one, two), key=len)
    # Five digits and the nine of ZIP+4, or the first half of a British one.
    if longer.startswith(shorter) and len(shorter) >= 3:
        return Comparison("normalised", "same area", shorter)
    if is_digit_slip(one, two):
        return Comparison("near", "a character differs")
    if one[:3] == two[:3]:
        return Comparison("partial", "same area")
    return Comparison("contradicting", "other postcode")


def plain_postcode(value: str) -> str:
    """Letters and digits without a country before them; leading zeros and a ".0" of spreadsheets go."""
    text = compact(value.removesuffix(".0"))
    head, dash, rest = value.partition("-")
    if dash and head.strip().isalpha() and len(head.strip()) <= 2 and rest.strip()[:1].isdigit():
        text = compact(rest)
    return text.lstrip("0") if text.isdigit() else text
