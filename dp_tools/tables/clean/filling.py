"""Filling the gaps of one column of a whole table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dp_tools.records import is_missing
from dp_tools.tables.asking import Asked, Work, chunks
from dp_tools.tables.change_log import Change
from dp_tools.tables.confidence_bands import ACCEPT, REVIEW
from dp_tools.tables.snapshot import Table
from dp_tools.tables.table_facts import TableFacts
from dp_tools.tasks.impute import ImputeAnswer, ImputeRequest
from dp_tools.tasks.request_errors import make_request


@dataclass
class Filling:
    """The values found for the gaps of a column.

    Args:
        gaps: records without a value.
        allowed: the closed set that the values came from, if there was one.
        changes: values that stand without a person, in file order.
        doubtful: values for a person to decide.
        untold: gaps for which the records do not tell a value.
        unanswered: gaps that nobody could answer, by reason.
    """

    gaps: int
    allowed: list[str] | None
    changes: list[Change] = field(default_factory=list)
    doubtful: list[Change] = field(default_factory=list)
    untold: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)


def fill_column(
    work: Work,
    table: Table,
    attribute: str,
    *,
    allowed: Sequence[str] | None = None,
    dataset: str | None = None,
    rules: Sequence[str] = (),
) -> Filling:
    """Infer the missing values of a column from the rest of each record and from the rows that are like it.

    Args:
        work: what asks.
        table: the table.
        attribute: the column.
        allowed: the values to choose from (default: what a rule allows, or the column's own where it has few).
        dataset, rules: which rules apply.

    Raises:
        InvalidRequest: the attribute is unknown.
        Cancelled, ModelUnavailable: see `Work.answers`.
    """
    table.require([attribute])
    facts = TableFacts(table, work.stage)
    listed = work.decider.knowledge.inject(task="impute", dataset=dataset, attribute=attribute, extra=list(rules))
    closed = list(allowed or listed.allowed() or ()) or sorted(facts.closed_set(attribute)) or None
    look = work.stage("looking for gaps")
    gaps = []
    for row, record in table.records():
        look(row, table.count)
        gaps += [row] if is_missing(record[attribute]) else []
    filling = Filling(len(gaps), closed)
    work.expect(len(gaps))
    for batch in chunks(gaps, 20_000):
        records = dict(table.records(batch))
        parts = list(chunks(batch))
        questions = []
        for part in parts:
            work.check()
            request = make_request(
                ImputeRequest,
                records=[records[row] for row in part],
                attribute=attribute,
                allowed=closed,
                dataset=dataset,
                rules=list(rules),
            )
            questions.append(Asked(request, len(part), facts))
        for part, answer in zip(parts, work.answers(questions), strict=True):
            assert isinstance(answer, ImputeAnswer)
            for row, value in zip(part, answer.values, strict=True):
                if value.failure is not None:
                    filling.unanswered[value.failure] += 1
                elif value.value is None or (value.confidence or 0.0) < REVIEW:
                    filling.untold += 1
                else:
                    rule = value.rules[0] if value.decided_by != "model" and value.rules else None
                    change = Change(
                        row=row,
                        attribute=attribute,
                        old=records[row][attribute],
                        new=value.value,
                        confidence=value.confidence or 0.0,
                        why=value.reason or "Inferred from the record and from the rows that are like it.",
                        source="model" if value.decided_by == "model" else "rule",
                        rule=rule,
                    )
                    (filling.changes if change.confidence >= ACCEPT else filling.doubtful).append(change)
    return filling
