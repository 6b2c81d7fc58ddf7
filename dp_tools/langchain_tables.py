"""The table tools for LangChain, in this process; `dp_tools.langchain` offers them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel

from dp_tools.errors import InvalidRequest
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.io.paths import Roots
from dp_tools.tables.jobs.jobs import Jobs
from dp_tools.tables.jobs.results import Job, Review
from dp_tools.tables.jobs.reviews import answer_review, next_reviews
from dp_tools.tables.jobs.tool_arguments import (
    LATEST,
    PATIENCE_S,
    AnswerReview,
    CancelJob,
    CleanTable,
    DedupeTable,
    GetJob,
    MatchTables,
    NextReviews,
    ProfileTable,
)
from dp_tools.tables.profile import profile_table
from dp_tools.tables.snapshot import inline_table, open_table

Progress = Callable[[int, int], None]
_AGENT = "agent (langchain)"
_LOOK_S = 0.2


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
        rules = self._preprocessor.knowledge.path
        roots = Roots.of(self._roots, reserved=[] if rules is None else [rules])
        return Jobs(lambda: self._preprocessor.decider, roots)

    def profile(self, asked: ProfileTable, *_: object) -> BaseModel:
        """See `ProfileTable`."""
        if asked.table.records is not None:
            table = inline_table(asked.table.records)
        elif asked.table.path is not None:
            table = open_table(self.jobs.disk.to_read(asked.table.path), **asked.table.options)
        else:
            raise InvalidRequest("Say which table: give a path, or records.")
        with table:
            return profile_table(table, columns=asked.columns)

    def start(self, asked: CleanTable | MatchTables | DedupeTable, *_: object) -> Job:
        """Start a job, or resume an unfinished job with the same request."""
        request = asked.request()
        known = self.jobs.unfinished(request)
        if known is None:
            return self.jobs.start(request)
        if known.status in ("interrupted", "cancelled"):
            return self.jobs.resume(known.id, with_current_model=asked.with_current_model)
        return known

    def get(self, asked: GetJob, progress: Progress, cancel: threading.Event) -> Job | list[Job]:
        """See `GetJob`."""
        if asked.job is None:
            return self.jobs.list(LATEST)
        for _ in range(int(asked.wait / _LOOK_S)):
            found = self.jobs.get(asked.job)
            progress(found.done, found.total)
            if found.status not in ("waiting", "running") or cancel.wait(_LOOK_S):
                break
        return self.jobs.get(asked.job)

    def cancel(self, asked: CancelJob, *_: object) -> Job:
        """See `CancelJob`."""
        self.jobs.cancel(asked.job)
        return self.jobs.wait(asked.job, PATIENCE_S)

    def reviews(self, asked: NextReviews, *_: object) -> list[Review]:
        """See `NextReviews`."""
        return next_reviews(self.jobs.store, asked.job, asked.limit)[0]

    def answer(self, asked: AnswerReview, *_: object) -> BaseModel:
        """See `AnswerReview`."""
        known = self._preprocessor.knowledge
        return answer_review(
            self.jobs.store, known, asked.review, asked.answer, who=_AGENT, is_person=False, also=asked.also
        )
