"""Two shops list the same things in other words: what counting knows is heard beside a model that never saw them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
from tables_job import ConstantEngine, jobs_in

from dp_tools.profiling.marks import contradict, marks_of
from dp_tools.profiling.token_counts import hashed
from dp_tools.tables.jobs.job_requests import DedupeRequest, MatchRequest, TableSource
from dp_tools.tables.jobs.reviews import next_reviews
from dp_tools.tables.match.shared_keys import Keys
from dp_tools.tables.match.things import telling_marks

OURS = (
    "Barilla Spaghetti Nr. 5 500 g",
    "Barilla Penne Rigate Nr. 73 500 g",
    "Barilla Fusilli Nr. 98 500 g",
    "Volvic Naturelle 6 x 1,5 l",
    "Volvic Naturelle 8 x 1,0 l",
    "Wera Schraubendreher PH 2",
    "Wera Schraubendreher PZ 1",
    "Hipp Combiotik 2 Folgemilch 600 g",
)
THEIRS = (
    "Barilla Pasta Penne No.73, 0,5 kg",
    "Barilla Pasta Spaghetti No.5, 0,5 kg",
    "stilles Wasser Volvic 6er Pack 1,5L",
    "Wera screwdriver PH2",
    "Hipp 3 Combiotik Folgemilch 600g",
)
SAME = {(1, 2), (2, 1), (4, 3), (6, 4)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, titles in (("left", OURS), ("right", THEIRS)):
        with (tmp_path / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(["title", "price"])
            lines.writerows((title, f"{number + 1}.99") for number, title in enumerate(titles))
    return tmp_path


def matched(folder: Path, yes: float, rules: Sequence[str] = ()) -> set[tuple[int, int]]:
    request = MatchRequest(left=TableSource(path="left.csv"), right=TableSource(path="right.csv"), rules=list(rules))
    done = jobs_in(folder, ConstantEngine(yes)).start(request, wait=60)
    assert done.status == "done", done.error
    with (folder / "left.matches.csv").open(encoding="utf-8") as file:
        return {(int(row["left_row"]), int(row["right_row"])) for row in csv.DictReader(file)}


@pytest.mark.parametrize("yes", [0.3, 0.5, 0.7])
def test_records_that_stand_out_among_their_rivals_are_paired_though_the_model_cannot_tell(
    folder: Path, yes: float
) -> None:
    assert matched(folder, yes) == SAME


def test_a_model_that_is_sure_of_its_no_is_believed(folder: Path) -> None:
    assert matched(folder, 0.001) == set()


def test_what_tells_things_of_one_shop_apart_tells_those_of_two_apart(tmp_path: Path) -> None:
    colours = {"left": ("white", "red"), "right": ("yellow", "black")}
    for name, pair in colours.items():
        lines = [
            "title",
            *(f"Lamy safari fountain pen M {colour}" for colour in pair),
            "Leitz binder",
            "Uhu glue stick",
        ]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert matched(tmp_path, 0.2) == {(3, 3), (4, 4)}


def test_marks_tell_things_apart_where_two_records_differ_in_one_alone() -> None:
    records = [{"drill", "18v", "gsr"}, {"drill", "18v", "gsb"}, {"pen", "white"}, {"pen", "fine", "black"}, set[str]()]
    assert set(telling_marks(Keys.of(records)).tolist()) == {hashed("gsr"), hashed("gsb")}


def test_records_that_hold_nothing_but_prices_are_left_to_the_model(tmp_path: Path) -> None:
    (tmp_path / "left.csv").write_text("value\n12.50\n13.75\n", encoding="utf-8")
    (tmp_path / "right.csv").write_text("value\n12.50\n99.10\n", encoding="utf-8")
    assert matched(tmp_path, 0.9) == {(1, 1)}


def test_a_gtin_of_both_decides_a_pair_whatever_the_words_and_the_model_say(tmp_path: Path) -> None:
    sides = {
        "left": ["item,ean", "Nivea Creme,4005808158003", "Cicaplast Baume,3337875816847", "Dop,"],
        "right": ["article,gtin", "soin visage,03337875816847", "body lotion,4 005808 158003", "savon,4005900009302"],
    }
    for name, lines in sides.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert matched(tmp_path, 0.001) == {(1, 2), (2, 1)}


def test_records_of_one_table_with_one_gtin_are_duplicates(tmp_path: Path) -> None:
    lines = ["item,ean", "Nivea Creme,4005808158003", "body lotion,4005808158003", "savon,4005900009302"]
    (tmp_path / "stock.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = jobs_in(tmp_path, ConstantEngine(0.001)).start(DedupeRequest(source=TableSource(path="stock.csv")), wait=60)
    assert done.result is not None, done.error
    with (tmp_path / "stock.duplicates.csv").open(encoding="utf-8") as file:
        assert [row["row"] for row in csv.DictReader(file)] == ["1", "2"]


def test_a_model_number_makes_a_candidate_of_titles_that_share_little(tmp_path: Path) -> None:
    sides = {
        "left": ["title", "HP 305XL black ink", "HP 305 black ink", "Canon PG-545 ink black", "HP black ink set of 2"],
        "right": ["name", "Tintenpatrone, hohe Reichweite, für Drucker (HP305XL)", "Canon ink black, HP ink black"],
    }
    for name, lines in sides.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(f'"{line}"' for line in lines) + "\n", encoding="utf-8")
    assert (1, 1) in matched(tmp_path, 0.97)


def test_a_rule_for_these_records_is_weighed_by_the_model_alone(folder: Path) -> None:
    assert (8, 5) in matched(folder, 0.97, rules=["Another stage is the same thing."])


def test_a_pair_whose_numbers_contradict_each_other_is_none_and_says_so(folder: Path) -> None:
    jobs = jobs_in(folder, ConstantEngine(0.97))
    request = MatchRequest(left=TableSource(path="left.csv"), right=TableSource(path="right.csv"))
    assert jobs.start(request, wait=60).status == "done"
    reviews, _ = next_reviews(jobs.store, limit=50)
    (found,) = [one.question for one in reviews if one.question.startswith("Are row 8 and row 5 the same?")]
    assert "different amounts of one measure, or different numbers" in found
    with (folder / "left.matches.csv").open(encoding="utf-8") as file:
        assert not any(row["left_row"] == "8" for row in csv.DictReader(file))


@pytest.mark.parametrize(
    ("left", "right", "other"),
    [
        ("Teinte 20 Pioneer", "Matte Ink 65", True),
        ("Pasta Nr. 5 500 g", "Pasta No.5 0,5 kg", False),
        ("Drill 18V 5,0 Ah", "Drill 18 V 4.0Ah", True),
        ("Joghurt 4 x 115 g", "Joghurt 460 g", False),
        ("Wasser 6 x 1,5 l", "Wasser 8 x 1,5 l", True),
        ("HDMI cable 2m", "HDMI cable, 300 cm", True),
        ("3M Post-it", "Post-it", False),
        ("DuoPower 6 x 30 (100 St.)", "DuoPower 6x30, box of 100", False),
        ("Pump 400 V", "Pump", False),
    ],
)
def test_amounts_and_numbers_contradict_each_other_whatever_unit_they_are_in(
    left: str, right: str, other: bool
) -> None:
    assert contradict({"title": left, "price": "5"}, {"name": right, "price": "7"}) is other


def test_the_marks_of_a_thing_are_the_same_in_the_words_of_two_shops() -> None:
    one, two = (
        marks_of({"title": "Qualità Haselnuss PH 2, 1TB", "p": "1,29"}),
        marks_of({"t": "QUALITA Haselnüsse PH2 1000 GB"}),
    )
    assert one == two
