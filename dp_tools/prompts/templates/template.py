"""Prompt templates: they turn the slots of a prompt into the segments that a model was trained on."""

from __future__ import annotations

from typing import Protocol

from dp_tools.engine.questions import Labels, Question, Segment, Value
from dp_tools.prompts.ask import Ask, Choice, YesNo
from dp_tools.prompts.prompt import Prompt


class PromptTemplate(Protocol):
    """A model's prompt format: how slots are laid out, what the labels are called, where an answer ends."""

    @property
    def name(self) -> str:
        """The name that the model catalogue knows it by."""

    @property
    def yes(self) -> str:
        """What the model writes for yes."""

    @property
    def no(self) -> str:
        """What the model writes for no."""

    @property
    def none(self) -> str:
        """What the model writes for "no value": "cannot tell", "not stated"."""

    @property
    def end(self) -> str:
        """Control text after a finished answer."""

    def render(self, prompt: Prompt) -> tuple[Segment, ...]:
        """The prompt up to where the answer begins."""


def to_question(template: PromptTemplate, prompt: Prompt, ask: Ask) -> Question:
    """The engine's question for a prompt and the way its answer is wanted."""
    segments = template.render(prompt)
    if isinstance(ask, YesNo):
        return Question(segments, Labels((template.yes, template.no), end=template.end))
    if isinstance(ask, Choice):
        return Question(segments, Labels(ask.options, end=template.end))
    none = (template.none,) if ask.may_be_none else ()
    allowed = None if ask.allowed is None else tuple(dict.fromkeys((*ask.allowed, *none)))
    return Question(
        segments,
        Value(
            end=template.end,
            allowed=allowed,
            copy_from=ask.copy_from,
            or_else=none,
            alternatives=ask.alternatives,
            max_tokens=ask.max_tokens,
        ),
    )
