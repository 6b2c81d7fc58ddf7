"""What the words in a column's name mean: finer than kinds, in several languages, with the usual abbreviations.

"tel_no", "Telefonnummer" and "Phone" are one concept; "mob" is another one. Compounds are taken apart
("Bestelldatum", "CUSTNAM"), and a word that means several things keeps them all.
"""

from __future__ import annotations

import re
from functools import lru_cache

from dp_tools.profiling.comparisons.folding import folded
from dp_tools.profiling.vocabulary import entries

_HUMPS = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_LONGEST_PHRASE = 3
_SHORTEST_PART = 3
_SHORTEST_JOINED = 6
_IGNORED = frozenset(
    """
    a am an and at av by d da das de del della dei den der des die do dos du e een el en for het il im in l la las le
    les lo los och of op the to und van vom von y zu col fk field fld pk tbl
    """.split()  # noqa: SIM905 - a list of words is read best as words
)
"""Words that say nothing, in several languages."""

LIGHT = frozenset({"date", "name", "flag", "type", "work", "home", "recent", "item", "amount"})
"""Concepts that add little to others beside them."""
OPPOSITE = frozenset({"active", "inactive"})
"""Concepts that deny each other: columns that may be counterparts, with values the other way round."""
RELATED: dict[frozenset[str], float] = {
    frozenset(pair): near
    for *pair, near in (
        ("price", "cost", 0.65),
        ("price", "net", 0.5),
        ("price", "amount", 0.5),
        ("gross", "amount", 0.5),
        ("net", "amount", 0.4),
        ("tax", "vat", 0.6),
        ("revenue", "amount", 0.4),
        ("quantity", "stock", 0.85),
        ("title", "name", 0.7),
        ("title", "item", 0.6),
        ("title", "note", 0.5),
        ("full name", "name", 0.8),
        ("full name", "customer", 0.6),
        ("customer", "company", 0.6),
        ("customer", "name", 0.4),
        ("supplier", "company", 0.4),
        ("supplier", "brand", 0.5),
        ("company", "name", 0.6),
        ("active", "inactive", 0.8),
        ("active", "status", 0.5),
        ("category", "type", 0.6),
        ("category", "sector", 0.5),
        ("category", "department", 0.3),
        ("phone", "mobile", 0.45),
        ("phone", "fax", 0.2),
        ("created", "start", 0.4),
        ("created", "hired", 0.3),
        ("created", "ordered", 0.5),
        ("updated", "movement", 0.6),
        ("updated", "recent", 0.4),
        ("hired", "start", 0.6),
        ("shipped", "delivery", 0.7),
        ("ordered", "order", 0.7),
        ("location", "city", 0.3),
        ("id", "model", 0.4),
        ("item", "id", 0.3),
        ("iban", "id", 0.3),
        ("job", "salutation", 0.2),
        ("note", "consent", 0.1),
        ("city", "region", 0.2),
    )
}
"""Concepts that are near one another, and how near, 0 to 1."""

Meaning = frozenset[str]
"""The concepts that a word may stand for; empty for a word that is not known."""


def words_of(name: str) -> list[str]:
    """The words of a column's name in small Latin letters, taken apart at capitals, digits and punctuation."""
    return folded(_HUMPS.sub(" ", name)).split()


def _spelled() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for concept, phrases in entries("column_concepts"):
        for phrase in phrases:
            found.setdefault(phrase, set()).add(concept)
            # Where a name is written without humps or blanks, its words stand together: "FIRSTNAME".
            if " " in phrase and len(phrase) > _SHORTEST_JOINED:
                found.setdefault(phrase.replace(" ", ""), set()).add(concept)
    return found


_SPELLED: dict[str, Meaning] = {phrase: frozenset(concepts) for phrase, concepts in _spelled().items()}


@lru_cache(maxsize=4096)
def meanings(name: str) -> tuple[tuple[str, Meaning], ...]:
    """The words or phrases of a column's name, each with the concepts that it may stand for."""
    words = words_of(name)
    words = [word for word in words if not word.isdigit()] or words
    found: list[tuple[str, Meaning]] = []
    place = 0
    while place < len(words):
        for length in range(min(_LONGEST_PHRASE, len(words) - place), 0, -1):
            phrase = " ".join(words[place : place + length])
            meaning = _SPELLED.get(phrase) or (_SPELLED.get(phrase.replace(" ", "")) if length > 1 else None)
            if meaning:
                found.append((phrase, meaning))
                break
        else:
            length = 1
            found += _parts(words[place]) or ([] if words[place] in _IGNORED else [(words[place], frozenset())])
        place += length
    # A unit beside what it measures says the same again: "wt_g".
    once = {meaning or frozenset((phrase,)): (phrase, meaning) for phrase, meaning in reversed(found)}
    return tuple(reversed(once.values())) or ((name, frozenset()),)


def _parts(word: str) -> list[tuple[str, Meaning]]:
    """A compound taken apart into words that are known, the longest first; [] where that cannot be done."""
    if len(word) < 2 * _SHORTEST_PART:
        return []
    for end in range(len(word) - 2, _SHORTEST_PART - 1, -1):
        head = word[:end]
        meaning = _SPELLED.get(head) or (_SPELLED.get(head[:-1]) if head[-1] in "snew" and len(head) > 4 else None)
        if not meaning:
            continue
        rest = word[end:]
        if known := _SPELLED.get(rest):
            return [(head, meaning), (rest, known)]
        if further := _parts(rest):
            return [(head, meaning), *further]
    return []
