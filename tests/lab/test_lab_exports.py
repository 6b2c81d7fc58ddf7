"""The synthetic pairs of exports: the same for a seed, with a mapping that is true, and written in two ways."""

from __future__ import annotations

import pytest

from lab.synthetic.exports import DOMAINS, make_everyday, make_held_back


@pytest.mark.parametrize("make", [make_everyday, make_held_back])
@pytest.mark.parametrize("domain", DOMAINS)
def test_a_pair_of_exports_is_repeatable_and_maps_columns_that_exist_one_to_one(make, domain):
    for seed in (1, 2):
        pair = make(domain, seed, things=12)
        assert pair == make(domain, seed, things=12)
        assert set(pair.mapping) < set(pair.left.columns)
        assert set(pair.mapping.values()) < set(pair.right.columns)
        assert len(set(pair.mapping.values())) == len(pair.mapping) >= 8
        for export in (pair.left, pair.right):
            assert len(set(export.columns)) == len(export.columns)
            assert {len(row) for row in export.rows} == {len(export.columns)}


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_two_sides_come_from_two_systems(domain):
    pair = make_held_back(domain, 3, things=12)
    assert pair.left.system != pair.right.system
