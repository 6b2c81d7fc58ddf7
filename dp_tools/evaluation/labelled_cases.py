"""A user's own labelled cases, from one file: JSON Lines as the benchmark's, or CSV where the task is flat enough."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.evaluation.instances import folder_of, instance_of
from dp_tools.evaluation.splits import Split, split_of

FLAT = ("detect_errors", "impute", "match_entities")
"""Tasks whose labelled cases may stand in a CSV file."""


def read_labelled(path: Path, *, task: str, dataset: str = "", attribute: str | None = None) -> Split:
    """Labelled cases of one task.

    JSON Lines (.jsonl, .jsonl.gz): an object a line with the fields of the benchmark's data: `record`, `attribute` and
    `label` (0 or 1) for errors; `record`, `attribute` and `label` (the value) for imputation; `left`, `right` and
    `label` (0 or 1) for matching. CSV: a column `label`, and for errors a column `attribute` beside the record's own
    columns; for matching the two records' columns as left_NAME and right_NAME; for imputation the record's columns,
    `attribute` naming what the label is the value of.

    Args:
        path: the file.
        task: the task's name.
        dataset: the dataset the cases are from.
        attribute: for imputation from CSV, the attribute that the label fills.

    Raises:
        InvalidRequest: the task has no labelled form, or a CSV file lacks a column.
        TableUnavailable: the file cannot be read, or a line of it is not a case of the task.
    """
    folder = folder_of(task)
    flat = path.name.endswith((".csv", ".tsv"))
    rows = _from_csv(path, task, attribute) if flat else _from_json_lines(path)
    instances = []
    for number, row in rows:
        try:
            instances.append(instance_of(folder, dataset, dict(row)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TableUnavailable(f"Line {number} of {path} is not a labelled case of {task}: {error}.") from error
    if not instances:
        raise TableUnavailable(f"{path} holds no labelled cases; write one a line.")
    return split_of(folder, dataset or path.stem, "data", instances)


def _from_json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise TableUnavailable(f"Line {number} of {path} is not JSON: {error}.") from error
            if not isinstance(row, dict):
                raise TableUnavailable(f"Line {number} of {path} is not a JSON object.")
            yield number, row


def _from_csv(path: Path, task: str, attribute: str | None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), delimiter="\t" if path.suffix == ".tsv" else ",")
    row_of = _rows_of(path, task, attribute, reader.fieldnames or [])
    for row in reader:
        cells = {name: value or None for name, value in row.items() if name is not None and isinstance(value, str)}
        label = cells.pop("label", None)
        yield reader.line_num, {**row_of(cells), "label": label}


def _rows_of(
    path: Path, task: str, attribute: str | None, names: Sequence[str]
) -> Callable[[dict[str, str | None]], dict[str, Any]]:
    """What makes the cells of a line, without the label, a row of the benchmark's data.

    Raises:
        InvalidRequest: the task does not fit in CSV, a column is missing, or the attribute to impute is not known.
    """
    if task not in FLAT:
        raise InvalidRequest(f"Labelled cases of {task} do not fit in CSV; give JSON Lines.")
    for needed in ("label", "attribute") if task == "detect_errors" else ("label",):
        if needed not in names:
            raise InvalidRequest(f"{path} needs a column {needed!r}; it has {', '.join(names) or 'none'}.")
    if task == "detect_errors":
        return lambda cells: {"attribute": cells.pop("attribute"), "record": cells}
    if task == "impute":
        if attribute is None:
            raise InvalidRequest("Say which attribute the labels are values of.")
        return lambda cells: {"record": cells, "attribute": attribute}
    sides = {side: [name for name in names if name.startswith(f"{side}_")] for side in ("left", "right")}
    if not all(sides.values()):
        raise InvalidRequest(f"{path} needs columns left_NAME and right_NAME for the two records.")
    return lambda cells: {side: _side(cells, side, own) for side, own in sides.items()}


def _side(cells: Mapping[str, str | None], side: str, names: Sequence[str]) -> dict[str, str | None]:
    """One record of a pair, from its own columns."""
    return {name.removeprefix(f"{side}_"): cells[name] for name in names if name in cells}


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise TableUnavailable(f"{path} cannot be read ({error}): it should be CSV or JSON Lines in UTF-8.") from error
