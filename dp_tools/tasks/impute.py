"""Data imputation: which value is missing here?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from dp_tools.profiling import CellFacts, Facts, RecordFacts, rendered
from dp_tools.prompts.ask import FreeValue
from dp_tools.prompts.prompt import Prompt
from dp_tools.records import clean_name
from dp_tools.tasks.task import (
    Answer,
    Case,
    Item,
    Outcome,
    RecordField,
    Request,
    Task,
    Value,
    record_block,
    require,
    require_same_attributes,
)

MOST_VALUES = 30
"""Values of a column that is a closed set by itself, at most."""


class ImputeRequest(Request):
    """Records in which one attribute is to be filled in."""

    records: Annotated[
        list[RecordField],
        Field(description="{attribute: text or null}, of one table."),
    ]
    attribute: Annotated[str, Field(description="The attribute to infer.", min_length=1)]
    allowed: Annotated[list[Value] | None, Field(description="The values to choose from.")] = None
    context: Annotated[
        list[RecordField],
        Field(description="More, with the attribute."),
    ] = []


class ImputedValue(Item):
    """The value for one record."""

    value: Annotated[str | None, Field(description="The value; null if the model cannot tell.")]
    alternatives: Annotated[
        list[tuple[str, float]], Field(description="Up to three other values with their probability.")
    ] = []


class ImputeAnswer(Answer[ImputedValue]):
    """One value per record, in order."""

    items: ClassVar[str] = "values"

    values: Annotated[list[ImputedValue], Field(description="The values.")]


class Impute(Task[ImputeRequest, ImputeAnswer]):
    """See the module."""

    name = "impute"
    title = "Impute missing values"
    description = (
        "Infers one attribute from the rest of each record, choosing from `allowed` if given. Null where nothing "
        "implies one."
    )
    request = ImputeRequest
    answer = ImputeAnswer

    def cases(self, request: ImputeRequest, facts: Facts | None = None) -> list[Case]:
        require_same_attributes(request.records)
        if request.allowed is not None:
            require(request.allowed, "allowed values")
        cell_facts = facts if isinstance(facts, CellFacts) else self.facts(request)
        ask = FreeValue(allowed=tuple(dict.fromkeys(request.allowed)) if request.allowed else None, alternatives=3)
        cases = []
        for record in request.records:
            rest = {name: value for name, value in record.items() if name != request.attribute}
            block, truncated = record_block("record", rest)
            found = cell_facts.group_evidence({**rest, request.attribute: None}, request.attribute)
            prompt = Prompt(
                task=self.name, blocks=(block,), attribute=clean_name(request.attribute), evidence=rendered(found)
            )
            subject = {"record": rest, "attribute": request.attribute}
            cases.append(Case(subject, prompt, ask, request.attribute, truncated, facts=found))
        return cases

    def facts(self, request: ImputeRequest) -> RecordFacts:
        return RecordFacts(request.context)

    def read(self, request: ImputeRequest, outcomes: Sequence[Outcome]) -> ImputeAnswer:  # noqa: ARG002
        return ImputeAnswer(values=[imputed(outcome) for outcome in outcomes])


def imputed(outcome: Outcome) -> ImputedValue:
    """The value that an outcome gives."""
    return ImputedValue(
        value=outcome.label,
        alternatives=[(label, round(probability, 4)) for label, probability in outcome.ranking],
        **outcome.item,
    )


def own_values(counts: Mapping[str, int]) -> list[str]:
    """The closed set that a column is by itself: few values, of which each stands in two rows in the mean.

    Args:
        counts: how many rows hold each value.
    """
    return sorted(counts) if 2 <= len(counts) <= MOST_VALUES and sum(counts.values()) >= 2 * len(counts) else []
