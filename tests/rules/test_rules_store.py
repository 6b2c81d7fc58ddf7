"""The knowledge store through its public methods, on real SQLite files."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database
from unwritable import nothing_writable, shelf

from dp_tools.errors import InvalidRequest, KnowledgeUnavailable, RuleRejected
from dp_tools.rules.packs.packs import Pack
from dp_tools.rules.rule import Example, Rule
from dp_tools.rules.store import history
from dp_tools.rules.store.history import Verification
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.rules.store.migrations import migrations


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KnowledgeStore]:
    with KnowledgeStore.open(tmp_path / "rules.db", import_shipped=False) as opened:
        yield opened


def rule(rule_id: str, statement: str = "", **fields: Any) -> Rule:
    return Rule(id=rule_id, statement=statement or f"Statement of {rule_id}.", **fields)


def ids(rules: Any) -> list[str]:
    return [found.id for found in rules]


def test_rules_are_injected_general_first_and_most_binding_last(store: KnowledgeStore) -> None:
    store.assign("Beers", "drinks", who="ann")
    store.add(rule("cell", dataset="Beers", attribute="abv"), who="ann")
    store.add(rule("dataset", dataset="beers"), who="ann")
    store.add(rule("domain", domain="Drinks"), who="ann")
    store.add(rule("general"), who="ann")
    injection = store.inject(task="detect_errors", dataset="BEERS", attribute="ABV", extra=["From the call."])
    assert ids(injection.rules) == ["general", "domain", "dataset", "cell", "call-1"]
    assert injection.rules[-1].source == "call"
    assert injection.overridden == ()


def test_rules_of_another_task_dataset_attribute_or_domain_do_not_hold(store: KnowledgeStore) -> None:
    store.add(rule("task", task="impute"), who="ann")
    store.add(rule("dataset", dataset="Tax"), who="ann")
    store.add(rule("attribute", attribute="ibu"), who="ann")
    store.add(rule("domain", domain="products"), who="ann")
    assert store.inject(task="detect_errors", dataset="Beers", attribute="abv").rules == ()
    assert ids(store.inject(task="impute", dataset="Tax", attribute="IBU").rules) == ["attribute", "task", "dataset"]


def test_ties_go_by_priority_and_then_to_the_older_rule(store: KnowledgeStore) -> None:
    for name, priority in (("old", 0), ("young", 0), ("first", 5)):
        store.add(rule(name, dataset="Tax", priority=priority), who="ann")
    assert ids(store.inject(task="impute", dataset="tax", attribute=None).rules) == ["young", "old", "first"]


def test_of_rules_on_one_topic_only_the_most_binding_acts_and_the_other_is_reported(store: KnowledgeStore) -> None:
    store.add(rule("general-gap", topic="gaps", check={"type": ["string", "null"]}, decides="both"), who="ann")
    store.add(rule("flights-gap", topic="Gaps", dataset="Flights", check={"type": "string"}), who="ann")
    injection = store.inject(task="detect_errors", dataset="Flights", attribute="time")
    assert ids(injection.rules) == ["flights-gap"]
    assert [(entry.rule.id, entry.reason) for entry in injection.overridden] == [
        ("general-gap", "flights-gap takes precedence on gaps")
    ]
    decision = injection.decide({"record": {"time": None}, "attribute": "time", "value": None})
    assert decision is not None
    assert (decision.label, decision.rule.id, decision.decided_by) == ("yes", "flights-gap", "check")


def test_an_example_binds_more_than_a_check_and_the_check_is_reported(store: KnowledgeStore) -> None:
    case = {"record": {"abv": "5%"}, "attribute": "abv", "value": "5%"}
    store.add(rule("no-percent", attribute="abv", check={"not": {"pattern": "%"}}), who="ann")
    store.add(
        rule("seen", task="detect_errors", examples=(Example(case={**case, "value": " 5% "}, label="No"),)), who="ann"
    )
    decision = store.inject(task="detect_errors", dataset=None, attribute="abv").decide(case)
    assert decision is not None
    assert (decision.label, decision.decided_by, decision.rule.id) == ("no", "example", "seen")
    assert [entry.rule.id for entry in decision.overridden] == ["no-percent"]


def test_without_a_rule_the_injection_is_as_if_it_did_not_exist(store: KnowledgeStore) -> None:
    store.add(rule("general-gap", topic="gaps"), who="ann")
    store.add(rule("flights-gap", topic="gaps", dataset="Flights"), who="ann")
    injection = store.inject(task="detect_errors", dataset="Flights", attribute="time")
    assert ids(injection.without("flights-gap").rules) == ["general-gap"]
    assert ids(injection.rules) == ["flights-gap"]


def test_the_budget_serves_the_most_binding_rules_and_names_the_others(store: KnowledgeStore) -> None:
    store.add(rule("far", "one two three four"), who="ann")
    store.add(rule("near", "one two three four", dataset="Tax"), who="ann")
    store.add(rule("other", "five six seven eight"), who="ann")
    injection = store.inject(
        task="impute", dataset="tax", attribute=None, budget=9, count=lambda text: len(text.split())
    )
    assert ids(injection.rules) == ["other", "near"]
    assert [(entry.rule.id, entry.reason) for entry in injection.overridden] == [("far", "near says the same")]
    tight = store.inject(task="impute", dataset="tax", attribute=None, budget=7, count=lambda text: len(text.split()))
    assert all("tokens" in entry.reason or "same" in entry.reason for entry in tight.overridden)
    assert len(tight.overridden) == 3 - len(tight.rules)


def test_a_domain_name_stands_for_its_rules_where_no_dataset_is_known(store: KnowledgeStore) -> None:
    store.add(rule("model-number", domain="products"), who="ann")
    assert ids(store.inject(task="match_entities", dataset="Products", attribute=None).rules) == ["model-number"]
    assert store.inject(task="match_entities", dataset="my shop", attribute=None).rules == ()
    store.assign("My_Shop", "products", who="ann")
    assert ids(store.inject(task="match_entities", dataset="my shop", attribute=None).rules) == ["model-number"]
    store.unassign("my shop", "products", who="ann")
    assert store.inject(task="match_entities", dataset="my shop", attribute=None).rules == ()


def test_a_proposal_does_not_act_until_it_is_accepted(store: KnowledgeStore) -> None:
    proposed = store.propose(rule("idea", status="active", source="person", priority=9), who="agent")
    assert (proposed.status, proposed.source) == ("proposed", "agent")
    assert store.inject(task="impute", dataset=None, attribute=None).rules == ()
    store.accept("idea", who="ann", why="it is right")
    assert ids(store.inject(task="impute", dataset=None, attribute=None).rules) == ["idea"]
    assert [(entry.action, entry.who, entry.why) for entry in store.history("idea")] == [
        ("proposed", "agent", ""),
        ("accepted", "ann", "it is right"),
    ]


def test_a_proposal_under_a_taken_id_gets_a_number(store: KnowledgeStore) -> None:
    store.add(rule("idea"), who="ann")
    assert store.propose(rule("idea", "Other."), who="agent").id == "idea-2"
    assert store.propose(rule("idea", "Another."), who="agent").id == "idea-3"
    assert store.get("idea").statement == "Statement of idea."


def test_the_same_proposal_three_times_is_one_proposal(store: KnowledgeStore) -> None:
    example = Example(case={"record": {"abv": "5%"}, "attribute": "abv", "value": "5%"}, label="yes")
    fields = {"dataset": "Beers", "attribute": "abv", "check": {"type": "number"}, "examples": (example,)}
    first = store.propose(rule("abv", "ABV is a number.", **fields), who="agent")
    for again in (
        rule("abv", "ABV is a number.", **fields),
        rule("another-name", "ABV  is a number.", **{**fields, "dataset": "beers"}),
    ):
        assert store.propose(again, who="agent") == first
    assert len(store.history()) == 1
    others = [
        rule("abv", "ABV is a fraction.", **fields),
        rule("abv", "ABV is a number.", **{**fields, "attribute": "ibu"}),
        rule("abv", "ABV is a number.", **{**fields, "check": {"type": "integer"}}),
        rule("abv", "ABV is a number.", **{**fields, "decides": "both"}),
        rule("abv", "ABV is a number.", **{**fields, "examples": ()}),
    ]
    assert len({store.propose(other, who="agent").id for other in others} | {first.id}) == 6


def test_what_acts_already_is_not_proposed_and_what_was_rejected_may_be(store: KnowledgeStore) -> None:
    store.add(rule("acts", "ABV is a number."), who="ann")
    assert store.propose(rule("idea", "ABV is a number."), who="agent").id == "acts"
    store.propose(rule("bad", "ABV is a colour."), who="agent")
    store.reject("bad", who="ann")
    assert store.propose(rule("bad", "ABV is a colour."), who="agent").id == "bad-2"


def test_a_rejected_proposal_stays_in_the_history(store: KnowledgeStore) -> None:
    store.propose(rule("idea"), who="agent")
    store.reject("idea", who="ann", why="no")
    assert store.get("idea").status == "retired"
    with pytest.raises(InvalidRequest, match="not a proposal"):
        store.reject("idea", who="ann")


def test_every_change_is_a_version_and_an_old_one_can_be_restored(store: KnowledgeStore) -> None:
    example = Example(case={"record": {"a": "1"}, "attribute": "a", "value": "1"}, label="no")
    store.add(rule("r", "First.", examples=(example,), task="detect_errors"), who="ann")
    store.change("r", who="bob", why="clearer", statement="Second.", examples=())
    store.retire("r", who="ann")
    restored = store.restore("r", 1, who="ann")
    assert (restored.version, restored.statement, restored.status) == (4, "First.", "active")
    assert restored == store.get("r")
    assert restored.examples == (example,)
    assert [entry.action for entry in store.history("r")] == ["added", "changed", "retired", "restored"]
    with pytest.raises(InvalidRequest, match="no version 9"):
        store.restore("r", 9, who="ann")
    assert store.verify().whole


def test_what_a_change_may_not_touch_is_refused(store: KnowledgeStore) -> None:
    store.add(rule("r"), who="ann")
    with pytest.raises(RuleRejected, match="status of a rule cannot be changed"):
        store.change("r", who="ann", status="active")
    with pytest.raises(RuleRejected, match="malformed at colour"):
        store.change("r", who="ann", colour="red")
    with pytest.raises(InvalidRequest, match="Say who"):
        store.change("r", who=" ", statement="x")
    assert store.get("r").version == 1


def test_an_unknown_rule_is_named_with_the_nearest_one(store: KnowledgeStore) -> None:
    store.add(rule("beers-abv"), who="ann")
    with pytest.raises(InvalidRequest, match="did you mean beers-abv"):
        store.get("beers-abw")


def test_a_taken_id_is_refused(store: KnowledgeStore) -> None:
    store.add(rule("r"), who="ann")
    with pytest.raises(RuleRejected, match="There is a rule r already"):
        store.add(rule("r"), who="ann")


def test_many_rules_are_added_all_or_none(store: KnowledgeStore) -> None:
    with pytest.raises(RuleRejected):
        store.add_all([rule("one"), rule("two"), rule("one")], who="ann")
    assert store.list() == ()
    assert store.verify().entries == 0


def test_search_finds_by_words_and_takes_any_text_as_words(store: KnowledgeStore) -> None:
    store.add(rule("beers-abv", "An ABV is a decimal.", dataset="Beers"), who="ann")
    store.add(rule("tax-zip", "A zip has no zeros."), who="ann")
    assert ids(store.search("decimal abv")) == ["beers-abv"]
    assert ids(store.search("Beers")) == ["beers-abv"]
    assert store.search("") == ()


def test_lists_filter_by_scope_and_status(store: KnowledgeStore) -> None:
    store.add(rule("a", dataset="DBLP-ACM", task="match_entities"), who="ann")
    store.propose(rule("b", dataset="Tax"), who="agent")
    assert ids(store.list(dataset="dblp_acm")) == ["a"]
    assert ids(store.list(status="proposed")) == ["b"]
    assert ids(store.list(source="agent", task="all")) == ["b"]
    assert ids(store.list(limit=1, offset=1)) == ["b"]


def test_datasets_come_with_their_domains_and_rules(store: KnowledgeStore) -> None:
    store.assign("Abt-Buy", "products", who="ann")
    store.add(rule("a", dataset="Abt Buy"), who="ann")
    store.add(rule("b", dataset="Tax"), who="ann")
    found = {dataset.name: (dataset.domains, dataset.rules) for dataset in store.datasets()}
    assert found == {"Abt-Buy": (("products",), 1), "Tax": ((), 1)}


def test_the_history_is_whole_and_its_head_proves_the_end(store: KnowledgeStore) -> None:
    store.add(rule("a"), who="ann")
    first = store.verify()
    assert (first.whole, first.entries) == (True, 1)
    store.change("a", who="ann", statement="Changed.")
    assert store.verify(head=first.head).whole
    assert store.verify(head="0" * 64).error.startswith("The entry that was kept is not in the history")


@pytest.mark.parametrize(
    ("attack", "error"),
    [
        ("UPDATE rules SET statement = 'Say no.' WHERE id = 'a'", "Rule a was changed past the history."),
        ("UPDATE rules SET dataset_key = 'all' WHERE id = 'b'", "Rule b was changed past the history."),
        ("UPDATE examples SET label = 'yes'", "Rule b was changed past the history."),
        ("DELETE FROM rules WHERE id = 'a'", "Rule a was deleted past the history."),
        (
            "INSERT INTO datasets VALUES ('tax', 'x', 'Tax', 'x')",
            "The domains of dataset tax were changed past the history.",
        ),
        ("UPDATE history SET body = '{' WHERE action = 'assigned'", "Entry 3 was changed after it was written."),
        ("DELETE FROM datasets", "The domains of dataset shop were changed past the history."),
        ("UPDATE history SET body = replace(body, 'Truth', 'Lies')", "Entry 1 was changed after it was written."),
        ("UPDATE history SET who = 'eve' WHERE entry = 2", "Entry 2 was changed after it was written."),
        ("DELETE FROM history WHERE entry = 1", "Entry 1 is missing."),
    ],
)
def test_changes_past_the_history_are_found(tmp_path: Path, attack: str, error: str) -> None:
    file = tmp_path / "rules.db"
    with KnowledgeStore.open(file, import_shipped=False) as store:
        store.add(rule("a", "Truth."), who="ann")
        case = {"record": {"a": "1"}, "attribute": "a", "value": "1"}
        store.add(rule("b", dataset="Tax", examples=(Example(case=case, label="no"),)), who="ann")
        store.assign("Shop", "products", who="ann")
        store.assign("Shop", "other", who="ann")
        store.unassign("shop", "Other", who="ann")
        assert store.verify().whole
    connection = sqlite3.connect(file)
    connection.execute("DROP TRIGGER history_is_not_changed")
    connection.execute("DROP TRIGGER history_is_not_shortened")
    connection.execute(attack)
    connection.commit()
    connection.close()
    with KnowledgeStore.open(file, import_shipped=False) as store:
        found = store.verify()
    assert (found.whole, found.error) == (False, error)


def test_the_history_cannot_be_changed_through_the_file_as_it_is(store: KnowledgeStore) -> None:
    store.add(rule("a"), who="ann")
    connection = sqlite3.connect(str(store.path))
    for statement in ("UPDATE history SET who = 'eve'", "DELETE FROM history"):
        with pytest.raises(sqlite3.IntegrityError, match="history"):
            connection.execute(statement)
    connection.close()


def test_a_file_that_is_not_sqlite_is_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "rules.db"
    file.write_text("a,b\n1,2\n" * 100)
    with pytest.raises(KnowledgeUnavailable, match=r"is not a knowledge store; name another file or move it away\.$"):
        KnowledgeStore.open(file)
    assert file.read_text().startswith("a,b")


def test_a_damaged_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "rules.db"
    file.write_bytes(b"SQLite format 3\x00" + os.urandom(8192))
    with pytest.raises(KnowledgeUnavailable, match=r"rules\.db") as refused:
        KnowledgeStore.open(file)
    assert "\n" not in str(refused.value)


def test_a_store_from_the_future_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "rules.db"
    KnowledgeStore.open(file, import_shipped=False).close()
    connection = sqlite3.connect(file)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('dp-tools-knowledge', 'later', 'x')"
    )
    connection.commit()
    connection.close()
    with pytest.raises(KnowledgeUnavailable, match="made by a newer dp-tools; upgrade dp-tools"):
        KnowledgeStore.open(file)


def test_a_store_that_says_settles_opens_with_its_history_whole(tmp_path: Path) -> None:
    file = tmp_path / "rules.db"
    _write_older_store(file, {"id": "zip", "version": 1, "check": {"pattern": "^[0-9]{5}$"}, "settles": "failed"})
    with KnowledgeStore.open(file, import_shipped=False) as store:
        assert (store.get("zip").decides, store.history("zip")[0].body["decides"]) == ("fail", "fail")
        assert store.verify() == Verification(True, 1, store.history()[0].hash)
        store.change("zip", who="ann", decides="both")
        assert store.restore("zip", 1, who="ann").decides == "fail"
        assert store.verify().whole
        again = Pack("post", 2, "", (), (store.get("zip").model_copy(update={"statement": "New."}),))
        assert store.install(again, who="ann").changed == ("zip",)  # what the pack was is read from the older store


def _write_older_store(file: Path, fields: dict[str, Any]) -> None:
    """A store as it was before `decides`, with one rule of the pack "post"."""
    old = {**rule("zip").model_dump(mode="json"), "source": "pack", "pack": "post", **fields}
    del old["decides"]
    body = history.canonical(old)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        db = Database(connection)
        migrations.apply(db, stop_before="what_a_check_decides")
        row = {**old, "check": json.dumps(old["check"]), "examples": 0}
        row |= {f"{name}_key": old[name] for name in ("dataset", "domain", "attribute")}
        db.table("rules").insert(row)
        db.execute("INSERT INTO packs VALUES ('post', 1, '', 'x')")
        db.execute("INSERT INTO pack_rules VALUES ('post', 'zip', ?)", [body])
        entry = (1, "zip", 1, "added", "post", "", "2026-01-01T00:00:00.000+00:00", body, history.START)
        db.execute(f"INSERT INTO history VALUES ({', '.join('?' * 10)})", [*entry, history.entry_hash(*entry)])
        connection.commit()


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "photos.db"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE photos (id INTEGER)")
    connection.commit()
    connection.close()
    with pytest.raises(KnowledgeUnavailable, match="holds another program's data"):
        KnowledgeStore.open(file)
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("photos",)]
    connection.close()


def test_a_store_that_was_cut_to_nothing_says_so_and_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "knowledge.db"
    file.touch()
    with pytest.raises(KnowledgeUnavailable, match="is empty, so it was cut off: restore it from a backup"):
        KnowledgeStore.open(file)
    assert file.read_bytes() == b""


@pytest.mark.parametrize("left", [1, 15, 16, 99, 100, 4096, 8192, 20_000])
def test_a_store_that_was_cut_short_never_begins_anew(tmp_path: Path, left: int) -> None:
    file = tmp_path / "knowledge.db"
    with KnowledgeStore.open(file, import_shipped=False) as store:
        store.add_all([rule(f"rule-{n}", "x" * 300) for n in range(100)], who="Ann")
    os.truncate(file, left)
    with pytest.raises(KnowledgeUnavailable), KnowledgeStore.open(file, import_shipped=False) as cut:
        cut.list()
    assert file.stat().st_size == left


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such folders")
@pytest.mark.parametrize("in_order", [True, False], ids=["closed in order", "killed"])
def test_a_store_where_nothing_can_be_written_is_read(in_order: bool) -> None:
    with shelf() as folder:
        with KnowledgeStore.open(folder / "first.db", import_shipped=False) as store:
            store.add(rule("old"), who="Ann")
            for name in ("first.db", "first.db-wal"):
                if not in_order:
                    shutil.copy(folder / name, folder / name.replace("first", "knowledge"))
        if in_order:
            (folder / "first.db").rename(folder / "knowledge.db")
        with nothing_writable(folder), KnowledgeStore.open(folder / "knowledge.db") as store:
            assert ids(store.list()) == ["old"]
            assert store.inject(task="impute", dataset=None, attribute=None).rules
            assert store.verify().whole
            assert ids(store.search("old")) == ["old"]
            with pytest.raises(KnowledgeUnavailable, match="it may not be written to"):
                store.add(rule("new"), who="Ann")
            with pytest.raises(KnowledgeUnavailable, match="cannot be opened"):
                KnowledgeStore.open(folder / "another.db")


def test_a_folder_in_place_of_the_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeUnavailable):
        KnowledgeStore.open(tmp_path)


def test_a_store_can_live_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with KnowledgeStore.open(":memory:", import_shipped=False) as store:
        store.add(rule("a"), who="ann")
        assert ids(store.list()) == ["a"]
    assert list(tmp_path.iterdir()) == []


def test_the_users_own_store_is_in_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with KnowledgeStore.open(import_shipped=False) as store:
        assert store.path is not None
        assert tmp_path in store.path.parents
        assert store.path.name == "knowledge.db"


def test_the_injectors_query_uses_the_index_on_a_large_store(store: KnowledgeStore) -> None:
    store.add_all(
        (rule(f"r-{n}", dataset=f"d{n % 500}", attribute=f"a{n % 7}", task="impute") for n in range(3000)), who="ann"
    )
    plan = store.plan(task="impute", dataset="d3", attribute="a3")
    assert any("SEARCH rules USING INDEX rules_in_scope" in step for step in plan)
    assert not any(step.startswith("SCAN") for step in plan)


def test_threads_share_a_store(store: KnowledgeStore) -> None:
    errors: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for number in range(10):
                store.add(rule(f"t{name}-{number}", dataset="Tax"), who=f"thread {name}")
                store.inject(task="impute", dataset="Tax", attribute=None)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(store.list()) == 80
    assert store.verify().whole


WRITER = """
import sys
from dp_tools.rules.rule import Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore
with KnowledgeStore.open(sys.argv[1], import_shipped=False) as store:
    for number in range(int(sys.argv[3])):
        rule = Rule(id=f"p{sys.argv[2]}-{number}", statement=f"Rule {number}.", dataset=f"d{number}")
        print(store.add(rule, who=f"process {sys.argv[2]}").id, flush=True)
"""


def test_processes_write_at_once_and_a_killed_one_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    file = tmp_path / "rules.db"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file), str(name), "15"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in range(8)
    ]
    victim = writers[0]
    assert victim.stdout is not None
    acknowledged = [victim.stdout.readline().strip() for _ in range(3)]
    victim.send_signal(signal.SIGKILL)
    for writer in writers:
        out, error = writer.communicate(timeout=120)
        acknowledged += out.split()
        assert writer is victim or (writer.returncode, error) == (0, "")
    with KnowledgeStore.open(file, import_shipped=False) as store:
        there = set(ids(store.list()))
        assert set(acknowledged) <= there
        assert len(acknowledged) >= 7 * 15 + 3
        found = store.verify()
    assert (found.whole, found.entries) == (True, len(there))


def _hold(path: str, held: Any, done: Any) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    held.set()
    done.wait(10)
    connection.rollback()
    connection.close()


def test_a_writer_waits_for_another_one(store: KnowledgeStore) -> None:
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(str(store.path), held, done))
    holder.start()
    assert held.wait(30)
    threading.Timer(0.3, done.set).start()
    store.add(rule("late"), who="ann")
    assert done.is_set()
    holder.join()
    assert ids(store.list()) == ["late"]


def test_a_store_that_stays_locked_is_one_sentence(store: KnowledgeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dp_tools.rules.store.knowledge_file.PATIENCE_S", 0.05)
    with KnowledgeStore.open(store.path, import_shipped=False) as second:
        blocker = sqlite3.connect(str(store.path), isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(KnowledgeUnavailable, match="another program keeps writing to it"):
            second.add(rule("late"), who="ann")
        blocker.rollback()
        blocker.close()
        second.add(rule("late"), who="ann")
