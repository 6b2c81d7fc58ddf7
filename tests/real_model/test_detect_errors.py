"""Detecting errors with the embedded model: it finds what is wrong, lets stand what is right, and heeds rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from real_model_ways import assert_the_explanation_is_of_the_answer, assert_the_tool_answers_as_the_api_does
from serving import answer, process

from dp_tools.engine.questions import Engine
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import Cleaner
from dp_tools.tables.snapshot import open_table

CITIES = [{"city": "boston", "zip": "02115"}, {"city": "rome", "zip": "00118"}] * 8
WRONG = {"city": "bostxn", "zip": "02115"}
REQUEST: dict[str, Any] = {"records": [WRONG, CITIES[0]], "context": CITIES, "attributes": ["city"]}
PEOPLE = [{"name": "Ann", "phone": None}, {"name": "Bob", "phone": "555-0100"}]


def test_a_misspelt_value_is_wrong_and_its_neighbours_are_right(preprocessor: Preprocessor) -> None:
    answer = preprocessor.detect([WRONG, *CITIES[:2]], ["city"], context=CITIES)
    assert [(cell.value, cell.error, cell.decided_by) for cell in answer.cells] == [
        ("bostxn", True, "model"),
        ("boston", False, "model"),
        ("rome", False, "table"),  # a city that code knows
    ]
    assert min(cell.confidence or 0 for cell in answer.cells) > 0.9


def test_a_rule_in_words_turns_the_verdict(preprocessor: Preprocessor) -> None:
    def is_wrong(rule: str) -> bool | None:
        return preprocessor.detect(PEOPLE, ["phone"], rules=[rule]).cells[0].error

    assert is_wrong("A missing phone is an error.") is True
    assert is_wrong("A missing phone is no error.") is False


def test_a_batch_answers_as_one_by_one(preprocessor: Preprocessor) -> None:
    together = preprocessor.detect([WRONG, *CITIES[:2]], ["city"], context=CITIES).cells
    for number, record in enumerate([WRONG, *CITIES[:2]]):
        (alone,) = preprocessor.detect([record], ["city"], context=CITIES).cells
        assert alone.error == together[number].error
        assert alone.confidence == pytest.approx(together[number].confidence, abs=0.05)


def test_every_cell_of_a_table_gets_an_answer(preprocessor: Preprocessor, tmp_path: Path) -> None:
    lines = ["id,city,zip", *(f"{n},{city['city']},{city['zip']}" for n, city in enumerate([*CITIES, WRONG]))]
    (tmp_path / "cities.csv").write_text("\n".join(lines) + "\n")
    with open_table(tmp_path / "cities.csv") as table:
        detection = Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [], ["city"]).detect()
    assert detection.unanswered.total() == 0
    assert [cell.value for cell in detection.wrong] == ["bostxn"]


@pytest.mark.anyio
async def test_a_host_starts_the_server_and_gets_an_answer_of_the_model(tmp_path: Path) -> None:
    async with process(tmp_path) as client:
        given = await answer(client, "detect_errors", REQUEST)
    assert given["model"] == "nano"
    assert [cell["error"] for cell in given["cells"]] == [True, False]


@pytest.mark.anyio
async def test_the_tool_answers_as_the_api_does(engine: Engine, tmp_path: Path) -> None:
    await assert_the_tool_answers_as_the_api_does(engine, tmp_path, "detect_errors", REQUEST)


def test_the_explanation_is_of_the_answer(preprocessor: Preprocessor) -> None:
    assert_the_explanation_is_of_the_answer(preprocessor, "detect_errors", REQUEST)
