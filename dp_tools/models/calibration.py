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

_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class PlattCalibration:
    """One task's calibration on the logit scale; the default changes nothing.

    Args:
        scale, shift: applied to the model's logit.
        evidence: weight of the evidence score: the contradiction score of a cell
            (`dp_tools.profiling.contradiction_score`) or the identifiers of a pair (`PairFacts.codes`).
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


@dataclass(frozen=True, slots=True)
class Calibration:
    """The lines of one model by task; a task without one is left as the model gave it.

    A task may have another line for cases under a rule that is about them: how rare errors are in tables says nothing
    where a rule decides.
    """

    by_task: Mapping[str, PlattCalibration] = field(default_factory=dict)

    def of(self, task: str, *, under_rule: bool = False) -> PlattCalibration:
        """The task's line, or that of its cases under a rule; one that changes nothing where there is none."""
        plain = self.by_task.get(task, PlattCalibration())
        return self.by_task.get(under_rule_key(task), plain) if under_rule else plain

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read `{"task": {"scale": a, "shift": b, "threshold": t, ...}, ...}`; a missing file is no calibration."""
        if not path.exists():
            return cls()
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls({task: PlattCalibration(**calibration) for task, calibration in kept.items()})

    def save(self, path: Path) -> None:
        """Write what `load` reads."""
        by_task = {task: asdict(calibration) for task, calibration in sorted(self.by_task.items())}
        path.write_text(json.dumps(by_task, indent=2) + "\n", encoding="utf-8")
