"""What choices and extractions are worth is fitted on many lists and texts, none of which a score is taken from."""

from __future__ import annotations

import numpy as np

from dp_tools.tasks.closed_set import Trials
from lab.extraction_calibration import Extracted, Extraction, by_hand, error, fit, for_the_score
from lab.gap_trust import fit_trust


def extractions(group: str, attribute: str, right: float, stated: bool) -> list[Extracted]:
    asked = Extraction(group, "Boots by Wilson, size 8", attribute, ("Wilson",))
    return [Extracted(asked, "Wilson" if stated else None, 0.95, n < 100 * right) for n in range(100)]


def test_a_choice_that_is_further_ahead_is_worth_more_and_one_is_worth_less_where_values_may_be_unknown():
    chance = np.random.default_rng(0)
    leads = chance.uniform(0, 4, (200, 3))
    tried = Trials(leads, chance.uniform(0, 4, 200) < leads[:, 0], chance.uniform(0, 2, (200, 3)))
    found = fit_trust([tried])
    assert found.margin > 0 > found.unknown


def test_extractions_are_believed_as_often_as_they_are_right():
    known = frozenset({"brand"})
    found = [
        *extractions("one", "Brand", 0.9, True),
        *extractions("one", "Sponsor", 0.6, True),
        *extractions("two", "Brand", 0.8, False),
        *extractions("two", "Sponsor", 0.4, False),
    ]
    lines = fit(found, known)
    before, after = (error([(one, given) for one in found], known) for given in ({}, lines))
    assert before > 0.25
    assert after < 0.1


def test_no_text_that_a_score_is_taken_from_is_fitted_on():
    assert not {one.text for one in by_hand()} & {one.text for one in for_the_score()}
    assert all(value in one.text for one in by_hand() for value in one.accepted)
