"""Undoing changes of a job that cleaned a table or filled gaps: one cell, a column, or all of them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from dp_tools.errors import InvalidRequest
from dp_tools.tables.change_log import log_beside, undo_some
from dp_tools.tables.io.paths import fingerprint, new_file
from dp_tools.tables.jobs.job_requests import CleanRequest, FillRequest
from dp_tools.tables.jobs.jobs import Jobs


def changed_files(jobs: Jobs, job: str) -> tuple[Path, Path]:
    """The table that a job wrote with its changes, and its change log.

    Raises:
        InvalidRequest: there is no such job, or it changed nothing.
    """
    result = jobs.get(job).result
    if result is None or not result.files or not isinstance(jobs.request(job), CleanRequest | FillRequest):
        raise InvalidRequest(f"The job {job} wrote no changes that could be undone.")
    cleaned = Path(result.files[0].path)
    return cleaned, log_beside(cleaned)


def undo_changes(jobs: Jobs, job: str, attribute: str | None = None, row: int | None = None) -> tuple[int, int]:
    """Write the job's table and its change log again without some of the changes.

    Args:
        jobs: the jobs.
        job: one that cleaned a table or filled gaps, and is done.
        attribute: only the changes of this attribute (default: of all).
        row: only those of this row, from 1 (default: of all).

    Returns:
        How many changes were undone, and how many are left.

    Raises:
        InvalidRequest: there is no such job, or it has no such change.
        TableUnavailable: the file was changed since, or cannot be written.
    """
    cleaned, log = changed_files(jobs, job)

    def is_undone(entry: dict[str, Any]) -> bool:
        return attribute in (None, entry["attribute"]) and row in (None, entry["row"])

    with jobs.store.running(job), tempfile.TemporaryDirectory(prefix="dp-tools-") as name:
        undone, left = undo_some(cleaned, log, Path(name), is_undone)
        if not undone:
            raise InvalidRequest(f"The job {job} has no such change to undo.")
        for target in (log, cleaned):
            made = Path(name) / target.name
            jobs.store.note_output(job, target, fingerprint(made))
            with new_file(target, overwrite=True) as part:
                shutil.copyfile(made, part)
    return undone, left
