"""Typing columns with the embedded model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from real_model_ways import assert_the_explanation_is_of_the_answer, assert_the_tool_answers_as_the_api_does

from dp_tools.engine.questions import Engine
from dp_tools.preprocessor import Preprocessor

YEARS, CITIES, CODES = ["1999", "2004"], ["Porto", "Lyon"], ["02115", "97301"]
TYPES = ["year", "city", "postal code", "postal address"]
REQUEST: dict[str, Any] = {"columns": [{"values": YEARS}, {"values": CITIES}], "types": TYPES}


def test_columns_get_the_type_that_their_values_have(preprocessor: Preprocessor) -> None:
    columns = preprocessor.annotate([{"values": values} for values in (YEARS, CITIES)], TYPES).columns
    assert [(column.type, column.decided_by) for column in columns] == [("year", "model"), ("city", "model")]
    assert min(column.confidence or 0 for column in columns) > 0.9


def test_types_that_begin_alike_are_told_apart(preprocessor: Preprocessor) -> None:
    (column,) = preprocessor.annotate([{"values": CODES}], TYPES).columns
    assert column.type == "postal code"
    assert column.runners_up[0][0] == "postal address"


@pytest.mark.anyio
async def test_the_tool_answers_as_the_api_does(engine: Engine, tmp_path: Path) -> None:
    await assert_the_tool_answers_as_the_api_does(engine, tmp_path, "annotate_columns", REQUEST)


def test_the_explanation_is_of_the_answer(preprocessor: Preprocessor) -> None:
    assert_the_explanation_is_of_the_answer(preprocessor, "annotate_columns", REQUEST)
