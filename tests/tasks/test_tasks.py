"""The tasks without a model: which questions a request makes, and how outcomes read as an answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dp_tools.errors import InvalidRequest
from dp_tools.prompts.ask import Choice, FreeValue, YesNo
from dp_tools.tasks import TASKS
from dp_tools.tasks.annotate_columns import AnnotateColumnsRequest
from dp_tools.tasks.detect_errors import DetectErrorsRequest
from dp_tools.tasks.extract_values import ExtractValuesRequest
from dp_tools.tasks.follow_instruction import FollowInstructionRequest
from dp_tools.tasks.impute import ImputeRequest
from dp_tools.tasks.match_entities import MatchEntitiesRequest
from dp_tools.tasks.match_schemas import MatchSchemasRequest
from dp_tools.tasks.task import Outcome, Request
from dp_tools.tasks.verdicts import selected

RECORDS = [{"name": "dothan", "zip": "36301"}, {"name": "boaz", "zip": None}]
YES, NO, NOBODY = Outcome("model", "yes", 0.9), Outcome("model", "no", 0.8), Outcome("unanswered", failure="too long")

REQUESTS: dict[str, Request] = {
    "detect_errors": DetectErrorsRequest(records=RECORDS),
    "impute": ImputeRequest(records=RECORDS, attribute="zip"),
    "match_entities": MatchEntitiesRequest(pairs=[{"left": RECORDS[0], "right": {"title": "Dothan"}}]),
    "match_schemas": MatchSchemasRequest(left=[{"name": "zip"}, {"name": "city"}], right=[{"name": "postcode"}]),
    "annotate_columns": AnnotateColumnsRequest(columns=[{"values": ["36301", None]}], types=["zip", "city"]),
    "extract_values": ExtractValuesRequest(texts=["a red cup"], attributes=[{"name": "colour"}, {"name": "size"}]),
    "follow_instruction": FollowInstructionRequest(records=RECORDS, instruction="Is it in Alabama?"),
}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_answers_every_question_in_order_and_says_who_decided(name):
    task, request = TASKS[name], REQUESTS[name]
    cases = task.cases(request)
    outcomes = [Outcome("unanswered", failure=f"question {number}") for number in range(len(cases))]
    answer = task.read(request, outcomes)
    items = next(value for value in answer.__dict__.values() if isinstance(value, list) and value)
    assert [item.failure for item in items] == [outcome.failure for outcome in outcomes]
    assert all(item.decided_by == "unanswered" and item.confidence is None for item in items)


@pytest.mark.parametrize("name", TASKS)
def test_every_field_of_a_request_and_an_answer_is_described(name):
    def undescribed(schema, path):
        for field, node in schema.get("properties", {}).items():
            if "description" not in node:
                yield f"{path}.{field}"
        for inner, node in schema.get("$defs", {}).items():
            yield from undescribed(node, inner)

    task = TASKS[name]
    for model in (task.request, task.answer):
        assert list(undescribed(model.model_json_schema(), model.__name__)) == []


@pytest.mark.parametrize("name", TASKS)
def test_an_answer_survives_json(name):
    task, request = TASKS[name], REQUESTS[name]
    answer = task.read(request, [NOBODY] * len(task.cases(request)))
    assert task.answer.model_validate(json.loads(answer.model_dump_json())) == answer


def test_every_cell_is_judged_unless_attributes_are_named():
    assert len(TASKS["detect_errors"].cases(REQUESTS["detect_errors"])) == 4
    one = DetectErrorsRequest(records=RECORDS, attributes=["zip"])
    assert [case.attribute for case in TASKS["detect_errors"].cases(one)] == ["zip", "zip"]


def test_a_cell_may_be_asked_about_without_its_record():
    alone = DetectErrorsRequest(records=RECORDS, attributes=["zip"], show_record=False)
    assert all(case.prompt.blocks == () for case in TASKS["detect_errors"].cases(alone))


def test_context_gives_evidence_but_is_not_judged():
    context = [{"name": "dothan", "zip": "36301"}] * 8 + [{"name": "boaz", "zip": "35957"}] * 8
    cases = TASKS["detect_errors"].cases(DetectErrorsRequest(records=RECORDS, context=context))
    assert len(cases) == 4
    assert cases[0].prompt.evidence != ()


def test_the_value_under_the_attribute_to_impute_is_not_shown():
    for case in TASKS["impute"].cases(REQUESTS["impute"]):
        assert "36301" not in case.prompt.blocks[0].text
        assert "zip" not in case.subject["record"]


def test_the_context_of_a_gap_testifies():
    context = [{"name": city, "zip": code} for city, code in (("dothan", "36301"), ("boaz", "35957")) for _ in range(8)]
    request = ImputeRequest(records=RECORDS[1:], attribute="zip", context=context)
    assert TASKS["impute"].cases(request)[0].prompt.evidence == ('by name: "35957" 8 of 8',)


def test_allowed_values_close_the_answer():
    ask = TASKS["impute"].cases(ImputeRequest(records=RECORDS, attribute="zip", allowed=["1", "2", "1"]))[0].ask
    assert ask == FreeValue(allowed=("1", "2"), alternatives=3)


def test_an_extracted_value_can_only_be_copied_from_the_text():
    ask = TASKS["extract_values"].cases(REQUESTS["extract_values"])[0].ask
    assert ask == FreeValue(copy_from="a red cup", may_be_none=True)


@given(st.text(max_size=60), st.data())
def test_a_span_points_at_the_value_in_the_text_as_given(text, data):
    request = ExtractValuesRequest(texts=[f"x{text}"], attributes=[{"name": "colour"}])
    read = TASKS["extract_values"].cases(request)[0].ask.copy_from
    start = data.draw(st.integers(0, len(read) - 1))
    end = data.draw(st.integers(start + 1, len(read)))
    value = TASKS["extract_values"].read(request, [Outcome("model", read[start:end], 0.5)]).values[0]
    assert read[slice(*value.span)] == value.value
    assert len(read) == len(request.texts[0])


def test_the_assignment_is_one_to_one_and_takes_matches_only():
    left, right = ([{"name": name} for name in names] for names in (("zip", "city", "x"), ("postcode", "town")))
    request = MatchSchemasRequest(left=left, right=right)
    scores = [0.9, 0.2, 0.8, 0.7, 0.1, 0.1]
    outcomes = [Outcome("model", "yes" if score >= 0.5 else "no", max(score, 1 - score)) for score in scores]
    answer = TASKS["match_schemas"].read(request, outcomes)
    assert answer.assignment == [(0, 0), (1, 1)]
    assert [pair.score for pair in answer.pairs] == scores


def test_the_sides_of_a_pair_may_have_different_attributes():
    assert len(TASKS["match_entities"].cases(REQUESTS["match_entities"])) == 1


def test_the_shape_of_an_instruction_decides_how_it_is_asked():
    def ask(**fields):
        request = FollowInstructionRequest(records=RECORDS, instruction="Which?", **fields)
        return TASKS["follow_instruction"].cases(request)[0].ask

    assert ask() == YesNo()
    assert ask(shape="choice", choices=["a", "b"]) == Choice(("a", "b"))
    assert ask(shape="text") == FreeValue(may_be_none=False)


def test_a_verdict_reads_as_true_false_or_nothing():
    request = MatchEntitiesRequest(pairs=[{"left": RECORDS[0], "right": RECORDS[1]}] * 3)
    pairs = TASKS["match_entities"].read(request, [YES, NO, NOBODY]).pairs
    assert [(pair.match, pair.confidence, pair.failure) for pair in pairs] == [
        (True, 0.9, None),
        (False, 0.8, None),
        (None, None, "too long"),
    ]


@pytest.mark.parametrize(
    ("task", "fields", "message"),
    [
        ("detect_errors", {"records": []}, "There are no records"),
        ("detect_errors", {"records": [{}]}, "Record 1 has no attributes"),
        ("detect_errors", {"records": [{"a": "1"}, {"b": "2"}]}, "differ in the attribute"),
        ("detect_errors", {"records": RECORDS, "attributes": ["city"]}, "no attribute 'city'"),
        ("detect_errors", {"records": RECORDS, "attributes": []}, "no attributes to judge"),
        ("impute", {"records": RECORDS, "attribute": "zip", "allowed": []}, "There are no allowed values"),
        ("match_entities", {"pairs": []}, "There are no pairs"),
        ("match_entities", {"pairs": [{"left": {}, "right": {"a": "1"}}]}, "A side of pair 1 has no attributes"),
        ("match_schemas", {"left": [], "right": [{"name": "a"}]}, "no attributes on the left"),
        (
            "match_schemas",
            {"left": [{"name": "a"}], "right": [{"name": "b"}], "pairs": [(0, 3)]},
            "no attribute 3 on the right",
        ),
        ("annotate_columns", {"columns": [], "types": ["a", "b"]}, "There are no columns"),
        ("annotate_columns", {"columns": [{"values": ["1"]}], "types": ["a"]}, "at least two different types"),
        ("annotate_columns", {"columns": [{"values": ["1"]}], "types": ["a", "a"]}, "at least two different types"),
        ("extract_values", {"texts": [], "attributes": [{"name": "a"}]}, "There are no texts"),
        ("extract_values", {"texts": ["a"], "attributes": []}, "There are no attributes"),
        ("follow_instruction", {"records": RECORDS, "instruction": "  "}, "The instruction is blank"),
        (
            "follow_instruction",
            {"records": RECORDS, "instruction": "Which?", "shape": "choice", "choices": ["a"]},
            "at least two different choices",
        ),
        (
            "follow_instruction",
            {"records": RECORDS, "instruction": "Which?", "choices": ["a", "b"]},
            'the shape is not "choice"',
        ),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_in_one_sentence(task, fields, message):
    with pytest.raises(InvalidRequest) as refusal:
        TASKS[task].cases(TASKS[task].request(**fields))
    assert message in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_huge_cell_is_cut_and_the_cut_is_named():
    cases = TASKS["detect_errors"].cases(DetectErrorsRequest(records=[{"note": "x" * 900_000, "id": "7"}]))
    assert all(case.truncated == ("note",) for case in cases)
    assert all(len(case.prompt.value) < 500 for case in cases)


def test_only_what_is_found_or_unsure_is_returned_and_the_rest_is_counted():
    pairs = [{"left": {"a": "1"}, "right": {"a": str(n)}} for n in range(5)]
    request = MatchEntitiesRequest(pairs=pairs)
    unsure = Outcome("model", "no", 0.6)
    answer = TASKS["match_entities"].read(request, [YES, NO, unsure, NOBODY, Outcome("model", "yes", 0.7)])

    def shown(only):
        chosen = selected(answer, only)
        return [pair.pair for pair in chosen.pairs], chosen.left_out

    assert shown("all") == ([0, 1, 2, 3, 4], {})
    assert shown(None) == ([0, 2, 3, 4], {"different": 1})
    assert shown("matches") == ([0, 4], {"different": 1, "unsure": 2})
    assert shown("unsure") == ([2, 3, 4], {"matches": 1, "different": 1})
