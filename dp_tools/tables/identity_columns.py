"""Tells the columns that describe records from those that only number them or name their source.

A key differs between two records of the same thing, and so does the label of the system that each came from: shown to
the model they look like differences. They are found by names and values together, left out, and named in the result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from dp_tools.errors import InvalidRequest
from dp_tools.profiling.column_counts import digit_shape, known
from dp_tools.profiling.value_kinds import KINDS
from dp_tools.progress import Progress, Stage, silent
from dp_tools.tables.snapshot import Table

SERIAL = "a serial number"
KEY = "a record key"
SOURCE = "a source label"
EXPORTED = "a time of export"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+")
_KEY_NAMES = _words(
    "id ids key pk uid uuid guid oid ref no nr num number nummer numero code sku index idx row rowid rec "
    "record seq sequence entry lfd"
)
_SOURCE_NAMES = _words("source src system origin provenance feed quelle herkunft quellsystem datenquelle")
_EXPORT_NAMES = _words(
    "exported export imported import created updated modified changed loaded ingested inserted extracted "
    "synced timestamp"
)
_BESIDE = _words("data record records name of the file system list at on date time by crm db table row last")
"""Words that may stand beside a word for a source or an export without giving the column another meaning."""
_DESCRIBING = _words(
    "phone tel telephone telefon mobile mob handy fax zip plz postcode postal post house hausnummer "
    "street unit apt price amount total cost year age dob birth date salary iban bic vat tax ean gtin upc "
    "isbn issn doi barcode mpn part model serial ssn mail email url web domain qty quantity version size "
    "weight"
)
"""A column with such a word in its name says something about the record, however its values are written."""

_DESCRIBING_STEMS = tuple(word for word in sorted(_DESCRIBING) if len(word) > 4)

_SINGLE = r"^[^\s@:]{1,40}$"
_OPAQUE = r"(?i)^(\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?|[0-9a-f]{16,64})$"
_DATED = "|".join(pattern for kind, pattern in KINDS if kind in ("date", "date and time"))
_LEAST_FILLED = 0.95
_ALMOST_ALL = 0.98
_MOST = 0.9
_FEWEST = 5
"""Records below which a column of distinct codes may be chance."""
_LONGEST_LABELS = 20
"""Distinct values of a source label, at the most."""
_SHARED = 0.05
"""Of the keys of the smaller table, the share that both tables hold from which on they are no chance."""


@dataclass(frozen=True, slots=True)
class Content:
    """The columns of a table that are looked at.

    Args:
        columns: their names, in the table's order.
        left_out: the others that were left out by themselves, with the reason.
    """

    columns: list[str]
    left_out: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Column:
    """What decides about a column: its records, filled ones, distinct values, and shares of the filled ones."""

    records: int
    filled: int
    distinct: int
    shapes: int
    single: float
    with_digit: float
    lettered: float
    opaque: float
    dated: float
    lengths: int
    serial: bool


def contents(
    tables: Sequence[Table],
    *,
    only: Sequence[str] | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    comparing: bool = False,
    every: int = 1,
    stage: Stage = silent,
) -> list[Content]:
    """The columns that describe the records of each table.

    Args:
        tables: one table, or two.
        only: these and no others; nothing is left out by itself then.
        include: columns that are looked at though they would be left out.
        exclude: columns that are not looked at.
        comparing: whether records are compared, and not judged one by one.
        every: the tables hold one record of so many, evenly spread.
        stage: gives the progress of a stage by its name; it may raise to stop.

    Raises:
        InvalidRequest: a column is in no table, or none is left of a table.
    """
    for name in (*(only or ()), *include, *exclude):
        if not any(name in table.columns for table in tables):
            tables[0].require([name])
    look = stage("choosing columns")
    reasons = [_reasons(table, comparing, every, look) if only is None else {} for table in tables]
    if len(tables) == 2:
        _keep_shared_keys(tables, reasons)
    return [_chosen(table, why, only, include, exclude) for table, why in zip(tables, reasons, strict=True)]


def _chosen(
    table: Table,
    reasons: Mapping[str, str],
    only: Sequence[str] | None,
    include: Sequence[str],
    exclude: Sequence[str],
) -> Content:
    """The columns of one table, where these are left out by themselves for these reasons."""
    chosen = [name for name in only or () if name in table.columns] or list(table.columns)
    left_out = {name: reasons[name] for name in chosen if name in reasons and name not in (*include, *exclude)}
    kept = [name for name in chosen if name not in left_out and name not in exclude]
    if not kept and left_out:
        kept, left_out = list(left_out), {}
    if not kept:
        raise InvalidRequest(f"No column of {table.name} is left to look at: exclude fewer.")
    return Content(kept, left_out)


def _reasons(table: Table, comparing: bool, every: int, look: Progress) -> dict[str, str]:
    """The columns that do not describe the records, and why."""
    found = {}
    for place, column in enumerate(table.series()):
        look(place, len(table.columns))
        reason = _reason(column.name, _facts(column, every), comparing)
        if reason is not None:
            found[column.name] = reason
    return found


def reason_left_out(column: pl.Series) -> str | None:
    """Why a column is left out where records are compared; None where it describes them."""
    return _reason(column.name, _facts(column), comparing=True)


def _reason(name: str, column: _Column, comparing: bool) -> str | None:
    words = {part.casefold() for part in _NAME_PARTS.findall(name)}
    if column.serial:
        return SERIAL
    if words <= _SOURCE_NAMES | _BESIDE and words & _SOURCE_NAMES and column.distinct <= _LONGEST_LABELS:
        return SOURCE
    if comparing and words <= _EXPORT_NAMES | _BESIDE and words & _EXPORT_NAMES and column.dated >= _MOST:
        return EXPORTED
    return KEY if _is_key(words, column, comparing) else None


def _is_key(words: set[str], column: _Column, comparing: bool) -> bool:
    # Where records are compared, a key that repeats says that two of them are the same.
    if column.distinct < (1 if comparing else _ALMOST_ALL) * column.filled:
        return False
    if column.records < _FEWEST or column.filled < _LEAST_FILLED * column.records or _describes(words):
        return False
    if column.opaque >= _ALMOST_ALL:
        return True
    if min(column.single, column.with_digit) < _ALMOST_ALL or column.dated >= _MOST:
        return False
    named = any(word in _KEY_NAMES or word.endswith(("nr", "nummer")) for word in words)
    if column.lettered >= _MOST and column.shapes <= max(2, column.filled // 10):
        return True
    return named and column.lengths == 1


def _describes(words: set[str]) -> bool:
    return any(word in _DESCRIBING or word.startswith(_DESCRIBING_STEMS) for word in words)


def _facts(column: pl.Series, every: int = 1) -> _Column:
    value = pl.col("value")
    # A serial number may have a prefix of its own: V7000, V7001, ...
    counter = value.str.extract(r"^[^\d\s]{0,6}(\d{1,15})$").cast(pl.Int64)
    filled = value.count()

    def share(pattern: str) -> pl.Expr:
        return value.str.contains(pattern).sum() / filled

    facts = (
        column.to_frame()
        .select(known(column.name).alias("value"))
        .select(
            pl.len().alias("records"),
            filled.alias("filled"),
            value.drop_nulls().n_unique().alias("distinct"),
            digit_shape(value).drop_nulls().n_unique().alias("shapes"),
            share(_SINGLE).alias("single"),
            share(r"\d").alias("with_digit"),
            share(r"\p{L}").alias("lettered"),
            share(_OPAQUE).alias("opaque"),
            share(_DATED).alias("dated"),
            value.str.len_chars().drop_nulls().n_unique().alias("lengths"),
            counter.drop_nulls().n_unique().alias("counted"),
            (counter.max() - counter.min()).alias("span"),
        )
        .row(0, named=True)
    )
    counted, span = facts.pop("counted"), facts.pop("span")
    serial = 1 < facts["records"] == counted and span < 3 * facts["records"] * every + 10
    return _Column(**{field: number or 0 for field, number in facts.items()}, serial=serial)


def _keep_shared_keys(tables: Sequence[Table], reasons: Sequence[dict[str, str]]) -> None:
    """A key that both tables hold identifies records across them, unless it only counts them in each."""
    keys = [[name for name, reason in why.items() if reason == KEY] for why in reasons]
    values = [
        {name: table.scan([name]).select(known(name).alias("value")).drop_nulls() for name in names}
        for table, names in zip(tables, keys, strict=True)
    ]
    fewest = min(table.count for table in tables)
    for ours, left in values[0].items():
        for theirs, right in values[1].items():
            shared = left.join(right, on="value", how="semi").select(pl.len()).collect(engine="streaming").item()
            if shared > max(1, _SHARED * fewest):
                reasons[0].pop(ours, None)
                reasons[1].pop(theirs, None)
