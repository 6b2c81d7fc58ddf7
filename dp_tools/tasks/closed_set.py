"""Choosing among the values of a closed set, by what the model knows of the world and of its own mistakes.

The model without its adapter is asked to put each record into one of the values, as into a list of categories. How
probable a value is for any record is divided out over the whole batch ("batch calibration": Zhou et al., ICLR 2024),
and its share of the column is put in its place. Rows that hold a value tell how far such a choice can be trusted: some
of them are hidden and chosen for again, once among all values, and once without the right one, as for a gap whose
value the column does not know yet.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dp_tools.engine.questions import Labels, LabelScores, Question, Result, Segment
from dp_tools.records import Record, is_missing

Ask = Callable[[Sequence[Question]], Sequence[Result]]
Array = NDArray[np.float64]

HIDDEN = 60
"""Filled rows that are hidden and chosen for again, at most."""
ENOUGH = 8
"""Filled rows without which nothing is known of the model's mistakes."""
MOST_VALUES = 30
"""Values of a closed set at most."""
BATCH = 300
"""Gaps, at most, from which it is learned how probable each value is for any record."""
_DESCRIPTIONS = 4
"""Ways to describe a record that are compared on the hidden rows, at most."""
_LONGEST = 120
"""Characters of a value that are shown, at most."""
_UNKNOWN = 1 / 3
"""Weight of a choice without the right value against one with it: one gap in four may hold what no row holds."""
_UNLISTED = 1 / 6
"""The same where a person or a rule listed the values."""
_FLOOR = 1e-6
"""Least probability of a label: the engine does not look further at those that are negligible."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The value chosen for a gap, and how probably it is right, 0 to 1."""

    value: str
    confidence: float


class ClosedSet:
    """Chooses among the values of a column for its gaps.

    Args:
        ask: answers questions with the model as it was before its adapter; see `Engine.answer`.
        attribute: the column.
        values: what may be chosen, two or more.
        filled: records that hold one of the values; `ENOUGH` or more.
        gaps: some of the records without a value, to learn from what is probable for any record.
        listed: whether a person or a rule listed the values, so that hardly a gap holds another one.

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
        listed: bool,
    ) -> None:
        self.values = list(values)
        self._ask, self._listed = ask, listed
        chance = random.Random(0)
        hidden = chance.sample(list(filled), min(HIDDEN, len(filled)))
        self._batch = [*hidden, *chance.sample(list(gaps), min(BATCH, len(gaps)))]
        self._truth = np.array([self.values.index(str(record[attribute])) for record in hidden])
        self._share = _shares(self.values, [str(record[attribute]) for record in filled])
        self.hidden = len(hidden)
        tried = [self._tried(shown) for shown in _descriptions(attribute, hidden)]
        self.right, self._shown, self._general, scores = max(tried, key=lambda one: one[0])
        self._choices = scores[: self.hidden]

    @property
    def helps(self) -> bool:
        """Whether more hidden rows got their value back than if the most frequent value were always chosen."""
        return self.right > int(np.bincount(self._truth).max())

    def choose(self, records: Sequence[Record]) -> list[Choice | None]:
        """A choice per record, in order; None where the model gave no answer."""
        scores = self._scores(self._asked(self.values, records, self._shown), self._general, self._share)
        return [
            None if np.isnan(row).any() else Choice(self.values[int(row.argmax())], float(sure))
            for row, sure in zip(scores, self._trust(_features(scores)), strict=True)
        ]

    @cached_property
    def _trust(self) -> Callable[[Array], Array]:
        """How probably choices are right, by their features; learned, with many questions, at the first choice."""
        unknown = self._without_their_own()
        right = self._choices.argmax(axis=1) == self._truth
        return _logistic(
            np.concatenate([_features(self._choices), unknown]),
            np.concatenate([right, np.zeros(len(unknown), dtype=bool)]),
            np.concatenate([np.ones(self.hidden), np.full(len(unknown), _UNLISTED if self._listed else _UNKNOWN)]),
        )

    def _tried(self, shown: tuple[str, ...]) -> tuple[int, tuple[str, ...], Array, Array]:
        """How many hidden rows are right by one description, with what is needed to use it."""
        asked = self._asked(self.values, self._batch, shown)
        general = _general(asked)
        scores = self._scores(asked, general, self._share)
        return int((scores[: self.hidden].argmax(axis=1) == self._truth).sum()), shown, general, scores

    def _without_their_own(self) -> Array:
        """Features of choices for hidden rows whose own value was not among those to choose from."""
        found = [np.empty((0, 2))]
        for own in sorted(set(self._truth.tolist())):
            rest = [place for place in range(len(self.values)) if place != own]
            if len(rest) < 2:
                continue
            asked = self._asked([self.values[place] for place in rest], self._batch, self._shown)
            gone = np.append(self._truth == own, np.zeros(len(self._batch) - self.hidden, dtype=bool))
            scores = self._scores(asked[gone], _general(asked[~gone]), self._share[rest])
            found.append(_features(scores))
        return np.concatenate(found)

    def _asked(self, values: Sequence[str], records: Sequence[Record], shown: Sequence[str]) -> Array:
        """Probabilities by record, order of the list and value, in logs; NaN where there is no answer."""
        texts = [_described(record, shown) for record in records]
        distinct = list(dict.fromkeys(texts))
        found = dict(zip(distinct, self._orders(values, distinct), strict=True))
        return np.array([found[text] for text in texts]).reshape(len(texts), 2, len(values))

    def _orders(self, values: Sequence[str], texts: Sequence[str]) -> Iterator[Array]:
        """For each text, its probabilities with the values listed forwards and backwards."""
        questions = []
        for listed in (list(values), list(reversed(values))):
            head = Segment(f"Categories: {', '.join(listed)}\n\n")
            labels = Labels(tuple(f" {value}" for value in listed), end="\n")
            questions += [Question((head, Segment(f"Item: {text}\nCategory:")), labels) for text in texts]
        results = self._ask(questions)
        for forwards, backwards in zip(results[: len(texts)], results[len(texts) :], strict=True):
            yield np.stack([_logs(forwards, len(values)), _logs(backwards, len(values))[::-1]])

    @staticmethod
    def _scores(asked: Array, general: Array, share: Array) -> Array:
        """What is probable for any record replaced by what is frequent in the column; logs, by record and value."""
        return _normal(_normal(asked - general).mean(axis=1) + share)


def own_values(counts: Mapping[str, int]) -> list[str]:
    """The closed set that a column is by itself: few values, of which each stands in three rows in the mean."""
    return sorted(counts) if 2 <= len(counts) <= MOST_VALUES and sum(counts.values()) >= 3 * len(counts) else []


def _descriptions(attribute: str, records: Sequence[Record]) -> list[tuple[str, ...]]:
    """What may describe a record: attributes that hold words, the most various first, and all of them together."""
    names = [name for name in records[0] if name != attribute]
    various = {name: len({record[name] for record in records if _has_letters(record[name])}) for name in names}
    found = sorted((name for name in names if various[name] > 1), key=lambda name: -various[name])
    together = [tuple(name for name in names if name in found)] if len(found) > 1 else []
    return [(name,) for name in found[: _DESCRIPTIONS - 1]] + together or [tuple(names)]


def _has_letters(value: str | None) -> bool:
    return not is_missing(value) and any(character.isalpha() for character in str(value))


def _described(record: Record, shown: Sequence[str]) -> str:
    return ", ".join(str(record[name])[:_LONGEST] for name in shown if not is_missing(record[name]))


def _logs(result: Result, size: int) -> Array:
    if not isinstance(result, LabelScores):
        return np.full(size, np.nan)
    return np.asarray(np.log(np.clip(result.probabilities, _FLOOR, None)))


def _shares(values: Sequence[str], held: Sequence[str]) -> Array:
    """How often a column holds each value, in logs, half way to all being as frequent: gaps need not be like rows."""
    counts = Counter(held)
    found = np.array([counts[value] for value in values]) + len(held) / len(values)
    return np.asarray(np.log(found / found.sum()))


def _general(asked: Array) -> Array:
    """How probable each value is over a batch, in logs, by order of the list and value."""
    known = asked[~np.isnan(asked).any(axis=(1, 2))]
    return np.asarray(np.logaddexp.reduce(_normal(known), axis=0) - np.log(max(len(known), 1)))


def _normal(logs: Array) -> Array:
    with np.errstate(invalid="ignore"):  # rows without an answer stay NaN
        return np.asarray(logs - np.logaddexp.reduce(logs, axis=-1, keepdims=True))


def _features(scores: Array) -> Array:
    """What a choice is trusted by: the log odds of the best value, and its distance from the next one."""
    ordered = np.sort(scores, axis=1)
    best = np.exp(ordered[:, -1])
    odds = np.log(best) - np.log(np.clip(1 - best, _FLOOR, None))
    return np.stack([odds, ordered[:, -1] - ordered[:, -2]], axis=1)


def _logistic(features: Array, right: NDArray[np.bool_], weights: Array) -> Callable[[Array], Array]:
    """Probability of being right by features: a logistic regression with Platt's targets and small, rising slopes."""
    known = ~np.isnan(features).any(axis=1)
    features, right, weights = features[known], right[known], weights[known]
    centre, scale = features.mean(axis=0), features.std(axis=0) + _FLOOR
    good, bad = float(weights[right].sum()), float(weights[~right].sum())
    targets = np.where(right, (good + 1) / (good + 2), 1 / (bad + 2))

    def logits(at: Array, given: Array) -> Array:
        return np.asarray(((given - centre) / scale) @ at[:-1] + at[-1])

    def loss(at: Array) -> float:
        found = logits(at, features)
        return float((weights * (np.logaddexp(0, found) - targets * found)).sum() + 0.5 * (at[:-1] ** 2).sum())

    bounds = [(0, None)] * features.shape[1] + [(None, None)]
    at = minimize(loss, np.zeros(features.shape[1] + 1), method="L-BFGS-B", bounds=bounds).x
    return lambda given: np.asarray(1 / (1 + np.exp(-logits(at, given))))
