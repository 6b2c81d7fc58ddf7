"""Attribute value extraction: which value does this text state for an attribute?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from dp_tools.profiling import Facts
from dp_tools.profiling.quantities import only_measure
from dp_tools.prompts.ask import FreeValue
from dp_tools.prompts.prompt import Block, Prompt
from dp_tools.prompts.serializer import quote
from dp_tools.records import clean_name
from dp_tools.tasks.task import Case, Outcome, Task, require
from dp_tools.tasks.verdicts import Verdict, VerdictAnswer, VerdictRequest

_BY_FORM = 0.85
"""How probably a stretch is right that is written as a value is (see `dp_tools.profiling.quantities`): in the labelled
texts at hand 56 of 67 are."""
_SHORT = 100
"""Characters of a title; what is longer has a description."""
_LONGER = 1.5
"""How many times e, as a logarithm, a text is longer at most for the calibration."""
TEXT_BUDGET = 2000
"""Characters of a text that the model reads; a longer text is cut there."""


class WantedAttribute(BaseModel):
    """An attribute whose value is looked for."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(description="Its name.")]
    description: Annotated[str | None, Field(description="What counts as its value.")] = None


class ExtractValuesRequest(VerdictRequest):
    """Texts to read and attributes to look for."""

    texts: Annotated[list[str], Field(description="The texts.")]
    attributes: Annotated[list[WantedAttribute], Field(description="What to look for.")]
    only: Annotated[
        Literal["stated", "unsure", "all"] | None,
        Field(description="Default: all up to 50."),
    ] = None


class ExtractedValue(Verdict):
    """What one text says about one attribute."""

    text: Annotated[int, Field(description="Position of the text in the request, from 0.")]
    attribute: Annotated[str, Field(description="The attribute.")]
    value: Annotated[str | None, Field(description="The value as written in the text; null if not stated.")]
    span: Annotated[
        tuple[int, int] | None, Field(description="First position in the text: characters [start, end).")
    ] = None

    @property
    def verdict(self) -> bool | None:
        return None if self.confidence is None else self.value is not None


class ExtractValuesAnswer(VerdictAnswer[ExtractedValue]):
    """One value per text and attribute, text by text."""

    items: ClassVar[str] = "values"
    found: ClassVar[str] = "stated"
    other: ClassVar[str] = "not stated"

    values: Annotated[list[ExtractedValue], Field(description="The values.")]


class ExtractValues(Task[ExtractValuesRequest, ExtractValuesAnswer]):
    """See the module."""

    name = "extract_values"
    title = "Extract attribute values"
    description = "Extracts attribute values from texts such as titles, never reworded. Null if not stated."
    request = ExtractValuesRequest
    answer = ExtractValuesAnswer

    def cases(self, request: ExtractValuesRequest, facts: Facts | None = None) -> list[Case]:  # noqa: ARG002
        require(request.texts, "texts")
        require(request.attributes, "attributes")
        cases = []
        for text in request.texts:
            read = _readable(text)
            block = Block("text", read, (("text", read),))
            for attribute in request.attributes:
                prompt = Prompt(
                    task=self.name,
                    blocks=(block,),
                    attribute=clean_name(attribute.name),
                    value=quote(attribute.description) if attribute.description else "",
                )
                ask = FreeValue(copy_from=read, may_be_none=True)
                truncated = ("text",) if len(text) > TEXT_BUDGET else ()
                cases.append(Case({"text": text, "attribute": attribute.name}, prompt, ask, attribute.name, truncated))
        return cases

    def read(self, request: ExtractValuesRequest, outcomes: Sequence[Outcome]) -> ExtractValuesAnswer:
        places = [(number, a.name) for number in range(len(request.texts)) for a in request.attributes]
        seen = [
            _by_form(request.texts[number], name, outcome)
            for (number, name), outcome in zip(places, outcomes, strict=True)
        ]
        return ExtractValuesAnswer(
            values=[
                ExtractedValue(
                    text=number,
                    attribute=name,
                    value=outcome.label,
                    span=_span(request.texts[number], outcome.label),
                    **outcome.item,
                )
                for (number, name), outcome in zip(places, seen, strict=True)
            ]
        )


def evidence_for(text: str, value: str | None) -> float:
    """How far it counts for an extraction that the model has learned its attribute (see `PlattCalibration.evidence`).

    Args:
        text: what was read.
        value: what was found; that nothing is stated counts for more in a long text, which says more.
    """
    longer = math.log(max(len(text), 1) / _SHORT)
    return 1.0 if value is not None else 1.0 + min(max(longer, 0.0), _LONGER)


def _by_form(text: str, attribute: str, outcome: Outcome) -> Outcome:
    """The model's answer, or, where it finds nothing and no rule says so, the only stretch written as a value is."""
    if outcome.decided_by != "model" or outcome.label is not None or outcome.failure is not None or outcome.rules:
        return outcome
    found = only_measure(_readable(text), attribute)
    if found is None:
        return outcome
    reason = f"It is the only stretch of the text that is written as a {attribute} is."
    return replace(outcome, decided_by="pattern", label=found, confidence=_BY_FORM, reason=reason)


def _readable(text: str) -> str:
    """The text as the model reads it: same characters at the same places, line breaks and controls as spaces."""
    return "".join(character if character.isprintable() else " " for character in text[:TEXT_BUDGET])


def _span(text: str, value: str | None) -> tuple[int, int] | None:
    start = -1 if value is None else _readable(text).find(value)
    return None if value is None or start < 0 else (start, start + len(value))
