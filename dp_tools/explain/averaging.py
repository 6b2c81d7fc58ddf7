"""Permutation averaging: the mean answer over several orders of sides and attributes, which no order can change.

Both orders of the sides, and the attributes by name and the other way round, are asked; the set is the same whatever
the order found, so swapping sides or shuffling attributes changes nothing but rounding. Orders that disagree are a
cheap sign of a weak answer: such items are marked.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from dp_tools.decision import Decider, ReadyRequest, without_false_alarms
from dp_tools.engine.ahead import Guess
from dp_tools.explain.item_parts import single
from dp_tools.explain.perturbed_questions import Asker, PerturbedQuestion, mean_outcome, same_label
from dp_tools.profiling import Facts
from dp_tools.progress import Progress
from dp_tools.tasks.task import Answer, Request

ORDERS_OF_A_PAIR = 4
"""Questions that an averaged pair makes: each order of its sides with each of its attributes."""


@dataclass(frozen=True)
class PermutationAveragedAnswer:
    """An answer over several orders.

    Args:
        answer: as `Decider.answer` gives it.
        order_sensitive: positions of the items whose orders disagree; a person should look at these.
    """

    answer: Answer
    order_sensitive: tuple[int, ...]


def answer_permutation_averaged(
    decider: Decider,
    request: Request,
    *,
    facts: Facts | None = None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> PermutationAveragedAnswer:
    """Answer a request by the mean over several orders; pairs are asked four times, records and columns twice.

    Args:
        decider: what answers.
        request: any task's request.
        facts: facts of whole columns, where the caller has the table.
        progress: called with (questions answered, questions in all).
        cancel: set it to stop.

    Raises:
        InvalidRequest, ModelUnavailable, Cancelled: as `Decider.answer`.
    """
    return permutation_averaged(decider, decider.ready(request, facts), progress=progress, cancel=cancel)


def permutation_averaged(
    decider: Decider,
    ready: ReadyRequest,
    *,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> PermutationAveragedAnswer:
    """The same of a request that is ready to be asked."""
    asker = Asker(decider, ready.facts, permutation_averaged=True)
    outcomes_by_order = asker.ask(_each_case(ready), progress=progress, cancel=cancel)
    order_sensitive = tuple(
        number
        for number, group in enumerate(outcomes_by_order)
        if any(not same_label(outcome.label, group[0].label) for outcome in group)
    )
    outcomes = without_false_alarms(ready, [mean_outcome(group) for group in outcomes_by_order])
    return PermutationAveragedAnswer(decider.read(ready, outcomes), order_sensitive)


def permutation_averaged_ahead(decider: Decider, ready: ReadyRequest) -> Guess:
    """Begin with what `permutation_averaged` will ask; see `Decider.ask_ahead`."""
    return Asker(decider, ready.facts, permutation_averaged=True).ask_ahead(ready, _each_case(ready))


def _each_case(ready: ReadyRequest) -> list[PerturbedQuestion]:
    return [
        PerturbedQuestion(single(ready.request, number), ready.injections[case.attribute], judged=case)
        for number, case in enumerate(ready.cases)
    ]
