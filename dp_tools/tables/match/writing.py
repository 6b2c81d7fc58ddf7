"""Writes pairs and groups of records as CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from dp_tools.tables.asking import chunks
from dp_tools.tables.io.paths import new_file
from dp_tools.tables.match.pairing import Group, ScoredPairs
from dp_tools.tables.snapshot import Table

_PAIRS, _GROUPS = 20_000, 5_000
"""Pairs, and groups, whose records are held at once."""


def write_pairs(target: Path, left: Table, right: Table, pairs: ScoredPairs, *, overwrite: bool = False) -> None:
    """Write pairs as a CSV file: rows (from 1), score, then both records, attributes named left_… and right_….

    Raises:
        TableUnavailable: something stands there, or the disk refuses.
    """

    def lines() -> Iterator[list[object]]:
        names = [*(f"left_{name}" for name in left.columns), *(f"right_{name}" for name in right.columns)]
        yield ["left_row", "right_row", "score", *names]
        for start in range(0, len(pairs), _PAIRS):
            batch = pairs.at(slice(start, start + _PAIRS))
            lefts = dict(left.records(batch.left.tolist()))
            rights = dict(right.records(batch.right.tolist()))
            for a, b, score in batch:
                yield [a + 1, b + 1, f"{score:.4f}", *lefts[a].values(), *rights[b].values()]

    _write(target, lines(), overwrite)


def write_groups(target: Path, table: Table, groups: Sequence[Group], *, overwrite: bool = False) -> None:
    """Write groups as a CSV file, a line a member: group, row (from 1), mean score of the group, the record.

    Raises:
        TableUnavailable: something stands there, or the disk refuses.
    """

    def lines() -> Iterator[list[object]]:
        yield ["group", "row", "score", *table.columns]
        number = 0
        for batch in chunks(groups, _GROUPS):
            records = dict(table.records({row for rows, _ in batch for row in rows}))
            for rows, score in batch:
                number += 1
                for row in rows:
                    yield [number, row + 1, f"{score:.4f}", *records[row].values()]

    _write(target, lines(), overwrite)


def _write(target: Path, lines: Iterator[list[object]], overwrite: bool) -> None:
    with new_file(target, overwrite=overwrite) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
