"""Calibration: maps the probability that a model gives to the probability that it is right.

A model tuned on balanced labels says yes too often where yes is rare. Platt scaling (Platt, 1999) corrects this with
two numbers per task, fitted on validation splits and kept beside the weights: `sigmoid(scale * logit(p) + shift)`.
Further weights add counted evidence, which a small model underrates on tables that it never saw.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dp_tools.records import clean_name

_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class PlattCalibration:
    """One task's calibration on the logit scale; the default changes nothing.

    Args:
        scale, shift: applied to the model's logit.
        evidence: weight of the evidence score: the contradiction score of a cell
            (`dp_tools.profiling.contradiction_score`) or the codes and measures of a pair (`PairFacts.evidence`).
        overlap: weight of the overlap score of a pair of records or attributes (`dp_tools.profiling.overlap_score`).
        threshold: calibrated probability from which the verdict is yes; below one half where that finds rare cases
            better (chosen by F1 on validation splits).
    """

    scale: float = 1.0
    shift: float = 0.0
    evidence: float = 0.0
    overlap: float = 0.0
    threshold: float = 0.5

    def __call__(self, probability: float, evidence_score: float = 0.0, overlap: float = 0.0) -> float:
        """The calibrated probability, 0 to 1.

        Args:
            probability: the model's own, 0 to 1.
            evidence_score: how heavily counted evidence speaks for yes.
            overlap: how far the words of a pair do.
        """
        known = self.evidence * evidence_score + self.overlap * overlap
        if (self.scale, self.shift, known) == (1.0, 0.0, 0.0):
            return probability
        clipped = min(max(probability, _EDGE), 1 - _EDGE)
        return 1 / (1 + math.exp(-(self.scale * math.log(clipped / (1 - clipped)) + self.shift + known)))


def under_rule_key(task: str) -> str:
    """What a task's line is called for cases under a rule that is about them."""
    return f"{task} under a rule"


def no_value_key(task: str) -> str:
    """What a task's line is called for answers that there is no value."""
    return f"{task} without a value"


_KNOWN = "known attributes"
"""Where a calibration file keeps the attributes that the model has learned to extract."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The lines of one model by task; a task without one is left as the model gave it.

    A task may have another line for cases under a rule that is about them: how rare errors are in tables says nothing
    where a rule decides. And another one for answers that there is no value, which are wrong for other reasons than a
    value is.

    Args:
        by_task: the lines.
        known_attributes: what the model has learned to extract, in small letters; a line's `evidence` is added for it.
    """

    by_task: Mapping[str, PlattCalibration] = field(default_factory=dict)
    known_attributes: frozenset[str] = frozenset()

    def of(self, task: str, *, under_rule: bool = False, without_value: bool = False) -> PlattCalibration:
        """The task's line, or that of its cases under a rule or of its answers without a value; one that changes
        nothing where there is none."""
        line = self.by_task.get(task, PlattCalibration())
        if without_value:
            line = self.by_task.get(no_value_key(task), line)
        return self.by_task.get(under_rule_key(task), line) if under_rule else line

    def lines_of(self, task: str) -> tuple[PlattCalibration, ...]:
        """All lines of a task."""
        keys = (task, under_rule_key(task), no_value_key(task))
        return tuple(self.by_task[key] for key in keys if key in self.by_task)

    def knows(self, attribute: str) -> bool:
        """Whether the model has learned to extract an attribute of this name."""
        return clean_name(attribute).casefold() in self.known_attributes

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read `{"task": {"scale": a, "shift": b, "threshold": t, ...}, ..., "known attributes": [...]}`; a missing
        file is no calibration."""
        if not path.exists():
            return cls()
        kept = json.loads(path.read_text(encoding="utf-8"))
        known = frozenset(kept.pop(_KNOWN, ()))
        return cls({task: PlattCalibration(**calibration) for task, calibration in kept.items()}, known)

    def save(self, path: Path) -> None:
        """Write what `load` reads."""
        kept: dict[str, object] = {task: asdict(line) for task, line in sorted(self.by_task.items())}
        if self.known_attributes:
            kept[_KNOWN] = sorted(self.known_attributes)
        path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
