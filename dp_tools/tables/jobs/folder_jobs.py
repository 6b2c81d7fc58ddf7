"""Jobs on tables that lie in a folder of parts: one part after the other, each judged by the whole folder.

What a part comes to depends on the part and on the whole alone, and is noted once its files stand in their places. So a
job that was stopped goes on with the first part that it has not finished, and no more than one part is held at a time.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.tables.change_log import log_beside
from dp_tools.tables.io.folders import PartFolder, open_folder, parts_of
from dp_tools.tables.io.paths import new_file
from dp_tools.tables.jobs.job_files import CHANGES, OnCells, has_changes, note_folder, result_folder
from dp_tools.tables.jobs.job_outputs import PREVIEW, REVIEWS, not_looked_at
from dp_tools.tables.jobs.job_requests import (
    CleanRequest,
    DetectRequest,
    JobResult,
    OutputFile,
    PromisedRequest,
    TableSource,
)
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.snapshot import Table, open_table
from dp_tools.tables.whole import Whole, WholeSummary, known_whole, learn_whole

_WHOLE, _DONE = "whole", "parts"
"""Folders beside a job's state: what its parts are judged by, and what came of those that are done."""


class _DonePart(BaseModel):
    """What came of one part: its result, and the cases that it leaves to a person."""

    result: JobResult
    reviews: list[dict[str, Any]]


def carry_out_parts(run: JobRun, step: Callable[[JobRun], JobResult]) -> JobResult:
    """Do what a job is for with each part of a folder.

    Args:
        run: the job's run.
        step: what is done with a table; it opens it, asks and publishes through the run that it is given.

    Raises:
        DpToolsError: it cannot be done; parts that were done before stay.
    """
    request = run.request
    assert isinstance(request, OnCells)
    assert request.source.path is not None
    if isinstance(request, PromisedRequest) and request.labelled is not None:
        raise InvalidRequest("Labelled rows belong to one file: leave them out, or clean a file of its own with them.")
    state = run.store.folder / run.job
    folder = open_folder(request.source.path, run.disk)
    output = open_folder(result_folder(request, run.disk), run.disk)
    beside = open_folder(f"{output.address}.{CHANGES}", run.disk)
    known = known_whole(state / _WHOLE)
    if known is None:
        _require_room(request.overwrite, folder, output, beside)
        with closing(run.tables_of(folder, request.source)) as tables:
            known = learn_whole(tables, state / _WHOLE)
    summary, whole = known
    for number in range(len(summary.parts)):
        note = state / _DONE / f"{number:06}.json"
        if not note.exists():
            run.check()
            done = _PartRun(run, (folder, output, beside), number, summary, whole).carry_out(step)
            note.parent.mkdir(exist_ok=True)
            with new_file(note, overwrite=True) as file:
                file.write_text(done.model_dump_json(), encoding="utf-8")
    return _result(run, summary, whole, state / _DONE, (output, beside))


class _PartRun(JobRun):
    """The run of a job with one part of its table.

    Args:
        run: that of the whole job.
        places: where the parts are, where they go, and where what goes beside them goes.
        number: the part, from 0.
        summary: what is known of all parts.
        whole: what it is judged by.
    """

    def __init__(
        self,
        run: JobRun,
        places: tuple[PartFolder, PartFolder, PartFolder],
        number: int,
        summary: WholeSummary,
        whole: Whole,
    ) -> None:
        super().__init__(run.store, run.disk, run.decider, run.job, run.request, run.stop)
        self.whole = whole
        self._from, self._to, self._beside = places
        self._number, self._summary = number, summary
        self._part = summary.parts[number]
        self.part = self._part.name
        self._path = Path()
        self._reviews: list[dict[str, Any]] = []

    def carry_out(self, step: Callable[[JobRun], JobResult]) -> _DonePart:
        """Do it; nothing of it stays but what was published."""
        self.require_unchanged()
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with self._from.fetched(self._part.name) as self._path:
                result = step(self)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        return _DonePart(result=result, reviews=self._reviews)

    @property
    def folder(self) -> Path:
        return super().folder / "part"

    def open(self, source: TableSource) -> Table:
        options = {**self._summary.options, **source.options}
        return open_table(self._path, progress=self.stage("reading records"), cancel=self.stop, **options)

    def outputs(self) -> list[Path]:
        name = Path(self._part.name)
        if not has_changes(self.request):
            return [name.with_suffix(".csv")]
        return [name, name.with_suffix(".review.csv"), log_beside(name)]

    def publish(self, made: Path, target: Path) -> Path:
        self.check()
        self.require_unchanged()
        first, *_ = self.outputs()
        place = self._to if target == first else self._beside

        def is_own(where: str, mark: str) -> bool:
            begun = self.store.wrote(Path(where), mark)
            self.store.note_output(self.job, Path(where), mark)
            return begun or self.request.overwrite

        place.put(made, target.as_posix(), is_own)
        return target

    def require_unchanged(self) -> None:
        """Refuse to go on with another part than the one that the job began with.

        Raises:
            TableUnavailable: it was changed, or is gone.
        """
        name = self._part.name
        if self._from.version(name) != self._part.version:
            raise TableUnavailable(
                f"{name} in {self._from.address} was changed since the job {self.job} began; start a new job."
            )

    def keep_reviews(self, reviews: list[dict[str, Any]]) -> None:
        # Rows are counted in each part, so no number in a review stands for a row of the whole.
        self._reviews = [
            {**review, "question": f"{self._part.name}: {review['question']}", "row": None} for review in reviews
        ]

    def tell(self, stage: str, done: int, total: int) -> None:
        super().tell(f"part {self._number + 1:,} of {len(self._summary.parts):,}: {stage}", done, total)


def _require_room(overwrite: bool, folder: PartFolder, output: PartFolder, beside: PartFolder) -> None:
    """Refuse an output that lies in its input, or that holds what would stay there beside the result.

    Raises:
        TableUnavailable: it does.
    """
    ours, theirs = f"{folder.address}/", f"{output.address}/"
    if ours.startswith(theirs) or theirs.startswith(ours):
        raise TableUnavailable(f"{output.address} and {folder.address} lie in each other; write elsewhere.")
    parts = {str(PurePosixPath(name).with_suffix("")) for name in parts_of(folder)}
    for place in (output, beside):
        there = place.names()
        if there and not overwrite:
            raise TableUnavailable(f"{place.address} already exists; write elsewhere, or ask for it to be overwritten.")
        odd = [name for name in there if not any(name.startswith(f"{part}.") for part in parts)]
        if odd:
            raise TableUnavailable(
                f"{place.address} holds {odd[0]}, which is no part of the result; write elsewhere, or remove it."
            )


def _result(
    run: JobRun, summary: WholeSummary, whole: Whole, notes: Path, places: tuple[PartFolder, PartFolder]
) -> JobResult:
    """What came of all parts."""
    figures: Counter[str] = Counter()
    preview: list[dict[str, Any]] = []
    reviews: list[dict[str, Any]] = []
    for number, part in enumerate(summary.parts):
        done = _DonePart.model_validate_json((notes / f"{number:06}.json").read_text(encoding="utf-8"))
        for name, count in done.result.figures.items():
            figures[name] += count  # type: ignore[assignment]  # counts of cells, questions and changes
        preview += [{"part": part.name, **one} for one in done.result.preview[: PREVIEW - len(preview)]]
        reviews = sorted([*reviews, *done.reviews], key=lambda one: abs(one["confidence"] - 0.5))[:REVIEWS]
    run.store.add_reviews(run.job, reviews)
    output, beside = places
    files = [OutputFile(path=output.address, what="the parts of the result, under their names")]
    if has_changes(run.request):
        files.append(OutputFile(path=beside.address, what="the change log of each part, and its cases for a person"))
    if not run.disk.trusted:
        for place in places:
            note_folder(run.store, run.job, place)
    counted = ", ".join(f"{count:,} {name}" for name, count in figures.items())
    left_out = ""
    request = run.request
    if isinstance(request, DetectRequest | CleanRequest):
        left_out = not_looked_at(whole.content(request.attributes, request.include, request.exclude))
    sentence = f"{len(summary.parts):,} parts with {summary.rows:,} records: {counted}.{left_out}"
    return JobResult(summary=" ".join((sentence, *summary.notes)), files=files, figures=dict(figures), preview=preview)
