"""How many texts hold a token, in tables of a million records with ten million different ones."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

_REMEMBERED = 2**16
Token = str | tuple[str, ...]
"""A word, or a word with what it is a word of."""


def digest(token: Token) -> int:
    """64 bits of a token, which are the same in every process."""
    text = token if isinstance(token, str) else "\x1f".join(token)
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)


hashed = lru_cache(maxsize=_REMEMBERED)(digest)
"""The same, remembered for a while: words stand in many texts."""


def hashes_of(tokens: Iterable[Token]) -> array[int]:
    """The distinct tokens of a text, hashed."""
    return array("q", map(hashed, set(tokens)))


class TokenCounts:
    """Counts tokens over texts. They are kept as hashes, 8 bytes each, and most are of one text alone.

    Args:
        texts: of each text, or of several together, the hashes of its tokens; one that stands in a text several times
            counts once (see `hashes_of`).
    """

    def __init__(self, texts: Iterable[Sequence[int]]) -> None:
        import numpy as np  # heavy: a server is ready before anything is counted

        hashes = array("q")
        for tokens in texts:
            hashes.extend(tokens)
        found, counts = np.unique(np.frombuffer(hashes, np.int64), return_counts=True)
        several = counts > 1
        self._counts: dict[int, int] = dict(zip(found[several].tolist(), counts[several].tolist(), strict=True))

    def __getitem__(self, token: Token) -> int:
        """How many texts hold a token; 1 for one that no text holds, too."""
        return self._counts.get(hashed(token), 1)

    def __getstate__(self) -> Any:
        """As arrays, which take a third of the room of numbers one by one."""
        return array("q", self._counts.keys()), array("q", self._counts.values())

    def __setstate__(self, state: tuple[array[int], array[int]]) -> None:
        self._counts = dict(zip(*state, strict=True))
