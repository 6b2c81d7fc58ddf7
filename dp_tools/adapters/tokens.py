"""Tokens for training: the same ids that the engine makes at run time, from the same GGUF.

The engine tokenises each segment by itself, plain text never as control tokens; so does this.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dp_tools.engine.questions import Segment


class Tokens:
    """The tokenizer of a GGUF, through transformers.

    Args:
        weights: the GGUF file.
    """

    def __init__(self, weights: Path) -> None:
        from transformers import AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(weights.parent), gguf_file=weights.name)._tokenizer
        self._known: dict[Segment, list[int]] = {}

    def encode_all(self, prompts: Sequence[Sequence[Segment]]) -> list[list[int]]:
        """The ids of each prompt, segment by segment; equal segments are encoded once."""
        new = list(dict.fromkeys(s for prompt in prompts for s in prompt if s not in self._known))
        for control in (False, True):
            wanted = [segment for segment in new if segment.control is control]
            # The library's flag means "encode special tokens as ordinary text".
            self._tokenizer.encode_special_tokens = not control
            texts = [segment.text for segment in wanted]
            encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
            self._known.update({s: e.ids for s, e in zip(wanted, encodings, strict=True)})
        return [[token for segment in prompt for token in self._known[segment]] for prompt in prompts]
