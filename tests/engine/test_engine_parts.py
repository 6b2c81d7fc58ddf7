"""Computations in parts, in this process."""

from __future__ import annotations

import gc

import pytest

from dp_tools.engine.parts import Here


def test_the_collector_rests_while_a_part_is_made_and_works_between_parts() -> None:
    seen = []
    for resting in Here()(lambda _shared, _part: not gc.isenabled(), None, [1, 2]):
        seen.append((resting, gc.isenabled()))
    assert seen == [(True, True), (True, True)]


def test_the_collector_works_again_after_a_part_that_failed() -> None:
    with pytest.raises(ZeroDivisionError):
        list(Here()(lambda shared, part: shared / part, 1, [0]))
    assert gc.isenabled()


def test_a_collector_that_somebody_turned_off_stays_off() -> None:
    gc.disable()
    try:
        assert list(Here()(lambda _shared, part: part, None, [1])) == [1]
        assert not gc.isenabled()
    finally:
        gc.enable()
