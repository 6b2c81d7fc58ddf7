"""Given names: which are one name in short, in another language or in another spelling."""

from __future__ import annotations

from functools import lru_cache

from nicknames import NickNamer

from dp_tools.profiling.comparisons.folding import words
from dp_tools.profiling.vocabulary import entries


def _forms() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, (_, (line,)) in enumerate(entries("given_names")):
        for name in words(line):
            found.setdefault(name, set()).add(number)
    return {name: frozenset(lines) for name, lines in found.items()}


_LINES = _forms()
_ENGLISH = NickNamer()


@lru_cache(maxsize=2**16)
def are_one_given_name(one: str, two: str) -> bool:
    """Whether two different names (see `words`) may be forms of one: Tom and Thomas, Joe and Józef, Bill and Will."""
    if _LINES.get(one, frozenset()) & _LINES.get(two, frozenset()):
        return True
    ours, theirs = _ENGLISH.canonicals_of(one), _ENGLISH.canonicals_of(two)
    return one in theirs or two in ours or bool(ours & theirs)


@lru_cache(maxsize=2**16)
def is_given_name(word: str) -> bool:
    """Whether a word (see `words`) is known as a given name."""
    return word in _LINES or bool(_ENGLISH.nicknames_of(word)) or bool(_ENGLISH.canonicals_of(word))


_ENDINGS = ("a", "o", "e", "u", "us", "in", "ine", "ina", "ette", "ia", "i", "y")


@lru_cache(maxsize=2**16)
def are_two_given_names(one: str, two: str) -> bool:
    """Whether two names that are spelled alike are still two: Alexandra and Alexandru, Paul and Paula, Mario and Maria.

    Both are known and neither is a form of the other, or they differ in an ending that tells men from women.
    """
    if are_one_given_name(one, two):
        return False
    if is_given_name(one) and is_given_name(two):
        return True
    shorter, longer = sorted((one, two), key=len)
    stem = shorter.rstrip("aeou")
    return len(stem) > 2 and longer.startswith(stem) and longer[len(stem) :] in _ENDINGS
