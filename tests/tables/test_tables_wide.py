"""Wide tables: what is looked at grows with the columns, what is to be found is found, and all of it can be stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from serving import answer
from tables_job import ScriptedEngine, jobs_in

from dp_tools.decision import Decider
from dp_tools.errors import Cancelled
from dp_tools.mcp_server.server import create_server
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.preprocessor import Preprocessor
from dp_tools.profiling import RecordFacts, association, rendered
from dp_tools.rules.discovery import data_constraints
from dp_tools.rules.discovery.mine import mine
from dp_tools.tables import table_facts
from dp_tools.tables.clean import cleaning, filling, judging
from dp_tools.tables.jobs import cell_jobs, job_outputs, job_run
from dp_tools.tables.jobs.job_requests import (
    AnyJobRequest,
    CleanRequest,
    DedupeRequest,
    DetectRequest,
    FillRequest,
    MatchRequest,
    TableSource,
)
from dp_tools.tables.match import blocking, matching
from dp_tools.tables.match import judging as judging_pairs
from dp_tools.tables.profile import profile_table
from dp_tools.tables.snapshot import open_table
from dp_tools.tables.table_facts import TableFacts
from lab.synthetic.wide_tables import write_wide

AT_ONCE = 1.0
"""Seconds within which a stop is heard."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with every two attributes whose groups are compared."""
    made: list[int] = []
    measure = association.group_agreement

    def counted(*sides: Any) -> tuple[int, int, int]:
        made.append(1)
        return measure(*sides)

    for module in ("association", "dependencies", "truth_discovery"):
        monkeypatch.setattr(f"dp_tools.profiling.{module}.group_agreement", counted)
    return made


def learn(path: Path) -> None:
    with open_table(path) as table:
        TableFacts(table)


def profile(path: Path) -> None:
    with open_table(path) as table:
        profile_table(table)


def mine_rules(path: Path) -> None:
    with open_table(path) as table:
        mine(record for _, record in table.records())


def learn_batch(path: Path) -> None:
    with open_table(path) as table:
        RecordFacts([record for _, record in table.records()])


@pytest.mark.parametrize("work", [learn, profile, mine_rules, learn_batch])
def test_attributes_are_compared_in_proportion_to_their_number(
    tmp_path: Path, compared: list[int], work: Callable[[Path], None]
) -> None:
    for columns in (120, 240):
        compared.clear()
        work(write_wide(tmp_path / f"{columns}.csv", 150, columns))
        assert len(compared) <= 4 * columns


def test_what_columns_tell_of_each_other_is_found_in_a_wide_table(tmp_path: Path) -> None:
    with open_table(write_wide(tmp_path / "t.csv", 400, 200)) as table:
        records = [record for _, record in table.records()]
        facts_by_kind, batch = TableFacts(table), RecordFacts(records)
        found = {(d.left, d.right) for d in profile_table(table).dependencies}
    assert ("zip", "city") in found
    assert any("by zip" in fact for fact in rendered(facts_by_kind.about(records[0], "city")))
    assert any(
        "by phone" in fact for fact in rendered(facts_by_kind.group_evidence({**records[0], "zip": None}, "city"))
    )
    apart = {**records[0], "job": "job 0", "level": "level 2"}
    assert any(fact.startswith("rare with") for fact in rendered(facts_by_kind.about(apart, "job")))
    assert all(facts_by_kind.about(record, "city") == batch.about(record, "city") for record in records[:50])
    by = {
        tuple(candidate.rule.check["x-lookup"]["by"])
        for candidate in mine(records)
        if candidate.rule.check and candidate.kind == "dependency"
    }
    assert {("zip",), ("shop", "item")} <= by


def test_of_a_long_table_a_part_tells_what_determines_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_wide(tmp_path / "t.csv", 2000, 12)
    with open_table(path) as table:
        whole = TableFacts(table)._relations
        monkeypatch.setattr(association, "COMPARED_ROWS", 400)
        part = TableFacts(table)._relations
        found = {(d.left, d.right, d.exceptions) for d in profile_table(table).dependencies}
    assert whole is not None
    assert part is not None
    assert part.determinants["city"] == whole.determinants["city"]
    assert part.groups["zip", "city"] == whole.groups["zip", "city"]
    assert any(left == "zip" and right == "city" and exceptions for left, right, exceptions in found)


def people(folder: Path, rows: int, columns: int) -> TableSource:
    write_wide(folder / "wide.csv", rows, columns)
    return TableSource(path="wide.csv")


STANDS: list[tuple[str, str, Any, str]] = [
    ("detect", "reading records", job_run, "open_table"),
    ("detect", "profiling columns", table_facts, "known_codes"),
    ("detect", "comparing columns", table_facts, "relations"),
    ("detect", "mining rules", data_constraints, "mine"),
    ("detect", "looking at records", judging, "questions_of"),
    ("detect", "optimizing the model", Decider, "wait_until_optimized"),
    ("detect", "asking", ScriptedEngine, "answer"),
    ("detect", "collecting verdicts", cleaning, "is_misunderstood"),
    ("clean", "finding proposals", cleaning, "proposals"),
    ("detect", "writing", cell_jobs, "write_wrong_cells"),
    ("clean", "writing", job_outputs, "write_changes"),
    ("fill", "looking for gaps", filling, "is_missing"),
    ("match", "finding candidates", blocking, "_gram_counts"),
    ("match", "weighing words", judging_pairs, "words_in"),
    ("match", "pairing records", matching, "one_to_one"),
    ("dedupe", "grouping records", matching, "clusters"),
]


def request_of(kind: str, source: TableSource) -> AnyJobRequest:
    requests: dict[str, AnyJobRequest] = {
        "detect": DetectRequest(source=source),
        "clean": CleanRequest(source=source),
        "fill": FillRequest(source=source, attribute="column 5"),
        "match": MatchRequest(left=source, right=source),
        "dedupe": DedupeRequest(source=source),
    }
    return requests[kind]


class Deaf:
    """Puts what does not end by itself in place of a function."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch, self._end = monkeypatch, threading.Event()

    def instead_of(self, place: Any, name: str) -> threading.Event:
        """The event says that it was called."""
        entered = threading.Event()

        def wait(*_: Any, **__: Any) -> Any:
            entered.set()
            self._end.wait(60)
            raise Cancelled("It ended at last.")

        self._patch.setattr(place, name, property(wait) if name == "fingerprint" else wait)
        return entered

    def end(self) -> None:
        """Let it end, and put the function back."""
        self._end.set()
        self._patch.undo()


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deaf]:
    made = Deaf(monkeypatch)
    yield made
    made.end()


@pytest.mark.parametrize(("kind", "stage", "place", "name"), STANDS, ids=[f"{k} {s}" for k, s, *_ in STANDS])
def test_a_job_is_cancelled_within_a_second_in_every_stage(
    tmp_path: Path, deaf: Deaf, kind: str, stage: str, place: Any, name: str
) -> None:
    source = people(tmp_path, 120, 12)
    held = jobs_in(tmp_path, ScriptedEngine())
    entered = deaf.instead_of(place, name)
    job = held.start(request_of(kind, source), wait=0)
    assert entered.wait(30), held.get(job.id)
    assert held.get(job.id).stage == stage
    began = time.monotonic()
    held.cancel(job.id)
    assert held.wait(job.id, 10).status == "cancelled"
    assert time.monotonic() - began < AT_ONCE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state", "wide.csv"]


STAGES = [
    ("detect", "reading records"),
    ("detect", "profiling columns"),
    ("detect", "comparing columns"),
    ("detect", "mining rules"),
    ("detect", "looking at records"),
    ("detect", "asking"),
    ("dedupe", "finding candidates"),
    ("dedupe", "weighing words"),
]


@pytest.mark.parametrize(("kind", "stage"), STAGES)
def test_the_work_itself_hears_that_it_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, stage: str
) -> None:
    source = people(tmp_path, 300, 120)
    held = jobs_in(tmp_path, ScriptedEngine())
    tell, reached = job_run.JobRun.tell, threading.Event()

    def watched(run: job_run.JobRun, name: str, done: int, total: int) -> None:
        tell(run, name, done, total)
        if name == stage and done:
            reached.set()

    monkeypatch.setattr(job_run.JobRun, "tell", watched)
    job = held.start(request_of(kind, source), wait=0)
    assert reached.wait(60), held.get(job.id)
    held.cancel(job.id)
    held._runs[job.id].thread.join(AT_ONCE)
    assert not held._runs[job.id].thread.is_alive()
    assert held.get(job.id).status == "cancelled"


def test_a_cancelled_job_that_did_not_hear_goes_on_when_it_is_resumed(tmp_path: Path, deaf: Deaf) -> None:
    held = jobs_in(tmp_path, ScriptedEngine())
    entered = deaf.instead_of(table_facts, "relations")
    job = held.start(request_of("detect", people(tmp_path, 40, 12)), wait=0)
    assert entered.wait(30)
    held.cancel(job.id)
    assert held.wait(job.id, 10).status == "cancelled"
    deaf.end()
    assert held.resume(job.id, wait=60).status == "done"


@pytest.mark.anyio
async def test_a_job_over_mcp_is_cancelled_within_a_second(tmp_path: Path, deaf: Deaf) -> None:
    people(tmp_path, 40, 12)
    entered = deaf.instead_of(table_facts, "relations")
    with Preprocessor(knowledge=":memory:", engine=ScriptedEngine()) as preprocessor:
        server_context = ServerContext(preprocessor=preprocessor, roots=[tmp_path])
        async with Client(create_server(server_context)) as client:
            started = await answer(client, "clean_table", {"table": {"path": "wide.csv"}, "what": "detect"})
            assert entered.is_set()
            began = time.monotonic()
            ended = await answer(client, "cancel_job", {"job": started["id"]})
        assert ended["status"] == "cancelled"
        assert time.monotonic() - began < AT_ONCE
        deaf.end()
        server_context.close()


COMMANDS = {
    "reading records": ("profile", "wide.csv"),
    "profiling columns": ("clean", "wide.csv", "--detect-only", "--state", "state", "--knowledge", "rules.db"),
    "comparing columns": ("profile", "wide.csv"),
    "mining rules": ("rules", "mine", "wide.csv", "--knowledge", "rules.db"),
}


def _as_in_the_foreground() -> None:
    """A shell has what it starts in the background ignore Ctrl-C; if it started the tests so, that ends here."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
@pytest.mark.parametrize("stage", COMMANDS)
def test_a_command_names_its_stage_and_ends_within_a_second_of_ctrl_c(tmp_path: Path, stage: str) -> None:
    import pty

    write_wide(tmp_path / "wide.csv", 1500, 300)
    terminal, theirs = pty.openpty()
    command = [sys.executable, "-m", "dp_tools", *COMMANDS[stage]]
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=theirs, stdout=subprocess.DEVNULL, preexec_fn=_as_in_the_foreground
    )
    os.close(theirs)
    shown = b""
    while stage.encode() not in shown:
        shown += os.read(terminal, 4096)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    with suppress(OSError):  # how a terminal ends
        while os.read(terminal, 4096):
            pass
    assert process.wait(30) == 130
    assert time.monotonic() - began < AT_ONCE
    os.close(terminal)
    assert not list(tmp_path.glob("*.errors.csv"))
