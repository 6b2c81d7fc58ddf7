"""The jobs on cells, step by step: detect, clean and fill. Each opens, asks, publishes its files and says what came."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from dp_tools.prompts.serializer import quote
from dp_tools.rules.store.learned import Learned
from dp_tools.tables.change_log import Change
from dp_tools.tables.clean.cleaning import Cleaner, Detection, Repair, write_wrong_cells
from dp_tools.tables.clean.dataset_labels import dataset_labels
from dp_tools.tables.clean.filling import Filling, fill_column
from dp_tools.tables.clean.judged_cell import JudgedCell
from dp_tools.tables.clean.learning import COUNTED
from dp_tools.tables.jobs.job_outputs import (
    NAMED,
    REVIEWS,
    deliver,
    failures_of,
    not_looked_at,
    promise_kept,
    put_before_a_person,
    shown,
    write_table,
)
from dp_tools.tables.jobs.job_requests import (
    CleanRequest,
    DetectRequest,
    FillRequest,
    JobResult,
)
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.labelled.labelled_rows import LabelledRows
from dp_tools.tables.snapshot import Table


def detect(run: JobRun) -> JobResult:
    """Find the wrong cells."""
    request = run.request
    assert isinstance(request, DetectRequest)
    with run.open(request.source) as table:
        cleaner = _cleaner(run, table, request)
        detection = cleaner.detect()
        _keep_learned(run, request, detection)
        files = deliver(run, "the wrong cells", lambda made: write_wrong_cells(made, detection.wrong, run.part))
    return JobResult(
        summary=_found(detection),
        files=files,
        figures=_figures(detection),
        preview=[_wrong_cell(cell) for cell in detection.wrong[: shown(files)]],
        promise=promise_kept(detection.audit, "questions"),
    )


def clean(run: JobRun) -> JobResult:
    """Find the wrong cells and repair those that can be."""
    request = run.request
    assert isinstance(request, CleanRequest)
    with run.open(request.source) as table:
        cleaner = _cleaner(run, table, request)
        detection = cleaner.detect()
        _keep_learned(run, request, detection)
        repair = cleaner.repair(detection.wrong)
        formulas = _leave_formulas(table, repair)
        files = write_table(run, table, repair.changes)
        doubtful = sorted(repair.doubtful, key=lambda change: (abs(change.confidence - 0.5), change.row))[:REVIEWS]
        records = dict(table.records({change.row for change in doubtful}))
        files += put_before_a_person(
            run,
            [_cell_review(change, records[change.row], request.dataset) for change in doubtful],
            [_unrepaired(cell) for cell in repair.unrepaired],
        )
    figures = _figures(detection) | {
        "changed": len(repair.changes),
        "for review": len(repair.doubtful),
        "without a proposal": len(repair.unrepaired),
    }
    sources = Counter(change.source for change in repair.changes)
    summary = (
        f"{_found(detection)} {len(repair.changes):,} were repaired"
        + (f" ({', '.join(f'{count:,} by {source}' for source, count in sources.most_common())})" if sources else "")
        + f"; {len(repair.doubtful):,} changes wait for a person, {len(repair.unrepaired):,} cells have no proposal."
        + formulas
    )
    return JobResult(
        summary=summary,
        files=files,
        figures=figures,
        preview=_changes(repair.changes, shown(files)),
        promise=promise_kept(detection.audit, "questions"),
    )


def fill(run: JobRun) -> JobResult:
    """Fill the gaps of a column."""
    request = run.request
    assert isinstance(request, FillRequest)
    with run.open(request.source) as table:
        filling = fill_column(
            run.work(),
            table,
            request.attribute,
            allowed=request.allowed,
            dataset=request.dataset,
            rules=request.rules,
            whole=run.whole,
        )
        formulas = _leave_formulas(table, filling)
        files = write_table(run, table, filling.changes)
        doubtful = sorted(filling.doubtful, key=lambda change: (abs(change.confidence - 0.5), change.row))[:REVIEWS]
        records = dict(table.records({change.row for change in doubtful}))
        files += put_before_a_person(
            run, [_gap_review(change, records[change.row], request.dataset) for change in doubtful]
        )
    summary = (
        f"{request.attribute} has {filling.gaps:,} gaps; {len(filling.changes):,} were filled, "
        f"{len(filling.doubtful):,} values wait for a person, {filling.undetermined:,} cannot be determined."
        + (f" {filling.right} of {filling.hidden} right on rows that were hidden." if filling.hidden else "")
        + formulas
        + failures_of(filling.unanswered)
    )
    figures: dict[str, float | int] = {
        "gaps": filling.gaps,
        "filled": len(filling.changes),
        "for review": len(filling.doubtful),
        "undetermined": filling.undetermined,
    }
    return JobResult(summary=summary, files=files, figures=figures, preview=_changes(filling.changes, shown(files)))


def _cleaner(run: JobRun, table: Table, request: DetectRequest | CleanRequest) -> Cleaner:
    return Cleaner(
        run.work(),
        table,
        request.dataset,
        request.rules,
        request.attributes,
        include=request.include,
        exclude=request.exclude,
        promise=request.promise,
        labels=_labels(run, table, request) if run.whole is None else None,
        whole=run.whole,
    )


def _labels(run: JobRun, table: Table, request: DetectRequest | CleanRequest) -> LabelledRows | None:
    """The labelled rows that are given, and those of the dataset."""
    with ExitStack() as opened:
        rows = None if request.labelled is None else opened.enter_context(run.open(request.labelled))
        return dataset_labels(run.decider().knowledge, request.dataset, table, rows, who=run.job)


def _keep_learned(run: JobRun, request: DetectRequest | CleanRequest, detection: Detection) -> None:
    """Keep with the dataset what its labels say of how wrong cells are found."""
    taught = detection.taught
    if taught is None or request.labelled is None or request.dataset is None:
        return
    body = {"used": taught.best.name, "f1": {one.name: round(one.f1, 4) for one in taught.options}}
    before = next(one.f1 for one in taught.options if one.prior == COUNTED and not one.labels)
    learned = Learned(request.dataset, "cells", 0, taught.rows, "F1", before, taught.best.f1, body)
    run.decider().knowledge.keep_learned(learned, who=run.job)


def _leave_formulas(table: Table, found: Repair | Filling) -> str:
    """Take out what would be written over formulas and under merged cells, and say how much that is."""
    computed = table.reading.computed
    changes = [change for change in found.changes if (change.row, change.attribute) not in computed]
    doubtful = [change for change in found.doubtful if (change.row, change.attribute) not in computed]
    left = len(found.changes) + len(found.doubtful) - len(changes) - len(doubtful)
    found.changes, found.doubtful = changes, doubtful
    return (
        f" {left:,} more would stand where a formula or a merged cell is, which are never written: look at the formula."
        if left
        else ""
    )


def _found(detection: Detection) -> str:
    return (
        f"{len(detection.wrong):,} of {detection.cells:,} cells are probably wrong, judged by {detection.questions:,} "
        f"distinct questions, {detection.decided:,} of them decided by rules and {detection.by_table:,} by data "
        "constraints of the table."
        + _audited(detection)
        + ("" if detection.taught is None else detection.taught.sentence)
        + not_looked_at(detection.content)
        + _not_judged(detection)
        + failures_of(detection.unanswered)
    )


def _audited(detection: Detection) -> str:
    """What was promised of the questions that were not asked, and what their audit found."""
    return "" if detection.audit is None else f" {detection.audit.sentence('questions')}"


def _not_judged(detection: Detection) -> str:
    """The columns that the model has not understood."""
    if not detection.misunderstood:
        return ""
    records = detection.cells // len(detection.content.columns)
    named = [f"{name} ({count:,} of {records:,})" for name, count in detection.misunderstood.items()]
    return (
        f" Not judged by the model: {', '.join(named[:NAMED])}; it called that many values wrong, and nothing in the "
        "table speaks against them."
    )


def _figures(detection: Detection) -> dict[str, float | int]:
    figures: dict[str, float | int] = {
        "cells": detection.cells,
        "questions": detection.questions,
        "decided by rules": detection.decided,
        "decided by the table": detection.by_table,
        "wrong": len(detection.wrong),
        "unanswered": detection.unanswered.total(),
    }
    if detection.audit is not None:
        figures |= {"asked": detection.audit.asked, "learned": detection.learned}
    return figures


def _wrong_cell(cell: JudgedCell) -> dict[str, Any]:
    return {
        "row": cell.row + 1,
        "attribute": cell.attribute,
        "value": cell.value,
        "confidence": round(cell.error or 0.0, 4),
        "reason": cell.reason,
    }


def _changes(changes: Sequence[Change], shown: int) -> list[dict[str, Any]]:
    return [
        {
            "row": change.row + 1,
            "attribute": change.attribute,
            "old": change.old,
            "new": change.new,
            "confidence": change.confidence,
            "why": change.why,
        }
        for change in changes[:shown]
    ]


def _cell_review(change: Change, record: dict[str, str | None], dataset: str | None) -> dict[str, Any]:
    return {
        "task": "detect_errors",
        "dataset": dataset,
        "attribute": change.attribute,
        "question": f"Row {change.row + 1}: is {change.attribute} {quote(change.old)} wrong? It may be "
        f"{quote(change.new)}: {change.why}",
        "subject": json.dumps({"record": record, "attribute": change.attribute, "value": change.old}),
        "proposal": change.new,
        "confidence": change.confidence,
        "row": change.row + 1,
    }


def _unrepaired(cell: JudgedCell) -> dict[str, Any]:
    why = f" {cell.reason}" if cell.reason else ""
    return {
        "question": f"Row {cell.row + 1}: {cell.attribute} {quote(cell.value)} is probably wrong, and nothing better "
        f"was found.{why}",
        "subject": json.dumps({"attribute": cell.attribute, "value": cell.value}),
        "proposal": "",
        "confidence": round(cell.error or 0.0, 4),
    }


def _gap_review(change: Change, record: dict[str, str | None], dataset: str | None) -> dict[str, Any]:
    rest = {name: value for name, value in record.items() if name != change.attribute}
    return {
        "task": "impute",
        "dataset": dataset,
        "attribute": change.attribute,
        "question": f"Row {change.row + 1}: what is {change.attribute}? It may be {quote(change.new)}.",
        "subject": json.dumps({"record": rest, "attribute": change.attribute}),
        "proposal": change.new,
        "confidence": change.confidence,
        "row": change.row + 1,
    }
