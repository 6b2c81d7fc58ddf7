"""Matching whole tables and finding duplicates: blocking, the model on the candidate pairs, then pairs or groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dp_tools.decision import EVEN
from dp_tools.errors import InvalidRequest
from dp_tools.profiling.kind import Kind
from dp_tools.tables.asking import Work
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.confidence_bands import ACCEPT
from dp_tools.tables.identity_columns import Content, contents
from dp_tools.tables.match.blocking import TOP, Candidates, candidate_pairs
from dp_tools.tables.match.identity import Identity, identity_of
from dp_tools.tables.match.judging import Judging
from dp_tools.tables.match.labelled_judging import Lessons, Taught, judged_by_labels
from dp_tools.tables.match.labelled_pairs import Pair, PairLabels, entities_of, known_pairs
from dp_tools.tables.match.pairing import Group, ScoredPairs, clusters, one_to_one, split_groups
from dp_tools.tables.match.scores import PairScores
from dp_tools.tables.match.things import things_of
from dp_tools.tables.snapshot import Table

DOUBT = 0.2
"""Probability of a match from which on a pair that is not accepted is worth a person's look."""


@dataclass
class Matching:
    """The result of matching two tables, or one with itself.

    Args:
        judging: what judged the candidates.
        scores: what is known of each.
        compared: the columns of either table that were compared, and those that were left out.
        accepted: which candidates are matches (one-to-one, or all inside a group).
        groups: records that are the same, where groups were asked for.
        taught: what labels taught, where there are labels.
    """

    judging: Judging
    scores: PairScores
    compared: list[Content]
    accepted: NDArray[np.bool_]
    groups: list[Group] = field(default_factory=list)
    taught: Taught | None = None

    @property
    def candidates(self) -> Candidates:
        """The pairs that blocking proposed."""
        return self.judging.candidates

    @cached_property
    def pairs(self) -> ScoredPairs:
        """The accepted pairs, ordered by their left record."""
        return _scored(self.candidates, self.scores, self.accepted)

    @cached_property
    def doubtful(self) -> NDArray[np.int64]:
        """Positions of the candidates for a person to decide: order-sensitive ones, accepted ones below `ACCEPT` and
        nearly accepted ones; the order-sensitive first, then the most uncertain."""
        match, sensitive = self.scores.match, self.scores.order_sensitive
        uncertain = np.where(self.accepted, match < ACCEPT, match >= DOUBT)
        found = np.flatnonzero(~np.isnan(match) & (sensitive | uncertain))
        left, right = self.candidates.left[found], self.candidates.right[found]
        return found[np.lexsort((right, left, np.abs(match[found] - 0.5), ~sensitive[found]))]

    @property
    def expected(self) -> tuple[float, float]:
        """The share of the accepted pairs that are right, and of the matches among the candidates that are accepted, by
        the scores; 1 where there are none."""
        match = np.nan_to_num(self.scores.match)
        right = float(match[self.accepted].sum())
        accepted, every = int(self.accepted.sum()), float(match.sum())
        return (right / accepted if accepted else 1.0), (right / every if every else 1.0)

    def reasons(self, places: NDArray[np.int64]) -> list[str | None]:
        """Why these candidates have their scores; the tables must still be open."""
        return self.judging.reasons(self.scores, places)


@dataclass(frozen=True)
class MatchOptions:
    """How records are compared.

    Args:
        dataset, rules: which rules apply.
        attributes: the attributes to block on and to show (default: those that describe a record, see `contents`).
        include, exclude: attributes that are compared although they would be left out, and the other way round.
        top: how many most similar records each record keeps as candidates.
        permutation_averaged: whether a pair is judged by the mean over four orders, at four times the cost (see
            `dp_tools.explain.averaging`); pairs whose orders disagree are doubtful.
        kinds: what columns hold, by name, where that is not to be found out from their names and values.
        promise: what the matches keep to, held against asking about every candidate, where that would be many
            questions (see `dp_tools.tables.cascade`); None asks about every candidate.
    """

    dataset: str | None = None
    rules: Sequence[str] = ()
    attributes: Sequence[str] | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    top: int = TOP
    permutation_averaged: bool = False
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    promise: Promise | None = None


def match_tables(
    work: Work,
    left: Table,
    right: Table,
    options: MatchOptions = MatchOptions(),
    *,
    one_to_one_only: bool = True,
    labels: PairLabels | None = None,
    earlier: Lessons | None = None,
) -> Matching:
    """Find the records of two tables that are the same.

    Args:
        work: what asks.
        left, right: the tables; their attributes may differ.
        options: how their records are compared.
        one_to_one_only: whether each record has one counterpart at most; otherwise every pair that is judged the
            same counts, as when a table has the same thing several times.
        labels: pairs that people labelled: they come out as labelled, and teach what judges the others (see
            `dp_tools.tables.match.labelled_judging`).
        earlier: what labels of earlier files of the dataset taught.

    Raises:
        InvalidRequest: an attribute is unknown, a table is empty, or labels contradict each other.
        Cancelled, ModelUnavailable: see `Work.answers`.
    """
    for table in (left, right):
        if not table.count:
            raise InvalidRequest(f"{table.name} has no records: there is nothing to match.")
    besides = labels.pairs if labels else ()
    judging, compared = judging_of(work, (left, right), options, one_to_one=one_to_one_only, besides=besides)
    found = judging.candidates
    scores, taught = _judged(judging, labels, earlier)
    work.stage("pairing records")
    accepted = ~np.isnan(scores.match)
    if one_to_one_only:
        places = np.flatnonzero(accepted)
        accepted = np.zeros(len(found), bool)
        accepted[places[one_to_one(_scored(found, scores, places))]] = True
        if taught is not None:  # Labels hold, also where they give a record two counterparts.
            accepted |= scores.decided_by("example") & scores.same
    else:
        accepted &= scores.same
    return Matching(judging, scores, compared, accepted, taught=taught)


def dedupe_table(
    work: Work,
    table: Table,
    options: MatchOptions = MatchOptions(),
    *,
    labels: PairLabels | None = None,
    earlier: Lessons | None = None,
) -> Matching:
    """Find the groups of records of one table that are the same.

    Args and errors: see `match_tables`.
    """
    if not table.count:
        raise InvalidRequest(f"{table.name} has no records: there is nothing to compare.")
    judging, compared = judging_of(work, (table,), options, besides=labels.pairs if labels else ())
    found = judging.candidates
    scores, taught = _judged(judging, labels, earlier)
    work.stage("grouping records")
    answered = ~np.isnan(scores.match)
    # Counted evidence and what was learned from labels are probabilities; the model has a threshold of its own.
    by_model = judging.identity is None and not scores.taught
    threshold = work.decider.calibration_of("match_entities", options.dataset).threshold if by_model else EVEN
    scored = _scored(found, scores, answered)
    groups = clusters(scored, threshold)
    if labels is not None:
        groups = split_groups(groups, scored, entities_of(labels.same), labels.apart)
    group_of = np.full(int(found.right.max(initial=0)) + 1, -1)
    for number, (rows, _) in enumerate(groups):
        group_of[rows] = number
    of_left, of_right = group_of[found.left], group_of[found.right]
    return Matching(judging, scores, compared, answered & (of_left >= 0) & (of_left == of_right), groups, taught)


def judging_of(
    work: Work,
    tables: Sequence[Table],
    options: MatchOptions = MatchOptions(),
    *,
    one_to_one: bool = False,
    besides: Sequence[Pair] = (),
) -> tuple[Judging, list[Content]]:
    """What judges the candidate pairs of two tables, or of one with itself, and the columns that it compares.

    Args:
        work: what asks.
        tables: two, or one; none is empty.
        options: how their records are compared.
        one_to_one: whether a record has one counterpart at most.
        besides: pairs that are candidates in any case.
    """
    compared = contents(
        tables,
        only=options.attributes,
        include=options.include,
        exclude=options.exclude,
        comparing=True,
        stage=work.stage,
    )
    shown = [content.columns for content in compared]
    known = identity_of(tables, shown, options.kinds, work.stage, work.in_parts) or things_of(
        tables, shown, work.stage, work.in_parts, marked=one_to_one
    )
    identity, things = (known, None) if isinstance(known, Identity) else (None, known)
    found = candidate_pairs(
        tables[0],
        *tables[1:],
        compared=shown,
        top=options.top,
        keys=known.keys,
        besides=besides,
        progress=work.stage("finding candidates"),
        cancel=work.cancel,
        in_parts=work.in_parts,
    )
    judging = Judging(
        work,
        (tables[0], tables[-1]),
        found,
        (shown[0], shown[-1]),
        options.dataset,
        options.rules,
        options.permutation_averaged,
        identity,
        options.promise,
        one_to_one,
        things=things,
    )
    return judging, compared


def _judged(judging: Judging, labels: PairLabels | None, earlier: Lessons | None) -> tuple[PairScores, Taught | None]:
    """The scores, and what labels taught where there are any; answers to reviews are examples, and so labels."""
    known = known_pairs(judging.examples, *judging.tables)
    if labels is None and earlier is None and not known:
        return judging.scores(), None
    return judged_by_labels(judging, (labels or PairLabels()).over(known), earlier)


def _scored(found: Candidates, scores: PairScores, which: NDArray[np.integer | np.bool_]) -> ScoredPairs:
    return ScoredPairs(found.left[which], found.right[which], scores.match[which])
