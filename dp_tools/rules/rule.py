"""A rule, its scope and its precedence: the unit of knowledge. Plain data: the store keeps it, injection picks it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Source = Literal["person", "agent", "mined", "pack", "learned", "call"]
Status = Literal["proposed", "active", "retired"]
ALL = "all"
REVIEWED = "A person has decided cases like this one."
"""The statement of a rule that holds nothing but persons' answers to single cases."""


class Example(BaseModel):
    """A labelled case. A case that is identical after normalisation takes this label, before any model is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: Annotated[
        dict[str, Any], Field(description="{record, attribute, value} of a cell, or {left, right} of a pair.")
    ]
    label: Annotated[str, Field(description="The right answer: yes, no, or the value.")]


class Rule(BaseModel):
    """One sentence of knowledge with the place where it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(description="Stable name of the rule, for example beers-abv-format.")]
    version: Annotated[int, Field(ge=1, description="Counts up with every change.")] = 1
    task: Annotated[str, Field(description="The task it holds for, or all.")] = ALL
    dataset: Annotated[str, Field(description="The dataset it holds for, or all.")] = ALL
    domain: Annotated[str, Field(description="The domain of datasets it holds for, or all.")] = ALL
    attribute: Annotated[str, Field(description="The attribute it holds for, or all.")] = ALL
    topic: Annotated[
        str, Field(description="What it is about. Of rules on one topic only the most binding acts; empty: no topic.")
    ] = ""
    statement: Annotated[str, Field(description="The sentence the model reads.")]
    check: Annotated[
        dict[str, Any] | None,
        Field(description="The same rule as JSON Schema: over the record where its type is object, else the value."),
    ] = None
    decides: Annotated[
        Literal["fail", "both"],
        Field(description="What the check decides: that a failing case is wrong, or also that a passing one is right."),
    ] = "fail"
    examples: Annotated[tuple[Example, ...], Field(description="Labelled cases.")] = ()
    priority: Annotated[int, Field(description="Among rules of equal scope the higher wins; then the older.")] = 0
    source: Annotated[Source, Field(description="Who it came from.")] = "person"
    status: Annotated[Status, Field(description="Only active rules act.")] = "active"
    pack: Annotated[str, Field(description="The pack it came with, or empty.")] = ""
