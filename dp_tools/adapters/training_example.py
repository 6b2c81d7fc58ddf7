"""A training example: one prompt exactly as the product would ask it, and the answer that is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dp_tools.adapters.rows import Encoded
from dp_tools.adapters.tokens import Tokens
from dp_tools.engine.questions import Segment
from dp_tools.prompts.prompt import Prompt
from dp_tools.prompts.templates.template import PromptTemplate


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """One prompt and its answer.

    Args:
        prompt: what the model reads, rules included.
        answer: what it should write: "Yes", "No", a choice, a value, or the prompt template's word for none.
        source: task/dataset it came from, or "generated/…".
    """

    prompt: Prompt
    answer: str
    source: str


def encode(examples: Sequence[TrainingExample], tokens: Tokens, template: PromptTemplate) -> list[Encoded]:
    """Training examples as token ids, in a model's prompt template."""
    prompts = tokens.encode_all([template.render(example.prompt) for example in examples])
    end = Segment(template.end, control=True)
    answers = tokens.encode_all([(Segment(example.answer), end) for example in examples])
    return [Encoded(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
