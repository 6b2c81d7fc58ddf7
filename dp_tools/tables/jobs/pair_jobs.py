"""The jobs on pairs of records, step by step: match and dedupe."""

from __future__ import annotations

import json
from typing import Any

from dp_tools.tables.jobs.job_outputs import (
    REVIEWS,
    deliver,
    failures_of,
    not_looked_at,
    put_before_a_person,
    shown,
)
from dp_tools.tables.jobs.job_requests import (
    DedupeRequest,
    JobResult,
    MatchRequest,
    OutputFile,
)
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.match.identity import stated_kinds
from dp_tools.tables.match.matching import Matching, PairScore, dedupe_table, match_tables, write_groups, write_pairs
from dp_tools.tables.snapshot import Table


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
        files = deliver(
            run,
            "the pairs, both records of each",
            lambda made: write_pairs(made, left, right, matching.pairs, overwrite=True),
        )
        files += _review_pairs(run, matching, left, right)
        first = matching.pairs[: shown(files)]
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
        + not_looked_at(*matching.compared)
        + failures_of(matching.unanswered)
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
        files = deliver(
            run,
            "the groups, a line a record",
            lambda made: write_groups(made, table, matching.groups, overwrite=True),
        )
        files += _review_pairs(run, matching, table, table)
        first = matching.groups[: shown(files)]
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
        + not_looked_at(*matching.compared)
        + failures_of(matching.unanswered)
    )
    figures: dict[str, float | int] = {
        "candidates": len(matching.candidates),
        "groups": len(matching.groups),
        "records in groups": members,
        "for review": len(matching.doubtful),
    }
    return JobResult(summary=summary, files=files, figures=figures, preview=preview)


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
    return put_before_a_person(run, reviews)


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
