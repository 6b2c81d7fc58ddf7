"""The instance serializer: a record as one line of text, always the same line for the same record.

Names are lower case with spaces for underscores, values in double quotes, and null, empty and "?" all read "nan"
(the published convention, Jellyfish, EMNLP 2024). A value cannot end its own quotes or its own line, so data cannot
pass for the prompt around it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dp_tools.records import Record, clean_name, is_missing, one_line

MISSING = "nan"
VALUE_BUDGET = 400
"""Characters of one value that reach the model; a longer one is cut there and ends in "…"."""
RECORD_BUDGET = 2400
"""Characters of one serialized record. When it is longer, its longest values are cut first."""


@dataclass(frozen=True, slots=True)
class Serialized:
    """A record as text, and the names of the attributes whose value had to be cut."""

    text: str
    truncated: tuple[str, ...]


def quote(value: str | None, budget: int = VALUE_BUDGET) -> str:
    """A value in double quotes, on one line, cut at `budget` characters; a missing one is "nan" in quotes."""
    return f'"{_text(value, budget)}"'


def serialize(record: Record, *, attributes: Iterable[str] | None = None) -> Serialized:
    """The record as `name: "value", name: "value"`, attributes in the record's own order.

    Args:
        record: values by attribute, as found.
        attributes: the attributes to show (default: all), still in the record's order.
    """
    shown = set(record if attributes is None else attributes)
    values = {name: value for name, value in record.items() if name in shown}
    budget = _value_budget(values)
    truncated = tuple(name for name, value in values.items() if value is not None and len(_flat(value)) > budget)
    return Serialized(
        ", ".join(f"{clean_name(name)}: {quote(value, budget)}" for name, value in values.items()), truncated
    )


def _value_budget(values: Record) -> int:
    """The largest budget per value, in characters, at which the whole record fits its own."""
    lengths = sorted(min(len(value or ""), VALUE_BUDGET) for value in values.values())
    room = RECORD_BUDGET
    for index, length in enumerate(lengths):
        share = room // (len(lengths) - index)
        if length > share:
            return max(share, 8)
        room -= length
    return VALUE_BUDGET


def _text(value: str | None, budget: int) -> str:
    if is_missing(value):
        return MISSING
    assert value is not None
    text = _flat(value)
    return text if len(text) <= budget else text[: budget - 1] + "…"


def _flat(value: str) -> str:
    """One line without double quotes: a quote becomes two single ones, a line break or control character a space."""
    return one_line(value).replace('"', "''").strip()
