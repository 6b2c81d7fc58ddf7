"""Categories, flags and free text."""

from __future__ import annotations

from rapidfuzz import fuzz

from dp_tools.profiling.comparisons.comparison import Comparison
from dp_tools.profiling.comparisons.folding import is_slip, words

_ALIKE = 90
_SHARING = 60


def compare_labels(left: str, right: str) -> Comparison:
    """How two values of a closed set compare."""
    one, two = " ".join(words(left)), " ".join(words(right))
    if one == two:
        return Comparison("exact" if left == right else "normalised", "same", one)
    if (len(one) == 1 and two.startswith(one)) or (len(two) == 1 and one.startswith(two)):
        return Comparison("near", "initial")
    if is_slip(one, two):
        return Comparison("near", "near spelling")
    return Comparison("contradicting", "other")


def compare_texts(left: str, right: str) -> Comparison:
    """How two texts compare, by their words in any order."""
    one, two = " ".join(words(left)), " ".join(words(right))
    if one == two:
        return Comparison("exact" if left == right else "normalised", "same")
    alike = fuzz.token_sort_ratio(one, two)
    if alike >= _ALIKE:
        return Comparison("near", "nearly the same words")
    if fuzz.token_set_ratio(one, two) >= _ALIKE or alike >= _SHARING:
        return Comparison("partial", "some of the words")
    return Comparison("contradicting", "other words")
