"""The prompt template of a model nobody wrote one for: the published wording inside the GGUF's own chat template."""

from __future__ import annotations

from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dp_tools.engine.llama import metadata
from dp_tools.models.catalogue import ModelSpec
from dp_tools.prompts.templates.jellyfish import CHATML, SYSTEM, PublishedFormat

_HERE = "<<the user's message>>"


def from_chat_template(spec: ModelSpec) -> PublishedFormat:
    """The format that a model's own chat template gives; ChatML where it has none or one that cannot be used.

    Raises:
        ModelUnavailable: the model file is missing or cannot be read.
    """
    path = spec.locate()
    template = metadata(path, "tokenizer.chat_template")
    if template is None:
        return CHATML
    rendered = _render(template, [{"role": "system", "content": SYSTEM}, {"role": "user", "content": _HERE}])
    if rendered is None:  # some templates know no system role
        rendered = _render(template, [{"role": "user", "content": f"{SYSTEM}\n\n{_HERE}"}])
    if rendered is None:
        return CHATML
    before, _, after = rendered.partition(_HERE)
    return PublishedFormat("template", before, after, end=_end(template))


def _render(template: str, messages: list[dict[str, str]]) -> str | None:
    """The template's text for these messages, start token left to the tokenizer; None where it does not hold them."""
    try:
        text = (
            ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
            .from_string(template)
            .render(messages=messages, add_generation_prompt=True, bos_token="", eos_token="")
        )
    except (TemplateError, TypeError, ValueError, KeyError):
        return None
    return text if _HERE in text and SYSTEM in text else None


def _end(template: str) -> str:
    """What a template writes behind an answer: behind a marked answer of the assistant, up to the line's end."""
    marked = "<<the answer>>"
    messages = [{"role": "user", "content": f"{SYSTEM} {_HERE}"}, {"role": "assistant", "content": marked}]
    text = _render(template, messages) or ""
    return text.partition(marked)[2].strip().partition("\n")[0]
