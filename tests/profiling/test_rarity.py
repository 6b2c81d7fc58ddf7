"""How rare matches are among the candidates of a list is told by their scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dp_tools.profiling.identity.rarity import rarity


def scores(matches: int, others: int, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.r_[random.normal(5, 2, matches), random.normal(-6, 2, others)]


def test_nothing_is_taken_off_where_matches_are_as_common_as_usual():
    assert rarity(scores(200, 1_800)) == 0
    assert rarity(scores(1_000, 1_000)) == 0


def test_more_is_taken_off_the_rarer_matches_are():
    found = [rarity(scores(count, 20_000)) for count in (1_000, 200, 50, 0)]
    assert found == sorted(found, reverse=True)
    assert found[0] > -0.5
    assert found[2] < -1


def test_few_candidates_say_little():
    assert rarity(np.empty(0)) == 0
    assert -0.5 < rarity(scores(0, 10)) <= 0


@given(st.lists(st.floats(-50, 50), max_size=60), st.randoms())
def test_the_order_of_candidates_plays_no_part(found: list[float], random):
    shuffled = list(found)
    random.shuffle(shuffled)
    assert rarity(np.array(shuffled)) == pytest.approx(rarity(np.array(found)))
    assert -3 <= rarity(np.array(found)) <= 0
