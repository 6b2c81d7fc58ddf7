"""Rule packs: the shipped ones, the round trip through YAML, upgrades that keep the user's edits, and refusals."""

from __future__ import annotations

import json
import os
import string
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dp_tools.errors import DpToolsError, InvalidRequest, RuleRejected
from dp_tools.rules.packs import packs
from dp_tools.rules.packs.packs import Pack, dump_pack, load_pack, pack_schema, parse_pack, write_pack
from dp_tools.rules.rule import Example, Rule
from dp_tools.rules.scope import TASKS
from dp_tools.rules.store.knowledge_store import KnowledgeStore


def rule(rule_id: str, statement: str = "Statement.", **fields: Any) -> Rule:
    return Rule(id=rule_id, statement=statement, source="pack", pack="mine", **fields)


def pack(version: int, *rules: Rule) -> Pack:
    return Pack("mine", version, "My rules", (), rules)


def test_the_shipped_packs_are_valid_and_say_so_to_editors() -> None:
    validator = jsonschema_rs.validator_for(pack_schema())
    files = list(packs.shipped())
    assert {"general", "hospital", "beers", "tax", "movies", "products", "citations", "restaurants"} <= {
        file.stem for file in files
    }
    for file in files:
        loaded = load_pack(file)
        assert loaded.name == file.stem
        assert validator.is_valid(yaml.safe_load(file.read_text("utf-8"))), file
        assert file.read_text("utf-8").startswith("# yaml-language-server: $schema=./pack.schema.json\n")


def test_the_schema_file_for_editors_is_the_one_that_the_code_makes() -> None:
    file = next(packs.shipped()).parent / "pack.schema.json"
    assert json.loads(file.read_text("utf-8")) == pack_schema()


def test_shipped_rule_ids_do_not_collide_and_general_statements_are_few() -> None:
    rules = [rule for file in packs.shipped() for rule in load_pack(file).rules]
    assert len({rule.id for rule in rules}) == len(rules)
    with KnowledgeStore.open(":memory:") as store:
        for task in TASKS:
            assert len(store.inject(task=task, dataset=None, attribute="x").rules) <= 1


def test_shipped_packs_are_there_on_first_use_and_only_once(tmp_path: Path) -> None:
    with KnowledgeStore.open(tmp_path / "rules.db") as store:
        first = store.verify()
        assert {found.name for found in store.packs()} >= {"general", "beers"}
    with KnowledgeStore.open(tmp_path / "rules.db") as store:
        assert store.verify() == first


def test_shipped_datasets_know_their_domains() -> None:
    with KnowledgeStore.open(":memory:") as store:
        for name in ("Amazon-Google", "amazon_google", "AMAZON GOOGLE", "Walmart-Amazon"):
            found = store.inject(task="match_entities", dataset=name, attribute=None)
            assert "products-model-number" in {rule.id for rule in found.rules}


def test_conventions_of_known_datasets_are_checks() -> None:
    cases = [
        ("Beers", "ounces", "12.0 oz", "yes"),
        ("Beers", "ounces", "12.0", "no"),
        ("Beers", "abv", "0.05%", "yes"),
        ("Beers", "abv", None, "no"),
        ("Beers", "ibu", "N/A", "yes"),
        ("Beers", "city", "Lyons CO", "yes"),
        ("Beers", "state", None, "yes"),
        ("Tax_trunc", "rate", "0.0", "yes"),
        ("Tax", "rate", "5.05", "no"),
        ("tax-trunc", "zip", "04001", "yes"),
        ("Hospital", "City", "birmingxam", "yes"),
        ("Hospital", "Address2", None, "no"),
        ("Movies_trunc", "rating_count", "26,170", "yes"),
        ("Flights", "sched_dep_time", "12/02/2011 6:55 a.m.", "yes"),
        ("Flights", "act_dep_time", None, "yes"),
    ]
    with KnowledgeStore.open(":memory:") as store:
        for dataset, attribute, value, label in cases:
            injection = store.inject(task="detect_errors", dataset=dataset, attribute=attribute)
            decision = injection.decide({"record": {attribute: value}, "attribute": attribute, "value": value})
            assert decision is not None, (dataset, attribute, value)
            assert decision.label == label, (dataset, attribute, value)


def test_an_upgrade_takes_what_the_user_left_alone_and_keeps_what_they_changed() -> None:
    with KnowledgeStore.open(":memory:", import_shipped=False) as store:
        names = ("same", "theirs", "mine", "both", "dropped", "dropped-mine", "retired", "agreed")
        store.install(pack(1, *(rule(name) for name in names)), who="ann")
        for name in ("mine", "both", "dropped-mine"):
            store.change(name, who="ann", statement="My edit.")
        store.retire("retired", who="ann")
        store.change("agreed", who="ann", statement="New.")
        store.add(Rule(id="taken", statement="My own."), who="ann")
        new = [rule("same"), rule("theirs", "New."), rule("mine"), rule("both", "New."), rule("retired")]
        upgrade = pack(2, *new, rule("agreed", "New."), rule("fresh"), rule("taken"))
        before = store.verify()
        planned = {one.rule_id: one.action for one in store.compare(upgrade)}
        assert store.verify() == before
        done = store.install(upgrade, who="ann")
        assert store.compare(upgrade) == ()
        assert [name for name, action in planned.items() if action == "add"] == [*done.added]
        assert sorted(name for name, action in planned.items() if action == "conflict") == [
            "both",
            "dropped-mine",
            "taken",
        ]
        assert (done.added, done.changed, done.retired) == (("fresh",), ("theirs",), ("dropped",))
        assert set(done.kept) == {"mine", "retired"}
        assert [conflict.rule_id for conflict in done.conflicts] == ["both", "dropped-mine", "taken"]
        statements = {name: store.get(name).statement for name in ("theirs", "mine", "both", "taken", "agreed")}
        assert statements == {
            "theirs": "New.",
            "mine": "My edit.",
            "both": "My edit.",
            "taken": "My own.",
            "agreed": "New.",
        }
        assert store.get("retired").status == "retired"
        assert store.get("dropped-mine").status == "active"
        assert store.verify().whole


def test_a_conflict_is_reported_once_and_later_edits_still_survive() -> None:
    with KnowledgeStore.open(":memory:", import_shipped=False) as store:
        store.install(pack(1, rule("r")), who="ann")
        store.change("r", who="ann", statement="Mine.")
        assert store.install(pack(2, rule("r", "Two.")), who="ann").conflicts
        again = store.install(pack(3, rule("r", "Two."), rule("s")), who="ann")
        assert (again.conflicts, again.kept) == ((), ("r",))
        assert store.get("r").statement == "Mine."


def test_the_same_pack_again_changes_nothing_and_an_older_one_is_refused() -> None:
    with KnowledgeStore.open(":memory:", import_shipped=False) as store:
        store.install(pack(2, rule("r")), who="ann")
        before = store.verify()
        store.install(pack(2, rule("r")), who="ann")
        assert store.verify() == before
        with pytest.raises(RuleRejected, match="newer than 1"):
            store.install(pack(1, rule("r")), who="ann")


def test_a_pack_that_breaks_half_way_leaves_nothing_behind() -> None:
    with KnowledgeStore.open(":memory:", import_shipped=False) as store:
        bad = rule("bad", "Line one.\nLine two.")
        with pytest.raises(RuleRejected):
            store.install(pack(1, rule("good"), bad), who="ann")
        assert store.list() == ()
        assert store.packs() == ()


def test_an_exported_dataset_comes_back_as_it_was(tmp_path: Path) -> None:
    case = {"record": {"zip": "04001"}, "attribute": "zip", "value": "04001"}
    own = Rule(
        id="zip",
        task="detect_errors",
        dataset="Shops",
        attribute="zip",
        statement="A zip has 5 digits.",
        check={"pattern": "^[0-9]{5}$"},
        decides="both",
        examples=(Example(case=case, label="no"),),
        priority=3,
    )
    with KnowledgeStore.open(":memory:", import_shipped=False) as store:
        store.add(own, who="ann")
        store.assign("Shops", "retail", who="ann")
        file = write_pack(store.export("my-shops", title="Shops", dataset="shops"), tmp_path)
    with KnowledgeStore.open(":memory:", import_shipped=False) as store:
        store.install(load_pack(file), who="bob")
        assert store.get("zip") == own.model_copy(update={"source": "pack", "pack": "my-shops"})
        assert store.datasets()[0].domains == ("retail",)


def test_there_must_be_something_to_export() -> None:
    with (
        KnowledgeStore.open(":memory:", import_shipped=False) as store,
        pytest.raises(InvalidRequest, match="no active"),
    ):
        store.export("empty")


_TEXT = st.text(
    st.characters(blacklist_categories=("Cc", "Zl", "Zp", "Cf", "Cs", "Co", "Cn"), blacklist_characters="<>[]#:|"),
    min_size=1,
    max_size=40,
).filter(lambda text: text.strip() != "")
_NAME = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_RULE = st.builds(
    Rule,
    id=_NAME,
    task=st.sampled_from(("all", "impute", "extract_values")),
    dataset=_TEXT,
    domain=_TEXT,
    attribute=_TEXT,
    topic=_TEXT | st.just(""),
    statement=_TEXT,
    check=st.none() | st.fixed_dictionaries({"enum": st.lists(_TEXT | st.none(), min_size=1, max_size=4)}),
    decides=st.sampled_from(("fail", "both")),
    examples=st.lists(st.builds(Example, case=st.dictionaries(_TEXT, _JSON, max_size=3), label=_TEXT), max_size=2).map(
        tuple
    ),
    priority=st.integers(-5, 5),
    source=st.just("pack"),
    pack=st.just("mine"),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(_RULE, max_size=4, unique_by=lambda item: item.id), _TEXT, st.lists(st.tuples(_TEXT, _TEXT), max_size=2)
)
def test_a_pack_survives_the_round_trip_through_yaml(
    rules: list[Rule], title: str, datasets: list[tuple[str, str]]
) -> None:
    made = Pack("mine", 3, title, tuple(datasets), tuple(rules))
    assert parse_pack(dump_pack(made)) == made
    with KnowledgeStore.open(":memory:", import_shipped=False) as store:
        store.install(replace(made, datasets=()), who="ann")
        if rules:
            assert store.export("mine").rules == made.rules


@settings(max_examples=60)
@given(
    st.text(string.printable, max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("utf-8", "replace"))
)
def test_any_text_is_a_pack_or_one_sentence(text: str) -> None:
    with suppress(DpToolsError):
        parse_pack(text)


@pytest.mark.parametrize("word", ["no", "yes", "on", "007", "12:30", "1_000", "2020-01-01", "1e5", "~", "null", "0x1F"])
def test_words_that_yaml_likes_to_read_as_something_else_stay_text(word: str) -> None:
    made = pack(1, rule("r", check={"enum": [word]}))
    assert parse_pack(dump_pack(made)) == made
    if word not in ("~", "null", "1e5"):
        text = f"pack: mine\nversion: 1\ntitle: t\nrules:\n  - id: r\n    statement: s\n    check: {{enum: [{word}]}}\n"
        assert parse_pack(text).rules[0].check == {"enum": [word]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not a pack"),
        ("- a\n- b", "is not a pack"),
        ("pack: mine\nversion: 1\ntitle: t\nrules: 5", "is not a pack"),
        ("pack: ../mine\nversion: 1\ntitle: t\nrules: []", "is not a pack name"),
        ("pack: mine\nversion: 0\ntitle: t\nrules: []", "version of 1 or more"),
        ("pack: mine\nversion: 1\ntitle: t\ncolour: red\nrules: []", "unknown key 'colour'"),
        ("pack: mine\nversion: 1\nversion: 2\ntitle: t\nrules: []", "given twice"),
        ("pack: mine\nversion: 1\ntitle: t\nrules: [{id: a, statement: s}, {id: a, statement: s}]", "twice"),
        ("pack: mine\nversion: 1\ntitle: t\nrules: [{id: a, statement: s, status: active}]", "sets status"),
        ("pack: mine\nversion: 1\ntitle: t\nrules: [{id: a}]", "malformed at statement"),
        ("pack: mine\nversion: 1\ntitle: t\nrules: [{id: a, statement: s, task: fly}]", "names the task 'fly'"),
        ("a: &a [x]\nb: *a", "aliases"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("pack: [", "not valid YAML"),
    ],
)
def test_what_is_not_a_pack_is_refused_with_one_sentence(text: str, problem: str) -> None:
    with pytest.raises(RuleRejected, match=problem.replace("(", r"\(")) as refused:
        parse_pack(text)
    assert "\n" not in str(refused.value)


def test_a_pack_is_read_only_from_a_yaml_file(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("pack: mine")
    (tmp_path / "latin.yaml").write_bytes(b"pack: \xff")
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    for name in ("secret.txt", "latin.yaml", "folder.yaml", "pipe.yaml", "missing.yaml"):
        with pytest.raises(RuleRejected):
            load_pack(tmp_path / name)


def test_a_pack_is_written_whole_and_replaces_nothing_unasked(tmp_path: Path) -> None:
    made = pack(1, rule("r"))
    file = write_pack(made, tmp_path)
    with pytest.raises(RuleRejected, match="exists"):
        write_pack(made, tmp_path)
    assert write_pack(replace(made, title="Other"), tmp_path, replace=True) == file
    assert [found.name for found in tmp_path.iterdir()] == ["mine.yaml"]
    with pytest.raises(RuleRejected, match="cannot be written"):
        write_pack(made, tmp_path / "nowhere")
