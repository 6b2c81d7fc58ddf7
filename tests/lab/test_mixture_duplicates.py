"""Pairs made from a clean table: what is one thing written twice, and what only looks like it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.mixture.duplicates import Table
from lab.mixture.sources import Record

MAKERS = ("Tarn", "Fell", "Beck", "Crag", "Moss")
THINGS = ("stove", "kettle", "lantern", "rucksack", "ground sheet", "water bottle", "head torch", "folding chair")
SHOP: list[Record] = [
    {"sku": f"{at:05}", "product": f"{maker} {thing} {size} litre", "maker": maker, "price": f"{9 + at}.50"}
    for at, (maker, thing, size) in enumerate((m, t, s) for m in MAKERS for t in THINGS for s in (2, 3, 5, 9))
]


@pytest.fixture(scope="module")
def shop() -> Table:
    table = Table.of(SHOP)
    assert table is not None
    return table


def test_texts_that_are_mostly_distinct_name_a_record(shop: Table) -> None:
    assert shop.names == ("product",)


def test_a_table_in_which_nothing_names_a_record_makes_no_pairs() -> None:
    assert Table.of([{"sex": "male", "age": str(age)} for age in range(60)]) is None


@given(st.integers())
def test_a_record_written_again_keeps_its_attributes_and_its_name(seed: int) -> None:
    table = Table.of(SHOP)
    assert table is not None
    random = Random(seed)
    record = random.choice(SHOP)
    written = table.again(random, record)
    assert list(written) == list(record)
    assert written["product"]
    number = next(word for word in (record["product"] or "").split() if word.isdigit())
    assert number in written["product"]


def test_three_of_ten_pairs_match_and_the_rest_differ_in_their_names(shop: Table) -> None:
    rows = list(shop.candidates(Random(4), 400))
    assert 0.2 < sum(row["label"] for row in rows) / len(rows) < 0.4
    same = [row for row in rows if row["left"]["product"] == row["right"]["product"]]
    assert same
    assert all(row["label"] for row in same)


def test_pairs_that_do_not_match_mostly_share_a_value(shop: Table) -> None:
    others = [row for row in shop.candidates(Random(4), 400) if not row["label"]]
    words = [[set((row[side]["product"] or "").lower().split()) for side in ("left", "right")] for row in others]
    assert sum(bool(left & right - {"litre"}) for left, right in words) > 0.7 * len(words)


def test_of_many_attributes_some_are_shown_the_name_always() -> None:
    wide = Table.of([{**record, **{f"note {n}": str(n) for n in range(20)}} for record in SHOP])
    assert wide is not None
    for row in wide.candidates(Random(4), 40):
        assert len(row["left"]) <= 8
        assert list(row["left"]) == list(row["right"])
        assert "product" in row["left"]
