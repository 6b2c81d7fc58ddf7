"""Functional dependencies that hold in a table, almost or fully: which attribute determines which other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dp_tools.profiling.association import Codes, Grouping, dependents_of, group_agreement, likely_determinants
from dp_tools.progress import Stage, silent
from dp_tools.tables.snapshot import Table, known_codes
from dp_tools.tables.table_profile import Dependency

_SLACK = 0.9
"""How far an estimate from a part of a long table may fall short of what all records must reach."""


def functional_dependencies(
    table: Table,
    *,
    confidence: float = 0.95,
    support: float = 0.3,
    columns: Sequence[str] | None = None,
    stage: Stage = silent,
) -> list[Dependency]:
    """Pairs of attributes where equal values on the left (nearly) always go with equal values on the right.

    Groups of one record say nothing and do not count; nor do missing values. A column that has one value for nearly
    all records is determined by anything, so what counts must clearly beat that (Kivinen and Mannila's g3 measure,
    1995, over groups of two and more).

    Args:
        table: the table.
        confidence: the least share of agreeing records, 0 to 1.
        support: the least share of records in groups of two or more, 0 to 1.
        columns: the attributes to compare (default: all). Of many, each is compared with those that are likely to
            determine it (see `likely_determinants`).
        stage: gives the progress of a stage by its name; it may raise to stop.

    Returns:
        Dependencies, the surest first.
    """
    names = list(table.columns if columns is None else columns)
    codes = np.empty((table.count, len(names)), np.int32)
    for place, column in enumerate(table.series(names)):
        codes[:, place], _ = known_codes(column)
    look = stage("comparing columns")
    found = []
    for place, (left, dependents) in enumerate(
        zip(names, dependents_of(likely_determinants(codes.T, codes)), strict=True)
    ):
        look(place, len(names))
        distinct, filled = int(codes[:, place].max(initial=-1)) + 1, int((codes[:, place] >= 0).sum())
        if distinct < 2 or distinct > 0.95 * filled:
            continue
        grouping = Grouping(codes[:, place])
        for of in dependents:
            rows, agreeing, _ = grouping.agreement(codes[:, of])
            if rows >= _SLACK * support * table.count and agreeing >= _SLACK * confidence * rows:
                found += _dependency(left, names[of], codes[:, place], codes[:, of], confidence, support)
    return sorted(found, key=lambda d: (-d.confidence * d.support, d.left, d.right))


def _dependency(left: str, right: str, a: Codes, b: Codes, confidence: float, support: float) -> list[Dependency]:
    rows, agreeing, groups = group_agreement(a, b)
    if not rows or rows < support * len(a) or agreeing < confidence * rows:
        return []
    filled = b[b >= 0]
    floor = max(np.bincount(filled).max() / len(filled), groups / rows)
    share = agreeing / rows
    if share - floor <= 0.5 * (1 - floor):
        return []
    return [
        Dependency(
            left=left,
            right=right,
            confidence=round(share, 4),
            support=round(rows / len(a), 4),
            exceptions=rows - agreeing,
        )
    ]
