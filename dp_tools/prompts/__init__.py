"""Prompts: the serializer, the slots, and the wire formats that models were trained on."""

from __future__ import annotations

from dp_tools.prompts.nano import NanoFormat
from dp_tools.prompts.published import CHATML, JELLYFISH_7B, JELLYFISH_8B, JELLYFISH_13B
from dp_tools.prompts.wire_format import WireFormat

WIRE_FORMATS: dict[str, WireFormat] = {
    wire.name: wire for wire in (NanoFormat(), JELLYFISH_7B, JELLYFISH_8B, JELLYFISH_13B, CHATML)
}
"""Every wire format by the name that the model catalogue uses."""

__all__ = ["WIRE_FORMATS"]
