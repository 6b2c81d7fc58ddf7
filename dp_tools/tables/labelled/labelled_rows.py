"""Labelled rows: some rows of a table as they should be, from a file or from earlier files of the same dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dp_tools.errors import InvalidRequest
from dp_tools.tables.labelled.answers import Answer, Answers, Cell
from dp_tools.tables.snapshot import Table

ROW = "row"
"""The column of a file of labelled rows that holds the number of each row in its table, from 1."""


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows of a table as they should be.

    Args:
        rows: by the record's number, from 0, the right values of the columns that were labelled.
        columns: the labelled columns.
        beside: records of earlier files, as they were found; their numbers follow those of the table's own.
        answers: what people said of single cells of other rows.
    """

    rows: Mapping[int, Mapping[str, str]]
    columns: tuple[str, ...]
    beside: tuple[Mapping[str, str | None], ...] = ()
    answers: Mapping[Cell, Answer] = field(default_factory=dict)

    def right(self, row: int, attribute: str) -> str | None:
        """What a person says that belongs in a cell; None of another cell, and where nobody said it."""
        answer = self.answers.get((row, attribute))
        return self.rows.get(row, {}).get(attribute) if answer is None else answer.right

    def corrected(self, table: Table) -> list[str]:
        """The columns in which a label says that a value is wrong."""
        found = self.found(table)
        wrong = {
            name
            for row, right in self.rows.items()
            for name, value in right.items()
            if value != (found[row][name] or "")
        }
        return [name for name in self.columns if name in wrong]

    def found(self, table: Table) -> dict[int, Mapping[str, str | None]]:
        """The labelled records, and those with answers, as they were found, by their numbers."""
        own = [row for row in {*self.rows, *(row for row, _ in self.answers)} if row < table.count]
        return {**dict(table.records(own)), **dict(enumerate(self.beside, table.count))}

    def with_earlier(
        self, table: Table, earlier: Sequence[tuple[Mapping[str, str | None], Mapping[str, str]]]
    ) -> LabelledRows:
        """These together with labelled records of earlier files, each as it was found and as it should be.

        Those that are labelled here count once, and those that stand in the table are labelled there; columns that the
        table lacks are left out.
        """
        known = [dict(record) for record in self.found(table).values()]
        rows, beside = dict(self.rows), list(self.beside)
        records = [{name: found.get(name) for name in table.columns} for found, _ in earlier]
        place_of = _places(table, records)
        for record, (_, right) in zip(records, earlier, strict=True):
            if record in known:
                continue
            row = place_of.get(tuple(record.values()))
            if row is None or row in rows:
                row = table.count + len(beside)
                beside.append(record)
            rows[row] = {name: value for name, value in right.items() if name in record}
        named = {name for right in rows.values() for name in right}
        return replace(
            self, rows=rows, beside=tuple(beside), columns=tuple(name for name in table.columns if name in named)
        )

    def with_answers(self, table: Table, given: Answers) -> LabelledRows:
        """These together with answers about single cells; a labelled row says more than an answer about its cell."""
        answers = {cell: one for cell, one in given.here.items() if cell[1] not in self.rows.get(cell[0], {})}
        beside = list(self.beside)
        for found, attribute, answer in given.elsewhere:
            record = {name: found.get(name) for name in table.columns}
            place = beside.index(record) if record in beside else len(beside)
            if place == len(beside):
                beside.append(record)
            row = table.count + place
            if attribute not in self.rows.get(row, {}):
                answers[row, attribute] = answer
        named = {*self.columns, *(attribute for _, attribute in answers)}
        columns = tuple(name for name in table.columns if name in named)
        return replace(self, columns=columns, beside=tuple(beside), answers=answers)


def _places(table: Table, records: Sequence[Mapping[str, str | None]]) -> dict[tuple[str | None, ...], int]:
    """The rows in which records stand in a table, the first of each."""
    wanted = {tuple(record.values()) for record in records}
    found: dict[tuple[str | None, ...], int] = {}
    for row, record in table.records() if wanted else ():
        values = tuple(record.values())
        if values in wanted:
            found.setdefault(values, row)
    return found


def labelled_rows(table: Table, labels: Table) -> LabelledRows:
    """The labelled rows of a table.

    Args:
        table: the table.
        labels: rows as they should be. Its column `row` holds their numbers, from 1; without one, rows belong together
            that have the same value in a column whose values name each record.

    Raises:
        InvalidRequest: a row cannot be found, or a column is unknown.
    """
    by_number = ROW in labels.columns and ROW not in table.columns
    columns = tuple(name for name in labels.columns if not (by_number and name == ROW))
    if unknown := [name for name in columns if name not in table.columns]:
        raise InvalidRequest(f"{labels.name} has a column {unknown[0]!r} that {table.name} lacks; leave it out.")
    key = None if by_number else _key(table, labels)
    places = {} if key is None else {record[key] or "": row for row, record in table.records()}
    rows: dict[int, dict[str, str]] = {}
    for number, record in labels.records():
        row = _number(record[ROW], number, table, labels) if key is None else places[record[key] or ""]
        if row in rows:
            raise InvalidRequest(f"{labels.name} holds row {row + 1} twice; leave one of them.")
        rows[row] = {name: record[name] or "" for name in columns}
    if not rows:
        raise InvalidRequest(f"{labels.name} holds no labelled row.")
    return LabelledRows(rows, columns)


def _number(value: str | None, place: int, table: Table, labels: Table) -> int:
    text = (value or "").strip()
    if not (text.isdecimal() and 1 <= int(text) <= table.count):
        raise InvalidRequest(
            f"{labels.name}, record {place + 1}: {ROW} is {text!r}; it must be a number from 1 to {table.count:,}, the "
            f"record's place in {table.name}."
        )
    return int(text) - 1


def _key(table: Table, labels: Table) -> str:
    """The column whose values name each record of a table and that holds those of all labelled rows."""
    for name in labels.columns:
        if name not in table.columns:
            continue
        (values,), (wanted,) = table.series([name]), labels.series([name])
        if not values.null_count() and values.n_unique() == len(values) and wanted.is_in(values.implode()).all():
            return name
    raise InvalidRequest(
        f"{labels.name} does not say which rows of {table.name} it labels: give it a column {ROW} with their numbers, "
        "from 1, or a column whose values name each record."
    )
