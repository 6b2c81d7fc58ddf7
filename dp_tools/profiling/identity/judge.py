"""Whether two records are one, by counted evidence: the log-odds of what their columns say, added up.

After Fellegi and Sunter: "A theory for record linkage", JASA 1969, with a level for each comparison in place of yes and
no, and less weight for a value that many records have. Weights are fitted on synthetic lists (see `weights.json`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple, Protocol

from dp_tools.profiling.comparisons import Comparison, Level
from dp_tools.profiling.identity.details import Details
from dp_tools.profiling.identity.held import ANY, NAMED, SLOTS, WORDED, Held, compare_held, held
from dp_tools.profiling.identity.layout import Layout, Slot, Subject
from dp_tools.profiling.identity.numbers import SAME, number_level, personal_weight
from dp_tools.records import Record

CERTAIN = 0.95
"""Probability from which counted evidence decides a pair by itself; below one minus it, it decides the other way."""
MODEL_WEIGHT = 0.25
"""Weight of a model's log-odds beside the score."""
_EDGE = 1e-6
_RARE = 5.0
"""Log of how rare a name is from which on nobody else has it by chance: one namesake in 150 lists like this one."""
_TOLD = 4
"""Comparisons that a reason names, at the most."""
_AGREEING: frozenset[Level] = frozenset({"exact", "normalised", "near", "partial"})
_SAME: frozenset[Level] = frozenset({"exact", "normalised"})
_OTHERS = -3.0
"""The most that two people of different names score who share nothing of their own: firm, house and telephone are those
of colleagues and relatives, too. It is low enough to decide."""
_AGREE, _DIFFER = "details that agree", "details that differ"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What counted evidence says of a pair.

    Args:
        score: log-odds that both records are one.
        comparisons: what was compared, by slot.
        reason: the comparisons that weigh most, in words.
        other_name: whether the names of the two are of different people, companies or streets.
    """

    score: float
    comparisons: Mapping[Slot, Comparison]
    reason: str
    other_name: bool = False

    @property
    def probability(self) -> float:
        """That both records are one, 0 to 1."""
        return _logistic(self.score)

    def combined(self, model: float) -> float:
        """The probability that both are one, by the evidence and a model's calibrated probability together.

        The model never read lists of people, so that its word weighs little beside what was counted.
        """
        clipped = min(max(model, _EDGE), 1 - _EDGE)
        return _logistic(self.score + MODEL_WEIGHT * math.log(clipped / (1 - clipped)))

    @property
    def decides(self) -> bool:
        """Whether the evidence is strong enough to decide by itself; it does not merge what has two names."""
        return self.probability <= 1 - CERTAIN or (self.probability >= CERTAIN and not self.other_name)


class Weighed(NamedTuple):
    """What a slot says of two records.

    Args:
        weight: what it adds to the score.
        other_name: whether it tells two names.
        own: whether it is one person's own (see `is_own`).
        number: of personal numbers, how they compare (see `numbers`); 0 otherwise.
        personal: what it adds beside one number (see `personal_weight`).
    """

    weight: float
    other_name: bool = False
    own: bool = False
    number: int = 0
    personal: float = 0.0


class Counts(Protocol):
    """How many records hold a token of a slot (see `tokens_of`)."""

    def __getitem__(self, token: tuple[Slot, str], /) -> int: ...


class IdentityJudge:
    """Judges pairs of records of two tables, or of one.

    Args:
        left, right: how the columns of either table are laid out; both have one subject.
        counts: how many records of both tables hold what, which says how much it tells.
        details: what further columns weigh in these tables; None where nothing is known of them.
    """

    def __init__(self, left: Layout, right: Layout, counts: Counts, details: Details | None = None) -> None:
        self.left, self.right, self._counts = left, right, counts
        self._weights = weights_of(left.subject)
        self._known: dict[tuple[Slot, Level, str], float] = {}
        self.bias = self._weights["bias"]
        self.number_odds = 0.0
        self.is_taught = False
        self.details = shared_details(left, right)
        self._details = details or Details(self.details)

    def informed(self, shift: float, number_odds: float) -> IdentityJudge:
        """The judge once all candidates were seen.

        Args:
            shift: what is added to every score, in log-odds.
            number_odds: log-odds that two records with one personal number are one person.
        """
        found = copy(self)
        found.bias += shift
        found.number_odds = number_odds
        return found

    def taught(self, weights: Mapping[str, float]) -> IdentityJudge:
        """The judge with weights that the table itself taught, so that it knows what people have in common here."""
        found = copy(self)
        found._weights = {**self._weights, **weights}
        found._known = {}
        found.bias = found._weights["bias"]
        found.is_taught = True
        return found

    @property
    def weights(self) -> Mapping[str, float]:
        """Log-odds by feature, and "bias"."""
        return self._weights

    def judge(self, left: Record, right: Record) -> Judgement:
        """What counted evidence says of a pair."""
        comparisons = self.comparisons(left, right)
        weighed = {slot: self._weighed(slot, compared) for slot, compared in comparisons.items()}
        details = (self.weigh_details(name, left.get(name), right.get(name)) for name in self.details)
        score = self.bias + sum(one.weight for one in (*weighed.values(), *details))
        other_name = any(one.other_name for one in weighed.values())
        if other_name and not self.is_taught and not any(one.own for one in weighed.values()):
            one_number = any(one.number == SAME for one in weighed.values())
            by_number = self.number_odds + sum(one.personal for one in weighed.values())
            score = min(score, by_number if one_number else self.most_of_others)
        return Judgement(score, comparisons, _reason(comparisons, weighed), other_name)

    @property
    def most_of_others(self) -> float:
        """The most that a pair of different names scores which has nothing of its own in common (see `is_own`)."""
        return _OTHERS + self.bias - self._weights["bias"] if self.left.subject == "person" else math.inf

    def _tells_two_names(self, slot: Slot, compared: Comparison) -> bool:
        return compared.level == "contradicting" and slot == NAMED[self.left.subject]

    def comparisons(self, left: Record, right: Record) -> dict[Slot, Comparison]:
        """How the records compare, by slot; slots in which a side has nothing are left out."""
        found: dict[Slot, Comparison] = {}
        for slot in SLOTS:
            ours, theirs = held(self.left, slot, left), held(self.right, slot, right)
            if ours is not None and theirs is not None:
                found[slot] = compare_held(slot, ours, theirs)
        return found

    def features(
        self, left: Record, right: Record, comparisons: Mapping[Slot, Comparison]
    ) -> Iterator[tuple[str, float]]:
        """What the weights are for: each comparison by its text, how common what both share is, and details."""
        for slot, compared in comparisons.items():
            yield from self._of_slot(slot, compared)
        yield from self._of_details(left, right)

    def _of_slot(self, slot: Slot, compared: Comparison) -> Iterator[tuple[str, float]]:
        """The features of one comparison."""
        yield f"{slot}: {compared.text}", 1.0
        common = self._common(slot, compared)
        if common:
            yield f"{slot} is common", common

    def _common(self, slot: Slot, compared: Comparison) -> float:
        """How much less what both sides share tells than something of their own, from 0.

        It is the log of how many other records have it; of the words of a name, of how many have them all where words
        come together at random.
        """
        if not compared.shared or compared.level not in _AGREEING:
            return 0.0
        counts = [self._counts[slot, token] for token in compared.shared.split()]
        if slot not in WORDED:
            return math.log(min(counts) - 1) if min(counts) > 2 else 0.0
        among = max(self._counts[slot, ANY], *counts, 1)
        return max(0.0, math.log(among) + sum(math.log(max(count, 1) / among) for count in counts) + _RARE)

    def _of_details(self, left: Record, right: Record) -> Iterator[tuple[str, float]]:
        """How much details speak for a match, and how much against it."""
        weights = [self._details.weigh(name, left.get(name), right.get(name)) for name in self.details]
        for name, sign in ((_AGREE, 1), (_DIFFER, -1)):
            if value := sum(max(0.0, sign * weight) for weight in weights):
                yield name, value

    def weigh(self, slot: Slot, left: Held, right: Held) -> Weighed:
        """What a slot says of two records."""
        return self._weighed(slot, compare_held(slot, left, right))

    def _weighed(self, slot: Slot, compared: Comparison) -> Weighed:
        weight = self.weight_of(slot, compared)
        weight += self._weights.get(f"{slot} is common", 0.0) * self._common(slot, compared)
        if self.left.subject != "person":
            return Weighed(weight, self._tells_two_names(slot, compared))
        return Weighed(
            weight,
            self._tells_two_names(slot, compared),
            is_own(slot, compared),
            number_level(slot, compared),
            personal_weight(slot, compared, weight),
        )

    def weight_of(self, slot: Slot, compared: Comparison) -> float:
        """What a comparison weighs by itself; one that no list showed weighs as its level does."""
        key = slot, compared.level, compared.text
        weight = self._known.get(key)
        if weight is None:
            unseen = self._weights.get(f"any {compared.level}", 0.0)
            weight = self._known[key] = self._weights.get(f"{slot}: {compared.text}", unseen)
        return weight

    def weigh_details(self, name: str, left: str | None, right: str | None) -> Weighed:
        """What two details of one column say of two records."""
        weight = self._details.weigh(name, left, right)
        return Weighed(self._weights.get(_AGREE if weight > 0 else _DIFFER, 0.0) * abs(weight))


def is_own(slot: Slot, compared: Comparison) -> bool:
    """Whether a comparison finds something that only one person has: a mailbox that is not an office's.

    The address of a colleague is often spelled nearly the same, but is not the beginning of the other's.
    """
    return slot == "email" and (compared.level in _SAME or compared.text == "cut off")


def weights_of(subject: Subject) -> dict[str, float]:
    """The weights for a subject: log-odds by feature, and "bias"."""
    return _weights()[subject]


@cache
def _weights() -> dict[Subject, dict[str, float]]:
    kept: dict[Subject, dict[str, float]] = json.loads(
        files(__package__).joinpath("weights.json").read_text(encoding="utf-8")
    )
    return kept


def shared_details(left: Layout, right: Layout) -> list[str]:
    """The columns that are no kind of their own and that both tables have."""
    return [name for name in left.columns.get("detail", ()) if name in right.columns.get("detail", ())]


def _reason(comparisons: Mapping[Slot, Comparison], weighed: Mapping[Slot, Weighed]) -> str:
    heaviest = sorted(comparisons, key=lambda slot: -abs(weighed[slot].weight))
    told = [f"{slot} {comparisons[slot].text}" for slot in heaviest[:_TOLD] if comparisons[slot].level != "silent"]
    return "; ".join(told) or "nothing in common that can be compared"


def _logistic(log_odds: float) -> float:
    """The probability of log-odds. Without scipy, which a server that is ready at once has not loaded yet."""
    small = math.exp(-abs(log_odds))
    return 1 / (1 + small) if log_odds >= 0 else small / (1 + small)
