"""The content of an explanation. Everything in it is measured or computed, except `rationale`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from dp_tools.rules.scope import TaskName
from dp_tools.tasks.task import DecidedBy

Kind = Literal["attribute", "fact", "rule", "check", "example"]
Change = Literal["taken away", "made equal to the other side", "left out"]


class ExplainRequest(BaseModel):
    """Which answers to explain."""

    model_config = ConfigDict(extra="forbid")

    task: Annotated[TaskName, WithJsonSchema({"type": "string"}), Field(description="The tool that gave the answer.")]
    request: Annotated[dict[str, Any], Field(description="Its arguments, unchanged.")]
    items: Annotated[list[int], Field(description="Positions of items, from 0.", min_length=1)] = [0]
    permutation_averaged: Annotated[
        bool,
        Field(description="Average over several orders (slower)."),
    ] = False


class Contribution(BaseModel):
    """What one thing does to the probability of the answer."""

    kind: Annotated[Kind, Field(description="What it is; a check or an example is a rule that decided by itself.")]
    name: Annotated[str, Field(description="The attribute, the fact as the model reads it, or the rule's id.")]
    change: Annotated[
        float,
        Field(description="Probability of the answer as given less that without it: above 0 it speaks for the answer."),
    ]
    answer: Annotated[str | None, Field(description="The answer without it.")]
    flips: Annotated[bool, Field(description="Whether the answer is another one without it.")]
    statement: Annotated[str | None, Field(description="What the rule says, if it is a rule.")] = None


class WouldChange(BaseModel):
    """The smallest single change, counted in characters, after which the answer is another one."""

    kind: Annotated[Kind, Field(description="What is changed.")]
    name: Annotated[str, Field(description="The attribute, or the rule's id.")]
    change: Annotated[Change, Field(description="What is done to it.")]
    answer: Annotated[str | None, Field(description="The answer after the change.")]
    probability: Annotated[float | None, Field(description="Its probability.")]


class Fact(BaseModel):
    """Something that code knows about the case, whatever the model thinks."""

    kind: Annotated[
        Literal["equal", "different", "missing", "numbers", "models", "column", "near", "rows", "check", "place"],
        Field(description="What it is about."),
    ]
    text: Annotated[str, Field(description="The fact as a sentence part.")]


class Rewrite(BaseModel):
    """The answer after a harmless rewrite of the question."""

    rewrite: Annotated[str, Field(description="What was done.")]
    answer: Annotated[str | None, Field(description="The answer then.")]
    probability: Annotated[float | None, Field(description="The probability then of the answer as given.")]


class Explanation(BaseModel):
    """Why one answer came out as it did."""

    item: Annotated[int, Field(description="Position of the item in the answer, from 0.")]
    text: Annotated[str, Field(description="The explanation in a short paragraph.")]
    answer: Annotated[str | None, Field(description="The answer: yes or no, the type or the value.")]
    decided_by: Annotated[DecidedBy, Field(description="Who decided.")]
    probability: Annotated[float | None, Field(description="Calibrated probability of the answer.")]
    confidence_band: Annotated[str, Field(description="The probability in words, with its range.")]
    decided: Annotated[
        list[Contribution],
        Field(description="What the answer depends on: rules that flip it first, then by size of the effect."),
    ]
    would_change: Annotated[
        WouldChange | None,
        Field(description="The smallest change that flips the answer; null if no single change does."),
    ] = None
    facts: Annotated[list[Fact], Field(description="What code knows about the case.")] = []
    rewrites: Annotated[list[Rewrite], Field(description="The answer under harmless rewrites.")] = []
    rewrite_sensitive: Annotated[bool, Field(description="Whether a harmless rewrite flips the answer.")] = False
    review: Annotated[str | None, Field(description="Why a person should look at it, if one should.")] = None
    rationale: Annotated[
        str | None,
        Field(description="The model's own justification, from models tuned to write one. Not evidence."),
    ] = None


class Explanations(BaseModel):
    """One explanation per item asked for, in that order."""

    model: Annotated[str, Field(description="The model that answered.")]
    explanations: Annotated[list[Explanation], Field(description="The explanations.")]
