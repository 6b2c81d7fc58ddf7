"""What the other rows with the same key say of a cell: how it is put, and how heavily it speaks against the value."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from dp_tools.prompts.serializer import quote

SHOWN = 40
"""Characters of another value inside a fact."""
_MOST = 6.0
"""Two keys mostly tell the same rows, so what both say is not worth twice as much without end."""
_OTHERWISE = re.compile(r'by .*" (\d+) of (\d+)', re.DOTALL)


def said(of: str, peers: Counter[str], own: str) -> str:
    """The fact `by zip code: agree 20 of 21`, or, where most say otherwise, `by zip code: "boston" 12 of 13`.

    Args:
        of: what the rows share.
        peers: their values, at least one.
        own: the cell's value.
    """
    value, count = peers.most_common(1)[0]
    return f"by {of}: {'agree' if value == own else quote(value, SHOWN)} {count} of {peers.total()}"


def against(facts: Iterable[str]) -> float:
    """How heavily rows alike speak against the value of a cell, 0 to 6: the log odds of their majority, over all keys.

    Of k rows among n that hold another value it is log((k + 1) / (n - k + 1)). A gap has no value to speak against.

    Args:
        facts: about one cell, as `RecordFacts.about` gives them.
    """
    told = list(facts)
    if any(fact.startswith("filled ") for fact in told):
        return 0.0
    otherwise = [(int(found[1]), int(found[2])) for fact in told if (found := _OTHERWISE.fullmatch(fact))]
    return min(sum(max(0.0, math.log((k + 1) / (n - k + 1))) for k, n in otherwise), _MOST)
