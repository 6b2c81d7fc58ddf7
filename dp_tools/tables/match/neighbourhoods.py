"""An order of candidate pairs in which those near one another share records, so that few are read at a time."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import reverse_cuthill_mckee

from dp_tools.tables.match.blocking import Candidates


def in_neighbourhoods(candidates: Candidates, *, shared: bool) -> NDArray[np.int64]:
    """The positions of all pairs, sorted by where their records stand in an order of small bandwidth (reverse
    Cuthill-McKee: "Reducing the bandwidth of sparse symmetric matrices", ACM 1969).

    Args:
        candidates: the pairs.
        shared: whether both sides are records of one table.
    """
    if not len(candidates):
        return np.empty(0, np.int64)
    left, right = candidates.left, candidates.right if shared else candidates.right + int(candidates.left.max()) + 1
    size = int(max(left.max(), right.max())) + 1
    one_way = sp.csr_matrix((np.ones(len(left), np.int8), (left, right)), shape=(size, size))
    rank = np.empty(size, np.int64)
    rank[reverse_cuthill_mckee(sp.csr_matrix(one_way + one_way.T), symmetric_mode=True)] = np.arange(size)
    first, second = rank[left], rank[right]
    return np.lexsort((np.maximum(first, second), np.minimum(first, second)))
