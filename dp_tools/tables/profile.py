"""Profiles a table: the facts that a person or an agent wants before changing it."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dp_tools.profiling.association import CodedTable
from dp_tools.profiling.column_counts import format_counts, known_codes, value_counts
from dp_tools.profiling.column_kinds import kinds_of
from dp_tools.profiling.dependencies import functional_dependencies
from dp_tools.profiling.kind import Kind
from dp_tools.profiling.value_kinds import KINDS
from dp_tools.progress import Stage, silent
from dp_tools.records import MISSING_MARKS, MISSING_WORDS
from dp_tools.tables.identity_columns import EXPORTED, SERIAL, SOURCE, reason_left_out
from dp_tools.tables.snapshot import Table
from dp_tools.tables.table_profile import ColumnProfile, Dependency, Frequent, TableProfile

TOP = 10
"""Frequent values and formats that a profile lists."""
_SHOWN = 60
_SAMPLE = 1000
"""Records whose values tell what kind of thing a column holds."""
_KIND_OF_REASON: dict[str | None, Kind] = {
    SERIAL: "serial number",
    SOURCE: "source label",
    EXPORTED: "time of export",
}


def profile_table(
    table: Table,
    *,
    columns: list[str] | None = None,
    dependencies: bool = True,
    stage: Stage = silent,
) -> TableProfile:
    """Profile a table, a few columns in memory at a time.

    Args:
        table: the table.
        columns: the columns to profile (default: all).
        dependencies: whether to look for functional dependencies too.
        stage: gives the progress of a stage by its name; it may raise to stop.

    Raises:
        InvalidRequest: an attribute is unknown.
    """
    names = list(table.columns if columns is None else columns)
    table.require(names)
    look = stage("profiling columns")
    profiles = []
    codes = np.empty((table.count, len(names)), np.int32)
    samples: dict[str, list[str | None]] = {}
    not_describing: dict[str, Kind] = {}
    for number, column in enumerate(table.series(names)):
        look(number, len(names))
        profiles.append(_profile(column))
        if dependencies:
            codes[:, number], _ = known_codes(column)
        samples[column.name] = column.head(_SAMPLE).to_list()
        if (reason := reason_left_out(column)) in _KIND_OF_REASON:
            not_describing[column.name] = _KIND_OF_REASON[reason]
    found = kinds_of(samples, not_describing)
    for profile in profiles:
        kind, profile.holds_probability = found[profile.name]
        profile.holds = kind
    return TableProfile(
        table=table.name,
        records=table.count,
        format=table.reading.format,
        options=dict(table.reading.options),
        notes=list(table.reading.notes),
        columns=profiles,
        dependencies=_dependencies(names, codes, stage) if dependencies and table.count else [],
    )


def _dependencies(names: list[str], codes: NDArray[np.int32], stage: Stage) -> list[Dependency]:
    """The dependencies that hold between columns, given as codes."""
    table = CodedTable({name: place for place, name in enumerate(names)}, codes, lambda _name: ())
    return [
        Dependency(
            left=found.left,
            right=found.right,
            confidence=round(found.measure.confidence, 4),
            support=round(found.measure.rows / found.measure.records, 4),
            exceptions=int(found.measure.rows - found.measure.agreeing),
        )
        for found in functional_dependencies(table, stage("comparing columns"))
    ]


def _profile(column: pl.Series) -> ColumnProfile:
    name, records = column.name, len(column)
    counts = value_counts(column)
    filled = int(counts["count"].sum())
    kind, share = _kind(counts, filled)
    lengths = counts["value"].str.len_chars()
    profile = ColumnProfile(
        name=name,
        filled=round(filled / records, 4) if records else 0.0,
        distinct=len(counts),
        kind=kind,
        kind_share=share,
        key_likeness=round(len(counts) / records, 4) if records else 0.0,
        top=_frequent(counts.head(TOP)),
        formats=_frequent(format_counts(counts, _SHOWN).head(TOP)),
        shortest=int(lengths.min() or 0),  # type: ignore[arg-type]
        longest=int(lengths.max() or 0),  # type: ignore[arg-type]
        placeholders=_frequent(
            counts.filter(
                pl.col("value").str.strip_chars().str.to_lowercase().is_in([*MISSING_MARKS, *MISSING_WORDS])
            ).head(TOP)
        ),
    )
    if kind in ("integer", "number"):
        _add_numbers(profile, counts)
    return profile


def _kind(counts: pl.DataFrame, filled: int) -> tuple[str, float]:
    if not filled:
        return "empty", 0.0
    matches = counts.select(
        *(
            (pl.col("value").str.strip_chars().str.contains(pattern) * pl.col("count")).sum().alias(kind)
            for kind, pattern in KINDS
        )
    ).row(0, named=True)
    for kind, _ in KINDS:
        if matches[kind] >= 0.9 * filled:
            return kind, round(matches[kind] / filled, 4)
    if len(counts) <= max(12, 0.05 * filled):
        return "category", 1.0
    if len(counts) >= 0.98 * filled and counts["value"].str.contains(r"^\S{1,40}$").all():
        return "identifier", 1.0
    return "text", 1.0


def _frequent(counts: pl.DataFrame) -> list[Frequent]:
    return [Frequent(text=value[:_SHOWN], count=count) for value, count in counts.select("value", "count").iter_rows()]


def _add_numbers(profile: ColumnProfile, counts: pl.DataFrame) -> None:
    numbers = (
        counts.select(
            pl.col("value").str.strip_chars().str.replace_all(",", "").cast(pl.Float64, strict=False).alias("number"),
            "count",
        )
        .filter(pl.col("number").is_finite())
        .sort("number")
    )
    if numbers.is_empty():
        return
    low, high = float(numbers["number"][0]), float(numbers["number"][-1])
    half = numbers["count"].sum() / 2
    profile.low, profile.high = low, high
    profile.median = float(numbers.filter(pl.col("count").cum_sum() >= half)["number"][0])
    width = (high - low) / 20
    if width > 0:
        place = ((pl.col("number") - low) / width).floor().clip(0, 19).cast(pl.Int32)
        bins = dict(numbers.group_by(place.alias("bin")).agg(pl.col("count").sum()).iter_rows())
        profile.histogram = [(low + width * number, int(bins.get(number, 0))) for number in range(20)]
