"""How well the cells of a table are judged and repaired where the truth is known, with a model or by code alone."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dp_tools.engine.questions import GeneratedValue, Labels, LabelScores, Question, Result, Segment
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import Cleaner
from dp_tools.tables.snapshot import Table, inline_table, open_table
from lab.synthetic.kind_tables import make

Cell = tuple[int, str]
HEADER = (
    *("table", "cells", "wrong", "found", "of these wrong", "false in the worst column", "changed", "rightly"),
    *("right cells changed", "for review", "by code", "asked", "seconds"),
)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was made of a table; see `HEADER`."""

    name: str
    cells: int
    wrong: int
    found: int
    hits: int
    worst: float
    changed: int
    rightly: int
    touched: int
    review: int
    by_code: int
    asked: int
    seconds: float

    def line(self) -> list[str]:
        """The figures under `HEADER`."""
        numbers = (self.changed, self.rightly, self.touched, self.review, self.by_code, self.asked)
        head = (self.name, f"{self.cells}", f"{self.wrong}", f"{self.found}", f"{self.hits}", f"{self.worst:.1%}")
        return [*head, *map(str, numbers), f"{self.seconds:.1f}"]


class CodeAlone:
    """Stands for a model that finds nothing wrong, so that only what code decides is counted."""

    name = "code alone"
    fingerprint = "code alone"

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,  # noqa: ARG002
        cancel: threading.Event | None = None,  # noqa: ARG002
    ) -> list[Result]:
        return [
            LabelScores((0.0, 1.0), self.name)
            if isinstance(question.answer, Labels)
            else GeneratedValue(question.answer.or_else[0] if question.answer.or_else else "", 0.0, (), self.name)
            for question in questions
        ]

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        return len(segments)

    def close(self) -> None:
        pass


def clean_file(preprocessor: Preprocessor, dirty: Path, clean: Path | None) -> Cleaned:
    """Clean a file; without its clean twin every cell of it counts as right."""
    with open_table(dirty) as table:
        if clean is None:
            return _cleaned(preprocessor, dirty.stem, table, {})
        with open_table(clean) as twin:
            pairs = zip(table.records(), twin.records(), strict=True)
            truth = {
                (row, name): right[name] or ""
                for (row, record), (_, right) in pairs
                for name in table.columns
                if name in right and (record[name] or "") != (right[name] or "")
            }
        return _cleaned(preprocessor, dirty.stem, table, truth)


def clean_synthetic(
    preprocessor: Preprocessor, names: Sequence[str], rows: int, seeds: Sequence[int], share: float
) -> Iterator[Cleaned]:
    """Clean synthetic tables (see `lab.synthetic.kind_tables`)."""
    for name in names:
        for seed in seeds:
            made = make(name, rows, seed, share)
            with inline_table(made.rows) as table:
                truth = {cell: value for cell, (_, value) in made.truth.items()}
                yield _cleaned(preprocessor, f"{name} {seed}", table, truth)


def _cleaned(preprocessor: Preprocessor, name: str, table: Table, truth: Mapping[Cell, str]) -> Cleaned:
    work, started = Work(preprocessor.decider, NoJournal()), time.perf_counter()
    cleaner = Cleaner(work, table, None, [])
    detection = cleaner.detect()
    repair = cleaner.repair(detection.wrong)
    found = {(cell.row, cell.attribute) for cell in detection.wrong}
    changed = {(change.row, change.attribute): change.new for change in repair.changes}
    false = Counter(attribute for row, attribute in found if (row, attribute) not in truth)
    return Cleaned(
        name,
        detection.cells,
        len(truth),
        len(found),
        len(found & truth.keys()),
        max(false.values(), default=0) / max(table.count, 1),
        len(changed),
        sum(truth.get(cell) == new for cell, new in changed.items()),
        sum(cell not in truth for cell in changed),
        len(repair.doubtful),
        detection.by_table,
        work.asked,
        time.perf_counter() - started,
    )
