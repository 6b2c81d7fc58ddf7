"""Schema matching: which attributes of two tables mean the same?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from dp_tools.errors import InvalidRequest
from dp_tools.profiling import Facts, SchemaFacts, rendered
from dp_tools.profiling.column_pairs import ColumnSummary, ColumnVerdict
from dp_tools.prompts.ask import YesNo
from dp_tools.prompts.prompt import Prompt
from dp_tools.rules.coverage import TableVerdict
from dp_tools.tasks.task import Case, Outcome, RecordField, Task, Value, record_block, require
from dp_tools.tasks.verdicts import OnlyMatches, Verdict, VerdictAnswer, VerdictRequest

SAMPLES = 5
"""Sample values of an attribute that the model reads."""
COMPARED = 200
"""Different values of a column of a table that are given as samples, for counting to compare."""


class Attribute(BaseModel):
    """An attribute of a table, as far as it is known."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(description="Its name.")]
    description: Annotated[str | None, Field(description="What it means.")] = None
    table: Annotated[str | None, Field(description="Its table.")] = None
    samples: Annotated[list[Value], Field(description="Some values.")] = []

    def as_record(self) -> RecordField:
        """The attribute as a record for the serializer; what is not known is left out."""
        record: RecordField = {"name": self.name}
        if self.description:
            record["description"] = self.description
        if self.table:
            record["table"] = self.table
        if self.samples:
            record["values"] = ", ".join(self.samples[:SAMPLES])
        return record


class MatchSchemasRequest(VerdictRequest):
    """The attributes of two tables."""

    left: Annotated[list[Attribute], Field(description="Attributes of the first table.")]
    right: Annotated[list[Attribute], Field(description="Attributes of the second table.")]
    pairs: Annotated[
        list[tuple[int, int]] | None,
        WithJsonSchema({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
        Field(description="Judge only these (left, right) positions, from 0."),
    ] = None
    only: OnlyMatches = None


class AttributePair(Verdict):
    """The verdict on one pair of attributes."""

    left: Annotated[int, Field(description="Position in the first list, from 0.")]
    right: Annotated[int, Field(description="Position in the second list, from 0.")]
    match: Annotated[bool | None, Field(description="True if they mean the same; null without an answer.")]
    score: Annotated[float | None, Field(description="Probability that they mean the same, 0 to 1.")]

    @property
    def verdict(self) -> bool | None:
        return self.match


class MatchSchemasAnswer(VerdictAnswer[AttributePair]):
    """Every judged pair, and the best one-to-one assignment among those judged a match."""

    items: ClassVar[str] = "pairs"
    found: ClassVar[str] = "matches"
    other: ClassVar[str] = "different"

    pairs: Annotated[list[AttributePair], Field(description="The judged pairs, in the order asked for.")]
    assignment: Annotated[
        list[tuple[int, int]],
        Field(description="One-to-one pairs (left, right) with the highest sum of scores, matches only."),
    ]


class MatchSchemas(Task[MatchSchemasRequest, MatchSchemasAnswer]):
    """See the module."""

    name = "match_schemas"
    title = "Match schemas"
    description = (
        "Matches the attributes (columns) of two tables by meaning. Returns scores and a one-to-one assignment; "
        "others have no counterpart."
    )
    request = MatchSchemasRequest
    answer = MatchSchemasAnswer

    def cases(self, request: MatchSchemasRequest, facts: Facts | None = None) -> list[Case]:
        require(request.left, "attributes on the left")
        require(request.right, "attributes on the right")
        lefts = [attribute.as_record() for attribute in request.left]
        rights = [attribute.as_record() for attribute in request.right]
        words = facts if isinstance(facts, SchemaFacts) else self.facts(request)
        cases = []
        for left, right in _pairs(request):
            block_a, truncated_a = record_block("a", lefts[left])
            block_b, truncated_b = record_block("b", rights[right])
            found = words.about(lefts[left], rights[right])
            prompt = Prompt(task=self.name, blocks=(block_a, block_b), evidence=rendered(found))
            subject = {"left": lefts[left], "right": rights[right]}
            counted = _counted(words.verdicts.get((left, right)))
            truncated = tuple(dict.fromkeys((*truncated_a, *truncated_b)))
            cases.append(Case(subject, prompt, YesNo(), truncated=truncated, table=counted, facts=found))
        return cases

    def facts(self, request: MatchSchemasRequest) -> SchemaFacts:
        left, right = (
            ColumnSummary.of_table([(attribute.name, attribute.samples) for attribute in side])
            for side in (request.left, request.right)
        )
        return SchemaFacts((attribute.as_record() for attribute in (*request.left, *request.right)), (left, right))

    def read(self, request: MatchSchemasRequest, outcomes: Sequence[Outcome]) -> MatchSchemasAnswer:
        pairs = [
            AttributePair(
                left=left,
                right=right,
                match=outcome.verdict,
                score=None if outcome.probability_of_yes is None else round(outcome.probability_of_yes, 4),
                **outcome.item,
            )
            for (left, right), outcome in zip(_pairs(request), outcomes, strict=True)
        ]
        return MatchSchemasAnswer(pairs=pairs, assignment=_assign(request, pairs))


def _counted(verdict: ColumnVerdict | None) -> tuple[TableVerdict, ...]:
    return () if verdict is None else (TableVerdict("", verdict.same, verdict.certainty, verdict.reason),)


def _pairs(request: MatchSchemasRequest) -> list[tuple[int, int]]:
    if request.pairs is None:
        return [(left, right) for left in range(len(request.left)) for right in range(len(request.right))]
    for left, right in request.pairs:
        _require_position(left, request.left, "left")
        _require_position(right, request.right, "right")
    return request.pairs


def _require_position(position: int, attributes: Sequence[Attribute], side: str) -> None:
    """Refuse a position that the list does not have."""
    if not 0 <= position < len(attributes):
        raise InvalidRequest(f"There is no attribute {position} on the {side}: use 0 to {len(attributes) - 1}.")


def _assign(request: MatchSchemasRequest, pairs: Sequence[AttributePair]) -> list[tuple[int, int]]:
    # scipy takes a third of a second to import: a server has to start without it.
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    scores = np.zeros((len(request.left), len(request.right)))
    for pair in pairs:
        if pair.match:
            scores[pair.left, pair.right] = pair.score or 0.0
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if scores[row, column] > 0]
