"""What holds for the embedded model's answers to any task, whichever way they are asked for."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from mcp import Client
from serving import ERAS, assert_same, server_context_of, text_of

from dp_tools.engine.questions import Engine
from dp_tools.explain import explain
from dp_tools.mcp_server.server import create_server
from dp_tools.preprocessor import Preprocessor
from dp_tools.tasks import TASKS
from dp_tools.tasks.request_errors import read_request
from dp_tools.tasks.task import Answer, Item


def items_of(answer: Answer) -> list[Item]:
    """The answered items, whatever the task calls them."""
    lists = (value for value in answer.__dict__.values() if isinstance(value, list) and value)
    return next(found for found in lists if isinstance(found[0], Item))


async def assert_the_tool_answers_as_the_api_does(
    engine: Engine, folder: Path, task: str, fields: dict[str, Any]
) -> None:
    """In both protocol eras the tool's text and its structure are the whole answer, which is that of the API."""
    with server_context_of(engine, folder / "knowledge.db") as server_context:
        expected = server_context.preprocessor.run(read_request(TASKS[task], fields)).model_dump(mode="json")
        assert expected["model"] == "nano"
        for era in ERAS:
            async with Client(create_server(server_context), mode=era) as client:
                schema = next(tool.output_schema for tool in (await client.list_tools()).tools if tool.name == task)
                result = await client.call_tool(task, fields)
            assert not result.is_error, text_of(result)
            assert json.loads(text_of(result)) == result.structured_content
            jsonschema_rs.validate(schema, result.structured_content)
            given = TASKS[task].answer.model_validate(result.structured_content)
            assert_same(given.model_dump(mode="json"), expected)


def assert_the_explanation_is_of_the_answer(preprocessor: Preprocessor, task: str, fields: dict[str, Any]) -> None:
    """The first item is explained as it was answered, by what the model is measured to hang on, strongest first."""
    request = read_request(TASKS[task], fields)
    item = items_of(preprocessor.run(request))[0]
    (explanation,) = explain(preprocessor.decider, request).explanations
    assert explanation.decided_by == item.decided_by == "model"
    assert explanation.probability == pytest.approx(item.confidence, abs=0.05)
    assert explanation.decided
    assert explanation.text.endswith(".")
    changes = [abs(entry.change) for entry in explanation.decided if entry.kind != "rule"]
    assert all(one >= other for one, other in itertools.pairwise(changes))
