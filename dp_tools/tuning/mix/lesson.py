"""A lesson: one prompt exactly as the product would ask it, and the answer that is right."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from random import Random

from dp_tools.prompts.prompt import Prompt
from dp_tools.tasks.task import Case

TRIES = 40
"""Draws to a wanted lesson after which a folder is taken to have no more."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A training example.

    Args:
        prompt: what the model reads, rules included.
        answer: what it should write: "Yes", "No", a choice, a value, or the wire format's word for none.
        source: task/dataset it came from, or "generated/…".
    """

    prompt: Prompt
    answer: str
    source: str


def lesson(
    case: Case,
    answer: str,
    source: str,
    *,
    rules: Sequence[str] = (),
    near_rules: Sequence[str] = (),
    evidence: bool = True,
) -> Lesson:
    """The lesson of a case, with the statements that the injector would add."""
    prompt = replace(case.prompt, rules=tuple(rules), near_rules=tuple(near_rules))
    if not evidence:
        prompt = replace(prompt, evidence=())
    return Lesson(prompt, answer, source)


def yes_no(label: bool) -> str:
    """The label as the model writes it."""
    return "Yes" if label else "No"


class Alike:
    """Choices made once for all lessons of a kind, so that those lessons begin alike and share their tokens."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._seeds: dict[Hashable, int] = {}

    def of(self, kind: Hashable) -> Random:
        """Afresh at the beginning of the same choices, for every lesson of the kind."""
        return Random(self._seeds.setdefault(kind, self._random.getrandbits(48)))


def often(random: Random, probability: float) -> bool:
    """True with this probability."""
    return random.random() < probability
