"""Counting whole columns with polars: what they hold, as numbers and as values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dp_tools.records import NO_VALUE

KEPT = 1_000_000
"""Distinct values of a column that are counted at once, where it comes in parts."""


@dataclass
class ValueCounts:
    """How often each value of a column occurs that comes in parts, in bounded memory.

    Once there are too many values, those seen once so far are let go, and if that is not enough, the rarest. So the
    count of a value that is rare in each part may be too low, and `distinct` too high.

    Args:
        values: `value` and `count`, the most frequent first once all parts were added.
        filled: cells with a value.
        dropped: values that were let go.
    """

    values: pl.DataFrame
    filled: int = 0
    dropped: int = 0

    @classmethod
    def none(cls) -> ValueCounts:
        """Of no part yet."""
        return cls(pl.DataFrame(schema={"value": pl.String, "count": pl.UInt64}))

    @property
    def distinct(self) -> int:
        """How many values there are."""
        return len(self.values) + self.dropped

    def add(self, column: pl.Series) -> None:
        """Count a part of the column, whose values are strings or null."""
        counts = value_counts(column).with_columns(pl.col("count").cast(pl.UInt64))
        self.filled += int(counts["count"].sum())
        merged = pl.concat([self.values, counts]).group_by("value").agg(pl.col("count").sum())
        merged = merged.sort(["count", "value"], descending=[True, False])
        if len(merged) > KEPT:
            kept = merged.filter(pl.col("count") > 1).head(KEPT // 2)
            self.dropped += len(merged) - len(kept)
            merged = kept
        self.values = merged


def known(column: str) -> pl.Expr:
    """A column of a snapshot without surrounding blanks, null where it holds no value (see `is_missing`)."""
    text = pl.col(column).str.strip_chars()
    return pl.when(~text.is_in(list(NO_VALUE))).then(text)


def known_codes(column: pl.Series) -> tuple[NDArray[np.int32], pl.DataFrame]:
    """A column as numbers in record order, and its values (see `known`) with their counts.

    Returns:
        0 to distinct - 1 in the order in which values first occur, -1 for missing ones; `value` and `count`, by number.
    """
    values = column.to_frame().select(known(column.name).alias("value"))
    counts = values.drop_nulls().group_by("value", maintain_order=True).agg(pl.len().alias("count"))
    codes = values["value"].cast(pl.Enum(counts["value"])).to_physical().cast(pl.Int32).fill_null(-1)
    return codes.to_numpy(), counts


def value_counts(column: pl.Series) -> pl.DataFrame:
    """Distinct values of a column with their counts: `value`, `count`, most frequent first, missing ones left out."""
    counts = (
        column.to_frame("value").filter(known("value").is_not_null()).group_by("value").agg(pl.len().alias("count"))
    )
    return counts.sort(["count", "value"], descending=[True, False])


def format_counts(counts: pl.DataFrame, read: int) -> pl.DataFrame:
    """How often each format occurs: digits read 9, letters a or A, runs of either shortened to one and "+".

    Args:
        counts: `value` and `count`.
        read: characters of a value that are read.

    Returns:
        The formats as `value` and their `count`, most frequent first.
    """
    formats = (
        pl.col("value")
        .str.slice(0, read)
        .str.replace_all(r"[0-9]", "9")
        .str.replace_all(r"\p{Lu}", "A")
        .str.replace_all(r"\p{Ll}", "a")
        .str.replace_all(r"a{2,}", "a+")
        .str.replace_all(r"A{2,}", "A+")
    )
    found = counts.group_by(formats.alias("value")).agg(pl.col("count").sum())
    return found.sort(["count", "value"], descending=[True, False])


def digit_shape(value: pl.Expr) -> pl.Expr:
    """Values in small letters with each run of digits read as 9: keys and codes of a column share few of these."""
    return value.str.to_lowercase().str.replace_all(r"\d+", "9")
