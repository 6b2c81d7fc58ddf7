"""Which of the pairs that counted evidence leaves open are worth a question.

A question for each open pair would be more and more of them with every file: a record that comes has more namesakes in
a larger register, and an entity more records. But the records of an entity are one, so that one answer is enough for
them all; a record is of one entity, so that those it may be of are rivals, of which the likeliest is asked about; and
where no answer can change what counting says, nothing is asked.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from dp_tools.decision import EVEN
from dp_tools.profiling.identity.judge import CERTAIN, MODEL_WEIGHT
from dp_tools.profiling.identity.many import Judgements
from dp_tools.tables.entities.grouping import Pair

_SUREST = 0.999
"""Probability beyond which the model's answers hardly go."""
_SWAY = MODEL_WEIGHT * math.log(_SUREST / (1 - _SUREST))
"""Log-odds by which an answer can move a pair's score."""
_HOME = CERTAIN / (1 - CERTAIN)
"""Odds of an entity that a record is certainly of."""


def worth_asking(
    pairs: Sequence[Pair], found: Judgements, entity_of: Mapping[int, int], arriving: Collection[int]
) -> NDArray[np.bool_]:
    """Which pairs to ask about: for what arrives as one the pair with the likeliest entity, if an answer can turn it.

    Args:
        pairs: of records.
        found: what counted evidence says of them.
        entity_of: the entities of the records that have one.
        arriving: the records that are new or have changed.
    """
    if not pairs:
        return np.zeros(0, bool)
    nodes = np.array([[_node(one, entity_of) for one in pair] for pair in pairs], np.int64)
    names, places = np.unique(nodes, return_inverse=True)
    sides = places.reshape(-1, 2)
    sure = sides[found.decides & (found.probability >= EVEN)]
    graph = sp.coo_matrix((np.ones(len(sure), np.int8), tuple(sure.T)), shape=(len(names), len(names)))
    count, group_of = connected_components(graph, directed=False)
    comes = np.zeros(count, bool)
    comes[group_of[sides[np.isin(pairs, list(arriving)).reshape(-1, 2)]]] = True
    is_old = np.zeros(count, bool)
    is_old[group_of[names >= 0]] = True
    groups = np.sort(group_of[sides], axis=1)
    open_ = np.flatnonzero(~found.decides & (groups[:, 0] != groups[:, 1]))
    order = open_[np.lexsort((open_, -found.score[open_], *groups[open_].T))]
    first = np.ones(len(order), bool)
    first[1:] = (groups[order[1:]] != groups[order[:-1]]).any(axis=1)
    likeliest = order[first]
    score, between = found.score[likeliest], groups[likeliest]
    odds = np.exp(score)
    rivals = np.bincount(between[:, 0], odds, count) + np.bincount(between[:, 1], odds, count) + _HOME * is_old
    # Any number of newcomers may be of one entity; a newcomer, or an entity with one, is of no second entity.
    has_rivals = comes[between] & (~is_old[between] | is_old[between[:, ::-1]])
    against = np.where(has_rivals, 1 + rivals[between] - odds[:, None], 1).max(axis=1)
    # The likeliest pair of each group that comes: where it stands first in the order of the scores.
    by_score = np.argsort(-score, kind="stable")
    seen, place = np.unique(between[by_score].ravel(), return_index=True)
    is_first = np.zeros(len(likeliest), bool)
    is_first[by_score[place[comes[seen]] // 2]] = True
    asked = np.zeros(len(pairs), bool)
    asked[likeliest] = is_first & (score - np.log(against) >= -_SWAY) & (score <= _SWAY)
    return asked


def _node(record: int, entity_of: Mapping[int, int]) -> int:
    """An entity by its id, and a record without one below 0."""
    entity = entity_of.get(record)
    return -record - 1 if entity is None else entity
