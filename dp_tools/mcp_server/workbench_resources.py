"""What a screen needs and a model does not, as resources: rows of tables, cells of jobs, files, kinds of cases."""

from __future__ import annotations

import csv
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer

from dp_tools.errors import DpToolsError, InvalidRequest
from dp_tools.mcp_server.resources import JSON, as_json, errors_as_text, whole
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.tables.io.formats import format_of
from dp_tools.tables.io.paths import Roots
from dp_tools.tables.jobs.job_requests import (
    AnyJobRequest,
    CallRequest,
    DedupeRequest,
    DetectRequest,
    FillRequest,
    MatchRequest,
    sources_of,
)

if TYPE_CHECKING:
    from dp_tools.tables.jobs.jobs import Jobs
    from dp_tools.tables.snapshot import Table

ROWS_AT_ONCE = 500
"""Rows of a table that are returned at once."""
CELLS_AT_ONCE = 2_000
"""Cells of a job that are returned at once."""
PART_BYTES = 1 << 20
"""Bytes of a file that are returned at once."""
CASES_SHOWN = 50
"""Open cases that are returned at once."""
KIND_AT_ONCE = 500
"""Cases of a kind that are returned at once."""
_FILES = 500
"""Files that are listed."""
_VISITED = 20_000
"""Entries of the folders that are looked at for them."""
_TOOLS = {
    "detect": "clean_table",
    "clean": "clean_table",
    "fill": "clean_table",
    "match": "match_tables",
    "dedupe": "dedupe_table",
}
_WHAT = {"detect": {"what": "detect"}, "clean": {"what": "repair"}, "fill": {"what": "fill"}}


def add_workbench_resources(server: MCPServer[None], server_context: ServerContext) -> None:
    """Register the resources that the workbench reads."""
    roots = server_context.roots

    @server.resource("tables://files", title="Tables that can be opened", mime_type=JSON)
    @errors_as_text
    def files() -> str:
        """The tables under the server's folders, at most 500, with their sizes in bytes."""
        return as_json(list(itertools.islice(files_under(roots, _is_table), _FILES)))

    @server.resource("tables://{+path}/rows/{rows}", title="Rows of a table", mime_type=JSON)
    @errors_as_text
    def rows(path: str, rows: str) -> str:
        """Rows by number, from 1: a range such as 1-100, or a list such as 3,17,40; at most 500."""
        wanted = _numbers(rows)
        with server_context.tables.open(roots.to_read(path), keep=True) as table:
            return as_json({"columns": table.columns, "count": table.count, "rows": _rows(table, wanted)})

    @server.resource("jobs://{job}/request", title="What a job was asked", mime_type=JSON)
    @errors_as_text
    def request(job: str) -> str:
        """The tool and the arguments of the call that began a job; the same call resumes it."""
        return as_json(_call_of(roots, server_context.jobs.request(job)))

    @server.resource("jobs://{job}/cells/{offset}", title="The cells that a job judged", mime_type=JSON)
    @errors_as_text
    def cells(job: str, offset: str) -> str:
        """The cells that a job changed, found wrong, or left to a person; from an offset on, at most 2,000."""
        start = whole(offset, "offset")
        jobs = server_context.jobs
        found = list(itertools.islice(_cells(jobs, job), start, start + CELLS_AT_ONCE + 1))
        more = start + CELLS_AT_ONCE if len(found) > CELLS_AT_ONCE else None
        return as_json({"cells": found[:CELLS_AT_ONCE], "more": more})

    @server.resource("jobs://{job}/files/{name}/{part}", title="A file that a job wrote")
    @errors_as_text
    def part(job: str, name: str, part: str) -> bytes:
        """A part of one of a job's files, counted from 0, of 1 MiB each; the part behind the last one is empty."""
        number = whole(part, "part")
        with _written(server_context.jobs, job, name).open("rb") as file:
            file.seek(number * PART_BYTES)
            return file.read(PART_BYTES)

    @server.resource("reviews://kinds", title="Kinds of cases for a person", mime_type=JSON)
    @errors_as_text
    def kinds() -> str:
        """The cases that jobs left to a person, counted by job, task and attribute: open and answered."""
        from dp_tools.tables.jobs.reviews import review_kinds

        return as_json([kind.model_dump() for kind in review_kinds(server_context.jobs.store)])

    @server.resource("reviews://open/{offset}{?job}", title="Open cases", mime_type=JSON)
    @errors_as_text
    def open_cases(offset: str, job: str | None = None) -> str:
        """The cases that wait for a person, least certain first, from an offset on, at most 50; and how many wait."""
        from dp_tools.tables.jobs.reviews import next_reviews

        found, count = next_reviews(server_context.jobs.store, job, CASES_SHOWN, whole(offset, "offset"))
        return as_json({"reviews": [review.model_dump() for review in found], "open": count})

    @server.resource("reviews://kinds/{job}/{task}/{offset}{?attribute}", title="Cases of one kind", mime_type=JSON)
    @errors_as_text
    def of_kind(job: str, task: str, offset: str, attribute: str | None = None) -> str:
        """The open cases of a job, of one task and attribute, most certain first, from an offset on; at most 500."""
        from dp_tools.tables.jobs.reviews import reviews_of_kind

        start = whole(offset, "offset")
        found = reviews_of_kind(server_context.jobs.store, job, task, attribute, KIND_AT_ONCE, start)
        return as_json([review.model_dump() for review in found])


def files_under(roots: Roots, is_wanted: Callable[[Path], bool]) -> Iterator[dict[str, Any]]:
    """The files of a kind under the server's folders, each by the name by which it is opened, with its size."""
    visited = 0
    for folder in roots.folders:
        for place, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                visited += 1
                if visited > _VISITED:
                    return
                path = Path(place) / name
                with suppress(OSError):
                    if is_wanted(path) and (shown := name_of(roots, path)) is not None:
                        yield {"name": shown, "bytes": path.stat().st_size}


def _is_table(path: Path) -> bool:
    with suppress(DpToolsError):
        format_of(path)
        return True
    return False


def name_of(roots: Roots, path: Path) -> str | None:
    """The name by which a file under the server's folders is opened; None where it has none."""
    for folder in roots.folders:
        if path.is_relative_to(folder):
            name = path.relative_to(folder).as_posix()
            with suppress(DpToolsError):
                if roots.to_read(name) == path.resolve():
                    return name
    return None


def _numbers(text: str) -> Sequence[int]:
    """Row numbers from a range or a list.

    Raises:
        InvalidRequest: it is neither, or names too many.
    """
    first, dash, last = text.partition("-")
    if dash:
        numbers: Sequence[int] = range(whole(first, "row"), whole(last, "row") + 1)
    else:
        numbers = sorted({whole(number, "row") for number in text.split(",")})
    if len(numbers) > ROWS_AT_ONCE:
        raise InvalidRequest(f"{len(numbers):,} rows are too many at once: ask for at most {ROWS_AT_ONCE}.")
    return numbers


def _rows(table: Table, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
    """Rows with their numbers, from 1."""
    import polars as pl

    from dp_tools.tables.snapshot import ROW

    wanted = pl.Series([number - 1 for number in numbers if 0 < number <= table.count], dtype=pl.UInt32)
    if isinstance(numbers, range):
        frame = table.scan().slice(max(numbers.start - 1, 0), len(wanted))
    else:
        frame = table.scan().filter(pl.col(ROW).is_in(wanted.implode()))
    return [(number + 1, *values) for number, *values in frame.collect().iter_rows()]


def _call_of(roots: Roots, request: AnyJobRequest) -> dict[str, Any]:
    """The call that began a job, and the tables that it reads by the names by which they are opened."""
    if isinstance(request, CallRequest):
        return {"tool": request.task, "arguments": request.arguments, "tables": []}
    names = [name_of(roots, Path(source.path)) for source in sources_of(request) if source.path is not None]
    arguments = request.model_dump(mode="json", exclude_defaults=True, exclude={"kind", "attribute"})
    arguments |= _WHAT.get(request.kind, {})
    if "source" in arguments:
        arguments["table"] = arguments.pop("source")
    if isinstance(request, FillRequest):
        arguments["attributes"] = [request.attribute]
    return {"tool": _TOOLS[request.kind], "arguments": arguments, "tables": names}


def _cells(jobs: Jobs, job: str) -> Iterator[tuple[int, str, str | None, str | None, float, str, str]]:
    """Row from 1, attribute, value, other value, confidence, why, and state: changed, wrong, review, answered."""
    from dp_tools.tables.change_log import log_beside, read_changes
    from dp_tools.tables.jobs.reviews import reviews_of_job

    request, result = jobs.request(job), jobs.get(job).result
    if result is None or isinstance(request, MatchRequest | DedupeRequest | CallRequest):
        return
    # In a folder of parts no number stands for a row of the whole table.
    written = next((path for file in result.files if not (path := Path(file.path)).is_dir()), None)
    if written is not None and isinstance(request, DetectRequest):
        yield from _wrong_cells(written)
    elif written is not None:
        for change in read_changes(log_beside(written)):
            why = f"{change['why']} ({change['rule'] or change['source']})"
            yield change["row"], change["attribute"], change["old"], change["new"], change["confidence"], why, "changed"
    for review in reviews_of_job(jobs.store, job):
        if review.row is not None and review.attribute is not None:
            state = "review" if review.answer is None else "answered"
            value = review.case.get("value")
            yield review.row, review.attribute, value, review.proposal, review.confidence, review.question, state


def _wrong_cells(found: Path) -> Iterator[tuple[int, str, str | None, str | None, float, str, str]]:
    with found.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            why = " ".join(filter(None, (line["reason"], f"({line['decided_by']})")))
            yield int(line["row"]), line["attribute"], line["value"], None, float(line["confidence"]), why, "wrong"


def _written(jobs: Jobs, job: str, name: str) -> Path:
    """One of the files that a job wrote.

    Raises:
        InvalidRequest: it wrote none of that name.
    """
    result = jobs.get(job).result
    files = [] if result is None else [Path(file.path) for file in result.files]
    for file in files:
        if file.name == name and file.is_file():
            return file
    names = ", ".join(file.name for file in files) or "no file"
    raise InvalidRequest(f"The job {job} has no file {name[:200]!r}: it wrote {names}.")
