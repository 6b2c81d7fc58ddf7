"""What twenty labelled rows are worth: detection and repair with and without them, where the truth is known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dp_tools.evaluation.bench_tables import paired_columns
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import Cleaner
from dp_tools.tables.labelled.choice import choose_rows
from dp_tools.tables.labelled.labelled_rows import LabelledRows
from dp_tools.tables.snapshot import Table, open_table

Cell = tuple[int, str]
HEADER = (
    *("table", "seed", "labelled rows", "wrong cells", "used", "detection: precision, recall, F1"),
    *("repair: precision, recall, F1", "with those for review, F1", "asked", "seconds"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found and repaired in a table, labelled rows left out of the count; see `HEADER`."""

    table: str
    seed: int
    labelled: int
    wrong: int
    used: str
    detection: tuple[float, float, float]
    repair: tuple[float, float, float]
    reviewed: float
    asked: int
    seconds: float

    def line(self) -> list[str]:
        """The figures under `HEADER`."""
        shares = [", ".join(f"{one:.3f}" for one in scores) for scores in (self.detection, self.repair)]
        head = [self.table, f"{self.seed}", f"{self.labelled}", f"{self.wrong:,}", self.used]
        return [*head, *shares, f"{self.reviewed:.3f}", f"{self.asked:,}", f"{self.seconds:.0f}"]


def measure(preprocessor: Preprocessor, folder: Path, seeds: list[int], rows: int) -> Iterator[Measured]:
    """Clean a table of dirty.csv whose truth is clean.csv: without labels once, then with rows labelled by the truth.

    Args:
        preprocessor: what answers.
        folder: holds both files.
        seeds: of the choice of rows, one run each; its rows are left out of what is counted.
        rows: how many are labelled.
    """
    with open_table(folder / "dirty.csv") as whole, open_table(folder / "clean.csv") as clean:
        pairs = paired_columns(whole, clean)
        dirty = whole.only([name for name, _ in pairs])
        right = {row: {name: record[twin] or "" for name, twin in pairs} for row, record in clean.records()}
        yield _measured(preprocessor, folder.name, dirty, right, 0, [])
        for seed in seeds:
            yield _measured(preprocessor, folder.name, dirty, right, seed, choose_rows(dirty, rows, seed=seed))


def _measured(
    preprocessor: Preprocessor, name: str, dirty: Table, right: dict[int, dict[str, str]], seed: int, rows: list[int]
) -> Measured:
    labels = LabelledRows({row: right[row] for row in rows}, dirty.columns) if rows else None
    work, started = Work(preprocessor.decider, NoJournal()), time.perf_counter()
    cleaner = Cleaner(work, dirty, None, [], promise=None, labels=labels, seed=seed)
    detection = cleaner.detect()
    repair = cleaner.repair(detection.wrong)
    counted = set(right) - set(rows)
    truth: dict[Cell, str] = {
        (row, column): right[row][column]
        for row, record in dirty.records()
        if row in counted
        for column, value in record.items()
        if (value or "") != right[row][column]
    }
    found = {(cell.row, cell.attribute) for cell in detection.wrong if cell.row in counted}
    made = {(change.row, change.attribute): change.new for change in repair.changes if change.row in counted}
    doubtful = {(change.row, change.attribute): change.new for change in repair.doubtful if change.row in counted}
    return Measured(
        name,
        seed,
        len(rows),
        len(truth),
        "" if detection.taught is None else detection.taught.best.name,
        _scores(len(found & truth.keys()), len(found), len(truth)),
        _repaired(made, truth),
        _repaired(made | doubtful, truth)[2],
        work.asked,
        time.perf_counter() - started,
    )


def _repaired(made: dict[Cell, str], truth: dict[Cell, str]) -> tuple[float, float, float]:
    return _scores(sum(truth.get(cell) == new for cell, new in made.items()), len(made), len(truth))


def _scores(right: int, found: int, wanted: int) -> tuple[float, float, float]:
    precision, recall = right / max(found, 1), right / max(wanted, 1)
    return precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0
