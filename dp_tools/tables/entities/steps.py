"""What happens in a register, step by step: records are placed and moved, persons decide, and a step is undone."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from dp_tools.errors import InvalidRequest
from dp_tools.tables.entities.grouping import Pair, every_pair, groups_of
from dp_tools.tables.entities.register_file import in_parts, parts_of

_MOST_PAIRS = 10_000
"""Pairs of records that one word of a person about two entities is kept for."""
LEAST_LIKELY = 0.5
"""The score from which a pair holds records together, where no calibration says otherwise."""


class Step:
    """One step: what it does is kept under its number.

    Args:
        connection: of the register, in a transaction.
        what: the kind of step.
        who: who took it.
        why: the reason.
        source: the file that it comes from.
        undoes: the step that it takes back.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        what: str,
        *,
        who: str,
        why: str = "",
        source: str = "",
        undoes: int | None = None,
    ) -> None:
        self._connection = connection
        at = datetime.now(UTC).isoformat(timespec="seconds")
        cursor = connection.execute(
            "INSERT INTO steps (at, what, who, why, source, undoes) VALUES (?, ?, ?, ?, ?, ?)",
            (at, what, who, why, source, undoes),
        )
        assert cursor.lastrowid is not None
        self.number = cursor.lastrowid
        self.made = 0

    def new_entity(self) -> int:
        """The id of an entity that did not exist before."""
        entity = self._connection.execute("INSERT INTO entities (step) VALUES (?)", (self.number,)).lastrowid
        assert entity is not None
        self.made += 1
        return entity

    def move(self, record: int, after: int | None) -> None:
        """Put a record into an entity, or take it out of the register (None); a record moves once in a step."""
        row = self._connection.execute("SELECT entity FROM places WHERE record = ?", (record,)).fetchone()
        before = None if row is None else row[0]
        if before == after:
            return
        self._connection.execute("INSERT INTO moves VALUES (?, ?, ?, ?)", (self.number, record, before, after))
        if after is None:
            self._connection.execute("DELETE FROM places WHERE record = ?", (record,))
        else:
            self._connection.execute(
                "INSERT INTO places SELECT record, name, ? FROM records WHERE record = ? "
                "ON CONFLICT (record) DO UPDATE SET entity = excluded.entity",
                (after, record),
            )

    def say(self, pairs: Iterable[Pair], *, same: bool) -> None:
        """Keep what a person said of pairs of records; it binds whatever these records become."""
        pairs = list(pairs)
        names = names_of(self._connection, {record for pair in pairs for record in pair})
        self._connection.executemany(
            "INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?)",
            [(self.number, *sorted((names[a], names[b])), same) for a, b in pairs],
        )


def merge(connection: sqlite3.Connection, entities: Sequence[int], *, who: str, why: str = "") -> int:
    """Make entities one, by a person's word; the lowest id stays. One entity alone is confirmed to be one.

    Returns:
        The entity that holds them all.

    Raises:
        InvalidRequest: none is named, or one does not exist.
    """
    members = [members_of(connection, entity) for entity in sorted(set(entities))]
    if not members:
        raise InvalidRequest("Name the entities to merge.")
    step = Step(connection, "merged", who=who, why=why)
    kept = min(entities)
    for records in members[1:]:
        for record in records:
            step.move(record, kept)
    every = [record for records in members for record in records]
    # A chain says that all are one; what was said of single pairs before is taken back.
    step.say(pairwise(every), same=True)
    step.say((pair for pair, same in decisions_on(connection, every).items() if not same), same=True)
    settle(connection, every)
    return kept


def keep_apart(connection: sqlite3.Connection, entity: int, other: int, *, who: str, why: str = "") -> None:
    """Keep two entities apart, by a person's word.

    Raises:
        InvalidRequest: one does not exist.
    """
    left, right = members_of(connection, entity), members_of(connection, other)
    if entity == other:
        raise InvalidRequest(f"Entity {entity} is one: split it instead.")
    step = Step(connection, "kept apart", who=who, why=why)
    step.say(every_pair(left, right)[:_MOST_PAIRS], same=False)
    settle(connection, [*left, *right])


def split(connection: sqlite3.Connection, entity: int, records: Collection[int], *, who: str, why: str = "") -> int:
    """Take records out of an entity and make them a new one, by a person's word.

    Returns:
        The new entity.

    Raises:
        InvalidRequest: there is no such entity, a record is not in it, or none would be left.
    """
    members = members_of(connection, entity)
    if stray := sorted(set(records).difference(members)):
        raise InvalidRequest(f"Record {stray[0]} is not in entity {entity}: it holds {', '.join(map(str, members))}.")
    rest = [record for record in members if record not in records]
    if not rest or not records:
        raise InvalidRequest(
            f"Name some of the records of entity {entity}, and not all: {', '.join(map(str, members))}."
        )
    step = Step(connection, "split", who=who, why=why)
    made = step.new_entity()
    for record in sorted(records):
        step.move(record, made)
    step.say(every_pair(records, rest)[:_MOST_PAIRS], same=False)
    step.say(pairwise(sorted(records)), same=True)
    settle(connection, members)
    return made


def undo(connection: sqlite3.Connection, number: int, *, who: str, why: str = "") -> int:
    """Take a step back, and nothing that came after it: records that moved on since stay where they are.

    Returns:
        The records that moved back.

    Raises:
        InvalidRequest: there is no such step, or it is undone already.
    """
    if connection.execute("SELECT 1 FROM steps WHERE step = ?", (number,)).fetchone() is None:
        raise InvalidRequest(f"There is no step {number}; the history lists them.")
    if number in undone(connection):
        raise InvalidRequest(f"Step {number} is undone already; undo the step that did it to have it back.")
    step = Step(connection, "undone", who=who, why=why, undoes=number)
    moves = connection.execute(
        "SELECT moves.record, before, after, entity FROM moves LEFT JOIN places USING (record) WHERE moves.step = ?",
        (number,),
    ).fetchall()
    back = [(record, before) for record, before, after, now in moves if after == now]
    # What goes first makes room for the earlier state of the same record.
    for record, before in sorted(back, key=lambda move: move[1] is not None):
        if before is None or not _is_replaced(connection, record):
            step.move(record, before)
    rows = connection.execute(
        "SELECT record FROM decisions JOIN places ON name IN (one, two) WHERE step = ?", (number,)
    ).fetchall()
    settle(connection, [*(record for record, *_ in moves), *(record for (record,) in rows)])
    return len(back)


def undone(connection: sqlite3.Connection) -> set[int]:
    """The steps that were taken back, and not put in force again."""
    found: set[int] = set()
    for step, undoes in connection.execute(
        "SELECT step, undoes FROM steps WHERE undoes IS NOT NULL ORDER BY step DESC"
    ):
        if step not in found:
            found.add(undoes)
    return found


def settle(
    connection: sqlite3.Connection, touched: Collection[int], step: Step | None = None, arriving: Collection[int] = ()
) -> None:
    """Place records that arrive, and find out anew what waits for a person around all that was touched.

    A record joins the entity of its group that it is likest to, or makes one. No record that has a place is moved: what
    speaks for that waits for a person.

    Args:
        connection: of the register, in a transaction.
        touched: records that are new, moved, or spoken of.
        step: the step in which records arrive.
        arriving: those of the touched records that have no place yet.
    """
    threshold = threshold_of(connection)
    records = _component(connection, touched, threshold, arriving)
    scores = scores_of(connection, records)
    decisions = decisions_on(connection, records)
    names = names_of(connection, records)
    groups = groups_of(sorted(records, key=names.__getitem__), scores, decisions.items(), threshold)
    entity_of = places_of(connection, records)
    if step is not None:
        for group in groups:
            if new := [record for record in group if record not in entity_of]:
                home = _home(new, group, entity_of, scores, decisions) or step.new_entity()
                for record in new:
                    step.move(record, home)
                entity_of |= dict.fromkeys(new, home)
    spoken_of = (("entity", "other"), set(entity_of.values())), (("one", "two"), {*touched, *records})
    for columns, values in spoken_of:
        for part in parts_of(sorted(values)):
            marks = ", ".join("?" * len(part))
            for column in columns:
                connection.execute(f"DELETE FROM waiting WHERE {column} IN ({marks})", part)
    connection.executemany(
        "INSERT INTO waiting VALUES (?, ?, ?, ?, ?)", list(_questions(groups, entity_of, scores, decisions))
    )


def _home(
    new: Sequence[int],
    group: Sequence[int],
    entity_of: Mapping[int, int],
    scores: Mapping[Pair, float],
    decisions: Mapping[Pair, bool],
) -> int | None:
    """The entity of a group that records join which arrive in it; None where there is none that a person allows."""
    inside: defaultdict[int, list[int]] = defaultdict(list)
    for record in group:
        if record in entity_of:
            inside[entity_of[record]].append(record)
    apart = {
        entity_of[other]
        for pair, same in decisions.items()
        if not same
        for one, other in (pair, pair[::-1])
        if one in new and other in entity_of
    }

    def likeness(entity: int) -> tuple[float, int]:
        pairs = every_pair(new, inside[entity])
        return (sum(scores.get(pair, 0.0) for pair in pairs) / len(pairs), -entity)

    return max(inside.keys() - apart, key=likeness, default=None)


def _questions(
    groups: Sequence[Sequence[int]],
    entity_of: Mapping[int, int],
    scores: Mapping[Pair, float],
    decisions: Mapping[Pair, bool],
) -> Iterator[tuple[int, int | None, int, int, float | None]]:
    """Entities that would be one, those that would fall apart, and those of which persons' words contradict each other,
    with the records that say so."""
    pieces: defaultdict[int, list[list[int]]] = defaultdict(list)
    apart = {
        (entity_of[one], entity_of[other])
        for pair, same in decisions.items()
        if not same and entity_of.keys() >= set(pair)
        for one, other in (pair, pair[::-1])
    }
    for group in groups:
        inside: defaultdict[int, list[int]] = defaultdict(list)
        for record in group:
            if record in entity_of:
                inside[entity_of[record]].append(record)
        for entity, records in inside.items():
            pieces[entity].append(records)
        first, *others = sorted(inside)
        for other in others:
            if (first, other) not in apart:
                pairs = every_pair(inside[first], inside[other])
                best = max(pairs, key=lambda pair: scores.get(pair, 0.0))
                yield (first, other, *best, scores.get(best))
    yield from _contradictions(groups, entity_of, scores, decisions)
    for entity, parts in sorted(pieces.items()):
        largest, *rest = sorted(parts, key=lambda part: (-len(part), part))
        for part in rest:
            worst = min(every_pair(largest, part), key=lambda pair: scores.get(pair, 0.0))
            yield (entity, None, worst[0], worst[1], scores.get(worst))


def _contradictions(
    groups: Sequence[Sequence[int]],
    entity_of: Mapping[int, int],
    scores: Mapping[Pair, float],
    decisions: Mapping[Pair, bool],
) -> Iterator[tuple[int, int, int, int, float | None]]:
    """Entities that a person says are one, though by way of other records they were said not to be the same."""
    group_of = {record: number for number, group in enumerate(groups) for record in group}
    found: dict[Pair, Pair] = {}
    for (one, two), same in sorted(decisions.items()):
        if same and {one, two} <= entity_of.keys() and group_of[one] != group_of[two]:
            first, other = sorted((entity_of[one], entity_of[two]))
            if first != other:
                found.setdefault((first, other), (one, two))
    for between, pair in found.items():
        yield (*between, *pair, scores.get(pair))


def members_of(connection: sqlite3.Connection, entity: int) -> list[int]:
    """The records of an entity.

    Raises:
        InvalidRequest: there is no such entity.
    """
    rows = connection.execute("SELECT record FROM places WHERE entity = ? ORDER BY record", (entity,)).fetchall()
    if not rows:
        raise InvalidRequest(f"There is no entity {entity}; look it up by one of its records.")
    return [record for (record,) in rows]


def names_of(connection: sqlite3.Connection, records: Collection[int]) -> dict[int, str]:
    """The names of records."""
    return dict(in_parts(connection, "SELECT record, name FROM records WHERE record IN ({})", records))


def places_of(connection: sqlite3.Connection, records: Collection[int]) -> dict[int, int]:
    """The entities of those of these records that are in force."""
    return dict(in_parts(connection, "SELECT record, entity FROM places WHERE record IN ({})", records))


def scores_of(connection: sqlite3.Connection, records: Collection[int]) -> dict[Pair, float]:
    """The scores of all pairs among these records."""
    known = set(records)
    rows = in_parts(connection, "SELECT one, two, score FROM scores WHERE one IN ({})", records)
    return {(one, two): score for one, two, score in rows if two in known}


def decisions_on(connection: sqlite3.Connection, records: Collection[int]) -> dict[Pair, bool]:
    """What persons said last of pairs among these records, leaving out what was undone."""
    gone = undone(connection)
    record_of = {name: record for record, name in names_of(connection, records).items()}
    rows = in_parts(connection, "SELECT one, two, same, step FROM decisions WHERE one IN ({})", list(record_of))
    found: dict[Pair, bool] = {}
    for one, two, same, step in sorted(rows, key=lambda row: row[3]):
        if two in record_of and step not in gone:
            a, b = sorted((record_of[one], record_of[two]))
            found[a, b] = bool(same)
    return found


def threshold_of(connection: sqlite3.Connection) -> float:
    """The score from which a pair holds records together."""
    row = connection.execute("SELECT value FROM settings WHERE name = 'threshold'").fetchone()
    return LEAST_LIKELY if row is None else float(row[0])


def _component(
    connection: sqlite3.Connection, touched: Iterable[int], threshold: float, arriving: Collection[int]
) -> list[int]:
    """The records in force, or arriving, that hang together with these: by scores, by persons' words, or as one
    entity."""
    open_ = set(touched)
    found: set[int] = set()
    while open_:
        here = sorted(open_ - found)
        found |= open_
        steps = (
            f"SELECT two FROM scores WHERE one IN ({{}}) AND score >= {threshold!r}",
            f"SELECT one FROM scores WHERE two IN ({{}}) AND score >= {threshold!r}",
            "SELECT more.record FROM places JOIN places AS more USING (entity) WHERE places.record IN ({})",
            "SELECT places.record FROM records JOIN decisions ON one = records.name JOIN places ON places.name = two "
            "WHERE records.record IN ({})",
            "SELECT places.record FROM records JOIN decisions ON two = records.name JOIN places ON places.name = one "
            "WHERE records.record IN ({})",
        )
        open_ = {record for query in steps for (record,) in in_parts(connection, query, here)} - found
    return sorted(places_of(connection, found).keys() | found.intersection(arriving))


def _is_replaced(connection: sqlite3.Connection, record: int) -> bool:
    """Whether another state of this record is in force."""
    query = "SELECT 1 FROM places JOIN records USING (name) WHERE records.record = ? AND places.record <> ?"
    return connection.execute(query, (record, record)).fetchone() is not None
