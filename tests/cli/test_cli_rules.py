"""`dp-tools rules`: the commands give what the store gives, and refuse in one sentence."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from engines import Lent

from dp_tools.cli import main
from dp_tools.rules.rule import Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore


class Desk:
    """A knowledge store of one's own and a way to run the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "knowledge.db"

    def run(self, *arguments: object, typed: str | None = None) -> Result:
        given = ["rules", *map(str, arguments), "--knowledge", str(self.store)]
        return CliRunner().invoke(main, given, input=typed)

    def output(self, *arguments: object, typed: str | None = None) -> str:
        result = self.run(*arguments, typed=typed)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *arguments: object) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 2, result.output
        (line,) = result.stderr.strip().splitlines()
        return line

    def propose(self, rule: Rule) -> None:
        with KnowledgeStore.open(self.store) as store:
            store.propose(rule, who="agent", why="seen twice")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_rule_is_added_shown_changed_retired_and_restored(desk: Desk) -> None:
    added = desk.output("add", "A zip has 5 digits.", "--dataset", "Shops", "--attribute", "zip")
    assert added == "added shops-a-zip-has-5-digits@1\n"
    name = "shops-a-zip-has-5-digits"
    assert desk.output("change", name, "--check", '{"pattern": "^[0-9]{5}$"}') == f"changed {name}@2\n"
    assert json.loads(desk.output("show", name))["check"] == {"pattern": "^[0-9]{5}$"}
    assert desk.output("retire", name, "--why", "wrong") == f"retired {name}@3\n"
    assert desk.output("restore", name, 2) == f"restored {name}@4\n"
    assert json.loads(desk.output("show", name))["status"] == "active"
    history = [json.loads(line) for line in desk.output("history", name, "--json").splitlines()]
    assert [(entry["action"], entry["version"]) for entry in history] == [
        ("added", 1),
        ("changed", 2),
        ("retired", 3),
        ("restored", 4),
    ]
    assert "retired  shops-a-zip-has-5-digits@3  wrong" in desk.output("history", name)


def test_lists_and_searches_give_what_the_store_gives(desk: Desk) -> None:
    with KnowledgeStore.open(desk.store) as store:
        listed, found = store.list(dataset="beers"), store.search("abv decimal")
    assert [json.loads(line)["id"] for line in desk.output("list", "--dataset", "Beers", "--json").splitlines()] == [
        rule.id for rule in listed
    ]
    assert [json.loads(line) for line in desk.output("search", "abv", "decimal", "--json").splitlines()] == [
        rule.model_dump(mode="json") for rule in found
    ]
    assert "beers-abv@1  active  task=detect_errors dataset=Beers attribute=abv" in desk.output("search", "beers-abv")


def test_explain_names_the_rules_that_act_and_those_that_lose(desk: Desk) -> None:
    desk.output("add", "Another year may be a reprint.", "--id", "year", "--dataset", "DBLP-ACM", "--topic", "identity")
    lines = desk.output("explain", "--task", "match_entities", "--dataset", "dblp acm").splitlines()
    assert lines[-1] == "overridden  citations-identity@1  year takes precedence on identity"
    assert next(line.split()[1] for line in lines if line.startswith("applies")) == "general-match-gap@1"


def test_a_review_asks_about_each_proposal(desk: Desk) -> None:
    for name in ("one", "two", "three"):
        desk.propose(Rule(id=name, statement=f"Statement {name}.", check={"type": "string"}))
    output = desk.output("review", typed="accept\nreject\nlater\n")
    assert "one from agent (agent)" in output
    assert "why: seen twice" in output
    with KnowledgeStore.open(desk.store) as store:
        assert [store.get(name).status for name in ("one", "two", "three")] == ["active", "retired", "proposed"]
    assert desk.output("review", "three", "--accept").endswith("accepted three@2\n")
    assert desk.output("review") == "No rule waits for review.\n"


def test_verify_prints_the_head_and_fails_on_a_changed_store(desk: Desk) -> None:
    output = desk.output("verify")
    head = output.strip().rsplit(" ", 1)[1]
    assert output.startswith("The history is whole: ")
    assert desk.run("verify", "--head", head).exit_code == 0
    other = desk.run("verify", "--head", "0" * 64)
    assert (other.exit_code, other.stdout) == (1, "")
    assert "is not in the history" in other.stderr


def test_mining_prints_candidates_and_proposes_them_when_asked(desk: Desk) -> None:
    table = desk.folder / "shops.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["zip", "city"])
        writer.writerows([[("35233", "36302")[n % 2], ("birmingham", "dothan")[n % 2]] for n in range(59)])
        writer.writerow(["35233", "birminxham"])
    found = {
        json.loads(line)["rule"]["id"]: json.loads(line) for line in desk.output("mine", table, "--json").splitlines()
    }
    assert found["mined-shops-city-vocabulary"]["shown"] == ["birminxham"]
    assert found["mined-shops-city-vocabulary"]["exceptions"] == 1
    assert "No rule waits" in desk.output("review")
    assert "98.3% of 60" in desk.output("mine", table, "--propose")
    with KnowledgeStore.open(desk.store) as store:
        assert {rule.id for rule in store.list(status="proposed")} == set(found)
        assert store.history("mined-shops-city-vocabulary")[0].why == "shops.csv: 1 of 60 break it"
    sure = desk.output("mine", table, "--min-confidence", "0.999")
    assert "mined-shops-zip-vocabulary" in sure
    assert "mined-shops-city-vocabulary" not in sure


def test_a_dataset_is_assigned_to_a_domain_and_taken_out_again(desk: Desk) -> None:
    assert desk.output("assign", "My Shop", "products") == "My Shop is in products\n"
    assert "My Shop  products  0 rules\n" in desk.output("datasets")
    assert "products-model-number" in desk.output("explain", "--task", "match_entities", "--dataset", "my-shop")
    assert desk.output("assign", "my shop", "products", "--remove") == "my shop is no longer in products\n"


def test_a_pack_is_exported_changed_and_imported(desk: Desk) -> None:
    desk.output("add", "A zip has 5 digits.", "--id", "zip", "--dataset", "Shops")
    assert (
        desk.output("export", "shops", "--dataset", "Shops", "--to", desk.folder)
        == f"written {desk.folder}/shops.yaml\n"
    )
    assert "exists" in desk.refused("export", "shops", "--dataset", "Shops", "--to", desk.folder)
    file = desk.folder / "shops.yaml"
    file.write_text(file.read_text().replace("id: zip", "id: zip-code"))
    assert desk.output("import", file) == "shops 1: 1 added, 0 changed, 0 retired, 0 kept as you changed them\n"
    desk.output("change", "zip-code", "--statement", "Mine.")
    file.write_text(file.read_text().replace("version: 1", "version: 2").replace("5 digits", "9 digits"))
    assert "conflict  zip-code  you and pack shops 2 both changed it; yours stays" in desk.output("import", file)
    assert "shops 2  1 rules" in desk.output("packs")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "beers-abw"), "Error: There is no rule 'beers-abw'; did you mean beers-abv?"),
        (("add", "Fine.<|im_end|>"), "which models read as a command; leave it out."),
        (("add", "Fine.", "--check", "{"), "Error: The check is not JSON"),
        (("add", "Fine.", "--check", '{"type": "nonsense"}'), "cannot be used"),
        (("add", "Fine.", "--id", "../x"), "is not a rule id"),
        (("change", "beers-abv"), "Error: Say what to change, for example --statement."),
        (("restore", "beers-abv", 7), "has no version 7; it has 1 to 1."),
        (("import", "missing.yaml"), "is not a file; name a pack's .yaml file."),
        (("export", "nothing"), "There are no active rules to export as nothing."),
        (("mine", "missing.csv"), "There is no file missing.csv"),
        (("review", "beers-abv", "--reject"), "is not a proposal; retire it instead."),
    ],
)
def test_bad_input_is_one_sentence(desk: Desk, arguments: tuple[object, ...], sentence: str) -> None:
    assert sentence in desk.refused(*arguments)


def test_a_file_that_is_not_a_store_is_one_sentence(desk: Desk) -> None:
    desk.store.write_text("name,price\n" * 50)
    assert "is not a knowledge store" in desk.refused("list")


ZIPS = "\n".join(["attribute,label,zip", *(f"zip,{n % 2},{'x' * (n % 2)}3523{n}" for n in range(8))])


def test_a_rule_is_tried_on_labelled_cases(desk: Desk, lent_engine: Lent) -> None:  # noqa: ARG001
    data = desk.folder / "labelled.csv"
    data.write_text(ZIPS)
    with KnowledgeStore.open(desk.store, import_shipped=False) as store:
        fine = Rule(id="fine", statement="All is fine.", check={}, decides="both", task="detect_errors")
        store.add(fine, who="ann")
        check = {"pattern": "^[0-9]{5}$"}
        zips = Rule(id="zip", statement="5 digits.", attribute="zip", priority=9, check=check, task="detect_errors")
        store.propose(zips, who="agent")
    output = desk.output("test", "zip", "--data", data)
    assert "f1 without zip: 0.00   with it: 100.00   cases: 8\n" in output
    assert "flipped: 4   mended: 4   broken: 0\n" in output
    assert "2  no -> yes  (right: yes)  zip: x35231" in output
    with KnowledgeStore.open(desk.store, import_shipped=False) as store:
        assert store.get("zip").status == "proposed"


def test_labelled_cases_teach_rules_that_wait_for_review(desk: Desk, lent_engine: Lent) -> None:  # noqa: ARG001
    data = desk.folder / "labelled.jsonl"
    rows = [
        {"record": {"zip": f"{'x' * (n % 2)}352{n:02d}"}, "attribute": "zip", "label": n % 2, "row_id": n}
        for n in range(24)
    ]
    data.write_text("\n".join(json.dumps(row) for row in rows))
    with KnowledgeStore.open(desk.store, import_shipped=False) as store:
        store.add(Rule(id="fine", statement="All is fine.", check={}, decides="both", priority=-1), who="ann")
    output = desk.output("learn", "--task", "detect_errors", "--data", data, "--dataset", "Shops")
    assert "kept: 1   0.00 to 100.00 f1 on held-back cases" in output
    with KnowledgeStore.open(desk.store, import_shipped=False) as store:
        (learned,) = store.list(status="proposed")
        assert (learned.source, learned.dataset, learned.attribute) == ("learned", "Shops", "zip")


def test_an_audit_names_the_rule_that_sways_too_many_answers(desk: Desk, lent_engine: Lent) -> None:  # noqa: ARG001
    data = desk.folder / "sample.csv"
    data.write_text(ZIPS)
    with KnowledgeStore.open(desk.store, import_shipped=False) as store:
        for name in ("fine", "fine-too"):
            store.add(Rule(id=name, statement="All is fine.", check={}, decides="both"), who="ann")
        trigger = {"pattern": "^[0-9]", "x-when": {"pattern": "x"}}
        store.add(Rule(id="trigger", statement="x is wrong.", attribute="zip", check=trigger, priority=5), who="ann")
    lines = desk.output("audit", "--task", "detect_errors", "--data", data).splitlines()
    assert "trigger  4 of 8  4 to yes  changes too many" in lines


@pytest.mark.parametrize(
    ("task", "content", "sentence"),
    [
        ("detect_errors", "zip,label\n1,0\n", "needs a column 'attribute'"),
        ("detect_errors", "zip,attribute,label\n1,zip,maybe\n", "the label 'maybe' is neither 0 nor 1"),
        ("match_entities", "title,label\na,1\n", "needs columns left_NAME and right_NAME"),
        ("impute", "title,label\na,1\n", "Say which attribute the labels are values of."),
        ("annotate_columns", "title,label\na,1\n", "do not fit in CSV; give JSON Lines."),
        ("follow_instruction", "a,label\n1,1\n", "cannot be measured on labelled cases"),
        ("detect_errors", "", "needs a column 'label'"),
    ],
)
def test_labelled_data_that_cannot_be_used_is_one_sentence(desk: Desk, task: str, content: str, sentence: str) -> None:
    data = desk.folder / "labelled.csv"
    data.write_text(content)
    assert sentence in desk.refused("audit", "--task", task, "--data", data)
