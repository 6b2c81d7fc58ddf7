"""Labelled instances: one case of a task with its right answer, as a line of a file holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dp_tools.errors import InvalidRequest
from dp_tools.tasks.task import RecordField

TASK_OF = {
    "EM": "match_entities",
    "SM": "match_schemas",
    "ED": "detect_errors",
    "DI": "impute",
    "CTA": "annotate_columns",
    "AVE": "extract_values",
    "EXTRA": "match_entities",
}
"""The product's task for each task folder."""

_FOLDER_OF = {task: folder for folder, task in TASK_OF.items() if folder != "EXTRA"}

SIDES = ("left", "right")
_GOLD_IDS = {"fodors-zagats": ("class",)}
"""Attributes that give the answer away (the gold cluster id), by a part of the dataset's name; never shown."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One labelled case.

    Args:
        row: the line of the file as it stands.
        label: "yes" or "no" for verdicts, the type or the value otherwise; None where the right answer is no value.
        accepted: every value that counts as right, `label` included.
    """

    row: Mapping[str, Any]
    label: str | None
    accepted: tuple[str, ...] = ()


def folder_of(task: str) -> str:
    """The folder that a task's labelled cases stand in.

    Raises:
        InvalidRequest: the task has no labelled form.
    """
    if task not in _FOLDER_OF:
        raise InvalidRequest(f"{task} cannot be measured on labelled cases; choose one of {', '.join(_FOLDER_OF)}.")
    return _FOLDER_OF[task]


def instance_of(folder: str, dataset: str, row: dict[str, Any]) -> Instance:
    """The instance that a line of a file holds.

    Args:
        folder: the task's folder, such as "EM".
        dataset: the dataset's name.
        row: the line.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: the line is not an instance of the task.
    """
    if folder in ("EM", "SM", "ED", "EXTRA"):
        label: str | None = _verdict(row["label"])
    elif folder == "CTA":
        label = text_of(row.get("label_text")) or text_of(row["label"])
    else:
        label = text_of(row["label"])
    if folder in ("EM", "EXTRA"):
        hidden = {name for part, names in _GOLD_IDS.items() if part in dataset.lower() for name in names}
        sides = {side: _without(_record(row[side]), hidden) for side in SIDES}
        return Instance({**row, **sides}, label)
    if folder in ("ED", "DI"):
        return Instance({**row, "record": _record(row["record"]), "attribute": str(row["attribute"])}, label)
    accepted = (
        () if label is None else tuple(dict.fromkeys((label, *(text_of(v) or "" for v in row.get("values") or ()))))
    )
    return Instance(row, label, accepted)


def _verdict(label: object) -> str:
    if label in (1, "1", True, "yes", "Yes"):
        return "yes"
    if label in (0, "0", False, "no", "No"):
        return "no"
    raise ValueError(f"the label {label!r} is neither 0 nor 1")


def text_of(value: object) -> str | None:
    """A value of a line as text; what is no string as JSON, None as it is."""
    return None if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _record(value: object) -> RecordField:
    """A record as the tasks take it; a bare string is a record with the one attribute "value"."""
    if isinstance(value, Mapping):
        return {str(name): text_of(cell) for name, cell in value.items()}
    return {"value": text_of(value)}


def _without(record: RecordField, hidden: set[str]) -> RecordField:
    return {name: value for name, value in record.items() if name not in hidden}


def completed(row: Mapping[str, Any]) -> RecordField:
    """An imputation row's record with its value in place."""
    return {**row["record"], row["attribute"]: text_of(row["label"])}


def identity(row: Mapping[str, Any]) -> str:
    """What tells one record of a table from another: its row id, or else all it says."""
    if row.get("row_id") is not None:
        return f"row {row['row_id']}"
    return json.dumps(row["record"], sort_keys=True)
