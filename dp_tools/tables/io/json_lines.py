"""JSON Lines: an object a line, values kept as they were written ("1.50" stays "1.50"), lines kept as they were."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dp_tools.errors import TableUnavailable
from dp_tools.tables.io.limits import LONGEST_RECORD, NESTING, require_cells, require_columns, require_shallow
from dp_tools.tables.io.table_file import Edit, Reading, Row, put_back


class Number(str):
    """A number with the digits it was written with."""

    __slots__ = ()


@dataclass
class JsonLinesFile:
    """A file of JSON objects, one a line, in UTF-8. A nested value is read as its JSON text.

    Raises:
        TableUnavailable: a line is not a JSON object, or there are none.
    """

    path: Path
    exact: bool = True
    kind: str = "json lines"
    columns: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        names: dict[str, None] = {}
        count = 0
        for record, _, _ in self._records():
            count += 1
            names.update(dict.fromkeys(record))
            require_columns(self.path.name, len(names))
        if not names:
            raise TableUnavailable(f"{self.path.name} is empty; give a file with JSON objects.")
        require_cells(self.path, count * len(names))
        self.columns = tuple(names)

    @property
    def reading(self) -> Reading:
        return Reading(self.kind)

    def rows(self) -> Iterator[Row]:
        for record, number, _ in self._records():
            if number >= 0:
                yield number, tuple(_as_text(record.get(name)) for name in self.columns)

    def rewrite(self, edits: Iterator[Edit], target: Path, keep: Callable[[int, str | None], None]) -> None:
        def rewritten() -> Iterator[str]:
            edit = next(edits, None)
            for record, number, text in self._records():
                if edit is None or edit[0] != number:
                    yield text
                    continue
                keep(number, text)
                yield self._edited(record, edit[1], text)
                edit = next(edits, None)

        self._write(rewritten(), target)

    def restore(self, originals: Iterator[tuple[int, str]], target: Path, rest: object = None) -> None:  # noqa: ARG002
        self._write(put_back(((number, text) for _, number, text in self._records()), originals), target)

    def _records(self) -> Iterator[tuple[dict[str, Any], int, str]]:
        """Objects with their number and their line; a blank line is an empty object numbered -1."""
        number = line_number = 0
        try:
            with self.path.open(encoding="utf-8", newline="") as file:
                while line := file.readline(LONGEST_RECORD):
                    line_number += 1
                    if len(line) == LONGEST_RECORD and not line.endswith("\n"):
                        raise TableUnavailable(
                            f"Line {line_number} of {self.path.name} is longer than {LONGEST_RECORD // 2**20} MB; "
                            "check that it holds a JSON object a line."
                        )
                    if not line.strip():
                        yield {}, -1, line
                        continue
                    yield self._parse(line, line_number), number, line
                    number += 1
        except UnicodeDecodeError:
            raise TableUnavailable(
                f"{self.path.name} is not UTF-8 (after line {line_number}); convert it first."
            ) from None
        except OSError as error:
            raise TableUnavailable(f"{self.path} cannot be read ({error.strerror}).") from None

    def _parse(self, line: str, number: int) -> dict[str, Any]:
        try:
            record = json.loads(line, parse_int=Number, parse_float=Number, parse_constant=Number)
        except RecursionError:
            raise TableUnavailable(
                f"Line {number} of {self.path.name} is nested deeper than {NESTING} levels; flatten it first."
            ) from None
        except ValueError as error:
            raise TableUnavailable(f"Line {number} of {self.path.name} is not JSON ({error}); mend it.") from None
        return self._checked(record, line, f"Line {number} of {self.path.name}")

    @staticmethod
    def _checked(record: Any, text: str, where: str) -> dict[str, Any]:
        if not isinstance(record, dict):
            raise TableUnavailable(f"{where} is not a JSON object; mend it.")
        if text.count("{") + text.count("[") > NESTING:
            require_shallow(where, record)
        if "\\u" in text and any("\ud800" <= character <= "\udfff" for character in dump(record)):
            raise TableUnavailable(f"{where} holds half a character (\\ud8…); mend it.")
        return record

    def _edited(self, record: dict[str, Any], values: Mapping[str, str | None], text: str) -> str:
        """The line with these values in place of the old ones."""
        for name, value in values.items():
            record[name] = like(record.get(name), value)
        body = text.rstrip("\r\n")
        return dump(record) + text[len(body) :]

    @staticmethod
    def _write(texts: Iterator[str], target: Path) -> None:
        with target.open("w", encoding="utf-8", newline="") as file:
            file.writelines(texts)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    return dump(value)


def like(old: Any, new: str | None) -> Any:
    """The new value as a JSON number where the old one was a number and the new one reads as one."""
    if new is not None and isinstance(old, Number):
        try:
            float(json.loads(new))
        except (ValueError, TypeError):
            return new
        return Number(new)
    return new


def dump(value: Any) -> str:
    """JSON text with numbers as they were written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
