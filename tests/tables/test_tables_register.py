"""A register keeps the ids of entities from file to file; only persons merge and split them, and any step is undone."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from register_arrivals import arrive
from tables_job import ScriptedEngine

from dp_tools import Preprocessor
from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.rules.rule import Example, Rule
from dp_tools.tables.entities.grouping import groups_of
from dp_tools.tables.entities.register import Register
from dp_tools.tables.entities.register_file import RegisterFile
from dp_tools.tables.entities.steps import Step, settle, threshold_of


@pytest.fixture(scope="module")
def pre(tmp_path_factory: pytest.TempPathFactory) -> Preprocessor:
    return Preprocessor(knowledge=":memory:", engine=ScriptedEngine(), state=tmp_path_factory.mktemp("state"))


def places(register: Register) -> dict[str | None, int]:
    return {values["id"]: entity for entity, _, _, values in register.mapping()}


def partition(register: Register) -> set[frozenset[str | None]]:
    found: dict[int, set[str | None]] = {}
    for name, entity in places(register).items():
        found.setdefault(entity, set()).add(name)
    return {frozenset(group) for group in found.values()}


names_and_batches = st.integers(2, 8).flatmap(
    lambda count: st.tuples(
        st.permutations([f"r{number}" for number in range(count)]),
        st.lists(st.integers(0, 3), min_size=count, max_size=count),
        st.lists(st.sampled_from([0.05, 0.1, 0.3, 0.6, 0.9, 0.97]), min_size=28, max_size=28),
    )
)


def batches_of(names: Sequence[str], numbers: Sequence[int]) -> list[list[str]]:
    batches = [[name for name, number in zip(names, numbers, strict=True) if number == batch] for batch in range(4)]
    return [batch for batch in batches if batch]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names_and_batches)
def test_whatever_the_order_of_files_the_result_is_that_of_one_run_up_to_what_waits_for_a_person(
    pre: Preprocessor, tmp_path_factory: pytest.TempPathFactory, drawn: tuple[list[str], list[int], list[float]]
) -> None:
    names, numbers, scores = drawn
    truth = {frozenset(pair): score for pair, score in zip(combinations(sorted(names), 2), scores, strict=False)}
    path = tmp_path_factory.mktemp("r") / "r.register.sqlite"
    before: dict[str | None, int] = {}
    for number, batch in enumerate(batches_of(names, numbers)):
        arrive(pre, path, batch, truth, f"month {number}")
        now = places(Register(path, pre.knowledge))
        assert before.items() <= now.items()  # no id changes by itself
        before = now
    register = Register(path, pre.knowledge)
    place = {name: number for number, name in enumerate(sorted(names))}
    pairs = {(place[a], place[b]): truth[frozenset((a, b))] for a, b in combinations(sorted(names), 2)}
    with RegisterFile(path).reading() as connection:
        threshold = threshold_of(connection)
    at_once = {
        frozenset(sorted(names)[number] for number in group)
        for group in groups_of(list(place.values()), pairs, (), threshold)
    }
    assert (partition(register) == at_once) == (not register.waiting())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names_and_batches, st.lists(st.integers(0, 2), min_size=8, max_size=8), st.data())
def test_a_person_who_says_yes_to_what_waits_gets_what_one_run_over_everything_gives(
    pre: Preprocessor,
    tmp_path_factory: pytest.TempPathFactory,
    drawn: tuple[list[str], list[int], list[float]],
    things: list[int],
    data: st.DataObject,
) -> None:
    names, numbers, _ = drawn
    thing = dict(zip(sorted(names), things, strict=False))
    truth = {
        frozenset((a, b)): data.draw(st.sampled_from([0.6, 0.95] if thing[a] == thing[b] else [0.02, 0.2]))
        for a, b in combinations(sorted(names), 2)
    }
    path = tmp_path_factory.mktemp("r") / "r.register.sqlite"
    for number, batch in enumerate(batches_of(names, numbers)):
        arrive(pre, path, batch, truth, f"month {number}")
    register = Register(path, pre.knowledge)
    for _ in range(20):
        if not (questions := register.waiting()):
            break
        assert questions[0].other is not None
        register.merge([questions[0].entity, questions[0].other], who="ann")
    assert partition(register) == {
        frozenset(name for name in names if thing[name] == number) for number in set(thing.values())
    }


TRUTH = {
    frozenset(pair): score
    for pair, score in {
        ("a", "b"): 0.1,
        ("a", "c"): 0.9,
        ("b", "c"): 0.95,
        ("a", "d"): 0.1,
        ("b", "d"): 0.1,
        ("c", "d"): 0.1,
    }.items()
}


def test_what_would_merge_two_entities_waits_and_a_persons_word_binds(pre: Preprocessor, tmp_path: Path) -> None:
    path = tmp_path / "people.register.sqlite"
    truth = {**TRUTH, frozenset(("a", "b")): 0.3}
    arrive(pre, path, ["a", "b"], truth, "january")
    register = Register(path, pre.knowledge)
    assert places(register) == {"a": 1, "b": 2}
    arrive(pre, path, ["c"], truth, "february")
    assert places(register) == {"a": 1, "b": 2, "c": 2}
    (question,) = register.waiting()
    assert (question.entity, question.other) == (1, 2)
    register.keep_apart(1, 2, who="ann")
    assert register.waiting() == []
    arrive(pre, path, ["d"], truth, "march")
    assert register.waiting() == []
    assert register.merge([2, 1], who="ann", why="one person after all") == 1
    assert places(register) == {"a": 1, "b": 1, "c": 1, "d": 3}
    assert [(step.what, step.who) for step in register.history(2)] == [
        ("file", "ann"),
        ("file", "ann"),
        ("merged", "ann"),
    ]
    assert register.undo(5, who="ann") == 2
    assert places(register) == {"a": 1, "b": 2, "c": 2, "d": 3}
    assert register.waiting() == []  # what was said before the merge holds again
    with pytest.raises(InvalidRequest, match="undone already"):
        register.undo(5, who="ann")
    register.undo(6, who="ann")  # the undoing itself can be undone
    assert places(register) == {"a": 1, "b": 1, "c": 1, "d": 3}


def test_a_split_binds_and_one_file_alone_can_be_undone(pre: Preprocessor, tmp_path: Path) -> None:
    path = tmp_path / "people.register.sqlite"
    truth = {frozenset(pair): 0.9 for pair in combinations("abcd", 2)}
    arrive(pre, path, ["a", "b"], truth, "january")
    arrive(pre, path, ["c"], truth, "february")
    arrive(pre, path, ["d"], truth, "march")
    register = Register(path, pre.knowledge)
    assert places(register) == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert register.undo(2, who="ann", why="a wrong export") == 1
    assert places(register) == {"a": 1, "b": 1, "d": 1}
    arrive(pre, path, ["c"], truth, "february again")
    assert places(register) == {"a": 1, "b": 1, "c": 1, "d": 1}
    records = {one.values["id"]: one.record for one in register.entity(1).records}
    with pytest.raises(InvalidRequest, match="not all"):
        register.split(1, list(records.values()), who="ann")
    made = register.split(1, [records["b"]], who="ann")
    arrive(pre, path, ["b", "a"], truth, "april")  # nothing is new
    assert places(register) == {"a": 1, "b": made, "c": 1, "d": 1}
    assert [step.what for step in register.history()] == ["file", "file", "file", "undone", "file", "split"]


def test_a_run_that_was_in_force_is_not_done_twice_and_history_cannot_be_changed(
    pre: Preprocessor, tmp_path: Path
) -> None:
    path = tmp_path / "people.register.sqlite"
    arrive(pre, path, ["a", "b"], TRUTH, "job 1")
    arrive(pre, path, ["a", "b"], TRUTH, "job 1")
    assert len(Register(path, pre.knowledge).history()) == 1
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="not changed"):
        connection.execute("UPDATE steps SET who = 'eve'")
    connection.close()
    path.with_name("cut.register.sqlite").touch()
    with pytest.raises(TableUnavailable, match="cut off"):
        RegisterFile(path.with_name("cut.register.sqlite"))
    with pytest.raises(InvalidRequest, match="no register"):
        Register(path.with_name("none.register.sqlite"), pre.knowledge)


@pytest.mark.parametrize(("label", "together"), [("yes", True), ("no", False)])
def test_the_answer_to_a_review_holds_from_the_next_file_on(tmp_path: Path, label: str, together: bool) -> None:
    path = tmp_path / "people.register.sqlite"
    truth = {**TRUTH, frozenset(("a", "b")): 0.3}
    with Preprocessor(knowledge=":memory:", engine=ScriptedEngine(), state=tmp_path / "state") as own:
        arrive(own, path, ["a", "b"], truth, "january")
        arrive(own, path, ["c"], truth, "february")
        register = Register(path, own.knowledge)
        (question,) = register.waiting()
        left, right = (register.values(record) for record in question.records)
        example = Example(case={"left": left, "right": right}, label=label)
        own.knowledge.add(
            Rule(id="reviewed", task="match_entities", statement="A person decided.", examples=(example,)), who="ann"
        )
        arrive(own, path, ["d"], truth, "march")
        assert register.waiting() == []
        assert (len(set(places(register).values())) == 2) is together
        assert register.history()[-2].why == "example of rule reviewed"


def test_words_that_contradict_each_other_wait_for_a_person_until_one_is_taken_back(
    pre: Preprocessor, tmp_path: Path
) -> None:
    path = tmp_path / "people.register.sqlite"
    truth = {frozenset(pair): 0.1 for pair in combinations("abcdef", 2)}
    arrive(pre, path, ["a", "b"], truth, "january")
    register = Register(path, pre.knowledge)
    register.keep_apart(1, 2, who="ann")
    arrive(pre, path, ["c"], truth, "february")
    register.merge([1, 3], who="ann")
    with RegisterFile(path).writing() as connection:  # as an example about two records says it
        Step(connection, "file", who="bob").say([(2, 3)], same=True)
        settle(connection, [2, 3])
    assert places(register) == {"a": 1, "b": 2, "c": 1}
    (question,) = register.waiting()
    assert (question.entity, question.other, question.records) == (1, 2, (2, 3))
    for number, name in enumerate("def"):
        arrive(pre, path, [name], truth, f"later {number}")
    assert [(one.entity, one.other) for one in register.waiting()] == [(1, 2)]
    register.keep_apart(1, 2, who="ann", why="two people")
    assert register.waiting() == []


def test_a_persons_word_holds_over_later_files_and_changes_of_the_records(pre: Preprocessor, tmp_path: Path) -> None:
    path = tmp_path / "people.register.sqlite"
    truth = {frozenset(pair): 0.9 for pair in combinations("abcd", 2)} | {frozenset("d"): 0.9}
    truth |= {frozenset(("d", name)): 0.05 for name in "abc"}
    arrive(pre, path, ["a", "b"], truth, "january")
    arrive(pre, path, ["d"], truth, "february")
    register = Register(path, pre.knowledge)
    records = {one.values["id"]: one.record for one in register.entity(1).records}
    apart = register.split(1, [records["b"]], who="ann")
    register.merge([1, 2], who="ann")
    arrive(pre, path, ["c"], truth, "march")
    for month, word in enumerate(("other", "words", "same")):
        arrive(pre, path, ["a", "b", "c", "d"], truth, f"month {month}", word)
        found = places(register)
        assert (found["a"], found["b"], found["d"]) == (1, apart, 1)
        assert not [one for one in register.waiting() if {one.entity, one.other} == {1, apart}]
