"""Labelled rows and whole records of a data folder, read from train splits only, so that no test row gets in."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Record = dict[str, str | None]
DROPPED = {"Fodors-Zagats": {"class"}}
"""Attributes that give the answer away."""


@lru_cache(maxsize=64)
def read_rows(path: Path) -> tuple[Row, ...]:
    """The rows of a split, or none if the file does not exist."""
    if not path.exists():
        return ()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)


def datasets(data: Path, task: str, leave_out: frozenset[str]) -> list[str]:
    """The datasets of a task that are not left out, by name."""
    return sorted(p.name for p in (data / task).glob("*") if p.is_dir() and f"{task}/{p.name}" not in leave_out)


def pairs(data: Path, task: str, dataset: str, split: str = "train") -> list[Row]:
    """Pairs of a split; training pairs that stand in the test split too are dropped, whatever their label."""
    dropped = DROPPED.get(dataset, set())
    rows = [
        {**row, "left": _without(row["left"], dropped), "right": _without(row["right"], dropped)}
        for row in read_rows(data / task / dataset / f"{split}.jsonl.gz")
    ]
    if split == "test":
        return rows
    tested = {_key(row["left"], row["right"]) for row in pairs(data, task, dataset, "test")}
    return [row for row in rows if _key(row["left"], row["right"]) not in tested]


def tables(data: Path, leave_out: frozenset[str]) -> dict[str, list[Record]]:
    """Clean records by source, from train splits: the material for generated errors and gaps.

    Error-detection records are put right first; those of which not every cell is labelled are left out, because a
    wrong cell could hide in them.
    """
    found: dict[str, list[Record]] = {}
    for dataset in datasets(data, "EM", leave_out):
        rows = pairs(data, "EM", dataset)
        for side in ("left", "right"):
            if rows and len(rows[0][side]) > 1:
                found[f"EM/{dataset}/{side}"] = _distinct(row[side] for row in rows)
    for dataset in datasets(data, "ED", leave_out):
        found[f"ED/{dataset}"] = _repaired(read_rows(data / "ED" / dataset / "train.jsonl.gz"))
    for dataset in datasets(data, "DI", leave_out):
        rows = list(read_rows(data / "DI" / dataset / "train.jsonl.gz"))
        found[f"DI/{dataset}"] = _distinct({**row["record"], row["attribute"]: row["label"]} for row in rows)
    return {name: records for name, records in found.items() if len(records) >= 30}


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


def _without(record: Any, dropped: set[str]) -> Any:
    return {k: v for k, v in record.items() if k not in dropped} if isinstance(record, dict) else record


def _key(left: object, right: object) -> str:
    return json.dumps([left, right], sort_keys=True)
