"""Evidence from a whole table: the facts of `RecordFacts`, in the same words, learned from a snapshot.

Counting is polars' work, a column or a pair of columns at a time; what stays in memory is what the facts look up.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from dp_tools.evidence.cells import (
    CLOSED,
    ENOUGH,
    Column,
    RecordFacts,
    beginning_of,
    dependency_strength,
    nearest,
    shape_of,
)
from dp_tools.evidence.gaps import may_be_a_gap, placeholders
from dp_tools.evidence.notations import named_days, style_of, written
from dp_tools.evidence.slips import plain_letters
from dp_tools.prompts.serializer import Record
from dp_tools.tables.dependencies import column_codes, group_agreement
from dp_tools.tables.table import Table, known

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
DAYS = 1_000
"""The most frequent values of a column that tell how its days are written."""

_WORD = re.compile(r"[^\W\d_]+")


class _Repeated(Counter[str]):
    """Counts of a column of very many values: those that occur once are not kept, and any unknown one counts as one."""

    distinct = 0

    def __missing__(self, value: str) -> int:
        return 1

    def __len__(self) -> int:
        return self.distinct


class TableFacts(RecordFacts):
    """Facts about the cells of a table.

    Args:
        table: the table.
        columns: the columns that are looked at (default: all).
    """

    def __init__(self, table: Table, columns: list[str] | None = None) -> None:
        super().__init__(())
        self._words: dict[str, list[tuple[str, int]]] = {}
        self._styles: dict[str, str | None] = {}
        self._table = table
        self._plain: dict[str, dict[str, str]] = {}
        self._placeholders: dict[str, frozenset[str]] = {}
        self._beside: dict[tuple[str, str], dict[str, Counter[str]]] = {}
        if table.count >= ENOUGH:
            self._learn_table(table, list(table.columns if columns is None else columns))

    def majorities(self, record: Record, attribute: str) -> list[tuple[str, str, int, int]]:
        """What the other rows with the same determining value hold most: determinant, value, how many, of how many.

        Only clear majorities: two rows at least and more than half.
        """
        found = []
        own = (record.get(attribute) or "").strip()
        for determinant in self._determinants.get(attribute, []):
            groups = self._groups[determinant, attribute]
            peers = Counter(groups.get((record.get(determinant) or "").strip(), Counter()))
            if own in peers:
                peers[own] -= 1
            total = peers.total()
            if total:
                value, count = peers.most_common(1)[0]
                if count * 2 > total and value != own:
                    found.append((determinant, value, count, total))
        return found

    def column(self, attribute: str) -> Column | None:
        """What is known of a column; None in a table that is too small to say anything."""
        return self._columns.get(attribute)

    def beginning_says(self, record: Record, attribute: str) -> str | None:
        """What most rows hold whose value of the attribute that tells this one best begins alike."""
        determinant, groups = self._beginnings.get(attribute, ("", {}))
        peers = groups.get(beginning_of(record.get(determinant)))
        value, count = peers.most_common(1)[0] if peers else ("", 0)
        return value if peers and count * 2 > peers.total() else None

    def beside(self, attribute: str, value: str) -> dict[str, Counter[str]]:
        """The values of the other columns in up to two thousand rows that hold a value, evenly spread."""
        if (attribute, value) not in self._beside:
            step = max(1, self._columns[attribute].counts[value] // ROWS_BESIDE)
            rows = self._table.scan().filter(known(attribute) == value).gather_every(step)
            others = [name for name in self._columns if name != attribute]
            found = rows.select(known(name).alias(name) for name in others).collect()
            self._beside[attribute, value] = {name: Counter(found[name].drop_nulls().to_list()) for name in others}
        return self._beside[attribute, value]

    def is_placeholder(self, attribute: str, value: str) -> bool:
        """Whether a value stands for none in its column (see `placeholders`)."""
        column = self._columns.get(attribute)
        if column is None or not may_be_a_gap(value):
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
        near = nearest(column, value)
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
            reach = 1 if len(word) <= 6 else 2
            near = (
                process.extractOne(word, frequent, scorer=OSA.distance, score_cutoff=reach) if len(word) > 3 else None
            )
            changed = changed or near is not None
            return word if near is None else str(near[0])

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

    def as_days_are_written(self, attribute: str, value: str) -> str | None:
        """The one day that a value names, in the notation of its column; None where either is not one."""
        column = self._columns.get(attribute)
        days = set(named_days(value) or ())
        if column is None or len(days) != 1:
            return None
        if attribute not in self._styles:
            self._styles[attribute] = style_of(dict(column.counts.most_common(DAYS)))
        style = self._styles[attribute]
        return written(days.pop(), style) if style else None

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

    def _learn_table(self, table: Table, names: list[str]) -> None:
        self._learn_columns({name: _column(table, name) for name in names})
        for name, other in self._closed_pairs():
            self._together[name, other] = Counter(
                {(a, b): count for a, b, count in _pairs(table, known(name), known(other)).iter_rows()}
            )
        codes = {name: column_codes(table, known(name)) for name in names}
        begun = {name: column_codes(table, _beginning(name)) for name in names}
        lengths = {name: int(beginnings.max(initial=-1)) + 1 for name, beginnings in begun.items()}
        for name in names:
            self._learn_determinants(name, partial(self._table_strength, codes, name))
            for other in self._determinants[name]:
                self._groups[other, name] = _grouped(table, known(other), known(name))
            best = self._best_beginning(name, lengths, partial(_begun_agreement, begun, codes[name]))
            if best:
                self._beginnings[name] = best, _grouped(table, _beginning(best), known(name))

    def _table_strength(self, codes: dict[str, NDArray[np.int32]], name: str, determinant: str) -> float:
        rows, agreeing, groups = group_agreement(codes[determinant], codes[name])
        return dependency_strength(rows, agreeing, groups, self._columns[name])


def _column(table: Table, name: str) -> Column:
    counts = (
        table.scan([name])
        .select(known(name).alias("value"))
        .drop_nulls()
        .group_by("value", maintain_order=True)
        .agg(pl.len().alias("count"))
        .collect()
    )
    column = Column(rows=table.count, filled=int(counts["count"].sum()))
    part, scale = counts, 1
    if len(counts) > MANY:
        repeated = counts.filter(pl.col("count") > 1)
        column.counts = _Repeated(dict((counts.head(1) if repeated.is_empty() else repeated).iter_rows()))
        column.counts.distinct = len(counts)
        scale = len(counts) * 2 // MANY
        part = counts.gather_every(scale)
    else:
        column.counts = Counter(dict(counts.iter_rows()))
    for value, count in part.iter_rows():
        column.shapes[shape_of(value)] += count * scale
        for character in set(value):
            column.characters[character] += count * scale
    numbers = counts.with_columns(pl.col("value").cast(pl.Float64, strict=False)).filter(pl.col("value").is_finite())
    total = int(numbers["count"].sum())
    if total >= 0.8 * column.filled and total >= ENOUGH:
        numbers = numbers.sort("value").with_columns(pl.col("count").cum_sum().alias("up_to"))
        first, third = (
            float(numbers.filter(pl.col("up_to") > place)["value"][0]) for place in (total // 4, 3 * total // 4)
        )
        column.range = first - 3 * (third - first), third + 3 * (third - first)
    return column


def _digits(value: str) -> str:
    return "".join(character for character in value if character.isdigit())


def _begun_agreement(
    begun: Mapping[str, NDArray[np.int32]], own: NDArray[np.int32], determinant: str
) -> tuple[int, int, int]:
    return group_agreement(begun[determinant], own)


def _beginning(column: str) -> pl.Expr:
    """`beginning_of` each value of a column, null where there is none."""
    return known(column).str.extract(r"^([\p{L}\p{N}]+[^\p{L}\p{N}]?)", 1).str.strip_chars_end()


def _grouped(table: Table, keys: pl.Expr, values: pl.Expr) -> dict[str, Counter[str]]:
    """The values of each key, in the order in which they first occur."""
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for key, value, count in _pairs(table, keys, values).iter_rows():
        groups[key][value] = count
    return groups


def _pairs(table: Table, left: pl.Expr, right: pl.Expr) -> pl.DataFrame:
    """How often two values stand together: left, right, count; in the order in which they first do."""
    return (
        table.scan()
        .select(left.alias("left"), right.alias("right"))
        .drop_nulls()
        .group_by("left", "right", maintain_order=True)
        .agg(pl.len().alias("count"))
        .collect()
    )
