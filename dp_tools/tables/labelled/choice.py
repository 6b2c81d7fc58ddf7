"""Which rows of a table a person should label, and the file in which to do it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from dp_tools.errors import InvalidRequest
from dp_tools.progress import Stage, silent
from dp_tools.tables.identity_columns import contents
from dp_tools.tables.io.paths import new_file
from dp_tools.tables.labelled.clusters import Clusters, rows_to_label
from dp_tools.tables.labelled.detectors import Coded, detected
from dp_tools.tables.labelled.labelled_rows import ROW
from dp_tools.tables.snapshot import Table

ENOUGH = 20
"""Rows that are labelled in one sitting."""


def choose_rows(table: Table, count: int = ENOUGH, *, seed: int = 0, stage: Stage = silent) -> list[int]:
    """The rows of a table whose labels teach most, by number from 0; the same for the same table and seed.

    Args:
        table: the table.
        count: how many to choose; a table of fewer gives all.
        seed: for the choice among rows that teach the same.
        stage: gives the progress of a stage by its name; it may raise to stop.
    """
    (content,) = contents((table,), stage=stage)
    coded = {
        name: Coded.of([value or "" for value in column.to_list()])
        for name, column in zip(table.columns, table.series(), strict=True)
    }
    look, clusters = stage("comparing cells"), dict[str, Clusters]()
    for place, name in enumerate(content.columns):
        look(place, len(content.columns))
        clusters[name] = Clusters(np.asarray(detected(coded, name)[1]), seed)
    return sorted(rows_to_label(clusters, table.count, count, seed))


def write_rows_to_label(table: Table, rows: list[int], target: Path, *, overwrite: bool = False) -> None:
    """Write rows as a CSV file to be corrected: their number in the column `row`, from 1, then their values.

    Raises:
        InvalidRequest: the table has a column `row` of its own.
        TableUnavailable: something stands there, or the disk refuses.
    """
    if ROW in table.columns:
        raise InvalidRequest(
            f"{table.name} has a column {ROW} of its own, so its rows cannot be numbered: rename that column, or "
            "write the file by hand with a column whose values name each record."
        )
    with new_file(target, overwrite=overwrite) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([ROW, *table.columns])
        for number, record in table.records(rows):
            writer.writerow([number + 1, *(value or "" for value in record.values())])
