"""Pairs of records that people labelled as the same or not: read from a file, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dp_tools.errors import InvalidRequest
from dp_tools.records import is_missing
from dp_tools.tables.io.paths import new_file
from dp_tools.tables.snapshot import Table

Pair = tuple[int, int]
"""Record numbers of the left and of the right table; of one table the smaller first."""
LEFT, RIGHT, SAME, WHO = "left_row", "right_row", "same", "who"
_HEAD = f"{LEFT},{RIGHT},{SAME}\n"
_SIDES = ("left_", "right_")
_ROW = "row"
_YES = frozenset({"yes", "y", "true", "1", "same", "match"})
_NO = frozenset({"no", "n", "false", "0", "not", "not same", "different", "distinct"})


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A pair on which two labels differ.

    Args:
        pair: the records.
        yes, no: who says that they are the same, and who says that they are not; "" where nobody is named.
    """

    pair: Pair
    yes: str
    no: str

    @property
    def sentence(self) -> str:
        """Who says what, in words."""
        yes, no = (who or "one label" for who in (self.yes, self.no))
        return f"Row {self.pair[0] + 1} and row {self.pair[1] + 1} are the same by {yes}, and not by {no}."


@dataclass(frozen=True)
class PairLabels:
    """Labelled pairs of two tables, or of one with itself.

    Args:
        same: whether each pair is the same.
        disagreements: pairs that are labelled both ways, which count as not labelled.
    """

    same: Mapping[Pair, bool] = field(default_factory=dict)
    disagreements: tuple[Disagreement, ...] = ()

    @property
    def pairs(self) -> list[Pair]:
        """The labelled pairs and the disputed ones, in order."""
        return sorted({*self.same, *(one.pair for one in self.disagreements)})

    @property
    def apart(self) -> list[Pair]:
        """The pairs that are labelled as not the same, in order."""
        return sorted(pair for pair, same in self.same.items() if not same)

    def over(self, known: Mapping[Pair, bool]) -> PairLabels:
        """These labels and what is known of other pairs."""
        disputed = {one.pair for one in self.disagreements}
        others = {pair: same for pair, same in known.items() if pair not in disputed}
        return PairLabels({**others, **self.same}, self.disagreements)


@dataclass(slots=True)
class _Votes:
    """Who says yes and who says no of a pair."""

    yes: list[str] = field(default_factory=list)
    no: list[str] = field(default_factory=list)


def read_pair_labels(file: Table, left: Table, right: Table) -> PairLabels:
    """The labels of a file.

    Two columns name the records and a third one, `same`, says yes or no; lines without a label are passed over, so that
    a result file with a column `same` will do. Records are named by their rows (`left_row` and `right_row`, from 1) or
    by the values of a column (`left_id` and `right_id` by those of the column `id`). A column `who` names the person.

    Args:
        file: the labels.
        left, right: the tables; the same one twice where duplicates are labelled.

    Raises:
        InvalidRequest: a line cannot be understood.
    """
    sides = _sides_of(file, left, right)
    votes: dict[Pair, _Votes] = {}
    for number, record in file.records():
        label = (record[SAME] or "").strip()
        if not label:
            continue
        line = f"Line {number + 2} of {file.name}"
        pair = _pair([side.row(record, line) for side in sides], line, shared=left is right)
        said = votes.setdefault(pair, _Votes())
        (said.yes if _is_yes(label, line) else said.no).append((record.get(WHO) or "").strip())
    disputed = tuple(Disagreement(pair, one.yes[0], one.no[0]) for pair, one in votes.items() if one.yes and one.no)
    same = {pair: bool(one.yes) for pair, one in votes.items() if not (one.yes and one.no)}
    return PairLabels(same, tuple(sorted(disputed, key=lambda one: one.pair)))


def begin_pair_labels(target: Path) -> None:
    """Begin a file of labels that `read_pair_labels` reads, or make sure that one can be gone on with.

    Raises:
        InvalidRequest: a file stands there that is no such file.
        TableUnavailable: the disk refuses.
    """
    if not target.exists():
        with new_file(target) as part:
            part.write_text(_HEAD, encoding="utf-8")
        return
    with target.open(encoding="utf-8", errors="replace") as file:
        if file.readline() != _HEAD:
            raise InvalidRequest(f"{target} does not begin with {_HEAD.strip()}: choose another file to write.")


def add_pair_label(target: Path, pair: Pair, *, same: bool) -> None:
    """Write one more label to a file that `begin_pair_labels` saw."""
    with target.open("a", encoding="utf-8") as file:
        file.write(f"{pair[0] + 1},{pair[1] + 1},{'yes' if same else 'no'}\n")


def entities_of(labels: Mapping[Pair, bool]) -> dict[int, int]:
    """Of each record of one table that labels speak of, the smallest record that they say is the same.

    Raises:
        InvalidRequest: labels say of records that they are the same, and of two of them that they are not.
    """
    root: dict[int, int] = {}

    def find(record: int) -> int:
        root.setdefault(record, record)
        while root[record] != record:
            record = root[record]
        return record

    for (a, b), same in sorted(labels.items()):
        one, two = sorted((find(a), find(b)))
        if same:
            root[two] = one
    for (a, b), same in sorted(labels.items()):
        if not same and find(a) == find(b):
            raise InvalidRequest(
                f"The labels contradict each other: row {a + 1} and row {b + 1} are labelled as not the same, but "
                "other labels make them the same; correct one of them."
            )
    return {record: find(record) for record in root}


def known_pairs(cases: Iterable[tuple[Mapping[str, object], bool]], left: Table, right: Table) -> dict[Pair, bool]:
    """The labels of pairs that stand in these tables, as those of an earlier file of the dataset may.

    Args:
        cases: pairs {left, right} with whether they are the same.
        left, right: the tables; the same one twice where duplicates are labelled.
    """
    wanted = list(cases)
    if not wanted:
        return {}
    places = [_places(left, {_key(case["left"]) for case, _ in wanted}), {}]
    places[1] = _places(right, {_key(case["right"]) for case, _ in wanted})
    found: dict[Pair, bool] = {}
    for case, same in wanted:
        a, b = places[0].get(_key(case["left"])), places[1].get(_key(case["right"]))
        if a is not None and b is not None and not (left is right and a == b):
            found[(min(a, b), max(a, b)) if left is right else (a, b)] = same
    return found


def _key(record: object) -> tuple[tuple[str, str], ...]:
    assert isinstance(record, Mapping)
    return tuple(sorted((str(name), str(value)) for name, value in record.items() if value is not None))


def _places(table: Table, wanted: set[tuple[tuple[str, str], ...]]) -> dict[tuple[tuple[str, str], ...], int]:
    """Of each of these records that stands in a table once, its number."""
    found: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, record in table.records():
        if (one := _key(record)) in wanted:
            found.setdefault(one, []).append(number)
    return {one: numbers[0] for one, numbers in found.items() if len(numbers) == 1}


@dataclass(frozen=True)
class _Side:
    """How a labels file names the records of one table.

    Args:
        table: the table.
        column: of the labels file.
        rows: of each key the record's number, None for one that several have; None where rows are named.
    """

    table: Table
    column: str
    rows: Mapping[str, int | None] | None

    def row(self, record: Mapping[str, str | None], line: str) -> int:
        value = (record[self.column] or "").strip()
        if self.rows is None:
            if not value.isdecimal() or not 1 <= int(value) <= self.table.count:
                raise InvalidRequest(
                    f"{line}: {self.column} is {value!r}; give a row of {self.table.name}, 1 to {self.table.count}."
                )
            return int(value) - 1
        row = self.rows.get(value, -1)
        if row is None or row < 0:
            has = "several records have" if row is None else "no record has"
            raise InvalidRequest(f"{line}: in {self.table.name} {has} the {self.column} {value!r}; name a row instead.")
        return row


def _sides_of(file: Table, left: Table, right: Table) -> list[_Side]:
    if SAME not in file.columns:
        raise InvalidRequest(f"{file.name} has no column {SAME}: write yes or no there for each labelled pair.")
    found = []
    for prefix, table in zip(_SIDES, (left, right), strict=True):
        named = [name for name in file.columns if name.startswith(prefix)]
        if prefix + _ROW in named:
            found.append(_Side(table, prefix + _ROW, None))
            continue
        keys = [name for name in named if name.removeprefix(prefix) in table.columns]
        if len(keys) != 1:
            raise InvalidRequest(
                f"{file.name} must name the records of {table.name} in one column: {prefix}{_ROW} with row numbers, or "
                f"{prefix}NAME with the values of a column NAME of {table.name}."
            )
        found.append(_Side(table, keys[0], _rows_by(table, keys[0].removeprefix(prefix))))
    return found


def _rows_by(table: Table, column: str) -> dict[str, int | None]:
    rows: dict[str, int | None] = {}
    for number, record in table.only([column]).records():
        value = record[column]
        if value is not None and not is_missing(value):
            rows[value.strip()] = None if value.strip() in rows else number
    return rows


def _pair(rows: Sequence[int], line: str, *, shared: bool) -> Pair:
    a, b = rows
    if shared and a == b:
        raise InvalidRequest(f"{line} labels row {a + 1} with itself; name two records.")
    return (min(a, b), max(a, b)) if shared else (a, b)


def _is_yes(label: str, line: str) -> bool:
    word = label.casefold()
    if word not in _YES | _NO:
        raise InvalidRequest(f"{line}: {SAME} is {label!r}; write yes or no.")
    return word in _YES
