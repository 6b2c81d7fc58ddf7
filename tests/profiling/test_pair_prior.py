"""How likely a pair is to be a match before any model was asked."""

from __future__ import annotations

import numpy as np
import polars as pl

from dp_tools.profiling import PairFacts
from dp_tools.profiling.pair_features import pair_features
from dp_tools.profiling.pair_prior import prior_log_odds

LEFT = [
    ("sony dsc-w120 digital camera black", "149.00"),
    ("canon powershot sd1100is silver", "199.99"),
    ("nikon coolpix s550 graphite", "179.95"),
    ("", None),
]
RIGHT = [
    ("Sony Cyber-shot DSCW120 camera, black", "149.00"),
    ("canon powershot sd1100 is", None),
    ("panasonic lumix dmc-fz18", "329.00"),
    (None, None),
]


def frame(rows: list[tuple[str | None, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, {"title": pl.String, "price": pl.String}, orient="row")


def log_odds(pairs: list[tuple[int, int]]) -> list[float]:
    left, right = frame(LEFT), frame(RIGHT)
    facts = PairFacts([*left.iter_rows(named=True), *right.iter_rows(named=True)])
    return prior_log_odds(pair_features(facts, left, right, np.array(pairs).reshape(-1, 2))).tolist()


def test_pairs_that_share_codes_and_words_come_before_pairs_that_share_none() -> None:
    same, other = log_odds([(0, 0), (0, 2)])
    assert same > other


def test_equal_records_are_likely_and_records_with_nothing_in_common_are_not() -> None:
    every = [*LEFT, *RIGHT]
    table = frame(every)
    facts = PairFacts(list(table.iter_rows(named=True)))
    equal, apart = prior_log_odds(pair_features(facts, table, table, np.array([[1, 1], [1, 6]])))
    assert equal > 0 > apart


def test_records_without_values_have_a_finite_prior() -> None:
    assert np.isfinite(log_odds([(3, 3), (3, 0), (1, 3)])).all()


def test_no_pairs_have_no_prior() -> None:
    assert log_odds([]) == []


def test_tables_that_share_no_attribute_have_a_prior_from_their_words() -> None:
    left, right = frame(LEFT), frame(RIGHT).rename({"title": "name", "price": "cost"})
    facts = PairFacts([*left.iter_rows(named=True), *right.iter_rows(named=True)])
    same, other = prior_log_odds(pair_features(facts, left, right, np.array([[0, 0], [0, 2]])))
    assert same > other
