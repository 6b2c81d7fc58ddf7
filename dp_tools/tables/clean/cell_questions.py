"""What is to be decided about cells, and what is decided without the model: of one cell, or of a part of a table."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from dp_tools.decision import RulesInForce
from dp_tools.profiling import CellFacts, Fact, rendered
from dp_tools.rules.discovery.data_constraints import DataConstraints
from dp_tools.tasks.task import Outcome

Fields = Mapping[str, str | None]
Key = tuple[str, tuple[str | None, ...], tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CellQuestion:
    """What is to be decided about a cell.

    Args:
        key: cells with the same one are decided alike.
        attribute, value: of the cell.
        evidence: what counting says of it.
        resolved: what is decided without the model, if it is.
        record: of the cell, where the model is to be asked.
    """

    key: Key
    attribute: str
    value: str | None
    evidence: tuple[Fact, ...]
    resolved: Outcome | None
    record: Fields | None


@dataclass(frozen=True, slots=True)
class CellResolver:
    """Finds the questions of cells.

    Args:
        facts: the evidence of the whole table.
        constraints: its data constraints; they decide where no rule covers the attribute.
        in_force: the rules of each attribute.
    """

    facts: CellFacts
    constraints: DataConstraints
    in_force: Mapping[str, RulesInForce]

    def question(self, record: Fields, attribute: str) -> CellQuestion:
        """The question of a cell."""
        value = record[attribute]
        evidence = self.facts.about(record, attribute)
        resolved = self.in_force[attribute].resolve(
            {"record": record, "attribute": attribute, "value": value},
            lambda: self.constraints.verdicts(record, attribute, evidence),
        )
        decided = (
            ()
            if resolved is None
            else (str(resolved.label), resolved.decided_by, resolved.reason or "", *resolved.rules)
        )
        # In a table too small to say anything of its columns the model reads the whole record.
        rest = () if self.facts.knows_columns or resolved is not None else tuple(record.values())
        key = (attribute, (None if value is None else value.strip(), *rest), rendered(evidence), decided)
        return CellQuestion(key, attribute, value, evidence, resolved, record if resolved is None else None)


class PartQuestions(NamedTuple):
    """The questions of a part of a table.

    Args:
        questions: each once, in the order in which its cells are looked at: record by record.
        times: how many cells have each.
        numbers: by attribute the position of the question of each cell, in record order.
    """

    questions: list[CellQuestion]
    times: list[int]
    numbers: dict[str, array[int]]


def questions_of(resolver: CellResolver, records: pl.DataFrame) -> PartQuestions:
    """The questions of all cells of the resolver's attributes in some records."""
    found = PartQuestions([], [], {name: array("L") for name in resolver.in_force})
    places: dict[Key, int] = {}
    for record in records.iter_rows(named=True):
        for name, numbers in found.numbers.items():
            question = resolver.question(record, name)
            place = places.setdefault(question.key, len(places))
            if place == len(found.questions):
                found.questions.append(question)
                found.times.append(0)
            found.times[place] += 1
            numbers.append(place)
    return found
