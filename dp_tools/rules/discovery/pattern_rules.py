"""Rules about value patterns: the check and the sentence that describes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

PLAIN = re.compile(r"[\w .%/&+-]{1,24}")
_MARKED = re.compile(r"\[(0-9|a-z|A-Z)\](?:\{(\d+)(?:,\d)?\}|(\+))?|\\(.)| \+", re.DOTALL)


def matching(patterns: Iterable[str]) -> dict[str, Any]:
    """The check that a value matches one of these patterns, or is missing."""
    return {"type": ["string", "null"], "pattern": f"^({'|'.join(sorted(patterns))})$"}


def likeness(name: str, patterns: Sequence[str]) -> str:
    """Describes patterns by invented values if they are short: a rule must not repeat values of the column."""
    made = [_MARKED.sub(_invented, pattern) for pattern in patterns]
    if len(made) <= 3 and all(PLAIN.fullmatch(value) for value in made):
        return f"{name} is written like {' or '.join(made)}."
    return f"{name} is written in {'its usual form' if len(made) == 1 else f'one of {len(made)} usual forms'}."


def _invented(found: re.Match[str]) -> str:
    kind, times = found.group(1), int(found.group(2) or (2 if found.group(3) else 1))
    if found.group(4):
        return found.group(4)
    return {"0-9": "1234567890", "a-z": "ab", "A-Z": "AB"}[kind][: min(times, 10)] if kind else " "
