"""The benchmark of whole tables: how much is found, repaired and matched, with how many questions, in what time.

A folder holds a folder per table: `dirty.csv` and `clean.csv` of the same shape, or `tableA.csv` and `tableB.csv`, with
the known matches in `matches.csv` (left_id, right_id) where they are known.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.rules.scope import key
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import Cleaner
from dp_tools.tables.match.matching import MatchOptions, match_tables
from dp_tools.tables.snapshot import Table, open_table

Rules = Literal["general", "packs"]
Row = dict[str, Any]
HEADER = ("table", "rules", "what", "precision", "recall", "F1", "and", "questions", "minutes")


def bench_tables(
    folder: Path,
    preprocessor: Preprocessor,
    *,
    only: Sequence[str] = (),
    rules: Sequence[Rules] = ("general", "packs"),
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Iterator[Row]:
    """One row per table and choice of rules, as each is done.

    A row of a dirty table: table, task "clean", rules, cells, errors, questions (distinct), decided (of these by
    checks), by_table (by data constraints), asked (of the model), detection and repair as {precision,
    recall, f1}, touched (share of clean cells that were changed), for_review, minutes. A row of two tables: table, task
    "match", rules, records, candidates, candidates_per_record, blocking_recall, precision, recall, f1, seconds. Shares
    are 0 to 1; without known matches their scores are None.

    Args:
        folder: the tables.
        preprocessor: what answers.
        only: names of tables to measure (default: all).
        rules: general rules alone, or those of each table's pack too, or one row for each.
        progress: called with (questions answered, questions known) of the table at hand.
        cancel: set it to stop.

    Raises:
        TableUnavailable: no table is there, or one cannot be read.
        InvalidRequest: a name is unknown.
    """
    tables = sorted(path for path in folder.iterdir() if _task(path)) if folder.is_dir() else []
    if not tables:
        raise TableUnavailable(
            f"{folder} holds no table folders; each has dirty.csv and clean.csv, or tableA and tableB."
        )
    names = {path.name for path in tables}
    if unknown := sorted(set(only) - names):
        raise InvalidRequest(f"There is no table {unknown[0]!r}: choose from {', '.join(sorted(names))}.")
    for path in tables:
        if only and path.name not in only:
            continue
        for choice in rules:
            work = Work(preprocessor.decider, NoJournal(), progress=progress, cancel=cancel)
            dataset = path.name if choice == "packs" else None
            measured = _clean(work, path, dataset) if _task(path) == "clean" else _match(work, path, dataset)
            yield {"table": path.name, "task": _task(path), "rules": choice, **measured}


def cells(rows: Sequence[Row]) -> list[list[str]]:
    """The rows as lines of text under `HEADER`; a dirty table takes two lines, detection and repair."""
    lines = []
    for row in rows:
        if row["task"] == "clean":
            asked, minutes = f"{row['questions']:,} for {row['cells']:,} cells", f"{row['minutes']:.1f}"
            lines.append([row["table"], row["rules"], "detect", *_scores(row["detection"]), "", asked, minutes])
            touched = f"{row['touched']:.2%} of clean cells changed"
            lines.append([row["table"], row["rules"], "repair", *_scores(row["repair"]), touched, "", ""])
        else:
            recall = "" if row["blocking_recall"] is None else f"blocking recall {row['blocking_recall']:.3f}"
            also = f"{recall} at {row['candidates_per_record']:.1f} a record"
            asked, minutes = f"{row['candidates']:,}", f"{row['seconds'] / 60:.1f}"
            lines.append([row["table"], row["rules"], "match", *_scores(row), also, asked, minutes])
    return lines


def _task(path: Path) -> str | None:
    if (path / "dirty.csv").is_file() and (path / "clean.csv").is_file():
        return "clean"
    if (path / "tableA.csv").is_file() and (path / "tableB.csv").is_file():
        return "match"
    return None


def _clean(work: Work, path: Path, dataset: str | None) -> Row:
    started = time.perf_counter()
    with open_table(path / "dirty.csv") as whole, open_table(path / "clean.csv") as clean:
        if whole.count != clean.count:
            raise TableUnavailable(f"{path.name}: dirty.csv and clean.csv differ in their number of records.")
        pairs = paired_columns(whole, clean)
        # Columns without a clean counterpart are no part of the table: one of ours says where the errors are.
        dirty = whole.only([left for left, _ in pairs])
        truth = {
            (row, name): (record[name] or "", other[twin] or "")
            for (row, record), (_, other) in zip(dirty.records(), clean.records(), strict=True)
            for name, twin in pairs
        }
        cleaner = Cleaner(work, dirty, dataset, [], promise=None)
        detection = cleaner.detect()
        repair = cleaner.repair(detection.wrong)
    errors = {cell for cell, (found, right) in truth.items() if found != right}
    flagged = {(cell.row, cell.attribute) for cell in detection.wrong}
    changed = {(change.row, change.attribute): change.new for change in repair.changes}
    right = sum(cell in errors and new == truth[cell][1] for cell, new in changed.items())
    return {
        "cells": len(truth),
        "errors": len(errors),
        "questions": detection.questions,
        "decided": detection.decided,
        "by_table": detection.by_table,
        "asked": work.asked,
        "detection": _prf(len(flagged & errors), len(flagged), len(errors)),
        "repair": _prf(right, len(changed), len(errors)),
        "touched": sum(cell not in errors for cell in changed) / max(len(truth) - len(errors), 1),
        "for_review": len(repair.doubtful),
        "minutes": (time.perf_counter() - started) / 60,
    }


def _match(work: Work, path: Path, dataset: str | None) -> Row:
    started = time.perf_counter()
    with open_table(path / "tableA.csv") as left, open_table(path / "tableB.csv") as right:
        matching = match_tables(work, left, right, MatchOptions(dataset=dataset))
        seconds = time.perf_counter() - started
        known = known_matches(path / "matches.csv", left, right) if (path / "matches.csv").is_file() else None
        found = {(a, b) for a, b, _ in matching.pairs}
        scores = {"precision": None, "recall": None, "f1": None}
        return {
            "records": [left.count, right.count],
            "candidates": len(matching.candidates),
            "candidates_per_record": matching.candidates.per_record,
            "blocking_recall": None if known is None else matching.candidates.recall(sorted(known)),
            **(scores if known is None else _prf(len(found & known), len(found), len(known))),
            "pairs": len(found),
            "seconds": seconds,
        }


def paired_columns(dirty: Table, clean: Table) -> list[tuple[str, str]]:
    """Columns of both tables that belong together: by name, or by place where too few share their name for that."""
    by_name = {key(name): name for name in dirty.columns}
    shared = [(by_name[key(name)], name) for name in clean.columns if key(name) in by_name]
    by_place = list(zip(dirty.columns, clean.columns, strict=False))
    if len(shared) == len(clean.columns):
        return shared
    other_width = len(dirty.columns) != len(clean.columns)
    return shared if other_width and len(shared) * 2 >= len(clean.columns) else by_place


def known_matches(path: Path, left: Table, right: Table) -> set[tuple[int, int]]:
    """The known matches as record numbers. Their ids stand in a column named id, or in the first."""
    places = []
    for table in (left, right):
        name = next((column for column in table.columns if key(column) == "id"), table.columns[0])
        places.append({record[name]: row for row, record in table.records()})
    with open_table(path) as matches:
        ids = [tuple(record.values())[:2] for _, record in matches.records()]
    return {(places[0][a], places[1][b]) for a, b in ids if a in places[0] and b in places[1]}


def _prf(right: int, found: int, wanted: int) -> dict[str, float]:
    precision, recall = right / max(found, 1), right / max(wanted, 1)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}


def _scores(scores: dict[str, Any]) -> list[str]:
    return ["" if scores[name] is None else f"{scores[name]:.3f}" for name in ("precision", "recall", "f1")]
