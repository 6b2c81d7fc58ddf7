"""The change log of a file: each change with its reason, as JSON Lines beside the result, and how to undo it.

The first line says how the file was read, each further line is one change, the last one identifies the result. For text
formats the first change of a record carries the record as it stood, so that undoing restores the file bit for bit.
"""

from __future__ import annotations

import json
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from dp_tools.errors import TableUnavailable
from dp_tools.tables.io.paths import fingerprint, new_file
from dp_tools.tables.io.table_file import Edit, TableFile
from dp_tools.tables.snapshot import open_file

LOG_ENDING = ".changes.jsonl"
"""What stands in the place of a file's ending in the name of its change log."""


@dataclass(frozen=True, slots=True)
class Change:
    """One cell that gets another value.

    Args:
        row: the record's number in the file, from 0.
        attribute, old, new: the cell before and after.
        confidence: calibrated probability that the change is right, 0 to 1.
        why: a sentence.
        source: where the new value comes from: dependency, frequent value, format, rule, or model.
        rule: the rule behind it, as id@version.
    """

    row: int
    attribute: str
    old: str | None
    new: str
    confidence: float
    why: str
    source: str
    rule: str | None = None


def write_changes(
    file: TableFile, changes: Iterable[Change], target: Path, log: Path, *, overwrite: bool = False
) -> int:
    """Write the file with its changes, and the change log; both appear whole or not at all.

    Args:
        file: the file as it was read.
        changes: by ascending record number; those of cells that are results of formulas are left out.
        target, log: where the two files go.
        overwrite: whether files that already stand there may be replaced.

    Returns:
        The number of changes.

    Raises:
        TableUnavailable: something stands there, or the disk refuses.
    """
    count = 0
    with (
        new_file(target, overwrite=overwrite) as result,
        new_file(log, overwrite=overwrite) as log_part,
        log_part.open("w", encoding="utf-8", newline="\n") as lines,
    ):
        pending: dict[int, list[Change]] = {}

        def write(row: int, original: str | None) -> None:
            for place, change in enumerate(pending.pop(row)):
                entry = asdict(change) | {"row": row + 1}
                if original is not None and place == 0:
                    entry["record"] = original
                lines.write(_line(entry))

        def edits() -> Iterator[Edit]:
            nonlocal count
            computed = file.reading.computed
            writable = (change for change in changes if (change.row, change.attribute) not in computed)
            for row, group in groupby(writable, key=lambda change: change.row):
                pending[row] = list(group)
                count += len(pending[row])
                values = {change.attribute: change.new for change in pending[row]}
                if not file.exact:
                    write(row, None)
                yield row, values

        reading = file.reading
        head = {
            "changes_to": file.path.name,
            "fingerprint": fingerprint(file.path),
            "format": reading.format,
            "options": dict(reading.options),
        }
        lines.write(_line(head))
        rest = file.rewrite(edits(), result, write)
        if pending:
            raise TableUnavailable(f"{file.path.name} has no record {min(pending) + 1}; it changed while it was read.")
        foot = {"result": target.name, "fingerprint": fingerprint(result), "changes": count}
        lines.write(_line(foot | ({"restore": rest} if rest else {})))
    return count


def read_changes(log: Path) -> Iterator[dict[str, Any]]:
    """The changes of a log, in order, each as the fields of `Change` (and `record`, where it was kept).

    In the file, records are numbered from 1, as in every result that a person reads.

    Raises:
        TableUnavailable: it is no change log, or its end is missing.
    """
    last: dict[str, Any] = {}
    for last in _entries(log):
        if "attribute" in last:
            yield last
    if "result" not in last:
        raise TableUnavailable(f"{log.name} ends before its end, so it cannot be trusted; use the original file.")


def changed_file(log: Path) -> str:
    """The name of the file that a change log is of.

    Raises:
        TableUnavailable: it is no change log.
    """
    return str(_head(log)["changes_to"])


def log_beside(cleaned: str | Path) -> Path:
    """Where the change log of a cleaned file is written."""
    path = Path(cleaned)
    return path.with_name(f"{path.stem}{LOG_ENDING}")


def undo(cleaned: Path, log: Path, target: Path, *, overwrite: bool = False) -> bool:
    """Write the file as it was before the changes.

    Returns:
        Whether the restored file equals the original bit for bit (always, for CSV, JSON and Excel); for other formats
        the values are the original's while the container may be laid out in another way.

    Raises:
        TableUnavailable: the log belongs to another file, or the restored text differs from the original.
    """
    head = _head(log)
    foot = next(iter(deque(_entries(log), maxlen=1)), {})
    if foot.get("fingerprint") != fingerprint(cleaned):
        raise TableUnavailable(f"{cleaned.name} is not what {log.name} describes; it was changed since, so not undone.")
    file = open_file(cleaned, **_options(head))
    with new_file(target, overwrite=overwrite) as part:
        if file.exact:
            originals = ((entry["row"] - 1, entry["record"]) for entry in read_changes(log) if "record" in entry)
            file.restore(originals, part, foot.get("restore"))
        else:
            by_row = groupby(read_changes(log), key=lambda entry: int(entry["row"]) - 1)
            edits: Iterator[Edit] = ((row, {e["attribute"]: e["old"] for e in group}) for row, group in by_row)
            file.rewrite(edits, part, lambda *_: None)
        same: bool = fingerprint(part) == head["fingerprint"]
        if file.exact and not same:
            raise TableUnavailable(f"Undoing {log.name} did not give the original back, so nothing was written.")
    return same


def undo_some(cleaned: Path, log: Path, folder: Path, is_undone: Callable[[dict[str, Any]], bool]) -> tuple[int, int]:
    """Write the file and its log again without some of the changes, under their names in another folder.

    Args:
        cleaned, log: as they stand.
        folder: where the new ones go.
        is_undone: tells of a change, as `read_changes` gives it, whether it is to be undone.

    Returns:
        How many changes were undone, and how many are left.

    Raises:
        TableUnavailable: the log belongs to another file, or the disk refuses.
    """
    head = _head(log)
    entries = list(read_changes(log))
    kept = [entry for entry in entries if not is_undone(entry)]
    with tempfile.TemporaryDirectory(dir=folder) as place:
        original = Path(place) / f"{Path(head['changes_to']).stem}{cleaned.suffix}"
        undo(cleaned, log, original)
        changes = (
            Change(**{name: value for name, value in entry.items() if name != "record"} | {"row": entry["row"] - 1})
            for entry in kept
        )
        write_changes(open_file(original, **_options(head)), changes, folder / cleaned.name, folder / log.name)
    return len(entries) - len(kept), len(kept)


def _head(log: Path) -> dict[str, Any]:
    """The first line of a change log: what it is of, and how that was read."""
    head = next(_entries(log), {})
    if "changes_to" not in head:
        raise TableUnavailable(f"{log.name} is not a change log; give the one written beside the cleaned file.")
    return head


def _options(head: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in head["options"].items() if name != "types"}


def _entries(log: Path) -> Iterator[dict[str, Any]]:
    try:
        with log.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                entry = json.loads(line)
                if not isinstance(entry, dict):
                    raise ValueError("no object")
                yield entry
    except (OSError, ValueError) as error:
        raise TableUnavailable(f"{log} cannot be read as a change log ({error}).") from None


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"
