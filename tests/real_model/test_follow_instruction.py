"""Written instructions and the embedded model: verdicts, choices, texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from real_model_ways import assert_the_explanation_is_of_the_answer, assert_the_tool_answers_as_the_api_does

from dp_tools.engine.questions import Engine
from dp_tools.preprocessor import Preprocessor
from dp_tools.tasks.task import probability_of_yes

GOODS = [{"title": "Pale Ale", "kind": "beer"}, {"title": "Oak table", "kind": "furniture"}]
PLACES = [{"city": "Porto", "country": "Portugal"}, {"city": "Lyon", "country": "France"}]
REQUEST: dict[str, Any] = {"records": PLACES, "instruction": "Is the country Portugal?"}


def test_a_question_is_answered_yes_where_it_is_so(preprocessor: Preprocessor) -> None:
    here, elsewhere = preprocessor.ask(PLACES, "Is the country Portugal?").answers
    assert (here.answer, here.decided_by) == ("yes", "model")
    sure, other = (probability_of_yes(item.answer == "yes", item.confidence) for item in (here, elsewhere))
    assert sure is not None
    assert other is not None
    assert sure > 0.9
    assert sure - other > 0.3


def test_a_choice_is_made_by_what_the_record_says(preprocessor: Preprocessor) -> None:
    asked = {"shape": "choice", "choices": ["beer", "furniture"]}
    answers = preprocessor.ask(GOODS, "What kind is it?", **asked).answers
    assert [item.answer for item in answers] == ["beer", "furniture"]


def test_a_text_is_written(preprocessor: Preprocessor) -> None:
    (item,) = preprocessor.ask(GOODS[:1], "Copy the kind.", shape="text").answers
    assert item.answer == "beer"


@pytest.mark.anyio
async def test_the_tool_answers_as_the_api_does(engine: Engine, tmp_path: Path) -> None:
    await assert_the_tool_answers_as_the_api_does(engine, tmp_path, "follow_instruction", REQUEST)


def test_the_explanation_is_of_the_answer(preprocessor: Preprocessor) -> None:
    assert_the_explanation_is_of_the_answer(preprocessor, "follow_instruction", REQUEST)
