"""Labelled pairs: the file, what comes out as labelled, what they teach, and what stays with the dataset."""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from tables_job import ScriptedEngine, jobs_in

from dp_tools.cli import main
from dp_tools.errors import InvalidRequest
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.jobs.job_requests import DedupeRequest, JobResult, MatchRequest, TableSource
from dp_tools.tables.jobs.jobs import Jobs
from dp_tools.tables.jobs.reviews import answer_review, next_reviews
from dp_tools.tables.match.labelled_pairs import entities_of
from dp_tools.tables.match.pair_learner import Evidence
from dp_tools.tables.match.pairing import ScoredPairs, clusters, split_groups
from dp_tools.tables.match.sitting import Sitting

LABELS = TableSource(path="pairs.csv")
WORDS = [f"{a}{b}" for a in ("lora", "mipe", "sato", "wexi") for b in ("dan", "kel", "ris", "vut")]


def write(path: Path, lines: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Products that are the same where their sizes are, however alike their titles look."""
    chance = random.Random(3)
    left, right = [["id", "title", "size"]], [["id", "title", "size"]]
    for number in range(60):
        title, size = " ".join(chance.sample(WORDS, 3)), chance.randrange(10, 90)
        other = size if number % 2 else size + 100
        left.append([f"L{number}", title, f"{size} cm"])
        right.append([f"R{number}", title, f"{other} cm"])
    write(tmp_path / "left.csv", left)
    write(tmp_path / "right.csv", right)
    return tmp_path


def label(folder: Path, rows: Sequence[int], *, wrong: Sequence[int] = ()) -> None:
    lines = [(row, row, "yes" if (row - 1) % 2 != (row in wrong) else "no") for row in rows]
    write(folder / "pairs.csv", [("left_row", "right_row", "same"), *lines])


def matched(jobs: Jobs, **more: Any) -> JobResult:
    asked = MatchRequest(left=TableSource(path="left.csv"), right=TableSource(path="right.csv"), overwrite=True, **more)
    done = jobs.start(asked, wait=60)
    assert done.result is not None, done.error
    return done.result


def found(folder: Path) -> set[tuple[int, int]]:
    with (folder / "left.matches.csv").open() as file:
        return {(int(line["left_row"]), int(line["right_row"])) for line in csv.DictReader(file)}


def test_labels_teach_what_tells_records_apart_and_the_model_that_guesses_is_asked_no_more(folder: Path) -> None:
    label(folder, range(1, 31))
    engine = ScriptedEngine()
    result = matched(jobs_in(folder, engine), labelled=LABELS)
    unlabelled = {(row, row) for row in range(31, 61)}
    assert found(folder) & unlabelled == {(row, row) for row in range(32, 61, 2)}
    assert engine.asked == 30
    assert "Learned from 30 labelled pairs (15 are the same)." in result.summary
    assert "Used counted evidence with the labels, and asked the model about no other pair." in result.summary
    assert result.figures["labels"] == 30


def test_labelled_pairs_come_out_as_labelled_even_against_all_that_is_known(folder: Path) -> None:
    label(folder, range(1, 21), wrong=(3, 4, 5, 6))
    matched(jobs_in(folder, ScriptedEngine()), labelled=LABELS)
    assert {row for row, _ in found(folder) if row <= 20} == {2, 3, 5, 8, 10, 12, 14, 16, 18, 20}


def test_a_labelled_pair_that_nothing_proposes_comes_out_all_the_same(folder: Path) -> None:
    write(folder / "pairs.csv", [("left_row", "right_row", "same"), (1, 40, "same"), (2, 2, "no")])
    result = matched(jobs_in(folder, ScriptedEngine()), labelled=LABELS)
    assert (1, 40) in found(folder)
    assert (2, 2) not in found(folder)
    assert "The 2 labelled pairs stand as labelled, but are too few to learn from." in result.summary


def test_a_record_that_is_labelled_as_two_others_has_both_of_them(folder: Path) -> None:
    write(folder / "pairs.csv", [("left_row", "right_row", "same"), (1, 40, "same"), (1, 2, "yes")])
    matched(jobs_in(folder, ScriptedEngine()), labelled=LABELS)
    assert {right for left, right in found(folder) if left == 1} == {2, 40}


def test_records_may_be_named_by_a_key_and_the_order_of_lines_changes_nothing(folder: Path) -> None:
    label(folder, range(1, 31))
    matched(jobs_in(folder, ScriptedEngine()), labelled=LABELS)
    before = (folder / "left.matches.csv").read_bytes()
    keys = [(f"L{row}", f"R{row}", "true" if row % 2 else "false", "") for row in reversed(range(30))]
    write(folder / "pairs.csv", [("left_id", "right_id", "same", "note"), *keys, ("L40", "R40", "", "not sure")])
    matched(jobs_in(folder, ScriptedEngine()), labelled=LABELS)
    assert (folder / "left.matches.csv").read_bytes() == before


def test_two_people_who_differ_are_shown_and_not_learned_from(folder: Path) -> None:
    lines = [(row, row, "yes" if row % 2 == 0 else "no", "Ann") for row in range(1, 11)]
    write(folder / "pairs.csv", [("left_row", "right_row", "same", "who"), *lines, (4, 4, "no", "Ben")])
    result = matched(jobs_in(folder, ScriptedEngine()), labelled=LABELS)
    assert "Row 4 and row 4 are the same by Ann, and not by Ben." in result.summary
    assert "Learned from 9 labelled pairs" in result.summary


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([("left_row", "right_row"), (1, 1)], "has no column same"),
        ([("left_row", "same"), (1, "yes")], "right_row with row numbers, or right_NAME"),
        (
            [("left_row", "right_row", "same"), (1, 1, "maybe")],
            "Line 2 of pairs.csv: same is 'maybe'; write yes or no.",
        ),
        ([("left_row", "right_row", "same"), (0, 1, "yes")], "left_row is '0'; give a row of left.csv, 1 to 60."),
        ([("left_row", "right_row", "same"), (1, 61, "yes")], "right_row is '61'"),
        ([("left_id", "right_row", "same"), ("L99", 1, "yes")], "in left.csv no record has the left_id 'L99'"),
    ],
)
def test_a_file_that_cannot_be_understood_gets_one_sentence(
    folder: Path, lines: list[tuple[object, ...]], sentence: str
) -> None:
    write(folder / "pairs.csv", lines)
    asked = MatchRequest(left=TableSource(path="left.csv"), right=TableSource(path="right.csv"), labelled=LABELS)
    done = jobs_in(folder, ScriptedEngine()).start(asked, wait=60)
    assert done.status == "failed"
    assert sentence in (done.error or "")
    assert not (folder / "left.matches.csv").exists()


def test_what_was_learned_stays_with_the_dataset_for_its_next_file_until_it_is_removed(folder: Path) -> None:
    label(folder, range(1, 31))
    jobs = jobs_in(folder, engine := ScriptedEngine(), folder / "knowledge.db")
    matched(jobs, labelled=LABELS, dataset="shop")
    knowledge = jobs.decider().knowledge
    (kept,) = knowledge.list_learned("shop")
    assert (kept.task, kept.version, kept.labels, kept.helps) == ("pairs", 1, 30, True)
    assert len(knowledge.labels("shop", "pairs")) == 30
    for name in ("left.csv", "right.csv"):  # next month's file: half of the records are gone
        lines = (folder / name).read_text().splitlines()
        (folder / name).write_text("\n".join([lines[0], *lines[31:]]))
    asked = engine.asked
    result = matched(jobs, dataset="shop")
    assert found(folder) == {(row, row) for row in range(2, 31, 2)}
    assert "Learned from 0 labelled pairs and 30 of earlier files" in result.summary
    assert engine.asked == asked
    assert len(knowledge.list_learned("shop")) == 1
    knowledge.remove_learned("shop", "pairs")
    matched(jobs, dataset="shop")
    assert engine.asked > asked


def test_the_same_labels_again_are_not_learned_twice(folder: Path) -> None:
    label(folder, range(1, 31))
    jobs = jobs_in(folder, ScriptedEngine(), folder / "knowledge.db")
    matched(jobs, labelled=LABELS, dataset="shop")
    result = matched(jobs, labelled=LABELS, dataset="shop")
    assert "Learned from 30 labelled pairs (15 are the same)." in result.summary
    assert len(jobs.decider().knowledge.list_learned("shop")) == 1


def test_duplicates_keep_to_their_labels_in_groups(folder: Path) -> None:
    lines = (folder / "left.csv").read_text().splitlines()
    (folder / "list.csv").write_text("\n".join([*lines, *lines[1:]]))
    labels = [(1, 61, "no"), (2, 62, "yes"), (2, 3, "yes")]
    write(folder / "pairs.csv", [("left_row", "right_row", "same"), *labels])
    done = jobs_in(folder, ScriptedEngine()).start(
        DedupeRequest(source=TableSource(path="list.csv"), include=["id"], labelled=LABELS), wait=60
    )
    assert done.result is not None, done.error
    with (folder / "list.duplicates.csv").open() as file:
        group_of = {int(line["row"]): line["group"] for line in csv.DictReader(file)}
    assert group_of[2] == group_of[62] == group_of[3]
    assert group_of.get(1, "a") != group_of.get(61, "b")


Labels = dict[tuple[int, int], bool]


def consistent(truth: Sequence[int], chosen: Sequence[tuple[int, int]]) -> Labels:
    return {(min(a, b), max(a, b)): truth[a] == truth[b] for a, b in chosen if a != b}


@settings(max_examples=60)
@given(st.data())
def test_groups_keep_to_any_consistent_labels(data: st.DataObject) -> None:
    size = data.draw(st.integers(3, 9))
    record: Callable[[], st.SearchStrategy[int]] = lambda: st.integers(0, size - 1)  # noqa: E731
    truth = data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    labels: Mapping[tuple[int, int], bool] = consistent(truth, data.draw(st.lists(st.tuples(record(), record()))))
    every = [(a, b) for a in range(size) for b in range(a + 1, size)]
    scored = [(a, b, float(labels.get((a, b), data.draw(st.floats(0, 1))))) for a, b in every]
    pairs = ScoredPairs.of(scored)
    apart = sorted(pair for pair, same in labels.items() if not same)
    groups = split_groups(clusters(pairs), pairs, entities_of(labels), apart)
    rows = [row for rows, _ in groups for row in rows]
    assert len(rows) == len(set(rows))
    group_of = {row: number for number, (rows, _) in enumerate(groups) for row in rows}
    for (a, b), same in labels.items():
        assert (a in group_of and group_of[a] == group_of.get(b)) == same


def test_a_person_labels_pairs_in_one_sitting_that_goes_on_where_it_stopped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    arguments = ["label-pairs", "left.csv", "right.csv", "-o", "pairs.csv", "--count", "3"]
    first = CliRunner().invoke(main, arguments, input="n\ns\ny\n")
    assert first.exit_code == 0, first.output
    lines = (folder / "pairs.csv").read_text().splitlines()
    assert [line.rpartition(",")[2] for line in lines] == ["same", "no", "yes"]
    assert "1 of 3: the same? (expected F1" in first.stderr
    assert "pairs.csv: 2 labelled pairs." in first.stderr
    CliRunner().invoke(main, arguments, input="n\nq\n")
    more = (folder / "pairs.csv").read_text().splitlines()
    assert more[:3] == lines
    assert len(set(more)) == 4


def test_a_sitting_writes_to_no_file_that_holds_something_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    before = (folder / "right.csv").read_bytes()
    done = CliRunner().invoke(main, ["label-pairs", "left.csv", "-o", "right.csv"])
    assert done.exit_code == 2
    assert "does not begin with left_row,right_row,same: choose another file" in done.stderr
    assert (folder / "right.csv").read_bytes() == before


def test_the_command_and_python_learn_from_the_same_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    label(folder, range(1, 31))
    with Preprocessor(knowledge=":memory:", engine=ScriptedEngine(), state=folder / "state") as preprocessor:
        preprocessor.match("left.csv", "right.csv", labelled="pairs.csv")
    assert {row for row, _ in found(folder) if row > 30} == set(range(32, 61, 2))


def test_a_sitting_asks_the_same_for_a_seed_and_learns_what_tells_records_apart() -> None:
    chance = np.random.default_rng(1)
    same = chance.random(300) < 0.3
    values = np.column_stack([same + chance.normal(0, 0.3, 300)])
    evidence = Evidence(("telling",), values, chance.normal(0, 1, 300))

    def asked(seed: int) -> Sitting:
        sitting = Sitting(evidence, seed=seed)
        for _ in range(25):
            place = sitting.next()
            assert place is not None
            assert place not in sitting.labels
            sitting.answer(place, bool(same[place]))
        return sitting

    one, again, other = asked(1), asked(1), asked(2)
    assert list(one.labels) == list(again.labels) != list(other.labels)
    assert ((one.probability > 0.5) == same).mean() > 0.7 > ((evidence.odds > 0) == same).mean()
    assert 0 <= one.sure <= 1


def test_answers_to_reviews_are_labels_and_the_model_is_compared_on_them_as_well(folder: Path) -> None:
    engine = ScriptedEngine()
    jobs = jobs_in(folder, engine, folder / "knowledge.db")
    matched(jobs)
    knowledge = jobs.decider().knowledge
    reviews, _ = next_reviews(jobs.store, limit=100)
    for review in reviews:
        if "left" not in review.case:  # a conflict between merged values
            continue
        with pytest.raises(InvalidRequest, match="is answered with yes or no"):
            answer_review(jobs.store, knowledge, review.id, "maybe", who="a person")
        same = review.case["left"]["size"] == review.case["right"]["size"]
        answer_review(jobs.store, knowledge, review.id, "yes" if same else "no", who="a person")
    result = matched(jobs)
    assert re.search(r"Learned from \d+ labelled pairs", result.summary)
    assert "the model 0." in result.summary
    assert result.figures["labels"] >= 8
