"""Functional dependencies that hold in a table, almost or fully: which attribute determines which other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dp_tools.tables.answers import Dependency
from dp_tools.tables.table import Table, known

WIDEST = 60
"""Attributes that are compared with each other; the first ones of a wider table."""


def functional_dependencies(
    table: Table, *, confidence: float = 0.95, support: float = 0.3, columns: Sequence[str] | None = None
) -> list[Dependency]:
    """Pairs of attributes where equal values on the left (nearly) always go with equal values on the right.

    Groups of one record say nothing and do not count; nor do missing values. A column that has one value for nearly
    all records is determined by anything, so what counts must clearly beat that (Kivinen and Mannila's g3 measure,
    1995, over groups of two and more).

    Args:
        table: the table.
        confidence: the least share of agreeing records, 0 to 1.
        support: the least share of records in groups of two or more, 0 to 1.
        columns: the attributes to compare (default: all, at most `WIDEST`).

    Returns:
        Dependencies, the surest first.
    """
    names = list(table.columns if columns is None else columns)[:WIDEST]
    codes = {name: column_codes(table, known(name)) for name in names}
    found = []
    for left in names:
        distinct = int(codes[left].max(initial=-1)) + 1
        filled = int((codes[left] >= 0).sum())
        if distinct < 2 or distinct > 0.95 * filled:
            continue
        for right in names:
            if right != left:
                dependency = _dependency(left, right, codes[left], codes[right], confidence, support)
                found += [dependency] if dependency else []
    return sorted(found, key=lambda d: (-d.confidence * d.support, d.left, d.right))


def column_codes(table: Table, column: pl.Expr) -> NDArray[np.int32]:
    """A column as numbers in record order: equal for equal values, 0 to distinct - 1, and -1 for missing ones."""
    values = table.scan().select(column).collect().to_series()
    return values.rank("dense").cast(pl.Int32).fill_null(0).to_numpy().astype(np.int32) - 1


def group_agreement(left: NDArray[np.int32], right: NDArray[np.int32]) -> tuple[int, int, int]:
    """Over the groups of two and more records with one left value: records, those with their group's majority value on
    the right, and groups. Records without a value on either side do not count."""
    both = (left >= 0) & (right >= 0)
    if not both.any():
        return 0, 0, 0
    width = np.int64(right.max()) + 1
    pairs, counts = np.unique(left[both].astype(np.int64) * width + right[both], return_counts=True)
    groups = pairs // width
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    totals = np.add.reduceat(counts, starts)
    tops = np.maximum.reduceat(counts, starts)
    sized = totals >= 2
    return int(totals[sized].sum()), int(tops[sized].sum()), int(sized.sum())


def _dependency(
    left: str, right: str, a: NDArray[np.int32], b: NDArray[np.int32], confidence: float, support: float
) -> Dependency | None:
    rows, agreeing, groups = group_agreement(a, b)
    if not rows or rows < support * len(a) or agreeing < confidence * rows:
        return None
    filled = b[b >= 0]
    floor = max(np.bincount(filled).max() / len(filled), groups / rows)
    share = agreeing / rows
    if share - floor <= 0.5 * (1 - floor):
        return None
    return Dependency(
        left=left, right=right, confidence=round(share, 4), support=round(rows / len(a), 4), exceptions=rows - agreeing
    )
