"""Whole-table tools: start jobs, and review unsure cases."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import anyio.to_thread
from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult
from pydantic import BaseModel, Field, WithJsonSchema

from dp_tools.errors import InvalidRequest
from dp_tools.mcp_server.auth import READ, RULES, RUN
from dp_tools.mcp_server.blocking_work import run_work
from dp_tools.mcp_server.caller_role import caller_role, can_ask, decider
from dp_tools.mcp_server.elicitation import ask
from dp_tools.mcp_server.file_consent import require_consent
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools.jobs import job_result
from dp_tools.mcp_server.tools.tool import ADDS, READ_ONLY, WRITES, PlainTool, result_of
from dp_tools.progress import Progress, watched
from dp_tools.rules.rule import Rule
from dp_tools.tables.jobs.job_requests import (
    AnyJobRequest,
    AskAll,
    DedupeRequest,
    Exclude,
    Include,
    KeyColumns,
    Kinds,
    PermutationAveraged,
    RegisterName,
    TableSource,
    paths_of,
)
from dp_tools.tables.jobs.results import Job, Review
from dp_tools.tables.jobs.tool_arguments import (
    Allowed,
    AnyTable,
    Attributes,
    CallRules,
    CaseNumber,
    CellAttributes,
    CleanTable,
    DatasetName,
    DedupeTable,
    JobArguments,
    LabelledPairs,
    LabelledRows,
    Limit,
    MatchTables,
    OfJob,
    OneToOne,
    OtherCases,
    Output,
    Overwrite,
    PersonsWord,
    What,
    WithCurrent,
)
from dp_tools.tables.table_profile import TableProfile

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from dp_tools.tables.jobs.job_files import Writes
    from dp_tools.tables.jobs.jobs import Jobs
    from dp_tools.tables.snapshot import Table

_COLUMNS = 30
"""Columns of a profile that are returned at once."""
SameTable = Annotated[
    TableSource,
    WithJsonSchema({"type": "object"}),
    Field(description="As in profile_table."),
]
"""The same table where a model is shown its options elsewhere."""


class ProfileAnswer(BaseModel):
    """What is in a table."""

    profile: Annotated[TableProfile, Field(description="The table, column by column.")]
    left_out: Annotated[list[str], Field(description="Columns that were left out: ask for them by name.")]


class ReviewList(BaseModel):
    """Cases that wait for a person."""

    reviews: Annotated[list[Review], Field(description="The cases that are least certain, first.")]
    open: Annotated[int, Field(description="How many cases wait in all.")]


class ReviewKept(BaseModel):
    """What became of an answer."""

    rule: Annotated[Rule, Field(description="The rule that holds the answer as a labelled example.")]
    acts: Annotated[bool, Field(description="Whether it decides such cases from now on.")]


class PersonsAnswer(BaseModel):
    """What a person says about a case."""

    answer: Annotated[str, Field(description="yes or no, or the value.")]


class ChangeConsent(BaseModel):
    """A person's word on a job that would go on with other things than it began with."""

    agreed: Annotated[bool, Field(description="Go on, and ask again what it touches.")] = True


async def _agreed_to_change(ctx: Context[Any, Any], jobs: Jobs, job: Job) -> bool | InputRequiredResult:
    """Whether the person behind the client lets a job go on with other things than it began with, where it would.

    Raises:
        InvalidRequest: the person did not agree.
    """
    changed = await anyio.to_thread.run_sync(jobs.changed, job.id) if can_ask(ctx) else None
    if changed is None:
        return False
    word = await ask(ctx, f"{changed.sentence} Go on?", ChangeConsent)
    if isinstance(word, InputRequiredResult):
        return word
    if not (isinstance(word, AcceptedElicitation) and word.data.agreed):
        raise InvalidRequest(f"The person did not agree: the job {job.id} stays as it is.")
    return True


def table_tools(server_context: ServerContext, *, trust_agents: bool) -> list[PlainTool]:
    """Tools that profile, clean, match and deduplicate whole tables."""

    async def start(ctx: Context[Any, Any], arguments: JobArguments) -> CallToolResult | InputRequiredResult:
        """Start a job, or resume an unfinished job with the same request."""
        from dp_tools.tables.jobs.job_files import Leave

        request: AnyJobRequest = arguments.request()
        jobs = await anyio.to_thread.run_sync(lambda: server_context.jobs)

        def look() -> tuple[Job | None, list[Path], Writes | None]:
            """The same job if it did not end; else the files that a person has to know of."""
            outside = server_context.roots.outside(paths_of(request))
            if (known := jobs.unfinished(request)) is not None:
                return known, outside, None
            return None, outside, jobs.writes(request, outside) if can_ask(ctx) else None

        known, outside, writes = await anyio.to_thread.run_sync(look)
        if known is not None:
            if known.status in ("interrupted", "cancelled"):
                agreed = arguments.with_current_model or await _agreed_to_change(ctx, jobs, known)
                if isinstance(agreed, InputRequiredResult):
                    return agreed
                again = partial(jobs.resume, known.id, with_current_model=agreed)
                known = await anyio.to_thread.run_sync(again)
            return job_result(known)
        leave = Leave()
        if writes is not None and (outside or writes.foreign or not trust_agents):
            register = request.register_name if isinstance(request, DedupeRequest) else None
            asked = await require_consent(ctx, outside, writes, register)
            if asked is not None:
                return asked
            leave = Leave(reads=outside, replaces=dict(writes.foreign))
        return job_result(await anyio.to_thread.run_sync(lambda: jobs.start(request, leave=leave)))

    async def profile_table(
        ctx: Context[Any, Any],
        table: AnyTable,
        columns: Annotated[list[str] | None, Field(description="Default: the first 30.")] = None,
    ) -> Annotated[CallToolResult, ProfileAnswer] | InputRequiredResult:
        """Profiles a table: contents, formats, ranges, gaps and dependencies of its columns. Start here with
        an unknown file."""
        given = [] if table.path is None or table.records is not None else [table.path]
        outside = await anyio.to_thread.run_sync(server_context.roots.outside, given)
        roots = server_context.roots
        if outside and can_ask(ctx):
            asked = await require_consent(ctx, outside)
            if asked is not None:
                return asked
            roots = roots.granting(outside)

        def look(progress: Progress, cancel: threading.Event) -> ProfileAnswer:
            from dp_tools.tables.profile import profile_table as profile
            from dp_tools.tables.snapshot import inline_table, open_table

            opening: AbstractContextManager[Table]
            if table.records is not None:
                opening = inline_table(table.records)
            elif table.path is None:
                raise InvalidRequest("Say which table: give a path, or records.")
            elif table.options:
                opening = open_table(roots.to_read(table.path), cancel=cancel, **table.options)
            else:
                opening = server_context.tables.open(roots.to_read(table.path), cancel=cancel)
            with opening as opened:
                shown = columns if columns is not None else list(opened.columns)[:_COLUMNS]
                left_out = [] if columns is not None else list(opened.columns)[_COLUMNS:]
                found = profile(opened, columns=shown, stage=watched(progress, cancel))
                return ProfileAnswer(profile=found, left_out=left_out)

        return result_of(await run_work(ctx, look))

    async def clean_table(
        ctx: Context[Any, Any],
        table: SameTable,
        what: What = "repair",
        attributes: CellAttributes = None,
        include: Include = [],  # noqa: B006
        exclude: Exclude = [],  # noqa: B006
        allowed: Allowed = None,
        labelled: LabelledRows = None,
        ask_all: AskAll = False,
        dataset: DatasetName = None,
        rules: CallRules = [],  # noqa: B006
        output: Output = None,
        overwrite: Overwrite = False,
        with_current_model: WithCurrent = False,
    ) -> Annotated[CallToolResult, Job] | InputRequiredResult:
        """Writes a cleaned copy of a file beside it, with a log to undo it. Unsure changes wait in next_reviews.
        May return a job handle."""
        return await start(
            ctx,
            CleanTable(
                table=table,
                what=what,
                attributes=attributes,
                include=include,
                exclude=exclude,
                allowed=allowed,
                labelled=labelled,
                ask_all=ask_all,
                dataset=dataset,
                rules=rules,
                output=output,
                overwrite=overwrite,
                with_current_model=with_current_model,
            ),
        )

    async def match_tables(
        ctx: Context[Any, Any],
        left: SameTable,
        right: SameTable,
        attributes: Attributes = None,
        include: Include = [],  # noqa: B006
        exclude: Exclude = [],  # noqa: B006
        one_to_one: OneToOne = True,
        permutation_averaged: PermutationAveraged = False,
        kinds: Kinds = [],  # noqa: B006
        labelled: LabelledPairs = None,
        ask_all: AskAll = False,
        dataset: DatasetName = None,
        rules: CallRules = [],  # noqa: B006
        output: Output = None,
        overwrite: Overwrite = False,
        with_current_model: WithCurrent = False,
    ) -> Annotated[CallToolResult, Job] | InputRequiredResult:
        """Writes the matching records of two files, with scores. Unsure pairs wait in next_reviews. May return a job
        handle."""
        return await start(
            ctx,
            MatchTables(
                left=left,
                right=right,
                attributes=attributes,
                include=include,
                exclude=exclude,
                one_to_one=one_to_one,
                permutation_averaged=permutation_averaged,
                kinds=kinds,
                labelled=labelled,
                ask_all=ask_all,
                dataset=dataset,
                rules=rules,
                output=output,
                overwrite=overwrite,
                with_current_model=with_current_model,
            ),
        )

    async def dedupe_table(
        ctx: Context[Any, Any],
        table: SameTable,
        attributes: Attributes = None,
        include: Include = [],  # noqa: B006
        exclude: Exclude = [],  # noqa: B006
        permutation_averaged: PermutationAveraged = False,
        kinds: Kinds = [],  # noqa: B006
        register_name: RegisterName = None,
        key: KeyColumns = [],  # noqa: B006
        labelled: LabelledPairs = None,
        ask_all: AskAll = False,
        dataset: DatasetName = None,
        rules: CallRules = [],  # noqa: B006
        output: Output = None,
        overwrite: Overwrite = False,
        with_current_model: WithCurrent = False,
    ) -> Annotated[CallToolResult, Job] | InputRequiredResult:
        """Writes the groups of duplicates of a file, and one merged record per entity. With a register entities keep
        their ids from file to file. May return a job handle."""
        return await start(
            ctx,
            DedupeTable(
                table=table,
                attributes=attributes,
                include=include,
                exclude=exclude,
                permutation_averaged=permutation_averaged,
                kinds=kinds,
                register_name=register_name,
                key=key,
                labelled=labelled,
                ask_all=ask_all,
                dataset=dataset,
                rules=rules,
                output=output,
                overwrite=overwrite,
                with_current_model=with_current_model,
            ),
        )

    def next_reviews(
        job: OfJob = None,
        limit: Limit = 10,
    ) -> Annotated[CallToolResult, ReviewList]:
        """Returns cases that jobs were unsure of, least certain first. Show them to the person; answer_review takes
        the answers."""
        from dp_tools.tables.jobs.reviews import next_reviews as following

        reviews, count = following(server_context.jobs.store, job, limit)
        return result_of(ReviewList(reviews=reviews, open=count))

    async def answer_review(
        ctx: Context[Any, Any],
        review: CaseNumber,
        answer: PersonsWord,
        also: OtherCases = [],  # noqa: B006
    ) -> Annotated[CallToolResult, ReviewKept] | InputRequiredResult:
        """Stores a person's answer as an example that decides such cases. It is a proposal until a person confirms it,
        now if the client can ask."""
        from dp_tools.tables.jobs.reviews import answer_review as keep

        role, given_answer = caller_role(ctx, trust_agents), answer
        if role == "asks":
            question = await anyio.to_thread.run_sync(lambda: _spoken(server_context, [review, *also], answer))
            word = await ask(ctx, question, PersonsAnswer)
            if isinstance(word, InputRequiredResult):
                return word
            if not isinstance(word, AcceptedElicitation):
                raise InvalidRequest("The person did not answer: the case stays open.")
            given_answer = word.data.answer
        rule = await anyio.to_thread.run_sync(
            lambda: keep(
                server_context.jobs.store,
                server_context.knowledge,
                review,
                given_answer,
                who=decider(ctx, trust_agents),
                is_person=role != "proposes",
                also=also,
            )
        )
        return result_of(ReviewKept(rule=rule, acts=rule.status == "active"))

    tools: list[tuple[Callable[..., Any], str, Any, str]] = [
        (profile_table, "Profile a table", READ_ONLY, READ),
        (clean_table, "Clean a table", WRITES, RUN),
        (match_tables, "Match two tables", WRITES, RUN),
        (dedupe_table, "Find duplicates in a table", WRITES, RUN),
        (next_reviews, "Cases for a person", READ_ONLY, READ),
        (answer_review, "Answer a case", ADDS, RULES),
    ]
    return [PlainTool.of(function, title, annotations, scope) for function, title, annotations, scope in tools]


def _spoken(server_context: ServerContext, reviews: list[int], answer: str) -> str:
    """Cases as a person is asked about them, each of them."""
    from dp_tools.tables.jobs.reviews import open_review

    found = [open_review(server_context.jobs.store, review) for review in reviews]
    asked = "\n".join(f"{one.question}\n{one.case}" for one in found)
    return f"{asked}\nThe agent says: {answer}\nYour answer ({found[0].answers}):"
