"""Prompts: the serializer, the slots, and the prompt templates that models were trained on."""

from __future__ import annotations

from dp_tools.models.catalogue import ModelSpec
from dp_tools.prompts.templates.jellyfish import CHATML, JELLYFISH_7B, JELLYFISH_8B, JELLYFISH_13B, REMOTE
from dp_tools.prompts.templates.nano import NanoFormat
from dp_tools.prompts.templates.template import PromptTemplate

PROMPT_TEMPLATES: dict[str, PromptTemplate] = {
    template.name: template for template in (NanoFormat(), JELLYFISH_7B, JELLYFISH_8B, JELLYFISH_13B, CHATML, REMOTE)
}
"""Every prompt template by the name that the model catalogue uses."""


def prompt_template_of(model: ModelSpec) -> PromptTemplate:
    """The prompt template of a model; for one that the catalogue does not know, its own chat template's.

    Raises:
        ModelUnavailable: the chat template has to be read from the model's file, which is missing or not readable.
    """
    if model.prompt_template in PROMPT_TEMPLATES:
        return PROMPT_TEMPLATES[model.prompt_template]
    from dp_tools.prompts.templates.chat import from_chat_template  # only this needs llama.cpp

    return from_chat_template(model)


__all__ = ["PROMPT_TEMPLATES", "prompt_template_of"]
