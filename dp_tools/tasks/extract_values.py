"""Attribute value extraction: which value does this text state for an attribute?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from dp_tools.profiling import Facts
from dp_tools.profiling.quantities import only_measure
from dp_tools.prompts.ask import FreeValue
from dp_tools.prompts.prompt import Block, Prompt
from dp_tools.prompts.serializer import quote
from dp_tools.records import clean_name
from dp_tools.tasks.task import Answer, Case, Item, Outcome, Request, Task, require

_BY_FORM = 0.85
"""How probably a stretch is right that is written as a value is (see `dp_tools.profiling.quantities`): in the labelled
texts at hand 56 of 67 are."""
TEXT_BUDGET = 2000
"""Characters of a text that the model reads; a longer text is cut there."""


class WantedAttribute(BaseModel):
    """An attribute whose value is looked for."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(description="Its name.")]
    description: Annotated[str | None, Field(description="What counts as its value.")] = None


class ExtractValuesRequest(Request):
    """Texts to read and attributes to look for."""

    texts: Annotated[list[str], Field(description="The texts.")]
    attributes: Annotated[list[WantedAttribute], Field(description="What to look for in every text.")]


class ExtractedValue(Item):
    """What one text says about one attribute."""

    text: Annotated[int, Field(description="Position of the text in the request, from 0.")]
    attribute: Annotated[str, Field(description="The attribute.")]
    value: Annotated[str | None, Field(description="The value as written in the text; null if not stated.")]
    span: Annotated[
        tuple[int, int] | None, Field(description="First position in the text: characters [start, end).")
    ] = None


class ExtractValuesAnswer(Answer[ExtractedValue]):
    """One value per text and attribute, text by text."""

    items: ClassVar[str] = "values"

    values: Annotated[list[ExtractedValue], Field(description="The values.")]


class ExtractValues(Task[ExtractValuesRequest, ExtractValuesAnswer]):
    """See the module."""

    name = "extract_values"
    title = "Extract attribute values"
    description = (
        "Extracts attribute values from texts such as product titles. A value is copied from the text, never "
        "reworded; null if not stated."
    )
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
