"""How values are written: as shapes that people and the model read, and as parts of regular expressions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

from dp_tools.profiling.facts import SHOWN
from dp_tools.profiling.value_formats import named_days
from dp_tools.records import one_line

USUAL = 0.9
"""Share of a column's values that a format or vocabulary must cover to be one."""
RARE = 0.02
"""Share of the filled cells up to which a pattern is an exception rather than a second pattern."""
SEEN = 3
"""Times a value must stand in a column, or a determining value with one outcome, to count as known."""

_DIGITS = re.compile(r"[0-9]+")
_DIGIT_RUN = re.compile(r"\d+")
_LETTER_RUN = re.compile(r"[^\W\d_]+")
_DAY_PARTS = re.compile(r"[0-9]+|[^\W\d_]+|.")
_RUNS = re.compile(r"[0-9]+|[a-z]+|[A-Z]+|\s+")


def shape_of(value: str) -> str:
    """The shape of a value, of which at most 40 characters are read.

    A run of digits is 9; a run of letters is A, a, Aa or aA, for upper case, lower case, capitalised, mixed; the rest
    stays, line breaks and their like as spaces: "Fort Worth TX" is "Aa Aa A", "12.0 oz" is "9.9 a".
    """
    return _LETTER_RUN.sub(_letters_shape, _DIGIT_RUN.sub("9", one_line(value[:SHOWN])))


def _letters_shape(run: re.Match[str]) -> str:
    letters = run.group()
    if letters.islower():
        return "a"
    if letters.isupper():
        return "A"
    return "Aa" if letters[0].isupper() and letters[1:].islower() else "aA"


def usual_patterns(counts: Mapping[str, int], total: int) -> list[str]:
    """The most specific patterns that cover a column; empty if it has no usual pattern.

    A column of dates has one format if nine tenths of it have that format, even if another one recurs. In any other
    column, a recurring pattern counts as a second pattern.

    Args:
        counts: how often each value stands in the column, gaps apart.
        total: their sum.
    """
    if sum(count for value, count in counts.items() if _DIGITS.search(value)) < 0.5 * total:
        return []
    days = {value: count for value, count in counts.items() if named_days(value) is not None}
    if day_format := _day_format(days, total):
        others = {value: count for value, count in counts.items() if value not in days}
        return [day_format, *_repeated(_generalized(_loose, others), total)]
    for generalize, most in zip(GENERALIZATIONS.values(), (1, 5, 12), strict=True):
        patterns = _generalized(generalize, counts)
        usual = _repeated(patterns, total)
        if 0 < len(usual) <= most and sum(patterns[pattern] for pattern in usual) >= USUAL * total:
            return usual
    return []


def _generalized(generalize: Callable[[str], str], counts: Mapping[str, int]) -> Counter[str]:
    """How often each pattern occurs in a column."""
    patterns: Counter[str] = Counter()
    for value, count in counts.items():
        patterns[generalize(value)] += count
    return patterns


def _repeated(patterns: Mapping[str, int], total: int) -> list[str]:
    """The patterns that recur too often to be exceptions."""
    return [pattern for pattern, count in patterns.items() if count > max(SEEN, RARE * total)]


def _day_format(days: Mapping[str, int], total: int) -> str | None:
    """The date format that nine tenths of a column share, with exact numbers of digits if they share those, too."""
    padded = _generalized(_day, days)
    for patterns in (padded, _generalized(_unpadded, padded)):
        pattern, count = max(patterns.items(), key=lambda pair: pair[1], default=("", 0))
        if count >= USUAL * total:
            return pattern
    return None


def _day(value: str) -> str:
    """Digits by number, a month's name by its case, all else as it stands."""

    def part(found: re.Match[str]) -> str:
        text = found.group()
        if text.isalpha() and len(text) >= 3:
            return "[a-z]{3,9}" if text.islower() else "[A-Z]{3,9}" if text.isupper() else "[A-Z][a-z]{2,8}"
        return "(st|nd|rd|th)" if text in ("st", "nd", "rd", "th") else _exact(text)

    return _DAY_PARTS.sub(part, value)


def _unpadded(pattern: str) -> str:
    """The pattern of a date with one or two digits in place of one or two."""
    return re.sub(r"\{[12]\}", "{1,2}", pattern)


def _exact(value: str) -> str:
    """Digits by number, all else as it stands."""
    return _DIGITS.sub(lambda run: f"[0-9]{{{len(run.group())}}}", _escaped(value))


def _loose(value: str) -> str:
    """Digits by run, all else as it stands."""
    return _DIGITS.sub("[0-9]+", _escaped(value))


def _letters(value: str) -> str:
    """Digits and letters by run, signs as they stand."""

    def run(found: re.Match[str]) -> str:
        text = found.group()
        return (
            "[0-9]+"
            if text[0].isdigit()
            else "[a-z]+"
            if text[0].islower()
            else "[A-Z]+"
            if text[0].isupper()
            else " +"
        )

    return "".join(
        run(part)
        if part.group()[0].isascii() and (part.group().isalnum() or part.group().isspace())
        else re.escape(part.group())
        for part in re.finditer(rf"{_RUNS.pattern}|.", value, re.DOTALL)
    )


GENERALIZATIONS: dict[str, Callable[[str], str]] = {"exact": _exact, "loose": _loose, "letters": _letters}
"""From a value to its pattern, a part of a regular expression; the most specific first."""


def _escaped(value: str) -> str:
    return re.sub(r"[^0-9A-Za-z ]", lambda sign: "\\" + sign.group() if sign.group().isascii() else sign.group(), value)
