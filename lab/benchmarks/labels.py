"""What twenty labelled rows are worth: detection and repair with and without them, where the truth is known."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dp_tools.engine.cache import AnswerCache, CachedEngine
from dp_tools.engine.questions import Engine, Question, Result, Segment
from dp_tools.evaluation.bench_tables import paired_columns
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import Cleaner
from dp_tools.tables.clean.learning import MODEL, Teaching
from dp_tools.tables.labelled.choice import choose_rows
from dp_tools.tables.labelled.comparison import Option
from dp_tools.tables.labelled.labelled_rows import LabelledRows
from dp_tools.tables.snapshot import Table, open_table
from lab.benchmarks.cleaning import CodeAlone

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


JOB = "what a job uses"
WAYS_HEADER = ("table", "way", "detection F1 of each seed", "median", "asked", "not recorded")
_Wrong = dict[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Way:
    """How many wrong cells of the rows without a label a way finds.

    Args:
        name: of the way.
        f1: of detection, 0 to 1.
        asked: questions that it asks.
    """

    name: str
    f1: float
    asked: int


class Recorded:
    """Answers from a cache alone; what is not in it counts as right.

    Args:
        engine: whose answers are in the cache.
        cache: the file.
    """

    def __init__(self, engine: Engine, cache: Path) -> None:
        self.name, self.fingerprint = engine.name, engine.fingerprint
        self.lacking = 0
        self._right = CodeAlone()
        self.answered = CachedEngine(self, AnswerCache(cache))

    def answer(
        self, questions: Sequence[Question], *, progress: Progress | None = None, cancel: threading.Event | None = None
    ) -> list[Result]:
        """What is not in the cache."""
        self.lacking += len(questions)
        return self._right.answer(questions, progress=progress, cancel=cancel)

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        return self._right.count_tokens(segments)

    def close(self) -> None:
        pass


class _EveryWay(Cleaner):
    """Finds wrong cells in every way, and notes what each calls wrong."""

    wrong: dict[str, _Wrong]
    used = ""
    asked = 0

    def _best_way(self, teaching: Teaching) -> Option:
        best = super()._best_way(teaching)
        self.asked = self._work.asked
        self._judge.ask()
        self.wrong = {}
        for option in teaching.options:
            teaching.learn(self._judge.outcomes, option)
            self.wrong[option.name] = {name: found >= 0.5 for name, found in teaching.wrong.items()}
        self.used = best.name
        return best


def who_adds_what(
    preprocessor: Preprocessor, folder: Path, seeds: Sequence[int], rows: int
) -> Iterator[tuple[int, list[Way]]]:
    """For each seed, every way to find wrong cells with rows labelled by the truth, and what a job chooses by them.

    Args:
        preprocessor: what answers; every question is asked.
        folder: holds dirty.csv and clean.csv.
        seeds: of the choice of rows, which are left out of what is counted.
        rows: how many are labelled.
    """
    with open_table(folder / "dirty.csv") as whole, open_table(folder / "clean.csv") as clean:
        pairs = paired_columns(whole, clean)
        dirty = whole.only([name for name, _ in pairs])
        right = {row: {name: record[twin] or "" for name, twin in pairs} for row, record in clean.records()}
        for seed in seeds:
            labelled = choose_rows(dirty, rows, seed=seed)
            labels = LabelledRows({row: right[row] for row in labelled}, dirty.columns)
            work = Work(preprocessor.decider, NoJournal())
            cleaner = _EveryWay(work, dirty, None, [], promise=None, labels=labels, seed=seed)
            cleaner.detect()
            counted = np.ones(dirty.count, bool)
            counted[labelled] = False
            truth = {
                name: np.array([(record[name] or "") != right[row][name] for row, record in dirty.records()])
                for name in dirty.columns
            }
            found = [
                Way(name, _f1(wrong, truth, counted), work.asked if name.startswith(MODEL) else 0)
                for name, wrong in cleaner.wrong.items()
            ]
            asked = work.asked if cleaner.used.startswith(MODEL) else cleaner.asked
            yield seed, [*found, Way(JOB, _f1(cleaner.wrong[cleaner.used], truth, counted), asked)]


def _f1(wrong: _Wrong, truth: _Wrong, counted: NDArray[np.bool_]) -> float:
    """F1 of the cells of some rows; columns that were not looked at hold errors as well."""
    hits = sum(int((wrong[name] & truth[name])[counted].sum()) for name in wrong)
    found = sum(int(cells[counted].sum()) for cells in wrong.values())
    return _scores(hits, found, sum(int(cells[counted].sum()) for cells in truth.values()))[2]
