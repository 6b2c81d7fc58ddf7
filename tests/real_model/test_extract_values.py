"""Extraction with the embedded model: what a text states, where it states it, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from real_model_ways import assert_the_explanation_is_of_the_answer, assert_the_tool_answers_as_the_api_does

from dp_tools.engine.questions import Engine
from dp_tools.preprocessor import Preprocessor

TEXTS = ["Sony camera, black", "Heron headlamp 300 lm, red", "Tarn pot set 2 litre"]
REQUEST: dict[str, Any] = {"texts": TEXTS[:2], "attributes": [{"name": "colour"}]}


def test_what_a_text_states_is_found_and_what_it_does_not_is_not(preprocessor: Preprocessor) -> None:
    values = preprocessor.extract(TEXTS, ["colour", "brand"]).values
    assert [value.value for value in values[:5]] == ["black", "Sony", "red", "Heron", None]
    assert all(value.decided_by == "model" for value in values)
    for value in values:
        assert value.value is None or TEXTS[value.text][slice(*value.span)] == value.value


@pytest.mark.anyio
async def test_the_tool_answers_as_the_api_does(engine: Engine, tmp_path: Path) -> None:
    await assert_the_tool_answers_as_the_api_does(engine, tmp_path, "extract_values", REQUEST)


def test_the_explanation_is_of_the_answer(preprocessor: Preprocessor) -> None:
    assert_the_explanation_is_of_the_answer(preprocessor, "extract_values", REQUEST)
