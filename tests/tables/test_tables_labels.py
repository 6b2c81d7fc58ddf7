"""Labelled rows: which are chosen, what they teach, and that it stays with the dataset."""

from __future__ import annotations

import csv
import random
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from tables_job import ScriptedEngine

from dp_tools.cli import main
from dp_tools.engine.questions import LabelScores, Question, Result
from dp_tools.errors import InvalidRequest
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.rules.rule import REVIEWED, Example, Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import Cleaner, Detection, Repair
from dp_tools.tables.clean.learning import MODEL
from dp_tools.tables.jobs.job_store import JobStore
from dp_tools.tables.jobs.reviews import next_reviews
from dp_tools.tables.labelled.choice import choose_rows
from dp_tools.tables.labelled.clusters import Clusters
from dp_tools.tables.labelled.comparison import compared, leads
from dp_tools.tables.labelled.detection import CellLabels, Column, Floats, learned
from dp_tools.tables.labelled.detectors import Coded, detected
from dp_tools.tables.labelled.labelled_rows import LabelledRows, labelled_rows
from dp_tools.tables.labelled.updates import updates
from dp_tools.tables.snapshot import Table, inline_table, open_table

CITIES = {"Bend": "OR", "Gary": "IN", "Minneapolis": "MN", "Louisville": "KY", "Framingham": "MA"}
Row = dict[str, str]


def beers(count: int = 100, seed: int = 1) -> tuple[list[Row], list[Row]]:
    """Beers as they are found and as they should be: units behind numbers, and gaps that are no errors elsewhere."""
    rng = random.Random(seed)
    right = []
    for number in range(count):
        city = rng.choice(list(CITIES))
        size = rng.choice(("12", "16", "24"))
        right.append({"id": f"b{number}", "size": size, "city": city, "state": CITIES[city], "note": rng.choice("xyz")})
    found = [dict(one) for one in right]
    for one in found:
        one["size"] = f"{one['size']}{rng.choice((' oz', ' ounce', ''))}"
        if rng.random() < 0.2:
            one["state"] = ""
        if rng.random() < 0.3:
            one["note"] = ""
    for one, other in zip(found, right, strict=True):
        other["note"] = one["note"]
    return found, right


@pytest.fixture
def preprocessor() -> Iterator[Preprocessor]:
    with Preprocessor(knowledge=":memory:", engine=ScriptedEngine()) as opened:
        yield opened


def worked(
    preprocessor: Preprocessor, table: Table, labels: LabelledRows | None
) -> tuple[Detection, Repair, set[tuple[int, str]]]:
    cleaner = Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [], labels=labels)
    detection = cleaner.detect()
    return detection, cleaner.repair(detection.wrong), {(cell.row, cell.attribute) for cell in detection.wrong}


def labelled(found: list[Row], right: list[Row], rows: list[int]) -> LabelledRows:
    return LabelledRows({row: right[row] for row in rows}, tuple(found[0]))


def wrong_cells(found: list[Row], right: list[Row]) -> dict[tuple[int, str], str]:
    return {
        (row, name): right[row][name] for row, one in enumerate(found) for name in one if one[name] != right[row][name]
    }


def write(path: Path, rows: list[Row]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_labelled_rows_teach_what_is_wrong_in_the_others_and_what_belongs_there(preprocessor: Preprocessor) -> None:
    found, right = beers()
    truth = wrong_cells(found, right)
    with inline_table(found) as table:
        rows = choose_rows(table, 20)
        assert len(set(rows)) == 20
        before = worked(preprocessor, table, None)[2]
        detection, repair, flagged = worked(preprocessor, table, labelled(found, right, rows))
    assert len(before & truth.keys()) < len(truth) / 2
    assert len(flagged & truth.keys()) > 0.95 * len(truth)
    assert len(flagged - truth.keys()) < 0.05 * len(truth)
    made = {(change.row, change.attribute): change.new for change in repair.changes}
    assert sum(truth.get(cell) == new for cell, new in made.items()) > 0.9 * len(truth)
    assert detection.taught is not None
    assert detection.taught.best.f1 > 0.9
    assert "labels" in detection.taught.sentence


def test_labelled_cells_are_judged_and_repaired_as_their_labels_say(preprocessor: Preprocessor) -> None:
    found, right = beers(60)
    right[3]["note"], right[4]["size"] = "a better note", "7 barrels"
    with inline_table(found) as table:
        _, repair, flagged = worked(preprocessor, table, labelled(found, right, list(range(10))))
    truth = wrong_cells(found[:10], right[:10])
    assert {cell for cell in flagged if cell[0] < 10} == truth.keys()
    assert {(c.row, c.attribute): c.new for c in repair.changes if c.row < 10} == truth
    assert all(c.source == "label" and c.confidence == 1 for c in repair.changes if c.row < 10)


def test_the_model_is_asked_about_labelled_cells_alone_where_it_adds_nothing(preprocessor: Preprocessor) -> None:
    found, right = beers()
    with inline_table(found) as table:
        detection, _, _ = worked(preprocessor, table, labelled(found, right, choose_rows(table, 20)))
    assert detection.taught is not None
    assert detection.taught.best.prior != MODEL
    assert 0 < detection.taught.asked < detection.questions
    assert f"it was asked {detection.taught.asked} questions about labelled cells" in detection.taught.sentence


def test_the_same_labels_and_seed_give_the_same_result(preprocessor: Preprocessor) -> None:
    found, right = beers(80)
    with inline_table(found) as table:
        rows = choose_rows(table, 10, seed=3)
        assert rows == choose_rows(table, 10, seed=3)
        results = [worked(preprocessor, table, labelled(found, right, rows)) for _ in range(2)]
    assert results[0][1] == results[1][1]
    assert results[0][2] == results[1][2]


@given(st.lists(st.text("ab1. %", max_size=6), min_size=6, max_size=30), st.data())
@settings(max_examples=30)
def test_a_learner_gives_probabilities_and_equal_cells_the_same_one(cells: list[str], data: st.DataObject) -> None:
    column = Coded.of(cells)
    features = detected({"a": column}, "a")[1]
    rows = data.draw(st.lists(st.sampled_from(range(len(cells))), min_size=1, max_size=6, unique=True))
    wrong = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    one = Column(features, Clusters(features, 0), np.zeros(len(cells)))
    found = learned(one, rows, wrong, 0)
    assert ((found >= 0) & (found <= 1)).all()
    assert all(len(set(found[column.codes == code].tolist())) == 1 for code in range(len(column.values)))
    assert (found == learned(one, rows, wrong, 0)).all()


@given(st.text(max_size=20), st.text(max_size=20))
def test_every_update_makes_the_labelled_value(old: str, new: str) -> None:
    found = updates(old, new)
    assert bool(found) == (old != new)
    assert all(update.apply(old) == new for update in found)


@pytest.mark.parametrize(
    ("old", "new", "other", "changed"),
    [
        ("12.0 oz", "12", "16.0 oz", "16"),
        ("0.05%", "0.05", "0.071%", "0.071"),
        ("3/12/2011", "2011-03-12", "4/7/2010", "2010-04-07"),
        ("Bend OR", "Bend", "Fort Collins CO", "Fort Collins"),
        ("N/A", "", "N/A", ""),
        ("SMITH", "Smith", "JONES", "Jones"),
    ],
)
def test_an_update_changes_other_values_likewise(old: str, new: str, other: str, changed: str) -> None:
    assert changed in {update.apply(other) for update in updates(old, new)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("row,size\n200,12\n", "must be a number from 1 to 60"),
        ("row,size\n2,12\n2,12\n", "holds row 2 twice"),
        ("row,colour\n2,red\n", "has a column 'colour' that .* lacks"),
        ("size\n12\n", "does not say which rows"),
    ],
)
def test_labelled_rows_that_cannot_be_matched_are_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(content)
    with (
        inline_table(beers(60)[0]) as table,
        open_table(tmp_path / "labels.csv") as labels,
        pytest.raises(InvalidRequest, match=message),
    ):
        labelled_rows(table, labels)


def test_labelled_rows_are_matched_by_a_key_where_no_row_is_named(tmp_path: Path) -> None:
    found, right = beers(60)
    with inline_table(found) as table, open_table(write(tmp_path / "labels.csv", [right[7], right[2]])) as labels:
        assert labelled_rows(table, labels).rows == {7: right[7], 2: right[2]}


def test_what_was_learned_is_used_on_the_next_file_of_the_dataset_until_it_is_removed(tmp_path: Path) -> None:
    (first, right), (second, right_second) = beers(120, 1), beers(120, 2)
    store = tmp_path / "rules.db"
    with inline_table(first) as table:
        rows = choose_rows(table, 20)
    labels = write(tmp_path / "labels.csv", [{"row": str(row + 1), **right[row]} for row in rows])
    file, later = write(tmp_path / "first.csv", first), write(tmp_path / "second.csv", second)
    truth = wrong_cells(second, right_second)
    with Preprocessor(knowledge=store, engine=ScriptedEngine(), state=tmp_path / "state") as pre:
        pre.clean(file, labelled=labels, dataset="our brews")
        taught = {(int(one["row"]) - 1, one["attribute"]) for one in pre.clean(later, dataset="our brews").changes}
        apart = {(int(one["row"]) - 1, one["attribute"]) for one in pre.clean(later, output=tmp_path / "x.csv").changes}
    assert len(apart & truth.keys()) < len(taught & truth.keys())
    assert len(taught & truth.keys()) > 0.8 * len(truth)
    with KnowledgeStore.open(store) as opened:
        (kept,) = opened.list_learned("our brews")
        assert (kept.labels, kept.version, len(opened.labels("our brews", "cells"))) == (20, 1, 20)
        assert kept.after > kept.before
    removed = CliRunner().invoke(main, ["learned", "remove", "our brews", "--knowledge", str(store)])
    assert removed.exit_code == 0
    listed = CliRunner().invoke(main, ["learned", "list", "--knowledge", str(store)])
    assert (listed.exit_code, listed.stdout) == (0, "")


def test_the_rows_to_label_are_written_to_be_corrected(tmp_path: Path) -> None:
    file = write(tmp_path / "beers.csv", beers(60)[0])
    answer = CliRunner().invoke(main, ["label", str(file), "--rows", "5"])
    assert answer.exit_code == 0, answer.output
    with open_table(file) as table, open_table(tmp_path / "beers.to-label.csv") as labels:
        read = labelled_rows(table, labels)
        assert len(read.rows) == 5
        assert read.corrected(table) == []


def test_labels_of_columns_that_are_not_judged_change_nothing(preprocessor: Preprocessor) -> None:
    found, right = beers(40)
    labels = LabelledRows({0: {"note": right[0]["note"]}}, ("note",))
    with inline_table(found) as table:
        cleaner = Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [], ["size"], labels=labels)
        assert cleaner.detect().taught is None


class Suspicious(ScriptedEngine):
    """Calls every value wrong that ends with zz."""

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        super().answer(questions, progress=progress, cancel=cancel)
        texts = ["".join(segment.text for segment in one.segments) for one in questions]
        return [LabelScores((0.95, 0.05) if 'zz"' in text else (0.05, 0.95), self.name) for text in texts]


def codes(seed: int = 1) -> list[Row]:
    """Codes of which some end with zz, as they may."""
    rng = random.Random(seed)
    numbers = rng.sample(range(100, 1000), 200)
    return [
        {"item": rng.choice("xyz"), "code": f"{rng.choice('ABC')}-{number}{'zz' if place % 12 == 0 else ''}"}
        for place, number in enumerate(numbers)
    ]


def say(preprocessor: Preprocessor, found: list[Row], answers: dict[int, str]) -> None:
    """Keep answers about codes as examples of a rule."""
    examples = tuple(
        Example(case={"record": found[row], "attribute": "code", "value": found[row]["code"]}, label=label)
        for row, label in answers.items()
    )
    rule = Rule(id="reviewed", task="detect_errors", dataset="shop", statement=REVIEWED, examples=examples)
    preprocessor.knowledge.add(rule, who="a person")


def called_wrong(preprocessor: Preprocessor, found: list[Row]) -> tuple[set[int], Detection]:
    with inline_table(found) as table:
        cleaner = Cleaner(Work(preprocessor.decider, NoJournal()), table, "shop", [], ["code"], include=["code"])
        detection = cleaner.detect()
    return {cell.row for cell in detection.wrong}, detection


@pytest.mark.parametrize("month", [1, 2])
def test_answers_about_cells_teach_the_next_detection_of_the_dataset(month: int) -> None:
    found = codes()
    with Preprocessor(knowledge=":memory:", engine=Suspicious()) as preprocessor:
        before, _ = called_wrong(preprocessor, later := codes(month))
        say(preprocessor, found, dict.fromkeys(range(0, 120, 12), "no"))
        after, detection = called_wrong(preprocessor, later)
    assert before == set(range(0, 200, 12))
    assert after == set()
    assert detection.taught is not None
    assert (
        "10 answers about cells hold no wrong cell. Wrong cells are found by the model and labels."
        in detection.taught.sentence
    )


def test_a_few_answers_decide_their_cells_alone() -> None:
    found = codes()
    with Preprocessor(knowledge=":memory:", engine=Suspicious()) as preprocessor:
        say(preprocessor, found, dict.fromkeys(range(0, 84, 12), "no"))
        after, detection = called_wrong(preprocessor, found)
    assert after == set(range(84, 200, 12))
    assert detection.taught is None


def test_answers_that_confirm_what_is_called_wrong_take_nothing_away() -> None:
    found = codes()
    with Preprocessor(knowledge=":memory:", engine=Suspicious()) as preprocessor:
        say(preprocessor, found, dict.fromkeys(range(0, 120, 12), "yes"))
        after, detection = called_wrong(preprocessor, found)
    assert after == set(range(0, 200, 12))
    assert detection.taught is not None
    assert detection.taught.best.f1 == 1


def test_the_right_value_as_an_answer_is_written_by_the_next_cleaning(tmp_path: Path) -> None:
    found, _ = beers()
    for row in (3, 9, 17):
        found[row]["city"] = "Fizz"
    file, store, state = write(tmp_path / "beers.csv", found), tmp_path / "rules.db", tmp_path / "state"
    with Preprocessor(knowledge=store, engine=Suspicious(), state=state) as preprocessor:
        preprocessor.clean(file, ["city"], dataset="shop")
        reviews, _ = next_reviews(JobStore(state), limit=1)
        assert reviews[0].answers == "yes, no, or the right value"
        where = ["--knowledge", str(store), "--state", str(state)]
        short = CliRunner().invoke(main, ["reviews", "answer", str(reviews[0].id), "y", *where])
        assert (short.exit_code, "yes or no in full" in short.stderr) == (2, True)
        kept = CliRunner().invoke(main, ["reviews", "answer", str(reviews[0].id), "Fort Collins", *where])
        assert kept.exit_code == 0, kept.output
        again = preprocessor.clean(file, ["city"], dataset="shop", overwrite=True)
    new = {int(change["row"]): change["new"] for change in again.changes}
    assert [row for row, value in new.items() if value == "Fort Collins"] == [reviews[0].row]


def test_a_labelled_row_that_is_kept_is_found_in_the_same_file_again() -> None:
    found, right = beers(40)
    with inline_table(found) as table:
        kept = LabelledRows({}, ()).with_earlier(table, [(dict(found[7]), right[7]), ({"id": "x"}, {"id": "y"})])
    assert set(kept.rows) == {7, 40}
    assert len(kept.beside) == 1


def test_what_is_used_without_labels_stays_unless_another_way_is_clearly_better() -> None:
    rows = np.arange(20)
    wrong = rows % 2 == 0
    features = np.random.default_rng(0).random((20, 2))
    column = Column(features, Clusters(features, 0), wrong.astype(float))
    labels = [CellLabels(rows, wrong, np.ones(20, bool))]

    def used(counted: Floats, model: Floats) -> tuple[str, bool]:
        best = compared([column], {"counted": [counted], "model": [model]}, labels, 0)[0]
        return best.prior, best.labels

    truth = wrong.astype(float)
    one, three = truth.copy(), truth.copy()
    one[0], three[:6:2] = 0, 0
    assert used(truth, truth) == ("model", False)
    assert used(truth, one) == ("model", False)
    assert used(truth, three) == ("counted", False)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_a_way_leads_only_if_it_is_right_more_often_and_never_both_ways(cells: list[tuple[bool, bool]]) -> None:
    one, other = (np.array([cell[side] for cell in cells], bool) for side in (0, 1))
    assert not leads(one, one)
    assert not (leads(one, other) and leads(other, one))
    if leads(one, other):
        assert one.sum() >= other.sum() + 2
