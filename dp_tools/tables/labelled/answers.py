"""What people answered about single cells, in reviews and as examples of rules: labels of one cell each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Cell = tuple[int, str]
"""Row, from 0, and attribute."""
FEWEST = 8
"""Answers from which on they teach something of other cells, where no row is labelled."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says of a cell.

    Args:
        wrong: whether it is wrong.
        right: what belongs there, where the person said so.
    """

    wrong: bool
    right: str | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers about the cells of a dataset.

    Args:
        here: by cell of the table, of each question once.
        elsewhere: records that the table does not hold, each with an attribute and the answer about it.
    """

    here: Mapping[Cell, Answer] = field(default_factory=dict)
    elsewhere: tuple[tuple[Mapping[str, str | None], str, Answer], ...] = ()

    def __len__(self) -> int:
        return len(self.here) + len(self.elsewhere)
