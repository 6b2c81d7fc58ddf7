"""The files that a job reads and writes, known before it begins, so that a person can consent to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.tables.io.folders import (
    PART_ENDINGS,
    PartFolder,
    digest_of_folder,
    folder_beside,
    is_address,
    is_folder,
)
from dp_tools.tables.io.formats import format_of, result_of
from dp_tools.tables.io.paths import Disk, beside, fingerprint
from dp_tools.tables.jobs.job_requests import (
    AnyJobRequest,
    CallRequest,
    CleanRequest,
    DedupeRequest,
    DetectRequest,
    FillRequest,
    MatchRequest,
    PromisedRequest,
    sources_of,
)
from dp_tools.tables.jobs.job_store import JobStore

_WORDS = {"detect": "errors", "clean": "clean", "fill": "filled", "match": "matches", "dedupe": "duplicates"}
"""What stands in the name of a result that nobody named."""
CHANGES = "changes"
"""What stands behind the name of a folder of results for the folder of change logs beside it."""
OnCells = DetectRequest | CleanRequest | FillRequest
"""The jobs that look at cells, which can be done part by part."""
_CSV = ".csv"
_LINES = ".jsonl"


class Leave(BaseModel):
    """What a person let one job do beyond what any job may."""

    reads: list[Path] = []
    """Files outside the roots."""
    replaces: dict[Path, str] = {}
    """Files that dp-tools did not write, with the fingerprints that they had when the person was asked."""


@dataclass(frozen=True, slots=True)
class Writes:
    """The files that a job is going to write.

    Args:
        files: all of them.
        replaced: those that are there now.
        foreign: those of them that dp-tools did not write, with their fingerprints.
        are_folders: whether each is a folder of parts.
    """

    files: tuple[Path, ...]
    replaced: frozenset[Path] = frozenset()
    foreign: Mapping[Path, str] = field(default_factory=dict)
    are_folders: bool = False


def resolve_paths(request: AnyJobRequest, disk: Disk) -> AnyJobRequest:
    """The request with every path whole and real, so that it means the same in any folder and to any server.

    Raises:
        TableUnavailable: a file is not there, or may not be read; or the result may not be written where it would go.
        InvalidRequest: a table is neither a path nor records, or records have no place for a result.
    """
    if isinstance(request, CallRequest):
        return request
    names = ("left", "right") if isinstance(request, MatchRequest) else ("source",)
    resolved: dict[str, object] = {}
    for name, source in zip(names, sources_of(request), strict=True):
        if source.path is not None and source.records is None:
            resolved[name] = source.model_copy(update={"path": _to_read(source.path, disk)})
        elif source.records is None:
            raise InvalidRequest("Say which table: give a path, or records.")
    if isinstance(request, PromisedRequest) and (labels := request.labelled) is not None and labels.path is not None:
        resolved["labelled"] = labels.model_copy(update={"path": str(disk.to_read(labels.path))})
    if is_on_folder(request, disk):
        resolved["output"] = result_folder(request, disk)
        return request.model_copy(update=resolved)
    outputs = outputs_of(request, disk)
    resolved["output"] = str(outputs[0]) if outputs else None
    return request.model_copy(update=resolved)


def _to_read(path: str, disk: Disk) -> str:
    if is_address(path):
        disk.require_address(path)
        return path
    return str(disk.folder_to_read(path) if is_folder(path, disk) else disk.to_read(path))


def is_on_folder(request: AnyJobRequest, disk: Disk) -> bool:
    """Whether a job works on a folder part by part, and writes one."""
    return isinstance(request, OnCells) and bool(_folders_of(request, disk))


def _folders_of(request: AnyJobRequest, disk: Disk) -> list[str]:
    """The folders of parts that a job reads."""
    paths = (source.path for source in sources_of(request) if source.records is None)
    return [path for path in paths if path is not None and is_folder(path, disk)]


def has_changes(request: AnyJobRequest) -> bool:
    """Whether a job writes a table with changes, and the log of them."""
    return isinstance(request, CleanRequest | FillRequest)


def result_folder(request: AnyJobRequest, disk: Disk) -> str:
    """Where the parts of a result go: the folder that is named, or one beside the table's.

    Raises:
        TableUnavailable: they may not be written there.
    """
    (source,) = sources_of(request)
    assert source.path is not None
    wanted = request.output
    if wanted is None:
        given = source.path if is_address(source.path) else str(disk.real(source.path))
        natural = folder_beside(given, _WORDS[request.kind])
        wanted = natural if is_address(natural) else str(disk.place(Path(natural)))
    if Path(wanted).suffix.lower() in PART_ENDINGS:
        raise TableUnavailable(f"{wanted} is the name of a file, and the parts of a table need a folder: name one.")
    if is_address(wanted):
        disk.require_address(wanted)
        return wanted
    return str(disk.folder_to_write(wanted))


def outputs_of(request: AnyJobRequest, disk: Disk) -> list[Path]:
    """The files that a job is going to write; none for records that are passed along without an output, nor in object
    storage. Where the table lies in a folder of parts, they are folders.

    First the result; then, where the job has them, the cases for a person; then the change log, or the merged table
    and where its values come from.

    Raises:
        TableUnavailable: one may not be written where it would go.
        InvalidRequest: the result's format is not one that the job writes.
    """
    if isinstance(request, CallRequest):
        return []
    if is_on_folder(request, disk):
        folder = result_folder(request, disk)
        if is_address(folder):
            return []
        logs = [disk.folder_to_write(f"{folder}.{CHANGES}")] if has_changes(request) else []
        return [Path(folder), *logs]
    first, *_ = sources_of(request)
    changes = has_changes(request)
    natural = None
    folders = _folders_of(request, disk)
    if first.path in folders:
        natural = _beside_folder(request, first.path, disk)
    elif first.path is not None and first.records is None:
        # A changed table is written in its own format where that can be, all else as CSV.
        ending = None if changes and not first.query else _CSV
        natural = _natural(disk.real(first.path), _word(request), ending, disk)
    wanted = request.output if request.output is not None else natural
    if wanted is None:
        return []
    ending = _CSV if natural is None else natural.suffix.lower()
    target = disk.to_write(wanted, {_CSV, ending})
    for folder in folders:
        if not is_address(folder) and target.is_relative_to(disk.real(folder)):
            raise TableUnavailable(f"{target} would lie among the parts of {folder}; write elsewhere.")
    if changes:
        format_of(target)
    if isinstance(request, DetectRequest):
        return [target]
    review = disk.to_write(beside(target, "review", _CSV), {_CSV})
    if changes:
        return [target, review, disk.to_write(beside(target, "changes", _LINES), {_LINES})]
    merged = disk.to_write(beside(target, "merged", _CSV), {_CSV})
    return [target, review, merged, disk.to_write(beside(target, "provenance", _LINES), {_LINES})]


def _word(request: AnyJobRequest) -> str:
    """What stands in the name of its result."""
    return "entities" if isinstance(request, DedupeRequest) and request.register_name else _WORDS[request.kind]


def _beside_folder(request: AnyJobRequest, folder: str, disk: Disk) -> Path | None:
    """Where the file goes that is made of a folder if nobody says where.

    Raises:
        InvalidRequest: nobody does, and beside the folder is no disk of this machine.
    """
    if not is_address(folder):
        return disk.place(Path(f"{folder_beside(str(disk.real(folder)), _word(request))}{_CSV}"))
    if request.output is None:
        raise InvalidRequest(f"Say where the result of {folder} goes: name an output file of this machine.")
    return None


def _natural(source: Path, word: str, ending: str | None, disk: Disk) -> Path:
    """Where the result of work on a file goes if nobody says where."""
    if disk.place(source) != source and format_of(source) == "packed":
        # Outside the roots nothing is opened before a person agreed, not even to see what is in it.
        return disk.place(beside(source, word, _CSV))
    return disk.place(result_of(source, word, ending))


def writes_of(request: AnyJobRequest, disk: Disk, store: JobStore) -> Writes:
    """The same, with what stands there already.

    Raises:
        TableUnavailable: as `outputs_of`, or something stands there and was not asked to be replaced.
        InvalidRequest: as `outputs_of`.
    """
    files = outputs_of(request, disk)
    marks = {file: _mark(file, request) for file in files if _is_taken(file)}
    foreign = {} if disk.trusted else {file: mark for file, mark in marks.items() if not store.wrote(file, mark)}
    return Writes(tuple(files), frozenset(marks), foreign, is_on_folder(request, disk))


def require_free(file: Path, request: AnyJobRequest, disk: Disk, store: JobStore, leave: Leave) -> None:
    """Refuse a place where something stands that the job may not replace.

    Raises:
        TableUnavailable: something stands there and was not asked to be replaced; or dp-tools did not write it, and no
            person said that it may go.
    """
    if not _is_taken(file):
        return
    _require_overwrite(file, request)
    if disk.trusted:
        return
    mark = _mark(file, request)
    if not (store.wrote(file, mark) or leave.replaces.get(file) == mark):
        raise TableUnavailable(
            f"{file} was not written by a job of yours, and only a person may have it replaced; write elsewhere."
        )


def _is_taken(file: Path) -> bool:
    """Whether something stands there; an empty folder is as good as none."""
    return any(file.iterdir()) if file.is_dir() else file.exists()


def _mark(file: Path, request: AnyJobRequest) -> str:
    _require_overwrite(file, request)
    return digest_of_folder(file) if file.is_dir() else fingerprint(file)


def _require_overwrite(file: Path, request: AnyJobRequest) -> None:
    if not request.overwrite:
        raise TableUnavailable(f"{file} already exists; write elsewhere, or ask for it to be overwritten.")


def note_folder(store: JobStore, job: str, folder: PartFolder) -> None:
    """Note a folder that a job wrote as it stands, so that it is never taken for another's.

    Object storage is not noted: only who may write anywhere writes there.
    """
    if not is_address(folder.address):
        store.note_output(job, Path(folder.address), digest_of_folder(Path(folder.address)))
