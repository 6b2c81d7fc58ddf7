"""The serializer: the published convention, and data that stays data."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dp_tools.prompts.serializer import RECORD_BUDGET, VALUE_BUDGET, quote, serialize
from dp_tools.records import clean_name, is_missing

RECORDS = st.dictionaries(st.text(min_size=1, max_size=30), st.none() | st.text(max_size=900), max_size=30)


def test_a_record_reads_as_names_with_quoted_values():
    record = {"Beer_Name": "Wild Night", "ABV": "5.9%", "ibu": None}
    assert serialize(record).text == 'beer name: "Wild Night", abv: "5.9%", ibu: "nan"'


def test_null_empty_blank_and_question_mark_all_read_nan():
    assert {quote(value) for value in (None, "", "   ", "?")} == {'"nan"'}
    assert all(is_missing(value) for value in (None, "", " ", "?"))
    assert not is_missing("0")


def test_leading_zeros_and_spaces_inside_a_value_are_kept():
    assert quote("007  x") == '"007  x"'


@given(RECORDS)
def test_a_record_is_one_line_and_always_the_same(record):
    text = serialize(record).text
    assert len(text.splitlines()) <= 1
    assert serialize(dict(record)).text == text


@given(st.text(max_size=600))
def test_a_value_cannot_end_its_own_quotes(value):
    quoted = quote(value)
    assert quoted[0] == quoted[-1] == '"'
    assert '"' not in quoted[1:-1]
    assert len(quoted) <= VALUE_BUDGET + 2


@given(RECORDS)
def test_a_record_stays_within_its_budget_and_names_what_was_cut(record):
    serialized = serialize(record)
    names = sum(len(clean_name(name)) + 6 for name in record)
    assert len(serialized.text) <= RECORD_BUDGET + names + 8 * len(record)
    assert set(serialized.truncated) <= set(record)


def test_a_long_value_is_cut_and_marked():
    serialized = serialize({"note": "x" * 2_000_000, "id": "7"})
    assert serialized.truncated == ("note",)
    assert "…" in serialized.text
    assert 'id: "7"' in serialized.text


def test_only_the_asked_attributes_are_shown_in_the_records_own_order():
    assert serialize({"a": "1", "b": "2", "c": "3"}, attributes=["c", "a"]).text == 'a: "1", c: "3"'


def test_a_name_without_anything_readable_is_called_unnamed():
    assert clean_name("\x00\x1f_") == "unnamed"
