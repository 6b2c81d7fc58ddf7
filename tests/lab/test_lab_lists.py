"""The synthetic lists: the same for a seed, true to their own truth, and two generators with nothing in common."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import fields

import pytest

from lab.benchmarks.lists import by_counting, measured, synthetic_lists
from lab.synthetic.lists import KINDS, Proportions, everyday, held_back

GENERATORS = pytest.mark.parametrize("generator", [everyday, held_back])


@GENERATORS
@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_list_again_and_another_seed_another_one(generator, kind):
    made = generator.make(kind, 120, seed=3)
    assert made == generator.make(kind, 120, seed=3)
    assert made != generator.make(kind, 120, seed=4)
    assert len(made.records) == len(made.entities) == 120


@GENERATORS
@pytest.mark.parametrize("kind", KINDS)
def test_records_have_one_set_of_columns_with_a_key_of_their_own_and_five_sources(generator, kind):
    records = generator.make(kind, 200, seed=1).records
    assert {tuple(record) for record in records} == {tuple(records[0])}
    key, source = list(records[0])[:2]
    assert len({record[key] for record in records}) == 200
    assert len({record[source] for record in records}) == 5


@GENERATORS
def test_pairs_are_all_pairs_within_an_entity(generator):
    made = generator.make("contacts", 150, seed=2)
    assert len(made.pairs) == sum(n * (n - 1) // 2 for n in Counter(made.entities).values())
    assert all(left < right and made.entities[left] == made.entities[right] for left, right in made.pairs)


def test_two_halves_hold_each_entity_at_most_once():
    left, right = everyday.make("companies", 150, seed=2).halves()
    assert len(set(left.entities)) == len(left.entities)
    assert len(set(right.entities)) == len(right.entities)
    assert set(left.entities) & set(right.entities)
    assert set(left.entities) - set(right.entities)
    assert set(right.entities) - set(left.entities)


def test_without_errors_the_records_of_a_person_agree_in_the_mailbox():
    none = Proportions(**{field.name: float(field.name == "several") for field in fields(Proportions)})
    made = everyday.make("patients", 80, seed=5, shares=none)
    mailboxes = {}
    for entity, record in zip(made.entities, made.records, strict=True):
        mailboxes.setdefault(entity, set()).add(record["email"][:30])
    assert all(len(found) == 1 for found in mailboxes.values())


def test_the_generators_share_no_surname():
    names = {record["last_name"] for record in everyday.make("patients", 300, seed=1).records}
    others = {record["surname"] for record in held_back.make("patients", 300, seed=1).records}
    assert not names & others


def test_a_list_is_written_with_its_truth_beside_it(tmp_path):
    made = held_back.make("inventory", 40, seed=1)
    target = made.write(tmp_path, "stock")
    with target.open(newline="", encoding="utf-8") as file:
        assert tuple(csv.DictReader(file)) == made.records
    assert json.loads((tmp_path / "stock.truth.json").read_text())["entity_of_row"] == list(made.entities)


@pytest.mark.parametrize("two", [False, True])
def test_counting_alone_finds_most_of_a_list_and_asks_nothing(two):
    (known,) = synthetic_lists(["companies"], 80, [1], two=two)
    figures = measured(known, by_counting(known))
    assert figures.f1 > 0.8
    assert figures.questions == 0


def test_counting_alone_refuses_a_list_of_things():
    (known,) = synthetic_lists(["inventory"], 40, [1], two=False)
    with pytest.raises(ValueError, match="no list of people"):
        by_counting(known)
