"""The job that brings a table into an entity register."""

from __future__ import annotations

import csv
import getpass
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dp_tools.progress import Progress
from dp_tools.tables.entities.merged_table import Members
from dp_tools.tables.entities.register import Question, Register, register_path
from dp_tools.tables.entities.register_file import RegisterFile
from dp_tools.tables.entities.update import Matcher, rows_of
from dp_tools.tables.jobs.job_outputs import REVIEWS, deliver, pair_review, put_before_a_person, shown
from dp_tools.tables.jobs.job_requests import DedupeRequest, JobResult
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.jobs.merged_outputs import conflict_review, deliver_merged
from dp_tools.tables.match.identity import stated_kinds
from dp_tools.tables.snapshot import Table


def bring_into_register(run: JobRun, request: DedupeRequest, name: str) -> JobResult:
    """Bring a table into a register, and write its records with their entities."""
    caller = str(run.store.row(run.job)["caller"])
    path = register_path(name, run.store.folder, caller=caller, paths=run.disk.trusted)
    work = run.work()
    with run.open(request.source) as table:
        file = RegisterFile(path)
        matcher = Matcher(
            work,
            request.dataset,
            request.rules,
            request.key,
            request.attributes,
            request.include,
            request.exclude,
            stated_kinds(request.kinds),
            request.promise,
        )
        update = matcher.update(file, table, who=caller or getpass.getuser(), why=f"job {run.job}")
        register = Register(path, work.decider.knowledge, request.dataset)
        places = {row: entity for row, _, entity in rows_of(file, table)}
        entities = sorted(set(places.values()))
        files = deliver(run, "the records with their entities", lambda made: _write(made, table, places, register))

        def members(progress: Progress) -> Iterator[Members]:
            for number, one in enumerate(register.members(entities)):
                progress(number, len(entities))
                yield one

        merged, merging = deliver_merged(run, members, register.survivorship)
        questions = register.waiting(REVIEWS)
        reviews = [_review(register, question, request.dataset) for question in questions if question.other is not None]
        reviews += [conflict_review(conflict, request.dataset) for conflict in merging.conflicts]
        files += merged + put_before_a_person(run, reviews[:REVIEWS])
        first = list(places.items())[: shown(files)]
        records = dict(table.records([row for row, _ in first]))
    summary = (
        f"Of {update.records:,} records {update.new:,} are new and {update.changed:,} have changed; they made "
        f"{update.made:,} entities, of {len(register):,} in the register. {update.candidates:,} pairs were compared. "
        f"{update.waiting:,} questions about entities wait for a person."
        + (f" {update.repeated:,} records stand in the table twice; the last one counts." if update.repeated else "")
        + (f" No answer for {update.unanswered:,} pairs." if update.unanswered else "")
        + (f" Step {update.step} of the register can be undone." if update.step is not None else "")
    )
    figures: dict[str, float | int] = {
        "new": update.new,
        "changed": update.changed,
        "entities made": update.made,
        "entities": len(register),
        "candidates": update.candidates,
        "for review": update.waiting,
        "step": update.step or 0,
    }
    preview = [{"entity": entity, "row": row + 1, "record": records[row]} for row, entity in first]
    return JobResult(summary=summary, files=files, figures=figures, preview=preview)


def _write(made: Path, table: Table, places: dict[int, int], register: Register) -> None:
    counts = register.sizes(set(places.values()))
    with made.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["entity", "row", "records", *table.columns])
        for row, record in table.records():
            if row in places:
                lines.writerow([places[row], row + 1, counts[places[row]], *record.values()])


def _review(register: Register, question: Question, dataset: str | None) -> dict[str, Any]:
    """Whether two entities are one, as a case for a person; the answer is in force from the next table on."""
    left, right = (register.values(record) for record in question.records)
    score = question.score or 0.0
    asked = (
        f"Are entity {question.entity} and entity {question.other} the same? "
        "These are the two records that are most alike."
    )
    return pair_review(asked, left, right, same=score >= 0.5, match=score, dataset=dataset)
