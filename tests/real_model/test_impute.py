"""Imputation with the embedded model: from the record, from a closed set, and from what other records say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from real_model_ways import assert_the_explanation_is_of_the_answer, assert_the_tool_answers_as_the_api_does

from dp_tools.engine.questions import Engine
from dp_tools.preprocessor import Preprocessor

CAMERAS = [
    {"name": "Sony DSC-W55 digital camera", "manufacturer": None},
    {"name": "Canon PowerShot SX10", "manufacturer": None},
]
REQUEST: dict[str, Any] = {"records": CAMERAS, "attribute": "manufacturer", "allowed": ["Canon", "Sony", "Nikon"]}
PHONES = [
    {"phone": f"{code}-{n}", "city": city} for n in range(9) for code, city in ((617, "boston"), (312, "chicago"))
]
GAPS = [{"phone": "617-99", "city": None}, {"phone": "312-77", "city": None}]


@pytest.mark.parametrize("allowed", [None, ["Canon", "Sony", "Nikon"]], ids=["free", "closed"])
def test_what_the_record_says_is_filled_in(preprocessor: Preprocessor, allowed: list[str] | None) -> None:
    values = preprocessor.impute(CAMERAS, "manufacturer", allowed=allowed).values
    assert [(value.value, value.decided_by) for value in values] == [("Sony", "model"), ("Canon", "model")]
    assert min(value.confidence or 0 for value in values) > 0.9


def test_what_other_records_say_is_filled_in(preprocessor: Preprocessor) -> None:
    values = preprocessor.impute(GAPS, "city", allowed=["chicago", "boston"], context=PHONES).values
    assert [value.value for value in values] == ["boston", "chicago"]


@pytest.mark.anyio
async def test_the_tool_answers_as_the_api_does(engine: Engine, tmp_path: Path) -> None:
    await assert_the_tool_answers_as_the_api_does(engine, tmp_path, "impute", REQUEST)


def test_the_explanation_is_of_the_answer(preprocessor: Preprocessor) -> None:
    assert_the_explanation_is_of_the_answer(preprocessor, "impute", REQUEST)
