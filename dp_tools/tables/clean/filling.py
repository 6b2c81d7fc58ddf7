"""Fills the missing values of one column of a whole table."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dp_tools.decision import is_open_gap, rules_of, with_choice
from dp_tools.records import is_missing
from dp_tools.tables.asking import Asked, Work, chunks
from dp_tools.tables.change_log import Change
from dp_tools.tables.confidence_bands import ACCEPT, REVIEW
from dp_tools.tables.snapshot import Table
from dp_tools.tables.whole import Whole
from dp_tools.tasks.closed_set import BATCH, EXAMPLES, closed_set_of
from dp_tools.tasks.impute import MOST_VALUES, ImputeRequest
from dp_tools.tasks.request_errors import make_request
from dp_tools.tasks.task import Outcome, UsedRule

_PART = 20_000
"""Gaps whose records are held in memory at a time."""
_CHOSEN = 300
"""Gaps for which a value is chosen at a time."""


@dataclass
class Gaps:
    """How the gaps of a column are decided.

    Args:
        outcomes: of each row without a value, in file order.
        allowed: the closed set that the values came from, if there was one.
        rules: those that were read or decided.
        right, hidden: how many filled rows were hidden to measure the choice among a closed set, and how many of them
            got their own value back; none where nothing was chosen.
    """

    outcomes: dict[int, Outcome]
    allowed: list[str] | None
    rules: list[UsedRule] = field(default_factory=list)
    right: int = 0
    hidden: int = 0


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
    whole: Whole | None = None,
) -> Filling:
    """Infer the missing values of a column, and sort them by what stands without a person.

    Args:
        work, table, attribute, allowed, dataset, rules, whole: as `decided_gaps`.

    Raises:
        InvalidRequest, Cancelled, ModelUnavailable: see `decided_gaps`.
    """
    gaps = decided_gaps(work, table, attribute, allowed=allowed, dataset=dataset, rules=rules, whole=whole)
    filling = Filling(len(gaps.outcomes), gaps.allowed, right=gaps.right, hidden=gaps.hidden)
    for batch in chunks(gaps.outcomes, _PART):
        for row, record in table.records(set(batch)):
            outcome = gaps.outcomes[row]
            if outcome.failure is not None:
                filling.unanswered[outcome.failure] += 1
            elif outcome.label is None or outcome.confidence is None or outcome.confidence < REVIEW:
                filling.undetermined += 1
            else:
                change = _change(row, attribute, record[attribute], outcome)
                (filling.changes if change.confidence >= ACCEPT else filling.doubtful).append(change)
    return filling


def decided_gaps(
    work: Work,
    table: Table,
    attribute: str,
    *,
    allowed: Sequence[str] | None = None,
    dataset: str | None = None,
    rules: Sequence[str] = (),
    whole: Whole | None = None,
) -> Gaps:
    """Infer the missing values of a column from the rest of each record and from the rows that are like it.

    What that does not tell is chosen among the values of a closed set, as `Decider.answer` does for records.

    Args:
        work: what asks.
        table: the table.
        attribute: the column.
        allowed: the values to choose from (default: what a rule allows, or the column's own where it has few).
        dataset, rules: which rules apply.
        whole: what the table is judged by, where it is a part of a larger one.

    Raises:
        InvalidRequest: the attribute is unknown.
        Cancelled, ModelUnavailable: see `Work.answers`.
    """
    table.require([attribute])
    whole = Whole(table) if whole is None else whole
    facts = whole.facts(work.stage)
    injection = work.decider.knowledge.inject(task="impute", dataset=dataset, attribute=attribute, extra=list(rules))
    listed = list(allowed or injection.allowed() or ())
    rows, holding = _rows(work, table, attribute, listed)
    if whole.table is not table:
        all_rows = whole.table
        holding = whole.once(("holding", attribute), lambda: _rows(work, all_rows, attribute, listed)[1])
    closed = listed or sorted(facts.closed_set(attribute)) or None
    work.expect(len(rows))

    def requests(batch: Sequence[int]) -> Iterable[Asked]:
        records = dict(table.records(batch))
        for part in chunks(batch):
            work.check()
            request = make_request(
                ImputeRequest,
                records=[records[row] for row in part],
                attribute=attribute,
                allowed=closed,
                dataset=dataset,
                rules=list(rules),
            )
            yield Asked(request, len(part), facts)

    decided = [outcome for batch in chunks(rows, _PART) for part in work.outcomes(requests(batch)) for outcome in part]
    gaps = Gaps(dict(zip(rows, decided, strict=True)), closed)
    _choose(work, table, whole.table, attribute, listed, holding, gaps)
    gaps.rules, _ = rules_of({attribute: injection}, list(gaps.outcomes.values()))
    return gaps


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


def _change(row: int, attribute: str, old: str | None, outcome: Outcome) -> Change:
    assert outcome.label is not None
    assert outcome.confidence is not None
    by_model = outcome.decided_by == "model"
    return Change(
        row=row,
        attribute=attribute,
        old=old,
        new=outcome.label,
        confidence=round(outcome.confidence, 4),
        why=outcome.reason or "Inferred from the record and from the rows that are like it.",
        source="model" if by_model else "rule",
        rule=outcome.rules[0] if not by_model and outcome.rules else None,
    )


def _choose(
    work: Work,
    table: Table,
    whole: Table,
    attribute: str,
    listed: Sequence[str],
    holding: dict[str, list[int]],
    gaps: Gaps,
) -> None:
    """Choose among the values of a closed set for the gaps that the records leave open.

    Args:
        work, table, attribute: as in `decided_gaps`.
        whole: the table of which `holding` gives the rows with each value.
        listed: the closed set that was named.
        holding: the rows of each value.
        gaps: as they are decided so far.
    """
    left_open = [row for row, outcome in gaps.outcomes.items() if is_open_gap(outcome)]
    if not left_open:
        return
    chance = random.Random(0)
    filled = [row for rows in holding.values() for row in rows]
    known = [record for _, record in whole.records(set(chance.sample(filled, min(EXAMPLES, len(filled)))))]
    some = chance.sample(list(gaps.outcomes), min(BATCH, len(gaps.outcomes)))
    look = work.stage("choosing among the column's values")
    closed_set = closed_set_of(
        work.scores,
        attribute,
        listed,
        known,
        [record for _, record in table.records(set(some))],
        counts={value: len(rows) for value, rows in holding.items()},
    )
    if closed_set is None:
        return
    gaps.right, gaps.hidden = closed_set.right, closed_set.hidden
    for done, batch in enumerate(chunks(left_open, _CHOSEN)):
        look(done * _CHOSEN, len(left_open))
        records = dict(table.records(batch))
        for row, choice in zip(batch, closed_set.choose([records[row] for row in batch]), strict=True):
            gaps.outcomes[row] = with_choice(gaps.outcomes[row], choice, closed_set.reason)
