"""One run of a job: opens its tables, asks through its journal, publishes its files, and notes how far it is."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from dp_tools.decision import Decider
from dp_tools.engine.workers.pool import WorkerPool
from dp_tools.errors import Cancelled, InvalidRequest, TableUnavailable
from dp_tools.progress import Progress
from dp_tools.tables.asking import Journal, Work
from dp_tools.tables.io.folders import PartFolder, is_folder, open_folder, parts_of
from dp_tools.tables.io.paths import Disk, fingerprint, make_folder, new_file
from dp_tools.tables.jobs.job_files import Leave, outputs_of, require_free
from dp_tools.tables.jobs.job_requests import AnyJobRequest, TableSource
from dp_tools.tables.jobs.job_store import JobJournal, JobStore
from dp_tools.tables.jobs.provenance import PROVENANCES, Provenance
from dp_tools.tables.snapshot import Table, inline_table, open_table
from dp_tools.tables.whole import Whole, digest_of_parts, join_parts, shared_options

_BLOCK = 2**20
"""Bytes that are copied at once."""
_BEAT = 1.0
"""Seconds between two notes of how far a job is."""


class _NotedJournal:
    """A job's journal that has noted what gives the answers before it keeps the first.

    Not earlier: a job that rules decide needs no model, and to look at its weights takes a while.
    """

    def __init__(self, journal: JobJournal, note: Callable[[], None]) -> None:
        self._journal, self._note, self._noted = journal, note, False

    def get(self, key: str) -> str | None:
        return self._journal.get(key)

    def put(self, key: str, answer: str) -> None:
        if not self._noted:
            self._note()
            self._noted = True
        self._journal.put(key, answer)


class JobRun:
    """One run of a job: what its steps need, and nothing they should not touch.

    Args:
        store: where it belongs.
        disk: where it may read and write.
        decider: gives what answers, when it is first needed.
        job: its handle.
        request: what to do.
        stop: set to stop it.
    """

    def __init__(
        self,
        store: JobStore,
        disk: Disk,
        decider: Callable[[], Decider],
        job: str,
        request: AnyJobRequest,
        stop: threading.Event,
    ) -> None:
        self.store, self.job, self.request = store, job, request
        self.leave = Leave.model_validate_json(store.row(job)["leave"])
        self.disk = disk.granting(self.leave.reads)
        self._decider = decider
        self.stop = stop
        self._read: list[tuple[str, str, Callable[[], str]]] = []
        self._notes: list[str] = []
        self._pool: WorkerPool | None = None
        self.whole: Whole | None = None
        """What the table is judged by, where the run works on a part of it."""
        self.part: str | None = None
        """The name of the part then."""
        self._stage, self._since, self._first, self._told = "", 0.0, 0, 0.0

    def notes(self) -> list[str]:
        """What belongs to its result: how its tables were read, and that it went on with other things than it began
        with."""
        # How a table was read belongs to what came of it: a wrong sheet or header explains a wrong result.
        notes = list(self._notes)
        if changes := self._changes():
            notes.append(f"The job was resumed, and ended, with {' and '.join(changes)}.")
        return notes

    @property
    def folder(self) -> Path:
        """Where the run makes its files before they are published."""
        return self.store.folder / self.job / "out"

    def decider(self) -> Decider:
        """What answers."""
        return self._decider()

    def journal(self) -> Journal:
        """Keeps the answers."""
        return _NotedJournal(self.store.journal(self.job), self._note_provenance)

    def work(self) -> Work:
        """What asks the model, through the job's journal."""
        decider = self._decider()
        self._pool = decider.pool
        return Work(
            decider,
            self.journal(),
            progress=lambda done, total: self.tell("asking", done, total),
            cancel=self.stop,
            report=self.tell,
        )

    def open(self, source: TableSource) -> Table:
        """The table of a source; all parts of a folder are one table.

        Raises:
            TableUnavailable: it cannot be read, lies outside the roots, or is not the one that the job began with.
        """
        if source.records is not None:
            return inline_table(source.records)
        if source.path is None:
            raise InvalidRequest("Say which table: give a path, or records.")
        digest: Callable[[], str]
        if is_folder(source.path, self.disk):
            folder = open_folder(source.path, self.disk)
            with closing(self.tables_of(folder, source)) as parts:
                table = join_parts(folder.address, parts)
            digest = partial(_digest_of, folder)
        else:
            path = self.disk.to_read(source.path)
            table = open_table(path, progress=self.stage("reading records"), cancel=self.stop, **source.options)
            digest = partial(fingerprint, path)
        known = self.store.sources(self.job)
        if known.setdefault(source.path, table.fingerprint) != table.fingerprint:
            table.close()
            raise TableUnavailable(f"{source.path} was changed since the job {self.job} began; start a new job.")
        self.store.update(self.job, sources=json.dumps(known))
        self._read.append((source.path, table.fingerprint, digest))
        if table.reading.notes:
            self._notes.append(f"{table.name}: {' '.join(table.reading.notes)}")
        return table

    def tables_of(self, folder: PartFolder, source: TableSource) -> Generator[tuple[str, str, Table]]:
        """The parts of a folder with their versions, one after the other, all read as the first.

        Args:
            folder: the folder.
            source: how its files are read.
        """
        names = parts_of(folder)
        look = self.stage("reading parts")
        options = source.options
        for number, name in enumerate(names):
            look(number, len(names))
            version = folder.version(name)
            with folder.fetched(name) as path, open_table(path, cancel=self.stop, **options) as table:
                options = {**shared_options(table.reading), **source.options}
                yield name, version, table

    def outputs(self) -> list[Path]:
        """Where its files go; see `outputs_of`.

        Raises:
            TableUnavailable: one may not be written there any more.
        """
        return outputs_of(self.request, self.disk)

    def publish(self, made: Path, target: Path) -> Path:
        """Put a file that the run made in its place, unless an earlier run of the job did so already.

        Raises:
            TableUnavailable: something else stands there, a source changed meanwhile, or the disk refuses.
            Cancelled: the run was stopped.
        """
        for path, before, digest in self._read:
            if digest() != before:
                raise TableUnavailable(f"{path} was changed while the job {self.job} ran; start a new job.")
        mark = fingerprint(made)
        if target.exists() and fingerprint(target) == mark:
            return target
        require_free(target, self.request, self.disk, self.store, self.leave)
        self.store.note_output(self.job, target, mark)
        make_folder(target.parent)
        with (
            new_file(target, overwrite=self.request.overwrite) as part,
            made.open("rb") as source,
            part.open("wb") as file,
        ):
            while block := source.read(_BLOCK):
                self.check()
                file.write(block)
        return target

    def keep_reviews(self, reviews: list[dict[str, Any]]) -> None:
        """Put cases before a person."""
        self.store.add_reviews(self.job, reviews)

    def check(self) -> None:
        """Stop here if the run is to stop.

        Raises:
            Cancelled: it is.
        """
        if self.stop.is_set():
            raise Cancelled(f"The job {self.job} was cancelled; what was answered is kept.")

    def _note_provenance(self) -> None:
        if self.store.row(self.job)["provenance"] == "[]":
            now = Provenance.of(self._decider(), self.request)
            self.store.update(self.job, provenance=PROVENANCES.dump_json([now]).decode())

    def _changes(self) -> list[str]:
        """What the job did not begin with."""
        known = PROVENANCES.validate_json(self.store.row(self.job)["provenance"])
        return known[0].changes(known[-1]) if known else []

    def tell(self, stage: str, done: int, total: int) -> None:
        """Note how far the job is, at most once a beat within a stage."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._since, self._first, self._told = stage, now, done, 0.0
        if now - self._told < _BEAT and done != total:
            return
        self._told = now
        seconds = now - self._since
        rate = (done - self._first) / seconds if seconds > 0 and done > self._first else None
        self.store.update(self.job, stage=stage, done=done, total=total, rate=rate, updated=time.time())
        if self._pool is not None:
            self.store.note_workers(self.job, [state.described() for state in self._pool.states()])

    def stage(self, name: str) -> Progress:
        """Begin a stage outside of the work; its progress also stops there if the run is to stop."""

        def tell(done: int, total: int) -> None:
            self.check()
            self.tell(name, done, total)

        tell(0, 0)
        return tell


def _digest_of(folder: PartFolder) -> str:
    """That of a folder's parts as they stand now."""
    return digest_of_parts((name, folder.version(name)) for name in parts_of(folder))
