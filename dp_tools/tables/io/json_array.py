"""A JSON array of objects: read like JSON Lines, and written back with only the values that change put in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dp_tools.errors import TableUnavailable
from dp_tools.tables.io.json_lines import JsonLinesFile, Number, dump, like

LARGEST = 256 * 2**20
"""Bytes of a file that is read whole; JSON Lines, which is read line by line, may be of any size."""

_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=Number)
_BLANK = " \t\r\n"


@dataclass
class JsonArrayFile(JsonLinesFile):
    """A file that holds one array of objects, in UTF-8.

    Raises:
        TableUnavailable: it holds something else, or is larger than 256 MB.
    """

    kind: str = "json"

    def _records(self) -> Iterator[tuple[dict[str, Any], int, str]]:
        """Objects with their number and their text; what stands between them is an empty object numbered -1."""
        text = self._text()
        place = self._after_blanks(text, 1 if text.startswith("\ufeff") else 0)
        if text[place : place + 1] != "[":
            raise TableUnavailable(f"{self.path.name} is not an array of JSON objects; save one, or JSON Lines.")
        done, number, place = 0, 0, self._after_blanks(text, place + 1)
        while text[place : place + 1] != "]":
            if number:
                if text[place : place + 1] != ",":
                    raise TableUnavailable(f"{self.path.name} is broken after item {number}; mend it.")
                place = self._after_blanks(text, place + 1)
            yield {}, -1, text[done:place]
            record, done = self._parse_at(text, place, number + 1)
            yield record, number, text[place:done]
            number, place = number + 1, self._after_blanks(text, done)
        if text[place + 1 :].strip(_BLANK):
            raise TableUnavailable(f"{self.path.name} goes on after its array; save the array alone.")
        yield {}, -1, text[done:]

    def _edited(self, record: dict[str, Any], values: Mapping[str, str | None], text: str) -> str:
        """The object with new values in the places of the old ones, and new names after the last."""
        spans, separator, last = _spans(text)
        added = ""
        for name, value in values.items():
            if name not in spans:
                added += (
                    f"{separator if last > 1 or added else ''}{json.dumps(name, ensure_ascii=False)}: {dump(value)}"
                )
        pieces = [(last, last, added)]
        pieces += [(*spans[name], dump(like(record[name], value))) for name, value in values.items() if name in spans]
        for start, end, new in sorted(pieces, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def _text(self) -> str:
        try:
            if self.path.stat().st_size > LARGEST:
                raise TableUnavailable(
                    f"{self.path.name} is larger than {LARGEST // 2**20} MB; save it as JSON Lines, an object a line."
                )
            with self.path.open(encoding="utf-8", newline="") as file:
                return file.read()
        except UnicodeDecodeError:
            raise TableUnavailable(f"{self.path.name} is not UTF-8; convert it first.") from None
        except OSError as error:
            raise TableUnavailable(f"{self.path} cannot be read ({error.strerror}).") from None

    def _parse_at(self, text: str, place: int, number: int) -> tuple[dict[str, Any], int]:
        where = f"Item {number} of {self.path.name}"
        try:
            record, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise TableUnavailable(f"{where} is not JSON ({error}); mend it.") from None
        return self._checked(record, text[place:end], where), end

    @staticmethod
    def _after_blanks(text: str, place: int) -> int:
        while text[place : place + 1] in _BLANK and place < len(text):
            place += 1
        return place


def is_array(path: Path) -> bool:
    """Whether a .json file begins an array, and not an object.

    Raises:
        TableUnavailable: it begins neither, or holds a single object.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            first = next((line for line in file if line.strip()), "").lstrip()
            more = any(line.strip() for line in file)
    except OSError as error:
        raise TableUnavailable(f"{path} cannot be read ({error.strerror}).") from None
    if first.startswith("["):
        return True
    # One object a line is JSON Lines, whatever the file is called.
    if more and first.startswith("{") and first.rstrip().endswith("}"):
        return False
    raise TableUnavailable(
        f"{path.name} holds no array of JSON objects; save the array that is the table as a file of its own."
    )


def _spans(text: str) -> tuple[dict[str, tuple[int, int]], str, int]:
    """Where the values of an object stand in its text, what separates two of them, and where the last one ends."""
    spans: dict[str, tuple[int, int]] = {}
    blank, place, last = JsonArrayFile._after_blanks, 1, 1
    separator = ", "
    while True:
        begin = place
        place = blank(text, place)
        if text[place] == "}":
            return spans, separator, last
        if text[place] == ",":
            begin, place = place, blank(text, place + 1)
        separator = text[begin:place] if text[begin] == "," else "," + (text[begin:place] or " ")
        name, place = json.JSONDecoder().raw_decode(text, place)
        place = blank(text, blank(text, place) + 1)
        _, end = _DECODER.raw_decode(text, place)
        spans[name] = place, end
        last = place = end
