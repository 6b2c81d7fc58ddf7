"""Which value a misspelt one was meant to be, and whether it is misspelt at all.

Edits are those of optimal string alignment: a letter left out, added, or put for another, and two that changed places.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA, Levenshtein

from dp_tools.profiling.spelling import plain_letters

RESEMBLES = 0.75
"""Edit similarity (0 to 1) from which a value counts as resembling a known one."""
WORD_RESEMBLES = 0.65
"""The same for each of its words that no known value has."""

_SHORTEST_LOOKALIKE = 4
_SHORT = 6
"""Letters up to which one edit makes a misspelling; of longer texts it takes two."""
_WORD = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d+")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{3,}")
_VOWELS = frozenset("aeiouy")


def edits(length: int) -> int:
    """How many edits a misspelling of so many characters may take."""
    return 1 if length <= _SHORT else max(2, length // 8)


def nearest(value: str, choices: Sequence[str], shortest: int) -> str | None:
    """The choice that the fewest edits make of a value, if they are few enough for a misspelling.

    Args:
        value: None is near one that is shorter than `shortest`.
        choices: values that it may have been meant to be, the likeliest first.
        shortest: characters from which on a value may be a misspelling.
    """
    if len(value) < shortest:
        return None
    found = process.extractOne(value, choices, scorer=OSA.distance, score_cutoff=edits(len(value)))
    return None if found is None else str(found[0])


def clearly_nearest(value: str, choices: Sequence[str]) -> str | None:
    """The choice that is spelled most alike, where it is clearly nearer than the next one; case and accents apart."""
    if not any(character.isalpha() for character in value):
        return None
    ranked = process.extract(
        plain_letters(value),
        {choice: plain_letters(choice) for choice in choices},
        scorer=OSA.distance,
        score_cutoff=len(value) // 2,
        limit=2,
    )
    clear = len(ranked) == 1 or (ranked and ranked[1][1] - ranked[0][1] >= max(2, len(value) // 4))
    return str(ranked[0][2]) if clear else None


def differ_in_digits_alone(one: str, other: str) -> bool:
    """Whether two values are the same but for their digits: 12 oz is no misspelling of 16 oz."""
    return _DIGITS.sub("", one) == _DIGITS.sub("", other)


def could_be_misspelt(one: str, other: str) -> bool:
    """Whether one value could be the other misspelt."""
    reach = edits(min(len(one), len(other)))
    if abs(len(one) - len(other)) > reach or differ_in_digits_alone(one, other):
        return False
    return OSA.distance(one, other) <= reach


def words_are_alike(value: str, meant: str) -> bool:
    """Whether hardly more than a third of any word differs; two names of a kind share most of their words."""
    ours, theirs = value.split(), meant.split()
    if len(ours) != len(theirs):
        return OSA.distance(value, meant) <= max(1, len(meant) // 8)
    return all(differs_little(one, other) for one, other in zip(ours, theirs, strict=True))


def differs_little(one: str, other: str, least: int = 1) -> bool:
    """Whether at most a third of a word differs, or so many letters of a short one."""
    return OSA.distance(one, other) <= max(least, len(other) // 3)


def is_no_word(value: str, meant: str) -> bool:
    """Whether single letters were changed so that hardly a word or a name is left: a vowel for a consonant or the other
    way round, in what holds digits and so was no word before, or in several words that are no name."""
    ours, theirs = plain_letters(value), plain_letters(meant)
    if meant.islower() and " " in meant and len(ours) == len(theirs):
        return OSA.distance(ours, theirs) <= max(1, len(theirs) // 8)
    changed = [(one, other) for one, other in zip(ours, theirs, strict=False) if one != other]
    if len(ours) != len(theirs) or not changed or len(changed) > max(1, len(ours) // 5):
        return False
    if any(one.isdigit() or other.isdigit() for one, other in changed):
        return False
    return any(c.isdigit() for c in theirs) or any((one in _VOWELS) != (other in _VOWELS) for one, other in changed)


def consonant_runs(value: str) -> set[str]:
    """The runs of three consonants and more, which show what nobody can pronounce: "Berln"."""
    return set(_CONSONANTS.findall(plain_letters(value)))


class Spelling:
    """Tells a misspelling of known values from a new value.

    Args:
        known: the values that are spelled as they should be.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known: Collection[str] = dict.fromkeys(known).keys()
        self._words = {word for value in self._known for word in _WORD.findall(value)}

    def meant(self, value: str) -> str | None:
        """The known value of which this one is a misspelling, or None."""
        if value in self._known or len(value) < _SHORTEST_LOOKALIKE:
            return None
        strange = [word for word in _WORD.findall(value) if word not in self._words]
        if not strange:
            return None
        near = process.extractOne(value, self._known, scorer=Levenshtein.normalized_similarity, score_cutoff=RESEMBLES)
        return near[0] if near and all(_resembles_a_word(word, near[0]) for word in strange) else None


def _resembles_a_word(word: str, value: str) -> bool:
    return any(Levenshtein.normalized_similarity(word, other) >= WORD_RESEMBLES for other in _WORD.findall(value))
