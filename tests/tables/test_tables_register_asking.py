"""A register asks about a pair once, about an entity once for each newcomer, and a person's word holds for good."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tables_job import ScriptedEngine

from dp_tools import Preprocessor
from dp_tools.profiling.identity.many import Judgements
from dp_tools.rules.rule import REVIEWED, Example, Rule
from dp_tools.tables.entities.questions import worth_asking
from dp_tools.tables.entities.register import Register
from lab.synthetic.lists import held_back
from lab.synthetic.lists.listing import Record

CONTACTS = held_back.make("contacts", 240, 3)


def write(path: Path, records: Sequence[Record]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, list(CONTACTS.records[0]))
        lines.writeheader()
        lines.writerows(records)
    return path


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def pre(tmp_path: Path, engine: ScriptedEngine) -> Preprocessor:
    return Preprocessor(knowledge=tmp_path / "rules.db", engine=engine, state=tmp_path / "state")


def bring(pre: Preprocessor, path: Path, records: Sequence[Record]) -> dict[str, float | int]:
    return pre.dedupe(write(path, records), register="contacts", key=["uid"], dataset="contacts").figures


def groups(register: Register) -> set[frozenset[str | None]]:
    found: dict[int, set[str | None]] = {}
    for entity, _, _, values in register.mapping():
        found.setdefault(entity, set()).add(values["uid"])
    return {frozenset(group) for group in found.values() if len(group) > 1}


def test_records_that_a_register_knows_are_not_compared_again_however_they_come(
    pre: Preprocessor, engine: ScriptedEngine, tmp_path: Path
) -> None:
    records = list(CONTACTS.records)
    for month in range(3):
        assert bring(pre, tmp_path / f"{month}.csv", records[80 * month : 80 * month + 80])["candidates"] > 0
    asked = engine.asked
    again = bring(pre, tmp_path / "all.csv", records[::-1])
    assert (again["new"], again["changed"], again["candidates"], engine.asked) == (0, 0, 0, asked)
    records[7] = {**records[7], "telephone": "+49 30 5550199"}
    changed = bring(pre, tmp_path / "changed.csv", records)
    assert (changed["new"], changed["changed"]) == (0, 1)
    assert changed["candidates"] <= 30  # its own alone


def test_one_file_into_a_register_makes_the_groups_of_one_run(pre: Preprocessor, tmp_path: Path) -> None:
    once = pre.dedupe(write(tmp_path / "once.csv", CONTACTS.records)).groups
    bring(pre, tmp_path / "file.csv", CONTACTS.records)
    at_once = {frozenset(CONTACTS.records[row - 1]["uid"] for row in rows) for rows in once}
    found = groups(pre.register("contacts"))
    assert len(at_once & found) >= 0.95 * len(at_once | found)


def test_an_answer_to_one_case_does_not_send_every_other_pair_to_the_model(
    pre: Preprocessor, engine: ScriptedEngine, tmp_path: Path
) -> None:
    records = CONTACTS.records
    bring(pre, tmp_path / "1.csv", records[:80])
    case = {"left": dict(records[0]), "right": dict(records[1])}
    answer = Rule(
        id="reviewed",
        task="match_entities",
        dataset="contacts",
        statement=REVIEWED,
        examples=(Example(case=case, label="no"),),
    )
    pre.knowledge.add(answer, who="ann")
    before = engine.asked
    figures = bring(pre, tmp_path / "2.csv", records[80:160])
    assert engine.asked - before < 0.2 * figures["candidates"]


def asked(pairs: list[tuple[int, int]], scores: list[float], entity_of: dict[int, int]) -> list[tuple[int, int]]:
    found = worth_asking(pairs, Judgements(np.array(scores), np.zeros(len(pairs), bool)), entity_of, {8, 9})
    return [pair for pair, is_asked in zip(pairs, found, strict=True) if is_asked]


def test_a_newcomer_is_asked_about_once_for_an_entity_and_not_where_nothing_can_change() -> None:
    entity_of = {1: 1, 2: 1, 3: 2, 4: 3}
    assert asked([(1, 9), (2, 9)], [0.2, 0.4], entity_of) == [(2, 9)]  # one entity
    assert asked([(1, 9), (3, 9)], [0.4, 0.2], entity_of) == [(1, 9)]  # the likeliest of two
    assert asked([(1, 9), (2, 9)], [4.0, 0.2], entity_of) == []  # decided by its other record
    assert asked([(1, 9), (3, 9)], [4.0, 0.2], entity_of) == []  # it has an entity
    assert asked([(1, 9)], [-2.5], entity_of) == []  # too unlikely for any answer
    assert asked([(1, 9)], [-1.5], entity_of) == [(1, 9)]
    assert asked([(1, 9), (3, 9), (4, 9)], [-1.5, -1.5, -1.5], entity_of) == []  # one namesake is as likely as another
    assert asked([(8, 9), (1, 8)], [0.3, 4.0], entity_of) == [(8, 9)]
    assert asked([(1, 9)], [0.3], {**entity_of, 9: 9}) == []  # it has changed, and has an entity
    assert asked([(1, 9)], [1.5], {**entity_of, 9: 9}) == [(1, 9)]  # unless it is likely of another
