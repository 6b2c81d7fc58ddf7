"""The merged table of a matching job: its two files, its figures, and its conflicts as cases for a person."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dp_tools.profiling.kind import Kind
from dp_tools.progress import Progress
from dp_tools.prompts.serializer import quote
from dp_tools.tables.entities.merged_table import Conflict, Members, Merging, write_merged
from dp_tools.tables.entities.survivorship import TASK, Survivorship
from dp_tools.tables.identity_columns import Content
from dp_tools.tables.jobs.job_outputs import REVIEWS, escape_formulas
from dp_tools.tables.jobs.job_requests import DedupeRequest, MatchRequest, OutputFile
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.match.identity import kinds_in, stated_kinds
from dp_tools.tables.snapshot import Table


def survivorship_of(run: JobRun, tables: Sequence[Table], compared: Sequence[Content]) -> Survivorship:
    """What merges records of these tables; of two, a merged record has the attributes of both.

    Args:
        run: the run.
        tables: one, or two.
        compared: the columns of each that describe its records.
    """
    assert isinstance(run.request, DedupeRequest | MatchRequest)
    stated = stated_kinds(run.request.kinds)
    kinds: dict[str, Kind] = {}
    for table in reversed(tables):
        kinds |= kinds_in(table, table.columns, stated)
    describing = {name for content in compared for name in content.columns}
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    return Survivorship(columns, kinds, run.work().decider.knowledge, run.request.dataset, describing)


def deliver_merged(
    run: JobRun, entities: Callable[[Progress], Iterable[Members]], survivorship: Survivorship
) -> tuple[list[OutputFile], Merging]:
    """Write the merged table and where its values come from, if the job has files."""
    targets = run.outputs()
    if not targets:
        return [], Merging()
    _, _, target, provenance = targets
    made, made_provenance = run.folder / target.name, run.folder / provenance.name
    merging = write_merged(entities(run.stage("merging records")), survivorship, made, made_provenance, REVIEWS)
    escape_formulas(run, made)
    run.publish(made, target)
    run.publish(made_provenance, provenance)
    files = [
        OutputFile(path=str(target), what="the merged table, one record per entity"),
        OutputFile(path=str(provenance), what="where each value of a merged record comes from, and what lost"),
    ]
    return files, merging


def conflict_review(conflict: Conflict, dataset: str | None) -> dict[str, Any]:
    """A conflict as a case for a person."""
    survivor = conflict.survivor
    rows = ", ".join(conflict.rows)
    values = ", or ".join(dict.fromkeys(map(quote, (survivor.value, *(value for _, value in survivor.lost)))))
    return {
        "task": TASK,
        "dataset": dataset,
        "attribute": survivor.attribute,
        "question": f"Rows {rows} are one: is {survivor.attribute} {values}? {survivor.conflict}.",
        "subject": json.dumps(conflict.subject),
        "proposal": survivor.value,
        "confidence": round(survivor.support, 4),
    }
