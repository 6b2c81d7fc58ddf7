"""Packs training examples into rows: shared beginnings are stored once, and each example sees only its own tokens.

The engine answers prompts as a tree of shared beginnings, and training reads them in the same way: a record that is
asked about ten times is computed once on the way there and once on the way back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from dp_tools.engine.prefix_tree import shared_beginning

_ROW = 448
"""Tokens of a row of several examples: attention costs their square."""
_WORTH = 0.25
"""The share of a example that must stand in the row already for it to join."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A example as ids: the prompt, then the answer with its end."""

    prompt: list[int]
    answer: list[int]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


@dataclass(slots=True)
class Row:
    """Examples as one tree of tokens, branch after branch.

    Args:
        tokens: every token once, each behind the one it follows; what a token begins stands behind it without a break.
        parents: the place of the token that each follows; -1 at the beginning.
        targets: what is to be predicted: (place, the token behind it, its weight).
    """

    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    targets: list[tuple[int, int, float]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.tokens)

    def add(self, example: Encoded, path: Sequence[int]) -> list[int]:
        """Add a example; gives the places of all of its tokens.

        Args:
            example: the example.
            path: the places of its first tokens: a beginning of the places of the example added last.
        """
        whole = example.prompt + example.answer
        places = list(path)
        for token in whole[len(path) :]:
            self.parents.append(places[-1] if places else -1)
            places.append(len(self.tokens))
            self.tokens.append(token)
        # A long answer counts somewhat more than a short one, not in proportion to its tokens.
        weight = len(example.answer) ** -0.5
        first = len(example.prompt) - 1
        self.targets += [(places[at], whole[at + 1], weight) for at in range(first, len(whole) - 1)]
        return places

    def positions(self) -> list[int]:
        """How many tokens stand before each in its example."""
        found: list[int] = []
        for parent in self.parents:
            found.append(found[parent] + 1 if parent >= 0 else 0)
        return found

    def ends(self) -> list[int]:
        """The last place that each token begins: it is seen by itself and by the tokens from its place to that one."""
        found = list(range(len(self)))
        for place in range(len(self) - 1, 0, -1):
            parent = self.parents[place]
            if parent >= 0 and found[parent] < found[place]:
                found[parent] = found[place]
        return found


def pack(examples: Iterable[Encoded]) -> list[Row]:
    """The examples in rows, sorted, so that those which begin alike stand together."""
    rows: list[Row] = []
    before: list[int] = []
    places: list[int] = []
    wholes = ((example.prompt + example.answer, example) for example in examples)
    for whole, example in sorted(wholes, key=itemgetter(0)):
        shared = shared_beginning(before, whole)
        if not rows or shared < _WORTH * len(whole) or len(rows[-1]) + len(whole) - shared > _ROW:
            rows.append(Row())
            shared = 0
        places = rows[-1].add(example, places[:shared])
        before = whole
    return rows
