"""How few questions a match takes, and whether its promise holds: every answer is asked once, then replayed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dp_tools.evaluation.bench_tables import known_matches
from dp_tools.tables.asking import Work
from dp_tools.tables.cascade.cascade import Answers, answer
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.identity_columns import contents
from dp_tools.tables.match.blocking import Candidates, candidate_pairs
from dp_tools.tables.match.identity import identity_of
from dp_tools.tables.match.judging import Judging, near_rivals
from dp_tools.tables.match.pairing import ScoredPairs, one_to_one
from dp_tools.tables.match.scores import PairScores
from dp_tools.tables.snapshot import open_table

Known = set[tuple[int, int]]


class Verdicts(Protocol):
    """Which items were asked, and the verdict of each."""

    @property
    def asked(self) -> NDArray[np.bool_]: ...
    @property
    def yes(self) -> NDArray[np.bool_]: ...


Peer = Callable[[NDArray[np.floating[Any]], NDArray[np.bool_], Promise, int], Verdicts]
"""Answers items, given their log-odds, what the model says of each, the promise and a seed."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run asked and found.

    Args:
        seed: None where everything is asked.
        asked: questions, of `size`.
        size: candidate pairs that counting does not decide.
        f1: of the one-to-one matches against the truth, 0 to 1.
        recall, precision: of the yes answers against asking everything, 0 to 1.
        who: chose what to ask.
    """

    seed: int | None
    asked: int
    size: int
    f1: float | None
    recall: float = 1.0
    precision: float = 1.0
    who: str = "default"


def match_runs(
    work: Work,
    folder: Path,
    promise: Promise,
    seeds: Sequence[int],
    *,
    first: int | None = None,
    truth: bool = False,
    beside: Mapping[str, Peer] = MappingProxyType({}),
) -> Iterator[Run]:
    """A run that asks everything, and for each seed one, and one of each peer, that are answered from it.

    Args:
        work: what asks.
        folder: holds tableA.csv, tableB.csv and matches.csv.
        promise: what the yes answers keep to.
        seeds: of the runs.
        first: only so many candidates, in their order (default: all).
        truth: whether the known matches answer in place of the model, and of counting by kind.
        beside: peers by name, which answer the items with the same promise; of their runs only verdicts count, so they
            have no F1.
    """
    with open_table(folder / "tableA.csv") as left, open_table(folder / "tableB.csv") as right:
        shown = [content.columns for content in contents((left, right), comparing=True, stage=work.stage)]
        identity = identity_of((left, right), shown, {}, work.stage)
        every = candidate_pairs(left, right, compared=shown, keys=identity.keys if identity else ())
        found = replace(every, left=every.left[:first], right=every.right[:first], similarity=every.similarity[:first])
        known = known_matches(folder / "matches.csv", left, right)
        if first is not None:
            known &= set(zip(found.left.tolist(), found.right.tolist(), strict=True))
        judging = Judging(work, (left, right), found, shown, None, (), False, identity)
        scores = _true_scores(found, known) if truth else judging.scores()
        asked = np.flatnonzero(~scores.decided_by("table"))
        yield Run(None, len(asked), len(asked), _f1(found, scores.match, known))
        features, prior = judging.features(asked)

    def replayed(items: NDArray[np.int64]) -> Answers:
        return Answers(scores.match[asked[items]], scores.same[asked[items]])

    wanted = scores.same[asked]
    for seed in seeds:
        got = answer(features.values, prior, replayed, promise, seed=seed)
        learned = copy.deepcopy(scores)
        open_ = asked[~got.asked]
        learned.decide(open_, "learned", got.probability[~got.asked], got.yes[~got.asked])
        near = near_rivals(found, learned)
        learned.decide(near, "model", scores.match[near], scores.same[near])
        yes = learned.same[asked]
        questions, f1 = got.audit.asked + len(near), _f1(found, learned.match, known)
        yield Run(seed, questions, len(asked), f1, *_held_against(wanted, yes))
        for who, peer in beside.items():
            other = peer(prior, wanted, promise, seed)
            shares = _held_against(wanted, other.yes)
            yield Run(seed, int(other.asked.sum()), len(asked), None, *shares, who=who)


def _held_against(wanted: NDArray[np.bool_], yes: NDArray[np.bool_]) -> tuple[float, float]:
    """Recall and precision of yes answers."""
    both = int((yes & wanted).sum())
    return both / max(int(wanted.sum()), 1), both / max(int(yes.sum()), 1)


def _true_scores(found: Candidates, known: Known) -> PairScores:
    """The scores of a model that is always right."""
    scores = PairScores.unknown(len(found))
    same = np.array([pair in known for pair in zip(found.left.tolist(), found.right.tolist(), strict=True)], bool)
    scores.decide(np.arange(len(found)), "model", np.where(same, 0.97, 0.03), same)
    return scores


def _f1(found: Candidates, match: NDArray[np.float64], known: Known) -> float:
    """F1 of the one-to-one matches that these scores make."""
    places = np.flatnonzero(~np.isnan(match))
    taken = places[one_to_one(ScoredPairs(found.left[places], found.right[places], match[places]))]
    pairs = set(zip(found.left[taken].tolist(), found.right[taken].tolist(), strict=True))
    return 2 * len(pairs & known) / max(len(pairs) + len(known), 1)
