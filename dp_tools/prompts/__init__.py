"""Prompts: the serializer, the slots, and the wire formats that models were trained on."""

from __future__ import annotations

from dp_tools.models.catalogue import ModelSpec
from dp_tools.prompts.templates.jellyfish import CHATML, JELLYFISH_7B, JELLYFISH_8B, JELLYFISH_13B, REMOTE
from dp_tools.prompts.templates.nano import NanoFormat
from dp_tools.prompts.templates.template import WireFormat

WIRE_FORMATS: dict[str, WireFormat] = {
    wire.name: wire for wire in (NanoFormat(), JELLYFISH_7B, JELLYFISH_8B, JELLYFISH_13B, CHATML, REMOTE)
}
"""Every wire format by the name that the model catalogue uses."""


def wire_format_of(model: ModelSpec) -> WireFormat:
    """The wire format of a model; for one that the catalogue does not know, its own chat template's.

    Raises:
        ModelUnavailable: the chat template has to be read from the model's file, which is missing or not readable.
    """
    if model.wire_format in WIRE_FORMATS:
        return WIRE_FORMATS[model.wire_format]
    from dp_tools.prompts.templates.chat import from_chat_template  # only this needs llama.cpp

    return from_chat_template(model)


__all__ = ["WIRE_FORMATS", "wire_format_of"]
