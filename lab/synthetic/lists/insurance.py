"""Patients with the number of an insurance that is each person's own, or one for a family."""

from __future__ import annotations

from random import Random
from typing import Literal

from lab.synthetic.lists.listing import SyntheticList

Insured = Literal["person", "family"]
"""Who has one number."""
_SURNAME = 5
"""Letters of a surname, which with a postcode stand for a family."""
_FILLED = 0.8


def with_insurance(made: SyntheticList, insured: Insured, seed: int) -> SyntheticList:
    """The held-back list of patients with other numbers, which four of five records have."""
    random = Random(seed)
    families: dict[str, tuple[str, str]] = {}
    numbers: dict[str | tuple[str, str], str] = {}
    records = []
    for entity, record in zip(made.entities, made.records, strict=True):
        family = families.setdefault(entity, (record["surname"].casefold()[:_SURNAME], record["zip"]))
        holder = entity if insured == "person" else family
        number = numbers.setdefault(holder, str(random.randrange(10**8, 10**9)))
        records.append({**record, "insurance": number if random.random() < _FILLED else ""})
    return SyntheticList(made.kind, tuple(records), made.entities)
