"""People, companies and addresses in tables: which columns tell them, blocking keys, and the judge of their pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from dp_tools.errors import InvalidRequest
from dp_tools.profiling.column_kinds import CERTAIN, ColumnKind, kinds_of
from dp_tools.profiling.identity import (
    Details,
    IdentityJudge,
    Layout,
    Sample,
    Slot,
    keys_of,
    layout_of,
    likely_keys,
    shared_details,
    tokens_of,
)
from dp_tools.profiling.kind import KINDS, Kind
from dp_tools.profiling.token_counts import TokenCounts
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
    tables: Sequence[Table], shown: Sequence[Sequence[str]], stated: Mapping[str, Kind], stage: Stage
) -> Identity | None:
    """What tells the records of these tables apart; None where they are not all people, companies or addresses.

    Args:
        tables: one, or two.
        shown: the columns of each that are compared.
        stated: kinds of columns that a person gave.
        stage: gives the progress of a stage by its name; it may raise to stop.

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

    def tokens() -> Iterator[list[tuple[Slot, str]]]:
        done = 0
        for table, layout, found in zip(tables, known, keys, strict=True):
            for _, record in table.records():
                look(done, total)
                done += 1
                # Once over each record: what its values are made of is remembered for a while only.
                found.add(keys_of(layout, record))
                held = list(tokens_of(layout, record))
                if details:
                    sample.add(record, likely_keys(layout, held))
                yield held

    counts = TokenCounts(tokens())
    return Identity(keys, IdentityJudge(known[0], known[-1], counts, Details(details, sample)))


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
