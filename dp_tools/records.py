"""Records, their attributes, and what stands for a missing value: what every room speaks of."""

from __future__ import annotations

import re
from collections.abc import Mapping

Record = Mapping[str, str | None]
"""Values by attribute, as found; None where there is none."""

NO_VALUE = ("", "?")
"""Texts, without the blanks around them, that are no value in any column."""
MISSING_MARKS = frozenset({"n/a", "n.a.", "na", "nan", "null", "-", "--", "---", "#n/a", '""', "''"})
"""What people write for no value and is hardly a word, in small letters."""
MISSING_WORDS = frozenset(
    {"none", "nil", "unknown", "unk", "missing", "undefined", "not available", "not applicable", "tbd"}
)
"""Words for no value that may be an answer, too, in small letters."""

_SPACES = re.compile(r"\s+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def is_missing(value: str | None) -> bool:
    """Whether a value counts as no value: null, empty, blank or "?"."""
    return value is None or value.strip() in NO_VALUE


def may_be_missing(value: str) -> bool:
    """Whether a text is one that people write where they have no value; whether it is one here, its column tells (see
    `dp_tools.profiling.placeholders`)."""
    text = value.strip().casefold()
    return text in MISSING_MARKS or text in MISSING_WORDS


def clean_name(name: str) -> str:
    """An attribute's name as people and the model read it: "Beer_Name" is "beer name"."""
    return _SPACES.sub(" ", one_line(name.replace("_", " "))).strip().lower() or "unnamed"


def one_line(text: str) -> str:
    """The text with a space for every control character and line break, character for character."""
    return _UNPRINTABLE.sub(" ", text)
