"""The training mixture: what it teaches, and what must never get into it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_data import write_labelled_data

from dp_tools.evaluation.datasets import read_datasets
from dp_tools.profiling.value_formats import readings
from dp_tools.tasks import TASKS
from lab.benchmarks.rule_following import DIGITS, GAPS, IDLE, PAIRS, SMALL, WRITTEN
from lab.mixture import Recipe, TrainingExample, make_examples
from lab.mixture.duplicates import Table
from lab.mixture.people import people
from lab.mixture.products import listed_products
from lab.mixture.recipe import INGREDIENTS
from lab.mixture.rule_forms import value_rules
from lab.mixture.rule_traits import trait_rules
from lab.mixture.sources import Record, joined, pairs


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labelled_data(tmp_path_factory.mktemp("labelled"))


@pytest.fixture(scope="module")
def examples(data: Path) -> list[TrainingExample]:
    return make_examples(data, Recipe(size=0.05))


@pytest.fixture(scope="module")
def few(data: Path) -> list[TrainingExample]:
    return make_examples(data, Recipe(size=0.01))


def test_the_same_recipe_makes_the_same_lessons(data: Path, few: list[TrainingExample]) -> None:
    assert make_examples(data, Recipe(size=0.01)) == few
    assert make_examples(data, Recipe(size=0.01, seed=1)) != few


def test_every_round_makes_the_mixture_anew_from_the_next_seed(data: Path) -> None:
    rounds = make_examples(data, Recipe(size=0.01, rounds=2))
    one, other = (make_examples(data, Recipe(size=0.01, seed=Recipe().seed + number)) for number in range(2))
    assert Counter(map(repr, rounds)) == Counter(map(repr, [*one, *other]))


def test_the_examples_do_not_depend_on_the_process(data: Path) -> None:
    code = (
        "import hashlib; from pathlib import Path; from lab.mixture import Recipe, make_examples; "
        f"print(hashlib.sha256(repr(make_examples(Path({str(data)!r}), Recipe(size=0.01))).encode()).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1


def test_every_task_is_taught(examples: list[TrainingExample]) -> None:
    assert {example.prompt.task for example in examples} == set(TASKS)


@pytest.mark.parametrize(("source", "yes"), [("EM/", 1 / 4), ("SM/", 1 / 5), ("binding/EM/", 0.6)])
def test_verdicts_are_near_real_rates_and_even_where_a_rule_decides(
    examples: list[TrainingExample], source: str, yes: float
) -> None:
    counts = Counter(
        example.answer for example in examples if example.source.startswith(source) and "match" in example.prompt.task
    )
    assert counts["Yes"] / counts.total() == pytest.approx(yes, abs=0.12)


@pytest.mark.parametrize("ingredient", INGREDIENTS)
def test_an_ingredient_that_is_left_out_changes_the_mixture(
    data: Path, few: list[TrainingExample], ingredient: str
) -> None:
    assert make_examples(data, replace(Recipe(size=0.01), **{ingredient: False})) != few


def test_a_task_can_be_taught_alone_with_the_examples_it_has_among_all(data: Path, few: list[TrainingExample]) -> None:
    made = make_examples(data, Recipe(size=0.01, task="impute"))
    assert sorted(map(repr, made)) == sorted(repr(example) for example in few if example.prompt.task == "impute")


def test_no_text_of_a_test_pair_is_learned_from(data: Path) -> None:
    (goods,) = read_datasets(data, ["EM/Goods"])
    leaked = goods.split("test").instances[0].row
    path = data / "EM" / "Goods" / "train.jsonl"
    rows = [dict(instance.row) for instance in goods.split("train").instances]
    other = data.parent / "leaking"
    folder = other / "EM" / "Goods"
    folder.mkdir(parents=True)
    (folder / path.name).write_text("\n".join(json.dumps(row) for row in [*rows, dict(leaked)]), encoding="utf-8")
    (folder / "test.jsonl").write_text(json.dumps(dict(leaked)), encoding="utf-8")
    assert len(pairs(other, "EM", "Goods")) == len(rows)


def test_a_dataset_that_is_left_out_is_seen_in_no_form(data: Path) -> None:
    made = make_examples(data, Recipe(size=0.01, leave_out=frozenset({"ED/Stock"})))
    assert made
    assert not [example.source for example in made if "Stock" in example.source]


@given(st.integers())
def test_in_a_joined_table_values_come_again_and_one_attribute_tells_another(seed: int) -> None:
    shops: list[Record] = [{"shop": f"shop {n}", "town": f"town {n % 7}", "zip": f"{n % 7:05}"} for n in range(40)]
    goods: list[Record] = [{"item": f"item {n}", "kind": f"kind {n % 5}", "code": f"{n % 5:03}"} for n in range(40)]
    rows = joined(Random(seed), shops, goods)
    assert len(rows) >= 16
    assert all(len({row[name] for row in rows}) <= 30 for name in rows[0])
    for key, told in (("zip", "town"), ("code", "kind")):
        if key in rows[0] and told in rows[0]:
            assert len({(row[key], row[told]) for row in rows}) == len({row[key] for row in rows})


def test_a_table_joined_with_itself_names_the_attributes_of_its_second_part_apart() -> None:
    records: list[Record] = [{"shop": f"shop {n}", "town": f"town {n % 7}"} for n in range(40)]
    assert list(joined(Random(1), records, records)[0]) == ["shop", "town", "shop 2", "town 2"]


def test_rows_with_the_same_key_accuse_a_wrong_cell(examples: list[TrainingExample]) -> None:
    generated = [entry for entry in examples if "+" in entry.source and entry.source.startswith("generated/")]
    accused = [entry for entry in generated if any(': "' in fact for fact in entry.prompt.evidence)]
    assert len(accused) > 20
    assert sum(entry.answer == "Yes" for entry in accused) > 0.7 * len(accused)


def test_without_evidence_no_question_carries_facts(data: Path) -> None:
    made = make_examples(data, Recipe(size=0.01, evidence=False))
    assert made
    assert not [example for example in made if example.prompt.evidence]


def test_gaps_and_columns_are_taught_with_and_without_facts(data: Path, examples: list[TrainingExample]) -> None:
    more = [example for seed in (1, 2, 3) for example in make_examples(data, Recipe(size=0.01, seed=seed))]
    for place in ("DI/Makers", "CTA/Columns"):
        told = {bool(example.prompt.evidence) for example in (*examples, *more) if example.source == place}
        assert told == {True, False}, place


def test_what_other_rows_say_about_a_gap_is_not_learned_from_the_row_that_has_it(tmp_path: Path) -> None:
    rows = [{"record": {"code": f"{n // 2}-{n}"}, "attribute": "owner", "label": f"owner {n // 2}"} for n in range(80)]
    path = tmp_path / "DI" / "Owners" / "train.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    made = make_examples(tmp_path, Recipe(size=0.05, synthetic_people=False))
    told = [fact for example in made if example.prompt.task == "impute" for fact in example.prompt.evidence]
    assert any(fact.startswith("by code") for fact in told)
    assert {fact[-7:] for fact in told} == {" 1 of 1"}


def test_a_synthetic_title_states_every_value_that_is_asked_of_it_and_no_other(examples: list[TrainingExample]) -> None:
    asked = [example for example in examples if example.source == "generated/titles"]
    stated = [example for example in asked if example.answer != "unknown"]
    assert 0.4 < len(stated) / len(asked) < 0.7
    assert all(example.answer in example.prompt.blocks[0].text for example in stated)
    answers = {(example.prompt.blocks[0].text, example.prompt.attribute): example.answer for example in asked}
    assert all(answers[example.prompt.blocks[0].text, example.prompt.attribute] == example.answer for example in asked)


@pytest.mark.parametrize("seed", range(5))
def test_synthetic_people_share_a_household_as_often_as_people_do_and_no_two_are_equal(seed: int) -> None:
    records = people(Random(seed), 200)
    assert len({tuple(record.values()) for record in records}) == len(records) == 200
    assert 0.3 < len({record["phone"] for record in records}) / 200 < 0.9


def test_a_record_written_again_keeps_its_day_and_its_telephone_number_in_any_notation() -> None:
    table = Table.of(people(Random(1), 200))
    assert table is not None
    told: Counter[str] = Counter()
    for record in table.records:
        again = table.again(Random(str(record)), record)
        for name in ("phone", "date of birth"):
            value, written = record[name], again[name]
            if written is not None and value is not None and set(readings(value)) & set(readings(written)):
                told["as it was" if written == value else "otherwise"] += 1
    assert told["otherwise"] > 50
    assert told["as it was"] > 50


@given(st.integers())
def test_synthetic_products_that_are_listed_in_the_same_words_are_the_same(seed: int) -> None:
    rows = list(listed_products(Random(seed), 40))
    said = [
        [sorted((next(iter(row[side].values())) or "").lower().split()) for side in ("left", "right")] for row in rows
    ]
    assert {row["label"] for row in rows} == {0, 1}
    assert not [row for row, (left, right) in zip(rows, said, strict=True) if left == right and not row["label"]]


def test_a_synthetic_product_stands_beside_itself_and_beside_up_to_three_others() -> None:
    rows = list(listed_products(Random(3), 400))
    labels = Counter(row["label"] for row in rows)
    assert labels[1] == 100
    assert 2 * labels[1] < labels[0] <= 3 * labels[1]
    assert len({repr(row["left"]) for row in rows}) == 100


def test_a_binding_rule_stands_next_to_the_question_or_last_of_all_rules_and_decides_it(
    examples: list[TrainingExample],
) -> None:
    bound = [
        example for example in examples if example.source.startswith("binding") and "detect" in example.prompt.task
    ]
    assert {example.answer for example in bound} == {"Yes", "No"}
    assert all(example.prompt.near_rules or example.prompt.rules for example in bound)
    assert {bool(example.prompt.near_rules) for example in bound} == {True, False}


def test_the_same_question_has_another_answer_under_another_rule(examples: list[TrainingExample]) -> None:
    verdicts: dict[object, set[str]] = {}
    for example in examples:
        if example.source.startswith("binding"):
            bare = replace(example.prompt, rules=(), near_rules=(), evidence=())
            verdicts.setdefault(bare, set()).add(example.answer)
    assert sum(len(found) > 1 for found in verdicts.values()) > 0.4 * len(verdicts)


@cache
def traits(value: str) -> frozenset[tuple[str, bool]]:
    """Rules about what a value is made of, each with whether the value breaks it."""
    return frozenset(
        (rule, is_error) for seed in range(6000) for rule, _, is_error in trait_rules(Random(seed), "size", value, 4)
    )


@pytest.mark.parametrize(
    ("value", "wording", "error"),
    [
        ("12 oz", "unit", True),
        ("12", "unit", False),
        ("1,200", "comma", True),
        (None, "missing", True),
    ],
)
def test_a_rule_about_a_value_says_what_code_finds(value: str | None, wording: str, error: bool) -> None:
    blamed = [
        rule.lower() for seed in range(40) for rule, _, is_error in value_rules(Random(seed), "size", value) if is_error
    ]
    assert any(wording in rule for rule in blamed) is error


@pytest.mark.parametrize(
    ("value", "said", "error"),
    [
        ("fort worth", ("is all capitals",), True),
        ("fort worth", ("is all small letters",), False),
        ("FORT", ("consists of capitals",), False),
        ("12 oz", ("has no digits",), True),
        ("oz", ("has no digits",), False),
        ("oz", ("must contain digits",), True),
        ("12 oz", ("may contain digits",), False),
        ("1,200", ("is written without commas",), True),
        ("1200", ("has at most 4 digits", "has at most four digits"), False),
        ("1200", ("has exactly 5 digits", "has exactly five digits"), True),
        ("fort worth", ("is to resemble OSLO", "is to resemble Oslo"), True),
        ("fort worth", ("is to resemble oslo",), False),
        ("FORT", ("follows OSLO; oslo would be an error",), False),
        ("FORT", ("follows oslo; OSLO would be an error",), True),
        ("fort worth", ("is set in capitals", "is set in upper case"), True),
        ("fort worth", ("is set in small letters", "is set in lower case"), False),
        ("FORT", ("is never in capitals", "is never in upper case"), True),
        ("Fort Worth", ("is kept in title case",), False),
    ],
)
def test_a_rule_about_what_a_value_is_made_of_says_what_code_finds(
    value: str, said: tuple[str, ...], error: bool
) -> None:
    verdicts = [is_error for rule, is_error in traits(value) if rule in {f"Size {words}." for words in said}]
    assert set(verdicts) == {error}


@pytest.mark.parametrize(
    ("value", "condition", "conclusion", "error"),
    [
        ("12 oz", "size contains digits", "it is wrong", True),
        ("12 oz", "size contains digits", "it is right", False),
        ("oz", "size contains digits", "it is wrong", False),
        ("oz", "size has no digits", "report it", True),
        ("12 oz", "size has no digits", "report it", False),
    ],
)
def test_a_rule_with_a_condition_says_what_code_finds(value: str, condition: str, conclusion: str, error: bool) -> None:
    said = {f"if {condition}, {conclusion}.", f"{conclusion} if {condition}."}
    verdicts = [is_error for rule, is_error in traits(value) if rule.lower() in said]
    assert set(verdicts) == {error}


def test_one_sentence_decides_a_pair_one_way_or_the_other_by_the_attribute_it_names(
    examples: list[TrainingExample],
) -> None:
    answers: dict[object, set[str]] = {}
    for example in examples:
        prompt = example.prompt
        if example.source.startswith("binding") and prompt.task == "match_entities":
            words = frozenset(re.findall(r"[a-z]+", prompt.rules[-1].lower())) - {"title", "brand", "city", "price"}
            answers.setdefault((replace(prompt, rules=(), evidence=()), words), set()).add(example.answer)
    assert {"Yes", "No"} in answers.values()


def test_rules_about_pairs_come_in_too_many_wordings_to_be_known_by_heart(examples: list[TrainingExample]) -> None:
    bound = [
        example.prompt.rules[-1].lower()
        for example in examples
        if example.source.startswith("binding") and example.prompt.task == "match_entities"
    ]
    wordings = Counter(re.sub(r"title|brand|city|price", "it", rule) for rule in bound)
    assert len(wordings) > len(bound) / 4
    assert wordings.most_common(1)[0][1] < len(bound) / 40


def test_rules_about_what_a_value_is_made_of_demand_a_yes_as_often_as_a_no() -> None:
    verdicts = Counter(
        is_error for seed in range(300) for _, _, is_error in trait_rules(Random(seed), "size", "Large 12 oz", 4)
    )
    assert verdicts[True] == pytest.approx(verdicts[False], rel=0.1)


def test_no_sentence_by_which_rule_following_is_measured_is_learned(examples: list[TrainingExample]) -> None:
    learned = {rule.casefold() for example in examples for rule in (*example.prompt.rules, *example.prompt.near_rules)}
    names = {example.prompt.attribute for example in examples if example.prompt.attribute}
    wordings = [both for kind in (GAPS, SMALL, DIGITS, PAIRS, WRITTEN) for both in kind]
    measured = {rule.replace("{a}", name).casefold() for both in wordings for rule in both for name in names}
    assert learned
    assert not learned & {*measured, *(rule.casefold() for rule in IDLE)}
