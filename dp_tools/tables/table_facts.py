"""Facts about the cells of a whole table: those of `RecordFacts`, computed from a snapshot.

Counting is polars' work, a column at a time, and numpy's where columns are compared; what stays in memory is what the
facts look up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import polars as pl

from dp_tools.profiling.association import CodedTable
from dp_tools.profiling.cell_facts import CLOSED, MOST_DETERMINANTS, RecordFacts, beginning_of
from dp_tools.profiling.column_counts import ValueCounts, known, known_codes
from dp_tools.profiling.column_relations import relations
from dp_tools.profiling.columns import ENOUGH, Column, Repeated, nearest_value
from dp_tools.profiling.facts import GroupMajority
from dp_tools.profiling.misspelling import nearest
from dp_tools.profiling.placeholders import placeholders
from dp_tools.profiling.spelling import plain_letters
from dp_tools.profiling.value_patterns import shape_of
from dp_tools.progress import Stage, silent
from dp_tools.records import Record, may_be_missing
from dp_tools.tables.snapshot import Table

MANY = 200_000
"""Distinct values from which on only the repeated ones are kept, and shapes come from a part of them."""
WORDS = 5_000
"""The most frequent words of a column against which a misspelt one is held."""
ROWS_BESIDE = 1_000
"""Rows with a value that tell what it stands beside; up to twice as many are looked at."""
OUTNUMBERS = 3
"""How many times as frequent a value is than another spelling of it."""
RARE = 20
"""How many times as frequent a word is than one that may be its misspelling."""

_WORD = re.compile(r"[^\W\d_]+")


class TableFacts(RecordFacts):
    """Facts about the cells of a table.

    Args:
        table: the table, or evenly spread records of it.
        stage: gives the progress of a stage by its name; it may raise to stop.
        rows: how many records it has, where `table` holds a part of them.
        counts: how often each value occurs in all of them, by attribute, then.
    """

    def __init__(
        self,
        table: Table,
        stage: Stage = silent,
        *,
        rows: int | None = None,
        counts: Mapping[str, ValueCounts] = MappingProxyType({}),
    ) -> None:
        super().__init__(())
        self.rows = table.count if rows is None else rows
        self._counts = counts
        self._words: dict[str, list[tuple[str, int]]] = {}
        self._table = table
        self._plain: dict[str, dict[str, str]] = {}
        self._placeholders: dict[str, frozenset[str]] = {}
        self._beside: dict[tuple[str, str], dict[str, Counter[str]]] = {}
        if table.count >= ENOUGH:
            self._learn_table(table, stage)

    def of_cells(self) -> RecordFacts:
        """What it knows of cells, without the table: for another process."""
        found = RecordFacts(())
        found.rows, found._columns, found._homes, found._relations = (
            self.rows,
            self._columns,
            self._homes,
            self._relations,
        )
        return found

    def majorities(self, record: Record, attribute: str) -> list[GroupMajority]:
        """What more than half of the other rows hold that share a determining value, where it is another value."""
        return [
            fact for fact in self._group_evidence(record, attribute) if not fact.agrees and fact.count * 2 > fact.total
        ]

    def column(self, attribute: str) -> Column | None:
        """What is known of a column; None in a table that is too small to say anything."""
        return self._columns.get(attribute)

    def beginning_says(self, record: Record, attribute: str) -> str | None:
        """What most rows hold whose value of the attribute that tells this one best begins alike."""
        if self._relations is None:
            return None
        determinant, groups = self._relations.beginnings.get(attribute, ("", {}))
        group = groups.get(beginning_of(record.get(determinant)))
        value, count = group.most_common(1)[0] if group else ("", 0)
        return value if group and count * 2 > group.total() else None

    def beside(self, attribute: str, value: str) -> dict[str, Counter[str]]:
        """The values of the other columns in up to two thousand rows that hold a value, evenly spread."""
        if (attribute, value) not in self._beside:
            held = self._columns[attribute].counts[value] * self._table.count // max(self.rows, 1)
            step = max(1, held // ROWS_BESIDE)
            rows = self._table.scan().filter(known(attribute) == value).gather_every(step)
            others = [name for name in self._columns if name != attribute]
            found = rows.select(known(name).alias(name) for name in others).collect()
            self._beside[attribute, value] = {name: Counter(found[name].drop_nulls().to_list()) for name in others}
        return self._beside[attribute, value]

    def is_placeholder(self, attribute: str, value: str) -> bool:
        """Whether a value stands for none in its column (see `placeholders`)."""
        column = self._columns.get(attribute)
        if column is None or not may_be_missing(value):
            return False
        if attribute not in self._placeholders:
            self._placeholders[attribute] = placeholders(column.counts)
        return value in self._placeholders[attribute]

    def nearest_frequent(self, attribute: str, value: str) -> str | None:
        """A far more frequent value of the column that is the same in other characters, or spelled almost alike, digits
        included."""
        column = self._columns.get(attribute)
        if column is None:
            return None
        if attribute not in self._plain:
            # The most frequent spelling comes last, so that it is the one that stays.
            self._plain[attribute] = {plain_letters(other): other for other, _ in reversed(column.counts.most_common())}
        same = self._plain[attribute].get(plain_letters(value), value)
        if same != value and column.counts[same] >= OUTNUMBERS * column.counts[value]:
            return same
        near = nearest_value(column, value)
        return near if near is not None and _digits(near) == _digits(value) else None

    def respelled(self, attribute: str, value: str) -> str | None:
        """The value with its unknown words replaced by frequent words of the column that are spelled almost alike."""
        column = self._columns.get(attribute)
        if column is None:
            return None
        words = self._words_of(attribute, column)
        known = dict(words)
        changed = False

        def known_word(match: re.Match[str]) -> str:
            nonlocal changed
            word = match.group()
            own = known.get(word, 0)
            frequent = [other for other, count in words if count >= max(5, 5 * own)]
            near = nearest(word, frequent, shortest=4)
            changed = changed or near is not None
            return near or word

        new = _WORD.sub(known_word, value)
        return new if changed and new != value else None

    def _words_of(self, attribute: str, column: Column) -> list[tuple[str, int]]:
        """The words of a column that occur more than once, with their counts."""
        if attribute not in self._words:
            counts: Counter[str] = Counter()
            for value, count in column.counts.items():
                for word in set(_WORD.findall(value)):
                    counts[word] += count
            self._words[attribute] = [(word, count) for word, count in counts.most_common(WORDS) if count > 1]
        return self._words[attribute]

    def share_of_words(self, attribute: str, value: str, new: str) -> float:
        """The share of the column whose values hold the rarest of the words that a value lacks and the new one has; 0
        where they do not differ in single words, or where the old words are known, too."""
        column = self._columns.get(attribute)
        old_words, new_words = (_WORD.findall(text) for text in (value, new))
        if column is None or not column.filled or len(old_words) != len(new_words) or new in new_words:
            return 0.0
        known_words = dict(self._words_of(attribute, column))
        replaced = [(old, word) for old, word in zip(old_words, new_words, strict=True) if old != word]
        if any(known_words.get(old, 0) * RARE > known_words.get(word, 0) for old, word in replaced):
            return 0.0
        return min((known_words.get(word, 0) for _, word in replaced), default=0) / column.filled

    def fits(self, attribute: str, value: str) -> bool:
        """Whether a value stands in the column, or has a shape that a twentieth of it has."""
        column = self._columns.get(attribute)
        if column is None or not value:
            return False
        return value in column.counts or column.shapes[shape_of(value)] * 20 >= column.filled

    def odd_characters(self, attribute: str, value: str) -> str:
        """The value's characters that hardly occur in the column."""
        column = self._columns.get(attribute)
        if column is None:
            return ""
        return "".join(c for c in value if column.characters[c] * 200 < column.filled)

    def at_home_elsewhere(self, attribute: str, value: str) -> bool:
        """Whether a value is a usual one of another closed column."""
        return bool(self.homes_elsewhere(attribute, value))

    def homes_elsewhere(self, attribute: str, value: str) -> list[str]:
        """The other closed columns of which a value is a usual one."""
        return [
            name
            for name, count in self._homes.get(value, {}).items()
            if name != attribute
            and len(self._columns[name].counts) <= 3 * CLOSED
            and count * 200 >= self._columns[name].rows
        ]

    def usual_value(self, attribute: str) -> tuple[str, float] | None:
        """The value that most cells of the column hold, and their share, if more than half do."""
        column = self._columns.get(attribute)
        if column is None or not column.filled:
            return None
        value, count = column.counts.most_common(1)[0]
        return (value, count / column.filled) if count * 2 > column.filled else None

    def closed_set(self, attribute: str) -> frozenset[str]:
        """The repeated values of a column that has few; empty for any other column."""
        column = self._columns.get(attribute)
        if column is None or not column.filled or len(column.counts) > max(2 * CLOSED, column.filled // 20):
            return frozenset()
        return frozenset(value for value, count in column.counts.items() if count >= 2)

    def _learn_table(self, table: Table, stage: Stage) -> None:
        look = stage("profiling columns")
        columns, values, beginnings = dict[str, Column](), dict[str, pl.Series](), dict[str, pl.Series]()
        codes = np.empty((table.count, len(table.columns)), np.int32)
        for place, column in enumerate(table.series()):
            look(place, len(table.columns))
            codes[:, place], counts = known_codes(column)
            of_rows, whole = _column(table.count, counts), self._counts.get(column.name)
            columns[column.name] = of_rows if whole is None else _of_whole(self.rows, whole, of_rows)
            values[column.name] = counts["value"]
            beginnings[column.name] = pl.Series(map(beginning_of, values[column.name]), dtype=pl.String)
        self._learn_columns(columns)
        self._relations = relations(
            CodedTable({name: place for place, name in enumerate(table.columns)}, codes, lambda n: values[n].to_list()),
            lambda name: beginnings[name].to_list(),
            most=MOST_DETERMINANTS,
            closed=CLOSED,
            progress=stage("comparing columns"),
        )


def _column(rows: int, counts: pl.DataFrame) -> Column:
    """A column of so many rows from its values and their counts."""
    if len(counts) <= MANY:
        return Column.of(rows, Counter(dict(counts.iter_rows())))
    repeated = counts.filter(pl.col("count") > 1)
    kept = Repeated(dict((counts.head(1) if repeated.is_empty() else repeated).iter_rows()), len(counts))
    return Column.of(rows, kept, counts.iter_rows(), len(counts) * 2 // MANY)


def _of_whole(rows: int, whole: ValueCounts, part: Column) -> Column:
    """A column of so many rows from all its values; of very many, its shapes and numbers are those of a part, scaled.

    Args:
        rows: how many.
        whole: all its values.
        part: the column in evenly spread rows.
    """
    if whole.distinct <= MANY:
        return Column.of(rows, Counter(dict(whole.values.iter_rows())))
    repeated = whole.values.filter(pl.col("count") > 1)
    kept = (whole.values.head(1) if repeated.is_empty() else repeated).head(MANY)
    share = whole.filled / max(part.filled, 1)
    return replace(
        part,
        rows=rows,
        filled=whole.filled,
        counts=Repeated(dict(kept.iter_rows()), whole.distinct),
        shapes=_scaled(part.shapes, share),
        characters=_scaled(part.characters, share),
    )


def _scaled(counts: Counter[str], share: float) -> Counter[str]:
    return Counter({value: round(count * share) for value, count in counts.items()})


def _digits(value: str) -> str:
    return "".join(character for character in value if character.isdigit())
