"""Evidence: facts that code computes, in the short fixed forms that the model has learned to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dp_tools.profiling import (
    PairFacts,
    RecordFacts,
    SchemaFacts,
    column_facts,
    contradiction_score,
    form_of,
    is_usual,
    overlap_score,
    rendered,
)
from dp_tools.profiling.cell_facts import beginning_of
from dp_tools.profiling.facts import (
    Beyond,
    Distinct,
    Filled,
    GroupMajority,
    RareWith,
    Seen,
    Shape,
    UsualIn,
)
from dp_tools.profiling.value_formats import readings
from dp_tools.records import Record

CITIES = [("birmingham", "35233"), ("dothan", "36301"), ("boaz", "35957")]
TABLE = [{"city": city, "zip": code, "score": str(90 + n % 7)} for n in range(8) for city, code in CITIES]
FACTS = RecordFacts(TABLE)


def facts_about(attribute: str, **changes: str | None) -> str:
    return "; ".join(rendered(FACTS.about({**TABLE[0], **changes}, attribute)))


def of_pair(left: dict[str, str | None], right: dict[str, str | None], table: Sequence[Record] = ()) -> tuple[str, ...]:
    return rendered(PairFacts(table).about(left, right))


def test_a_misspelling_is_near_a_frequent_value():
    assert 'near "birmingham" 8' in facts_about("city", city="birmingxam")


def test_another_amount_of_the_same_unit_is_no_misspelling():
    sizes = RecordFacts([{"size": size} for size in ["16 ounces"] * 20 + ["12 ounces", "16 ouncxs"]])
    assert not any(fact.startswith("near") for fact in rendered(sizes.about({"size": "12 ounces"}, "size")))
    assert 'near "16 ounces" 20' in rendered(sizes.about({"size": "16 ouncxs"}, "size"))


def test_rows_with_the_same_key_testify():
    assert 'by zip: "dothan" 8 of 8' in facts_about("city", zip="36301")
    assert "by zip: agree" in facts_about("city")


def test_a_value_of_another_shape_is_shown_beside_the_usual_one():
    assert "usual 9" in facts_about("zip", zip="AL 35233")


def test_a_line_break_in_a_value_never_breaks_the_line_of_facts():
    broken = RecordFacts([*TABLE, {**TABLE[0], "city": "bir\nming\x1cham"}])
    facts = rendered(broken.about({**TABLE[0], "city": "bir\nming\x1cham"}, "city"))
    assert "usual a" in "; ".join(facts)
    assert len(" ".join(facts).splitlines()) == 1


def test_a_number_far_outside_its_column_is_shown():
    assert "beyond" in facts_about("score", score="9000")


def test_a_missing_value_says_how_full_its_column_is():
    assert facts_about("city", city=None).startswith("filled 100%")


def test_other_rows_testify_for_a_gap():
    record = {"city": None, "zip": "35957", "score": "90"}
    assert "; ".join(rendered(FACTS.group_evidence(record, "city"))) == 'by zip: "boaz" 8 of 8'


FLIGHTS = [
    {"source": f"s{n}", "flight": f"AA-{flight}", "departure": f"{flight % 12 + 1}:{(flight * 7) % 60 + late:02d} p.m."}
    for flight in range(20)
    for n in range(10)
    for late in [(n + flight) % 10 // 7 * (n + 1)]  # three of ten sources are late, each in its own way
]


def test_a_key_that_many_rows_break_testifies_nevertheless():
    record = {**FLIGHTS[0], "departure": "1:44 p.m."}
    assert rendered(RecordFacts(FLIGHTS).about(record, "departure"))[-1] == 'by flight: "1:00 p.m." 7 of 10'


def test_attributes_that_merely_go_together_do_not_testify():
    rows = [{"state": f"S{n % 5}", "city": f"C{n % 5}-{n % 7 % 3}"} for n in range(210)]
    assert not [fact for fact in rendered(RecordFacts(rows).about(rows[0], "city")) if fact.startswith("by ")]


def otherwise(attribute: str, count: int, total: int) -> GroupMajority:
    return GroupMajority(attribute, "boston", count, total, agrees=False)


def test_rows_alike_speak_against_a_value_as_heavily_as_they_are_many_and_agreed():
    assert contradiction_score(FACTS.about(TABLE[0], "city")) == 0
    assert contradiction_score(FACTS.about({**TABLE[0], "city": None}, "city")) == 0
    assert contradiction_score([otherwise("zip", 8, 8)]) == pytest.approx(log(9))
    assert contradiction_score([otherwise("zip", 8, 8), otherwise("phone", 11, 15)]) == pytest.approx(
        log(9) + log(12 / 5)
    )
    assert contradiction_score([otherwise("zip", 3, 9)]) == 0
    assert contradiction_score([otherwise(f"key {n}", 99, 99) for n in range(3)]) == 6


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60), st.text(max_size=60))
def test_what_rows_alike_say_weighs_against_other_values_only(key, value, own):
    fact = GroupMajority.of(key, Counter({value: 8, f"{value}x": 1}), own)
    assert contradiction_score([fact]) == pytest.approx(0 if own == value else log(9 / 2))


PLACES = [("617", "boston"), ("312", "chicago"), ("415", "san francisco")]
PHONES = [{"phone": f"{code}-{200 + n}-{n}555", "city": city} for n in range(9) for code, city in PLACES]


@pytest.mark.parametrize(
    ("value", "facts", "usual"),
    [
        ("3007", (Seen(1, 90), Distinct(90, 90), Shape(90, 90)), True),
        ("AL", (Seen(97, 100), Distinct(2, 100), Shape(100, 100), GroupMajority("zip", "AL", 20, 21, True)), True),
        ("AL", (Seen(4, 200), Distinct(2, 100), Shape(100, 100)), False),
        ("AL", (Seen(10, 2000), Distinct(2, 100), Shape(100, 100)), False),
        ("3007", (Seen(1, 90), Distinct(90, 100), Shape(99, 100)), False),
        ("3007", (Seen(1, 90), Distinct(90, 100), Shape(4, 100, "9.9")), False),
        ("3007", (Seen(1, 90), Distinct(90, 90), Shape(90, 90), Beyond(0, 99)), False),
        ("3007", (Seen(1, 90), Distinct(90, 90), Shape(90, 90), otherwise("name", 2, 2)), False),
        ("3007", (Seen(1, 90), Distinct(90, 90), Shape(90, 90), UsualIn("zip")), False),
        ("AL", (Seen(97, 100), Distinct(2, 100), Shape(100, 100), RareWith("city", "Reno", 1, 90)), False),
        ("21 Jan 2010", (Seen(1, 90), Distinct(90, 100), Shape(90, 90)), True),
        ("21 Jxn 2010", (Seen(1, 90), Distinct(90, 100), Shape(90, 90)), False),
        (None, (Filled(98, 100),), False),
        ("3007", (), False),
    ],
)
def test_a_value_is_usual_where_its_whole_column_looks_like_it_and_nothing_speaks_against_it(value, facts, usual):
    assert is_usual(value, facts) is usual


def test_rows_whose_value_begins_alike_testify_for_a_gap_where_no_whole_value_does():
    facts = RecordFacts(PHONES)
    assert rendered(facts.group_evidence({"phone": "312-777-0000", "city": None}, "city")) == (
        'by phone "312-": "chicago" 9 of 9',
    )
    assert rendered(facts.group_evidence({"phone": "212-777-0000", "city": None}, "city")) == ()
    assert rendered(facts.group_evidence({"phone": None, "city": None}, "city")) == ()


def test_whole_values_testify_before_beginnings_do():
    facts = RecordFacts([{**row, "key": row["city"][:3]} for row in PHONES])
    expected = rendered(facts.group_evidence({"phone": "312-777-0000", "city": None, "key": "bos"}, "city"))
    assert expected == ('by key: "boston" 9 of 9', 'by phone "312-": "chicago" 9 of 9')


def test_what_a_cell_is_judged_by_does_not_tell_of_beginnings():
    assert not any("phone" in fact for fact in rendered(RecordFacts(PHONES).about(PHONES[0], "city")))


@pytest.mark.parametrize(
    ("value", "beginning"),
    [
        ("617-868-5353", "617-"),
        ("Canon EOS 40D", "Canon"),
        (" Åland/Turku", "Åland/"),
        ("a_b", "a_"),
        ("Canon", "Canon"),
        ("(617) 868", ""),
        ("?", ""),
        (None, ""),
    ],
)
def test_a_value_begins_with_its_first_word_and_the_sign_behind_it(value, beginning):
    assert beginning_of(value) == beginning


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["PT23M", "PT5M", None], ("kind duration 100%", "usual A9A 100%", "words 1..1", "2 of 2 distinct")),
        (["1", "2.5", "x", "1"], ("kind number 75%", "numbers 1..2.5", "usual 9 50%", "words 1..1", "3 of 4 distinct")),
        (["2008-01-16", "2015-01-22T10:00"], ("kind date 100%", "usual 9-9-9 50%", "words 1..1", "2 of 2 distinct")),
        (["a fan", "Lamp", "RADIO"], ("words 1..2", "3 of 3 distinct")),
        (["1e999"], ("kind number 100%", "usual 9a9 100%", "words 1..1", "1 of 1 distinct")),
        ([None, " ", "?"], ()),
    ],
)
def test_a_column_is_told_by_what_its_values_look_like(values, expected):
    assert rendered(column_facts(values)) == expected


@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=20))
def test_facts_of_a_column_never_break_their_line(values):
    assert len("; ".join(rendered(column_facts(values))).splitlines()) <= 1


def test_a_handful_of_records_says_nothing_about_its_columns():
    few = RecordFacts(TABLE[:5])
    assert rendered(few.about(TABLE[0], "city")) == ()


def test_equal_and_different_tokens_of_a_pair_are_listed():
    facts = of_pair({"title": "Canon EOS 2000D 24 MP"}, {"title": "Canon EOS 4000D 24 MP"})
    assert "same 24" in facts
    assert "a only 2000d" in facts
    assert "b only 4000d" in facts


def test_one_number_written_in_two_ways_is_one_number():
    assert "same 2005" in of_pair({"year": "2005.0"}, {"year": "2005"})


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1986-09-24", "9/24/1986"),
        ("24.9.1986", "September 24, 1986"),
        ("24-Sep-86", "1986/9/24"),
        ("2/3/2019", "2019-03-02"),
        ("(473) 527-6924", "+1 473 527 6924"),
        ("01797857638", "+44 1797 857638"),
        ("$1,200", "1200.00"),
        ("http://www.acme.com/", "acme.com"),
    ],
)
def test_what_is_written_in_two_notations_is_as_alike_as_if_it_were_written_in_one(left, right):
    facts = of_pair({"value": left}, {"value": right})
    assert facts[0] == "value 100"
    assert facts[1] == "words 100/100"


@pytest.mark.parametrize(
    ("left", "right"), [("1986-09-24", "9/25/1986"), ("473-527-6924", "(473) 527-6925"), ("3", "4")]
)
def test_what_says_something_else_is_not_alike_in_any_notation(left, right):
    assert of_pair({"value": left}, {"value": right})[0] != "value 100"


@given(st.dates(min_value=date(1941, 1, 1), max_value=date(2040, 12, 31)))
def test_a_day_is_the_same_day_in_every_notation(day):
    notations = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d.%m.%Y", "%d %b %Y", "%B %d, %Y", "%d-%b-%y")
    assert all(day.isoformat() in readings(day.strftime(form)) for form in notations)


def test_a_code_is_the_same_with_and_without_its_hyphens_and_strokes():
    facts = "; ".join(of_pair({"name": "camera", "number": "DSC-W55/B"}, {"title": "camera dscw55b"}))
    assert "same dsc-w55/b" in facts
    assert "only" not in facts


@pytest.mark.parametrize(
    ("left", "right", "score"),
    [
        ("Sony DSC-W55 camera", "camera dscw55", 1),
        ("Sony DSC-W55 camera", "Sony DSC-W56 camera", -1),
        ("Sony DSC-W55 camera", "Sony DSC-W55B camera", 0),
        ("Sony DSC-W55 camera", "Sony camera", 0),
        ("television 1080p 50 inch", "television 720p 40 inch", 0),
        ("workshop 4th-6th grade", "workshop 4th-6th grade 2", 0),
        ("ISBN 9780131103627", "9780131103627", 1),
        ("Windows 2003", "Windows 2000", 0),
    ],
)
def test_codes_of_a_pair_speak_for_a_match_or_against_it(left, right, score):
    assert PairFacts().codes({"title": left}, {"name": right}) == score


def test_what_many_records_have_is_no_code():
    records = [{"name": f"memory {n} PC3-10600"} for n in range(20)]
    assert PairFacts(records[:3]).codes(records[0], records[1]) == 1
    assert PairFacts(records).codes(records[0], records[1]) == 0


def test_the_words_of_a_pair_speak_for_a_match_as_far_as_the_shorter_side_is_found_on_the_other():
    facts = PairFacts().about({"title": "alpha beta"}, {"title": "alpha beta gamma delta"})
    assert overlap_score(facts) == 0.5
    assert overlap_score(PairFacts().about({"title": "alpha beta"}, {"title": "alpha gamma delta"})) == 0
    assert overlap_score(PairFacts().about({"title": "alpha"}, {"name": "beta gamma"})) == -0.5
    assert overlap_score(()) == 0


def test_a_price_on_both_sides_is_told_by_its_similarity_alone():
    assert of_pair({"price": "19.99"}, {"price": "7.50"}) == ("price 38",)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("29.99", "29.36", "price 98"),
        ("$ 1,299.00", "1299.0", "price 100"),
        ("499.99", "500.00", "price 99"),
        ("0.00", "0.0", "price 100"),
        ("-1.5", "1.5", "price 0"),
        ("5.40 %", "5.4", "price 100"),
        ("2001", "2002", "price 75"),
    ],
)
def test_numbers_with_a_decimal_point_are_alike_as_far_as_they_are_near(left, right, expected):
    assert of_pair({"price": left}, {"price": right})[0] == expected


def test_what_the_other_side_does_not_fill_is_no_difference():
    facts = rendered(
        PairFacts().about({"title": "world book", "maker": "topics"}, {"title": "world book", "maker": None})
    )
    assert facts == ("title 100", "words 100/100")
    assert "a only topics" in rendered(
        PairFacts().about({"title": "world book", "maker": "topics"}, {"name": "world book"})
    )


def test_a_rare_word_weighs_more_than_a_common_one():
    table = [{"title": f"software {n} edition"} for n in range(40)] + [{"title": "zork 3"}, {"title": "myst 3"}]
    left, right = {"title": "zork 3 software"}, {"title": "myst 3 software edition"}
    assert of_pair(left, right) == (
        "title 53",
        "words 40/67",
        "same 3",
        "a only zork",
        "b only myst edition",
    )
    assert of_pair(left, right, table)[1:] == (
        "words 29/48",
        "same 3",
        "a only zork",
        "b only myst edition",
    )
    assert of_pair(left, {"title": "zork 3 edition"}, table)[1] == "words 82/90"


def test_a_few_records_do_not_tell_which_words_are_rare():
    pair = {"title": "zork 3 software"}, {"title": "myst 3 software"}
    assert rendered(PairFacts([{"title": "software"}] * 50).about(*pair)) == of_pair(*pair)


def test_few_words_of_one_side_are_listed_those_with_digits_first_and_short_ones_not_at_all():
    facts = of_pair({"title": "office of the future pro suite 2007 in x64"}, {"title": "paint"})
    assert "a only 2007 x64 office" in facts


def test_a_missing_side_is_no_evidence():
    assert not any(fact.startswith("price") for fact in of_pair({"price": None}, {"price": "4.99"}))


def test_the_words_that_two_attributes_share_are_listed_however_their_names_are_joined():
    facts = rendered(
        SchemaFacts().about(
            {"name": "visit_startDate", "description": "when the visits of a person began"},
            {"name": "encounters-start", "description": "the date of the visit"},
        )
    )
    assert "same visit start date" in facts
    assert "b only encounter" in facts
    assert not any(fact.startswith("a only") for fact in facts)


def test_what_is_not_documented_of_an_attribute_is_no_evidence():
    facts = rendered(SchemaFacts().about({"name": "zip"}, {"name": "zip", "description": "code"}))
    assert facts == ("name 100", "words 50/100", "same zip")


def test_a_rare_word_of_an_attribute_weighs_more_than_a_common_one():
    words = ("name", "age", *(2 * letter for letter in "bcdefghjklmp"))
    attributes = [{"name": f"person_{word}", "description": "of a person"} for word in words]
    expected = rendered(SchemaFacts(attributes).about({"name": "person_name"}, {"name": "name_of_person"}))
    assert expected == ("name 100", "words 100/100", "same name person")
    common, rare = ({"name": f"patient_{word}"} for word in ("person", "name"))
    assert rendered(SchemaFacts(attributes).about({"name": "person_name"}, common))[1] == "words 11/20"
    assert rendered(SchemaFacts(attributes).about({"name": "person_name"}, rare))[1] == "words 44/80"


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


@settings(max_examples=60)
@given(st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS, "c": CELLS}), min_size=1, max_size=30))
def test_any_table_gives_short_facts_on_one_line_and_the_same_every_time(records):
    for record in records[:3]:
        for attribute in record:
            facts = rendered(RecordFacts(records).about(record, attribute))
            assert facts == rendered(RecordFacts(records).about(record, attribute))
            assert len("; ".join(facts)) < 400
            assert len(" ".join(facts).splitlines()) <= 1


@given(st.text(max_size=600))
def test_any_value_has_a_short_form_on_one_line(value):
    assert len(form_of(value)) < 80
    assert len(form_of(value).splitlines()) <= 1


@given(st.text(min_size=1, max_size=600), st.text(min_size=1, max_size=600), CELLS, CELLS)
def test_any_attributes_give_short_facts_on_one_line(left, right, ours, theirs):
    facts = rendered(SchemaFacts().about({"name": left, "description": ours}, {"name": right, "description": theirs}))
    assert len("; ".join(facts)) < 400
    assert len(" ".join(facts).splitlines()) <= 1


@given(st.fixed_dictionaries({"a": CELLS, "b": CELLS}), st.fixed_dictionaries({"a": CELLS, "c": CELLS}))
def test_any_pair_gives_short_facts_on_one_line(left, right):
    facts = PairFacts().about(left, right)
    assert len("; ".join(rendered(facts))) < 600
    assert len(" ".join(rendered(facts)).splitlines()) <= 1
    assert PairFacts().codes(left, right) == PairFacts().codes(right, left)
    assert overlap_score(facts) == overlap_score(PairFacts().about(right, left))
