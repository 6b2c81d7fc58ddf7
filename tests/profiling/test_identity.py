"""Counted evidence decides, in words, who is who in lists of people and firms; of things it decides nothing."""

from __future__ import annotations

import csv
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tables_job import ScriptedEngine

from dp_tools.cli import main
from dp_tools.preprocessor import Preprocessor
from dp_tools.profiling.identity.many import judge_list, judge_many
from dp_tools.progress import silent
from dp_tools.tables.identity_columns import contents
from dp_tools.tables.match.blocking import candidate_pairs
from dp_tools.tables.match.identity import identity_of
from dp_tools.tables.match.shared_keys import Keys, sharing_a_key
from dp_tools.tables.snapshot import Table, inline_table, open_table
from lab.synthetic.lists import held_back

FIELD = Path(__file__).parent.parent / "field"
PEOPLE = [
    {"name": "Thomas Berger", "mail": "t.berger@wood.example", "phone": "+43 1 5550 2210", "town": "Wien"},
    {"name": "Berger, Tom", "mail": "T.Berger@wood.example", "phone": "01 55502210", "town": "Vienna"},
    {"name": "Christine Berger", "mail": "c.berger@wood.example", "phone": "+43 1 5550 2211", "town": "Wien"},
    {"name": "Olga Novak", "mail": "olga@stone.example", "phone": "+420 2 5551 7788", "town": "Praha"},
    {"name": "Pablo Santos", "mail": "pablo@river.example", "phone": "+351 21 555 9012", "town": "Lisboa"},
]
COLUMNS = list(PEOPLE[0])
GOODS = [{"title": f"Cordless drill {number}W", "price": f"{number}.90"} for number in (300, 400, 500, 600)]


def same_entity(entities: list[str]) -> set[tuple[int, int]]:
    return {(a, b) for a, b in combinations(range(len(entities)), 2) if entities[a] == entities[b]}


def pairs_in(groups: list[list[int]]) -> set[tuple[int, int]]:
    return {pair for rows in groups for pair in combinations(sorted(rows), 2)}


def judged(table: Table):
    shown = contents((table,), comparing=True)[0].columns
    found = identity_of((table,), [shown], {}, silent)
    assert found is not None
    return found, candidate_pairs(table, compared=[shown], keys=found.keys)


@pytest.fixture
def scripted():
    engine = ScriptedEngine()
    with Preprocessor("nano", ":memory:", engine=engine) as opened:
        yield opened, engine


@pytest.mark.parametrize(("name", "least"), [("contacts", 0.95), ("suppliers", 0.9)])
def test_lists_as_people_have_them_are_judged_right_without_the_model(name, least):
    truth = same_entity(json.loads((FIELD / f"{name}.truth.json").read_text())["entity_of_row"])
    with open_table(FIELD / f"{name}.csv") as table:
        found, candidates = judged(table)
        assert candidates.recall(sorted(truth)) == 1
        records = [record for _, record in table.records()]
        pairs = zip(candidates.left.tolist(), candidates.right.tolist(), strict=True)
        same = {(a, b) for a, b in pairs if found.judge.judge(records[a], records[b]).probability >= 0.5}
    assert 2 * len(same & truth) / (len(same) + len(truth)) >= least


@pytest.mark.parametrize(("kind", "least"), [("contacts", 0.8), ("companies", 0.8), ("patients", 0.85)])
def test_lists_of_a_generator_that_nothing_was_fitted_on_are_judged_right(kind, least, tmp_path):
    made = held_back.make(kind, 300, seed=77)
    with open_table(made.write(tmp_path, kind)) as table:
        found, candidates = judged(table)
        assert candidates.recall(sorted(made.pairs)) >= 0.98
        records = [record for _, record in table.records()]
        pairs = zip(candidates.left.tolist(), candidates.right.tolist(), strict=True)
        same = {(a, b) for a, b in pairs if found.judge.judge(records[a], records[b]).probability >= 0.5}
    assert 2 * len(same & made.pairs) / (len(same) + len(made.pairs)) >= least


@pytest.mark.parametrize("kind", ["contacts", "companies", "patients", "properties"])
def test_many_pairs_at_once_are_judged_as_they_are_one_by_one(kind, tmp_path):
    made = held_back.make(kind, 120, seed=78)
    with open_table(made.write(tmp_path, kind)) as table:
        found, candidates = judged(table)
        records = [record for _, record in table.records()]
        frame = table.frame(np.arange(table.count))
        pairs = np.column_stack([candidates.left, candidates.right])
        many = judge_many(found.judge, frame, frame, pairs).judgements(found.judge)
        one = [found.judge.judge(records[a], records[b]) for a, b in pairs.tolist()]
    assert many.score == pytest.approx([judgement.score for judgement in one])
    assert many.decides.tolist() == [judgement.decides for judgement in one]


def test_records_that_share_a_key_are_paired_unless_a_crowd_has_it():
    left = Keys.of([{"a", "b"}, {"b"}, {"c"}, *({"crowd"} for _ in range(20))])
    right = Keys.of([{"b"}, {"a", "b"}, *({"crowd"} for _ in range(20))])
    assert next(zip(*sharing_a_key(left), strict=True)) == (0, 1)
    assert len(sharing_a_key(left)[0]) == 1 + 20 * 19 // 2
    assert list(zip(*sharing_a_key(left, right), strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [len(side) for side in sharing_a_key(Keys.of([]))] == [0, 0]


def test_a_shared_telephone_makes_a_candidate_whatever_the_text_says():
    strange = [{**PEOPLE[0], "name": "Wood Works", "mail": "x@y.example", "phone": "5550 2210", "town": ""}, *PEOPLE]
    with inline_table(strange) as table:
        _, candidates = judged(table)
        assert candidates.recall([(0, 1), (0, 2)]) == 1


def test_what_is_certain_is_decided_without_the_model_and_says_why(scripted):
    preprocessor, engine = scripted
    answer = preprocessor.dedupe(PEOPLE)
    assert {row["row"] for row in answer.to_dicts()} == {1, 2}
    assert engine.asked == 0


def test_a_rule_about_these_records_is_heard_by_the_model(scripted):
    preprocessor, engine = scripted
    preprocessor.dedupe(PEOPLE, rules=["Persons of one name at one company are one."])
    assert engine.asked > 0


def test_a_value_that_many_records_share_tells_less():
    crowd = [{**person, "phone": "+43 1 5550 2210"} for person in PEOPLE]
    scores = []
    more = [{**crowd[3], "name": f"{first} Fox", "mail": f"{first}@fox.example"} for first in ("Ann", "Bob", "Eve")]
    for people in (PEOPLE, [*crowd, *more]):
        with inline_table(people) as table:
            found, _ = judged(table)
            scores.append(found.judge.judge(people[0], people[1]).score)
    assert scores[0] > scores[1]


FIRM = {"company": "Vogel Druck GmbH", "street": "Hafenweg 3", "town": "Kassel", "phone": "0561 445566"}
COLLEAGUES = [
    {"name": "Hans-Peter Vogel", "mail": "hp.vogel@vogel-druck.example", **FIRM},
    {"name": "Ingrid Vogel", "mail": "info@vogel-druck.example", **FIRM, "company": "Vogel Druck"},
    {"name": "William Turner Jr.", "mail": "bill@turner.example", **FIRM},
    {"name": "William Turner Sr.", "mail": "office@turner.example", **FIRM},
]


@pytest.mark.parametrize("pair", [(0, 1), (2, 3)])
def test_firm_house_and_telephone_do_not_make_one_of_two_people_with_different_names(pair):
    with inline_table([*COLLEAGUES, *({**one, "company": "", "street": "", "mail": ""} for one in PEOPLE)]) as table:
        found, _ = judged(table)
        records = [record for _, record in table.records()]
    left, right = (records[place] for place in pair)
    judgement = found.judge.judge(left, right)
    assert judgement.decides
    assert judgement.probability < 0.05
    # An address of their own in common is another matter.
    assert found.judge.judge(left, {**right, "mail": left["mail"]}).probability > judgement.probability


GIVEN = ("Anna", "Boris", "Carla", "Dmitri", "Elena", "Frank", "Greta", "Hugo", "Irma", "Jonas", "Kira", "Lukas")
SURNAMES = ("Adler", "Bianchi", "Costa", "Dvorak", "Eriksen", "Fuchs", "Grabowski", "Horvath", "Ivanov", "Jensen")
MARIA = {"first_name": "Maria", "last_name": "Stein", "born": "1984-03-09", "street": "Ringstr. 8", "city": "Jena"}
MARIA |= {"ssn": "740118263"}


def insured(families: bool) -> list[dict[str, str]]:
    """Forty people, each written twice, with a number of their own or one that husband and wife share."""
    people = []
    for number in range(40):
        surname = SURNAMES[number // 2 % 10] + "ovi"[: number // 20]
        person = {
            "first_name": GIVEN[(7 * number + number // 20) % 12],
            "last_name": surname,
            "born": f"19{50 + number}-0{1 + number % 9}-{11 + number % 17}",
            "street": f"Gartenweg {number // 2 + 1}",
            "city": "Jena",
            "ssn": str(410_000_000 + 7_654_321 * (number // 2 if families else number)),
        }
        people += [person, {**person, "street": person["street"].replace("weg", "-Weg")}]
    return people


def probability(list_: list[dict[str, str]], left: dict[str, str], right: dict[str, str]) -> float:
    """Of one pair, once counted evidence has seen all candidates of a list that has both records."""
    with inline_table([*list_, left, right]) as table:
        found, candidates = judged(table)
        frame = table.frame(np.arange(table.count))
        pairs = np.column_stack([candidates.left, candidates.right])
        many, informed = judge_list(
            found.judge,
            lambda judge: judge_many(judge, frame, frame, pairs),
            lambda places: [(frame.row(a, named=True), frame.row(b, named=True)) for a, b in pairs[places].tolist()],
        )
        one = informed.judge(left, right)
        place = pairs.tolist().index([len(list_), len(list_) + 1])
    assert many.score[place] == pytest.approx(one.score)
    return one.probability


TYPED_OVER = [
    {"first_name": "Susanne", "last_name": "Okoro"},
    {"first_name": "Susanne"},
    {"born": "1931-11-24"},
    {"street": "Am Bach 2", "city": "Ulm"},
]
RELATIVES = [
    {"first_name": "Jonas"},
    {"first_name": "Jonas", "born": "2009-07-30"},
    {"first_name": "Jonas", "born": ""},
]


@pytest.mark.parametrize("other", TYPED_OVER)
def test_beside_a_number_that_is_a_persons_own_one_other_value_is_a_mistake(other):
    assert probability(insured(families=False), MARIA, {**MARIA, **other}) > 0.5


def test_dedupe_merges_two_birth_days_under_a_number_that_is_a_persons_own(scripted):
    preprocessor, engine = scripted
    answer = preprocessor.dedupe([*insured(families=False), MARIA, {**MARIA, "born": "1931-11-24"}])
    groups: dict[int, set[int]] = {}
    for row in answer.to_dicts():
        groups.setdefault(row["group"], set()).add(row["row"])
    assert {81, 82} in groups.values()
    assert len(groups) == 41
    assert engine.asked == 0


@pytest.mark.parametrize("other", RELATIVES)
def test_twins_husband_and_wife_stay_apart_under_the_number_of_a_family(other):
    assert probability(insured(families=True), MARIA, {**MARIA, **other}) < 0.5


@pytest.mark.parametrize("other", RELATIVES)
def test_relatives_stay_apart_where_hardly_anybody_shares_a_number(other):
    assert probability(insured(families=False)[::2], MARIA, {**MARIA, **other}) < 0.5


def test_a_number_of_a_family_merges_the_records_of_each_of_its_members():
    assert probability(insured(families=True), MARIA, {**MARIA, "first_name": "M.", "street": ""}) > 0.5


@pytest.mark.parametrize("other", RELATIVES)
def test_relatives_with_numbers_of_their_own_stay_apart(other):
    assert probability(insured(families=False), MARIA, {**MARIA, **other, "ssn": "391760254"}) < 0.5


def test_husband_and_wife_who_gave_one_number_stay_apart_where_numbers_are_a_persons_own():
    assert probability(insured(families=False), MARIA, {**MARIA, **RELATIVES[1]}) < 0.5


def test_a_record_like_two_different_people_joins_one_of_them(scripted):
    own = {"phone": "555 201 3344", "town": "Salem"}
    records = [
        {"name": "William Turner Jr.", "mail": "bill.turner@farm.example", **own},
        {"name": "William Turner Sr.", "mail": "w.turner@farm.example", "phone": "555 201 3300", "town": "Salem"},
        {"name": "Bill Turner", "mail": "bill.turner@farm.example", **own},
        *PEOPLE,
    ]
    preprocessor, _ = scripted
    assert {row["row"] for row in preprocessor.dedupe(records).to_dicts()} & {1, 2, 3} == {1, 3}


def test_of_things_nothing_is_decided_by_who_is_who():
    with inline_table(GOODS) as table:
        assert identity_of((table,), [["title", "price"]], {}, silent) is None


def test_a_person_says_what_a_column_holds_where_that_is_not_seen(tmp_path):
    odd = [{"a": person["name"], "b": f"x{place}", "c": person["phone"]} for place, person in enumerate(PEOPLE)]
    with inline_table(odd) as table:
        stated = identity_of((table,), [["a", "b", "c"]], {"b": "tax number"}, silent)
        assert stated is not None
        assert "number" in stated.judge.comparisons(odd[0], odd[1])
    file = tmp_path / "odd.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        lines = csv.DictWriter(opened, list(odd[0]))
        lines.writeheader()
        lines.writerows(odd)
    for kind, said in (("colour=b", "does not say what a column holds"), ("telephone=z", "no attribute 'z'")):
        arguments = ["dedupe", str(file), "--kind", kind, "--knowledge", ":memory:", "--state", str(tmp_path / "s")]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code != 0
        assert said in " ".join(result.output.split())
