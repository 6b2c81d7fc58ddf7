"""Facts about many cells at once are the facts that each cell has by itself, as numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dp_tools.profiling import RecordFacts
from dp_tools.profiling.cell_features import CellFeatures, NotedCell, cell_features

TOWNS = [
    {"zip": zip_, "city": city, "age": str(age)}
    for zip_, city in (("35233", "birmingham"), ("99611", "kenai"))
    for age in range(20, 32)
]


def features(*changes: dict[str, str | None], attribute: str) -> CellFeatures:
    """Of a cell in each of some records, put into a table of towns."""
    records: list[dict[str, str | None]] = [*({**town} for town in TOWNS), *({**TOWNS[0], **one} for one in changes)]
    facts = RecordFacts(records)
    cells = records[len(TOWNS) :]
    return cell_features([NotedCell(attribute, cell[attribute], facts.about(cell, attribute)) for cell in cells])


def test_a_misspelt_city_has_a_frequent_neighbour_and_rows_with_its_zip_that_hold_another_one():
    found = features({"city": "birminxham"}, {}, attribute="city")
    assert found.column("near")[0] > found.column("near")[1] == 0
    assert found.column("contradiction")[0] > 2
    assert found.column("contradiction")[1] == 0
    assert sorted(found.column("group 1 agree")) == [-1, 1]
    assert found.column("agreement")[1] == pytest.approx(12 / 13, abs=0.01)
    assert found.column("seen").tolist() == pytest.approx([math.log(2), math.log(14)])


def test_a_number_says_how_far_it_lies_outside_its_column():
    near, far, usual = features({"age": "80"}, {"age": "99999"}, {"age": "25"}, attribute="age").column("beyond")
    assert 0 == usual < near < far


def test_a_missing_value_says_how_full_its_column_is_and_nothing_of_its_frequency():
    found = features({"city": None}, attribute="city")
    assert found.column("filled")[0] == pytest.approx(24 / 25)
    assert np.isnan(found.column("seen")[0])
    assert np.isnan(found.column("shape")[0])


def test_letters_and_words_that_no_other_cell_holds_are_strange():
    names = ["Anna Berg", "Hanna Berg", "Anna Bergman", "Johanna Berg", "Nan Gdn Wvdwl"]
    found = cell_features([NotedCell("name", name, ()) for name in names])
    assert found.column("usual runs").argmin() == found.column("strange runs").argmax() == 4
    assert found.column("strange words").tolist() == [0, 0.5, 0.5, 0.5, 1]
    assert found.column("least usual word")[0] > 0


def test_each_column_is_told_from_the_others():
    found = cell_features([NotedCell("city", "kenai", ()), NotedCell("zip", "1", ())])
    assert found.column("in city").tolist() == [1, 0]
    assert found.column("in zip").tolist() == [0, 1]
    assert found.column("is number").tolist() == [0, 1]
