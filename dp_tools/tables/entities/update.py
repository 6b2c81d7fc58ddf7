"""Next month's file against a register: only what is new or changed is compared, and no id changes by itself."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from dp_tools.decision import EVEN
from dp_tools.engine.parts import Here
from dp_tools.errors import InvalidRequest
from dp_tools.profiling.identity import Layout
from dp_tools.profiling.identity.many import Judgements
from dp_tools.profiling.kind import Kind
from dp_tools.tables.asking import Work
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.entities.grouping import Pair
from dp_tools.tables.entities.index import Index
from dp_tools.tables.entities.questions import worth_asking
from dp_tools.tables.entities.record_values import RecordValues, Row
from dp_tools.tables.entities.register_file import RegisterFile
from dp_tools.tables.entities.steps import Step, decisions_on, keep_apart, merge, places_of, scores_of, settle
from dp_tools.tables.identity_columns import contents
from dp_tools.tables.match.blocking import Candidates
from dp_tools.tables.match.identity import Identity, kinds_in, layout_in
from dp_tools.tables.match.judging import Judging
from dp_tools.tables.snapshot import Table, table_of


@dataclass(frozen=True)
class Settings:
    """What a register was made with, and keeps.

    Args:
        columns: the attributes of its records.
        shown: those that are compared.
        key: the columns that name a record in its source; () where its content does.
        kinds: what the columns hold.
        layout: how they say who a record is, where they do.
        threshold: the score from which a pair holds records together.
    """

    columns: tuple[str, ...]
    shown: tuple[str, ...]
    key: tuple[str, ...]
    kinds: Mapping[str, Kind]
    layout: Layout | None
    threshold: float

    @property
    def index(self) -> Index:
        """The blocking index of the register."""
        return Index(self.shown, self.layout)

    def name_of(self, record: Mapping[str, str | None]) -> str:
        """What stays when a record changes: the key of its source, or its content."""
        parts = [record.get(column) for column in self.key]
        if self.key and all(part is not None and part.strip() for part in parts):
            return "key " + json.dumps(parts, ensure_ascii=False)
        return f"content {digest_of(record)}"


@dataclass(slots=True)
class Update:
    """What a file did to a register.

    Args:
        step: the number of the step; None where every record was known.
        records: in the file.
        new, changed, repeated: how many of them are new, have changed, or stand in the file twice.
        made: entities that did not exist before.
        candidates: pairs that were compared.
        unanswered: of these the ones without an answer.
        waiting: questions about entities that wait for a person, in the whole register.
    """

    step: int | None = None
    records: int = 0
    new: int = 0
    changed: int = 0
    repeated: int = 0
    made: int = 0
    candidates: int = 0
    unanswered: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A record that is new or has changed.

    Args:
        number, name, digest, values: the record.
        replaces: the state of it that was in force, and that one's entity.
        is_known: whether the register has had this very state before.
    """

    number: int
    name: str
    digest: str
    values: Row
    replaces: tuple[int, int] | None
    is_known: bool


@dataclass(frozen=True)
class Matcher:
    """How a file is compared with a register.

    Args:
        work: what asks.
        dataset, rules: which rules apply.
        key: the columns that name a record in its source.
        attributes, include, exclude: see `dedupe_table`; they and the key count when a register is made.
        kinds: what columns hold, where a person said so.
        promise: what the matches keep to, held against asking about every candidate; None asks about every one.
    """

    work: Work
    dataset: str | None = None
    rules: Sequence[str] = ()
    key: Sequence[str] = ()
    attributes: Sequence[str] | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    promise: Promise | None = None

    def update(self, file: RegisterFile, table: Table, *, who: str, why: str) -> Update:
        """Bring a file into a register, in one step.

        Args:
            file: the register.
            table: the file's records.
            who: who asked for it.
            why: what names this run: a run that was in force already is not done twice.

        Raises:
            InvalidRequest: the table is empty, or lacks the columns that the register compares or names records by.
            Cancelled, ModelUnavailable: see `Work.answers`.
        """
        if not table.count:
            raise InvalidRequest(f"{table.name} has no records: there is nothing to compare.")
        with file.held():
            with file.reading() as connection:
                done = connection.execute("SELECT step FROM steps WHERE what = 'file' AND why = ?", (why,)).fetchone()
                settings = settings_of(connection)
            if done is not None:
                return _report(file, table, done[0])
            settings = self._settings(table, settings)
            self._take_answers(file, who)
            with file.reading() as connection:
                arrivals = self._arrivals(connection, settings, table)
                values = RecordValues(connection, {one.number: one.values for one in arrivals})
                pairs = self._candidates(values, settings, arrivals)
                scores, said = self._judged(values, settings, arrivals, pairs)
            if not arrivals:
                return _report(file, table, None)
            with file.writing() as connection:
                _keep_settings(connection, settings)
                step = Step(connection, "file", who=who, why=why, source=table.name)
                _place(connection, step, settings, arrivals, scores, said)
            found = _report(file, table, step.number)
            found.candidates, found.unanswered = len(pairs), len(pairs) - len(scores)
            return found

    def _settings(self, table: Table, known: Settings | None) -> Settings:
        if known is not None:
            missing = [name for name in known.key if name not in table.columns]
            if missing or not set(known.shown).intersection(table.columns):
                wanted = missing or known.shown
                raise InvalidRequest(f"{table.name} lacks what the register goes by: {', '.join(wanted)}.")
            if self.key and tuple(self.key) != known.key:
                raise InvalidRequest(
                    f"The register names records by {', '.join(known.key) or 'their content'}: leave the key out."
                )
            columns = dict.fromkeys((*known.columns, *table.columns))
            return Settings(tuple(columns), known.shown, known.key, known.kinds, known.layout, known.threshold)
        table.require(self.key)
        (compared,) = contents(
            (table,),
            only=self.attributes,
            include=self.include,
            exclude=self.exclude,
            comparing=True,
            stage=self.work.stage,
        )
        layout = layout_in(table, compared.columns, self.kinds)
        threshold = EVEN
        if layout is None:
            threshold = self.work.decider.calibration_of("match_entities", self.dataset).threshold
        kinds = kinds_in(table, table.columns, self.kinds)
        return Settings(table.columns, tuple(compared.columns), tuple(self.key), kinds, layout, threshold)

    def _take_answers(self, file: RegisterFile, who: str) -> None:
        """Do what persons answered to the questions about entities since the last file."""
        injection = self.work.decider.knowledge.inject(
            task="match_entities", dataset=self.dataset, attribute=None, extra=list(self.rules)
        )
        with file.writing() as connection:
            rows = connection.execute(
                "SELECT entity, other, one, two FROM waiting WHERE other IS NOT NULL ORDER BY entity, other"
            ).fetchall()
            values = RecordValues(connection)
            for entity, other, one, two in rows:
                decision = injection.decide({"left": values[one], "right": values[two]})
                now = places_of(connection, [one, two])
                if decision is None or decision.decided_by != "example" or now.get(one) == now.get(two):
                    continue
                if {now.get(one), now.get(two)} != {entity, other}:
                    continue
                same = decision.label == "yes"
                if decisions_on(connection, [one, two]).get((min(one, two), max(one, two))) is same:
                    continue  # said before; what waits is that other words contradict it
                why = f"example of rule {decision.rule.id}"
                if same:
                    merge(connection, [entity, other], who=who, why=why)
                else:
                    keep_apart(connection, entity, other, who=who, why=why)

    def _arrivals(self, connection: sqlite3.Connection, settings: Settings, table: Table) -> list[_Arrival]:
        look = self.work.stage("comparing with the register")
        (last,) = connection.execute("SELECT coalesce(max(record), 0) FROM records").fetchone()
        found: dict[str, _Arrival] = {}
        for number, name, digest, values in _named(settings, table):
            look(number, table.count)
            found.pop(name, None)  # of a record that stands in the file twice the last state counts
            row = connection.execute(
                "SELECT record, entity, digest FROM places JOIN records USING (record) WHERE places.name = ?", (name,)
            ).fetchone()
            if row is not None and row[2] == digest:
                continue
            before = connection.execute(
                "SELECT record FROM records WHERE name = ? AND digest = ?", (name, digest)
            ).fetchone()
            if before is None:
                last += 1
            replaces = None if row is None else (row[0], row[1])
            found[name] = _Arrival(
                last if before is None else before[0], name, digest, values, replaces, before is not None
            )
        return list(found.values())

    def _candidates(self, values: RecordValues, settings: Settings, arrivals: Sequence[_Arrival]) -> dict[Pair, float]:
        """The pairs to judge, each with its likeness: none that was judged before."""
        self.work.stage("finding candidates")
        if not arrivals:
            return {}
        connection, arriving = values.connection, {one.number: one.values for one in arrivals}
        found = settings.index.candidates(values, arriving)
        gone = {one.replaces[0] for one in arrivals if one.replaces is not None}
        records = {record for pair in found for record in pair}
        in_force = places_of(connection, records).keys() - gone | arriving.keys()
        judged = scores_of(connection, records)
        return {pair: likeness for pair, likeness in found.items() if in_force.issuperset(pair) and pair not in judged}

    def _judged(
        self,
        values: RecordValues,
        settings: Settings,
        arrivals: Sequence[_Arrival],
        pairs: Mapping[Pair, float],
    ) -> tuple[dict[Pair, float], dict[Pair, bool]]:
        """The score of each pair that has an answer, and what persons' examples say of pairs."""
        if not pairs:
            return {}, {}
        numbers = sorted({record for pair in pairs for record in pair})
        records = values.of(numbers).values()
        row = {number: place for place, number in enumerate(numbers)}
        order = sorted(pairs)
        candidates = Candidates(
            np.array([row[a] for a, _ in order], np.int64),
            np.array([row[b] for _, b in order], np.int64),
            np.array([pairs[pair] for pair in order], np.float32),
            len(numbers),
            len(numbers),
        )
        entity_of = places_of(values.connection, numbers)
        entity_of |= {one.number: one.replaces[1] for one in arrivals if one.replaces is not None}

        arriving = {one.number for one in arrivals}

        def worth(places: NDArray[np.int64], found: Judgements) -> NDArray[np.bool_]:
            return worth_asking([order[place] for place in places.tolist()], found, entity_of, arriving)

        judge = settings.index.judge(values, numbers, [one.values for one in arrivals if not one.is_known])
        with table_of({name: [record.get(name) for record in records] for name in settings.shown}) as table:
            scores = Judging(
                self.work,
                (table, table),
                candidates,
                [settings.shown] * 2,
                self.dataset,
                self.rules,
                False,
                None if judge is None else Identity([], judge),
                self.promise,
                worth_asking=worth,
                compared_in=Here(),  # how common a value is stands in the register, which workers cannot read
            ).scores()
        answered = ~np.isnan(scores.match)
        examples = scores.decided_by("example")
        found = {pair: float(scores.match[place]) for place, pair in enumerate(order) if answered[place]}
        said = {pair: bool(scores.same[place]) for place, pair in enumerate(order) if examples[place]}
        return found, said


def settings_of(connection: sqlite3.Connection) -> Settings | None:
    """What a register was made with; None before its first file."""
    rows = dict(connection.execute("SELECT name, value FROM settings").fetchall())
    if not rows:
        return None
    given = {name: json.loads(value) for name, value in rows.items()}
    layout = given["layout"]
    if layout is not None:
        columns = {slot: tuple(names) for slot, names in layout["columns"].items()}
        layout = Layout(layout["subject"], tuple(layout["names"]), columns, layout["kinds"])
    return Settings(
        tuple(given["columns"]),
        tuple(given["shown"]),
        tuple(given["key"]),
        given["kinds"],
        layout,
        given["threshold"],
    )


def digest_of(record: Mapping[str, str | None]) -> str:
    """What tells one state of a record from another, whatever columns have no value."""
    filled = sorted((name, value) for name, value in record.items() if value is not None)
    return hashlib.sha256(json.dumps(filled).encode()).hexdigest()


def rows_of(file: RegisterFile, table: Table) -> Iterator[tuple[int, Row, int]]:
    """The records of a file that was brought in, by number, with their entities."""
    with file.reading() as connection:
        settings = settings_of(connection)
        assert settings is not None
        for number, name, _, values in _named(settings, table):
            row = connection.execute("SELECT entity FROM places WHERE name = ?", (name,)).fetchone()
            if row is not None:
                yield number, values, row[0]


def _named(settings: Settings, table: Table) -> Iterator[tuple[int, str, str, Row]]:
    """Number, name, digest and values of each record of a file."""
    for number, record in table.records():
        values: Row = {column: value for column, value in record.items() if value is not None}
        yield number, settings.name_of(values), digest_of(values), values


def _keep_settings(connection: sqlite3.Connection, settings: Settings) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO settings VALUES (?, ?)",
        [(name, json.dumps(value)) for name, value in asdict(settings).items()],
    )


def _place(
    connection: sqlite3.Connection,
    step: Step,
    settings: Settings,
    arrivals: Sequence[_Arrival],
    scores: Mapping[Pair, float],
    said: Mapping[Pair, bool],
) -> None:
    fresh = [one for one in arrivals if not one.is_known]
    connection.executemany(
        "INSERT INTO records VALUES (?, ?, ?, ?, ?)",
        [(one.number, one.name, one.digest, json.dumps(one.values, ensure_ascii=False), step.number) for one in fresh],
    )
    if fresh:
        settings.index.add(connection, {one.number: one.values for one in fresh})
    connection.executemany("INSERT INTO scores VALUES (?, ?, ?)", [(*pair, score) for pair, score in scores.items()])
    for one in arrivals:
        if one.replaces is not None:
            record, entity = one.replaces
            step.move(record, None)
            step.move(one.number, entity)
    for same in (True, False):
        step.say([pair for pair, word in said.items() if word is same], same=same)
    arriving = {one.number for one in arrivals if one.replaces is None}
    settle(connection, [one.number for one in arrivals], step, arriving)


def _report(file: RegisterFile, table: Table, step: int | None) -> Update:
    with file.reading() as connection:
        came, went = connection.execute(
            "SELECT count(*) FILTER (WHERE after IS NOT NULL), count(*) FILTER (WHERE after IS NULL) "
            "FROM moves WHERE step = ?",
            (step,),
        ).fetchone()
        (made,) = connection.execute("SELECT count(*) FROM entities WHERE step = ?", (step,)).fetchone()
        (waiting,) = connection.execute("SELECT count(*) FROM waiting").fetchone()
        settings = settings_of(connection)
    assert settings is not None
    names = [name for _, name, _, _ in _named(settings, table)]
    return Update(step, len(names), came - went, went, len(names) - len(set(names)), made, waiting=waiting)
