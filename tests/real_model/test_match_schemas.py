"""Matching schemas with the embedded model: columns of two tables of the examples."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from real_model_ways import assert_the_explanation_is_of_the_answer, assert_the_tool_answers_as_the_api_does

from dp_tools.engine.questions import Engine
from dp_tools.preprocessor import Preprocessor

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
REQUEST: dict[str, Any] = {"left": [{"name": "zip"}], "right": [{"name": "postal code"}, {"name": "colour"}]}


def columns(name: str) -> list[dict[str, Any]]:
    """The columns of an example table, each with samples."""
    with (EXAMPLES / name).open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))[:8]
    return [{"name": column, "samples": [record[column] for record in records]} for column in records[0]]


def test_columns_that_mean_the_same_are_assigned_to_each_other(preprocessor: Preprocessor) -> None:
    left, right = columns("catalogue_a.csv"), columns("catalogue_b.csv")
    answer = preprocessor.match_schemas(left, right)
    assert {pair.decided_by for pair in answer.pairs} <= {"table", "model"}
    assert {(left[a]["name"], right[b]["name"]) for a, b in answer.assignment} == {
        ("title", "name"),
        ("brand", "maker"),
        ("price", "price"),
    }


def test_columns_without_samples_are_left_to_the_model(preprocessor: Preprocessor) -> None:
    answer = preprocessor.match_schemas(REQUEST["left"], REQUEST["right"])
    assert all(pair.decided_by == "model" for pair in answer.pairs)


@pytest.mark.anyio
async def test_the_tool_answers_as_the_api_does(engine: Engine, tmp_path: Path) -> None:
    await assert_the_tool_answers_as_the_api_does(engine, tmp_path, "match_schemas", REQUEST)


def test_the_explanation_is_of_the_answer(preprocessor: Preprocessor) -> None:
    assert_the_explanation_is_of_the_answer(preprocessor, "match_schemas", REQUEST)
