"""Undoing changes of a job that cleaned a table or filled gaps: one cell, a column, a part, or all of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dp_tools.errors import InvalidRequest
from dp_tools.tables.change_log import log_beside, undo, undo_some
from dp_tools.tables.io.folders import PartFolder, is_folder, open_folder, parts_of
from dp_tools.tables.io.paths import Disk, fingerprint, new_file
from dp_tools.tables.jobs.job_files import CHANGES, is_on_folder, note_folder
from dp_tools.tables.jobs.job_requests import CleanRequest, FillRequest
from dp_tools.tables.jobs.jobs import Jobs


def restore(cleaned: str | Path, output: str | Path, *, log: str | Path | None = None, overwrite: bool = False) -> bool:
    """Restore the file, or the folder of parts, that a cleaned one was made from.

    Args:
        cleaned: the file or the folder.
        output: the file or the folder to write.
        log: its change log, or the folder of the logs of its parts; what is beside it by default.
        overwrite: whether what stands there may be replaced.

    Returns:
        Whether what is restored equals the original bit for bit; otherwise it does value for value.

    Raises:
        TableUnavailable: a log is missing or belongs to another file, or a file cannot be read or written.
    """
    disk = Disk()
    if not is_folder(cleaned, disk):
        return undo(Path(cleaned), log_beside(cleaned) if log is None else Path(log), Path(output), overwrite=overwrite)
    folder, target = open_folder(cleaned, disk), open_folder(output, disk)
    logs = open_folder(f"{folder.address}.{CHANGES}" if log is None else log, disk)
    same = True
    for name in parts_of(folder):
        with (
            tempfile.TemporaryDirectory(prefix="dp-tools-") as place,
            folder.fetched(name) as part,
            logs.fetched(_log_of(name)) as part_log,
        ):
            made = Path(place) / part.name
            same &= undo(part, part_log, made)
            target.put(made, name, lambda *_: overwrite)
    return same


def changed_files(jobs: Jobs, job: str) -> tuple[Path, Path]:
    """The table that a job wrote with its changes, and its change log; of a folder of parts, two folders.

    Raises:
        InvalidRequest: there is no such job, or it changed nothing.
    """
    cleaned, log = _changed(jobs, job)
    return Path(cleaned), Path(log)


def undo_changes(
    jobs: Jobs, job: str, attribute: str | None = None, row: int | None = None, part: str | None = None
) -> tuple[int, int]:
    """Write the job's table and its change log again without some of the changes.

    Args:
        jobs: the jobs.
        job: one that cleaned a table or filled gaps, and is done.
        attribute: only the changes of this attribute (default: of all).
        row: only those of this row, from 1 (default: of all); in a folder, of the part's.
        part: only those of this part of a folder (default: of all).

    Returns:
        How many changes were undone, and how many are left.

    Raises:
        InvalidRequest: there is no such job, or it has no such change.
        TableUnavailable: the file was changed since, or cannot be written.
    """
    cleaned, log = _changed(jobs, job)

    def is_undone(entry: dict[str, Any]) -> bool:
        return attribute in (None, entry["attribute"]) and row in (None, entry["row"])

    with jobs.store.running(job):
        if is_on_folder(jobs.request(job), jobs.disk):
            folders = open_folder(cleaned, jobs.disk), open_folder(log, jobs.disk)
            undone, left = _undone_in_parts(jobs, job, folders, is_undone, _parts(folders[0], row, part))
        elif part is not None:
            raise InvalidRequest(f"The job {job} wrote one file, which has no parts: leave part out.")
        else:
            undone, left = _undone_in_file(jobs, job, Path(cleaned), Path(log), is_undone)
    if not undone:
        raise InvalidRequest(f"The job {job} has no such change to undo.")
    return undone, left


def _changed(jobs: Jobs, job: str) -> tuple[str, str]:
    result = jobs.get(job).result
    if result is None or not result.files or not isinstance(jobs.request(job), CleanRequest | FillRequest):
        raise InvalidRequest(f"The job {job} wrote no changes that could be undone.")
    return result.files[0].path, result.files[1].path


def _undone_in_file(
    jobs: Jobs, job: str, cleaned: Path, log: Path, is_undone: Callable[[dict[str, Any]], bool]
) -> tuple[int, int]:
    with tempfile.TemporaryDirectory(prefix="dp-tools-") as name:
        undone, left = undo_some(cleaned, log, Path(name), is_undone)
        for target in (log, cleaned) if undone else ():
            made = Path(name) / target.name
            jobs.store.note_output(job, target, fingerprint(made))
            with new_file(target, overwrite=True) as part:
                shutil.copyfile(made, part)
    return undone, left


def _undone_in_parts(
    jobs: Jobs,
    job: str,
    folders: tuple[PartFolder, PartFolder],
    is_undone: Callable[[dict[str, Any]], bool],
    parts: list[str],
) -> tuple[int, int]:
    """The same in each of some parts of a folder."""
    folder, logs = folders
    undone = left = 0
    for name in parts:
        with (
            tempfile.TemporaryDirectory(prefix="dp-tools-") as place,
            folder.fetched(name) as part,
            logs.fetched(_log_of(name)) as log,
        ):
            here, stay = undo_some(part, log, Path(place), is_undone)
            if here:
                logs.put(Path(place) / log.name, _log_of(name), lambda *_: True)
                folder.put(Path(place) / part.name, name, lambda *_: True)
        undone, left = undone + here, left + stay
    for written in folders if undone else ():
        note_folder(jobs.store, job, written)
    return undone, left


def _parts(folder: PartFolder, row: int | None, part: str | None) -> list[str]:
    names = parts_of(folder)
    if part is None and row is None:
        return names
    if part is None:
        raise InvalidRequest(f"Rows are counted in each part: say in which part row {row} is, such as {names[0]}.")
    if part not in names:
        raise InvalidRequest(f"{folder.address} has no part {part}: choose from {', '.join(names[:5])}, ….")
    return [part]


def _log_of(part: str) -> str:
    return log_beside(part).as_posix()
