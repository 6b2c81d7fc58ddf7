"""What a run of a job writes and says: its files, its cases for a person, and the sentences that all jobs share."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dp_tools.errors import InvalidRequest
from dp_tools.records import Record
from dp_tools.tables.cascade.cascade import Audit
from dp_tools.tables.change_log import Change, write_changes
from dp_tools.tables.escaping import escape_file, escaping_changes, require_escaped
from dp_tools.tables.identity_columns import Content
from dp_tools.tables.io.formats import SPREADSHEETS, format_of
from dp_tools.tables.io.table_file import Reading, TableFile
from dp_tools.tables.jobs.job_requests import OutputFile, PromiseKept
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.snapshot import INLINE_ROWS, Table, open_file

PREVIEW = 10
"""Results that stand in the answer itself; all of them where records were passed along and no file is written."""
NAMED = 8
"""Columns that are named in a summary, at the most."""
REVIEWS = 1000
"""Cases that a job puts before a person at the most, the most uncertain first."""


def promise_kept(audit: Audit | None, items: str) -> PromiseKept | None:
    """What was promised of these items and found, where not all of them were asked about."""
    if audit is None or audit.asked == audit.size:
        return None
    return PromiseKept(
        items=items,
        size=audit.size,
        asked=audit.asked,
        confidence=1 - audit.promise.delta,
        promised_recall=audit.promise.recall,
        promised_precision=audit.promise.precision,
        drawn=audit.drawn,
        wrong=audit.wrong,
        recall=audit.recall,
        precision=audit.precision,
    )


def put_before_a_person(
    run: JobRun, reviews: list[dict[str, Any]], others: Sequence[dict[str, Any]] = ()
) -> list[OutputFile]:
    """Keep the doubtful cases for `next_reviews`, and write them to a file beside the result; in that file, behind
    them, stand also those for which there is nothing to propose."""
    run.keep_reviews(reviews)
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
    escape_formulas(run, made)
    run.publish(made, target)
    return [OutputFile(path=str(target), what="the cases for a person to decide")]


def pair_review(
    question: str, left: Record, right: Record, *, same: bool, match: float, dataset: str | None
) -> dict[str, Any]:
    """Whether two records are one, as a case for a person.

    Args:
        question: what the person is asked.
        left, right: the records.
        same: what is proposed.
        match: the probability that they are one, 0 to 1.
        dataset: of the records.
    """
    return {
        "task": "match_entities",
        "dataset": dataset,
        "attribute": None,
        "question": question,
        "subject": json.dumps({"left": left, "right": right}),
        "proposal": "yes" if same else "no",
        "confidence": match if same else 1 - match,
    }


def deliver(run: JobRun, what: str, write: Callable[[Path], None]) -> list[OutputFile]:
    """Make the job's one file and put it in its place, if it has one."""
    targets = run.outputs()
    if not targets:
        return []
    run.stage("writing")
    made = run.folder / targets[0].name
    write(made)
    escape_formulas(run, made)
    run.publish(made, targets[0])
    return [OutputFile(path=str(targets[0]), what=what)]


def shown(files: Sequence[OutputFile]) -> int:
    return PREVIEW if files else INLINE_ROWS


def write_table(run: JobRun, table: Table, changes: Sequence[Change]) -> list[OutputFile]:
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


def escape_formulas(run: JobRun, made: Path) -> None:
    """Escape the formulas of a CSV file that the run made, where that was asked for."""
    if run.request.escape_formulas and made.suffix.lower() == ".csv":
        escape_file(made)


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


def not_looked_at(*contents: Content) -> str:
    """Which columns were left out by themselves, and how to have them looked at."""
    reasons = {name: reason for content in contents for name, reason in content.left_out.items()}
    if not reasons:
        return ""
    named = ", ".join(f"{name} ({reason})" for name, reason in list(reasons.items())[:NAMED])
    more = f" and {len(reasons) - NAMED} more" if len(reasons) > NAMED else ""
    return f" Left out: {named}{more}; include them by name if they describe the records."


def failures_of(failures: Counter[str]) -> str:
    return "".join(f" No answer for {count:,}: {reason}" for reason, count in failures.most_common(3))
