"""Quantities with units in a text, which a small model overlooks."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NUMBER = r"(?:\d+(?:[.,]\d+)?(?:[ -]\d+/\d+)?|\d+/\d+)"
_LENGTH = r"(?:mm|cm|dm|m|in|ft|inch(?:es)?|feet|\"|''|”|″)"
_END = r"(?![\w/])"
_BY = r"\s?[x×X]\s?"
_PATTERNS = (
    ("extent", rf"{_NUMBER}(?:\s?{_LENGTH})?(?:{_BY}{_NUMBER}(?:\s?{_LENGTH})?)?{_BY}{_NUMBER}\s?{_LENGTH}{_END}"),
    ("extent", rf"{_NUMBER}{_BY}{_NUMBER}{_BY}{_NUMBER}(?![\w.,]\d|\w)"),
    ("fit", r"W\s?\d{2}[ /]?L\s?\d{2}\b|[Aa]ges?\s\d{1,2}\s?[-–]\s?\d{1,2}\b"),
    ("fit", r"(?:EU|UK|US|FR|IT|DE)\s?\d{1,2}(?:[.,]5)?\b(?![.,]\d|\s?(?:mm|cm|g|kg|ml|V|W)\b)"),
    ("fit", r"(?<![\w'’-])(?<!\d\s)(?:X{0,3}S|S|M|L|X{1,4}L|[2-6]XL)(?![\w'’&./-])"),
    ("volume", rf"{_NUMBER}[ -]?(?:ml|mL|cl|dl|l|L|fl\.? ?oz\.?|lit(?:er|re)s?|gal(?:lons?)?){_END}"),
    ("weight", rf"{_NUMBER}[ -]?(?:mg|g|kg|lbs?\.?|oz\.?){_END}"),
    ("length", rf"{_NUMBER}[ -]?{_LENGTH}{_END}"),
)
_COMPILED = tuple((kind, re.compile(rf"(?<![\w.,/]){pattern}")) for kind, pattern in _PATTERNS)
_WANTED = (
    (re.compile(r"\b(size|sizes|größe|taille|talla|misura)\b"), ("extent", "fit", "volume", "weight", "length")),
    (re.compile(r"\bdimensions?\b"), ("extent",)),
    (re.compile(r"\bvolume\b"), ("volume",)),
    (re.compile(r"\bweight\b"), ("weight",)),
)


def only_measure(text: str, attribute: str) -> str | None:
    """The one stretch of a text that is written as a value of an attribute of measure; None where there is none, more
    than one, or the attribute is not one.

    Args:
        text: a title or a description.
        attribute: the name of what is looked for; a size may be an extent (80x28x202 cm), a fit (EU 43), a volume, a
            weight or a length, the first of these that the text holds.
    """
    name = attribute.casefold().replace("_", " ")
    kinds = next((kinds for wanted, kinds in _WANTED if wanted.search(name)), ())
    found = list(_measures(text))
    for kind in kinds:
        if stretches := {stretch for one, stretch in found if one == kind}:
            return stretches.pop() if len(stretches) == 1 else None
    return None


def _measures(text: str) -> Iterator[tuple[str, str]]:
    """Kind and stretch of every measure, none inside another."""
    taken: list[tuple[int, int]] = []
    for kind, pattern in _COMPILED:
        for match in pattern.finditer(text):
            start, end = match.span()
            if all(end <= first or last <= start for first, last in taken):
                taken.append((start, end))
                yield kind, match.group().strip()
