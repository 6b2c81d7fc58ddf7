"""How each candidate pair stands among its rivals: the other candidates of the same record, by their similarity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling.pair_features import PairFeatures
from dp_tools.tables.match.blocking import Candidates

_KINDS = ("rank", "share of best", "margin")


def rival_features(found: Candidates, *, shared: bool) -> PairFeatures:
    """Features of candidate pairs: `cosine`, and for the left and the right record of each pair

    - `rank left`: how many candidates of the record are more similar, from 0; of equal ones the earlier comes first;
    - `share of best left`: the similarity as a share of the record's highest, 0 to 1;
    - `margin left`: the similarity less that of the record's best other candidate, or less 0 where it has no other.

    Args:
        found: the candidates.
        shared: whether both sides are of one table, so that a record's rivals stand on either side.
    """
    names = ("cosine", *(f"{kind} {side}" for side in ("left", "right") for kind in _KINDS))
    values = np.empty((len(found), len(names)), np.float32)
    values[:, 0] = found.similarity
    if shared:
        of_both = _standing(np.r_[found.left, found.right], np.r_[found.similarity, found.similarity])
        values[:, 1:4], values[:, 4:] = of_both[: len(found)], of_both[len(found) :]
    else:
        values[:, 1:4] = _standing(found.left, found.similarity)
        values[:, 4:] = _standing(found.right, found.similarity)
    return PairFeatures(names, values)


def _standing(records: NDArray[np.int64], similarity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rank, share of the best and margin, a line for each entry.

    Args:
        records: of each entry the record that it belongs to.
        similarity: of each entry.
    """
    count = len(records)
    found = np.empty((count, len(_KINDS)), np.float32)
    if not count:
        return found
    order = np.lexsort((-similarity, records))
    ordered, scores = records[order], similarity[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, count])
    rank = np.arange(count) - np.repeat(starts, sizes)
    best = np.repeat(scores[starts], sizes)
    second = np.repeat(np.where(sizes > 1, scores[np.minimum(starts + 1, count - 1)], 0), sizes)
    found[order, 0] = rank
    found[order, 1] = scores / np.maximum(best, np.finfo(np.float32).tiny)
    found[order, 2] = scores - np.where(rank == 0, second, best)
    return found
