"""Countries by code and by name, in English and in the languages of their neighbours."""

from __future__ import annotations

from functools import lru_cache

from dp_tools.profiling.comparisons.folding import folded
from dp_tools.profiling.vocabulary import entries


def _codes() -> dict[str, str]:
    found: dict[str, str] = {}
    for code, names in entries("countries"):
        found |= dict.fromkeys((code.lower(), *names), code)
    return found


_CODES = _codes()


@lru_cache(maxsize=4096)
def country_code(value: str) -> str | None:
    """The code of a country (ISO 3166, two letters) that a value names, or None."""
    return _CODES.get(folded(value))
