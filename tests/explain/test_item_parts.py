"""Taking parts away, reordering and picking items: without a model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dp_tools.errors import InvalidRequest
from dp_tools.explain.counted_facts import case_facts
from dp_tools.explain.explanation import Contribution, Explanation
from dp_tools.explain.item_parts import PairParts, parts_of, single
from dp_tools.explain.plots import curves, picture, reliability
from dp_tools.tasks import TASKS
from dp_tools.tasks.match_entities import MatchEntitiesRequest, RecordPair
from dp_tools.tasks.request_errors import read_request
from dp_tools.tasks.task import Case, Outcome, Request

RECORDS = st.dictionaries(
    st.sampled_from(["title", "price", "maker", "year"]), st.none() | st.text(max_size=8), min_size=1
)
TWO = {"city": "boston", "zip": "02115"}, {"city": "rome", "zip": "00118"}
BATCHES: list[tuple[str, dict[str, Any]]] = [
    ("detect_errors", {"records": TWO}),
    ("detect_errors", {"records": TWO, "attributes": ["zip"], "context": [TWO[0]]}),
    ("impute", {"records": TWO, "attribute": "city"}),
    ("match_entities", {"pairs": [{"left": a, "right": b} for a in TWO for b in TWO]}),
    ("match_schemas", {"left": [{"name": "a"}, {"name": "b"}], "right": [{"name": "c"}, {"name": "d"}]}),
    (
        "match_schemas",
        {"left": [{"name": "a"}, {"name": "b"}], "right": [{"name": "c"}, {"name": "d"}], "pairs": [[1, 0]]},
    ),
    ("annotate_columns", {"columns": [{"values": ["1"]}, {"values": ["2", "x"]}], "types": ["year", "city"]}),
    ("extract_values", {"texts": ["one two", "three"], "attributes": [{"name": "a"}, {"name": "b"}]}),
    ("follow_instruction", {"records": TWO, "instruction": "Is it a city?"}),
]


def pair(left: dict[str, str | None], right: dict[str, str | None]) -> MatchEntitiesRequest:
    return MatchEntitiesRequest(pairs=[RecordPair(left=left, right=right)])


def case_of(request: Request) -> Case:
    (case,) = TASKS["match_entities"].cases(request)
    return case


@pytest.mark.parametrize(("task", "fields"), BATCHES)
def test_an_item_by_itself_makes_the_case_that_it_makes_in_its_batch(task: str, fields: dict[str, Any]) -> None:
    request = read_request(TASKS[task], fields)
    facts = TASKS[task].facts(request)
    cases = TASKS[task].cases(request, facts)
    for item, case in enumerate(cases):
        assert TASKS[task].cases(single(request, item), facts) == [case]
    for outside in (-1, len(cases)):
        with pytest.raises(InvalidRequest, match=f"no item {outside}"):
            single(request, outside)


@pytest.mark.parametrize(("task", "fields"), BATCHES)
def test_every_part_can_be_taken_away_and_all_of_them_too(task: str, fields: dict[str, Any]) -> None:
    request = read_request(TASKS[task], fields)
    item_parts = parts_of(single(request, 0))
    assert item_parts.parts
    asked = TASKS[task].cases(item_parts.request)
    for gone in ([part] for part in item_parts.parts):
        assert TASKS[task].cases(item_parts.without(gone)) != asked
        assert parts_of(item_parts.without(gone)).parts == [
            part for part in item_parts.parts if part not in gone
        ] or task in ("extract_values",)
    assert len(TASKS[task].cases(item_parts.without(item_parts.parts))) == 1
    assert TASKS[task].cases(item_parts.only(item_parts.parts)) == asked


def test_nothing_that_was_taken_away_is_still_told_by_a_fact() -> None:
    request = read_request(
        TASKS["detect_errors"],
        {"records": [{"city": "bostxn", "zip": "02115"}], "context": [*TWO] * 8, "attributes": ["city"]},
    )
    facts = TASKS["detect_errors"].facts(request)
    item_parts = parts_of(single(request, 0))
    (asked,) = TASKS["detect_errors"].cases(item_parts.request, facts)
    assert any(fact.startswith("by zip") for fact in asked.prompt.evidence)
    (masked,) = TASKS["detect_errors"].cases(item_parts.without(["zip"]), facts)
    assert not any("zip" in fact for fact in masked.prompt.evidence)
    (blank,) = TASKS["detect_errors"].cases(item_parts.without(["city"]), facts)
    assert (blank.prompt.value, blank.subject["value"]) == ('"nan"', None)
    assert not any(fact.startswith("near") for fact in blank.prompt.evidence)


def test_facts_of_a_pair_are_those_of_what_is_left() -> None:
    item_parts = PairParts(pair({"title": "canon 2005", "price": "5"}, {"title": "nikon 2007", "price": "5"}))
    assert case_of(item_parts.without(["title"])).prompt.evidence == ("price 100", "words 100/100", "same 5")


@given(left=RECORDS, right=RECORDS, seed=st.randoms())
def test_the_orders_of_a_pair_do_not_depend_on_the_order_found(
    left: dict[str, str | None], right: dict[str, str | None], seed: Any
) -> None:
    def prompts(one: dict[str, str | None], other: dict[str, str | None]) -> set[str]:
        return {repr(case_of(request).prompt) for request in PairParts(pair(one, other)).orders}

    shuffled = [dict(seed.sample(list(side.items()), len(side))) for side in (left, right)]
    assert prompts(left, right) == prompts(shuffled[1], shuffled[0])


@given(left=RECORDS, right=RECORDS)
def test_a_copied_value_makes_the_sides_agree_there_and_nowhere_else(
    left: dict[str, str | None], right: dict[str, str | None]
) -> None:
    for name, copied in PairParts(pair(left, right)).copies().items():
        (changed,) = copied.pairs
        assert changed.left == left
        assert changed.right == {**right, name: left[name]}
        assert right[name] != left[name]


@given(left=RECORDS, right=RECORDS)
def test_facts_name_every_shared_attribute_once(left: dict[str, str | None], right: dict[str, str | None]) -> None:
    facts = case_facts(case_of(pair(left, right)), Outcome("model", "no", 0.9))
    named = [fact.text for fact in facts if fact.kind in ("equal", "different", "missing")]
    for name in left:
        assert sum(name in text for text in named) == (name in right)


EXPLANATION = Explanation(
    item=0,
    text="",
    answer="yes",
    decided_by="model",
    probability=0.93,
    confidence_band="very likely",
    decided=[
        Contribution(kind="attribute", name="city", change=0.6, answer="no", flips=True),
        Contribution(kind="rule", name="a-rule", change=-0.04, answer="yes", flips=False, statement="A rule."),
    ],
)


@pytest.mark.parametrize(("task", "fields"), BATCHES)
def test_every_explanation_can_be_drawn_whatever_the_data_holds(task: str, fields: dict[str, Any]) -> None:
    pytest.importorskip("matplotlib", reason='needs the extra "plots"')
    request = read_request(TASKS[task], fields)
    odd = EXPLANATION.model_copy(update={"answer": "$x_{2}$ 漢字\n\x07" * 9})
    assert picture(request, odd, "png").startswith(b"\x89PNG")
    svg = picture(request, odd, "svg")
    assert b"<svg" in svg
    assert svg == picture(request, odd, "svg")


def test_what_has_no_answer_is_not_drawn() -> None:
    none = EXPLANATION.model_copy(update={"probability": None})
    with pytest.raises(InvalidRequest, match="no answer to draw"):
        picture(pair({"a": "1"}, {"a": "2"}), none)


def test_curves_and_reliability_are_drawn() -> None:
    pytest.importorskip("matplotlib", reason='needs the extra "plots"')
    assert b"<svg" in curves({"named": [0.0, 0.5], "random": [0.0, 0.1]}, "Deletion", "change")
    assert b"<svg" in reliability({"before": [(0.1, 0.2, 5), (0.9, 0.0, 0)]}, "Matching")
