"""What the yes answers keep to where not everything is asked; quick to import, for requests hold it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """What the yes answers keep to, held against the answers if everything were asked.

    Args:
        recall: share of all yes answers that are among those given, above 0 to 1.
        precision: share of the yes answers given that asking would give too, above 0 to 1; for 1 each is asked.
        delta: probability that a run misses one of the two, above 0, below 1.
    """

    recall: float = 0.95
    precision: float = 0.95
    delta: float = 0.05

    @property
    def confirms(self) -> bool:
        """Whether every yes answer that is given was asked for."""
        return self.precision >= 1

    def delta_of(self, yes: bool) -> float:
        """The part of delta that the bound on wrong verdicts of one kind may use.

        Missed yes answers get most of it: they hide among many more verdicts, so that their audit costs more draws.

        Args:
            yes: whether the verdicts are the yes answers given, rather than the others.
        """
        if self.confirms:
            return self.delta
        return self.delta * (0.2 if yes else 0.8)

    def missed_allowed(self, confirmed: float) -> float:
        """Yes answers that may be missed where so many given ones are confirmed."""
        return confirmed * (1 - self.recall) / self.recall

    def wrong_allowed(self, given: float) -> float:
        """Yes answers that may be wrong of so many given."""
        return given * (1 - self.precision)
