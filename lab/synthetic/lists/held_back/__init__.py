"""The held-back generator: lists that only measure. Nothing is fitted on them."""

from __future__ import annotations

from random import Random

from lab.synthetic.lists.held_back import makers
from lab.synthetic.lists.listing import SyntheticList
from lab.synthetic.lists.proportions import HELD_BACK, Proportions

_MAKERS = {
    "contacts": makers.contacts,
    "companies": makers.companies,
    "patients": makers.patients,
    "properties": makers.properties,
    "inventory": makers.inventory,
}


def make(kind: str, count: int, seed: int, shares: Proportions = HELD_BACK) -> SyntheticList:
    """A list of `count` records.

    Args:
        kind: contacts, companies, patients, properties or inventory.
        count: records.
        seed: the same seed gives the same list.
        shares: how often what happens.
    """
    random = Random(f"held back {kind} {seed}")
    written = _MAKERS[kind](random, count, shares)[:count]
    keys = random.sample(range(16**7, 16**8), count)
    return SyntheticList.shuffled(random, kind, written, lambda place: {"uid": f"{keys[place]:08x}"})
