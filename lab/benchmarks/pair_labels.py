"""What labelled pairs are worth: matches by counting, by the model and with labels, beside the dedupe library."""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dp_tools.preprocessor import Preprocessor
from dp_tools.profiling.log_odds import log_odds, logistic
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.match.judging import Judging
from dp_tools.tables.match.labelled_judging import (
    COUNTED,
    COUNTED_TAUGHT,
    MODEL,
    MODEL_TAUGHT,
    evidence_of,
    judged_by_labels,
)
from dp_tools.tables.match.labelled_pairs import PairLabels, entities_of
from dp_tools.tables.match.matching import judging_of
from dp_tools.tables.match.pair_learner import Evidence, PairLearner, Scale
from dp_tools.tables.match.pairing import ScoredPairs, clusters, one_to_one, split_groups
from dp_tools.tables.match.scores import PairScores
from dp_tools.tables.match.sitting import Sitting
from dp_tools.tables.snapshot import Table, open_table
from lab.benchmarks.lists import Found, KnownList, Pair
from lab.benchmarks.registers import KnowsNothing


@dataclass(frozen=True)
class Labelling:
    """A list that is being labelled.

    Args:
        known: the list and its truth.
        judging: of its candidates.
        evidence: what counting says of them.
    """

    known: KnownList
    judging: Judging
    evidence: Evidence

    @property
    def pairs(self) -> list[Pair]:
        """The candidates."""
        found = self.judging.candidates
        return list(zip(found.left.tolist(), found.right.tolist(), strict=True))

    def sitting(self, count: int, seed: int) -> dict[int, bool]:
        """So many labels that the truth gives to candidates, by position, as one sitting chooses them."""
        pairs = self.pairs
        sitting = Sitting(self.evidence, seed=seed)
        for _ in range(count):
            place = sitting.next()
            if place is None:
                break
            sitting.answer(place, pairs[place] in self.known.pairs)
        return sitting.labels

    def named(self, labels: Mapping[int, bool]) -> PairLabels:
        """The labels by their records."""
        pairs = self.pairs
        return PairLabels({pairs[place]: same for place, same in labels.items()})

    def found(self, match: NDArray[np.float64], labels: Mapping[int, bool] | None = None) -> frozenset[Pair]:
        """The pairs that these probabilities make, those with a label as they are labelled."""
        candidates, labels = self.judging.candidates, labels or {}
        match = match.copy()
        match[list(labels)] = list(labels.values())
        scored = ScoredPairs(candidates.left, candidates.right, match)
        if self.known.right is not None:
            taken = {(a, b) for a, b, _ in scored.at(one_to_one(scored))}
            return frozenset(taken | {pair for pair, same in self.named(labels).same.items() if same})
        named = self.named(labels)
        groups = split_groups(clusters(scored), scored, entities_of(named.same), named.apart)
        group_of = {row: number for number, (rows, _) in enumerate(groups) for row in rows}
        return frozenset(pair for pair in self.pairs if group_of.get(pair[0], -1) == group_of.get(pair[1], -2))


@contextmanager
def labelling(
    known: KnownList, preprocessor: Preprocessor | None = None, first: int | None = None
) -> Iterator[Labelling]:
    """A list to label.

    Args:
        known: the list.
        preprocessor: what answers; by default a model that knows nothing.
        first: only so many candidates, in their order; pairs that are not among them are no truth then.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if preprocessor is None:
            undecided = Preprocessor(knowledge=":memory:", engine=KnowsNothing(), cache=False, adapters=False)
            preprocessor = stack.enter_context(undecided)
        work = Work(preprocessor.decider, NoJournal())
        sides = [known.left] if known.right is None else [known.left, known.right]
        opened = [stack.enter_context(_table(folder / f"side{number}.csv", side)) for number, side in enumerate(sides)]
        judging, _ = judging_of(work, opened, one_to_one=known.right is not None)
        if first is not None:
            judging = replace(judging, candidates=judging.candidates.at(np.arange(first)))
            left, right = judging.candidates.left.tolist(), judging.candidates.right.tolist()
            known = replace(known, pairs=known.pairs & set(zip(left, right, strict=True)))
        yield Labelling(known, judging, evidence_of(judging))


def by_counting(known: KnownList) -> Found:
    """Counted evidence alone."""
    started = time.perf_counter()
    with labelling(known) as one:
        return Found(one.found(logistic(one.evidence.odds)), time.perf_counter() - started)


def with_labels(known: KnownList, count: int, seed: int) -> Found:
    """What a job finds by counted evidence and so many labels of one sitting, the sitting included."""
    started = time.perf_counter()
    with labelling(known) as one:
        labels = one.sitting(count, seed)
        scores, _ = judged_by_labels(one.judging, one.named(labels), None)
        return Found(one.found(scores.match, labels), time.perf_counter() - started)


def who_adds_what(
    known: KnownList, preprocessor: Preprocessor, count: int, seeds: Sequence[int], first: int | None
) -> Iterator[tuple[str, KnownList, Found]]:
    """Every way to judge, by name, with what it finds: without labels once, with labels for each seed.

    The last of each seed is what a job chooses by the labels.
    """
    with labelling(known, preprocessor, first) as one:
        every = np.arange(len(one.judging.candidates))
        said = PairScores.unknown(len(every))
        one.judging.ask(every, said)
        model = log_odds(said.match)
        with_model = one.evidence.beginning_with(model)
        yield COUNTED, one.known, Found(one.found(logistic(one.evidence.odds)), 0.0)
        yield MODEL, one.known, Found(one.found(said.match), 0.0, questions=len(every))
        for seed in seeds:
            labels = one.sitting(count, seed)
            places, same = np.array(list(labels)), np.array(list(labels.values()))
            for way, evidence in ((COUNTED_TAUGHT, one.evidence), (MODEL_TAUGHT, with_model)):
                learner = PairLearner.fit(Scale.of(evidence), evidence.at(places), same)
                found = one.found(learner.probability(evidence), labels)
                yield way, one.known, Found(found, 0.0, questions=len(every) if way == MODEL_TAUGHT else 0)
            asked = one.judging.work.done
            scores, taught = judged_by_labels(one.judging, one.named(labels), None)
            sys.stderr.write(f"{known.name}, seed {seed}: {taught.sentence()}\n")
            found = one.found(scores.match, labels)
            yield "what a job uses", one.known, Found(found, 0.0, questions=one.judging.work.done - asked)


def known_tables(folder: Path) -> KnownList:
    """The tables of a folder that holds tableA.csv, tableB.csv and matches.csv; ids stand in the column id."""
    left, right, matches = (
        list(csv.DictReader((folder / f"{name}.csv").open(newline="", encoding="utf-8")))
        for name in ("tableA", "tableB", "matches")
    )
    lefts, rights = ({record["id"]: row for row, record in enumerate(side)} for side in (left, right))
    pairs = frozenset((lefts[one["left_id"]], rights[one["right_id"]]) for one in matches)
    return KnownList(folder.name, left, right, pairs)


def _table(path: Path, records: Sequence[dict[str, str]]) -> Table:
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.DictWriter(file, list(records[0]))
        lines.writeheader()
        lines.writerows(records)
    return open_table(path)
