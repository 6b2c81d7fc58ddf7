"""Judges candidate pairs by what labelled ones teach, once the labels say that counting, the model or both are best."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dp_tools.decision import EVEN
from dp_tools.profiling.log_odds import log_odds, logistic
from dp_tools.rules.same_case import case_key
from dp_tools.tables.match.judging import Judging
from dp_tools.tables.match.labelled_pairs import Disagreement, Pair, PairLabels
from dp_tools.tables.match.pair_learner import (
    Evidence,
    Floats,
    Mask,
    PairLearner,
    Scale,
    can_learn,
    held_back,
    log_trust,
)
from dp_tools.tables.match.scores import PairScores

Way = Literal["counted evidence", "the model", "counted evidence with the labels", "the model with the labels"]
"""What may judge the pairs that nobody labelled."""
COUNTED: Way = "counted evidence"
MODEL: Way = "the model"
COUNTED_TAUGHT: Way = "counted evidence with the labels"
MODEL_TAUGHT: Way = "the model with the labels"
METRIC = "probability given to the right answer for a label held back, as a geometric mean"
SURE = 0.05
"""Probability up to which a pair is not worth a question where the model adds to counted evidence; and one minus it."""
_LEAD = 0.5
"""Standard errors of the difference by which the model has to be better."""
_REASON = "A person labelled this pair."
_RIVAL = "A person labelled one of these records as the same as another."


@dataclass(frozen=True, slots=True)
class Lessons:
    """Labelled pairs as they are learned from; they stay with the dataset for its next file.

    Args:
        evidence: of each pair.
        model: the model's log-odds that it matches; nan where it was not asked.
        same: the labels.
        cases: what names each pair by its records, so that none is learned from twice (see `case_key`).
    """

    evidence: Evidence
    model: Floats
    same: Mask
    cases: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.same)

    def at(self, which: Mask) -> Lessons:
        """Some of the pairs."""
        cases = tuple(case for case, one in zip(self.cases, which.tolist(), strict=True) if one)
        return Lessons(self.evidence.at(which), self.model[which], self.same[which], cases)

    def without(self, cases: Collection[str]) -> Lessons:
        """All pairs but these."""
        return self.at(np.array([case not in cases for case in self.cases], bool))

    def and_of(self, others: Lessons) -> Lessons:
        """These pairs, then others; of the features these decide."""
        return Lessons(
            self.evidence.and_of(others.evidence),
            np.r_[self.model, others.model],
            np.r_[self.same, others.same],
            (*self.cases, *others.cases),
        )

    def to_json(self) -> dict[str, Any]:
        """As the knowledge store keeps them: one list a pair, null for what is not known."""
        return {
            "features": list(self.evidence.names),
            "values": [_nulls(line) for line in self.evidence.values],
            "odds": _nulls(self.evidence.odds),
            "model": _nulls(self.model),
            "same": self.same.tolist(),
            "cases": list(self.cases),
        }

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Lessons:
        """What `to_json` made."""
        names = tuple(kept["features"])
        values = np.array(kept["values"], np.float64).reshape(-1, len(names))
        evidence = Evidence(names, values, np.array(kept["odds"], np.float64))
        return cls(evidence, np.array(kept["model"], np.float64), np.array(kept["same"], bool), tuple(kept["cases"]))


@dataclass(frozen=True)
class Taught:
    """What labels taught, and how the ways to judge compare by them.

    Args:
        lessons: the labelled pairs, those of earlier files too.
        here: how many of them are of these tables.
        trust: by way, the probability that it gives the right answer for a label held back (see `METRIC`).
        used: the best of them, which judged.
        disagreements: pairs that are labelled both ways.
    """

    lessons: Lessons | None
    here: int
    trust: Mapping[Way, float] = field(default_factory=dict)
    used: Way | None = None
    disagreements: tuple[Disagreement, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether the model had a say beyond the labelled pairs."""
        return self.used in (None, MODEL, MODEL_TAUGHT)

    def sentence(self) -> str:
        """What was learned, compared and used, in words."""
        told = "".join(f" {one.sentence}" for one in self.disagreements)
        if self.used is None or self.lessons is None:
            return f"The {self.here:,} labelled pairs stand as labelled, but are too few to learn from.{told}"
        earlier = len(self.lessons) - self.here
        compared = ", ".join(f"{way} {trust:.2f}" for way, trust in self.trust.items())
        asking = "" if self.asks or MODEL not in self.trust else ", and asked the model about no other pair"
        return (
            f"Learned from {self.here:,} labelled pairs"
            + (f" and {earlier:,} of earlier files" if earlier else "")
            + f" ({int(self.lessons.same.sum()):,} are the same). The right answer for a label held back has a mean "
            f"probability of {compared}. Used {self.used}{asking}.{told}"
        )


def judged_by_labels(judging: Judging, labels: PairLabels, earlier: Lessons | None) -> tuple[PairScores, Taught]:
    """A score for each candidate, those that are labelled as they are labelled, and what the labels taught.

    Examples in the knowledge store are labels as well. Where there are too few labels to learn from, all other pairs
    are judged as without labels.

    Args:
        judging: of the candidates; each labelled pair is one of them.
        labels: of some pairs.
        earlier: of earlier files of the dataset.

    Raises:
        Cancelled, ModelUnavailable: see `Work.answers`.
    """
    scores = PairScores.unknown(len(judging.candidates))
    ruled = judging.ruled(np.arange(len(scores)))
    judging.ask(np.flatnonzero(ruled != ""), scores)
    labels = labels.over(_examples(judging, scores))
    places, same = _places(judging, labels.same)
    taught = Taught(None, len(places), disagreements=labels.disagreements)
    cases = _cases(judging, places)
    earlier = None if earlier is None else earlier.without(set(cases))
    if can_learn(same if earlier is None else np.r_[same, earlier.same]):
        run = _Comparison(judging, places, same, cases, earlier)
        taught = run.compare(labels.disagreements)
        open_ = ruled == ""
        open_[places] = False
        run.judge(np.flatnonzero(open_), taught.used, scores)
    else:
        scores = judging.scores()
    if judging.one_to_one:
        for place in _rivals(judging, places[same]).tolist():
            scores.note(place, "example", 0.0, False, _RIVAL)
    for place, one in zip(places.tolist(), same.tolist(), strict=True):
        scores.note(place, "example", float(one), one, _REASON)
    return scores, taught


class _Comparison:
    """Compares the ways to judge by the labels, and judges by one."""

    def __init__(
        self,
        judging: Judging,
        places: NDArray[np.int64],
        same: Mask,
        cases: tuple[str, ...],
        earlier: Lessons | None,
    ) -> None:
        self._judging, self._earlier = judging, earlier
        self._places = places
        self.evidence = evidence_of(judging)
        self.scale = Scale.of(self.evidence)
        self._same, self._cases = same, cases

    def compare(self, disagreements: tuple[Disagreement, ...]) -> Taught:
        """Ask the model about the labelled pairs, and compare by the labels what would judge the others."""
        judging, places = self._judging, self._places
        said = PairScores.unknown(len(judging.candidates))
        judging.ask(places, said, without_examples=True)
        model = np.where(said.decided_by("model")[places], log_odds(said.match[places]), np.nan)
        here = Lessons(self.evidence.at(places), model, self._same, self._cases)
        self.lessons = here if self._earlier is None else self._with_earlier(here, self._earlier)
        right = {way: log_trust(probability, same) for way, probability, same in self._ways()}
        trust = {way: float(np.exp(np.mean(logs))) for way, logs in right.items()}
        counted = max((COUNTED_TAUGHT, COUNTED), key=lambda way: trust[way])
        used = counted
        if MODEL in right:
            best = max((MODEL_TAUGHT, MODEL), key=lambda way: trust[way])
            gain = right[best] - right[counted]
            # The model has to earn its say: with so few labels a lead of less than half a standard error is none.
            if gain.mean() > _LEAD * gain.std() / np.sqrt(len(gain)):
                used = best
        return Taught(self.lessons, len(places), trust, used, disagreements)

    def _with_earlier(self, here: Lessons, earlier: Lessons) -> Lessons:
        """The labels of these tables with those of earlier files, unless the latter make the former harder to tell."""
        both = here.and_of(earlier)
        if not can_learn(here.same):
            return both
        alone = log_trust(held_back(self.scale, here.evidence, here.same), here.same)
        together = log_trust(held_back(self.scale, both.evidence, both.same)[: len(here)], here.same)
        return both if together.mean() >= alone.mean() else here

    def _ways(self) -> list[tuple[Way, Floats, Mask]]:
        """Each way with the probabilities that it gives labels held back; all on the same labels."""
        lessons = self.lessons
        counted = held_back(self.scale, lessons.evidence, lessons.same)
        answered = np.isfinite(lessons.model)
        if not can_learn(lessons.same[answered]):
            answered = np.ones(len(lessons), bool)
        some = lessons.at(answered)
        found: list[tuple[Way, Floats, Mask]] = [
            (COUNTED, logistic(some.evidence.odds), some.same),
            (COUNTED_TAUGHT, counted[answered], some.same),
        ]
        if np.isfinite(some.model).all():
            with_model = held_back(self._scale_with_model, some.evidence.beginning_with(some.model), some.same)
            found += [(MODEL, logistic(some.model), some.same), (MODEL_TAUGHT, with_model, some.same)]
        return found

    @property
    def _scale_with_model(self) -> Scale:
        return Scale.of(self.evidence.beginning_with(self.evidence.odds))

    def judge(self, places: NDArray[np.int64], used: Way | None, scores: PairScores) -> None:
        """Score pairs in one of the ways."""
        judging = self._judging
        if used == MODEL:
            judging.score(judging.count(scores, places), scores)
            return
        mine = self.evidence.at(places)
        by_counting = PairLearner.fit(self.scale, self.lessons.evidence, self.lessons.same).probability(mine)
        if used == COUNTED:
            by_counting = logistic(mine.odds)
        scores.taught = len(self.lessons)
        scores.decide(places, "labels", by_counting, by_counting >= EVEN)
        if used != MODEL_TAUGHT:
            return
        doubtful = places[np.abs(by_counting - EVEN) < EVEN - SURE]
        judging.score(doubtful, scores)
        answered = doubtful[~np.isnan(scores.match[doubtful])]
        some = self.lessons.at(np.isfinite(self.lessons.model))
        learner = PairLearner.fit(self._scale_with_model, some.evidence.beginning_with(some.model), some.same)
        now = learner.probability(self.evidence.at(answered).beginning_with(log_odds(scores.match[answered])))
        scores.decide(answered, "labels", now, now >= EVEN)


def evidence_of(judging: Judging) -> Evidence:
    """What counting says of all candidates: their features, and which of those are not known."""
    features, prior = judging.features(np.arange(len(judging.candidates)))
    values = features.values
    ranks = [number for number, name in enumerate(features.names) if name.startswith("rank ")]
    values[:, ranks] = np.log1p(values[:, ranks])
    unknown = np.isnan(values)
    lacking = unknown.any(axis=0)
    names = (*features.names, *(f"no {features.names[number]}" for number in np.flatnonzero(lacking)))
    odds = judging.counted_odds()
    return Evidence(names, np.concatenate([values, unknown[:, lacking]], axis=1), prior if odds is None else odds)


def _examples(judging: Judging, scores: PairScores) -> dict[Pair, bool]:
    """The candidates that examples of the knowledge store decide."""
    found = np.flatnonzero(scores.decided_by("example"))
    left, right = judging.candidates.left[found].tolist(), judging.candidates.right[found].tolist()
    return {(a, b): bool(same) for a, b, same in zip(left, right, scores.same[found].tolist(), strict=True)}


def _cases(judging: Judging, places: NDArray[np.int64]) -> tuple[str, ...]:
    """What names these pairs by their records."""
    return tuple(case_key({"left": left, "right": right}) for left, right in judging.records(places))


def _rivals(judging: Judging, matches: NDArray[np.int64]) -> NDArray[np.int64]:
    """The other candidates of records that are labelled as matches."""
    left, right = judging.candidates.left, judging.candidates.right
    found = np.isin(left, left[matches]) | np.isin(right, right[matches])
    found[matches] = False
    return np.flatnonzero(found)


def _places(judging: Judging, labels: Mapping[Pair, bool]) -> tuple[NDArray[np.int64], Mask]:
    """The positions of labelled pairs among the candidates, in order, and their labels."""
    candidates = judging.candidates
    pairs = zip(candidates.left.tolist(), candidates.right.tolist(), strict=True)
    found = [(place, labels[pair]) for place, pair in enumerate(pairs) if pair in labels]
    return np.array([place for place, _ in found], np.int64), np.array([same for _, same in found], bool)


def _nulls(values: NDArray[np.floating[Any]]) -> list[float | None]:
    return [float(one) if np.isfinite(one) else None for one in values.tolist()]
