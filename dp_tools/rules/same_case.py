"""Decides whether two cases are the same, ignoring spelling, case, blanks and missing values."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from dp_tools.records import is_missing
from dp_tools.rules.injection import Subject
from dp_tools.rules.scope import key


def case_key(case: Subject) -> str:
    """A digest that identical cases share. The two sides of a pair may stand in either order."""
    plain = _plain(case)
    if isinstance(plain, dict) and {"left", "right"} <= plain.keys():
        plain["left"], plain["right"] = sorted((plain["left"], plain["right"]), key=_canonical)
    return hashlib.sha256(_canonical(plain).encode()).hexdigest()


def _canonical(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {key(str(name)): _plain(item) for name, item in value.items()}
        pair = {"left", "right"} <= kept.keys()
        return {name: item for name, item in kept.items() if pair or item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or is_missing(str(value)):
        return None
    return " ".join(unicodedata.normalize("NFKC", str(value)).casefold().split())
