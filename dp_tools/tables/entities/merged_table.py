"""The merged table: one record per entity of one table or of two, and where each of its values comes from."""

from __future__ import annotations

import csv
import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dp_tools.progress import Progress
from dp_tools.records import Record
from dp_tools.rules.injection import Subject
from dp_tools.tables.asking import chunks
from dp_tools.tables.entities.survivorship import Survivor, Survivorship
from dp_tools.tables.snapshot import Table

_AT_ONCE = 5_000
"""Entities whose records are held at once."""
Place = tuple[int, int]
"""A record: the number of its table, and its own number there, both from 0."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Values of one entity that contradict each other.

    Args:
        survivor: what the merged record has.
        rows: the entity's records, as a person finds them.
        subject: the case that a person's choice decides.
    """

    survivor: Survivor
    rows: tuple[str, ...]
    subject: Subject


@dataclass(slots=True)
class Merging:
    """What came of merging.

    Args:
        entities: how many there are.
        merged: how many of them have several records.
        contradicting: how many values contradict others.
        conflicts: of these the least certain ones that a person can decide.
    """

    entities: int = 0
    merged: int = 0
    contradicting: int = 0
    conflicts: list[Conflict] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Members:
    """The records of one entity.

    Args:
        entity: its number.
        rows: its records, as a person finds them.
        records: the same, with their values.
    """

    entity: int
    rows: list[str]
    records: list[Record]


def write_merged(
    entities: Iterable[Members], survivorship: Survivorship, table: Path, provenance: Path, most: int
) -> Merging:
    """Write one record per entity as CSV, and as JSON Lines where each value of a merged record comes from.

    Args:
        entities: the entities.
        survivorship: says which values survive.
        table, provenance: the files to write.
        most: conflicts that are kept for a person, at the most.
    """
    merging = Merging()
    least: list[tuple[float, int, Conflict]] = []
    with (
        table.open("w", encoding="utf-8", newline="") as rows,
        provenance.open("w", encoding="utf-8", newline="\n") as lines,
    ):
        writer = csv.writer(rows, lineterminator="\n")
        writer.writerow(["entity", "records", "rows", *survivorship.columns])
        for members in entities:
            merging.entities += 1
            survivors = survivorship.merge(members.records)
            where = " ".join(members.rows)
            writer.writerow([members.entity, len(members.rows), where, *(one.value for one in survivors)])
            if len(members.rows) == 1:
                continue
            merging.merged += 1
            for survivor in survivors:
                lines.write(_line(members, survivor))
                if survivor.conflict is None:
                    continue
                merging.contradicting += 1
                subject = survivorship.subject(survivor.attribute, members.records)
                if subject is not None:
                    conflict = Conflict(survivor, tuple(members.rows), subject)
                    heapq.heappush(least, (-survivor.support, -merging.contradicting, conflict))
                    if len(least) > most:
                        heapq.heappop(least)
    merging.conflicts = [conflict for _, _, conflict in sorted(least, key=lambda entry: entry[:2], reverse=True)]
    return merging


def entities_of_tables(
    tables: Sequence[Table], groups: Sequence[Sequence[Place]], progress: Progress
) -> Iterator[Members]:
    """The entities of one table or of two, in the order of their first records.

    Args:
        tables: one, or two.
        groups: the records of each entity that has several; every other record is an entity of its own.
        progress: called with (records done, records in all).
    """
    group_of = {min(group): sorted(group) for group in groups}
    others = {place for group in groups for place in group} - group_of.keys()
    total, done, entity = sum(table.count for table in tables), 0, 0
    for side, table in enumerate(tables):
        leading = ((row, record) for row, record in table.records() if (side, row) not in others)
        for batch in chunks(leading, _AT_ONCE):
            progress(done + batch[0][0], total)
            members = {place for row, _ in batch for place in group_of.get((side, row), ())}
            known: dict[Place, Record] = {}
            for number, one in enumerate(tables):
                wanted = {row for where, row in members if where == number}
                if wanted:
                    known |= {(number, row): record for row, record in one.records(wanted)}
            for row, record in batch:
                entity += 1
                places = group_of.get((side, row), [(side, row)])
                names = [_named(place, len(tables)) for place in places]
                yield Members(entity, names, [known.get(place, record) for place in places])
        done += table.count


def linked_places(pairs: Iterable[tuple[int, int, float]]) -> list[list[Place]]:
    """The records of two tables that pairs link, directly or by way of others."""
    group_of: dict[Place, list[Place]] = {}
    for a, b, _ in pairs:
        left, right = group_of.setdefault((0, a), [(0, a)]), group_of.setdefault((1, b), [(1, b)])
        if left is not right:
            left.extend(right)
            group_of |= dict.fromkeys(right, left)
    return list({id(group): group for group in group_of.values()}.values())


def _line(members: Members, survivor: Survivor) -> str:
    entry = {
        "entity": members.entity,
        "attribute": survivor.attribute,
        "value": survivor.value,
        "row": None if survivor.member is None else members.rows[survivor.member],
        "decided_by": survivor.decided_by,
        "lost": [{"row": members.rows[member], "value": value} for member, value in survivor.lost],
        "conflict": survivor.conflict,
    }
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _named(place: Place, tables: int) -> str:
    """A record as a person finds it: by its row from 1, of two tables with the side before it."""
    side, row = place
    return str(row + 1) if tables == 1 else f"{('left', 'right')[side]}:{row + 1}"
