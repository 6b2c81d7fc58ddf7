"""What a model's tokens write: needed where an answer's text is constrained."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dp_tools.engine.llama import Llama
from dp_tools.engine.questions import Segment

Ids = NDArray[np.int32]


class Vocabulary:
    """The tokens of one model as bytes."""

    def __init__(self, llama: Llama) -> None:
        self._llama = llama
        self.size = llama.vocabulary_size
        self._ends: dict[str, Ids] = {}

    @cached_property
    def pieces(self) -> list[bytes]:
        """What each token writes; b"" for tokens that are no text."""
        llama = self._llama
        return [llama.piece(token) if llama.is_text(token) else b"" for token in range(self.size)]

    @cached_property
    def not_text(self) -> Ids:
        """Tokens that no value may hold: control tokens, and line breaks, which end a value."""
        return np.array([t for t, piece in enumerate(self.pieces) if not piece or b"\n" in piece], np.int32)

    def ends(self, end: str) -> Ids:
        """Tokens that end a value: the prompt template's end, the model's own, and every line break."""
        if end not in self._ends:
            given = self._llama.tokens_of(Segment(end, control=True))[:1] if end else ()
            own = (t for t in self.not_text.tolist() if self._starts_a_line(t) or self._llama.ends_generation(t))
            self._ends[end] = np.array(sorted({*given, *own}), np.int32)
        return self._ends[end]

    def _starts_a_line(self, token: int) -> bool:
        return self.pieces[token].startswith(b"\n")

    @cached_property
    def _by_piece(self) -> dict[bytes, list[int]]:
        found: dict[bytes, list[int]] = defaultdict(list)
        for token, piece in enumerate(self.pieces):
            if piece and b"\n" not in piece:
                found[piece].append(token)
        return dict(found)

    @cached_property
    def _beginnings(self) -> frozenset[bytes]:
        return frozenset(piece[:end] for piece in self._by_piece for end in range(1, len(piece) + 1))

    def tokens_at(self, data: bytes, start: int) -> list[int]:
        """Every token that writes what stands in `data` from `start` on."""
        tokens: list[int] = []
        for end in range(start + 1, len(data) + 1):
            piece = data[start:end]
            if piece not in self._beginnings:
                break
            tokens += self._by_piece.get(piece, ())
        return tokens
