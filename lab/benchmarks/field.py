"""What the command line makes of a folder of small files whose right values stand beside them.

The commands run in processes of their own, so that another version of dp-tools can be measured the same way.
"""

from __future__ import annotations

import csv
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

HEADER = (
    *("file", "job", "right values", "found", "of these right", "precision", "recall"),
    *("false in the worst column", "changed", "rightly", "for review", "seconds"),
)
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Done:
    """What was made of a file; see `HEADER`.

    Args:
        file, job: what was given, and to which command.
        truth: pairs, columns, wrong cells or values that are to be found.
        found, right: what was found, and how much of it is right.
        worst: false alarms in the worst column, as a share of its cells; None where no cell is judged.
        changed, rightly: cells that were changed, and how many of them to the right value; None where none is.
        review: what is left to a person.
        seconds: of all commands together.
    """

    file: str
    job: str
    truth: int
    found: int
    right: int
    review: int
    seconds: float
    worst: float | None = None
    changed: int | None = None
    rightly: int | None = None

    def line(self) -> list[str]:
        """The figures under `HEADER`."""
        precision = f"{self.right / self.found:.2f}" if self.found else ""
        recall = f"{self.right / self.truth:.2f}" if self.truth else ""
        changes = ["" if count is None else f"{count}" for count in (self.changed, self.rightly)]
        worst = "" if self.worst is None else f"{self.worst:.1%}"
        head = [self.file, self.job, f"{self.truth}", f"{self.found}", f"{self.right}", precision, recall]
        return [*head, worst, *changes, f"{self.review}", f"{self.seconds:.0f}"]


class Field:
    """Runs the commands on the files of a folder.

    Args:
        folder: the files, with their right values in NAME.truth.json or, of NAME_dirty.csv, in NAME_clean.csv.
        command: what starts dp-tools.
        scratch: an empty folder for results, jobs and the knowledge store.
    """

    def __init__(self, folder: Path, command: Sequence[str], scratch: Path) -> None:
        self._folder, self._command, self._scratch = folder, command, scratch

    def measured(self) -> Iterator[Done]:
        """What is made of each file, in the order of their names."""
        for file in sorted(self._folder.glob("*.csv")):
            stem = file.stem
            truth = self._truth(stem.removesuffix("_a"))
            if stem.endswith(("_b", "_clean")):
                continue
            if "entity_of_row" in truth:
                yield self._dedupe(file, truth["entity_of_row"])
            elif "pairs_of_rows_a_b" in truth:
                yield self._match(file, {(left, right) for left, right in truth["pairs_of_rows_a_b"]})
            elif stem.endswith("_a"):
                yield self._columns(file, truth)
            elif stem.endswith("_gaps"):
                yield self._fill(file, truth)
                yield self._fill(file, truth, listed=True)
            elif truth:
                yield self._extract(file, *truth.items())
            else:
                yield self._clean(file)

    def _truth(self, stem: str) -> dict[str, Any]:
        path = self._folder / f"{stem}.truth.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def _dedupe(self, file: Path, entities: Sequence[str]) -> Done:
        seconds = self._job("dedupe", file)
        groups: dict[str, list[int]] = {}
        for row in self._result(file):
            groups.setdefault(row["group"], []).append(int(row["row"]))
        found = {pair for rows in groups.values() for pair in combinations(sorted(rows), 2)}
        rows = range(1, len(entities) + 1)
        truth = {(one, two) for one, two in combinations(rows, 2) if entities[one - 1] == entities[two - 1]}
        return self._done(file, "dedupe", truth, found, seconds)

    def _match(self, file: Path, truth: set[tuple[int, int]]) -> Done:
        seconds = self._job("match-tables", file, str(_other(file)))
        found = {(int(row["left_row"]), int(row["right_row"])) for row in self._result(file)}
        return self._done(file, "match-tables", truth, found, seconds)

    def _columns(self, file: Path, truth: Mapping[str, str]) -> Done:
        out = self._scratch / f"{file.stem}.csv"
        seconds = self._run("match-schemas", str(file), str(_other(file)), "-o", str(out))
        rows = _rows(out)
        found = {(row["left"], row["right"]) for row in rows if row["match"] == "yes" and row["assigned"] == "yes"}
        return self._done(file, "match-schemas", set(truth.items()), found, seconds)

    def _fill(self, file: Path, truth: Mapping[str, str], *, listed: bool = False) -> Done:
        rows = _rows(file)
        (column,) = (name for name in rows[0] if not all(row[name] for row in rows))
        values = sorted({*truth.values(), *(row[column] for row in rows if row[column])})
        allowed = [part for value in values for part in ("--allowed", value)] if listed else []
        seconds = self._job("fill", file, "-a", column, *allowed)
        filled = {
            (number, new[column])
            for number, (old, new) in enumerate(zip(rows, self._result(file), strict=True), start=1)
            if new[column] != old[column]
        }
        wanted = {(int(number), value) for number, value in truth.items()}
        return self._done(file, "fill, values listed" if listed else "fill", wanted, filled, seconds)

    def _extract(self, file: Path, truth: tuple[str, Sequence[Sequence[str | None]]]) -> Done:
        names, values = truth[0].removesuffix("_by_row").split("_"), truth[1]
        wanted = {
            (number, name, value)
            for number, row in enumerate(values, start=1)
            for name, value in zip(names, row, strict=True)
            if value
        }
        text = list(_rows(file)[0])[-1]
        out = self._scratch / f"{file.stem}.csv"
        attributes = [part for name in names for part in ("-a", name)]
        seconds = self._run("extract", str(file), "-c", text, *attributes, "-o", str(out))
        found = {(int(row["row"]), row["attribute"], row["value"]) for row in _rows(out) if row["value"]}
        return self._done(file, "extract", wanted, found, seconds)

    def _clean(self, file: Path) -> Done:
        dirty = _rows(file)
        twin = file.with_name(file.name.replace("_dirty", "_clean"))
        clean = _rows(twin)
        right = {
            (number, name): new[name]
            for number, (old, new) in enumerate(zip(dirty, clean, strict=True), start=1)
            for name in old
            if old[name] != new[name]
        }
        seconds = self._job("clean", file, "--detect-only")
        found = {(int(row["row"]), row["attribute"]) for row in self._result(file)}
        false = Counter(name for _, name in found - right.keys())
        seconds += self._job("clean", file)
        changed = {
            (number, name): new[name]
            for number, (old, new) in enumerate(zip(dirty, self._result(file), strict=True), start=1)
            for name in old
            if old[name] != new[name]
        }
        done = self._done(file, "clean", set(right), found, seconds)
        rightly = sum(right.get(cell) == new for cell, new in changed.items())
        worst = max(false.values(), default=0) / len(dirty)
        return Done(
            *(done.file, done.job, done.truth, done.found, done.right, done.review, done.seconds),
            worst=worst,
            changed=len(changed),
            rightly=rightly,
        )

    def _done(
        self, file: Path, job: str, truth: AbstractSet[object], found: AbstractSet[object], seconds: float
    ) -> Done:
        review = self._scratch / f"{file.stem}.review.csv"
        waiting = len(_rows(review)) if review.exists() else 0
        return Done(file.stem, job, len(truth), len(found), len(truth & found), waiting, seconds)

    def _result(self, file: Path) -> list[Row]:
        return _rows(self._scratch / f"{file.stem}.csv")

    def _job(self, command: str, file: Path, *more: str) -> float:
        for old in self._scratch.glob(f"{file.stem}.*"):
            old.unlink()
        out = self._scratch / f"{file.stem}.csv"
        return self._run(command, str(file), *more, "-o", str(out), "--state", str(self._scratch / "jobs"))

    def _run(self, *arguments: str) -> float:
        started = time.perf_counter()
        own = ("--knowledge", str(self._scratch / "knowledge.sqlite"))
        done = subprocess.run([*self._command, *arguments, *own], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} failed: {done.stderr.strip()[-500:]}")
        return time.perf_counter() - started


def _other(file: Path) -> Path:
    return file.with_name(f"{file.stem.removesuffix('_a')}_b.csv")


def _rows(path: Path) -> list[Row]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252")
    head = text.partition("\n")[0]
    return list(csv.DictReader(text.splitlines(), delimiter=";" if head.count(";") > head.count(",") else ","))
