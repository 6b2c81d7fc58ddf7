"""From scored pairs to a result: one-to-one matches, or groups that a single wrong pair cannot merge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

ScoredPair = tuple[int, int, float]
"""Two record numbers and the probability that they are the same, 0 to 1."""

UNJUDGED = 0.25
"""What a pair that blocking did not propose counts for: unlikely, yet not judged."""
LEAST_LIKELY = 0.25
"""The score below which no pair is taken, however uncertain the others are: one in four would be right."""
_LARGEST = 2000


def one_to_one(pairs: Sequence[ScoredPair]) -> list[ScoredPair]:
    """Each record in at most one pair: the highest sum of scores, and of it what makes the expected F1 highest.

    Expected F1 is twice the sum of the scores taken over their number plus the sum of all; a pair raises it as long as
    its score is above half of it (Lipton, Elkan, Naryanaswamy: "Optimal thresholding of classifiers to maximize F1
    measure", ECML PKDD 2014). So pairs from one half on always count, and where much is uncertain some below it do,
    down to `LEAST_LIKELY`. Assignment is scipy's, component by component, so that a large table costs what its largest
    tangle costs.

    Args:
        pairs: all that were judged, the unlikely ones too: their scores tell how many matches there should be.
    """
    assigned = sorted(_assigned([pair for pair in pairs if pair[2] >= LEAST_LIKELY]), key=lambda pair: -pair[2])
    expected = sum(score for _, _, score in pairs)
    taken = 0.0
    for count, pair in enumerate(assigned):
        if pair[2] <= taken / (count + expected):
            return sorted(assigned[:count])
        taken += pair[2]
    return sorted(assigned)


def _assigned(likely: list[ScoredPair]) -> list[ScoredPair]:
    if not likely:
        return []
    lefts = {row: place for place, row in enumerate(sorted({left for left, _, _ in likely}))}
    rights = {row: place for place, row in enumerate(sorted({right for _, right, _ in likely}))}
    chosen = []
    for part in _components([(lefts[a], len(lefts) + rights[b], s) for a, b, s in likely], len(lefts) + len(rights)):
        chosen += _assigned_within([likely[place] for place in part])
    return chosen


def _assigned_within(members: list[ScoredPair]) -> list[ScoredPair]:
    """The best one-to-one pairing of pairs that hang together."""
    rows = {row: place for place, row in enumerate(dict.fromkeys(left for left, _, _ in members))}
    columns = {row: place for place, row in enumerate(dict.fromkeys(right for _, right, _ in members))}
    scores = np.zeros((len(rows), len(columns)))
    for left, right, score in members:
        scores[rows[left], columns[right]] = score
    picked = set(zip(*(axis.tolist() for axis in linear_sum_assignment(scores, maximize=True)), strict=True))
    return [pair for pair in members if (rows[pair[0]], columns[pair[1]]) in picked]


def clusters(pairs: Sequence[ScoredPair], threshold: float = 0.5) -> list[tuple[list[int], float]]:
    """Groups of records that are the same, each with its mean score.

    Groups grow while the mean over all pairs between them reaches the threshold (scipy's average linkage); then each
    record moves to the group that its pairs speak for most (the local search of correlation clustering). So one wrong
    pair between two groups is outvoted by all others between them. Pairs that were not judged count `UNJUDGED`.

    Returns:
        Groups of two and more, by their smallest record number.
    """
    likely = [pair for pair in pairs if pair[2] >= threshold]
    if not likely:
        return []
    places = {row: place for place, row in enumerate(sorted({row for pair in likely for row in pair[:2]}))}
    judged = {(min(a, b), max(a, b)): score for a, b, score in pairs}
    found = []
    for part in _components([(places[a], places[b], s) for a, b, s in likely], len(places)):
        rows = sorted({row for place in part for row in likely[place][:2]})
        groups = (group for group in _groups(rows, judged, threshold) if len(group) > 1)
        found += [(group, _mean_score(group, judged)) for group in groups]
    return sorted(found)


def _mean_score(group: list[int], judged: dict[tuple[int, int], float]) -> float:
    between = [judged.get((a, b), UNJUDGED) for i, a in enumerate(group) for b in group[i + 1 :]]
    return float(np.mean(between))


def _groups(rows: list[int], judged: dict[tuple[int, int], float], threshold: float) -> list[list[int]]:
    if len(rows) > _LARGEST:
        return [[row] for row in rows]
    distance = np.full((len(rows), len(rows)), 1 - UNJUDGED)
    np.fill_diagonal(distance, 0)
    for i, a in enumerate(rows):
        for j in range(i + 1, len(rows)):
            score = judged.get((a, rows[j]))
            if score is not None:
                distance[i, j] = distance[j, i] = 1 - score
    labels = fcluster(linkage(squareform(distance), "average"), 1 - threshold, criterion="distance")
    groups: dict[int, list[int]] = {}
    for row, label in zip(rows, _reassigned(labels, 1 - distance - threshold).tolist(), strict=True):
        groups.setdefault(label, []).append(row)
    return list(groups.values())


def _reassigned(labels: NDArray[np.int32], gains: NDArray[np.float64]) -> NDArray[np.int32]:
    """The labels once each record is where it gains most. Every move raises the sum of gains, so it ends."""
    gains = gains.copy()
    np.fill_diagonal(gains, 0)
    moved = True
    while moved:
        moved = False
        for place in range(len(labels)):
            sums = np.bincount(labels, weights=gains[place], minlength=len(labels) + 1)
            alone = int(np.setdiff1d(np.arange(len(labels) + 1), np.delete(labels, place))[0])
            best = int(sums.argmax()) if sums.max() > 0 else alone
            if sums[best] > sums[labels[place]] + 1e-9:
                labels[place] = best
                moved = True
    return labels


def _components(pairs: Sequence[ScoredPair], size: int) -> list[list[int]]:
    """Positions of the pairs by connected component, in order of first appearance."""
    a = np.array([pair[0] for pair in pairs])
    b = np.array([pair[1] for pair in pairs])
    graph = sp.coo_matrix((np.ones(len(pairs)), (a, b)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    parts: dict[int, list[int]] = {}
    for place, label in enumerate(labels[a].tolist()):
        parts.setdefault(label, []).append(place)
    return list(parts.values())
