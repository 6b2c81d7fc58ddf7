"""The public face: what a person types in a script or a notebook, and what comes back."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from dp_tools.errors import InvalidRequest
from dp_tools.frames import changed, texts_of
from dp_tools.tasks.detect_errors import CellVerdict, DetectErrorsAnswer
from dp_tools.tasks.extract_values import ExtractedValue, ExtractValuesAnswer
from dp_tools.tasks.impute import ImputeAnswer, ImputedValue

CELLS = DetectErrorsAnswer(
    model="tiny",
    cells=[
        CellVerdict(record=0, attribute="city", value="P0rto", error=True, confidence=0.9, rules=["letters@1"]),
        CellVerdict(record=1, attribute="city", value="<b>", error=False, confidence=0.7),
        CellVerdict(record=2, attribute="city", value=None, error=None),
    ],
)


def test_an_answer_has_a_length_and_is_walked_through_and_indexed_by_item():
    assert len(CELLS) == 3
    assert [cell.value for cell in CELLS] == ["P0rto", "<b>", None]
    assert CELLS[0].error is True
    assert [cell.record for cell in CELLS[1:]] == [1, 2]


def test_an_answer_is_shown_in_one_short_line_and_in_a_notebook_as_a_table():
    assert repr(CELLS) == str(CELLS) == "<DetectErrorsAnswer: 3 cells, 1 errors, 1 without an answer (model tiny)>"
    shown = CELLS._repr_html_()
    assert "<th>attribute</th>" in shown
    assert "<td>P0rto</td>" in shown
    assert "<td>&lt;b&gt;</td>" in shown


def test_an_answer_becomes_a_frame_of_typed_columns():
    frame = CELLS.to_polars()
    assert frame.columns[:4] == ["record", "attribute", "value", "error"]
    assert frame.schema["error"] == pl.Boolean
    assert frame.schema["confidence"] == pl.Float64
    assert frame["rules"].to_list() == ["letters@1", None, None]
    assert CELLS.to_pandas()["error"].tolist() == [True, False, pd.NA]
    assert CELLS.to_dicts()[0]["rules"] == ["letters@1"]


def test_an_answer_without_items_becomes_a_frame_with_all_columns():
    frame = DetectErrorsAnswer(cells=[]).to_polars()
    assert (frame.height, frame.columns) == (0, CELLS.to_polars().columns)


def test_alternatives_are_text_in_a_frame_and_a_span_is_a_start_and_an_end():
    values = ImputeAnswer(values=[ImputedValue(value="Porto", alternatives=[("Lyon", 0.25)], confidence=0.7)])
    assert values.to_polars()["alternatives"].to_list() == ["Lyon (0.25)"]
    found = ExtractValuesAnswer(values=[ExtractedValue(text=0, attribute="size", value="5 l", span=(3, 6))])
    assert found.to_polars().select("span_start", "span_end").row(0) == (3, 6)


def test_a_frame_shows_its_values_as_its_library_writes_them():
    frame = pl.DataFrame(
        {
            "code": ["007", None, ""],
            "count": [5, None, 7],
            "price": [1.5, float("nan"), 2.0],
            "open": [True, None, False],
            "day": [datetime.date(2024, 1, 5)] * 3,
        }
    )
    texts = {
        "code": ["007", None, ""],
        "count": ["5", None, "7"],
        "price": ["1.5", None, "2.0"],
        "open": ["true", None, "false"],
        "day": ["2024-01-05"] * 3,
    }
    assert texts_of(frame) == texts
    assert texts_of(frame.to_arrow()) == texts


def test_a_gap_does_not_turn_the_whole_numbers_of_a_pandas_column_into_fractions():
    frame = pd.DataFrame(
        {
            "gap": [5, None, 7],
            "nullable": pd.array([5, None, 7], dtype="Int64"),
            "fractions": [5.0, 6.0, 7.0],
            "mixed": [1.5, None, 2.0],
            "narrow": np.array([0.1, 0.2, 0.3], dtype="float32"),
            "day": pd.to_datetime(["2024-01-05", None, "2024-02-01"]),
            "kind": pd.Categorical(["a", None, "b"]),
            "any": ["007", 1, None],
        }
    )
    assert texts_of(frame) == {
        "gap": ["5", None, "7"],
        "nullable": ["5", None, "7"],
        "fractions": ["5.0", "6.0", "7.0"],
        "mixed": ["1.5", None, "2.0"],
        "narrow": ["0.1", "0.2", "0.3"],
        "day": ["2024-01-05", None, "2024-02-01"],
        "kind": ["a", None, "b"],
        "any": ["007", "1", None],
    }


def test_a_changed_column_keeps_its_type_where_the_new_values_are_of_it():
    before = pl.DataFrame({"count": [5, None], "open": [True, False], "day": [datetime.date(2024, 1, 5)] * 2})
    after = changed(before, {"count": {1: "6"}, "open": {0: "perhaps"}, "day": {0: "2024-02-02"}})
    assert after.schema == {"count": pl.Int64, "open": pl.String, "day": pl.Date}
    assert after.row(0) == (5, "perhaps", datetime.date(2024, 2, 2))
    assert before.row(0) == (5, True, datetime.date(2024, 1, 5))
    assert changed(before.to_arrow(), {"count": {1: "6"}})["count"].to_pylist() == [5, 6]


def test_a_changed_pandas_frame_keeps_its_index_and_the_types_that_fit():
    before = pd.DataFrame({"count": [5, None], "kind": pd.Categorical(["a", "b"])}, index=["x", "y"])
    after = changed(before, {"count": {1: "6"}, "kind": {0: "c"}})
    assert after.index.tolist() == ["x", "y"]
    assert after["count"].tolist() == [5.0, 6.0]
    assert after["kind"].tolist() == ["c", "b"]
    assert before["kind"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.LazyFrame({"city": ["Porto"]}), "give frame.collect()"),
        (pl.DataFrame(), "has no columns"),
        (pd.DataFrame([["Porto"]]), "named 0"),
        (pd.DataFrame([["Porto", "Lyon"]], columns=["city", "city"]), "distinct names"),
        (pl.DataFrame({"cities": [["Porto"]]}), "not plain values"),
        (pd.DataFrame({"city": [b"Porto"]}), "not plain values"),
    ],
)
def test_a_frame_that_is_no_table_of_plain_values_is_refused_in_one_sentence(frame, said):
    with pytest.raises(InvalidRequest) as refusal:
        texts_of(frame)
    assert said in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
