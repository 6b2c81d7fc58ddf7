"""Names of companies: legal forms of the world, abbreviations, "& Co", joined words, names in brackets."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from cleanco.termdata import terms_by_country, terms_by_type

from dp_tools.profiling.comparisons.comparison import Comparison
from dp_tools.profiling.comparisons.folding import compact, is_slip, words
from dp_tools.profiling.vocabulary import entries

_SOFT_FORMS = frozenset({"co", "and co", "and", "cie", "und co", "und", "et cie", "fils", "pc", "lp"})
"""Forms that are added and left out at will; two of them do not tell companies apart."""
_LONG = {short: words(word)[0] for word, shorts in entries("company_words") for short in shorts}
_JOINING = frozenset(
    [
        "and",
        "und",
        "et",
        "y",
        "e",
        "i",
        "en",
        "og",
        "och",
        "ja",
        "the",
        "der",
        "die",
        "das",
        "le",
        "la",
        "les",
        "el",
        "los",
        "de",
        "des",
        "du",
        "of",
        "and",
    ]
)
_BRACKETS = re.compile(r"[(（\[]([^)）\]]*)[)）\]]")
_INITIALS = re.compile(r"\b(?:[a-z0-9] ){1,5}[a-z0-9]\b")
_CUT = 16
"""Letters from which on one name may be the other, cut off by a field of fixed length."""


def _flat(term: str) -> str:
    """Words with runs of single letters joined: "s a r l" is "sarl"."""
    return _INITIALS.sub(lambda found: found[0].replace(" ", ""), " ".join(words(term.replace("&", " and "))))


def _legal_forms() -> frozenset[str]:
    given = {term for terms in (*terms_by_country.values(), *terms_by_type.values()) for term in terms}
    given |= {term for short, terms in entries("legal_forms") for term in (short, *terms)}
    return frozenset(form for term in given if (form := _flat(term)))


_SAME_FORM = {_flat(term): _flat(short) for short, terms in entries("legal_forms") if short for term in terms} | {
    "zhushihuishe": "kk"
}
LEGAL_FORMS = _legal_forms()
"""Legal forms of companies as they are compared: those of cleanco and some more, in other scripts too."""
_LONGEST_FORM = 5
"""Words of a legal form, at the most."""


class Company(NamedTuple):
    """A company's name: the words that name it, its legal forms, and the words in brackets."""

    core: tuple[str, ...]
    forms: frozenset[str]
    aside: tuple[str, ...]


@lru_cache(maxsize=2**16)
def company_of(value: str) -> Company:
    """The parts of a company's name."""
    aside = " ".join(_BRACKETS.findall(value))
    found = _flat(_BRACKETS.sub(" ", value) or value).split()
    forms = []
    while len(found) > 1 and (length := _form_at_end(found)):
        forms.append(" ".join(found[-length:]))
        del found[-length:]
    while len(found) > 1 and (length := _form_at_start(found)):
        forms.append(" ".join(found[:length]))
        del found[:length]
    core = tuple(_LONG.get(word, word) for word in found if word not in _JOINING)
    kept = frozenset(_SAME_FORM.get(form, form) for form in forms)
    return Company(core or tuple(found), kept, tuple(word for word in _flat(aside).split() if word not in LEGAL_FORMS))


def has_legal_form(value: str) -> bool:
    """Whether a value names a legal form."""
    return bool(company_of(value).forms)


def _form_at_end(found: list[str]) -> int:
    return next((n for n in range(min(_LONGEST_FORM, len(found) - 1), 0, -1) if " ".join(found[-n:]) in LEGAL_FORMS), 0)


def _form_at_start(found: list[str]) -> int:
    """Legal forms that stand before a name are not words of a name elsewhere."""
    most = min(2, len(found) - 1)
    return next((n for n in range(most, 0, -1) if " ".join(found[:n]) in _BEFORE), 0)


_BEFORE = frozenset(
    [
        "sia",
        "uab",
        "ooo",
        "zao",
        "oao",
        "pao",
        "ao",
        "ip",
        "tov",
        "too",
        "pt",
        "ck",
        "firma",
        "fa",
        "kabushiki",
        "kabushiki",
        "kaisha",
        "zhushihuishe",
        "youxianhuishe",
        "juszighoesa",
        "jusighoesa",
    ]
) | {"kabushiki kaisha"}


def compare_companies(left: str, right: str) -> Comparison:
    """How two names of companies compare; `shared` are the words that both have."""
    one, two = company_of(left), company_of(right)
    if not one.core or not two.core:
        return Comparison("silent", "not a name")
    found = _compare_cores(one.core, two.core)
    if one.aside or two.aside:
        others = [_compare_cores(a, b) for a in (one.core, one.aside) for b in (two.core, two.aside) if a and b]
        better = next((other for other in others if other.level in ("exact", "normalised")), None)
        if better is not None and found.level not in ("exact", "normalised"):
            return Comparison("near", "same in brackets", better.shared)
        if found.level in ("exact", "normalised") and bool(one.aside) != bool(two.aside):
            return Comparison("partial", "more words on one side", found.shared)
    if found.level == "exact":
        return _by_form(one, two, found.shared, alike=compact(left) == compact(right))
    return found


def _by_form(one: Company, two: Company, shared: str | None, *, alike: bool) -> Comparison:
    ours, theirs = one.forms - _SOFT_FORMS, two.forms - _SOFT_FORMS
    if ours and theirs and not ours & theirs:
        return Comparison("partial", "same but other legal form", shared)
    if one.forms == two.forms:
        return Comparison("exact" if alike else "normalised", "same", shared)
    return Comparison("normalised", "same but legal form", shared)


def _compare_cores(ours: tuple[str, ...], theirs: tuple[str, ...]) -> Comparison:
    both = " ".join(word for word in ours if word in theirs) or None
    if ours == theirs or sorted(ours) == sorted(theirs):
        return Comparison("exact", "same", both)
    one, two = "".join(ours), "".join(theirs)
    if one == two:
        return Comparison("normalised", "same joined", both or one)
    left, right = _rest(ours, theirs)
    if not left and not right:
        return _slip_or_abbreviation(ours, theirs, both)
    if is_slip(one, two) and len(one) > 7 and not _tell_apart(left, right):
        return Comparison("near", "near spelling", both)
    if min(len(one), len(two)) >= _CUT and (one.startswith(two) or two.startswith(one)):
        return Comparison("near", "cut off", both)
    if _is_acronym(ours, theirs):
        return Comparison("near", "initials")
    if not left or not right:
        return Comparison("partial", "more words on one side", both)
    if both is None:
        return Comparison("contradicting", "other name")
    return Comparison("contradicting", "some words in common", both)


def _rest(ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The words without a counterpart on the other side."""
    left, right = list(ours), list(theirs)
    for holds in (lambda a, b: a == b, _is_short_for, is_slip):
        for word in list(left):
            other = next((o for o in right if holds(word, o)), None)
            if other is not None:
                left.remove(word)
                right.remove(other)
    return left, right


def _slip_or_abbreviation(ours: tuple[str, ...], theirs: tuple[str, ...], both: str | None) -> Comparison:
    rest = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
    text = "abbreviated" if all(_is_short_for(a, b) for a, b in rest) else "near spelling"
    return Comparison("near", text, both)


def _tell_apart(left: list[str], right: list[str]) -> bool:
    """Whole words on both sides that no slip joins: east and west are a letter or two apart."""
    return bool(left and right) and all(len(word) > 2 for word in (*left, *right))


def _is_short_for(one: str, two: str) -> bool:
    """Whether one word may be the other in short: its beginning, or its first letter and some others in order."""
    shorter, longer = sorted((one, two), key=len)
    if shorter == longer or len(shorter) < 3 or shorter[0] != longer[0] or len(longer) - len(shorter) < 3:
        return False
    if longer.startswith(shorter):
        return True
    if any(vowel in shorter[1:] for vowel in "aeiou"):
        return False
    rest = iter(longer)
    return all(letter in rest for letter in shorter)


def _is_acronym(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    shorter, longer = sorted((ours, theirs), key=len)
    return len(shorter) == 1 < 3 <= len(longer) and shorter[0] == "".join(word[0] for word in longer)
