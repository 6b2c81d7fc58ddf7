"""Column type annotation: which type does this column have?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from dp_tools.profiling import Facts, column_facts, rendered
from dp_tools.profiling.certain_types import certain_type
from dp_tools.prompts.ask import Choice
from dp_tools.prompts.prompt import Block, Prompt
from dp_tools.prompts.serializer import quote
from dp_tools.records import clean_name, is_missing
from dp_tools.tasks.task import Answer, Case, Item, Outcome, Request, Task, Value, require, require_distinct

VALUES = 12
"""Distinct values of a column that the model reads."""
NEIGHBOURS = 8
"""Other columns of the table that the model reads, by their first two values."""
_CHARACTERS = 80
_CERTAIN = 0.95
"""How probably a type is right that stands for the form of the values; see `dp_tools.profiling.certain_types`.
In the labelled sets at hand it is in 17 of 17 columns."""


class Column(BaseModel):
    """A column without a type."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str | None, Field(description="Its header.")] = None
    values: Annotated[list[Value | None], Field(description="Sample values, as found.")]
    table: Annotated[
        list[list[Value | None]],
        Field(description="Some rows of its table, as lists of cells."),
    ] = []


class AnnotateColumnsRequest(Request):
    """Columns to annotate and the types to choose from."""

    columns: Annotated[list[Column], Field(description="The columns.")]
    types: Annotated[list[str], Field(description="The types to choose from.")]


class ColumnType(Item):
    """The type of one column."""

    type: Annotated[str | None, Field(description="The type; null without an answer.")]
    runners_up: Annotated[list[tuple[str, float]], Field(description="The next types with their probability.")] = []


class AnnotateColumnsAnswer(Answer[ColumnType]):
    """One type per column, in order."""

    items: ClassVar[str] = "columns"

    columns: Annotated[list[ColumnType], Field(description="The types.")]


class AnnotateColumns(Task[AnnotateColumnsRequest, AnnotateColumnsAnswer]):
    """See the module."""

    name = "annotate_columns"
    title = "Annotate column types"
    description = "Assigns one of your types to each column. It reads values and, if given, header and rows."
    request = AnnotateColumnsRequest
    answer = AnnotateColumnsAnswer

    def cases(self, request: AnnotateColumnsRequest, facts: Facts | None = None) -> list[Case]:  # noqa: ARG002
        require(request.columns, "columns")
        require_distinct(request.types, "types")
        ask = Choice(tuple(request.types))
        cases = []
        for column in request.columns:
            values = list(dict.fromkeys(value for value in column.values if not is_missing(value)))
            blocks = (*_around(column), Block("column", ", ".join(quote(v, _CHARACTERS) for v in values[:VALUES])))
            found = column_facts(column.values)
            prompt = Prompt(
                task=self.name,
                options=tuple(request.types),
                blocks=blocks,
                attribute=clean_name(column.name) if column.name else "",
                evidence=rendered(found),
            )
            truncated = (column.name or "column",) if any(len(v or "") > _CHARACTERS for v in values[:VALUES]) else ()
            subject = {"name": column.name, "values": column.values}
            cases.append(Case(subject, prompt, ask, column.name, truncated, facts=found))
        return cases

    def read(self, request: AnnotateColumnsRequest, outcomes: Sequence[Outcome]) -> AnnotateColumnsAnswer:
        seen = [_by_form(column, request.types, found) for column, found in zip(request.columns, outcomes, strict=True)]
        return AnnotateColumnsAnswer(
            columns=[
                ColumnType(
                    type=outcome.label,
                    runners_up=[(label, round(probability, 4)) for label, probability in outcome.ranking[:3]],
                    **outcome.item,
                )
                for outcome in seen
            ]
        )


def _by_form(column: Column, types: Sequence[str], outcome: Outcome) -> Outcome:
    """The model's choice, or the most probable of its choices that the form of the values leaves; rules come first."""
    if outcome.decided_by != "model" or outcome.label is None or outcome.rules:
        return outcome
    certain = certain_type(column.values, types)
    if certain is None:
        return outcome
    ranked = [(outcome.label, outcome.confidence or 0.0), *outcome.ranking]
    left = [pair for pair in ranked if pair[0] in certain.types] or [
        pair for pair in ranked if pair[0] not in certain.others
    ]
    if not left or left[0][0] == outcome.label:
        return outcome
    label, probability = left[0]
    confidence = _CERTAIN if certain.types else probability
    others = [pair for pair in ranked if pair[0] != label and (certain.types or pair in left)]
    share = min(1.0, (1 - confidence) / (sum(p for _, p in others) or 1.0))
    ranking = tuple((other, p * share) for other, p in others)
    return replace(
        outcome,
        decided_by="pattern",
        label=label,
        confidence=confidence,
        ranking=ranking,
        reason=f"The values are written as {certain.kind}s are, and no {outcome.label} is.",
    )


def _around(column: Column) -> tuple[Block, ...]:
    """The table around a column, a line a row, at most two rows."""
    rows = [", ".join(quote(cell, 40) for cell in row[:NEIGHBOURS]) for row in column.table[:2]]
    return (Block("table", " / ".join(rows)),) if rows and len(column.table[0]) > 1 else ()
