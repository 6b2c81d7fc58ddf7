"""From scored pairs to a result: one-to-one matches, or groups that a single wrong pair cannot merge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching
from scipy.spatial.distance import squareform

ScoredPair = tuple[int, int, float]
"""Two record numbers and the probability that they are the same, 0 to 1."""
Group = tuple[list[int], float]
"""Records that are the same, by number, and their mean score."""

UNJUDGED = 0.25
"""What a pair that blocking did not propose counts for: unlikely, yet not judged."""
DIFFERENT = 0.05
"""Score up to which two records are different for certain, which counts 0."""
LEAST_LIKELY = 0.25
"""The score below which no pair is taken, however uncertain the others are: one in four would be right."""
_LARGEST = 2000
"""Records that are grouped at once; more that hang together are cut where their pairs are less certain."""
_HIGHEST = 0.99
"""Threshold from which on such a tangle is cut no further."""


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """Distinct pairs of records, each with the probability that they are the same: one entry a pair in each array."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    score: NDArray[np.float64]

    @classmethod
    def of(cls, pairs: Sequence[ScoredPair]) -> ScoredPairs:
        """The columns of these pairs."""
        left, right, score = zip(*pairs, strict=True) if pairs else ((), (), ())
        return cls(np.array(left, np.int64), np.array(right, np.int64), np.array(score, np.float64))

    def __len__(self) -> int:
        return len(self.score)

    def __iter__(self) -> Iterator[ScoredPair]:
        return zip(self.left.tolist(), self.right.tolist(), self.score.tolist(), strict=True)

    def at(self, places: NDArray[np.integer | np.bool_] | slice) -> ScoredPairs:
        """The pairs at some positions."""
        return ScoredPairs(self.left[places], self.right[places], self.score[places])


def one_to_one(pairs: ScoredPairs) -> NDArray[np.int64]:
    """Each record in at most one pair: the highest sum of scores, and of it what makes the expected F1 highest.

    Expected F1 is twice the sum of the scores taken over their number plus the sum of all; a pair raises it as long as
    its score is above half of it (Lipton, Elkan, Naryanaswamy: "Optimal thresholding of classifiers to maximize F1
    measure", ECML PKDD 2014). So pairs from one half on always count, and where much is uncertain some below it do,
    down to `LEAST_LIKELY`. Assignment is scipy's, component by component, so that a large table costs what its largest
    tangle costs.

    Args:
        pairs: all that were judged, the unlikely ones too: their scores tell how many matches there should be.

    Returns:
        Positions of the pairs taken, ordered by their records.
    """
    likely = np.flatnonzero(pairs.score >= LEAST_LIKELY)
    assigned = likely[_assigned(pairs.at(likely))]
    assigned = assigned[np.argsort(-pairs.score[assigned], kind="stable")]
    scores = pairs.score[assigned]
    before = np.cumsum(scores) - scores
    enough = scores <= before / (np.arange(len(scores)) + pairs.score.sum())
    taken = assigned[: enough.argmax()] if enough.any() else assigned
    return taken[np.lexsort((pairs.right[taken], pairs.left[taken]))]


def _assigned(pairs: ScoredPairs) -> NDArray[np.int64]:
    """Positions of the pairs in the best one-to-one pairing."""
    rows, columns = _numbered(pairs.left), _numbered(pairs.right)
    components = _components(rows, columns + len(pairs), 2 * len(pairs))[rows]
    alone = np.bincount(components, minlength=1)[components] == 1
    chosen = [np.flatnonzero(alone)]
    tangled = np.flatnonzero(~alone)
    for part in _parts(components[tangled]):
        places = tangled[part]
        chosen.append(places[_assigned_within(pairs.at(places))])
    return np.sort(np.concatenate(chosen))


def _assigned_within(pairs: ScoredPairs) -> NDArray[np.int64]:
    """Positions of the best one-to-one pairing of pairs that hang together."""
    rows, columns = _numbered(pairs.left), _numbered(pairs.right)
    height, width = int(rows.max()) + 1, int(columns.max()) + 1
    if height * width > _LARGEST**2:
        return _assigned_sparsely(pairs, rows, columns)
    place = np.full((height, width), -1)
    place[rows, columns] = np.arange(len(pairs))
    scores = np.zeros(place.shape)
    scores[rows, columns] = pairs.score
    picked = place[linear_sum_assignment(scores, maximize=True)]
    return picked[picked >= 0]


def _assigned_sparsely(pairs: ScoredPairs, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same without a cell for each two records: every row may also go to a column of its own, at no gain."""
    height, width = int(rows.max()) + 1, int(columns.max()) + 1
    own = np.arange(height)
    # A sparse matrix has no cells of 0, so that costs begin at 1.
    costs = sp.csr_matrix(
        (np.r_[2 - pairs.score, np.full(height, 2.0)], (np.r_[rows, own], np.r_[columns, width + own])),
        shape=(height, width + height),
    )
    left, right = min_weight_full_bipartite_matching(costs)
    chosen = np.full(height, -1)
    chosen[left] = right
    return np.flatnonzero(chosen[rows] == columns)


def clusters(pairs: ScoredPairs, threshold: float = 0.5) -> list[Group]:
    """Groups of records that are the same, each with its mean score.

    Groups grow while the mean over all pairs between them reaches the threshold (scipy's average linkage); then each
    record moves to the group that its pairs speak for most (the local search of correlation clustering). So one wrong
    pair between two groups is outvoted by all others between them. Pairs that were not judged count `UNJUDGED`.

    Returns:
        Groups of two and more, by their smallest record number.
    """
    # A record that is like two others which are different for certain joins one of them, and does not make them one.
    pairs = ScoredPairs(pairs.left, pairs.right, np.where(pairs.score <= DIFFERENT, 0.0, pairs.score))
    likely = pairs.at(pairs.score >= threshold)
    if not len(likely):
        return []
    size = int(max(pairs.left.max(), pairs.right.max())) + 1
    components = _components(likely.left, likely.right, size)
    inside = pairs.at(components[pairs.left] == components[pairs.right])
    found: list[Group] = []
    for part in _parts(components[inside.left]):
        if len(part) == 1:
            (a, b, score) = next(iter(inside.at(part)))
            found.append(([min(a, b), max(a, b)], score))
        else:
            found += _groups(inside.at(part), threshold)
    return sorted(found)


def split_groups(
    groups: Sequence[Group], pairs: ScoredPairs, entities: Mapping[int, int], apart: Iterable[tuple[int, int]]
) -> list[Group]:
    """The groups once they keep to labels: what is the same stands in one group, and what is not in two.

    Args:
        groups: the groups.
        pairs: all that were judged.
        entities: of each record that labels speak of, the smallest record that they say is the same.
        apart: records that labels say are not the same; of two entities each.

    Returns:
        Groups of two and more, by their smallest record number, with new scores where their records changed.
    """
    score = {(a, b): one for a, b, one in pairs}
    group_of = {row: number for number, (rows, _) in enumerate(groups) for row in rows}
    for record, first in entities.items():
        known = group_of.setdefault(first, len(groups) + first)
        mine = group_of.setdefault(record, len(groups) + record)
        if mine != known:
            group_of.update({row: known for row, one in group_of.items() if one == mine})
    members: dict[int, list[int]] = {}
    for row, one in sorted(group_of.items()):
        members.setdefault(one, []).append(row)
    found = list(members.values())
    for a, b in apart:
        rows = next((rows for rows in found if a in rows and b in rows), None)
        if rows is not None:
            found.remove(rows)
            found += _split(rows, a, b, score, entities)
    before = {tuple(rows): one for rows, one in groups}
    kept = sorted(rows for rows in found if len(rows) > 1)
    return [(rows, before.get(tuple(rows), _mean_score(rows, score))) for rows in kept]


def _split(
    rows: Sequence[int], a: int, b: int, score: Mapping[tuple[int, int], float], entities: Mapping[int, int]
) -> list[list[int]]:
    """Two groups of one, for each of two of its entities; the other entities go where their pairs score higher."""
    sides: tuple[list[int], list[int]] = ([], [])
    parts: dict[int, list[int]] = {}
    for row in rows:
        parts.setdefault(entities.get(row, row), []).append(row)
    one, two = parts.pop(entities[a]), parts.pop(entities[b])
    sides[0].extend(one)
    sides[1].extend(two)
    for part in parts.values():
        to_one, to_two = (np.mean([_between(x, y, score) for x in part for y in side]) for side in (one, two))
        sides[0 if to_one >= to_two else 1].extend(part)
    return [sorted(side) for side in sides]


def _between(a: int, b: int, score: Mapping[tuple[int, int], float]) -> float:
    return score.get((min(a, b), max(a, b)), UNJUDGED)


def _mean_score(rows: Sequence[int], score: Mapping[tuple[int, int], float]) -> float:
    return float(np.mean([_between(a, b, score) for a, b in combinations(rows, 2)]))


def _groups(judged: ScoredPairs, threshold: float) -> list[Group]:
    """The groups of records that hang together.

    Args:
        judged: all pairs among them.
        threshold: see `clusters`.
    """
    rows, places = np.unique(np.r_[judged.left, judged.right], return_inverse=True)
    if len(rows) > _LARGEST:
        return clusters(judged, (1 + threshold) / 2) if threshold < _HIGHEST else []
    score = np.full((len(rows), len(rows)), UNJUDGED)
    a, b = places[: len(judged)], places[len(judged) :]
    score[a, b] = score[b, a] = judged.score
    distance = 1 - score
    np.fill_diagonal(distance, 0)
    labels = fcluster(linkage(squareform(distance), "average"), 1 - threshold, criterion="distance")
    labels = _reassigned(labels, 1 - distance - threshold)
    groups = (np.flatnonzero(labels == label) for label in np.unique(labels))
    return [(rows[group].tolist(), _mean_between(score, group)) for group in groups if len(group) > 1]


def _mean_between(score: NDArray[np.float64], group: NDArray[np.int64]) -> float:
    """The mean score of all pairs of a group."""
    return float(score[np.ix_(group, group)][np.triu_indices(len(group), 1)].mean())


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


def _components(a: NDArray[np.integer], b: NDArray[np.integer], size: int) -> NDArray[np.int32]:
    """The connected component of each of `size` nodes, where each `a` is joined to its `b`."""
    graph = sp.coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(size, size))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels


def _parts(labels: NDArray[np.integer]) -> Iterator[NDArray[np.int64]]:
    """The positions of each label, in order."""
    order = np.argsort(labels, kind="stable")
    ends = np.flatnonzero(np.diff(labels[order])) + 1
    yield from np.split(order, ends) if len(order) else ()


def _numbered(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The values by number, in order of first appearance."""
    _, first, places = np.unique(values, return_index=True, return_inverse=True)
    numbers = np.empty(len(first), np.int64)
    numbers[np.argsort(first)] = np.arange(len(first))
    return numbers[places]
