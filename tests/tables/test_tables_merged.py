"""The merged table has one record per entity, by rules that a person can change, and says where each value is from."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tables_job import ScriptedEngine

from dp_tools import Preprocessor
from dp_tools.errors import RuleRejected
from dp_tools.rules.rule import Rule
from dp_tools.tables.jobs.job_store import JobStore
from dp_tools.tables.jobs.reviews import answer_review, next_reviews

PEOPLE = """\
id,system,name,email,phone,street,zip,town,born,changed
C1,crm,Ann Miller,ann.miller@acme.example,+49 30 5550101,Lindenstr. 5,10969,Berlin,1980-02-03,2023-01-01
S7,shop,Ann B. Miller,ann.miller@acme.example,030 5550101,Lindenstraße 5,10969,Berlin,1980-02-03,2024-06-01
N3,news,A. Miller,ann.miller@acme.example,+49 40 5559999,Hafenweg 1,,Hamburg,1980-02-03,2022-05-05
C2,crm,Bob Fox,bob.fox@fox.example,+49 89 5550303,Ring 1,80331,München,1971-07-01,2023-02-02
C4,crm,Dora Klein,dora@klein.example,+49 69 5550404,Zeil 9,60313,Frankfurt,1990-01-01,2023-02-02
S9,shop,Dora Klein,dora@klein.example,+49 69 5550404,Zeil 9,60313,Frankfurt,1991-12-31,2024-02-02
"""


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, encoding="utf-8")
    return file


def preprocessor(folder: Path) -> Preprocessor:
    return Preprocessor(knowledge=folder / "rules.db", engine=ScriptedEngine(), state=folder / "state")


def merged(pre: Preprocessor, people: Path) -> dict[str, dict[str, str]]:
    """The merged records by their rows."""
    pre.dedupe(people, dataset="people", overwrite=True)
    with people.with_name("people.duplicates.merged.csv").open(encoding="utf-8", newline="") as file:
        return {row["rows"]: row for row in csv.DictReader(file)}


def provenance(people: Path) -> list[dict[str, Any]]:
    lines = people.with_name("people.duplicates.provenance.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def survival(attribute: str, **how: Any) -> Rule:
    return Rule(
        id=f"keep-{attribute}",
        task="merge_records",
        dataset="people",
        attribute=attribute,
        statement=f"Keep the {attribute} by {how['keep']}.",
        check={"x-survival": how},
    )


def test_each_entity_has_one_record_and_each_value_says_where_it_is_from(people: Path) -> None:
    with preprocessor(people.parent) as pre:
        found = merged(pre, people)
    assert list(found) == ["1 2 3", "4", "5 6"]
    ann = found["1 2 3"]
    assert ann["records"] == "3"
    assert ann["name"] == "Ann B. Miller"
    assert ann["phone"] == "+49 30 5550101"  # two notations of one number outvote another number
    assert (ann["street"], ann["zip"], ann["town"]) == ("Lindenstr. 5", "10969", "Berlin")
    assert found["4"]["name"] == "Bob Fox"
    phone = next(line for line in provenance(people) if (line["entity"], line["attribute"]) == (1, "phone"))
    assert (phone["row"], phone["decided_by"]) == ("1", "most frequent")
    assert phone["lost"] == [{"row": "3", "value": "+49 40 5559999"}]


def test_an_address_is_never_put_together_from_two(people: Path) -> None:
    header, first, _, third, *_ = PEOPLE.splitlines()
    people.write_text("\n".join([header, first, third]) + "\n", encoding="utf-8")
    with preprocessor(people.parent) as pre:
        ann = merged(pre, people)["1 2"]
    assert (ann["street"], ann["zip"], ann["town"]) == ("Lindenstr. 5", "10969", "Berlin")


@pytest.mark.parametrize(
    ("how", "phone", "row"),
    [
        ({"keep": "latest", "by": "changed"}, "030 5550101", "2"),
        ({"keep": "preferred source", "by": "system", "order": ["news", "crm"]}, "+49 40 5559999", "3"),
        ({"keep": "longest"}, "+49 30 5550101", "1"),
        ({"keep": "most complete"}, "+49 30 5550101", "1"),
    ],
)
def test_a_rule_of_the_knowledge_store_says_which_value_survives(
    people: Path, how: dict[str, Any], phone: str, row: str
) -> None:
    with preprocessor(people.parent) as pre:
        pre.knowledge.add(survival("phone", **how), who="ann")
        assert merged(pre, people)["1 2 3"]["phone"] == phone
    line = next(line for line in provenance(people) if (line["entity"], line["attribute"]) == (1, "phone"))
    assert (line["row"], line["decided_by"]) == (row, "keep-phone@1")


def test_a_rule_of_survival_is_vetted_like_any_other(people: Path) -> None:
    with preprocessor(people.parent) as pre:
        for how in ({"keep": "newest"}, {"keep": "latest"}, {"keep": "longest", "by": "changed"}):
            with pytest.raises(RuleRejected, match="rule of survival keep-phone"):
                pre.knowledge.add(survival("phone", **how), who="ann")
        wrong = survival("phone", keep="longest").model_copy(update={"task": "impute"})
        with pytest.raises(RuleRejected, match="merge_records"):
            pre.knowledge.add(wrong, who="ann")


def test_contradicting_values_wait_for_a_person_whose_choice_stays(people: Path) -> None:
    with preprocessor(people.parent) as pre:
        assert merged(pre, people)["5 6"]["born"] in ("1990-01-01", "1991-12-31")
        assert {line["attribute"] for line in provenance(people) if line["conflict"]} == {"born"}
        store = JobStore(people.parent / "state")
        (case,) = [review for review in next_reviews(store, limit=100)[0] if "born" in review.question]
        assert "One thing has one date of birth" in case.question
        answer_review(store, pre.knowledge, case.id, "1991-12-31", who="ann")
        assert merged(pre, people)["5 6"]["born"] == "1991-12-31"
        born = next(line for line in provenance(people) if (line["entity"], line["attribute"]) == (3, "born"))
        assert (born["row"], born["conflict"]) == ("6", None)
        assert not [review for review in next_reviews(store, limit=100)[0] if "born" in review.question]


def test_the_merged_table_of_two_files_has_the_attributes_of_both(tmp_path: Path) -> None:
    left, right = tmp_path / "crm.csv", tmp_path / "shop.csv"
    left.write_text(
        "name,email,town\nAnn Miller,ann@acme.example,Berlin\nBob Fox,bob@fox.example,Bonn\n", encoding="utf-8"
    )
    right.write_text("name,email,tier\nAnn Miller,ann@acme.example,gold\n", encoding="utf-8")
    with preprocessor(tmp_path) as pre:
        pre.match(left, right)
    with (tmp_path / "crm.matches.merged.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["rows"], row["name"], row["town"], row["tier"]) for row in rows] == [
        ("left:1 right:1", "Ann Miller", "Berlin", "gold"),
        ("left:2", "Bob Fox", "Bonn", ""),
    ]
