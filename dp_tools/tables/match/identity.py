"""People, companies and addresses in tables: which columns tell them, blocking keys, and the judge of their pairs."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from dp_tools.engine.parts import Here, InParts
from dp_tools.errors import InvalidRequest
from dp_tools.profiling.column_kinds import CERTAIN, ColumnKind, kinds_of
from dp_tools.profiling.identity import (
    Details,
    IdentityJudge,
    Layout,
    Sample,
    keys_of,
    layout_of,
    likely_keys,
    shared_details,
    tokens_of,
)
from dp_tools.profiling.kind import KINDS, Kind
from dp_tools.profiling.token_counts import TokenCounts, hashes_of
from dp_tools.progress import Stage
from dp_tools.tables.match.shared_keys import Keys
from dp_tools.tables.snapshot import ROW, Table

_SAMPLE = 1000
"""Records whose values tell what kind of thing a column holds."""


@dataclass(frozen=True)
class Identity:
    """What tells the records of one or two tables apart, where they are people, companies or addresses.

    Args:
        keys: of each table the blocking keys of its records, in file order.
        judge: weighs what columns say of a pair.
    """

    keys: list[Keys]
    judge: IdentityJudge


def identity_of(
    tables: Sequence[Table],
    shown: Sequence[Sequence[str]],
    stated: Mapping[str, Kind],
    stage: Stage,
    in_parts: InParts | None = None,
) -> Identity | None:
    """What tells the records of these tables apart; None where they are not all people, companies or addresses.

    Args:
        tables: one, or two.
        shown: the columns of each that are compared.
        stated: kinds of columns that a person gave.
        stage: gives the progress of a stage by its name; it may raise to stop.
        in_parts: where records are read (default: in this process).

    Raises:
        InvalidRequest: a kind was given for a column that no table has.
    """
    for name in stated:
        if not any(name in table.columns for table in tables):
            tables[0].require([name])
    layouts = [layout_in(table, names, stated) for table, names in zip(tables, shown, strict=True)]
    known = [layout for layout in layouts if layout is not None]
    if len(known) < len(layouts) or len({layout.subject for layout in known}) > 1:
        return None
    look = stage("reading names and places")
    total = sum(table.count for table in tables)
    keys = [Keys() for _ in tables]
    details = shared_details(known[0], known[-1])
    sample = Sample(details)

    def tokens() -> Iterator[array[int]]:
        done = 0
        for table, layout, found in zip(tables, known, keys, strict=True):
            parts = (_Unread(frame, sample.step) for frame in table.only(list(layout.kinds)).frames())
            for part in (in_parts or Here())(_read, (layout, details), parts):
                look(done, total)
                done += len(part.keys)
                found.add_all(part.keys)
                sample.add_all(part.sample)
                yield part.tokens

    counts = TokenCounts(tokens())
    return Identity(keys, IdentityJudge(known[0], known[-1], counts, Details(details, sample)))


class _Unread(NamedTuple):
    """Records to read, every value a string or null, and the step of the sample so far."""

    frame: pl.DataFrame
    step: int


class _Read(NamedTuple):
    """What records say: their keys, the hashes of the tokens of each, and those of which details are weighed."""

    keys: Keys
    tokens: array[int]
    sample: Sample


def _read(how: tuple[Layout, Sequence[str]], part: _Unread) -> _Read:
    """Read the records of a part.

    Args:
        how: their layout, and the details.
        part: the records.
    """
    layout, details = how
    found = _Read(Keys(), array("q"), Sample(details, part.step))
    for record in part.frame.iter_rows(named=True):
        # Once over each record: what its values are made of is remembered for a while only.
        found.keys.add(keys_of(layout, record))
        held = list(tokens_of(layout, record))
        found.tokens.extend(hashes_of(held))
        if details:
            found.sample.add(record, likely_keys(layout, held))
    return found


def stated_kinds(given: Sequence[str]) -> dict[str, Kind]:
    """Kinds by column out of texts "kind=column".

    Raises:
        InvalidRequest: a text has no such form, or names no kind.
    """
    found: dict[str, Kind] = {}
    for text in given:
        kind, equals, column = text.partition("=")
        known = next((one for one in KINDS if one == kind.strip().casefold()), None)
        if not equals or known is None:
            raise InvalidRequest(
                f"{text!r} does not say what a column holds: write KIND=COLUMN, with {', '.join(KINDS)}."
            )
        found[column.strip()] = known
    return found


def kinds_in(table: Table, names: Sequence[str], stated: Mapping[str, Kind]) -> dict[str, Kind]:
    """What columns of a table hold; "other" where that is not sure.

    Args:
        table: the table.
        names: the columns.
        stated: kinds that a person gave.
    """
    found = _kinds(table.scan(list(names)).head(_SAMPLE).collect(), stated)
    return {name: kind.kind if kind.probability >= CERTAIN else "other" for name, kind in found.items()}


def _kinds(sample: pl.DataFrame, stated: Mapping[str, Kind]) -> dict[str, ColumnKind]:
    columns = {column.name: column.to_list() for column in sample.drop(ROW)}
    return kinds_of(columns, {name: kind for name, kind in stated.items() if name in columns})


def layout_in(table: Table, names: Sequence[str], stated: Mapping[str, Kind]) -> Layout | None:
    """How the columns of a table say who its records are; None where they are not people, companies or addresses."""
    sample = table.scan(list(names)).head(_SAMPLE).collect()
    kinds = _kinds(sample, stated)
    return layout_of(kinds, list(names), {name: sample[name].n_unique() for name in names})
