"""Names of people: order, initials, nicknames, titles, changed and joined surnames, slips."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from dp_tools.profiling.comparisons.comparison import Comparison
from dp_tools.profiling.comparisons.folding import is_slip, words
from dp_tools.profiling.comparisons.given_names import are_one_given_name, are_two_given_names, is_given_name

_TITLES = frozenset(
    [
        "dr",
        "prof",
        "professor",
        "doctor",
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "sir",
        "dame",
        "lady",
        "lord",
        "herr",
        "frau",
        "herrn",
        "hr",
        "fr",
        "mag",
        "dipl",
        "ing",
        "dkfm",
        "phd",
        "md",
        "msc",
        "bsc",
        "ba",
        "ma",
        "mba",
        "esq",
        "mme",
        "mlle",
        "m",
        "monsieur",
        "madame",
        "mademoiselle",
        "sr",
        "sra",
        "srta",
        "don",
        "dona",
        "senor",
        "senora",
        "sig",
        "signor",
        "signora",
        "dott",
        "dottssa",
        "ing",
        "avv",
        "geom",
        "pan",
        "pani",
        "mgr",
        "inz",
        "drs",
        "ir",
        "dhr",
        "mevr",
        "mevrouw",
        "rev",
        "reverend",
        "hon",
        "capt",
        "col",
        "lt",
        "st",
        "jun",
    ]
) - {"m", "ma", "st"}
_YOUNGER = {"jr": "jr", "junior": "jr", "jun": "jr", "fils": "jr", "ml": "jr"}
_OLDER = {"senior": "sr", "sen": "sr", "pere": "sr", "ii": "ii", "iii": "iii", "iv": "iv", "2nd": "ii", "3rd": "iii"}
_GENERATIONS = _YOUNGER | _OLDER
_PARTICLES = frozenset(
    [
        "van",
        "von",
        "de",
        "der",
        "den",
        "del",
        "della",
        "di",
        "da",
        "do",
        "dos",
        "du",
        "la",
        "le",
        "les",
        "el",
        "al",
        "bin",
        "ibn",
        "ter",
        "ten",
        "zu",
        "zum",
        "af",
        "av",
        "y",
        "e",
    ]
)
_CUT = 20
"""Letters from which on one name may be the other, cut off by a field of fixed length."""
_BEGINNING = 3
"""Letters that may stand for a whole name."""
_CAMEL = re.compile(r"(?<=[a-zà-ÿ])(?=[A-Z])")


class Name(NamedTuple):
    """A name in parts; `given` and `last` where a comma or two columns tell them apart, otherwise all in `given`."""

    given: tuple[str, ...]
    last: tuple[str, ...]
    generation: str

    @property
    def all(self) -> tuple[str, ...]:
        """Every word, given names first."""
        return self.given + self.last

    @property
    def surname(self) -> str:
        """The word that is the surname as far as can be told."""
        return (self.last or self.given or ("",))[-1]

    @property
    def first(self) -> str:
        """The first given name as far as can be told."""
        return (self.given or self.last or ("",))[0]


@lru_cache(maxsize=2**16)
def name_of(value: str, last: str | None = None) -> Name:
    """The parts of a name.

    Args:
        value: a whole name, "last, first" too; the given names where `last` is there.
        last: the surname, where it stands in a column of its own.
    """
    if last is None and "," in value:
        before, _, after = value.partition(",")
        if set(words(after)) - set(_GENERATIONS) - _TITLES - {"sr"}:
            value, last = after, before
        else:
            value = f"{before} {after}"
    generation = ""
    given: list[str] = []
    surname: list[str] = []
    for part, kept in ((value, given), (last or "", surname)):
        found = [word for word in words(_CAMEL.sub(" ", part)) if not word.isdigit()]
        for place, word in enumerate(found):
            if word in _GENERATIONS and (place or not kept):
                generation = _GENERATIONS[word]
            elif word == "sr" and place == len(found) - 1 and place:
                generation = "sr"
            elif word not in _TITLES and word not in _PARTICLES:
                kept.append(word)
    if not given and not surname:
        return Name(tuple(words(value)), tuple(words(last or "")), generation)
    return Name(tuple(given), tuple(surname), generation)


def compare_names(one: Name, two: Name) -> Comparison:
    """How two names compare; `shared` are the words that both have, or the surname where only that agrees."""
    ours, theirs = one.all, two.all
    if not ours or not theirs:
        return Comparison("silent", "not a name")
    if one.generation != two.generation and one.generation and two.generation:
        return Comparison("contradicting", "other generation", one.surname)
    whole = " ".join(word for word in ours if word in theirs) or None
    if ours == theirs and one.generation != two.generation:
        return Comparison("near", "same, one with a generation", whole)
    if ours == theirs:
        return Comparison("exact", "same", whole)
    if _given_names_turned(ours, theirs):
        return Comparison("contradicting", "given names in another order", one.surname)
    if sorted(ours) == sorted(theirs):
        return Comparison("normalised", "same in another order", whole)
    if "".join(ours) == "".join(theirs):
        return Comparison("normalised", "same joined", whole)
    if min(len(ours), len(theirs)) == 1:
        return _of_one_word(ours, theirs)
    return _of_words(one, two)


def _given_names_turned(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Whether both hold the same given names in another order before the same surname: José María is not María José."""
    both = set(ours) & set(theirs)
    mine, other = ([word for word in words if word in both] for words in (ours, theirs))
    return len(both) > 2 and mine[-1] == other[-1] and mine != other and min(len(ours), len(theirs)) == len(both)


def _of_one_word(ours: tuple[str, ...], theirs: tuple[str, ...]) -> Comparison:
    (word,), other = sorted((ours, theirs), key=len)
    if len(other) > 1 and word in other:
        return Comparison("partial", "one name of several", word)
    if any(are_one_given_name(word, one) for one in other):
        return Comparison("partial", "one name of several, nickname", word)
    if any(is_slip(word, one) and not are_two_given_names(word, one) for one in other):
        return Comparison("partial" if len(other) > 1 else "near", "one name, near spelling", word)
    joined = "".join(other)
    if len(joined) > _CUT and joined.startswith(word) and len(word) >= _CUT:
        return Comparison("near", "cut off")
    return Comparison("contradicting", "other name")


class _Pairing(NamedTuple):
    """Words of two names side by side: how many pairs of each relation, and the words without a counterpart."""

    relations: dict[str, int]
    ours: list[str]
    theirs: list[str]


def _is_beginning(one: str, two: str) -> bool:
    """Whether one word is the beginning of the other, as of a short form or where a field was too narrow."""
    shorter, longer = sorted((one, two), key=len)
    return len(shorter) >= _BEGINNING and longer.startswith(shorter)


def _begin_alike(one: str, two: str) -> bool:
    """Whether a given name may be a pet form of the other: Katka of Kateřina, Gigi of Gianluigi is not found."""
    return one[:_BEGINNING] == two[:_BEGINNING] and len(one) >= _BEGINNING and not are_two_given_names(one, two)


_RELATIONS: tuple[tuple[str, Callable[[str, str], bool]], ...] = (
    ("same", lambda a, b: a == b),
    ("nickname", are_one_given_name),
    ("near", lambda a, b: is_slip(a, b) and not are_two_given_names(a, b)),
    ("initial", lambda a, b: min(len(a), len(b)) == 1 and a[0] == b[0]),
    ("short", lambda a, b: _is_beginning(a, b) and not are_two_given_names(a, b)),
)


def _paired(one: Name, two: Name) -> _Pairing:
    left, right = list(one.all), list(two.all)
    relations: dict[str, int] = {}
    # An ending that tells women from men does so in a given name; in a surname it is a slip: Sharma and Sharmo.
    last = one.surname, two.surname
    if one.last and two.last and last[0] != last[1] and is_slip(*last):
        left.remove(last[0])
        right.remove(last[1])
        relations["near"] = 1
    for relation, holds in _RELATIONS:
        if relation == "initial" and _first_names_differ(one, two):
            continue
        for word in list(left):
            other = next((o for o in right if holds(word, o)), None)
            if other is not None:
                left.remove(word)
                right.remove(other)
                relations[relation] = relations.get(relation, 0) + 1
    return _Pairing(relations, left, right)


def _first_names_differ(one: Name, two: Name) -> bool:
    """Whether both are written with a first name in full that the other does not have: the G of "Gianluca G. Greco"
    is not Gaetano."""
    related = [holds for relation, holds in _RELATIONS if relation != "initial"]
    return all(
        len(ours.first) > 1 and not any(holds(ours.first, word) for word in theirs.all for holds in related)
        for ours, theirs in ((one, two), (two, one))
    )


def _of_words(one: Name, two: Name) -> Comparison:
    found = _paired(one, two)
    relations = found.relations
    matched = sum(relations.values())
    whole = " ".join(word for word in one.all if word in two.all) or None
    solid = relations.get("same", 0) + relations.get("nickname", 0) + relations.get("near", 0)
    if not (found.ours and found.theirs) and solid and matched > 1:
        return _of_matching_words(relations, one, two, whole)
    surname = _surname_of_both(one, two)
    if surname is not None:
        if any(_begin_alike(a, b) for a in found.ours for b in found.theirs):
            return Comparison("partial", "same surname, given names begin alike", surname)
        initials = {word[0] for word in found.ours} & {word[0] for word in found.theirs}
        text = "same surname and initial" if initials else "same surname, other given name"
        return Comparison("contradicting", text, surname)
    if _first_of_both(one, two):
        return Comparison("partial", "same given name, other surname", one.first)
    if matched:
        return Comparison("contradicting", "one word in common")
    joined, other = sorted(("".join(one.all), "".join(two.all)), key=len)
    if is_slip(joined, other) and len(joined) > 8:
        return Comparison("near", "near spelling")
    return Comparison("contradicting", "other name")


def _of_matching_words(relations: dict[str, int], one: Name, two: Name, shared: str | None) -> Comparison:
    """Every word of the shorter name has its counterpart."""
    if relations.get("initial"):
        text = "initial"
    elif relations.get("nickname"):
        text = "nickname"
    elif relations.get("near") or relations.get("short"):
        # Two family members may be a letter apart in the given name; in the surname that is a slip.
        slip_in_given = one.surname == two.surname and one.first != two.first
        text = "near spelling of the given name" if slip_in_given else "near spelling"
        text = "two slips" if relations.get("near", 0) > 1 else text
    else:
        return Comparison("near", "more names on one side", shared)
    return Comparison("near", text, shared)


def _surname_of_both(one: Name, two: Name) -> str | None:
    """The surname, if both have one: whole, or one part of a double one."""
    ours = set(one.last or one.given[1:] or one.given)
    theirs = set(two.last or two.given[1:] or two.given)
    if not one.last and not two.last and one.first == two.first and is_given_name(one.first):
        return None
    shared = {a for a in ours for b in theirs if a == b or (is_slip(a, b) and not is_given_name(a))}
    return min(shared) if shared else None


def _first_of_both(one: Name, two: Name) -> bool:
    ours, theirs = one.first, two.first
    return ours == theirs or are_one_given_name(ours, theirs)
