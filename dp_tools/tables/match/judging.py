"""Judges candidate pairs: by counted evidence where that decides, otherwise by what answers questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dp_tools.decision import by_counting, is_left_to_counting
from dp_tools.explain.averaging import ORDERS_OF_A_PAIR
from dp_tools.profiling import PairFacts
from dp_tools.progress import Progress
from dp_tools.records import Record
from dp_tools.rules.injection import Injection
from dp_tools.tables.asking import CHUNK, Asked, Work, chunks
from dp_tools.tables.match.blocking import Candidates
from dp_tools.tables.match.identity import Identity
from dp_tools.tables.match.scores import PairScores
from dp_tools.tables.snapshot import Table
from dp_tools.tasks.match_entities import MatchEntitiesAnswer, MatchEntitiesRequest
from dp_tools.tasks.request_errors import make_request
from dp_tools.tasks.task import Answer, Outcome, probability_of_yes

_AT_ONCE = 20_000
"""Pairs whose records are held at once."""
Row = dict[str, str | None]
"""A record as it stands in a table."""


@dataclass(frozen=True)
class Judging:
    """What judges the candidate pairs of two tables, or of one with itself.

    Pairs are named by their positions among the candidates.

    Args:
        work: what asks.
        tables: both, or one twice.
        candidates: the pairs.
        shown: the columns of each table that are compared.
        dataset, rules: which rules apply.
        permutation_averaged: whether each pair is judged in several orders.
        identity: what tells people, companies or addresses apart, where the records are such.
    """

    work: Work
    tables: tuple[Table, Table]
    candidates: Candidates
    shown: Sequence[Sequence[str]]
    dataset: str | None
    rules: Sequence[str]
    permutation_averaged: bool
    identity: Identity | None

    def scores(self) -> PairScores:
        """A score for each candidate: by counting where that decides, otherwise from what answers questions."""
        scores = PairScores.unknown(len(self.candidates))
        rest = self._count(scores)
        if len(rest):
            self._score(rest, scores)
        return scores

    def reasons(self, scores: PairScores, places: NDArray[np.int64]) -> list[str | None]:
        """Why some pairs have their scores; what counting says is put in words only here."""
        found = scores.reasons(places)
        missing = [number for number in np.flatnonzero(scores.decided_by("table")[places]) if found[number] is None]
        for number, outcome in zip(missing, self._outcomes(places[missing]), strict=True):
            found[number] = None if outcome is None else outcome.reason
        return found

    def _count(self, scores: PairScores) -> NDArray[np.int64]:
        """Note the pairs that counted evidence decides (see `dp_tools.decision.by_counting`), and return the others."""
        every = np.arange(len(self.candidates))
        if self.identity is None or not is_left_to_counting(self._injection):
            return every
        look = self.work.stage("comparing by kind")
        left = np.zeros(len(every), bool)
        for place, outcome in enumerate(self._outcomes(every)):
            if not place % CHUNK:
                look(place, len(every))
            if outcome is None:
                left[place] = True
            else:
                scores.note(place, outcome.decided_by, outcome.probability_of_yes, bool(outcome.verdict), None)
        return every[left]

    def _outcomes(self, places: NDArray[np.int64]) -> Iterator[Outcome | None]:
        """What counted evidence decides of each of these pairs."""
        for batch in _batches(places):
            assert self.identity is not None
            for left, right in self._records(batch):
                yield by_counting(self.identity.judge.judge(left, right), self._injection)

    def _score(self, rest: NDArray[np.int64], scores: PairScores) -> None:
        """Score the pairs that counting does not decide: each of them is asked about."""
        self._ask(rest, scores)

    def _ask(self, places: NDArray[np.int64], scores: PairScores) -> None:
        """Score these pairs by an example, a check or the model."""
        orders = ORDERS_OF_A_PAIR if self.permutation_averaged else 1
        facts = self._facts
        self.work.expect(orders * len(places))
        for batch in _batches(places):
            pairs = list(self._records(batch))
            parts = list(chunks(zip(batch.tolist(), pairs, strict=True)))
            questions = (
                Asked(
                    make_request(
                        MatchEntitiesRequest,
                        pairs=[
                            {
                                "left": {name: left[name] for name in self.shown[0]},
                                "right": {name: right[name] for name in self.shown[1]},
                            }
                            for _, (left, right) in part
                        ],
                        dataset=self.dataset,
                        rules=list(self.rules),
                    ),
                    orders * len(part),
                    facts,
                )
                for part in parts
            )
            answers = _answers(self.work, questions, self.permutation_averaged)
            for part, (answer, sensitive) in zip(parts, answers, strict=True):
                assert isinstance(answer, MatchEntitiesAnswer)
                for (place, _), verdict in zip(part, answer.pairs, strict=True):
                    match = probability_of_yes(verdict.match, verdict.confidence)
                    reason = verdict.reason or verdict.failure
                    scores.note(place, verdict.decided_by, match, bool(verdict.match), reason)
                scores.order_sensitive[[part[number][0] for number in sensitive]] = True

    @cached_property
    def _injection(self) -> Injection:
        """The rules that hold for these pairs."""
        return self.work.decider.knowledge.inject(
            task="match_entities", dataset=self.dataset, attribute=None, extra=list(self.rules)
        )

    @cached_property
    def _facts(self) -> PairFacts:
        """What is known of the words of both tables."""
        look = self.work.stage("weighing words")
        both = zip(self.tables, self.shown, strict=True)
        every = (record for table, names in both for record in _all(table, names, look))
        return PairFacts(every, self.identity.judge if self.identity else None)

    def _records(self, places: NDArray[np.int64]) -> Iterator[tuple[Row, Row]]:
        """Both records of each of these pairs."""
        left, right = self.candidates.left[places].tolist(), self.candidates.right[places].tolist()
        lefts, rights = dict(self.tables[0].records(left)), dict(self.tables[1].records(right))
        return ((lefts[a], rights[b]) for a, b in zip(left, right, strict=True))


def _batches(places: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Parts of which the records can be held at once."""
    return (places[start : start + _AT_ONCE] for start in range(0, len(places), _AT_ONCE))


def _answers(
    work: Work, questions: Iterable[Asked], permutation_averaged: bool
) -> Iterator[tuple[Answer, tuple[int, ...]]]:
    """Each answer with the positions of its order-sensitive pairs."""
    if permutation_averaged:
        yield from ((found.answer, found.order_sensitive) for found in work.permutation_averaged_answers(questions))
    else:
        yield from ((answer, ()) for answer in work.answers(questions))


def _all(table: Table, attributes: Sequence[str], look: Progress) -> Iterator[Record]:
    for number, (_, record) in enumerate(table.records()):
        look(number, table.count)
        yield {name: record[name] for name in attributes}
