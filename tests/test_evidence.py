"""Evidence: facts that code computes, in the short fixed forms that the model has learned to read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp_tools.evidence import RecordFacts, form_of, pair_facts, schema_facts

CITIES = [("birmingham", "35233"), ("dothan", "36301"), ("boaz", "35957")]
TABLE = [{"city": city, "zip": code, "score": str(90 + n % 7)} for n in range(8) for city, code in CITIES]
FACTS = RecordFacts(TABLE)


def facts_about(attribute: str, **changes: str | None) -> str:
    return "; ".join(FACTS.about({**TABLE[0], **changes}, attribute))


def test_a_misspelling_is_near_a_frequent_value():
    assert 'near "birmingham" 8' in facts_about("city", city="birmingxam")


def test_rows_with_the_same_key_testify():
    assert 'by zip: "dothan" 8 of 8' in facts_about("city", zip="36301")
    assert "by zip: agree" in facts_about("city")


def test_a_value_of_another_shape_is_shown_beside_the_usual_one():
    assert "usual 9" in facts_about("zip", zip="AL 35233")


def test_a_line_break_in_a_value_never_breaks_the_line_of_facts():
    broken = RecordFacts([*TABLE, {**TABLE[0], "city": "bir\nming\x1cham"}])
    facts = broken.about({**TABLE[0], "city": "bir\nming\x1cham"}, "city")
    assert "usual a" in "; ".join(facts)
    assert len(" ".join(facts).splitlines()) == 1


def test_a_number_far_outside_its_column_is_shown():
    assert "beyond" in facts_about("score", score="9000")


def test_a_missing_value_says_how_full_its_column_is():
    assert facts_about("city", city=None).startswith("filled 100%")


def test_other_rows_testify_for_a_gap():
    record = {"city": None, "zip": "35957", "score": "90"}
    assert "; ".join(FACTS.testimony(record, "city")) == 'by zip: "boaz" 8 of 8'


def test_a_handful_of_records_says_nothing_about_its_columns():
    few = RecordFacts(TABLE[:5])
    assert few.about(TABLE[0], "city") == ()


def test_equal_and_different_tokens_of_a_pair_are_listed():
    facts = pair_facts({"title": "Canon EOS 2000D 24 MP"}, {"title": "Canon EOS 4000D 24 MP"})
    assert "same 24" in facts
    assert "a only 2000d" in facts
    assert "b only 4000d" in facts


def test_one_number_written_in_two_ways_is_one_number():
    assert "same 2005" in pair_facts({"year": "2005.0"}, {"year": "2005"})


def test_a_price_on_both_sides_is_told_by_its_similarity_alone():
    assert pair_facts({"price": "19.99"}, {"price": "7.50"}) == ("price 22",)
    assert pair_facts({"price": "19.99"}, {"price": None}) == ("a only 19.99",)


def test_few_words_of_one_side_are_listed_those_with_digits_first_and_short_ones_not_at_all():
    facts = pair_facts({"title": "office of the future pro suite 2007 in x64"}, {"title": "paint"})
    assert "a only 2007 x64 office" in facts


def test_a_missing_side_is_no_evidence():
    assert not any(fact.startswith("price") for fact in pair_facts({"price": None}, {"price": "4.99"}))


def test_the_words_that_two_attributes_share_are_listed_however_their_names_are_joined():
    facts = schema_facts(
        {"name": "visit_startDate", "description": "when the visits of a person began"},
        {"name": "encounters-start", "description": "the date of the visit"},
    )
    assert "same visit start date" in facts
    assert "b only encounter" in facts
    assert not any(fact.startswith("a only") for fact in facts)


def test_what_is_not_documented_of_an_attribute_is_no_evidence():
    assert [fact.split()[0] for fact in schema_facts({"name": "zip"}, {"name": "zip", "description": "code"})] == [
        "name",
        "same",
    ]


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("Fort Worth 7%", "both letters, 1 digit, 3 words, length 13, sign %"),
        (" 36301 ", "no letters, 5 digits, length 5"),
        ("AMI-1", "capital letters, 1 digit, length 5, sign -"),
        ("", ""),
        (None, ""),
    ],
)
def test_the_form_of_a_value_says_its_letters_digits_words_length_and_signs(value, form):
    assert form_of(value) == form


CELLS = st.none() | st.text(max_size=20) | st.sampled_from(["", "?", "nan", "1e999", "-inf", "x" * 50_000])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS, "c": CELLS}), min_size=1, max_size=30))
def test_any_table_gives_short_facts_on_one_line_and_the_same_every_time(records):
    for record in records[:3]:
        for attribute in record:
            facts = RecordFacts(records).about(record, attribute)
            assert facts == RecordFacts(records).about(record, attribute)
            assert len("; ".join(facts)) < 400
            assert len(" ".join(facts).splitlines()) <= 1


@given(st.text(max_size=600))
def test_any_value_has_a_short_form_on_one_line(value):
    assert len(form_of(value)) < 80
    assert len(form_of(value).splitlines()) <= 1


@given(st.text(min_size=1, max_size=600), st.text(min_size=1, max_size=600), CELLS, CELLS)
@settings(deadline=None)
def test_any_attributes_give_short_facts_on_one_line(left, right, ours, theirs):
    facts = schema_facts({"name": left, "description": ours}, {"name": right, "description": theirs})
    assert len("; ".join(facts)) < 400
    assert len(" ".join(facts).splitlines()) <= 1


@given(st.fixed_dictionaries({"a": CELLS, "b": CELLS}), st.fixed_dictionaries({"a": CELLS, "c": CELLS}))
@settings(deadline=None)
def test_any_pair_gives_short_facts_on_one_line(left, right):
    facts = pair_facts(left, right)
    assert len("; ".join(facts)) < 600
    assert len(" ".join(facts).splitlines()) <= 1
