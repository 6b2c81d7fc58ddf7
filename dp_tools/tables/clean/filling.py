"""Fills the missing values of one column of a whole table."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from dp_tools.records import Record, is_missing
from dp_tools.tables.asking import Asked, Work, chunks
from dp_tools.tables.change_log import Change
from dp_tools.tables.confidence_bands import ACCEPT, REVIEW
from dp_tools.tables.snapshot import Table
from dp_tools.tables.table_facts import TableFacts
from dp_tools.tasks.closed_set import BATCH, ENOUGH, MOST_VALUES, ClosedSet, own_values
from dp_tools.tasks.impute import ImputeAnswer, ImputedValue, ImputeRequest
from dp_tools.tasks.request_errors import make_request

_PART = 20_000
"""Gaps whose records are held in memory at a time."""
_EXAMPLES = 400
"""Filled rows from which a closed set is learned, at most."""


@dataclass
class Filling:
    """The values found for the gaps of a column.

    Args:
        gaps: records without a value.
        allowed: the closed set that the values came from, if there was one.
        changes: values that stand without a person, in file order.
        doubtful: values for a person to decide.
        undetermined: missing values that the records do not determine.
        unanswered: missing values without an answer, by reason.
        right, hidden: how many filled rows were hidden to measure the choice among a closed set, and how many of them
            got their own value back; none where nothing was chosen.
    """

    gaps: int
    allowed: list[str] | None
    changes: list[Change] = field(default_factory=list)
    doubtful: list[Change] = field(default_factory=list)
    undetermined: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    right: int = 0
    hidden: int = 0


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

    What that does not tell is chosen among the values of a closed set, as far as such choices are right for rows whose
    value is known.

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
    enum = work.decider.knowledge.inject(task="impute", dataset=dataset, attribute=attribute, extra=list(rules))
    listed = list(allowed or enum.allowed() or ())
    closed = listed or sorted(facts.closed_set(attribute)) or None
    gaps, holding = _rows(work, table, attribute, listed)
    filling = Filling(len(gaps), closed)
    ask = partial(_asked, work, attribute=attribute, allowed=closed, dataset=dataset, rules=rules, facts=facts)
    work.expect(len(gaps))
    open_gaps: list[tuple[int, Change | None]] = []
    for batch in chunks(gaps, _PART):
        for row, record, value in ask(dict(table.records(batch))):
            change = _change(row, record[attribute], value, attribute)
            if change is not None and change.confidence >= ACCEPT:
                filling.changes.append(change)
            elif value.failure is not None:
                filling.unanswered[value.failure] += 1
            else:
                open_gaps.append((row, change))
    values = listed or own_values({value: len(rows) for value, rows in holding.items()})
    chosen = _chosen(work, table, attribute, values, holding, [row for row, _ in open_gaps], filling, bool(listed))
    for row, change in open_gaps:
        best = max((one for one in (change, chosen.get(row)) if one), key=lambda one: one.confidence, default=None)
        if best is None or best.confidence < REVIEW:
            filling.undetermined += 1
        else:
            (filling.changes if best.confidence >= ACCEPT else filling.doubtful).append(best)
    filling.changes.sort(key=lambda change: change.row)
    return filling


def _rows(work: Work, table: Table, attribute: str, listed: Sequence[str]) -> tuple[list[int], dict[str, list[int]]]:
    """The rows without a value, and those of each value of the closed set, which may be what the column holds."""
    look = work.stage("looking for gaps")
    gaps: list[int] = []
    holding: dict[str, list[int]] = {value: [] for value in listed}
    is_set = True
    for row, record in table.records():
        look(row, table.count)
        value = record[attribute]
        if value is None or is_missing(value):
            gaps.append(row)
        elif value in holding or (is_set and not listed):
            holding.setdefault(value, []).append(row)
            if is_set and not listed and len(holding) > MOST_VALUES:
                holding, is_set = {}, False
    return gaps, holding


def _asked(
    work: Work,
    records: dict[int, Record],
    *,
    attribute: str,
    allowed: list[str] | None,
    dataset: str | None,
    rules: Sequence[str],
    facts: TableFacts,
) -> list[tuple[int, Record, ImputedValue]]:
    """What the model says of each gap, by row."""
    parts = list(chunks(records))
    questions = []
    for part in parts:
        work.check()
        request = make_request(
            ImputeRequest,
            records=[records[row] for row in part],
            attribute=attribute,
            allowed=allowed,
            dataset=dataset,
            rules=list(rules),
        )
        questions.append(Asked(request, len(part), facts))
    found = []
    for part, answer in zip(parts, work.answers(questions), strict=True):
        assert isinstance(answer, ImputeAnswer)
        found += [(row, records[row], value) for row, value in zip(part, answer.values, strict=True)]
    return found


def _change(row: int, old: str | None, value: ImputedValue, attribute: str) -> Change | None:
    if value.value is None or value.confidence is None:
        return None
    return Change(
        row=row,
        attribute=attribute,
        old=old,
        new=value.value,
        confidence=value.confidence,
        why=value.reason or "Inferred from the record and from the rows that are like it.",
        source="model" if value.decided_by == "model" else "rule",
        rule=value.rules[0] if value.decided_by != "model" and value.rules else None,
    )


def _chosen(
    work: Work,
    table: Table,
    attribute: str,
    values: Sequence[str],
    holding: dict[str, list[int]],
    gaps: list[int],
    filling: Filling,
    listed: bool,
) -> dict[int, Change]:
    """Values chosen among those of a closed set for gaps that the records do not tell, by row."""
    filled = [row for value in values for row in holding.get(value, ())]
    if len(values) < 2 or len(filled) < ENOUGH or not gaps:
        return {}
    chance = random.Random(0)
    examples = table.records(set(chance.sample(filled, min(_EXAMPLES, len(filled)))))
    sample = table.records(set(chance.sample(gaps, min(BATCH, len(gaps)))))
    look = work.stage("choosing among the column's values")
    closed_set = ClosedSet(
        work.scores, attribute, values, [record for _, record in examples], [r for _, r in sample], listed=listed
    )
    filling.right, filling.hidden = closed_set.right, closed_set.hidden
    if not closed_set.helps:
        return {}
    why = (
        f"Chosen among the values of {attribute}; of {closed_set.hidden} rows whose value was hidden, "
        f"{closed_set.right} got it back."
    )
    found = {}
    for done, batch in enumerate(chunks(gaps, BATCH)):
        look(done * BATCH, len(gaps))
        records = dict(table.records(batch))
        for row, choice in zip(batch, closed_set.choose([records[row] for row in batch]), strict=True):
            if choice is not None:
                old = records[row][attribute]
                found[row] = Change(row, attribute, old, choice.value, choice.confidence, why, "model")
    return found
