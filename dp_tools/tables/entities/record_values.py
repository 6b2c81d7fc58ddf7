"""The values of records by their numbers in a register."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping

from dp_tools.tables.entities.register_file import in_parts

Row = dict[str, str | None]


class RecordValues:
    """Reads records once.

    Args:
        connection: of the register.
        arriving: records that it does not have yet, by the numbers that they will get.
    """

    def __init__(self, connection: sqlite3.Connection, arriving: Mapping[int, Row] | None = None) -> None:
        self.connection = connection
        self._known: dict[int, Row] = dict(arriving or {})

    def __getitem__(self, record: int) -> Row:
        """The values of one record."""
        return self.of([record])[record]

    def of(self, records: Iterable[int]) -> dict[int, Row]:
        """The values of records, in the order given."""
        wanted = list(records)
        missing = [record for record in wanted if record not in self._known]
        rows = in_parts(self.connection, "SELECT record, body FROM records WHERE record IN ({})", missing)
        self._known |= {record: json.loads(body) for record, body in rows}
        return {record: self._known[record] for record in wanted}
