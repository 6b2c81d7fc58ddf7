"""The table tools for LangChain, in this process; `dp_tools.langchain` offers them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dp_tools.errors import InvalidRequest
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.jobs.job_requests import (
    AnyJobRequest,
    Averaged,
    CleanRequest,
    DedupeRequest,
    DetectRequest,
    Exclude,
    FillRequest,
    Include,
    MatchRequest,
    TableSource,
)
from dp_tools.tables.jobs.results import Job, Review

if TYPE_CHECKING:
    from dp_tools.tables.jobs.jobs import Jobs

Progress = Callable[[int, int], None]
_AGENT = "agent (langchain)"
_LATEST = 20
_LOOK_S = 0.2
_PATIENCE_S = 5.0
"""How long a cancelled job may take to end before its state is returned as it is."""


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _JobArguments(_Arguments):
    attributes: Annotated[list[str] | None, Field(description="Only these attributes; all if left out.")] = None
    include: Include = []
    exclude: Exclude = []
    dataset: Annotated[str | None, Field(description="Whose rules apply.")] = None
    rules: Annotated[list[str], Field(description="More rules.")] = []
    output: Annotated[str | None, Field(description="File to write; default: beside the table.")] = None
    overwrite: Annotated[bool, Field(description="Replace existing files.")] = False

    def shared(self, *names: str) -> dict[str, Any]:
        """The fields of every job request, and these."""
        return self.model_dump(include={"dataset", "rules", "output", "overwrite", *names})


class ProfileTable(_Arguments):
    """Describes a table: what its columns hold, formats, ranges, gaps, and which columns determine which."""

    table: Annotated[TableSource, Field(description="The table.")]
    columns: Annotated[list[str] | None, Field(description="Only these columns.")] = None


class CleanTable(_JobArguments):
    """Finds wrong cells of a file and writes a cleaned copy beside it, with a log to undo it. Changes that are not sure
    wait in next_reviews. Returns a result or a handle for get_job."""

    table: Annotated[TableSource, Field(description="The table.")]
    what: Annotated[
        Literal["repair", "detect", "fill"], Field(description="Repair or only detect wrong cells, or fill gaps.")
    ] = "repair"
    allowed: Annotated[list[str] | None, Field(description="For fill: the choices.")] = None

    def request(self) -> AnyJobRequest:
        """The job."""
        if self.what == "fill":
            if self.attributes is None or len(self.attributes) != 1:
                raise InvalidRequest("Name the one attribute whose gaps are to be filled.")
            (attribute,) = self.attributes
            return FillRequest(source=self.table, attribute=attribute, allowed=self.allowed, **self.shared())
        if self.allowed is not None:
            raise InvalidRequest(
                "Values to choose from belong to what = fill: leave allowed out, or fill one attribute."
            )
        kind = CleanRequest if self.what == "repair" else DetectRequest
        return kind(source=self.table, **self.shared("attributes", "include", "exclude"))


class MatchTables(_JobArguments):
    """Writes the records that two files have in common, with scores, to a file. Pairs that are not sure wait in
    next_reviews. Returns a result or a handle for get_job."""

    left: Annotated[TableSource, Field(description="The first table.")]
    right: Annotated[TableSource, Field(description="The second table.")]
    one_to_one: Annotated[bool, Field(description="A record has one counterpart at most.")] = True
    averaged: Averaged = False

    def request(self) -> AnyJobRequest:
        """The job."""
        return MatchRequest(
            left=self.left,
            right=self.right,
            **self.shared("attributes", "include", "exclude", "one_to_one", "averaged"),
        )


class DedupeTable(_JobArguments):
    """Writes the groups of records of one file that are the same thing to a file. Returns a result or a handle for
    get_job."""

    table: Annotated[TableSource, Field(description="The table.")]
    averaged: Averaged = False

    def request(self) -> AnyJobRequest:
        """The job."""
        return DedupeRequest(source=self.table, **self.shared("attributes", "include", "exclude", "averaged"))


class GetJob(_Arguments):
    """Says how far a job is and what came of it. Without a handle it lists the latest jobs."""

    job: Annotated[str | None, Field(description="The handle.")] = None
    wait: Annotated[int, Field(description="Seconds to wait for its end.", ge=0, le=300)] = 0


class CancelJob(_Arguments):
    """Stops a job; nothing is written. The call that started it resumes it."""

    job: Annotated[str, Field(description="The handle.")]


class NextReviews(_Arguments):
    """Returns cases that jobs were not sure of, least certain first. Put them before the person and give the answers to
    answer_review."""

    job: Annotated[str | None, Field(description="Only cases of this job.")] = None
    limit: Annotated[int, Field(description="How many to return.", ge=1, le=50)] = 10


class AnswerReview(_Arguments):
    """Keeps a person's answer as an example that decides such cases. It is a proposal until a person confirms it."""

    review: Annotated[int, Field(description="The number of the case.")]
    answer: Annotated[str, Field(description="What the person said: yes, no, or the right value.")]


class Tables:
    """What the tools do, each called with its arguments, a progress and a cancel event.

    Args:
        preprocessor: what answers.
        roots: the folders in which tables are read and written.
    """

    def __init__(self, preprocessor: Preprocessor, roots: Sequence[str | Path]) -> None:
        self._preprocessor = preprocessor
        self._roots = roots

    @cached_property
    def jobs(self) -> Jobs:
        """The jobs."""
        from dp_tools.tables.io.paths import Roots
        from dp_tools.tables.jobs.jobs import Jobs

        rules = self._preprocessor.knowledge.path
        roots = Roots.of(self._roots, reserved=[] if rules is None else [rules])
        return Jobs(lambda: self._preprocessor.decider, roots)

    def profile(self, asked: ProfileTable, *_: object) -> BaseModel:
        """See `ProfileTable`."""
        from dp_tools.tables.profile import profile_table
        from dp_tools.tables.snapshot import inline_table, open_table

        if asked.table.records is not None:
            table = inline_table(asked.table.records)
        elif asked.table.path is not None:
            table = open_table(self.jobs.disk.to_read(asked.table.path), **asked.table.options)
        else:
            raise InvalidRequest("Say which table: give a path, or records.")
        with table:
            return profile_table(table, columns=asked.columns)

    def start(self, asked: CleanTable | MatchTables | DedupeTable, *_: object) -> Job:
        """Start a job, or go on with the one that was asked for in the same words and did not end."""
        request = asked.request()
        known = self.jobs.unfinished(request)
        if known is None:
            return self.jobs.start(request)
        return self.jobs.resume(known.id) if known.status in ("interrupted", "cancelled") else known

    def get(self, asked: GetJob, progress: Progress, cancel: threading.Event) -> Job | list[Job]:
        """See `GetJob`."""
        if asked.job is None:
            return self.jobs.list(_LATEST)
        for _ in range(int(asked.wait / _LOOK_S)):
            found = self.jobs.get(asked.job)
            progress(found.done, found.total)
            if found.status not in ("waiting", "running") or cancel.wait(_LOOK_S):
                break
        return self.jobs.get(asked.job)

    def cancel(self, asked: CancelJob, *_: object) -> Job:
        """See `CancelJob`."""
        self.jobs.cancel(asked.job)
        return self.jobs.wait(asked.job, _PATIENCE_S)

    def reviews(self, asked: NextReviews, *_: object) -> list[Review]:
        """See `NextReviews`."""
        from dp_tools.tables.jobs.reviews import next_reviews

        return next_reviews(self.jobs.store, asked.job, asked.limit)[0]

    def answer(self, asked: AnswerReview, *_: object) -> BaseModel:
        """See `AnswerReview`."""
        from dp_tools.tables.jobs.reviews import answer_review

        known = self._preprocessor.knowledge
        return answer_review(self.jobs.store, known, asked.review, asked.answer, who=_AGENT, is_person=False)
