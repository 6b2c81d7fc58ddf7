"""Groups of cells of a column about which the detectors agree, and the rows whose labels teach most of them.

As in Raha (Mahdavi et al., SIGMOD 2019): the cells of a column are clustered by what the detectors say of them, rows
are chosen that hold cells of many clusters without a label, and a label then speaks for its cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_tools.tables.cascade.surrogate import one_thread

Labels = NDArray[np.int64]

LEVELS = 4
"""Levels that a number has for clusters, evenly filled."""
MOST = 1_500
"""Distinct lines that are clustered; the others join the cluster of the nearest of these."""


class Clusters:
    """The clusters of one column.

    Args:
        features: what the detectors say, one line a cell.
        seed: for which lines are clustered where there are too many.
    """

    def __init__(self, features: NDArray[np.floating[Any]], seed: int) -> None:
        from scipy.cluster.hierarchy import linkage

        lines, self._line, counts = np.unique(_levels(features), axis=0, return_inverse=True, return_counts=True)
        self._line = self._line.reshape(-1)
        rng = np.random.default_rng(seed)
        chosen = np.arange(len(lines))
        if len(lines) > MOST:
            chosen = np.sort(rng.choice(len(lines), MOST, replace=False, p=counts / counts.sum()))
        with one_thread():
            kept = lines[chosen].astype(np.float32)
            self._tree = linkage(kept, "average", "cosine") if len(chosen) > 1 else None
            self._nearest = _nearest(lines.astype(np.float32), kept) if len(chosen) < len(lines) else chosen

    def cut(self, count: int) -> Labels:
        """The cluster of each cell, where there are up to so many."""
        from scipy.cluster.hierarchy import fcluster

        if self._tree is None:
            return np.zeros(len(self._line), np.int64)
        groups = fcluster(self._tree, count, "maxclust").astype(np.int64) - 1
        return groups[self._nearest][self._line]


def _levels(features: NDArray[np.floating[Any]]) -> NDArray[np.int8]:
    """The detectors as bits: whether a number is above each of the levels of its column. The last bit is always set."""
    bits = []
    for column in features.T:
        known = column[~np.isnan(column)]
        if not len(known):
            continue
        marks = np.unique(np.quantile(known, np.linspace(0, 1, LEVELS + 1)[1:-1], method="lower"))
        low, high = known.min(), known.max()
        for mark in dict.fromkeys([low, *marks.tolist()]):
            if mark < high:
                with np.errstate(invalid="ignore"):
                    bits.append(column > mark)
        if len(known) < len(column):
            bits.append(np.isnan(column))
    return np.column_stack([*bits, np.ones(len(features), bool)]).astype(np.int8)


def _nearest(lines: NDArray[np.float32], kept: NDArray[np.float32]) -> Labels:
    """The place of the kept line that is nearest to each line by its angle."""
    unit = kept / np.linalg.norm(kept, axis=1, keepdims=True)
    parts = [np.argmax(lines[start : start + 4096] @ unit.T, axis=1) for start in range(0, len(lines), 4096)]
    return np.concatenate(parts)


def rows_to_label(
    clusters: Mapping[str, Clusters], rows: int, count: int, seed: int, *, labelled: Sequence[int] = ()
) -> list[int]:
    """The rows whose labels teach most, one after the other.

    Args:
        clusters: of each column.
        rows: how many the table has.
        count: how many to choose.
        seed: for the choice among rows that teach the same.
        labelled: rows that have labels already.

    Returns:
        New rows, fewer where the table has no more.
    """
    chosen = list(labelled)
    random = np.random.default_rng(seed).random(rows)
    for _ in range(min(count, rows - len(chosen))):
        score = np.zeros(rows)
        for column in clusters.values():
            groups = column.cut(len(chosen) + 2)
            labels = (
                np.bincount(groups[chosen], minlength=int(groups.max()) + 1) if chosen else np.zeros(groups.max() + 1)
            )
            score += np.exp(-labels)[groups]
        score[chosen] = -np.inf
        chosen.append(int(np.lexsort((random, score))[-1]))
    return chosen[len(labelled) :]
