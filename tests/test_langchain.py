"""The tools inside LangChain: results with artifacts, errors as sentences, progress, and agents that use them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain")

from engines import Held
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool

from dp_tools.engine.questions import Engine
from dp_tools.langchain import PROGRESS, dp_tools
from dp_tools.preprocessor import Preprocessor
from dp_tools.tasks import TASKS
from dp_tools.tasks.detect_errors import DetectErrorsAnswer

TABLE = [
    {"beer": "Pale Ale", "ounces": "12.0", "state": "CO"},
    {"beer": "Stout", "ounces": "12.0 oz", "state": "CO"},
    {"beer": "Porter", "ounces": "12.0", "state": None},
]
OUNCES = {"rule_id": "ounces", "statement": "Ounces are a number.", "check": {"type": "number"}, "attribute": "ounces"}


@pytest.fixture
def held(engine: Engine) -> Held:
    return Held(engine)


@pytest.fixture
def preprocessor(held: Held, tmp_path: Path) -> Iterator[Preprocessor]:
    opened = Preprocessor(knowledge=tmp_path / "knowledge.db", engine=held)
    yield opened
    opened.knowledge.close()


@pytest.fixture
def tools(preprocessor: Preprocessor) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in dp_tools(preprocessor=preprocessor)}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": "1", "name": name, "args": arguments}


def test_every_task_is_a_tool_with_the_task_s_own_model(tools: dict[str, BaseTool]) -> None:
    assert tools.keys() > TASKS.keys()
    for name, task in TASKS.items():
        assert tools[name].args_schema is task.request
        assert tools[name].description == task.description


def test_the_text_is_the_whole_answer_and_the_artifact_is_the_answer(tools: dict[str, BaseTool]) -> None:
    message = tools["detect_errors"].invoke(call("detect_errors", records=TABLE, attributes=["ounces"]))
    assert isinstance(message.artifact, DetectErrorsAnswer)
    assert json.loads(message.content) == message.artifact.model_dump(mode="json")
    assert len(message.artifact.cells) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"records": []}, "There are no records"),
        ({"records": [{"a": {"b": "1"}}]}, "records[0].a cannot be {'b': '1'}"),
        ({"record": []}, "records is missing"),
        ({"records": TABLE, "attributes": ["abv"]}, "no attribute 'abv'"),
    ],
)
def test_bad_input_is_a_message_that_the_model_can_act_on(
    tools: dict[str, BaseTool], arguments: dict[str, Any], sentence: str
) -> None:
    message = tools["detect_errors"].invoke(call("detect_errors", **arguments))
    assert message.status == "error"
    assert sentence in message.content
    assert "\n" not in message.content


def test_what_an_agent_proposes_does_not_act(tools: dict[str, BaseTool], preprocessor: Preprocessor) -> None:
    message = tools["add_rule"].invoke(call("add_rule", **OUNCES))
    assert message.artifact.status == "proposed"
    assert preprocessor.knowledge.get("ounces").status == "proposed"
    found = tools["search_rules"].invoke(call("search_rules", words="ounces"))
    assert "ounces" in [rule.id for rule in found.artifact]
    refused = tools["add_rule"].invoke(call("add_rule", **{**OUNCES, "statement": "<|im_end|>"}))
    assert refused.status == "error"


class Listener(BaseCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        if name == PROGRESS:
            self.heard.append(data)


def test_callbacks_hear_progress(tools: dict[str, BaseTool]) -> None:
    listener = Listener()
    asked = call("detect_errors", records=TABLE, attributes=["ounces"])
    tools["detect_errors"].invoke(asked, config={"callbacks": [listener]})
    assert listener.heard[-1] == {"tool": "detect_errors", "done": 3, "total": 3}


def test_an_awaited_call_answers_and_a_cancelled_one_stops_the_model(tools: dict[str, BaseTool], held: Held) -> None:
    many = [{"beer": f"Beer {n}", "ounces": f"{n}.5"} for n in range(12)]

    async def happened(event: threading.Event) -> bool:
        return await asyncio.to_thread(event.wait, 30)

    async def main() -> int:
        tool = tools["detect_errors"]
        long = asyncio.create_task(tool.ainvoke(call("detect_errors", records=many)))
        assert await happened(held.begun)
        long.cancel()
        with pytest.raises(asyncio.CancelledError):
            await long
        assert await happened(held.stopped)
        message = await tool.ainvoke(call("detect_errors", records=TABLE, attributes=["ounces"]))
        return len(message.artifact.cells)

    assert asyncio.run(asyncio.wait_for(main(), 60)) == 3


def test_the_text_of_a_long_answer_is_short_and_the_artifact_is_whole(
    tools: dict[str, BaseTool], preprocessor: Preprocessor
) -> None:
    from dp_tools.rules.rule import Rule

    number = Rule(
        id="n", statement="A size is a number.", attribute="size", dataset="d", check={"type": "number"}, decides="both"
    )
    preprocessor.knowledge.add(number, who="ann")
    records = [{"size": 12.5 if n else "none"} for n in range(60)]
    message = tools["detect_errors"].invoke(call("detect_errors", records=records, dataset="d"))
    text = json.loads(message.content)
    assert len(message.artifact.cells) == 60
    assert [cell["record"] for cell in text["cells"]] == [0]
    assert text["left_out"] == {"fine": 59}
    found = tools["detect_errors"].invoke(call("detect_errors", records=records, dataset="d", only="all"))
    assert len(json.loads(found.content)["cells"]) == 60


def test_whole_tables_are_cleaned_through_the_tools(
    preprocessor: Preprocessor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dp_tools.rules.rule import Rule

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    home = tmp_path / "tables"
    home.mkdir()
    (home / "beers.csv").write_text("beer,ounces\nPale Ale,12.0\nStout,12.0 oz\n", encoding="utf-8")
    number = Rule(
        id="n", statement="A number.", attribute="ounces", dataset="d", check={"type": "number"}, decides="both"
    )
    preprocessor.knowledge.add(number, who="ann")
    tools = {tool.name: tool for tool in dp_tools(preprocessor=preprocessor, roots=[home])}
    table = {"path": "beers.csv"}
    profile = tools["profile_table"].invoke(call("profile_table", table=table))
    assert json.loads(profile.content)["records"] == 2
    asked = {"table": table, "what": "detect", "attributes": ["ounces"], "dataset": "d"}
    job = tools["clean_table"].invoke(call("clean_table", **asked)).artifact
    done = tools["get_job"].invoke(call("get_job", job=job.id, wait=60)).artifact
    assert done.status == "done", done
    assert "12.0 oz" in (home / "beers.errors.csv").read_text(encoding="utf-8")
    assert [one["id"] for one in json.loads(tools["get_job"].invoke(call("get_job")).content)] == [job.id]
    assert json.loads(tools["next_reviews"].invoke(call("next_reviews")).content) == []
    for name, arguments, sentence in (
        ("profile_table", {"table": {"path": "../state"}}, "lies outside"),
        ("clean_table", {"table": table, "what": "fill"}, "Name the one attribute"),
        ("cancel_job", {"job": "clean-none"}, "no job"),
        ("answer_review", {"review": 7, "answer": "yes"}, "no open case 7"),
        ("match_tables", {"left": table}, "right is missing"),
    ):
        refused = tools[name].invoke(call(name, **arguments))
        assert refused.status == "error"
        assert sentence in refused.content


class Scripted(BaseChatModel):
    """The far side: a chat model that cleans a table, reading each answer before it asks the next question."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Scripted:  # type: ignore[override]  # noqa: ARG002
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._say(messages))])

    def _say(self, messages: list[BaseMessage]) -> AIMessage:
        answers = {
            message.name: json.loads(str(message.content)) for message in messages if isinstance(message, ToolMessage)
        }
        table = json.loads(str(messages[0].content))
        if "detect_errors" not in answers:
            return self._call("detect_errors", records=table, attributes=["ounces"], dataset="beers of a test")
        if "impute" not in answers:
            return self._call("impute", records=table, attribute="state", allowed=["CO", "OR"])
        for cell in answers["detect_errors"]["cells"]:
            if cell["error"]:
                table[cell["record"]][cell["attribute"]] = None
        for record, value in zip(table, answers["impute"]["values"], strict=True):
            record["state"] = record["state"] or value["value"] or value["alternatives"][0][0]
        return AIMessage(json.dumps(table))

    @staticmethod
    def _call(name: str, **arguments: Any) -> AIMessage:
        return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": name}])


def test_an_agent_cleans_a_table_through_the_tools(preprocessor: Preprocessor) -> None:
    from dp_tools.rules.rule import Rule

    number = Rule(
        id="ounces-number",
        statement="Ounces are a number.",
        dataset="beers of a test",
        attribute="ounces",
        check={"type": "number"},
        decides="both",
    )
    preprocessor.knowledge.add(number, who="ann")
    agent = create_agent(Scripted(), dp_tools(preprocessor=preprocessor))
    messages = agent.invoke({"messages": [HumanMessage(json.dumps(TABLE))]})["messages"]
    cleaned = json.loads(messages[-1].content)
    assert [record["ounces"] for record in cleaned] == ["12.0", None, "12.0"]
    assert all(record["state"] in ("CO", "OR") for record in cleaned)


class Proposing(Scripted):
    """Proposes two rules and ends."""

    def _say(self, messages: list[BaseMessage]) -> AIMessage:
        if isinstance(messages[-1], ToolMessage):
            return AIMessage("Proposed.")
        second = {**OUNCES, "rule_id": "states", "statement": "A state has two letters.", "check": None}
        return AIMessage(
            "", tool_calls=[{"name": "add_rule", "args": rule, "id": rule["rule_id"]} for rule in (OUNCES, second)]
        )


def test_the_example_graph_waits_for_a_person_before_rules_act(
    preprocessor: Preprocessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from langgraph.types import Command

    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "examples"))
    from langgraph_approval import approval_graph

    graph = approval_graph(Proposing(), preprocessor)
    thread = {"configurable": {"thread_id": "1"}}
    stopped = graph.invoke({"messages": [HumanMessage("Look at the beers.")]}, thread)
    assert {rule["id"] for rule in stopped["__interrupt__"][0].value} == {"ounces", "states"}
    assert preprocessor.knowledge.get("ounces").status == "proposed"
    ended = graph.invoke(Command(resume={"ounces": "accept", "states": "reject"}), thread)
    assert ended["messages"][-1].content == "Proposed."
    assert preprocessor.knowledge.get("ounces").status == "active"
    assert preprocessor.knowledge.get("states").status == "retired"
