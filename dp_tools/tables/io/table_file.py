"""How a file was read, and the protocol that every file format implements."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Row = tuple[int, tuple[str | None, ...]]
"""A data record: its number in the file (the first is 0) and its values in column order, as found."""

Edit = tuple[int, Mapping[str, str | None]]
"""A record's number and the new values of the attributes that change; None takes a value away."""

ROWS_PER_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file was read: reported to the user, and written into the change log so that undo reads it alike.

    Args:
        format: csv, json lines, parquet, excel, sqlite, duckdb or inline.
        options: what was found out or asked for (encoding, delimiter, quote, header, sheet, table, …).
        notes: what a person should know: renamed headers, rows set aside, a guess.
        computed: cells, by record number and attribute, that are results of formulas and are never written.
    """

    format: str
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    computed: Container[tuple[int, str]] = frozenset()


class TableFile(Protocol):
    """One file of one format."""

    path: Path

    @property
    def columns(self) -> tuple[str, ...]:
        """Distinct attribute names in the file's order."""

    @property
    def reading(self) -> Reading:
        """How it was read; notes are complete once all rows have been read."""

    @property
    def exact(self) -> bool:
        """Whether a change log restores this format's files bit for bit (text, Excel) or value for value (others)."""

    def rows(self) -> Iterator[Row]:
        """Every record in order, a bounded part of the file in memory at a time."""

    def rewrite(
        self, edits: Iterator[Edit], target: Path, keep: Callable[[int, str | None], None]
    ) -> Mapping[str, Any] | None:
        """Write the file with these edits (by ascending record number) to `target`; all else stays as it is.

        Args:
            edits: the changes.
            target: an empty file.
            keep: called for each changed record of an exact format with its number and, of text, its original text.

        Returns:
            What `restore` needs beside the original records, if it needs anything; it goes into the change log.
        """

    def restore(
        self, originals: Iterator[tuple[int, str]], target: Path, rest: Mapping[str, Any] | None = None
    ) -> None:
        """Write the file as it was. Exact formats only.

        Args:
            originals: the text of changed records as it was, by ascending number.
            target: an empty file.
            rest: what `rewrite` returned.
        """


def put_back(lines: Iterator[tuple[int, str]], originals: Iterator[tuple[int, str]]) -> Iterator[str]:
    """The text of records, those of `originals` as they were; both by ascending record number."""
    original = next(originals, None)
    for number, text in lines:
        if original is None or original[0] != number:
            yield text
        else:
            yield original[1]
            original = next(originals, None)
