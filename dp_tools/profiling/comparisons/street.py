"""Streets with their numbers: abbreviations of many languages, units, number before or after the name."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from dp_tools.profiling.comparisons.comparison import Comparison
from dp_tools.profiling.comparisons.folding import is_slip, words
from dp_tools.profiling.vocabulary import entries

_PLAIN = {short: words(word)[0] for word, shorts in entries("street_words") for short in shorts}
_KINDS = frozenset(_PLAIN.values())
_TELLING = frozenset(("st", "rd", "dr", "ln", "ul"))
"""Words of two letters that mean a street more often than anything else."""
_ENDS = ("strasse", "straat", "gasse", "weg", "vej", "str", "allee", "platz")
_ENDINGS = (("strasse", "str"), ("str", "str"), ("straat", "str"), ("gasse", "g"), ("platz", "pl"), ("pl", "pl"))
"""Endings of joined names of streets, long and short, and what they become."""
_SMALL = frozenset(
    [
        "the",
        "of",
        "at",
        "de",
        "la",
        "le",
        "les",
        "du",
        "des",
        "der",
        "die",
        "den",
        "dem",
        "am",
        "an",
        "im",
        "in",
        "zum",
        "zur",
        "el",
        "los",
        "las",
        "del",
        "della",
        "di",
        "do",
        "da",
        "dos",
    ]
)
_UNIT = re.compile(
    r"(?i)[,\s]*\b(?:apt|apartment|unit|suite|ste|flat|fl|floor|stock|og|top|wohnung|whg|appt|appartement|piso|pta|puerta|"
    r"esc|int|interno|local|lok|bis|ter|m|room|rm|kv|kw|office|lgh|lght|etg|bus|bte|boite|box|door|dvere|byt|ap|depto|studio)\b\.?"
    r"\s*(?:no\.?\s*)?#?\s*([a-z]?\d+[a-z]?|[a-z])\b|#\s*(\d+[a-z]?)"
)
_NUMBER = re.compile(r"(?<![a-z])(\d+)(?:\s?[-/–]\s?(\d+))?(?:([a-z])(?![a-z])| ([a-z])(?=\s*(?:,|$)))?(?![a-z])")

_NUMBER_AND_UNIT = re.compile(r"(?<!\d)(\d+[a-z]?)\s?/\s?(\d+[a-z]?)(?![\d/])")
"""Polish, Czech and Austrian addresses put the door behind the house."""

_DOOR = re.compile(r"(\d*)[a-z]?\s?[-–]\s?(\d{1,3})\s*$")
"""A number behind a hyphen at the end is a door, unless it is the last of several houses: 65-2, not 65-67."""

_SHORT_NUMBER = re.compile(r"\d{1,3}[a-z]?$")


class Address(NamedTuple):
    """An address: the words of the street, its numbers, the unit."""

    street: tuple[str, ...]
    numbers: tuple[str, ...]
    unit: str


@lru_cache(maxsize=2**16)
def address_of(value: str) -> Address:
    """The parts of a street address."""
    unit = ""
    text = value.casefold()
    if found := _UNIT.search(text):
        unit = found[1] or found[2] or ""
        text = f"{text[: found.start()]} {text[found.end() :]}"
    elif found := _NUMBER_AND_UNIT.search(text):
        unit = found[2]
        text = f"{text[: found.start()]} {found[1]} {text[found.end() :]}"
    elif (found := _DOOR.search(text)) and _is_door(text[: found.start()], found[1], found[2]):
        unit = found[2]
        text = text[: found.start(2)].rstrip(" -–")
    text = _without_place(text)
    numbers: list[str] = []

    def take(match: re.Match[str]) -> str:
        numbers.append(match[1].lstrip("0") + (match[3] or match[4] or ""))
        if match[2]:
            numbers.append(match[2])
        return " "

    text = _NUMBER.sub(take, text)
    street = tuple(_plain(word) for word in words(text) if word not in _SMALL)
    return Address(tuple(word for word in street if word), tuple(numbers), unit)


def _is_door(before: str, house: str, number: str) -> bool:
    """Whether a number behind a hyphen is a door: it is lower than the house's, or that one stands further before."""
    return int(number) < int(house) if house else any(map(str.isdigit, before))


def _without_place(text: str) -> str:
    """The address without a postcode and a city that stand behind it in one column."""
    first, *others = (part.strip() for part in text.split(","))
    kept = [first]
    for part in others:
        if any(character.isdigit() for character in kept[-1]) and not _SHORT_NUMBER.match(part):
            break
        kept.append(part)
    return " ".join(kept)


def has_street_word(value: str) -> bool:
    """Whether a word says that a value is a street."""
    found = words(value)
    return any(
        ((word in _PLAIN or word in _KINDS) and (len(word) > 2 or word in _TELLING))
        or (word.endswith(_ENDS) and word not in _ENDS)
        for word in found
    )


def compare_streets(left: str, right: str) -> Comparison:
    """How two addresses compare; `shared` is the street and number of both."""
    one, two = address_of(left), address_of(right)
    same = _compare_street(one.street, two.street)
    agreed = not one.numbers or not two.numbers or one.numbers[0] == two.numbers[0] or one.numbers == two.numbers[::-1]
    known = bool(one.numbers and two.numbers)
    shared = "".join((*sorted(one.street), *one.numbers[:1])) or None
    if same is None:
        return Comparison("contradicting", "other street")
    if not agreed:
        if same != "other" and _letter_aside(one.numbers[0]) == _letter_aside(two.numbers[0]):
            return Comparison("partial", "same street and number, other letter", shared)
        if same != "other" and _is_number_slip(one.numbers[0], two.numbers[0]):
            return Comparison("partial", "same street, number a digit off")
        return Comparison("contradicting", "other street" if same == "other" else "same street, other number")
    if same == "other":
        return Comparison("contradicting", "other street, same number" if known else "other street")
    if not known and (one.numbers or two.numbers):
        return Comparison("partial", "number missing", shared)
    if (text := _compare_units(one, two)) is not None:
        return Comparison("partial" if text == "other unit" else "near", text, shared)
    if same == "near":
        return Comparison("near", "near spelling", shared if known else None)
    return Comparison("exact" if left.strip() == right.strip() else "normalised", "same", shared)


def _compare_street(ours: tuple[str, ...], theirs: tuple[str, ...]) -> str | None:
    """ "same", "near" or "other"; None where a side has no words."""
    if not ours or not theirs:
        return "same" if ours == theirs else None
    if sorted(ours) == sorted(theirs) or "".join(ours) == "".join(theirs):
        return "same"
    left = [word for word in ours if word not in theirs]
    right = [word for word in theirs if word not in ours]
    # Some systems leave the kind of street out, some the direction.
    if not left or not right:
        return "near" if len(left) + len(right) <= max(1, len(ours) // 2) or len(ours) + len(theirs) > 6 else "other"
    one, two = "".join(left), "".join(right)
    if is_slip(one, two) or all(any(is_slip(a, b) for b in right) for a in left):
        return "near"
    if all(word in _KINDS for word in (*left, *right)):
        return "near"
    return "other"


def _compare_units(one: Address, two: Address) -> str | None:
    """What tells the doors behind one street and number apart; None where nothing does."""
    if one.unit != two.unit and not (one.unit and two.unit):
        # "12-3" may be the third door of number 12, or the houses 12 and 3.
        one, two = (side if side.unit else side._replace(unit="".join(side.numbers[1:2])) for side in (one, two))
        if one.unit != two.unit:
            return "other unit" if one.unit and two.unit else "unit missing"
    elif one.unit != two.unit or (len(one.numbers) == len(two.numbers) > 1 and one.numbers[1:] != two.numbers[1:]):
        return "other unit"
    return None


def _plain(word: str) -> str:
    for ending, plain in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending) + plain
    return _PLAIN.get(word, word)


def _letter_aside(number: str) -> str:
    return number.rstrip("abcdefghijklmnopqrstuvwxyz")


def _is_number_slip(one: str, two: str) -> bool:
    return (len(one) == len(two) >= 3 and sum(a != b for a, b in zip(one, two, strict=True)) == 1) or (
        len(one) == len(two) >= 2 and one != two and sorted(one) == sorted(two)
    )
