"""Counting whole columns with polars: what they hold, as numbers and as values."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dp_tools.records import NO_VALUE


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
