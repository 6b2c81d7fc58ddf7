"""Labelled rows and whole records of a data folder, from train splits only, so that no test row gets in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from dp_tools.evaluation.datasets import read_datasets

Row = dict[str, Any]
Record = dict[str, str | None]
_SHORT = 60
"""Characters of a value that may come again in every row of a joined table."""


@lru_cache(maxsize=128)
def read_rows(data: Path, task: str, dataset: str, split: str = "train") -> tuple[Row, ...]:
    """The rows of a split, or none if there is no such split. EXTRA pairs come as records of one attribute."""
    (found,) = read_datasets(data, [f"{task}/{dataset}"])
    return tuple(dict(i.row) for i in found.split(split).instances) if split in found.files else ()


@lru_cache(maxsize=128)
def datasets(data: Path, task: str, leave_out: frozenset[str]) -> tuple[str, ...]:
    """The datasets of a task that are not left out, by name."""
    if not (data / task).is_dir():
        return ()
    return tuple(d.name for d in read_datasets(data, [task]) if not d.among(leave_out))


@lru_cache(maxsize=128)
def pairs(data: Path, task: str, dataset: str) -> tuple[Row, ...]:
    """The training pairs; those that stand in the test split too are dropped, whatever their label."""
    tested = {_key(row) for row in read_rows(data, task, dataset, "test")}
    return tuple(row for row in read_rows(data, task, dataset) if _key(row) not in tested)


def tables(data: Path, leave_out: frozenset[str]) -> dict[str, list[Record]]:
    """Clean records by source: the material for generated errors and gaps.

    Error-detection records are put right first; those of which not every cell is labelled are left out, because a
    wrong cell could hide in them.
    """
    found: dict[str, list[Record]] = {}
    for dataset in datasets(data, "EM", leave_out):
        for side in ("left", "right"):
            records = [row[side] for row in pairs(data, "EM", dataset)]
            if records and len(records[0]) > 1:
                found[f"EM/{dataset}/{side}"] = _distinct(records)
    for dataset in datasets(data, "ED", leave_out):
        found[f"ED/{dataset}"] = _repaired(read_rows(data, "ED", dataset))
    for dataset in datasets(data, "DI", leave_out):
        rows = read_rows(data, "DI", dataset)
        found[f"DI/{dataset}"] = _distinct({**row["record"], row["attribute"]: row["label"]} for row in rows)
    return {name: records for name, records in found.items() if len(records) >= 30}


def joined(random: Random, first: Sequence[Record], second: Sequence[Record]) -> list[Record]:
    """Records of one table, each beside records of another: values come again, and one attribute tells another.

    Real tables are often made so, and only in them can a cell be wrong because rows with the same key say otherwise.
    """
    parts = [_excerpt(random, records) for records in (first, second)]
    taken = set(parts[0][0])
    parts[1] = [{(f"{n} 2" if n in taken else n): value for n, value in record.items()} for record in parts[1]]
    rows = [{**one, **other} for one in parts[0] for other in parts[1]]
    return random.sample(rows, min(len(rows), random.choice((40, 80, 150, 300, 600))))


def _excerpt(random: Random, records: Sequence[Record]) -> list[Record]:
    few = random.sample(list(records), min(len(records), random.choice((4, 8, 15, 30))))
    short = [n for n in few[0] if all(len(record.get(n) or "") <= _SHORT for record in few)] or list(few[0])[:1]
    names = set(random.sample(short, min(len(short), random.randint(2, 5))))
    return [{n: record.get(n) for n in few[0] if n in names} for record in few]


def _repaired(rows: Iterable[Row]) -> list[Record]:
    records: dict[str, Record] = {}
    labelled: Counter[str] = Counter()
    for row in rows:
        key = str(row.get("row_id", json.dumps(row["record"], sort_keys=True)))
        record = records.setdefault(key, dict(row["record"]))
        record[row["attribute"]] = row["clean"]
        labelled[key] += 1
    return [record for key, record in records.items() if labelled[key] >= len(record)]


def _distinct(records: Iterable[Record]) -> list[Record]:
    return list({json.dumps(record, sort_keys=True): record for record in records}.values())


def _key(row: Row) -> str:
    return json.dumps([row["left"], row["right"]], sort_keys=True)
