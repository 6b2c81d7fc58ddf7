"""Matching whole tables and finding duplicates: blocking, the model on the candidate pairs, then pairs or groups."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dp_tools.decision import EVEN, by_counting, is_left_to_counting
from dp_tools.errors import InvalidRequest
from dp_tools.explain.averaging import ORDERS_OF_A_PAIR
from dp_tools.profiling import PairFacts
from dp_tools.profiling.kind import Kind
from dp_tools.progress import Progress
from dp_tools.records import Record
from dp_tools.tables.asking import CHUNK, Asked, Work, chunks
from dp_tools.tables.confidence_bands import ACCEPT
from dp_tools.tables.identity_columns import Content, contents
from dp_tools.tables.io.paths import new_file
from dp_tools.tables.match.blocking import TOP, Candidates, candidate_pairs
from dp_tools.tables.match.identity import Identity, identity_of
from dp_tools.tables.match.pairing import ScoredPair, clusters, one_to_one
from dp_tools.tables.snapshot import Table
from dp_tools.tasks.match_entities import MatchEntitiesAnswer, MatchEntitiesRequest
from dp_tools.tasks.request_errors import make_request
from dp_tools.tasks.task import Answer, probability_of_yes

_AT_ONCE = 20_000
"""Pairs whose records are held at once."""
DOUBT = 0.2
"""Probability of a match from which on a pair that is not accepted is worth a person's look."""


@dataclass(frozen=True, slots=True)
class PairScore:
    """A candidate pair as the model sees it.

    Args:
        left, right: record numbers.
        match: the probability that both are the same, 0 to 1; None without an answer.
        same: the verdict. The model's may be yes below one half, where that finds the rare ones best.
        decided_by: table (counted evidence), model, check, example or unanswered.
        reason: why, or why not answered.
        order_sensitive: whether the verdict depends on the order of sides or attributes; known only where
            orders are averaged.
    """

    left: int
    right: int
    match: float | None
    same: bool
    decided_by: str
    reason: str | None
    order_sensitive: bool = False


@dataclass
class Matching:
    """The result of matching two tables, or one with itself.

    Args:
        candidates: the pairs that blocking proposed.
        scores: what the model says of each.
        pairs: the accepted pairs (one-to-one, or all inside a group).
        groups: records that are the same, where groups were asked for: members and mean score.
        doubtful: pairs for a person to decide, order-sensitive ones first, then the most uncertain.
        unanswered: pairs without a verdict, by reason.
        compared: the columns of either table that were compared, and those that were left out.
    """

    candidates: Candidates
    scores: list[PairScore]
    compared: list[Content]
    pairs: list[ScoredPair] = field(default_factory=list)
    groups: list[tuple[list[int], float]] = field(default_factory=list)
    doubtful: list[PairScore] = field(default_factory=list)
    unanswered: Counter[str] = field(default_factory=Counter)


def match_tables(
    work: Work,
    left: Table,
    right: Table,
    *,
    dataset: str | None = None,
    rules: Sequence[str] = (),
    attributes: Sequence[str] | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    top: int = TOP,
    one_to_one_only: bool = True,
    permutation_averaged: bool = False,
    kinds: Mapping[str, Kind] | None = None,
) -> Matching:
    """Find the records of two tables that are the same.

    Args:
        work: what asks.
        left, right: the tables; their attributes may differ.
        dataset, rules: which rules apply.
        attributes: the attributes to block on and to show (default: those that describe a record, see `contents`).
        include, exclude: attributes that are compared although they would be left out, and the other way round.
        top: how many most similar records of the other table each record keeps as candidates.
        one_to_one_only: whether each record has one counterpart at most; otherwise every pair that is judged the
            same counts, as when a table has the same thing several times.
        kinds: what columns hold, by name, where that is not to be found out from their names and values.
        permutation_averaged: whether a pair is judged by the mean over four orders, at four times the cost (see
            `dp_tools.explain.averaging`); pairs whose orders disagree are doubtful.

    Raises:
        InvalidRequest: an attribute is unknown, or a table is empty.
        Cancelled, ModelUnavailable: see `Work.answers`.
    """
    for table in (left, right):
        if not table.count:
            raise InvalidRequest(f"{table.name} has no records: there is nothing to match.")
    compared = contents(
        (left, right), only=attributes, include=include, exclude=exclude, comparing=True, stage=work.stage
    )
    shown = [content.columns for content in compared]
    identity = identity_of((left, right), shown, kinds or {}, work.stage)
    found = candidate_pairs(
        left,
        right,
        compared=shown,
        top=top,
        keys=identity.keys if identity else (),
        progress=work.stage("finding candidates"),
        cancel=work.cancel,
    )
    judging = _Judging(work, (left, right), shown, dataset, rules, permutation_averaged, identity)
    matching = Matching(found, judging.scores(found), compared)
    work.stage("pairing records")
    if one_to_one_only:
        matching.pairs = one_to_one(_scored(matching.scores))
    else:
        matching.pairs = _scored(score for score in matching.scores if score.same)
    _split(matching)
    return matching


def dedupe_table(
    work: Work,
    table: Table,
    *,
    dataset: str | None = None,
    rules: Sequence[str] = (),
    attributes: Sequence[str] | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    top: int = TOP,
    permutation_averaged: bool = False,
    kinds: Mapping[str, Kind] | None = None,
) -> Matching:
    """Find the groups of records of one table that are the same.

    Args and errors: see `match_tables`.
    """
    if not table.count:
        raise InvalidRequest(f"{table.name} has no records: there is nothing to compare.")
    compared = contents((table,), only=attributes, include=include, exclude=exclude, comparing=True, stage=work.stage)
    shown = [content.columns for content in compared]
    identity = identity_of((table,), shown, kinds or {}, work.stage)
    found = candidate_pairs(
        table,
        compared=shown,
        top=top,
        keys=identity.keys if identity else (),
        progress=work.stage("finding candidates"),
        cancel=work.cancel,
    )
    judging = _Judging(work, (table, table), shown * 2, dataset, rules, permutation_averaged, identity)
    matching = Matching(found, judging.scores(found), compared)
    work.stage("grouping records")
    scored = _scored(matching.scores)
    threshold = work.decider.calibration_of("match_entities", dataset).threshold if identity is None else EVEN
    matching.groups = clusters(scored, threshold)
    group_of = {row: number for number, (rows, _) in enumerate(matching.groups) for row in rows}
    matching.pairs = [pair for pair in scored if pair[0] in group_of and group_of[pair[0]] == group_of.get(pair[1])]
    _split(matching)
    return matching


@dataclass(frozen=True)
class _Judging:
    """What judges the candidate pairs of two tables, or of one with itself.

    Args:
        work: what asks.
        tables: both, or one twice.
        shown: the columns of each that are compared.
        dataset, rules: which rules apply.
        permutation_averaged: whether each pair is judged in several orders.
        identity: what tells people, companies or addresses apart, where the records are such.
    """

    work: Work
    tables: tuple[Table, Table]
    shown: Sequence[Sequence[str]]
    dataset: str | None
    rules: Sequence[str]
    permutation_averaged: bool
    identity: Identity | None

    def scores(self, found: Candidates) -> list[PairScore]:
        """A score for each candidate pair: by counting where that decides, otherwise from what answers questions."""
        pairs = list(zip(found.left.tolist(), found.right.tolist(), strict=True))
        scores = self._counted(pairs)
        rest = [pair for pair in pairs if pair not in scores]
        if rest:
            scores |= {(score.left, score.right): score for score in self._asked(rest)}
        return [scores[pair] for pair in pairs]

    def _counted(self, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], PairScore]:
        """The pairs that counted evidence decides (see `dp_tools.decision.by_counting`)."""
        if self.identity is None:
            return {}
        injection = self.work.decider.knowledge.inject(
            task="match_entities", dataset=self.dataset, attribute=None, extra=list(self.rules)
        )
        if not is_left_to_counting(injection):
            return {}
        look = self.work.stage("comparing by kind")
        decided = {}
        for start in range(0, len(pairs), _AT_ONCE):
            batch = pairs[start : start + _AT_ONCE]
            lefts, rights = self._records(batch)
            for done, (a, b) in enumerate(batch, start=start):
                if not done % CHUNK:
                    look(done, len(pairs))
                outcome = by_counting(self.identity.judge.judge(lefts[a], rights[b]), injection)
                if outcome is not None:
                    match, same = outcome.probability_of_yes, bool(outcome.verdict)
                    decided[a, b] = PairScore(a, b, match, same, outcome.decided_by, outcome.reason)
        return decided

    def _records(
        self, pairs: Sequence[tuple[int, int]]
    ) -> tuple[dict[int, dict[str, str | None]], dict[int, dict[str, str | None]]]:
        left, right = self.tables
        return dict(left.records({a for a, _ in pairs})), dict(right.records({b for _, b in pairs}))

    def _asked(self, pairs: Sequence[tuple[int, int]]) -> Iterator[PairScore]:
        """The pairs judged by an example, a check or the model."""
        look = self.work.stage("weighing words")
        both = zip(self.tables, self.shown, strict=True)
        every = (record for table, names in both for record in _all(table, names, look))
        facts = PairFacts(every, self.identity.judge if self.identity else None)
        orders = ORDERS_OF_A_PAIR if self.permutation_averaged else 1
        self.work.expect(orders * len(pairs))
        for batch in chunks(pairs, _AT_ONCE):
            lefts, rights = self._records(batch)
            parts = list(chunks(batch))
            questions = (
                Asked(
                    make_request(
                        MatchEntitiesRequest,
                        pairs=[
                            {
                                "left": {name: lefts[a][name] for name in self.shown[0]},
                                "right": {name: rights[b][name] for name in self.shown[1]},
                            }
                            for a, b in part
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
                for number, ((a, b), verdict) in enumerate(zip(part, answer.pairs, strict=True)):
                    match = probability_of_yes(verdict.match, verdict.confidence)
                    reason = verdict.reason or verdict.failure
                    yield PairScore(a, b, match, bool(verdict.match), verdict.decided_by, reason, number in sensitive)


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


def _scored(scores: Iterable[PairScore]) -> list[ScoredPair]:
    return [(score.left, score.right, score.match) for score in scores if score.match is not None]


def _split(matching: Matching) -> None:
    """What a person should look at: order-sensitive pairs, accepted ones below `ACCEPT`, nearly accepted ones."""
    accepted = {pair[:2] for pair in matching.pairs}
    for score in matching.scores:
        if score.match is None:
            matching.unanswered[score.reason or "no answer"] += 1
        elif score.order_sensitive or (
            score.match < ACCEPT if (score.left, score.right) in accepted else score.match >= DOUBT
        ):
            matching.doubtful.append(score)
    matching.doubtful.sort(
        key=lambda score: (not score.order_sensitive, abs((score.match or 0.0) - 0.5), score.left, score.right)
    )


def write_pairs(
    target: Path, left: Table, right: Table, pairs: Sequence[ScoredPair], *, overwrite: bool = False
) -> None:
    """Write pairs as a CSV file: rows (from 1), score, then both records, attributes named left_… and right_….

    Raises:
        TableUnavailable: something stands there, or the disk refuses.
    """

    def lines() -> Iterator[list[object]]:
        names = [*(f"left_{name}" for name in left.columns), *(f"right_{name}" for name in right.columns)]
        yield ["left_row", "right_row", "score", *names]
        for batch in chunks(pairs, 20_000):
            lefts = dict(left.records({pair[0] for pair in batch}))
            rights = dict(right.records({pair[1] for pair in batch}))
            for a, b, score in batch:
                yield [a + 1, b + 1, f"{score:.4f}", *lefts[a].values(), *rights[b].values()]

    _write(target, lines(), overwrite)


def write_groups(
    target: Path, table: Table, groups: Sequence[tuple[list[int], float]], *, overwrite: bool = False
) -> None:
    """Write groups as a CSV file, a line a member: group, row (from 1), mean score of the group, the record.

    Raises:
        TableUnavailable: something stands there, or the disk refuses.
    """

    def lines() -> Iterator[list[object]]:
        yield ["group", "row", "score", *table.columns]
        number = 0
        for batch in chunks(groups, 5_000):
            records = dict(table.records({row for rows, _ in batch for row in rows}))
            for rows, score in batch:
                number += 1
                for row in rows:
                    yield [number, row + 1, f"{score:.4f}", *records[row].values()]

    _write(target, lines(), overwrite)


def _write(target: Path, lines: Iterator[list[object]], overwrite: bool) -> None:
    with new_file(target, overwrite=overwrite) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
