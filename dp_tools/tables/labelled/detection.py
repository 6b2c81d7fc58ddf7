"""Which cells of a column are wrong, by what counting says and by what labels teach of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_tools.tables.cascade.surrogate import one_thread
from dp_tools.tables.labelled.clusters import Clusters

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_TREES = 60
_A_LABEL = 40
"""Distinct cells of one cluster for which its label speaks when the learner is fitted."""
_STRENGTH = 2.0
"""Labels that the trust in counting over the whole table weighs in a single column."""
_NEARLY_ALL = 0.85
"""Share of what is wrong from which on what was called so before is left as it is."""
_FALSE_ALARMS = 2
"""Labels of cells that are alike that take it to say that others like them are right: one may be an exception."""
_CLUSTERS = 21
"""Clusters up to which the largest is looked for in which answers agree."""
_NOTHING_KNOWN = -9.0
"""Below all that a detector says: where it says nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as its learner needs it.

    Args:
        features: what the detectors say, one line a cell.
        clusters: of the cells.
        counted: the probability that a cell is wrong by counted evidence alone, 0 to 1.
    """

    features: NDArray[np.floating[Any]]
    clusters: Clusters
    counted: Floats


@dataclass(frozen=True, slots=True)
class CellLabels:
    """The labels of a column.

    Args:
        rows: of the labelled cells.
        wrong: whether each of them is wrong.
        sampled: whether it was labelled whatever it looked like. Answers to reviews are not: they are about cells in
            doubt, and do not tell how often what is called wrong is, or how much is missed.
    """

    rows: Rows
    wrong: Bools
    sampled: Bools

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, which: Bools) -> CellLabels:
        """Some of them."""
        return CellLabels(self.rows[which], self.wrong[which], self.sampled[which])


@dataclass(frozen=True, slots=True)
class Trust:
    """What the labels of a table say of what was called wrong without them.

    Args:
        right: labelled cells that were called wrong and are.
        false: that were called wrong and are right.
        missed: that are wrong and were not called so.
    """

    right: int
    false: int
    missed: int

    def precision(self, own: Trust) -> float:
        """How often such a call is right in a column with labels of its own, 0 to 1."""
        return _share(own.right, own.false, _share(self.right, self.false, 1.0, 1.0), _STRENGTH)

    def recall(self, own: Trust) -> float:
        """How much of what is wrong in the column is called so, 0 to 1."""
        return _share(own.right, own.missed, _share(self.right, self.missed, 1.0, 1.0), _STRENGTH)


def _share(right: int, wrong: int, expected: float, strength: float) -> float:
    return (right + strength * expected) / (right + wrong + strength)


def _trust(prior: Floats, labels: CellLabels) -> Trust:
    sampled = labels.at(labels.sampled)
    called, wrong = prior[sampled.rows] >= 0.5, sampled.wrong
    return Trust(int((called & wrong).sum()), int((called & ~wrong).sum()), int((~called & wrong).sum()))


def trust_in(prior: Sequence[Floats], labels: Sequence[CellLabels]) -> Trust:
    """How far what was called wrong without labels can be trusted.

    Args:
        prior: for each column, the probability that a cell is wrong without labels.
        labels: of each column.
    """
    own = [_trust(*one) for one in zip(prior, labels, strict=True)]
    return Trust(sum(one.right for one in own), sum(one.false for one in own), sum(one.missed for one in own))


def learned(column: Column, rows: Sequence[int] | Rows, wrong: Bools, seed: int) -> Floats:
    """The probability that each cell of a column is wrong, by labels alone.

    Args:
        column: the column.
        rows: its labelled rows.
        wrong: whether the cell in each of them is wrong.
        seed: for what is random in fitting.
    """
    if not wrong.any() or wrong.all():
        return np.full(len(column.features), float(wrong.any()) if len(rows) else 0.0)
    from sklearn.ensemble import GradientBoostingClassifier

    features = np.column_stack([np.nan_to_num(column.features, nan=_NOTHING_KNOWN), column.counted])
    places, labels, weights = _spread(column.clusters.cut(len(rows) + 1), features, rows, wrong, seed)
    if labels.all() or not labels.any():
        return labels[:1].astype(np.float64).repeat(len(features))
    trees = GradientBoostingClassifier(n_estimators=_TREES, max_features=0.5, random_state=seed)
    with one_thread():
        trees.fit(features[places], labels, sample_weight=weights)
        lines, line = np.unique(features, axis=0, return_inverse=True)
        found: Floats = trees.predict_proba(lines)[:, 1][line.reshape(-1)]
    return found


def _spread(
    groups: Rows, features: Floats, rows: Sequence[int] | Rows, wrong: Bools, seed: int
) -> tuple[Rows, Bools, Floats]:
    """The cells that teach: labelled ones, and others of their clusters where the labels of one agree."""
    rng = np.random.default_rng(seed)
    places, labels, weights = [np.array(rows, np.int64)], [wrong], [np.ones(len(rows))]
    own = groups[list(rows)]
    for group in np.unique(own):
        of_group = wrong[own == group]
        if not of_group.all() and of_group.any():
            continue
        cells = np.flatnonzero(groups == group)
        lines, first, counts = np.unique(features[cells], axis=0, return_index=True, return_counts=True)
        weight, kept = np.sqrt(counts), np.arange(len(lines))
        if len(lines) > _A_LABEL:
            kept = np.sort(rng.choice(len(lines), _A_LABEL, replace=False))
        places.append(cells[first[kept]])
        labels.append(np.full(len(kept), bool(of_group[0])))
        weights.append(weight[kept] * weight.sum() / weight[kept].sum())
    return np.concatenate(places), np.concatenate(labels), np.concatenate(weights)


def both(column: Column, prior: Floats, labels: CellLabels, by_labels: Floats, trust: Trust) -> Floats:
    """The probability that each cell is wrong, by labels and by what was called wrong without them.

    What was called wrong stands unless the labels of the column, or of cells that are alike, say that it is right.

    Args:
        column: the column.
        prior: the probability that a cell is wrong without labels, 0 to 1.
        labels: of the column.
        by_labels: what they teach (see `learned`).
        trust: in the prior of the whole table.
    """
    own = _trust(prior, labels)
    if trust.precision(own) < 0.5:
        return by_labels
    called = _not_refuted(column, prior, labels)
    # Where nearly all that is wrong is found without labels, more is rather a mistake of the learner.
    more = by_labels if trust.recall(own) < _NEARLY_ALL else np.minimum(by_labels, prior)
    return np.where(called, np.maximum(more, prior), more)


def _not_refuted(column: Column, prior: Floats, labels: CellLabels) -> Bools:
    """What is called wrong, without the cells like several that a person calls right."""
    called = prior >= 0.5
    false = called[labels.rows] & ~labels.wrong
    for alike, own in _alike(column, labels, false & labels.sampled, [len(labels) + 1]):
        if not labels.wrong[own].any():
            called &= ~alike
    for alike, own in _alike(column, labels, false & ~labels.sampled, range(1, _CLUSTERS + 1)):
        if not labels.wrong[own].any():
            # Cells in doubt tell nothing of those that are called wrong more surely.
            called &= ~alike | (prior > prior[labels.rows[own & false]].max())
    return called


def _alike(column: Column, labels: CellLabels, false: Bools, cuts: Iterable[int]) -> Iterator[tuple[Bools, Bools]]:
    """The clusters that hold several false alarms: which cells are in each, and which labels."""
    if false.sum() < _FALSE_ALARMS:
        return
    for count in cuts:
        groups = column.clusters.cut(count)
        own = groups[labels.rows]
        for group, times in zip(*np.unique(own[false], return_counts=True), strict=True):
            if times >= _FALSE_ALARMS:
                yield groups == group, own == group
