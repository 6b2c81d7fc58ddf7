"""How many texts hold a token, in tables of a million records with ten million different ones."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable


class TokenCounts:
    """Counts tokens over texts. They are kept as hashes, 8 bytes each, and most are of one text alone.

    Args:
        texts: of each text its tokens; one that stands in it several times counts once.
    """

    def __init__(self, texts: Iterable[Iterable[Hashable]]) -> None:
        import numpy as np  # heavy: a server is ready before anything is counted

        hashes = array("q")
        for tokens in texts:
            hashes.extend(map(hash, set(tokens)))
        found, counts = np.unique(np.frombuffer(hashes, np.int64), return_counts=True)
        several = counts > 1
        self._counts: dict[int, int] = dict(zip(found[several].tolist(), counts[several].tolist(), strict=True))

    def __getitem__(self, token: Hashable) -> int:
        """How many texts hold a token; 1 for one that no text holds, too."""
        return self._counts.get(hash(token), 1)
