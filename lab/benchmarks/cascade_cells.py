"""How few questions the detection of errors takes, and whether its promise holds: every answer is asked once, then
comes from the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dp_tools.evaluation.bench_tables import paired_columns
from dp_tools.tables.asking import Work
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.clean.cleaning import Cleaner
from dp_tools.tables.clean.judged_cell import JudgedCell
from dp_tools.tables.snapshot import Table, open_table
from lab.benchmarks.cascade import Run


@dataclass(frozen=True, slots=True)
class CellRun(Run):
    """What a run asked and found: its questions are distinct ones, its F1 is of the wrong cells.

    Args:
        cells: of the table.
    """

    cells: int = 0


def cell_runs(work: Callable[[], Work], folder: Path, promise: Promise, seeds: Sequence[int]) -> Iterator[CellRun]:
    """A run that asks everything, and one for each seed.

    Args:
        work: makes what asks; it should keep answers in a cache.
        folder: holds dirty.csv and clean.csv.
        promise: what the verdicts "wrong" keep to.
        seeds: of the runs.
    """
    with open_table(folder / "dirty.csv") as whole, open_table(folder / "clean.csv") as clean:
        pairs = paired_columns(whole, clean)
        dirty = whole.only([name for name, _ in pairs])
        errors = {
            (row, name)
            for (row, record), (_, right) in zip(dirty.records(), clean.records(), strict=True)
            for name, twin in pairs
            if (record[name] or "") != (right[twin] or "")
        }
        wanted, size = _wrong(work(), dirty, None, 0)
        cells = dirty.count * len(pairs)
        yield CellRun(None, size, size, _f1(wanted, errors), cells=cells)
        for seed in seeds:
            found, asked = _wrong(work(), dirty, promise, seed)
            both = _by_model(found) & _by_model(wanted)
            yield CellRun(
                seed,
                asked,
                size,
                _f1(found, errors),
                _share(len(both), len(_by_model(wanted))),
                _share(len(both), len(_by_model(found))),
                cells=cells,
            )


def _wrong(work: Work, table: Table, promise: Promise | None, seed: int) -> tuple[list[JudgedCell], int]:
    """The cells that end as wrong, and how many questions that took."""
    found = Cleaner(work, table, None, [], promise=promise, seed=seed).detect().wrong
    return found, work.asked


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _by_model(cells: Sequence[JudgedCell]) -> set[int]:
    return {cell.question for cell in cells if cell.outcome.decided_by == "model"}


def _places(cells: Sequence[JudgedCell]) -> set[tuple[int, str]]:
    return {(cell.row, cell.attribute) for cell in cells}


def _f1(cells: Sequence[JudgedCell], errors: set[tuple[int, str]]) -> float:
    found = _places(cells)
    return 2 * len(found & errors) / max(len(found) + len(errors), 1)
