"""Asks the model about part of many cells, and leaves the rest to what is certain and to what its answers teach.

Three things need no question: a value that the table backs, whatever the model says of it; a value of a column of which
the model has called too much wrong already; and one that a surrogate, which learns from the answers, holds for right.
Every cell that ends as wrong was asked about, so that no alarm is the surrogate's; how many it may have missed is
bounded by an audit over all columns at once (see `dp_tools.tables.cascade`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dp_tools.decision import as_misunderstood, backed_by_rows, is_misunderstood, is_unsupported
from dp_tools.profiling import Fact, is_contradicted, rendered
from dp_tools.profiling.cell_features import CellFeatures, NotedCell, cell_features
from dp_tools.tables.cascade.cascade import Answers, Audit, Cascaded, Indices, answer
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tasks.task import Outcome

IMPORTANT = 10
"""Cells of one question from which on it is always asked."""
_SHOWN = 3
"""Facts that the reason of a learned verdict names."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question about cells that neither a rule nor the table decides.

    Args:
        attribute, value: of the cells.
        facts: what counting says of them.
        cells: how many they are.
    """

    attribute: str
    value: str | None
    facts: tuple[Fact, ...]
    cells: int


Ask = Callable[[Sequence[int]], list[Outcome]]
"""Asks the model about questions by their positions, and gives the outcomes in that order."""


class _TooManyAlarms(Exception):
    """A column turned out to be misunderstood while others were learned."""


class CellCascade:
    """One run over the open questions of a table.

    Args:
        questions: the questions.
        rows: records of the table.
        ask: asks the model.
        promise: what the verdicts "wrong" keep to; their precision is always 1, as each of them is asked.
        expect: called with how many questions are expected in all, whenever that changes.
        look: called between fits; it may raise to stop.
        seed: for samples and fits.
    """

    def __init__(
        self,
        questions: Sequence[OpenQuestion],
        rows: int,
        ask: Ask,
        promise: Promise,
        *,
        expect: Callable[[int], None] = lambda _questions: None,
        look: Callable[[], None] = lambda: None,
        seed: int = 0,
    ) -> None:
        self._questions, self._rows, self._ask = questions, rows, ask
        self._promise = replace(promise, precision=1.0)
        self._expect, self._look, self._seed = expect, look, seed
        self._outcomes: list[Outcome | None] = [backed_by_rows(one.value, one.facts) for one in questions]
        self._certain = np.array([outcome is not None for outcome in self._outcomes], bool)
        self._contradicted = np.array([is_contradicted(one.facts) for one in questions], bool)
        self._count = 0
        self._alarms = Counter[str]()
        self._misunderstood: set[str] = set()

    def outcomes(self) -> tuple[list[Outcome], Audit]:
        """The outcome of each question, and what was promised and found.

        Raises:
            Cancelled, ModelUnavailable: see `Work.answers`.
        """
        features = cell_features([NotedCell(one.attribute, one.value, one.facts) for one in self._questions])
        while True:
            open_ = np.flatnonzero(~self._certain)
            try:
                found = self._answered(features, open_)
            except _TooManyAlarms:
                continue
            break
        items = {place: item for item, place in enumerate(open_.tolist())}
        outcomes = [
            _learned(found, items[place], question.facts) if outcome is None else outcome
            for place, (question, outcome) in enumerate(zip(self._questions, self._outcomes, strict=True))
        ]
        return outcomes, replace(found.audit, size=len(outcomes), asked=self._count)

    def _answered(self, features: CellFeatures, open_: Indices) -> Cascaded:
        """The answers to some questions: the model's, and those of what learns from them."""

        def ask(items: Indices) -> Answers:
            outcomes = self._asked(open_[items].tolist())
            probability = [np.nan if one.probability_of_yes is None else one.probability_of_yes for one in outcomes]
            return Answers(np.array(probability), np.array([one.verdict is True for one in outcomes]))

        return answer(
            features.values[open_],
            _suspicion(features)[open_],
            ask,
            self._promise,
            first=np.flatnonzero([self._questions[place].cells >= IMPORTANT for place in open_.tolist()]),
            seed=self._seed + len(self._misunderstood),
            expect=self._expect,
            look=self._leave_what_is_misunderstood,
        )

    def _asked(self, places: list[int]) -> list[Outcome]:
        """The model's outcomes of some questions; none is asked twice."""
        new = [place for place in places if self._outcomes[place] is None]
        self._count += len(new)
        for place, outcome in zip(new, self._ask(new) if new else (), strict=True):
            self._outcomes[place] = outcome
            if is_unsupported(outcome, self._questions[place].facts, self._rows):
                self._alarms[self._questions[place].attribute] += self._questions[place].cells
        known = (self._outcomes[place] for place in places)
        return [outcome for outcome in known if outcome is not None]

    def _leave_what_is_misunderstood(self) -> None:
        """Begin again without the questions about a column of which the model has called too much wrong, and against
        which nothing speaks: whatever it says of them does not count.

        Raises:
            _TooManyAlarms: such a column was found.
        """
        self._look()
        found = {name for name, cells in self._alarms.items() if is_misunderstood(cells, self._rows)}
        new = found - self._misunderstood
        if not new:
            return
        for place, question in enumerate(self._questions):
            if question.attribute in new and not self._contradicted[place] and not self._certain[place]:
                self._certain[place] = True
                if self._outcomes[place] is None:
                    name = question.attribute
                    self._outcomes[place] = as_misunderstood(Outcome("table"), name, self._alarms[name], self._rows)
        self._misunderstood = found
        raise _TooManyAlarms


def _suspicion(features: CellFeatures) -> NDArray[np.float32]:
    """How strongly counting speaks against cells; only the order counts."""
    shape = np.nan_to_num(features.column("shape"), nan=1.0)
    signs = sum(features.column(name) > 0 for name in ("beyond", "odd", "usual elsewhere", "rare with"))
    against: NDArray[np.float32] = features.column("contradiction") + features.column("near") + signs + 1 - shape
    return against


def _learned(found: Cascaded, item: int, facts: Sequence[Fact]) -> Outcome:
    """The outcome of a question that was not asked."""
    wrong = float(found.probability[item])
    yes = bool(found.yes[item])
    named = ", ".join(rendered(facts)[:_SHOWN])
    reason = f"Like {found.alike[item]:,} answers of the model on this table" + (f": {named}." if named else ".")
    return Outcome("learned", "yes" if yes else "no", wrong if yes else 1 - wrong, reason=reason)
