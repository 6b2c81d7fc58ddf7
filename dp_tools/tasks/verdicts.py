"""Yes/no verdicts in batches, or values that are stated or not: callers can ask for only those that need attention."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from typing_extensions import TypeVar

from dp_tools.tasks.task import Answer, Item, Request

FEW = 50
"""Items up to which a tool shows every verdict unless the caller says otherwise."""
SURE = 0.8
"""A verdict with a lower confidence is unsure, and so is an item without one."""
OnlyMatches = Annotated[
    Literal["matches", "unsure", "all"] | None,
    Field(description="Default: all up to 50, else matches and unsure."),
]

"""Which verdicts on pairs to return."""


class VerdictRequest(Request):
    """A request whose answer is one verdict per item."""

    only: str | None = None
    """Which verdicts to return; each task names its own: what it finds, "unsure" or "all"."""


class Verdict(Item):
    """One verdict."""

    @property
    @abstractmethod
    def verdict(self) -> bool | None:
        """True where the task found what it looks for, False where it did not, None without an answer."""

    @property
    def unsure(self) -> bool:
        """Whether a person or a second look is needed. An answer that is still to come needs none."""
        if self.decided_by == "pending":
            return False
        return self.verdict is None or (self.confidence or 0.0) < SURE


VerdictT = TypeVar("VerdictT", bound=Verdict, default=Any)


class VerdictAnswer(Answer[VerdictT]):
    """One verdict per item, and how many were left out if only some were asked for."""

    found: ClassVar[str]
    """What a positive verdict is called in `only` and in `left_out`."""
    other: ClassVar[str]
    """What a negative verdict is called in `left_out`."""

    left_out: Annotated[dict[str, int], Field(description="Numbers of verdicts that `only` left out, by kind.")] = {}

    def _counts(self) -> list[str]:
        positive = sum(verdict.verdict is True for verdict in self)
        left_out = sum(self.left_out.values())
        return [f"{positive:,} {self.found}", *([f"{left_out:,} left out"] if left_out else [])]


V = TypeVar("V", bound=VerdictAnswer)


def selected(answer: V, only: str | None) -> V:
    """The answer with the verdicts that were asked for, and counts of the others.

    Args:
        answer: every verdict.
        only: what the task finds ("errors", "matches"), "unsure", "all", or None for what is found and what is unsure.
    """
    if only == "all":
        return answer
    verdicts: list[Verdict] = getattr(answer, answer.items)
    kept = [
        verdict
        for verdict in verdicts
        if (verdict.verdict and only in (answer.found, None)) or (verdict.unsure and only in ("unsure", None))
    ]
    shown = {id(verdict) for verdict in kept}
    left_out = Counter(_kind(answer, verdict) for verdict in verdicts if id(verdict) not in shown)
    return answer.model_copy(update={answer.items: kept, "left_out": dict(left_out)})


def _kind(answer: VerdictAnswer, verdict: Verdict) -> str:
    """What a verdict is called in `left_out`."""
    if verdict.decided_by == "pending":
        return "pending"
    return answer.found if verdict.verdict else "unsure" if verdict.unsure else answer.other


def readable(answer: V, only: str | None) -> V:
    """The answer as a tool returns it: a long one without the sure negatives, unless the caller asked for them."""
    few = len(getattr(answer, answer.items)) <= FEW
    return selected(answer, "all" if only is None and few else only)
