"""What people answered about single cells of a table, found by the examples that decide them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dp_tools.rules.same_case import case_key
from dp_tools.rules.scope import key
from dp_tools.tables.clean.judging import Judge
from dp_tools.tables.labelled.answers import Answer, Answers, Cell
from dp_tools.tables.snapshot import Table


def answers_in(judge: Judge, table: Table, places: Mapping[str, Sequence[int]]) -> Answers:
    """The examples in force, as answers about cells of a table and about records that it does not hold.

    Args:
        judge: has noted every cell.
        table: the table.
        places: by attribute, the number of the question of each cell.
    """
    cells = _decided(judge, places)
    records = dict(table.records({row for row, _ in cells}))
    here: dict[Cell, Answer] = {}
    known = set()
    for (row, name), wrong in cells.items():
        record = records[row]
        known.add(case_key({"record": record, "attribute": name, "value": record[name]}))
        here[row, name] = Answer(wrong, judge.belongs_there(record, name) if wrong else None)
    elsewhere = []
    for name in places:
        for example in judge.examples(name):
            case, found = example.case, example.case.get("record")
            digest = case_key(case)
            if not isinstance(found, Mapping) or key(str(case.get("attribute"))) != key(name):
                continue
            if digest not in known and found.keys() >= set(table.columns):
                known.add(digest)
                wrong = key(example.label) == "yes"
                elsewhere.append((found, name, Answer(wrong, judge.belongs_there(found, name) if wrong else None)))
    return Answers(here, tuple(elsewhere))


def _decided(judge: Judge, places: Mapping[str, Sequence[int]]) -> dict[Cell, bool]:
    """The cells that examples decide, one of each question, and whether they are wrong by them."""
    verdicts = {
        place: bool(outcome.verdict)
        for place, outcome in enumerate(judge.outcomes)
        if outcome is not None and outcome.decided_by == "example"
    }
    found: dict[Cell, bool] = {}
    for name, noted in places.items() if verdicts else ():
        left = set(verdicts)
        for row, place in enumerate(noted):
            if place in left:
                left.discard(place)
                found[row, name] = verdicts[place]
    return found
