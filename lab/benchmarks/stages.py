"""How long each stage of a job takes, and how much memory the job, where its model answers at once."""

from __future__ import annotations

import csv
import resource
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from dp_tools import Preprocessor
from dp_tools.engine.workers.pool import WorkerPool
from dp_tools.tables.io.paths import Disk
from dp_tools.tables.jobs.job_requests import AnyJobRequest, CleanRequest, FillRequest, TableSource
from dp_tools.tables.jobs.jobs import Jobs
from lab.benchmarks.scale import write_table
from lab.benchmarks.scaling import SleepingEngine, memory_of, sleeping_workers

_LOOK_S = 0.02
_CLEANED = ("maker", "category", "colour")
_FILLED = "stock"
_GAPS = 1000
"""Values that a column lacks which is filled."""


@dataclass(frozen=True)
class TimedStages:
    """What a job took.

    Args:
        records: of its table.
        chunks: of up to 64 questions that were asked.
        seconds: from its start to its end.
        stages: seconds by stage, longest first, sampled 50 times a second.
        driver_cpu: seconds of the processor that this process took.
        driver_mb: the peak of the resident set of this process.
        started_mb: the same before the job began.
        workers_mb: what each worker has in memory in the end, and what of it no other process has.
    """

    records: int
    chunks: int
    seconds: float
    stages: dict[str, float]
    driver_cpu: float
    driver_mb: int
    started_mb: int
    workers_mb: list[tuple[int, int]]


def timed_stages(folder: Path, records: int, kind: str, parts: int | None, workers: int | None) -> TimedStages:
    """Time a job on a generated table of products.

    Args:
        folder: where to work.
        records: of the table.
        kind: clean: three columns, all of whose cells counting decides; or fill: a column that lacks so many values.
        parts: of the folder that the table lies in; None for a file.
        workers: that answer at once; None for this process.
    """
    write_table(folder / "table.csv", records)
    if kind == "fill":
        _empty(folder / "table.csv", records)
    if parts is not None:
        _split(folder / "table.csv", folder / "table", records, parts)
    source = TableSource(path=str(folder / ("table.csv" if parts is None else "table")))
    request: AnyJobRequest = CleanRequest(source=source, attributes=list(_CLEANED))
    if kind == "fill":
        request = FillRequest(source=source, attribute=_FILLED)
    with _opened(workers) as (preprocessor, pool):
        jobs = Jobs(lambda: preprocessor.decider, Disk(), folder / "state")
        started, began, busy = _peak(), time.perf_counter(), time.process_time()
        job = jobs.start(request, wait=0)
        stages: dict[str, float] = defaultdict(float)
        before = began
        while job.status in ("waiting", "running"):
            time.sleep(_LOOK_S)
            job, now = jobs.get(job.id), time.perf_counter()
            stages[job.stage.partition(": ")[2] or job.stage] += now - before
            before = now
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
        assert job.status == "done", job.error
        found = [] if pool is None else [memory_of(state.process) for state in pool.states()]
        asked = len(jobs.store.journal(job.id))
        jobs.close()
    ordered = sorted(stages.items(), key=lambda stage: -stage[1])
    shown = {name: round(spent, 2) for name, spent in ordered}
    return TimedStages(records, asked, round(seconds, 1), shown, round(busy, 1), _peak(), started, found)


@contextmanager
def _opened(workers: int | None) -> Iterator[tuple[Preprocessor, WorkerPool | None]]:
    if workers is None:
        with Preprocessor("nano", ":memory:", engine=SleepingEngine(0)) as preprocessor:
            yield preprocessor, None
    else:
        with sleeping_workers(workers, 0) as opened:
            yield opened


def _empty(table: Path, records: int) -> None:
    """Take away about so many values of a column as are to be asked about, evenly spread."""
    whole = table.with_suffix(".whole")
    table.rename(whole)
    every = max(2, records // _GAPS)
    with whole.open(encoding="utf-8", newline="") as read, table.open("w", encoding="utf-8", newline="") as write:
        lines = csv.DictReader(read)
        made = csv.DictWriter(write, lines.fieldnames or [])
        made.writeheader()
        made.writerows({**row, _FILLED: "" if at % every == 0 else row[_FILLED]} for at, row in enumerate(lines))
    whole.unlink()


def _split(table: Path, folder: Path, rows: int, count: int) -> None:
    """Write a file again as so many parts of equal length."""
    folder.mkdir()
    with table.open(encoding="utf-8") as lines:
        head = next(lines)
        for number in range(count):
            with (folder / f"{number:05}.csv").open("w", encoding="utf-8") as part:
                part.write(head)
                part.writelines(islice(lines, (number + 1) * rows // count - number * rows // count))
    table.unlink()


def _peak() -> int:
    """The largest resident set of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
