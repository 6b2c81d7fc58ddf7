"""Two tables side by side: which columns mean the same, and what kind of thing each column holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import polars as pl
from pydantic import BaseModel, Field

from dp_tools.errors import InvalidRequest
from dp_tools.tables.asking import Asked, Work, chunks
from dp_tools.tables.profile import value_counts
from dp_tools.tables.snapshot import ROW, Table
from dp_tools.tasks.annotate_columns import AnnotateColumnsAnswer, AnnotateColumnsRequest, Column, ColumnType
from dp_tools.tasks.match_schemas import Attribute, MatchSchemasAnswer, MatchSchemasRequest

SAMPLES = 12
"""Frequent values of a column that stand for it."""
PAIRS = 10_000
"""Pairs of columns that are judged at the most."""


class ColumnPair(BaseModel):
    """Two columns that mean the same."""

    left: Annotated[str, Field(description="A column of the first table.")]
    right: Annotated[str, Field(description="A column of the second table.")]
    score: Annotated[float, Field(description="Probability that they mean the same, 0 to 1.")]


class SchemaMatching(BaseModel):
    """Which columns of two tables mean the same, one-to-one, and which are left over."""

    pairs: Annotated[list[ColumnPair], Field(description="One-to-one pairs, the surest first.")]
    left_over: Annotated[list[str], Field(description="Columns of the first table without a counterpart.")]
    right_over: Annotated[list[str], Field(description="Columns of the second table without a counterpart.")]


def match_table_schemas(
    work: Work,
    left: Table,
    right: Table,
    *,
    descriptions: Mapping[str, str] | None = None,
    dataset: str | None = None,
    rules: Sequence[str] = (),
) -> SchemaMatching:
    """Match the columns of two tables by their names, descriptions and frequent values.

    Args:
        work: what asks.
        left, right: the tables.
        descriptions: what columns mean, by name, where that is known.
        dataset, rules: which rules apply.

    Raises:
        InvalidRequest: the tables have too many columns to compare each with each.
        Cancelled, ModelUnavailable: see `Work.answers`.
    """
    if len(left.columns) * len(right.columns) > PAIRS:
        raise InvalidRequest(f"{left.name} and {right.name} have more than {PAIRS:,} pairs of columns; match parts.")
    sides = [_attributes(table, descriptions or {}) for table in (left, right)]
    request = MatchSchemasRequest(left=sides[0], right=sides[1], dataset=dataset, rules=list(rules))
    work.expect(len(sides[0]) * len(sides[1]))
    (answer,) = work.answers([Asked(request, len(sides[0]) * len(sides[1]))])
    assert isinstance(answer, MatchSchemasAnswer)
    scores = {(pair.left, pair.right): pair.score or 0.0 for pair in answer.pairs}
    pairs = [ColumnPair(left=left.columns[a], right=right.columns[b], score=scores[a, b]) for a, b in answer.assignment]
    return SchemaMatching(
        pairs=sorted(pairs, key=lambda pair: -pair.score),
        left_over=[name for name in left.columns if name not in {pair.left for pair in pairs}],
        right_over=[name for name in right.columns if name not in {pair.right for pair in pairs}],
    )


def annotate_table(
    work: Work, table: Table, types: Sequence[str], *, dataset: str | None = None, rules: Sequence[str] = ()
) -> dict[str, ColumnType]:
    """The type of each column, chosen among `types`.

    Raises:
        InvalidRequest: fewer than two types.
        Cancelled, ModelUnavailable: see `Work.answers`.
    """
    rows = [list(values) for values in table.scan().drop(ROW).head(2).collect().iter_rows()]
    columns = [Column(name=column.name, values=list(_samples(column)), table=rows) for column in table.series()]
    parts = list(chunks(columns))
    questions = [
        Asked(AnnotateColumnsRequest(columns=part, types=list(types), dataset=dataset, rules=list(rules)), len(part))
        for part in parts
    ]
    work.expect(len(columns))
    found: dict[str, ColumnType] = {}
    for part, answer in zip(parts, work.answers(questions), strict=True):
        assert isinstance(answer, AnnotateColumnsAnswer)
        found |= {column.name or "": kind for column, kind in zip(part, answer.columns, strict=True)}
    return found


def _attributes(table: Table, descriptions: Mapping[str, str]) -> list[Attribute]:
    return [
        Attribute(name=column.name, description=descriptions.get(column.name), samples=_samples(column))
        for column in table.series()
    ]


def _samples(column: pl.Series) -> list[str]:
    values: list[str] = value_counts(column).head(SAMPLES)["value"].to_list()
    return values
