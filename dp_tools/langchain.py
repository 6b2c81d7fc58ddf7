"""The same tasks as LangChain tools, in this process: `from dp_tools.langchain import dp_tools`.

Needs the extra `dp-tools[langchain]`. The text of a result is the answer as JSON, its artifact the answer itself; of
more than 50 verdicts the text leaves out, and counts, those that need no attention.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from langchain_core.callbacks import Callbacks, adispatch_custom_event, dispatch_custom_event
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dp_tools.errors import DpToolsError
from dp_tools.langchain_tables import Tables
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import ALL, Rule
from dp_tools.tables.jobs.tool_arguments import (
    AnswerReview,
    CancelJob,
    CleanTable,
    DedupeTable,
    GetJob,
    MatchTables,
    NextReviews,
    ProfileTable,
)
from dp_tools.tasks import TASKS
from dp_tools.tasks.request_errors import explain
from dp_tools.tasks.task import Answer, Task
from dp_tools.tasks.verdicts import VerdictAnswer, VerdictRequest, readable

Reached = Callable[[int, int], None]
PROGRESS = "dp_tools_progress"
"""The custom event that callbacks hear while a long call runs: {"tool", "done", "total"}."""
_LOOK_S = 1.0


class _SearchRules(BaseModel):
    model_config = ConfigDict(extra="forbid")

    words: Annotated[str, Field(description="Words to find in statements, ids and scopes; empty lists all.")] = ""
    dataset: Annotated[str | None, Field(description="Only rules that name this dataset.")] = None


class _ProposeRule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rule_id: Annotated[str, Field(description="A short lower-case id, for example beers-abv-format.")]
    statement: Annotated[str, Field(description="The rule as one sentence that the model reads.")]
    task: Annotated[str, Field(description="The task it holds for, or all.")] = ALL
    dataset: Annotated[str, Field(description="The dataset it holds for, or all.")] = ALL
    attribute: Annotated[str, Field(description="The attribute it holds for, or all.")] = ALL
    check: Annotated[dict[str, Any] | None, Field(description="The rule as JSON Schema, decided by code.")] = None
    why: Annotated[str, Field(description="The reason, one sentence; the history keeps it.")] = ""


def dp_tools(
    model: str = "nano",
    knowledge: str | Path | None = None,
    *,
    threads: int | None = None,
    roots: Sequence[str | Path] = (),
    preprocessor: Preprocessor | None = None,
) -> list[BaseTool]:
    """Every task as a tool, the tools for whole tables, and two for rules: `search_rules`, and `add_rule` (proposes).

    What a user can mend comes back as a tool message with status "error" and one sentence. Callbacks hear progress as
    the custom event `dp_tools_progress`; cancelling an awaited call stops the model.

    Args:
        model, knowledge, threads: as `Preprocessor` takes them.
        roots: the folders in which tables are read and written; by default one of the user's own (see `Roots.of`).
        preprocessor: one that is open already.

    Raises:
        ModelUnavailable: the model does not exist.
        KnowledgeUnavailable: the knowledge store cannot be opened.
        TableUnavailable: a root does not exist.
    """
    opened = preprocessor or Preprocessor(model, knowledge, threads=threads)
    return [
        *(_task_tool(task, opened) for task in TASKS.values()),
        *_table_tools(Tables(opened, roots)),
        _search_tool(opened),
        _propose_tool(opened),
    ]


def _task_tool(task: Task[Any, Any], preprocessor: Preprocessor) -> BaseTool:
    def answer(fields: dict[str, Any], progress: Reached, cancel: threading.Event) -> tuple[str, Answer]:
        request = task.request(**fields)
        found = preprocessor.run(request, progress=progress, cancel=cancel)
        shown = found
        if isinstance(request, VerdictRequest) and request.only is None and isinstance(found, VerdictAnswer):
            shown = readable(found, None)
        return shown.model_dump_json(), found

    return _working_tool(task.name, task.description, task.request, answer)


def _table_tools(tables: Tables) -> list[BaseTool]:
    works: dict[str, tuple[type[BaseModel], Callable[..., Any]]] = {
        "profile_table": (ProfileTable, tables.profile),
        "clean_table": (CleanTable, tables.start),
        "match_tables": (MatchTables, tables.start),
        "dedupe_table": (DedupeTable, tables.start),
        "get_job": (GetJob, tables.get),
        "cancel_job": (CancelJob, tables.cancel),
        "next_reviews": (NextReviews, tables.reviews),
        "answer_review": (AnswerReview, tables.answer),
    }
    return [_table_tool(name, arguments, work) for name, (arguments, work) in works.items()]


def _table_tool(name: str, arguments: type[BaseModel], work: Callable[..., Any]) -> BaseTool:
    def answer(fields: dict[str, Any], progress: Reached, cancel: threading.Event) -> tuple[str, Any]:
        found = work(arguments(**fields), progress, cancel)
        return _json(found), found

    return _working_tool(name, " ".join((arguments.__doc__ or "").split()), arguments, answer)


def _working_tool(
    name: str,
    description: str,
    arguments: type[BaseModel],
    answer: Callable[[dict[str, Any], Reached, threading.Event], tuple[str, Any]],
) -> BaseTool:
    """A tool that takes its time: it tells how far it is, and stops when the call is cancelled."""

    def work(fields: dict[str, Any], progress: Reached, cancel: threading.Event) -> tuple[str, Any]:
        try:
            return answer(fields, progress, cancel)
        except DpToolsError as error:
            raise ToolException(str(error)) from error

    def call(callbacks: Callbacks = None, **fields: Any) -> tuple[str, Any]:
        def tell(done: int, total: int) -> None:
            if callbacks:
                dispatch_custom_event(PROGRESS, _reached(name, done, total), config={"callbacks": callbacks})

        return work(fields, tell, threading.Event())

    async def acall(callbacks: Callbacks = None, **fields: Any) -> tuple[str, Any]:
        reached, cancel = _Latest(), threading.Event()
        working = asyncio.create_task(asyncio.to_thread(work, fields, reached, cancel))
        try:
            while not (await asyncio.wait([working], timeout=_LOOK_S))[0]:
                if callbacks and reached.latest is not None:
                    event = _reached(name, *reached.latest)
                    await adispatch_custom_event(PROGRESS, event, config={"callbacks": callbacks})
            return working.result()
        finally:
            cancel.set()

    return _tool(name, description, arguments, call, acall)


def _search_tool(preprocessor: Preprocessor) -> BaseTool:
    def call(words: str = "", dataset: str | None = None) -> tuple[str, list[Rule]]:
        store = preprocessor.knowledge
        found = store.search(words) if words.strip() else store.list(dataset=dataset, limit=20)
        kept = [rule for rule in found if dataset is None or rule.dataset.casefold() == dataset.casefold()]
        return _json(kept), kept

    about = "Finds rules that steer the answers, by words or by dataset. Look here before proposing one."
    return _tool("search_rules", about, _SearchRules, call)


def _propose_tool(preprocessor: Preprocessor) -> BaseTool:
    def call(rule_id: str, why: str = "", **fields: Any) -> tuple[str, Rule]:
        try:
            rule = Rule(id=rule_id, source="agent", status="proposed", **fields)
            proposed = preprocessor.knowledge.propose(rule, who="agent (langchain)", why=why)
        except DpToolsError as error:
            raise ToolException(str(error)) from error
        return _json(proposed), proposed

    about = "Proposes a rule that would steer later answers. It changes none of them until a person accepts it."
    return _tool("add_rule", about, _ProposeRule, call)


def _tool(
    name: str,
    description: str,
    arguments: type[BaseModel],
    call: Callable[..., Any],
    acall: Callable[..., Any] | None = None,
) -> BaseTool:
    def mend(error: ValidationError | Any) -> str:
        return explain(error, arguments.model_fields) if isinstance(error, ValidationError) else str(error)

    format_: Literal["content_and_artifact"] = "content_and_artifact"
    return StructuredTool.from_function(
        func=call,
        coroutine=acall,
        name=name,
        description=description,
        args_schema=arguments,
        infer_schema=False,
        response_format=format_,
        handle_tool_error=True,
        handle_validation_error=mend,
    )


class _Latest:
    """How far the work is, told by its thread and read by the loop."""

    def __init__(self) -> None:
        self.latest: tuple[int, int] | None = None

    def __call__(self, done: int, total: int) -> None:
        self.latest = (done, total)


def _reached(tool: str, done: int, total: int) -> dict[str, Any]:
    return {"tool": tool, "done": done, "total": total}


def _json(found: BaseModel | Sequence[BaseModel]) -> str:
    if isinstance(found, BaseModel):
        return found.model_dump_json(exclude_none=True)
    return "[" + ",".join(one.model_dump_json(exclude_none=True) for one in found) + "]"
