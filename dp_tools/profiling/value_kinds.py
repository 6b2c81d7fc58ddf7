"""Kinds of values that code can recognise by how they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence

KINDS: tuple[tuple[str, str], ...] = (
    ("integer", r"^[-+]?\d{1,3}(,\d{3})+$|^[-+]?\d+$"),
    ("number", r"^[-+]?(\d{1,3}(,\d{3})+|\d+)?\.?\d+([eE][-+]?\d+)?$"),
    ("percentage", r"^[-+]?\d+([.,]\d+)?\s*%$"),
    ("amount", r"^[$€£¥]\s?[-+]?\d[\d,.]*$|^[-+]?\d[\d,.]*\s?[$€£¥]$"),
    ("truth value", r"(?i)^(true|false|yes|no|y|n|t|f)$"),
    ("date and time", r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*$"),
    ("date", r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}$|^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}$|^\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*$"),
    ("time", r"^\d{1,2}:\d{2}(:\d{2})?\s?([aApP]\.?[mM]\.?)?$"),
    ("duration", r"^P(\d+[YMWD])*(T(\d+[HM])*(\d+(\.\d+)?S)?)?$"),
    ("e-mail address", r"^[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}$"),
    ("web address", r"(?i)^(https?:|www\.|//)\S+$"),
    ("telephone number", r"^\+?[\d(][\d\s()/.-]{6,}\d$"),
)
"""Each kind with the pattern that its values fit, a narrower kind before a wider one; for `re` and for polars alike."""

_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in KINDS)
_READ = 400


def commonest_kind(values: Sequence[str]) -> tuple[str, int]:
    """The kind that most values are of, and how many are; ("", 0) where none is of any.

    A value that begins or ends with blanks is of no kind; of a value 400 characters are read.
    """
    counts = [(kind, sum(bool(pattern.match(value[:_READ])) for value in values)) for kind, pattern in _PATTERNS]
    kind, count = max(counts, key=lambda pair: pair[1])
    return (kind, count) if count else ("", 0)
