"""Choosing among the values of a closed set, by what the model knows of the world and of its own mistakes.

The model without its adapter is asked to put each record into one of the values, as into a list of categories. How
probable a value is for any record is divided out over a batch ("batch calibration": Zhou et al., ICLR 2024); its share
of the column is put in its place, and what the words of a record say that stand in filled rows is added. How probable
"Other" would be beside the values tells whether a record belongs to none of them. Rows that hold
a value tell how far such choices can be trusted: some of them are hidden and chosen for again, once among all values
and once without the right one, as for a gap whose value no row holds. What they tell is weighed against what choices
were worth on other lists, so that a few rows prove little.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dp_tools.engine.questions import Labels, LabelScores, Question, Result, Segment
from dp_tools.records import Record, is_missing
from dp_tools.tasks.impute import own_values

Ask = Callable[[Sequence[Question]], Sequence[Result]]
Array = NDArray[np.float64]

EXAMPLES = 400
"""Filled rows from which a closed set is learned, at most."""
BATCH = 60
"""Gaps, at most, from which it is learned how probable each value is for any record."""
MOST_LISTED = 60
"""Values that may be listed to choose from, at most: the model reads them all."""
_HIDDEN = 60
"""Filled rows that are hidden and chosen for again, at most."""
_ENOUGH = 8
"""Hidden rows without which choices fill nothing by themselves."""
_UNMEASURED = 0.75
"""How sure a choice is at most where fewer rows were hidden."""
_BOTH_ORDERS = 12
"""Values up to which they are listed forwards and backwards; a longer list is read once."""
_DESCRIPTIONS = 4
"""Ways to describe a record that are compared on the hidden rows, at most."""
_LONGEST = 120
"""Characters of a value that are shown, at most."""
_NOTHING = ("N/A", "unknown", "something")
"""Records that say nothing, which stand for a batch where there are few records."""
_FEW = 12
"""Records of a batch below which they do."""
_EVENLY = 40
"""Rows, at least, with all values alike that are added to the filled ones: what a dozen lack, a gap may well hold."""
_REPEATED = 2
"""Filled rows in which a word stands before it says anything of a value."""
_WORDS = 2.0
"""Rows as the column has them that are added to those, so that few prove little."""
_LISTED_UNKNOWN = 0.1
"""Share of gaps that may hold another value than those that a person or a rule listed."""
_UNSEEN = 8.0
"""The same times the filled rows where the column's own values are taken: the more rows there are, the less is new."""
_MOST_UNKNOWN = 0.4
"""And at most: a column's gaps may be those of one kind of thing."""
_STEPS = 20
"""Newton's steps, which is more than four numbers need."""
_NONE = ("Other", "None of these")
"""What is no value of the column, the first of these that it does not hold."""
_FLOOR = 1e-6
"""Least probability of a label: the engine does not look further at those that are negligible."""


@dataclass(frozen=True, slots=True)
class Trust:
    """How probably a choice is right, on the logit scale: shift + weights of its leads + unknown * log(u).

    Args:
        shift: for a choice without any lead.
        margin: weight of how far it is ahead of the next value, in logs.
        lift: weight of how much more probable it is than for other records.
        other: weight of how far that is ahead of the same for "Other".
        unknown: weight of the share of gaps whose value is not in the set, u.
    """

    shift: float
    margin: float
    lift: float
    other: float
    unknown: float

    @property
    def weights(self) -> Array:
        """Of each lead (see `_choices`)."""
        return np.array([self.margin, self.lift, self.other])


TRUST = Trust(-2.49, 0.96, 1.4, 0.52, -0.41)
"""What choices were worth on lists written by hand (`python -m lab gaps`)."""
_SPREAD = (1.0, 0.5, 0.5, 0.5)
"""How far shift and weights of one column may differ from that (standard deviations): more than from list to list."""


@dataclass(frozen=True, slots=True)
class Trials:
    """What choosing for hidden rows gave.

    Args:
        leads: of each choice: how far it was ahead of the next value, of other records and of "Other", in logs.
        right: whether it was the row's own.
        without: the same leads as if the row's own value were not among those to choose from.
    """

    leads: Array
    right: NDArray[np.bool_]
    without: Array


@dataclass(frozen=True, slots=True)
class Choice:
    """The value chosen for a gap, how probably it is right, 0 to 1, and the others with what is left of that."""

    value: str
    confidence: float
    others: tuple[tuple[str, float], ...] = ()


def closed_set_of(
    ask: Ask,
    attribute: str,
    listed: Sequence[str],
    known: Sequence[Record],
    gaps: Sequence[Record],
    *,
    counts: Mapping[str, int] | None = None,
) -> ClosedSet | None:
    """What chooses for the gaps of a column, or None where there is nothing to choose from or choosing is no help.

    Args:
        ask: answers questions with the model as it was before its adapter; see `Engine.answer`.
        attribute: the column.
        listed: the values that a person or a rule lists; none for those that the column holds.
        known: records that hold a value, or a sample of them.
        gaps: records without one, or a sample of them.
        counts: how many records hold each value, where `known` is a sample.
    """
    held = Counter(str(record[attribute]) for record in known) if counts is None else counts
    values = sorted(set(listed)) or own_values(held)  # in one order, so that the answer does not hang on it
    if not 2 <= len(values) <= MOST_LISTED or not gaps:
        return None
    filled = [record for record in known if record[attribute] in set(values)]
    unknown = _LISTED_UNKNOWN if listed else min(_MOST_UNKNOWN, _UNSEEN / sum(held.values()))
    found = ClosedSet(ask, attribute, values, filled, gaps, unknown=unknown)
    return found if found.helps else None


class ClosedSet:
    """Chooses among the values of a column for its gaps.

    Args:
        ask: answers questions with the model as it was before its adapter.
        attribute: the column.
        values: what may be chosen, two or more.
        filled: records that hold one of the values.
        gaps: some of the records without a value, to learn from what is probable for any record.
        unknown: share of the gaps whose value may be none of these.
        trust: what choices are worth on other lists.

    Attributes:
        hidden: how many filled rows were hidden and chosen for.
        right: how many of them got their own value back.
    """

    def __init__(
        self,
        ask: Ask,
        attribute: str,
        values: Sequence[str],
        filled: Sequence[Record],
        gaps: Sequence[Record],
        *,
        unknown: float,
        trust: Trust = TRUST,
    ) -> None:
        self.values, self._ask = list(values), ask
        taken = {value.casefold() for value in values}
        self._none = next((word for word in _NONE if word.casefold() not in taken), "")
        self._unknown, self.trust = unknown, trust
        chance = random.Random(0)
        hidden = chance.sample(list(filled), min(_HIDDEN, len(filled)))
        some = chance.sample(list(gaps), min(BATCH, len(gaps)))
        self.hidden, self._attribute = len(hidden), attribute
        self._truth = np.array([self.values.index(str(record[attribute])) for record in hidden], dtype=int)
        self._share = _shares(self.values, [str(record[attribute]) for record in filled])
        ways = [self._way(shown, hidden, filled) for shown in _descriptions(attribute, [*hidden, *some])]
        self._taken = max(ways, key=self._count_right) if hidden else ways[0]
        self.right = self._count_right(self._taken)
        self._batch = np.concatenate([self._taken.hidden, self._asked(some, self._taken.shown)])
        if len(self._batch) < _FEW:
            self._batch = np.concatenate([self._batch, self._logs(_NOTHING)])

    @property
    def helps(self) -> bool:
        """Whether more hidden rows got their value back than if the most frequent value were always chosen; taken for
        granted where too few were hidden."""
        return self.hidden < _ENOUGH or self.right > int(np.bincount(self._truth).max())

    @property
    def reason(self) -> str:
        """How values are chosen, and how often that was right."""
        chosen = f"Chosen among the values of {self._attribute}"
        if not self.hidden:
            return f"{chosen}; no record with a value tells how often that is right."
        return f"{chosen}; of {self.hidden} rows whose value was hidden, {self.right} got it back."

    def choose(self, records: Sequence[Record]) -> list[Choice | None]:
        """A choice per record, in order; None where the model gave no answer."""
        taken = self._taken
        texts = [_described(record, taken.shown) for record in records]
        prior = self._share + np.array([taken.words.evidence(text, self._share) for text in texts])
        scores, leads = _choices(self._logs(texts), self._batch, prior)
        return [
            None if np.isnan(row).any() else self._choice(row, float(sure))
            for row, sure in zip(scores, self._confidence(leads), strict=True)
        ]

    def _choice(self, scores: Array, confidence: float) -> Choice:
        first, *others = (int(place) for place in np.argsort(-scores, kind="stable"))
        left = max(1 - float(np.exp(scores[first])), _FLOOR)
        # One mapping for all leaves their order; together they have what the first one leaves.
        share = [min(float(np.exp(scores[place])) / left * (1 - confidence), confidence) for place in others]
        return Choice(self.values[first], confidence, tuple(zip((self.values[p] for p in others), share, strict=True)))

    def _way(self, shown: tuple[str, ...], hidden: Sequence[Record], filled: Sequence[Record]) -> _Way:
        """A way to describe records, with what it gives for the hidden rows."""
        words = _Words(len(self.values))
        for record in filled:
            words.add(_described(record, shown), self.values.index(str(record[self._attribute])))
        evidence = [
            words.evidence(_described(record, shown), self._share, own=int(own))
            for record, own in zip(hidden, self._truth, strict=True)
        ]
        prior = self._share + np.array(evidence).reshape(len(hidden), len(self.values))
        return _Way(shown, words, self._asked(hidden, shown), prior)

    def _count_right(self, way: _Way) -> int:
        if not self.hidden:
            return 0
        return int((_choices(way.hidden, way.hidden, way.prior)[0].argmax(axis=1) == self._truth).sum())

    def _confidence(self, leads: Array) -> Array:
        """How probably choices are right, by their leads.

        What is not known of this column for certain draws it towards one half (MacKay, 1992).
        """
        found, covariance = self._deviation
        design = _with_shift(leads)
        logits = self._expected(leads) + design @ found
        variance = np.einsum("ij,jk,ik->i", design, covariance, design)
        sure = 1 / (1 + np.exp(-logits / np.sqrt(1 + np.pi * variance / 8)))
        return np.asarray(np.minimum(sure, 1.0 if self.hidden >= _ENOUGH else _UNMEASURED))

    def _expected(self, leads: Array) -> Array:
        """The log-odds of being right on other lists."""
        trust = self.trust
        return np.asarray(trust.shift + leads @ trust.weights + trust.unknown * np.log(self._unknown))

    @cached_property
    def _deviation(self) -> tuple[Array, Array]:
        """How far shift and weights of this column differ from other lists, with the covariance of that."""
        tried = self.trials
        leads = np.concatenate([tried.leads, tried.without])
        right = np.append(tried.right, np.zeros(len(tried.without), dtype=bool))
        share = self._unknown / (1 - self._unknown) * len(tried.leads) / max(len(tried.without), 1)
        weights = np.append(np.ones(len(tried.leads)), np.full(len(tried.without), share))
        return _maximum_a_posteriori(self._expected(leads), leads, right, weights)

    @cached_property
    def trials(self) -> Trials:
        """What choosing for the hidden rows gave, apart from those without an answer."""
        scores, leads = _choices(self._taken.hidden, self._batch, self._taken.prior)
        without = self._without_their_own()
        known = ~np.isnan(leads).any(axis=1)
        right = scores.argmax(axis=1) == self._truth
        return Trials(leads[known], right[known], without[~np.isnan(without).any(axis=1)])

    def _without_their_own(self) -> Array:
        """Leads of choices for hidden rows as if their own value were not among those to choose from."""
        found = [np.empty((0, len(_SPREAD) - 1))]
        for own in sorted(set(self._truth.tolist())):
            rest = [place for place in range(len(self.values)) if place != own]
            if len(rest) < 2:
                continue
            gone = self._truth == own
            others = self._batch[~np.append(gone, np.zeros(len(self._batch) - self.hidden, dtype=bool))]
            prior = self._taken.prior[gone][:, rest]
            left = [*rest, len(self.values)]
            found.append(_choices(self._taken.hidden[gone][..., left], others[..., left], prior)[1])
        return np.concatenate(found)

    def _asked(self, records: Sequence[Record], shown: Sequence[str]) -> Array:
        return self._logs([_described(record, shown) for record in records])

    def _logs(self, texts: Sequence[str]) -> Array:
        """Probabilities by text, order of the list, and value or, at the end, none of them, in logs; NaN where there is
        no answer."""
        orders = [self.values] if len(self.values) > _BOTH_ORDERS else [self.values, self.values[::-1]]
        distinct = list(dict.fromkeys(texts))
        questions = []
        for listed in orders:
            head = Segment(f"Categories: {', '.join(listed)}\n\n")
            labels = Labels(tuple(f" {value}" for value in (*listed, self._none)), end="\n")
            questions += [Question((head, Segment(f"Item: {text}\nCategory:")), labels) for text in distinct]
        results = iter(self._ask(questions) if questions else ())
        size = len(self.values)
        found = np.empty((len(distinct), len(orders), size + 1))
        for order, turn in enumerate((1, -1)[: len(orders)]):
            for place in range(len(distinct)):
                answered = _log_probabilities(next(results), size + 1)
                found[place, order] = np.append(answered[:size][::turn], answered[size])
        places = {text: place for place, text in enumerate(distinct)}
        return found[[places[text] for text in texts]]


@dataclass(frozen=True)
class _Way:
    """A way to describe records.

    Args:
        shown: the attributes that are read.
        words: what the filled rows' words say.
        hidden: the model's probabilities for the hidden rows, as `ClosedSet` gets them.
        prior: what is probable for them beforehand, by row and value, in logs.
    """

    shown: tuple[str, ...]
    words: _Words
    hidden: Array
    prior: Array


class _Words:
    """Counts of words in filled rows by value, of so many values."""

    def __init__(self, size: int) -> None:
        self._counts: dict[str, Array] = {}
        self._size = size

    def add(self, text: str, value: int) -> None:
        """Count the words of a row that holds a value."""
        for word in _words(text):
            self._counts.setdefault(word, np.zeros(self._size))[value] += 1

    def evidence(self, text: str, share: Array, *, own: int | None = None) -> Array:
        """How far the words of a text speak for each value beside its share, in logs.

        Args:
            text: the text.
            share: of each value, in logs.
            own: the value of the row, where it is one of those that were counted: it does not speak for itself.
        """
        found = np.zeros(self._size)
        for word in _words(text):
            counts = self._counts.get(word, np.zeros(self._size)).copy()
            if own is not None:
                counts[own] -= 1
            if counts.sum() < _REPEATED:
                continue
            found += np.log(counts + _WORDS * np.exp(share)) - np.log(counts.sum() + _WORDS) - share
        return found


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", text.casefold()))


def _descriptions(attribute: str, records: Sequence[Record]) -> list[tuple[str, ...]]:
    """What may describe a record: attributes that hold words, the most various first, and all of them together."""
    names = [name for name in records[0] if name != attribute]
    various = {name: len({r.get(name) for r in records if _has_letters(r.get(name))}) for name in names}
    found = sorted((name for name in names if various[name] > 1), key=lambda name: -various[name])
    together = [tuple(name for name in names if name in found)] if len(found) > 1 else []
    return [(name,) for name in found[: _DESCRIPTIONS - 1]] + together or [tuple(names)]


def _has_letters(value: str | None) -> bool:
    return not is_missing(value) and any(character.isalpha() for character in str(value))


def _described(record: Record, shown: Sequence[str]) -> str:
    return ", ".join(str(record[name])[:_LONGEST] for name in shown if not is_missing(record.get(name)))


def _log_probabilities(result: Result, size: int) -> Array:
    if not isinstance(result, LabelScores):
        return np.full(size, np.nan)
    return np.asarray(np.log(np.clip(result.probabilities, _FLOOR, None)))


def _shares(values: Sequence[str], held: Sequence[str]) -> Array:
    """How often a column holds each value, in logs, half way to all being as frequent: gaps need not be like rows."""
    counts = Counter(held)
    found = np.array([counts[value] for value in values]) + max(len(held), _EVENLY) / len(values)
    return np.asarray(np.log(found / found.sum()))


def _general(asked: Array) -> Array:
    """How probable each value is over a batch, in logs, by order of the list and value."""
    known = asked[~np.isnan(asked).any(axis=(1, 2))]
    return np.asarray(np.logaddexp.reduce(_normal(known), axis=0) - np.log(max(len(known), 1)))


def _choices(asked: Array, batch: Array, prior: Array) -> tuple[Array, Array]:
    """What is probable for any record replaced by what is frequent in the column, and the leads of the best value.

    Args:
        asked, batch: probabilities by record, order of the list, and value or none of them, in logs.
        prior: by record and value, in logs.

    Returns:
        Logs by record and value; and by record how far the best value is ahead of the next one, how much more probable
        it is than in the batch, and how far that is ahead of the same for none of the values.
    """
    values = asked[..., :-1]
    scores = _normal(_normal(values - _general(batch[..., :-1])).mean(axis=1) + prior)
    lifts = (_normal(asked) - _general(batch)).mean(axis=1)
    lift = np.take_along_axis(lifts, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
    ordered = np.sort(scores, axis=1)
    return scores, np.stack([ordered[:, -1] - ordered[:, -2], lift, lift - lifts[:, -1]], axis=1)


def _normal(logs: Array) -> Array:
    with np.errstate(invalid="ignore"):  # rows without an answer stay NaN
        return np.asarray(logs - np.logaddexp.reduce(logs, axis=-1, keepdims=True))


def _with_shift(leads: Array) -> Array:
    return np.concatenate([np.ones((len(leads), 1)), leads], axis=1)


def _maximum_a_posteriori(
    expected: Array, leads: Array, right: NDArray[np.bool_], weights: Array
) -> tuple[Array, Array]:
    """How far shift and weights are off by what was right, with the covariance (Laplace approximation)."""
    design = _with_shift(leads)
    precision = np.diag(1 / np.square(_SPREAD))
    found = np.zeros(len(_SPREAD))
    for _ in range(_STEPS):
        probable = 1 / (1 + np.exp(-(expected + design @ found)))
        slope = design.T @ (weights * (right - probable)) - precision @ found
        curve = (design * (weights * probable * (1 - probable))[:, None]).T @ design + precision
        found = found + np.linalg.solve(curve, slope)
    return found, np.asarray(np.linalg.inv(curve), np.float64)
