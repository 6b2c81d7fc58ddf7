"""How a task wants its answer: yes or no, one of several choices, or a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class YesNo:
    """A verdict. The outcome's probability is that of yes."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Exactly one of these texts, two or more, distinct."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FreeValue:
    """A short text, or "no value" where the task allows it.

    Args:
        allowed: the closed set it comes from, if there is one.
        copy_from: the text it must be a stretch of, if it must.
        may_be_none: whether "cannot tell" (imputation) or "not stated" (extraction) is an answer.
        alternatives: how many runners-up to return, 0 to 3.
        max_tokens: the longest value.
    """

    allowed: tuple[str, ...] | None = None
    copy_from: str | None = None
    may_be_none: bool = True
    alternatives: int = 0
    max_tokens: int = 48


Ask = YesNo | Choice | FreeValue
