"""Questions and results: the types that every engine (local, remote, cached) shares.

An engine knows nothing of tasks, records or rules: it gets prompts as segments and answers each in one of two ways,
a probability per label, or a value generated under a constraint.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dp_tools.progress import Progress


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a prompt.

    Args:
        text: the characters of the stretch.
        control: True when the prompt template wrote it, so that the model's control tokens in it are meant; text that
            came from people, records or rules has False and is tokenised as plain text whatever it contains. Every
            segment is tokenised by itself, so that a stretch which two prompts share is the same tokens in both.
    """

    text: str
    control: bool = False


@dataclass(frozen=True, slots=True)
class Labels:
    """Answer by probability over fixed answer texts (yes/no, choices). Whole labels are scored, end included.

    Args:
        texts: the labels, distinct, two or more, as the model would write them.
        end: control text that follows a finished answer; it is part of what is scored where one label is a prefix of
            another.
    """

    texts: tuple[str, ...]
    end: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """Answer by a short text, generated greedily under a constraint.

    Args:
        end: control text after which the value has ended; generation stops there and leaves it out. A line break ends
            a value too.
        allowed: when given, the value is one of these texts and nothing else.
        copy_from: when given, the value is a contiguous stretch of this text, or one of `or_else`.
        or_else: texts that are always permitted besides (the wording of "not stated", for one).
        max_tokens: where generation stops at the latest.
        alternatives: how many further values to return, most probable first (0 to 3).
    """

    end: str
    allowed: tuple[str, ...] | None = None
    copy_from: str | None = None
    or_else: tuple[str, ...] = ()
    max_tokens: int = 48
    alternatives: int = 0


def name_with(model: str, adapter: Path | None) -> str:
    """What a model with an adapter on top is called."""
    return f"{model}+{adapter.stem}" if adapter else model


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt and the way its answer is read.

    Args:
        segments: the prompt.
        answer: the way.
        adapter: a LoRA file to answer with, on top of the model's own weights; only a model on this machine can.
    """

    segments: tuple[Segment, ...]
    answer: Labels | Value
    adapter: Path | None = None

    def answered_by(self, model: str) -> str:
        """What a model is called in the answer to this question."""
        return name_with(model, self.adapter)


@dataclass(frozen=True, slots=True)
class LabelScores:
    """Probability of each label of the question, in its order; they sum to 1."""

    probabilities: tuple[float, ...]
    model: str


@dataclass(frozen=True, slots=True)
class GeneratedValue:
    """A value with its probability (of the whole text, end included) and the runners-up, most probable first."""

    text: str
    probability: float
    alternatives: tuple[tuple[str, float], ...]
    model: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """This question got no answer; `reason` is one sentence a user can act on. Others in the batch are not touched."""

    reason: str


Result = LabelScores | GeneratedValue | Unanswered


class Engine(Protocol):
    """Answers batches of questions. Safe to call from several threads: an engine queues what it cannot overlap."""

    @property
    def name(self) -> str:
        """The model that answers, as it stands in answers: "nano", "Jellyfish-7B.Q4_K_M", "remote:qwen3"."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same question could get another answer (weights, adapter, format)."""

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        """One result per question, in order.

        Args:
            questions: what is asked.
            progress: called with (questions answered, questions in all), never backwards, at least every two seconds
                while working.
            cancel: set it to stop.

        Raises:
            ModelUnavailable: nothing can be answered at all.
            Cancelled: `cancel` was set; honoured within half a second, inside a running decode too.
        """

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        """Tokens these segments take in this model."""

    def close(self) -> None:
        """Free the model. Closing twice is harmless."""
