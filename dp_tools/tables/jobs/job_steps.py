"""What each kind of job does, step by step: open, ask, make the files, publish them, say what came of it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dp_tools.errors import InvalidRequest
from dp_tools.prompts.serializer import quote
from dp_tools.tables.change_log import Change, write_changes
from dp_tools.tables.clean.cleaning import Cleaner, Detection, JudgedCell, Repair, write_wrong_cells
from dp_tools.tables.clean.filling import Filling, fill_column
from dp_tools.tables.escaping import escape_file, escaping_changes, require_escaped
from dp_tools.tables.identity_columns import Content
from dp_tools.tables.io.formats import SPREADSHEETS, format_of
from dp_tools.tables.io.table_file import Reading, TableFile
from dp_tools.tables.jobs.job_requests import (
    CleanRequest,
    DedupeRequest,
    DetectRequest,
    FillRequest,
    JobResult,
    MatchRequest,
    OutputFile,
)
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.match.identity import stated_kinds
from dp_tools.tables.match.matching import Matching, PairScore, dedupe_table, match_tables, write_groups, write_pairs
from dp_tools.tables.snapshot import INLINE_ROWS, Table, open_file

PREVIEW = 10
"""Results that stand in the answer itself; all of them where records were passed along and no file is written."""
_NAMED = 8
"""Columns that are named in a summary, at the most."""
REVIEWS = 1000
"""Cases that a job puts before a person at the most, the most uncertain first."""


def detect(run: JobRun) -> JobResult:
    """Find the wrong cells."""
    request = run.request
    assert isinstance(request, DetectRequest)
    with run.open(request.source) as table:
        cleaner = _cleaner(run, table, request)
        detection = cleaner.detect()
        files = _deliver(run, "the wrong cells", lambda made: write_wrong_cells(made, detection.wrong, overwrite=True))
    return JobResult(
        summary=_found(detection),
        files=files,
        figures=_figures(detection),
        preview=[_wrong_cell(cell) for cell in detection.wrong[: _shown(files)]],
    )


def clean(run: JobRun) -> JobResult:
    """Find the wrong cells and repair those that can be."""
    request = run.request
    assert isinstance(request, CleanRequest)
    with run.open(request.source) as table:
        cleaner = _cleaner(run, table, request)
        detection = cleaner.detect()
        repair = cleaner.repair(detection.wrong)
        formulas = _leave_formulas(table, repair)
        files = _write_table(run, table, repair.changes)
        doubtful = sorted(repair.doubtful, key=lambda change: (abs(change.confidence - 0.5), change.row))[:REVIEWS]
        records = dict(table.records({change.row for change in doubtful}))
        files += _put_before_a_person(
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
    return JobResult(summary=summary, files=files, figures=figures, preview=_changes(repair.changes, _shown(files)))


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
        )
        formulas = _leave_formulas(table, filling)
        files = _write_table(run, table, filling.changes)
        doubtful = sorted(filling.doubtful, key=lambda change: (abs(change.confidence - 0.5), change.row))[:REVIEWS]
        records = dict(table.records({change.row for change in doubtful}))
        files += _put_before_a_person(
            run, [_gap_review(change, records[change.row], request.dataset) for change in doubtful]
        )
    summary = (
        f"{request.attribute} has {filling.gaps:,} gaps; {len(filling.changes):,} were filled, "
        f"{len(filling.doubtful):,} values wait for a person, {filling.undetermined:,} cannot be determined."
        + (f" {filling.right} of {filling.hidden} right on rows that were hidden." if filling.hidden else "")
        + formulas
        + _failures(filling.unanswered)
    )
    figures: dict[str, float | int] = {
        "gaps": filling.gaps,
        "filled": len(filling.changes),
        "for review": len(filling.doubtful),
        "undetermined": filling.undetermined,
    }
    return JobResult(summary=summary, files=files, figures=figures, preview=_changes(filling.changes, _shown(files)))


def match(run: JobRun) -> JobResult:
    """Match two tables."""
    request = run.request
    assert isinstance(request, MatchRequest)
    with run.open(request.left) as left, run.open(request.right) as right:
        matching = match_tables(
            run.work(),
            left,
            right,
            dataset=request.dataset,
            rules=request.rules,
            attributes=request.attributes,
            include=request.include,
            exclude=request.exclude,
            one_to_one_only=request.one_to_one,
            permutation_averaged=request.permutation_averaged,
            kinds=stated_kinds(request.kinds),
        )
        files = _deliver(
            run,
            "the pairs, both records of each",
            lambda made: write_pairs(made, left, right, matching.pairs, overwrite=True),
        )
        files += _review_pairs(run, matching, left, right)
        first = matching.pairs[: _shown(files)]
        lefts = dict(left.records({pair[0] for pair in first}))
        rights = dict(right.records({pair[1] for pair in first}))
    preview = [
        {"left_row": a + 1, "right_row": b + 1, "left": lefts[a], "right": rights[b], "score": round(score, 4)}
        for a, b, score in first
    ]
    summary = (
        f"{len(matching.pairs):,} pairs of {left.count:,} and {right.count:,} records are the same, of "
        f"{len(matching.candidates):,} candidates ({matching.candidates.per_record:.1f} a record); "
        f"{len(matching.doubtful):,} wait for a person."
        + _not_looked_at(*matching.compared)
        + _failures(matching.unanswered)
    )
    figures: dict[str, float | int] = {
        "candidates": len(matching.candidates),
        "candidates a record": round(matching.candidates.per_record, 2),
        "pairs": len(matching.pairs),
        "for review": len(matching.doubtful),
    }
    return JobResult(summary=summary, files=files, figures=figures, preview=preview)


def dedupe(run: JobRun) -> JobResult:
    """Find duplicates."""
    request = run.request
    assert isinstance(request, DedupeRequest)
    with run.open(request.source) as table:
        matching = dedupe_table(
            run.work(),
            table,
            dataset=request.dataset,
            rules=request.rules,
            attributes=request.attributes,
            include=request.include,
            exclude=request.exclude,
            permutation_averaged=request.permutation_averaged,
            kinds=stated_kinds(request.kinds),
        )
        files = _deliver(
            run,
            "the groups, a line a record",
            lambda made: write_groups(made, table, matching.groups, overwrite=True),
        )
        files += _review_pairs(run, matching, table, table)
        first = matching.groups[: _shown(files)]
        records = dict(table.records({row for rows, _ in first for row in rows}))
    preview = [
        {
            "score": round(score, 4),
            "rows": [row + 1 for row in rows[:20]],
            "records": [records[row] for row in rows[:4]],
        }
        for rows, score in first
    ]
    members = sum(len(rows) for rows, _ in matching.groups)
    summary = (
        f"{members:,} of {table.count:,} records stand in {len(matching.groups):,} groups of the same thing, "
        f"found among {len(matching.candidates):,} candidate pairs; {len(matching.doubtful):,} pairs wait for a person."
        + _not_looked_at(*matching.compared)
        + _failures(matching.unanswered)
    )
    figures: dict[str, float | int] = {
        "candidates": len(matching.candidates),
        "groups": len(matching.groups),
        "records in groups": members,
        "for review": len(matching.doubtful),
    }
    return JobResult(summary=summary, files=files, figures=figures, preview=preview)


_STEPS: dict[str, Callable[[JobRun], JobResult]] = {
    "detect": detect,
    "clean": clean,
    "fill": fill,
    "match": match,
    "dedupe": dedupe,
}
"""What to do for each kind of job."""


def carry_out(run: JobRun) -> JobResult:
    """Do what a job is for.

    Raises:
        DpToolsError: it cannot be done; nothing was written then.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    result = _STEPS[run.request.kind](run)
    return result.model_copy(update={"summary": " ".join((result.summary, *run.notes()))})


def _cleaner(run: JobRun, table: Table, request: DetectRequest | CleanRequest) -> Cleaner:
    return Cleaner(
        run.work(),
        table,
        request.dataset,
        request.rules,
        request.attributes,
        include=request.include,
        exclude=request.exclude,
    )


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


def _put_before_a_person(
    run: JobRun, reviews: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]] = ()
) -> list[OutputFile]:
    """Keep the doubtful cases for `next_reviews`, and write them to a file beside the result; in that file, behind
    them, stand also those for which there is nothing to propose."""
    run.store.add_reviews(run.job, reviews)
    targets = run.outputs()
    cases = [*reviews, *others]
    if not cases or not targets:
        return []
    target = targets[1]
    made = run.folder / target.name
    with made.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("question", "proposal", "confidence", "case"))
        lines.writerows((case["question"], case["proposal"], case["confidence"], case["subject"]) for case in cases)
    _escape(run, made)
    run.publish(made, target)
    return [OutputFile(path=str(target), what="the cases for a person to decide")]


def _deliver(run: JobRun, what: str, write: Callable[[Path], None]) -> list[OutputFile]:
    """Make the job's one file and put it in its place, if it has one."""
    targets = run.outputs()
    if not targets:
        return []
    run.stage("writing")
    made = run.folder / targets[0].name
    write(made)
    _escape(run, made)
    run.publish(made, targets[0])
    return [OutputFile(path=str(targets[0]), what=what)]


def _escape(run: JobRun, made: Path) -> None:
    if run.request.escape_formulas and made.suffix.lower() == ".csv":
        escape_file(made)


def _shown(files: Sequence[OutputFile]) -> int:
    return PREVIEW if files else INLINE_ROWS


def _write_table(run: JobRun, table: Table, changes: Sequence[Change]) -> list[OutputFile]:
    """Write the table with its changes, and the change log; an inline table without an output writes nothing."""
    targets = run.outputs()
    if not targets:
        return []
    target, _, log = targets
    run.stage("writing")
    file = table.file
    if file is None or not _in_own_format(target, file.reading):
        file = _as_csv(run, table, target)
    made, made_log = run.folder / target.name, run.folder / log.name
    escape = run.request.escape_formulas and file.reading.format == "csv"
    write_changes(file, escaping_changes(table, changes) if escape else changes, made, made_log, overwrite=True)
    if escape:
        require_escaped(made, file.reading, target.name)
    run.publish(made_log, log)
    run.publish(made, target)
    return [
        OutputFile(path=str(target), what="the table with its changes"),
        OutputFile(path=str(log), what="the change log, from which the changes can be undone"),
    ]


def _in_own_format(target: Path, reading: Reading) -> bool:
    kind = format_of(target)
    return kind == reading.format and kind not in SPREADSHEETS and not reading.options.get("query")


def _as_csv(run: JobRun, table: Table, target: Path) -> TableFile:
    """The table as it stands, as CSV, for a result that is to be CSV though the table is not."""
    if format_of(target) != "csv":
        raise InvalidRequest(
            f"{table.name} is written in its own format or as .csv: choose another ending for {target}."
        )
    plain = run.folder / "original.csv"
    with plain.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(table.columns)
        lines.writerows(record.values() for _, record in table.records())
    return open_file(plain, encoding="utf-8", delimiter=",", header=True)


def _found(detection: Detection) -> str:
    return (
        f"{len(detection.wrong):,} of {detection.cells:,} cells are probably wrong, judged by {detection.questions:,} "
        f"distinct questions, {detection.decided:,} of them decided by rules and {detection.by_table:,} by data "
        "constraints of the table."
        + _not_looked_at(detection.content)
        + _not_judged(detection)
        + _failures(detection.unanswered)
    )


def _not_looked_at(*contents: Content) -> str:
    """Which columns were left out by themselves, and how to have them looked at."""
    reasons = {name: reason for content in contents for name, reason in content.left_out.items()}
    if not reasons:
        return ""
    named = ", ".join(f"{name} ({reason})" for name, reason in list(reasons.items())[:_NAMED])
    more = f" and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
    return f" Left out: {named}{more}; include them by name if they describe the records."


def _not_judged(detection: Detection) -> str:
    """The columns that the model has not understood."""
    if not detection.misunderstood:
        return ""
    records = detection.cells // len(detection.content.columns)
    named = [f"{name} ({count:,} of {records:,})" for name, count in detection.misunderstood.items()]
    return (
        f" Not judged by the model: {', '.join(named[:_NAMED])}; it called that many values wrong, and nothing in the "
        "table speaks against them."
    )


def _figures(detection: Detection) -> dict[str, float | int]:
    return {
        "cells": detection.cells,
        "questions": detection.questions,
        "decided by rules": detection.decided,
        "decided by the table": detection.by_table,
        "wrong": len(detection.wrong),
        "unanswered": detection.unanswered.total(),
    }


def _failures(failures: Counter[str]) -> str:
    return "".join(f" No answer for {count:,}: {reason}" for reason, count in failures.most_common(3))


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
    }


def _review_pairs(run: JobRun, matching: Matching, left: Table, right: Table) -> list[OutputFile]:
    doubtful = matching.doubtful[:REVIEWS]
    lefts = dict(left.records({score.left for score in doubtful}))
    rights = dict(right.records({score.right for score in doubtful}))
    taken = {pair[:2] for pair in matching.pairs}
    reviews = [
        _pair_review(
            score, (score.left, score.right) in taken, lefts[score.left], rights[score.right], run.request.dataset
        )
        for score in doubtful
    ]
    return _put_before_a_person(run, reviews)


def _pair_review(
    score: PairScore, taken: bool, left: dict[str, str | None], right: dict[str, str | None], dataset: str | None
) -> dict[str, Any]:
    match = score.match or 0.0
    return {
        "task": "match_entities",
        "dataset": dataset,
        "attribute": None,
        "question": f"Are row {score.left + 1} and row {score.right + 1} the same?"
        + (" The model says so in one order of their attributes and not in another." if score.order_sensitive else "")
        + (f" {score.reason}" if score.reason else ""),
        "subject": json.dumps({"left": left, "right": right}),
        "proposal": "yes" if taken else "no",
        "confidence": match if taken else 1 - match,
    }
