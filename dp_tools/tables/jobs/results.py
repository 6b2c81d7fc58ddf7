"""What whole-table work answers with: the same models for Python, MCP and the commands, and quick to import."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from dp_tools.tables.jobs.job_requests import JobResult

Status = Literal["waiting", "running", "interrupted", "cancelled", "failed", "done"]
GOING_ON: tuple[Status, ...] = ("waiting", "running")
"""How a job stands that goes on by itself."""


class Job(BaseModel):
    """A job as it stands."""

    id: Annotated[str, Field(description="Job handle.")]
    kind: Annotated[str, Field(description="detect, clean, fill, match, dedupe, or call: the rest of a long call.")]
    status: Annotated[Status, Field(description="interrupted: its process ended; it can be resumed where it stopped.")]
    stage: Annotated[str, Field(description="Current stage: reading, finding candidates, asking, writing, …")]
    done: Annotated[int, Field(description="Questions answered or records processed in this stage.")]
    total: Annotated[int, Field(description="Their total, as far as known.")]
    rate: Annotated[float | None, Field(description="Items per second.")] = None
    seconds_left: Annotated[float | None, Field(description="Time left in this stage at that rate, in seconds.")] = None
    error: Annotated[str | None, Field(description="Why it failed.")] = None
    result: Annotated[JobResult | None, Field(description="The result, once it is done.")] = None
    answer: Annotated[
        dict[str, Any] | None,
        Field(description="Of a call that does not run any more: its answer, in which unanswered items are pending."),
    ] = None
    workers: Annotated[
        list[dict[str, Any]] | None, Field(description="What each of its workers does, or did last; null without any.")
    ] = None
    resource: Annotated[str | None, Field(description="Where the whole result can be read, once it is done.")] = None


class Review(BaseModel):
    """A case that awaits a person."""

    id: Annotated[int, Field(description="Number of the case.")]
    job: Annotated[str, Field(description="The job that it comes from.")]
    question: Annotated[str, Field(description="What is asked.")]
    case: Annotated[dict[str, Any], Field(description="The record, or the two records, that it is about.")]
    proposal: Annotated[str | None, Field(description="What the job would do.")]
    confidence: Annotated[float, Field(description="Confidence in the proposal, 0 to 1.")]
    answers: Annotated[str, Field(description="Possible answers.")]
    task: Annotated[str, Field(description="The task that it is a case of.")]
    dataset: Annotated[str | None, Field(description="The dataset, if it was named.")] = None
    attribute: Annotated[str | None, Field(description="The attribute, of a case about a cell.")] = None
    row: Annotated[int | None, Field(description="The row of the table, from 1, of a case about a cell.")] = None
    answer: Annotated[str | None, Field(description="What a person answered, if one did.")] = None


class ReviewKind(BaseModel):
    """Cases of a job that are alike: of one task and attribute."""

    job: Annotated[str, Field(description="The job that they come from.")]
    task: Annotated[str, Field(description="Their task.")]
    attribute: Annotated[str | None, Field(description="Their attribute, of cases about cells.")]
    open: Annotated[int, Field(description="How many wait.")]
    answered: Annotated[int, Field(description="How many a person answered.")]
