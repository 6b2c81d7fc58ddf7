"""Asking about few items of many keeps its promise, asks nothing twice, and asks all where it must."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp_tools.tables.cascade.cascade import Answers, answer
from dp_tools.tables.cascade.guarantee import AuditBound
from dp_tools.tables.cascade.promise import Promise


class Table:
    """Items of two features, and a model that answers by them with some noise."""

    def __init__(self, size: int, share: float, noise: float, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.features = random.normal(size=(size, 2)).astype(np.float32)
        log_odds = self.features.sum(axis=1) * 4 + random.normal(size=size) * noise
        log_odds -= np.quantile(log_odds, 1 - share)
        self.probability = 1 / (1 + np.exp(-log_odds))
        self.yes = self.probability >= 0.5
        self.asked: list[int] = []

    def ask(self, items: np.ndarray) -> Answers:
        self.asked += items.tolist()
        return Answers(self.probability[items], self.yes[items])


def test_few_items_are_asked_where_the_surrogate_can_tell_and_none_twice() -> None:
    table = Table(6000, 0.2, 0.2)
    found = answer(table.features, table.features[:, 0], table.ask, Promise())
    assert len(table.asked) == len(set(table.asked)) == found.audit.asked < 1800
    given = found.yes
    assert (given & table.yes).sum() / table.yes.sum() >= 0.95
    assert (given & table.yes).sum() / given.sum() >= 0.95
    assert (found.probability[found.asked] == table.probability[found.asked]).all()
    assert found.certainty[~found.asked].min() < 1
    assert found.alike[~found.asked].max() > 50


def test_everything_is_asked_where_nothing_can_be_learned() -> None:
    table = Table(600, 0.1, 0.2)
    table.yes = np.random.default_rng(1).random(600) < 0.1
    found = answer(table.features, table.features[:, 0], table.ask, Promise(recall=0.99))
    assert len(table.asked) > 500
    assert (found.yes & table.yes).sum() / table.yes.sum() >= 0.99


def test_every_yes_is_asked_for_where_precision_is_to_be_full() -> None:
    table = Table(4000, 0.1, 1.0)
    found = answer(table.features, table.features[:, 0], table.ask, Promise(precision=1.0))
    assert len(table.asked) < 3000
    assert found.asked[found.yes].all()
    assert table.yes[found.yes].all()
    assert found.yes.sum() >= 0.95 * table.yes.sum()


def test_items_that_matter_are_asked_in_any_case() -> None:
    table = Table(3000, 0.2, 0.2)
    found = answer(table.features, table.features[:, 0], table.ask, Promise(), first=np.arange(0, 3000, 50))
    assert found.asked[::50].all()
    assert len(table.asked) == len(set(table.asked))


def test_a_feature_that_is_known_of_no_item_is_no_hindrance() -> None:
    table = Table(2000, 0.2, 0.2)
    features = np.column_stack([table.features, np.full(2000, np.nan)])
    assert answer(features, table.features[:, 0], table.ask, Promise()).audit.asked < 2000


def test_the_same_items_and_seed_give_the_same_questions() -> None:
    first, second = Table(2000, 0.3, 1.0), Table(2000, 0.3, 1.0)
    for table in (first, second):
        answer(table.features, table.features[:, 1], table.ask, Promise(), seed=3)
    assert first.asked == second.asked


@settings(max_examples=30)
@given(size=st.integers(50, 400), share=st.floats(0, 0.4), expected=st.floats(0, 30), seed=st.integers(0, 2**20))
def test_a_bound_is_never_below_what_is_known_to_be_wrong_and_ends_at_the_truth(
    size: int, share: float, expected: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    wrong = random.random(size) < share
    bound = AuditBound(size, 0.05, expected, allowed=5)
    for one in random.permutation(wrong).tolist():
        bound.draw(one)
    assert bound.found == wrong.sum()
    assert bound.upper() == bound.remaining == 0


@pytest.mark.parametrize(("wrong", "expected"), [(0, 3.0), (10, 3.0), (60, 3.0), (60, 60.0), (200, 1.0)])
def test_a_bound_is_too_low_at_any_look_in_no_more_runs_than_allowed(wrong: int, expected: float) -> None:
    size, runs, delta, missed = 1000, 150, 0.1, 0
    for seed in range(runs):
        random = np.random.default_rng(seed)
        labels = np.arange(size) < wrong
        bound = AuditBound(size, delta, expected, allowed=20)
        for number, one in enumerate(random.permutation(labels)[:400].tolist(), start=1):
            bound.draw(one)
            if number % 20 == 0 and bound.upper() < wrong - bound.found:
                missed += 1
                break
    assert missed / runs <= delta + 0.03
