"""Titles that state different amounts of the same measure are different things."""

from __future__ import annotations

import pytest

from dp_tools.profiling import PairFacts
from dp_tools.profiling.measures import measures_agree

SEEN = [
    ("Shower gel 250 ml", "shower gel 500ml", -1),
    ("Shower gel 250 ml", "shower gel 0,25 L", 1),
    ("Instant coffee 100 g", "COFFEE 0.1kg jar", 1),
    ("Batteries AA 4 pack", "AA x8", -1),
    ("Batteries AA 8 pack", "AA x8", 1),
    ("Highlighter, box of 10", "Highlighter (10 pcs)", 1),
    ("Drill, 2x batteries", "Drill with battery", 0),
    ("Phone 5G 128GB", "phone 5G, 256 GB", -1),
    ("Phone 5G 128GB", "phone (4G) 128 GB", 1),
    ("Powder 2.6kg, 40 washes", "Powder 2.6 kg (38 wash)", -1),
    ("Tablet 10.5 inch 64 GB", 'tablet 64GB 10.5"', 1),
    ("Screen 1920x1080", "Screen 24 in", 0),
    ("Bolt 8 mm", "Bolt steel", 0),
]


@pytest.mark.parametrize(("left", "right", "agreed"), SEEN)
def test_two_texts_state_the_same_measures_or_others_whichever_comes_first(left: str, right: str, agreed: int) -> None:
    assert measures_agree([left], [right]) == measures_agree([right], [left]) == agreed


def test_another_measure_speaks_against_a_pair_and_a_shared_code_outweighs_it() -> None:
    facts = PairFacts()
    assert facts.evidence({"title": "Coffee 100 g"}, {"name": "Coffee 200 g", "price": None}) == -1
    assert facts.evidence({"title": "Coffee 100 g"}, {"name": "Coffee 100g"}) == 0
    assert facts.evidence({"title": "Drill DHP484Z 18V"}, {"name": "Drill DHP484Z 20 V"}) == 0
