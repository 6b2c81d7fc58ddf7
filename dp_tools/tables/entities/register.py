"""Register: the entities of a dataset with ids that stay, looked up, merged, split, undone and exported."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from dp_tools.errors import InvalidRequest
from dp_tools.records import Record
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.entities import steps
from dp_tools.tables.entities.merged_table import Members
from dp_tools.tables.entities.record_values import RecordValues
from dp_tools.tables.entities.register_file import SUFFIX, RegisterFile, in_parts
from dp_tools.tables.entities.survivorship import Survivorship, values_of
from dp_tools.tables.entities.update import Settings, settings_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LIKELY = 0.05
"""Confidence below which an entity is no candidate for a record."""
_ASKED = 0
"""The number of a record that is looked up, which no record of a register has."""


class EntityRecord(BaseModel):
    """A record of an entity."""

    record: Annotated[int, Field(description="Its number in the register.")]
    source: Annotated[str, Field(description="The file that it came with.")]
    values: Annotated[dict[str, str | None], Field(description="Its values.")]


class Entity(BaseModel):
    """An entity as it stands."""

    entity: Annotated[int, Field(description="Its id, which stays.")]
    merged: Annotated[dict[str, str | None], Field(description="The values that survive.")]
    records: Annotated[list[EntityRecord], Field(description="Its records.")]


class LikelyEntity(BaseModel):
    """An entity that a record may be of."""

    entity: Annotated[int, Field(description="Its id.")]
    confidence: Annotated[float, Field(description="Probability that the record is of it, 0 to 1.")]
    decided: Annotated[bool, Field(description="Whether identifiers decide it; otherwise ask, or compare.")]
    reason: Annotated[str, Field(description="What agrees and what does not.")]
    merged: Annotated[dict[str, str | None], Field(description="Its merged values.")]


class RegisterStep(BaseModel):
    """One step of a register's history."""

    step: Annotated[int, Field(description="Its number, by which it is undone.")]
    at: Annotated[str, Field(description="When.")]
    what: Annotated[str, Field(description="file, merged, kept apart, split or undone.")]
    who: Annotated[str, Field(description="Who took it.")]
    why: Annotated[str, Field(description="The reason.")]
    source: Annotated[str, Field(description="The file that it brought in.")]
    undoes: Annotated[int | None, Field(description="The step that it takes back.")]
    is_undone: Annotated[bool, Field(description="Whether it was taken back.")]
    moves: Annotated[list[tuple[int, int | None, int | None]], Field(description="Record, entity before and after.")]


class Question(BaseModel):
    """What a person is to decide about entities."""

    entity: Annotated[int, Field(description="The entity.")]
    other: Annotated[int | None, Field(description="The one that may be the same; null: the entity may fall apart.")]
    records: Annotated[tuple[int, int], Field(description="The two records that say so most.")]
    score: Annotated[float | None, Field(description="Probability that these two are the same.")]


def register_path(name: str, folder: Path, *, caller: str = "", paths: bool = True) -> Path:
    """The file of a register.

    Args:
        name: a name such as customers, or the path of a file that ends in .sqlite.
        folder: the folder of the jobs, where registers are kept by name.
        caller: whose register it is; no other caller sees it.
        paths: whether a path may be given: a server's callers give names.

    Raises:
        InvalidRequest: it is neither.
    """
    if paths and name.endswith(".sqlite"):
        return Path(name).expanduser().absolute()
    if not _NAME.fullmatch(name):
        more = ", or the path of a file that ends in .sqlite" if paths else ""
        raise InvalidRequest(
            f"{name[:100]!r} names no register: give a name of letters and digits, such as customers{more}."
        )
    own = folder / "registers"
    if caller:
        own /= hashlib.sha256(caller.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return own / f"{name.casefold()}{SUFFIX}"


def registers(folder: Path, *, caller: str = "") -> list[str]:
    """The names of the registers that a caller has.

    Args:
        folder: the folder of the jobs.
        caller: whose registers.
    """
    own = register_path("x", folder, caller=caller).parent
    return sorted(path.name.removesuffix(SUFFIX) for path in own.glob(f"*{SUFFIX}"))


class Register:
    """An entity register.

    Args:
        path: its file.
        knowledge: holds the rules of survival.
        dataset: the dataset whose rules apply.

    Raises:
        InvalidRequest: there is no such register, or it is empty.
        TableUnavailable: it cannot be read.
    """

    def __init__(self, path: Path, knowledge: KnowledgeStore, dataset: str | None = None) -> None:
        self._file = RegisterFile(path, make=False)
        with self._file.reading() as connection:
            settings = settings_of(connection)
        if settings is None:
            raise InvalidRequest(f"The register {path} is empty: `dp-tools dedupe FILE --register {path}` fills it.")
        self.settings: Settings = settings
        self.survivorship = Survivorship(settings.columns, settings.kinds, knowledge, dataset, settings.shown)

    def __len__(self) -> int:
        """How many entities it has."""
        with self._file.reading() as connection:
            (count,) = connection.execute("SELECT count(DISTINCT entity) FROM places").fetchone()
        return int(count)

    def entities(self, limit: int = 20, offset: int = 0) -> list[Entity]:
        """Entities by their ids."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT entity FROM places ORDER BY entity LIMIT ? OFFSET ?", (limit, offset)
            ).fetchall()
            values = RecordValues(connection)
            return [self._entity(values, entity) for (entity,) in rows]

    def entity(self, entity: int) -> Entity:
        """One entity.

        Raises:
            InvalidRequest: there is no such entity.
        """
        with self._file.reading() as connection:
            return self._entity(RecordValues(connection), entity)

    def _entity(self, values: RecordValues, entity: int) -> Entity:
        members = values.of(steps.members_of(values.connection, entity))
        query = "SELECT record, source FROM records JOIN steps USING (step) WHERE record IN ({})"
        sources = dict(in_parts(values.connection, query, members))
        records = [EntityRecord(record=one, source=sources[one], values=row) for one, row in members.items()]
        return Entity(entity=entity, merged=values_of(self.survivorship.merge([*members.values()])), records=records)

    def size(self, entity: int) -> int:
        """How many records an entity has."""
        return self.sizes([entity])[entity]

    def sizes(self, entities: Collection[int]) -> dict[int, int]:
        """The same of many entities."""
        counting = "SELECT count(*) FROM places WHERE entity = ?"
        with self._file.reading() as connection:
            return {entity: int(connection.execute(counting, (entity,)).fetchone()[0]) for entity in entities}

    def values(self, record: int) -> dict[str, str | None]:
        """The values of a record, by its number in the register."""
        with self._file.reading() as connection:
            return RecordValues(connection)[record]

    def who(self, record: Record, limit: int = 5) -> list[LikelyEntity]:
        """The entities that a record may be of, the likeliest first; no model is asked.

        Raises:
            InvalidRequest: the record has none of the attributes that the register compares.
        """
        settings = self.settings
        if not any(record.get(name) for name in settings.shown):
            raise InvalidRequest(f"Give at least one of {', '.join(settings.shown)}.")
        with self._file.reading() as connection:
            values = RecordValues(connection, {_ASKED: dict(record)})
            found = settings.index.candidates(values, {_ASKED: dict(record)})
            likeness = {max(pair): share for pair, share in found.items()}
            entity_of = steps.places_of(connection, likeness)
            judge = settings.index.judge(values)
            best: dict[int, tuple[float, bool, str]] = {}
            for number, entity in entity_of.items():
                if judge is None:
                    told = (likeness[number], False, "how alike the texts are")
                else:
                    judgement = judge.judge(record, values[number])
                    told = (judgement.probability, judgement.decides, judgement.reason)
                best[entity] = max(best.get(entity, told), told)
            likely = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))[:limit]
            return [
                LikelyEntity(
                    entity=entity,
                    confidence=round(confidence, 4),
                    decided=decided,
                    reason=reason,
                    merged=self._entity(values, entity).merged,
                )
                for entity, (confidence, decided, reason) in likely
                if confidence >= _LIKELY
            ]

    def groups(self, limit: int = 50, after: int = 0) -> list[tuple[int, int]]:
        """The entities of more than one record, by their ids, from behind an id on: each with how many it has."""
        query = (
            "SELECT entity, count(*) FROM places WHERE entity > ? GROUP BY entity HAVING count(*) > 1 "
            "ORDER BY entity LIMIT ?"
        )
        with self._file.reading() as connection:
            return [(entity, count) for entity, count in connection.execute(query, (after, limit))]

    def count_waiting(self) -> int:
        """How many questions wait for a person."""
        with self._file.reading() as connection:
            (count,) = connection.execute("SELECT count(*) FROM waiting").fetchone()
        return int(count)

    def waiting(self, limit: int = 100, entity: int | None = None, offset: int = 0) -> list[Question]:
        """What a person is to decide, of one entity or of all; the least certain first."""
        query = "SELECT entity, other, one, two, score FROM waiting"
        about = "" if entity is None else " WHERE entity = :entity OR other = :entity"
        with self._file.reading() as connection:
            rows = connection.execute(
                f"{query}{about} ORDER BY abs(score - 0.5), entity, other LIMIT :limit OFFSET :offset",
                {"entity": entity, "limit": limit, "offset": offset},
            ).fetchall()
        return [Question(entity=e, other=o, records=(one, two), score=score) for e, o, one, two, score in rows]

    def step(self, number: int) -> RegisterStep:
        """One step, without its moves.

        Raises:
            InvalidRequest: there is none.
        """
        with self._file.reading() as connection:
            rows = connection.execute("SELECT * FROM steps WHERE step = ?", (number,)).fetchall()
            if not rows:
                raise InvalidRequest(f"There is no step {number}; the history lists them.")
            return _step(rows[0], steps.undone(connection), [])

    def history(self, entity: int | None = None, limit: int = 100) -> list[RegisterStep]:
        """What happened to an entity, or to the whole register (then without the moves), oldest first; of a longer
        history the last `limit` steps.

        Raises:
            InvalidRequest: there never was such an entity.
        """
        with self._file.reading() as connection:
            if entity is None:
                rows = connection.execute("SELECT * FROM steps ORDER BY step DESC LIMIT ?", (limit,)).fetchall()
            else:
                if connection.execute("SELECT 1 FROM entities WHERE entity = ?", (entity,)).fetchone() is None:
                    raise InvalidRequest(f"There never was an entity {entity}; look it up by one of its records.")
                rows = connection.execute(
                    "SELECT * FROM steps WHERE step IN (SELECT step FROM moves WHERE before = ? OR after = ?) "
                    "ORDER BY step DESC LIMIT ?",
                    (entity, entity, limit),
                ).fetchall()
            gone = steps.undone(connection)
            found = []
            for row in reversed(rows):
                moves = connection.execute(
                    "SELECT record, before, after FROM moves WHERE step = ? AND (before = ? OR after = ?)",
                    (row[0], entity, entity),
                ).fetchall()
                found.append(_step(row, gone, moves))
        return found

    def merge(self, entities: Sequence[int], *, who: str, why: str = "") -> int:
        """Make entities one; that binds over later files. One entity alone is confirmed to be one.

        Returns:
            The id that stays, the lowest.

        Raises:
            InvalidRequest: none is named, or one does not exist.
        """
        with self._file.held(), self._file.writing() as connection:
            return steps.merge(connection, entities, who=who, why=why)

    def keep_apart(self, entity: int, other: int, *, who: str, why: str = "") -> None:
        """Say that two entities are not the same; that binds over later files.

        Raises:
            InvalidRequest: one does not exist.
        """
        with self._file.held(), self._file.writing() as connection:
            steps.keep_apart(connection, entity, other, who=who, why=why)

    def split(self, entity: int, records: Collection[int], *, who: str, why: str = "") -> int:
        """Make some records of an entity a new one; that binds over later files.

        Returns:
            The new entity's id.

        Raises:
            InvalidRequest: there is no such entity, a record is not in it, or none would be left.
        """
        with self._file.held(), self._file.writing() as connection:
            return steps.split(connection, entity, records, who=who, why=why)

    def undo(self, step: int, *, who: str, why: str = "") -> int:
        """Take one step back, and nothing that came after it.

        Returns:
            The records that moved back.

        Raises:
            InvalidRequest: there is no such step, or it is undone already.
        """
        with self._file.held(), self._file.writing() as connection:
            return steps.undo(connection, step, who=who, why=why)

    def mapping(self) -> Iterator[tuple[int, int, str, dict[str, str | None]]]:
        """Entity, record, source file and values of every record in force, by entity."""
        with self._file.reading() as connection:
            for entity, record, source, body in connection.execute(
                "SELECT entity, record, source, body FROM places JOIN records USING (record) JOIN steps USING (step) "
                "ORDER BY entity, record"
            ):
                yield entity, record, source, json.loads(body)

    def members(self, entities: Collection[int]) -> Iterator[Members]:
        """The records of entities, for a merged table."""
        with self._file.reading() as connection:
            values = RecordValues(connection)
            for entity in sorted(entities):
                members = values.of(steps.members_of(connection, entity))
                yield Members(entity, [str(record) for record in members], [*members.values()])


def _step(row: tuple[Any, ...], gone: Collection[int], moves: list[tuple[int, int | None, int | None]]) -> RegisterStep:
    step, at, what, who, why, source, undoes = row
    return RegisterStep(
        step=step,
        at=at,
        what=what,
        who=who,
        why=why,
        source=source,
        undoes=undoes,
        is_undone=step in gone,
        moves=moves,
    )
