"""No column of false alarms: what the model alone calls wrong stands only as far as counting supports it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from tables_job import ConstantEngine, ScriptedEngine

from dp_tools.engine.questions import Labels, LabelScores, Question, Result
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import Cleaner, Detection
from dp_tools.tables.snapshot import inline_table

COUNT = 60
WORDS = ("Amber", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Heath", "Islet", "Jetty", "Knoll")


class Alarmist(ScriptedEngine):
    """Calls every cell wrong."""

    def answer(self, questions: Sequence[Question], **_: Any) -> list[Result]:
        assert all(isinstance(question.answer, Labels) for question in questions)
        return [LabelScores((0.97, 0.03), self.name) for _ in questions]


def detect(columns: dict[str, list[str]], engine: ScriptedEngine | None = None) -> Detection:
    records = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    with (
        inline_table(records) as table,
        Preprocessor(knowledge=":memory:", engine=engine or Alarmist(), adapters=False) as preprocessor,
    ):
        return Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [], list(columns)).detect()


def test_a_column_that_the_model_calls_wrong_throughout_is_not_judged():
    remarks = [f"{'abcdefgh'[n % 8] * 3} {'rstuvw'[n * 5 % 6] * 4}" for n in range(COUNT)]
    detection = detect({"remark": remarks, "item": [f"item {'abcdefgh'[n % 8]}" for n in range(COUNT)]})
    assert detection.misunderstood["remark"] > COUNT // 2
    assert sum(cell.attribute == "remark" for cell in detection.wrong) < 0.1 * COUNT


@pytest.mark.parametrize("form", ["{letter}{number}", "CC-{number}", "{number}/{letter}", "{letter}{letter}.{number}x"])
def test_a_code_that_is_written_like_its_column_is_not_wrong_by_the_model_alone(form: str):
    codes = [form.format(letter="ABCD"[n % 4], number=10 + n * 7 % 31) for n in range(COUNT)]
    codes[9] = "??"
    detection = detect({"bin": codes, "item": [f"item {'abcdefgh'[n % 8]}" for n in range(COUNT)]})
    assert [cell.value for cell in detection.wrong if cell.attribute == "bin"] == ["??"]


def test_a_code_that_stands_again_and_again_is_no_slip_of_a_frequent_neighbour():
    devices = [f"th-{n % 9:02}-{'abcdefx'[n % 7]}{n % 9}{n % 3}" for n in range(2 * COUNT)]
    devices[:20] = ["th-09-c93"] * 20
    devices[20:24] = [*["th-09-d93"] * 3, "th-09-x93"]
    found = [cell.value for cell in detect({"device": devices}).wrong]
    assert found == ["th-09-x93"]


def test_a_code_of_capitals_in_a_column_of_many_is_not_wrong_by_the_model_alone():
    shelves = [
        f"{('FIC', 'LIT', 'SF')[n % 3]} {('KIN', 'ORW', 'AUS', 'LE', 'HER')[n // 3 % 5]}" for n in range(2 * COUNT)
    ]
    shelves[9], shelves[40] = "LIT TAN", "QXV"
    airports = [("ZRH", "VIE", "OSL", "LHR", "CDG", "JFK", "SFO", "NRT")[n % 8] for n in range(2 * COUNT)]
    airports[8] = "ZHR"
    found = detect({"shelf": shelves, "airport": airports}).wrong
    assert [(cell.attribute, cell.value) for cell in found] == [("airport", "ZHR"), ("shelf", "QXV")]


def test_a_mistaken_category_is_still_wrong_however_often_it_stands():
    founders = ["TRUE", "FALSE"] * 90
    founders[:6] = ["EURT"] * 6
    assert {cell.value for cell in detect({"founder": founders}, Suspecting("EURT")).wrong} == {"EURT"}


def test_a_title_that_stands_again_and_again_is_not_wrong_by_the_model_alone():
    titles = [
        "Der Prozess",
        "Snow Crash",
        "Cien años de soledad",
        "Die Verwandlung",
        "Le Petit Prince",
        "War and Peace",
    ]
    titles = [titles[n * 7 % 6] for n in range(100)]
    titles[10] = "Lorem Ipsum"
    assert [cell.value for cell in detect({"title": titles}).wrong] == ["Lorem Ipsum"]


def test_a_title_that_stands_twice_where_nearly_each_is_another_is_not_wrong_by_the_model_alone():
    titles = [f"{first} {second}" for first in WORDS for second in WORDS if first != second]
    titles[3] = titles[70] = "Delta Delta"
    titles[40] = "Fjord Fjord"
    found = detect({"title": titles}, Suspecting("Delta Delta", "Fjord Fjord")).wrong
    assert [cell.value for cell in found] == ["Fjord Fjord"]


def test_an_authors_second_title_is_not_wrong_since_another_of_his_stands_more_often():
    books = dict(zip(WORDS[:8], (f"Stories {word}" for word in WORDS), strict=False))
    authors = [WORDS[n * 5 % 8] for n in range(144)]
    titles = [books[name] for name in authors]
    for row in [row for row, name in enumerate(authors) if name == "Amber"][::3]:
        titles[row] = "Der Prozess"
    astray = authors.index("Birch")
    titles[astray] = "Der Prozess"
    found = detect({"author": authors, "title": titles}, Suspecting("Der Prozess")).wrong
    assert [cell.row for cell in found if cell.attribute == "title"] == [astray]


class Suspecting(ScriptedEngine):
    """Calls some values wrong.

    Args:
        values: how they begin.
    """

    def __init__(self, *values: str) -> None:
        super().__init__()
        self.suspected = re.compile(f'ask\\s+\\w+: "(?:{"|".join(map(re.escape, values))})')

    def answer(self, questions: Sequence[Question], **_: Any) -> list[Result]:
        texts = ["".join(segment.text for segment in question.segments) for question in questions]
        return [LabelScores((0.97, 0.03) if self.suspected.search(text) else (0.02, 0.98), self.name) for text in texts]


def test_in_a_table_of_few_records_the_model_alone_must_be_sure():
    towns = ["Lund", "Graz", "Bern", "Oslo", "Köln", "Metz", "Brno", "Cork", "Nice", "Vigo", "Pisa", "Linz", "Gent"]
    notes = {"note": [f"seen in {town}" for town in towns]}
    assert not detect(notes, ConstantEngine(0.95)).wrong
    slip = {"town": [*["Salzburg", "Innsbruck", "Klagenfurt"] * 5, "Salzbrug"]}
    # One name of two words among towns of one: in so few records its shape says nothing.
    assert not detect({"town": [*towns, "Hong Kong"]}, ConstantEngine(0.95)).wrong
    assert [cell.value for cell in detect(slip, ConstantEngine(0.95)).wrong] == ["Salzbrug"]


def test_words_and_quantities_are_no_codes():
    rooms = [f"Kitchen-{10 + n * 7 % 31}" for n in range(COUNT)]
    sizes = [f"{10 + n * 11 % 43} oz" for n in range(COUNT)]
    detection = detect({"room": rooms, "size": sizes, "item": [f"item {'abcdefgh'[n % 8]}" for n in range(COUNT)]})
    assert "room" in detection.misunderstood
    assert not any(cell.attribute == "size" for cell in detection.wrong)


def test_what_counting_speaks_against_is_still_found_in_such_a_column():
    amounts = [f"{100 + n * 37 % 800}.{n % 90 + 10}" for n in range(COUNT - 1)]
    detection = detect({"amount": [*amounts, "98000.00"], "item": [f"item {n % 8}" for n in range(COUNT)]})
    assert [cell.value for cell in detection.wrong if cell.attribute == "amount"] == ["98000.00"]


def test_a_value_that_like_rows_agree_with_is_not_wrong_by_the_model_alone():
    centres = {"nurse": "CC-110", "buyer": "CC-200", "clerk": "CC-310"}
    jobs = [list(centres)[n % 3] for n in range(COUNT)]
    values = [centres[job] for job in jobs]
    values[7] = "CC-310" if values[7] != "CC-310" else "CC-110"
    detection = detect({"job": jobs, "cost_center": values})
    wrong = [(cell.row, cell.value) for cell in detection.wrong if cell.attribute == "cost_center"]
    assert wrong == [(7, values[7])]


@pytest.mark.parametrize("text", ["N/A", "none", "unknown"])
def test_what_many_cells_answer_is_no_gap_among_words_and_one_among_numbers(text: str):
    words = ["fragile", "leave at door", "call before delivery", "", text]
    notes = [words[n % 5] if n % 5 < 4 or n < 60 else "" for n in range(2 * COUNT)]
    weights = [text if word == text else f"{5 + n * 7 % 90}.5" for n, word in enumerate(notes)]
    detection = detect({"note": notes, "weight": weights}, Alarmist())
    assert not any(cell.value == text for cell in detection.wrong if cell.attribute == "note")
    assert {cell.value for cell in detection.wrong if cell.attribute == "weight"} == {text}


def test_a_negative_number_among_others_is_not_wrong_by_the_model_alone():
    amounts = [f"{20 + n * 37 % 900},{n % 90:02}" for n in range(2 * COUNT)]
    for place in (3, 17, 40, 66, 90):
        amounts[place] = "-" + amounts[place]
    lone = [amount.lstrip("-") for amount in amounts]
    lone[17] = "-" + lone[17]
    found = [(cell.attribute, cell.value) for cell in detect({"net": amounts, "salary": lone}).wrong]
    assert [value for name, value in found if name == "net"] == []
    assert [value for name, value in found if name == "salary"] == [lone[17]]
