"""A cell of a table with what is thought of it."""

from __future__ import annotations

from dataclasses import dataclass

from dp_tools.tasks.task import Outcome


@dataclass(frozen=True, slots=True)
class JudgedCell:
    """A cell with what is thought of it.

    Args:
        row: the record's number in the file, from 0.
        attribute, value: the cell.
        outcome: "yes" if it is wrong, with how sure that is and who says so.
        question: number of its question; cells that are equal as far as counting goes share one.
    """

    row: int
    attribute: str
    value: str | None
    outcome: Outcome
    question: int

    @property
    def error(self) -> float | None:
        """The probability that it is wrong, 0 to 1; None without an answer."""
        return self.outcome.probability_of_yes

    @property
    def reason(self) -> str | None:
        """Why, where a rule or the table itself decided; what went wrong, if there is no answer."""
        return self.outcome.reason or self.outcome.failure

    @property
    def rule(self) -> str | None:
        """The rule that decided, as id@version; None where a label of the very cell did."""
        by_rule = self.outcome.decided_by in ("check", "example") and self.outcome.rules
        return self.outcome.rules[0] if by_rule else None
