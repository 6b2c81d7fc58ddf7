"""The everyday generator: lists for calibration, tests and training."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from lab.synthetic.lists.everyday.people import contacts, patients
from lab.synthetic.lists.everyday.pools import COUNTRIES, Country
from lab.synthetic.lists.everyday.things import companies, inventory, properties
from lab.synthetic.lists.listing import SyntheticList
from lab.synthetic.lists.proportions import EVERYDAY, Proportions

_MAKERS = {
    "contacts": contacts,
    "companies": companies,
    "patients": patients,
    "properties": properties,
    "inventory": inventory,
}


def make(
    kind: str, count: int, seed: int, shares: Proportions = EVERYDAY, countries: Sequence[Country] = COUNTRIES
) -> SyntheticList:
    """A list of `count` records.

    Args:
        kind: contacts, companies, patients, properties or inventory.
        count: records.
        seed: the same seed gives the same list.
        shares: how often what happens.
        countries: where names and addresses come from; of few names, many people share one.
    """
    return _MAKERS[kind](Random(f"everyday {kind} {seed}"), count, shares, countries)
