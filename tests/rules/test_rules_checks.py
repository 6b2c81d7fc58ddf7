"""Checks: rules that code decides, through the injection that a task gets."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dp_tools.errors import RuleRejected
from dp_tools.rules.injection import Decision
from dp_tools.rules.rule import Example, Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore


def injected(*rules: Rule, task: str = "detect_errors", attribute: str | None = "abv") -> Any:
    with KnowledgeStore.open(":memory:", import_shipped=False) as store:
        store.add_all(rules, who="ann")
        return store.inject(task=task, dataset=None, attribute=attribute)


def check(schema: dict[str, Any], **fields: Any) -> Rule:
    return Rule(**{"id": "c", "statement": "Reason.", "attribute": "abv", "check": schema, **fields})


def cell(value: str | None, attribute: str = "abv", **record: str | None) -> dict[str, Any]:
    return {"record": {**record, attribute: value}, "attribute": attribute, "value": value}


def label(decision: Decision | None) -> str | None:
    return None if decision is None else decision.label


def test_a_failed_check_is_a_verdict_with_the_statement_as_its_reason() -> None:
    decision = injected(check({"pattern": "^0"})).decide(cell("5%"))
    assert (decision.label, decision.decided_by, decision.reason, decision.rule.id) == ("yes", "check", "Reason.", "c")


def test_a_passed_check_decides_only_where_the_rule_settles_both() -> None:
    assert injected(check({"pattern": "^0"})).decide(cell("0.5")) is None
    assert label(injected(check({"pattern": "^0"}, decides="both")).decide(cell("0.5"))) == "no"


@pytest.mark.parametrize("gap", [None, "", "  ", "?"])
def test_the_type_says_whether_a_gap_is_an_error(gap: str | None) -> None:
    assert label(injected(check({"type": "string"}, decides="both")).decide(cell(gap))) == "yes"
    assert label(injected(check({"type": ["string", "null"]}, decides="both")).decide(cell(gap))) == "no"


def test_a_rule_names_its_own_tokens_for_a_missing_value() -> None:
    schema = {"type": ["string", "null"], "pattern": "^[0-9]+$", "x-missing": ["N/A", "unknown"]}
    injection = injected(check(schema, decides="both"))
    assert [label(injection.decide(cell(value))) for value in ("n/a", "Unknown", None, "12", "none")] == [
        "no",
        "no",
        "no",
        "no",
        "yes",
    ]


def test_numbers_are_read_from_text_where_the_check_wants_numbers() -> None:
    injection = injected(check({"type": "number", "minimum": 0, "maximum": 1}, decides="both"))
    values = ("0.5", " 1 ", "1.01", "-1", "5%", "1e-3", "1e999", "9" * 400, "٣", "0x1", "1_0", "nan")
    verdicts = [label(injection.decide(cell(value))) for value in values]
    assert verdicts == ["no", "no", "yes", "yes", "yes", "no", *["yes"] * 6]


def test_a_check_speaks_only_where_its_condition_holds() -> None:
    injection = injected(check({"x-when": {"type": "null"}, "type": ["null", "string"]}, decides="both"))
    assert label(injection.decide(cell(None))) == "no"
    assert injection.decide(cell("5")) is None


def test_a_check_over_the_record_fails_the_cell_of_the_attribute_it_names() -> None:
    schema = {
        "type": "object",
        "if": {"properties": {"State": {"const": "AL"}}},
        "then": {"properties": {"zip": {"pattern": "^3"}}},
    }
    injection = injected(check(schema, attribute="zip"), attribute="zip")
    assert label(injection.decide(cell("99501", "zip", state="AL"))) == "yes"
    assert injection.decide(cell("99501", "zip", state="AK")) is None


def test_a_check_over_the_record_for_all_attributes_fails_the_cell_where_the_fault_is() -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer", "maximum": 120}, "sex": {"enum": ["F", "M"]}}}
    rule = check(schema, attribute="all", decides="both")
    record: dict[str, str | None] = {"age": "130", "sex": "F", "name": "Ann"}
    verdicts = {
        attribute: label(injected(rule, attribute=attribute).decide(cell(record[attribute], attribute, **record)))
        for attribute in record
    }
    assert verdicts == {"age": "yes", "sex": "no", "name": None}


def test_an_enum_is_the_constraint_of_imputation() -> None:
    injection = injected(check({"enum": ["Sony", "Apple", None]}), task="impute")
    assert injection.allowed() == ("Sony", "Apple")
    assert injected(check({"enum": ["Sony"]}), task="impute", attribute="brand").allowed() is None
    assert injected(task="impute").allowed() is None


def test_a_dependency_finds_the_contradicting_cell_and_fills_the_missing_one() -> None:
    schema = {"type": "object", "x-lookup": {"by": ["Zip Code"], "of": "city", "values": {"35233": "birmingham"}}}
    rule = check(schema, attribute="city")
    found = injected(rule, attribute="city")
    assert label(found.decide(cell("birminxham", "city", ZipCode="35233"))) == "yes"
    assert found.decide(cell("birmingham", "city", ZipCode="35233")) is None
    assert found.decide(cell("anything", "city", ZipCode="99999")) is None
    filled = injected(rule, task="impute", attribute="city").decide(
        {"record": {"zip_code": "35233"}, "attribute": "city"}
    )
    assert (filled.label, filled.decided_by) == ("birmingham", "check")


def test_several_attributes_may_determine_one() -> None:
    lookup = {"by": ["state", "code"], "of": "average", "values": {"al | pn-1": "al_pn-1"}}
    injection = injected(check({"type": "object", "x-lookup": lookup}, attribute="average"), attribute="average")
    assert label(injection.decide(cell("ak_pn-1", "average", state="al", code="pn-1"))) == "yes"
    assert injection.decide(cell("ak_pn-1", "average", state="al", code=None)) is None


def test_a_misspelling_fails_and_a_new_value_passes() -> None:
    injection = injected(check({"x-near": ["birmingham", "montgomery", "fort payne"]}, decides="both"))
    verdicts = [label(injection.decide(cell(v))) for v in ("birminxham", "birmingham", "seattle", "forx payne", "al")]
    assert verdicts == ["yes", "no", "no", "yes", "no"]


def test_a_day_that_no_calendar_has_fails_in_every_notation() -> None:
    injection = injected(check({"type": ["string", "null"], "x-day": True}, decides="both"))
    none = ("2010-13-01", "30 February 2011", "2/29/2011", "00.00.0000", "Jun 31, 1999")
    others = ("2010-12-01", "13/1/2010", "1/13/2010", "February 28th, 2011", "12 Main 2010", "soon", None)
    assert {label(injection.decide(cell(value))) for value in none} == {"yes"}
    assert {label(injection.decide(cell(value))) for value in others} == {"no"}


@pytest.mark.parametrize(("order", "wrong"), [("month first", "13/1/2010"), ("day first", "1/13/2010")])
def test_a_day_whose_month_and_day_changed_places_fails_where_the_order_is_told(order: str, wrong: str) -> None:
    injection = injected(check({"type": ["string", "null"], "x-day": order}, decides="both"))
    others = {"13/1/2010", "1/13/2010", "5/1/2010", "2010-1-13", "13 Jan 2010"} - {wrong}
    assert label(injection.decide(cell(wrong))) == "yes"
    assert {label(injection.decide(cell(value))) for value in others} == {"no"}


def test_a_pair_fails_or_matches_by_what_both_sides_fill() -> None:
    def decide(
        schema: dict[str, Any], left: dict[str, Any], right: dict[str, Any], decides: str = "fail"
    ) -> str | None:
        rule = check({"type": "object", **schema}, attribute="all", decides=decides)
        return label(injected(rule, task="match_entities", attribute=None).decide({"left": left, "right": right}))

    year = {"not": {"x-differ": ["Year"]}}
    assert decide(year, {"year": "1997"}, {"Year": "1998"}) == "no"
    assert decide(year, {"year": "1997"}, {"Year": "1997.0"}) is None
    assert decide(year, {"year": "1997"}, {"Year": None}) is None
    phone = {"x-when": {"x-same": ["phone"]}}
    assert decide(phone, {"phone": "404/659 -0400"}, {"phone": "404-659-0400"}, "both") == "yes"
    assert decide(phone, {"phone": "404/659 -0400"}, {"phone": "404-659-0401"}, "both") is None


def test_a_less_binding_check_that_says_otherwise_is_reported() -> None:
    general = check({"type": "string"}, id="general", attribute="all")
    own = check({"type": ["string", "null"]}, id="own", priority=1, decides="both")
    decision = injected(general, own).decide(cell(None))
    assert (decision.label, decision.rule.id) == ("no", "own")
    assert [(entry.rule.id, entry.reason) for entry in decision.overridden] == [
        ("general", "says yes; own takes precedence")
    ]


def test_a_labelled_case_is_known_whatever_its_spelling_and_the_order_of_its_sides() -> None:
    case = {"left": {"Title": "The  SIMS 2", "price": None}, "right": {"title": "sims two"}}
    rule = Rule(id="seen", task="match_entities", statement="Seen.", examples=(Example(case=case, label="yes"),))
    injection = injected(rule, task="match_entities", attribute=None)
    turned = {"left": {"title": "Sims Two", "price": "?"}, "right": {"title": "the sims 2"}}
    assert label(injection.decide(turned)) == "yes"
    assert injection.decide({"left": {"title": "the sims 3"}, "right": {"title": "sims two"}}) is None


def test_an_example_of_imputation_gives_its_value() -> None:
    case = {"record": {"name": "Walkman"}, "attribute": "brand"}
    rule = Rule(id="seen", task="impute", statement="Seen.", examples=(Example(case=case, label="Sony"),))
    decision = injected(rule, task="impute", attribute="brand").decide(case)
    assert (decision.label, decision.decided_by) == ("Sony", "example")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"pattern": "("},
        {"pattern": "(?=look)"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"x-same": "year"},
        {"x-near": []},
        {"x-day": "yes"},
        {"x-lookup": {"by": "a", "of": "b", "values": {}}},
        {"type": "object", "x-lookup": {"by": "a"}},
        {"minimum": float("nan")},
    ],
)
def test_a_check_that_cannot_be_used_is_refused(schema: dict[str, Any]) -> None:
    with KnowledgeStore.open(":memory:", import_shipped=False) as store, pytest.raises(RuleRejected, match="check"):
        store.add(check(schema), who="ann")


def test_a_deeply_nested_check_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(2000):
        schema = {"not": schema}
    with KnowledgeStore.open(":memory:", import_shipped=False) as store, pytest.raises(RuleRejected):
        store.add(check(schema), who="ann")


def test_a_pattern_cannot_stall_on_a_value() -> None:
    injection = injected(check({"pattern": "^(a+)+$"}))
    assert label(injection.decide(cell("a" * 50_000 + "b"))) == "yes"


def chained(links: int) -> dict[str, Any]:
    """A check of few parts that unfolds to 2 to the power of `links`."""
    parts = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(links)}
    return {"$ref": "#/$defs/d0", "$defs": {**parts, f"d{links}": {"const": "x"}}}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (chained(28), "once its references are followed"),
        (chained(12), "more than 2,000 parts"),
        ({"anyOf": [{"$ref": "#"}]}, "once its references are followed"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, "once its references are followed"),
        ({"properties": {"enum": chained(28)["$defs"]["d0"]}, "$defs": chained(28)["$defs"]}, "references"),
        ({"allOf": [{"minLength": n} for n in range(3_000)]}, "more than 2,000 parts"),
        ({"$ref": "#/$defs/none"}, "is not in it"),
        ({"$ref": "#a", "$defs": {"a": {"$anchor": "a"}}}, r"#/\$defs/NAME"),
        ({"$dynamicRef": "#a", "$defs": {"a": {"$dynamicAnchor": "a"}}}, r"#/\$defs/NAME"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$id": "https://example.com/a"}}}, r"#/\$defs/NAME"),
    ],
)
def test_a_check_that_unfolds_is_refused_when_it_is_stored(schema: dict[str, Any], message: str) -> None:
    started = time.monotonic()
    with pytest.raises(RuleRejected, match=message):
        injected(check(schema))
    assert time.monotonic() - started < 2


def test_a_check_within_the_bound_is_cheap_for_every_value() -> None:
    for schema in (
        chained(6),
        {"allOf": [{"pattern": f"^(a|b|{n})*$"} for n in range(1_000)]},
        nested_unevaluated(12),
    ):
        injection = injected(check(schema))
        started = time.monotonic()
        injection.decide(cell("a" * 10_000))
        assert time.monotonic() - started < 2


def nested_unevaluated(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"properties": {"abv": {"const": "x"}}}
    for _ in range(levels):
        schema = {"allOf": [schema, schema], "unevaluatedProperties": True}
        if str(schema).count("{") > 1_500:
            break
    return {**schema, "type": "object"}


def test_references_inside_a_check_hold() -> None:
    schema = {"$id": "https://example.com/abv", "$ref": "#/$defs/abv", "$defs": {"abv": {"pattern": "^0"}}}
    assert label(injected(check(schema)).decide(cell("5%"))) == "yes"
