"""The jobs on pairs of records, step by step: match and dedupe."""

from __future__ import annotations

from functools import partial

from dp_tools.tables.entities.merged_table import Merging, entities_of_tables, linked_places
from dp_tools.tables.entities.survivorship import values_of
from dp_tools.tables.jobs.job_outputs import (
    REVIEWS,
    deliver,
    failures_of,
    not_looked_at,
    pair_review,
    promise_kept,
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
from dp_tools.tables.jobs.merged_outputs import conflict_review, deliver_merged, survivorship_of
from dp_tools.tables.jobs.pair_labels import job_labels, keep_labels
from dp_tools.tables.jobs.register_jobs import bring_into_register
from dp_tools.tables.match.identity import stated_kinds
from dp_tools.tables.match.matching import Matching, MatchOptions, dedupe_table, match_tables
from dp_tools.tables.match.writing import write_groups, write_pairs
from dp_tools.tables.snapshot import Table


def match(run: JobRun) -> JobResult:
    """Match two tables."""
    request = run.request
    assert isinstance(request, MatchRequest)
    with run.open(request.left) as left, run.open(request.right) as right:
        given = job_labels(run, request, left, right)
        matching = match_tables(
            run.work(),
            left,
            right,
            _options(request),
            one_to_one_only=request.one_to_one,
            labels=given.labels,
            earlier=given.earlier,
        )
        files = deliver(
            run,
            "the pairs, both records of each",
            lambda made: write_pairs(made, left, right, matching.pairs, overwrite=True),
        )
        survivorship = survivorship_of(run, (left, right), matching.compared)
        merged, merging = deliver_merged(
            run, partial(entities_of_tables, (left, right), linked_places(matching.pairs)), survivorship
        )
        files += merged + _put_before_a_person(run, matching, merging, left, right)
        keep_labels(run, given, matching, left, right)
        first = matching.pairs.at(slice(shown(files)))
        lefts = dict(left.records(first.left.tolist()))
        rights = dict(right.records(first.right.tolist()))
    preview = [
        {"left_row": a + 1, "right_row": b + 1, "left": lefts[a], "right": rights[b], "score": round(score, 4)}
        for a, b, score in first
    ]
    summary = (
        f"{len(matching.pairs):,} pairs of {left.count:,} and {right.count:,} records are the same, of "
        f"{len(matching.candidates):,} candidates ({matching.candidates.per_record:.1f} a record); "
        f"{len(matching.doubtful):,} wait for a person."
        + _merged(merging)
        + _taught(matching)
        + _audited(matching)
        + not_looked_at(*matching.compared)
        + failures_of(matching.scores.unanswered())
    )
    figures: dict[str, float | int] = {
        "candidates": len(matching.candidates),
        "candidates a record": round(matching.candidates.per_record, 2),
        "pairs": len(matching.pairs),
        "for review": len(matching.doubtful),
        **_merged_figures(merging),
    }
    figures.update(_learned_figures(matching))
    promise = promise_kept(matching.scores.audit, "pairs")
    return JobResult(summary=summary, files=files, figures=figures, preview=preview, promise=promise)


def dedupe(run: JobRun) -> JobResult:
    """Find duplicates."""
    request = run.request
    assert isinstance(request, DedupeRequest)
    if request.register_name is not None:
        return bring_into_register(run, request, request.register_name)
    with run.open(request.source) as table:
        given = job_labels(run, request, table, table)
        matching = dedupe_table(
            run.work(),
            table,
            _options(request),
            labels=given.labels,
            earlier=given.earlier,
        )
        files = deliver(
            run,
            "the groups, a line a record",
            lambda made: write_groups(made, table, matching.groups, overwrite=True),
        )
        survivorship = survivorship_of(run, (table,), matching.compared)
        places = [[(0, row) for row in rows] for rows, _ in matching.groups]
        merged, merging = deliver_merged(run, partial(entities_of_tables, (table,), places), survivorship)
        files += merged + _put_before_a_person(run, matching, merging, table, table)
        keep_labels(run, given, matching, table, table)
        first = matching.groups[: shown(files)]
        records = dict(table.records({row for rows, _ in first for row in rows}))
    preview = [
        {
            "score": round(score, 4),
            "rows": [row + 1 for row in rows[:20]],
            "records": [records[row] for row in rows[:4]],
            "merged": values_of(survivorship.merge([records[row] for row in rows])),
        }
        for rows, score in first
    ]
    members = sum(len(rows) for rows, _ in matching.groups)
    summary = (
        f"{members:,} of {table.count:,} records stand in {len(matching.groups):,} groups of the same thing, "
        f"found among {len(matching.candidates):,} candidate pairs; {len(matching.doubtful):,} pairs wait for a person."
        + _merged(merging)
        + _taught(matching)
        + _audited(matching)
        + not_looked_at(*matching.compared)
        + failures_of(matching.scores.unanswered())
    )
    figures: dict[str, float | int] = {
        "candidates": len(matching.candidates),
        "groups": len(matching.groups),
        "records in groups": members,
        "for review": len(matching.doubtful),
        **_merged_figures(merging),
    }
    figures.update(_learned_figures(matching))
    promise = promise_kept(matching.scores.audit, "pairs")
    return JobResult(summary=summary, files=files, figures=figures, preview=preview, promise=promise)


def _options(request: MatchRequest | DedupeRequest) -> MatchOptions:
    """How the records of a job are compared."""
    return MatchOptions(
        dataset=request.dataset,
        rules=request.rules,
        attributes=request.attributes,
        include=request.include,
        exclude=request.exclude,
        permutation_averaged=request.permutation_averaged,
        kinds=stated_kinds(request.kinds),
        promise=request.promise,
    )


def _put_before_a_person(
    run: JobRun, matching: Matching, merging: Merging, left: Table, right: Table
) -> list[OutputFile]:
    """The doubtful pairs, then the values of merged records that contradict each other."""
    doubtful = matching.doubtful[:REVIEWS]
    found, scores = matching.candidates, matching.scores
    rows = list(zip(found.left[doubtful].tolist(), found.right[doubtful].tolist(), strict=True))
    lefts, rights = dict(left.records(a for a, _ in rows)), dict(right.records(b for _, b in rows))
    reviews = []
    for place, (a, b), reason in zip(doubtful.tolist(), rows, matching.reasons(doubtful), strict=True):
        sensitive = " The model says so in one order of their attributes and not in another."
        question = (
            f"Are row {a + 1} and row {b + 1} the same?"
            + (sensitive if scores.order_sensitive[place] else "")
            + (f" {reason}" if reason else "")
        )
        taken, match = bool(matching.accepted[place]), float(scores.match[place])
        reviews.append(pair_review(question, lefts[a], rights[b], same=taken, match=match, dataset=run.request.dataset))
    reviews += [conflict_review(conflict, run.request.dataset) for conflict in merging.conflicts]
    return put_before_a_person(run, reviews[:REVIEWS])


def _merged(merging: Merging) -> str:
    """How many entities there are, and what about them contradicts."""
    if not merging.entities:
        return ""
    return f" The merged table has {merging.entities:,} entities" + (
        f", and {merging.contradicting:,} of their values contradict others." if merging.contradicting else "."
    )


def _merged_figures(merging: Merging) -> dict[str, int]:
    return {"entities": merging.entities, "conflicts": merging.contradicting} if merging.entities else {}


def _taught(matching: Matching) -> str:
    """What labels taught, and how sure the result is by them."""
    if matching.taught is None:
        return ""
    sure = ""
    if matching.scores.taught:
        right, found = matching.expected
        sure = f" By what was learned, {right:.0%} of these pairs are right, and they are {found:.0%} of all there are."
    return f" {matching.taught.sentence()}{sure}"


def _learned_figures(matching: Matching) -> dict[str, float | int]:
    """How many labels there were, and how many pairs the model was asked about, where not about all."""
    figures: dict[str, float | int] = {}
    if matching.taught is not None:
        figures["labels"] = matching.taught.here
    if matching.scores.audit is not None:
        figures["asked"] = matching.scores.audit.asked
    return figures


def _audited(matching: Matching) -> str:
    """What was promised and found, where not every pair was asked."""
    audit = matching.scores.audit
    return "" if audit is None else f" {audit.sentence('pairs')}"
