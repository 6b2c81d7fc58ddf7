"""The learner of labelled pairs: what it says without labels, what a label moves, and what never matters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dp_tools.tables.match.pair_learner import Evidence, PairLearner, Scale, can_learn, held_back, logistic


def pairs(seed: int, count: int) -> tuple[Evidence, NDArray[np.bool_]]:
    """Pairs whose first feature tells what the log-odds do not; some features are not known."""
    chance = np.random.default_rng(seed)
    same = chance.random(count) < 0.4
    values = np.column_stack([same + chance.normal(0, 0.4, count), chance.normal(0, 3, count), np.full(count, 2.0)])
    values[chance.random(count) < 0.2, 1] = np.nan
    return Evidence(("telling", "noise", "constant"), values, chance.normal(0, 1, count)), same


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(8, 60))
def test_the_order_of_labels_does_not_matter_to_the_last_bit(seed: int, count: int) -> None:
    evidence, same = pairs(seed, count)
    order = np.random.default_rng(seed + 1).permutation(count)
    scale = Scale.of(evidence)
    one = PairLearner.fit(scale, evidence, same).probability(evidence)
    other = PairLearner.fit(scale, evidence.at(order), same[order]).probability(evidence)
    assert (one == other).all()
    assert (held_back(scale, evidence, same)[order] == held_back(scale, evidence.at(order), same[order])).all()


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_probabilities_are_finite_and_between_zero_and_one(seed: int) -> None:
    evidence, same = pairs(seed, 40)
    found = PairLearner.fit(Scale.of(evidence), evidence, same).probability(evidence)
    assert ((found >= 0) & (found <= 1)).all()


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_a_label_more_for_a_pair_moves_it_towards_that_label(seed: int) -> None:
    evidence, same = pairs(seed, 20)
    scale, mine = Scale.of(evidence), np.array([0])
    less = PairLearner.fit(scale, evidence.at(np.arange(1, 20)), same[1:]).weights
    more = PairLearner.fit(scale, evidence, same).weights
    line = np.r_[scale(evidence.at(mine))[0], evidence.odds[0], 1.0]
    assert (line @ more >= line @ less) == bool(same[0])


def test_without_labels_it_says_what_counting_says() -> None:
    evidence, _ = pairs(1, 50)
    learner = PairLearner.fit(Scale.of(evidence), evidence.at(np.zeros(50, bool)), np.zeros(0, bool))
    found = learner.probability(evidence)
    assert ((found > 0.5) == (evidence.odds > 0)).all()


def test_labels_teach_what_the_log_odds_do_not_know() -> None:
    evidence, same = pairs(3, 400)
    learner = PairLearner.fit(Scale.of(evidence), evidence.at(np.arange(40)), same[:40])
    right = ((learner.probability(evidence) > 0.5) == same)[40:].mean()
    before = ((logistic(evidence.odds) > 0.5) == same)[40:].mean()
    assert right > 0.75 > before


def test_a_feature_that_a_table_lacks_counts_as_not_known() -> None:
    evidence, same = pairs(4, 60)
    other = Evidence(("noise",), evidence.values[:, 1:2], evidence.odds)
    both = evidence.and_of(other)
    assert np.isnan(both.values[60:, 0]).all()
    learner = PairLearner.fit(Scale.of(evidence), both, np.r_[same, same])
    assert np.isfinite(learner.probability(other)).all()


@pytest.mark.parametrize(
    ("yes", "no", "enough"), [(4, 4, True), (2, 6, True), (1, 20, False), (20, 1, False), (3, 4, False)]
)
def test_a_few_labels_of_both_kinds_are_enough_to_learn_from(yes: int, no: int, enough: bool) -> None:
    assert can_learn(np.r_[np.ones(yes, bool), np.zeros(no, bool)]) == enough
