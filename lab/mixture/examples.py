"""Making training examples: of a case, and the random choices that many kinds share."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from random import Random

from dp_tools.adapters.training_example import TrainingExample
from dp_tools.tasks.task import Case

TRIES = 40
"""Draws to a wanted example after which a folder is taken to have no more."""


def training_example(
    case: Case,
    answer: str,
    source: str,
    *,
    rules: Sequence[str] = (),
    near_rules: Sequence[str] = (),
    evidence: bool = True,
) -> TrainingExample:
    """The example of a case, with the statements that the injector would add."""
    prompt = replace(case.prompt, rules=tuple(rules), near_rules=tuple(near_rules))
    if not evidence:
        prompt = replace(prompt, evidence=())
    return TrainingExample(prompt, answer, source)


def yes_no(label: bool) -> str:
    """The label as the model writes it."""
    return "Yes" if label else "No"


class Alike:
    """Choices made once for all examples of a kind, so that those examples begin alike and share their tokens."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._seeds: dict[Hashable, int] = {}

    def of(self, kind: Hashable) -> Random:
        """Afresh at the beginning of the same choices, for every example of the kind."""
        return Random(self._seeds.setdefault(kind, self._random.getrandbits(48)))


def often(random: Random, probability: float) -> bool:
    """True with this probability."""
    return random.random() < probability
