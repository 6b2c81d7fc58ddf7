"""How fast a model answers on this machine: measured as it runs and kept, so that a call knows how long it will take.

A question is measured by the characters that the model has to read and write for it: a pair of records costs more than
a cell, and what a prompt shares with the one before it is read once.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import threading
import time
from collections.abc import Sequence, Set
from itertools import takewhile
from pathlib import Path

from dp_tools.engine.questions import Question, Segment, Value
from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.optimized import note_of, optimized_folder, optimized_path, pace_of

_log = logging.getLogger(__name__)

_LETTERS = 4
"""Characters of a token that is written, about."""
_START = 600.0
"""Characters a second where nothing was measured: a slow laptop."""
_PER_TOKEN = 2.4
"""Characters of questions for each token that llama.cpp alone decodes: three make a token, and batches are not full."""
_REMEMBERED_S = 60.0
"""Seconds of answering that the pace is the mean of; what was before them fades."""
_TRUST_S = 10.0
"""Seconds of answering that a pace counts as which was not measured on questions."""
_KEEP_S = 5.0
"""Seconds between two notes of the pace, at the least."""


class Pace:
    """Characters that a model reads and writes in a second, as the mean over its latest answers.

    Safe to use from several threads. Another process that measures the same model may overwrite what is kept.

    Args:
        file: where it is kept; None for nowhere.
        start: characters a second until something was measured.
    """

    def __init__(self, file: Path | None = None, start: float = _START) -> None:
        self._file = file
        self._guard = threading.Lock()
        self._kept_at = -math.inf
        self._characters, self._seconds = _read(file) or (start * _TRUST_S, _TRUST_S)

    @classmethod
    def of(cls, spec: ModelSpec) -> Pace:
        """The pace of a model as it was last measured on this machine.

        Until it has answered, it follows from the time that its weights took when they were optimized.

        Raises:
            ModelUnavailable: the model is not on this machine.
        """
        if not spec.optimizable:
            name = hashlib.sha256(f"{spec.source}\n{spec.adapter or ''}".encode()).hexdigest()[:16]
            return cls(pace_of(optimized_folder() / f"other-{name}.gguf"))
        path = optimized_path(spec)
        try:
            noted = json.loads(note_of(path).read_text(encoding="utf-8"))
            tokens = float(noted["tokens_per_second"][noted["format"]])
        except (OSError, ValueError, KeyError, TypeError):
            return cls(pace_of(path))
        return cls(pace_of(path), tokens * _PER_TOKEN)

    @property
    def characters_per_second(self) -> float:
        """The pace."""
        with self._guard:
            return self._characters / self._seconds

    def learn(self, characters: int, seconds: float) -> None:
        """Take into account how long it took to answer questions of so many characters."""
        if not characters or seconds <= 0:
            return
        with self._guard:
            faded = min(1.0, max(0.0, _REMEMBERED_S - seconds) / self._seconds)
            self._characters = self._characters * faded + characters
            self._seconds = self._seconds * faded + seconds
            if self._file is None or time.monotonic() - self._kept_at < _KEEP_S:
                return
            self._kept_at = time.monotonic()
            measured = {"characters": round(self._characters), "seconds": round(self._seconds, 3)}
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                part = self._file.with_suffix(f".{os.getpid()}")
                part.write_text(json.dumps(measured), encoding="utf-8")
                part.replace(self._file)
            except OSError as error:  # A pace that is not kept is measured again.
                _log.info("The pace of the model is not kept in %s (%s).", self._file, error.strerror)


def _read(file: Path | None) -> tuple[float, float] | None:
    """The characters and the seconds that were kept; None where there are none, or the file is damaged."""
    if file is None:
        return None
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        characters, seconds = float(kept["characters"]), float(kept["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    usable = math.isfinite(characters / seconds) if seconds > 0 and characters > 0 else False
    return (characters, seconds) if usable else None


def sizes(questions: Sequence[Question], kept: Set[int] = frozenset()) -> list[int]:
    """The characters that each question adds to what the one before it begins with, and those of a value to write.

    Args:
        questions: in the order in which they are asked.
        kept: the places of those whose answers are kept; they cost nothing.
    """
    found, before = list[int](), tuple[Segment, ...]()
    for place, question in enumerate(questions):
        if place in kept:
            found.append(0)
            continue
        pairs = zip(question.segments, before, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        before = question.segments
        written = _LETTERS * question.answer.max_tokens if isinstance(question.answer, Value) else 0
        found.append(1 + written + sum(len(segment.text) for segment in before[shared:]))
    return found
