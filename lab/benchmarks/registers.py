"""How an entity register does over months: quality beside one run over all, ids kept, cost, kills, undo, look-up.

Pairs that counting does not decide are answered by a stand-in that knows nothing, so that what is measured is counting.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from random import Random

from dp_tools.decision import EVEN
from dp_tools.engine.questions import GeneratedValue, Labels, LabelScores, Question, Result, Segment
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.tables.entities.register import Register
from dp_tools.tables.entities.register_file import RegisterFile
from dp_tools.tables.entities.steps import Step
from dp_tools.tables.entities.update import digest_of
from dp_tools.tables.match.pairing import clusters
from dp_tools.tables.snapshot import table_of
from lab.benchmarks.lists import counted_pairs
from lab.synthetic.lists import held_back
from lab.synthetic.lists.listing import Record

_KEY = "uid"
_LIST = 10_000
"""Contacts of one generated list."""
_TABLES = {
    "entities": "entity",
    "records": "record",
    "moves": "step, record",
    "decisions": "step, one, two",
    "places": "record",
    "keys": "key, record",
    "counts": "item",
    "grams": "item",
    "scores": "one, two",
    "waiting": "entity, other, one, two",
}
"""What is compared of two registers, in this order."""
_AT_ONCE = 5
"""Lists that are brought in at once: an index of many millions of entries is written page by page."""


class KnowsNothing:
    """An engine for which every answer is as likely as any other; it counts its questions."""

    name = "knows nothing"
    fingerprint = "knows-nothing-1"

    def __init__(self) -> None:
        self.asked = 0

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,  # noqa: ARG002
    ) -> list[Result]:
        """As `Engine.answer`."""
        self.asked += len(questions)
        results: list[Result] = []
        for question in questions:
            if isinstance(question.answer, Labels):
                count = len(question.answer.texts)
                results.append(LabelScores((1 / count,) * count, self.name))
            else:
                results.append(GeneratedValue("", 0.0, (), self.name))
        if progress is not None:
            progress(len(questions), len(questions))
        return results

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        """As `Engine.count_tokens`."""
        return sum(len(segment.text) for segment in segments)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class Month:
    """What one month's file came to.

    Args:
        records, entities: in the register after it.
        waiting: questions that wait for a person.
        precision, recall, f1: of pairs of all records so far, with nobody asked.
        candidates: pairs that were compared.
        questions: of these the ones that counting did not decide.
        seconds: how long it took, without the killed run.
        cpu_seconds: of this process.
        kept: the share of earlier records whose entity has the same id as before.
        as_unkilled: whether the register is the same as after a run that was not killed; None where none was killed.
    """

    records: int
    entities: int
    waiting: int
    precision: float
    recall: float
    f1: float
    candidates: int
    questions: int
    seconds: float
    cpu_seconds: float
    kept: float
    as_unkilled: bool | None = None


class Year:
    """Contacts in monthly files, brought into one register.

    Args:
        folder: where files, register and jobs are kept.
        size: records of a file.
        seed: of the list.
    """

    def __init__(self, folder: Path, size: int, seed: int, months: int = 12) -> None:
        self.folder, self.size, self.months = folder, size, months
        made = held_back.make("contacts", size * months, seed)
        self.records = made.records
        self.entity_of = {record[_KEY]: entity for record, entity in zip(made.records, made.entities, strict=True)}
        self._random = Random(seed)
        self._places: dict[str, int] = {}
        self.path = folder / "contacts.register.sqlite"

    def file(self, month: int) -> Path:
        """The file of a month, from 0."""
        target = self.folder / f"month{month + 1:02}.csv"
        write_records(target, self.records[month * self.size : (month + 1) * self.size])
        return target

    def bring(self, month: int, *, kill_after: float | None = None) -> Month:
        """Bring a month's file into the register, where asked for after a run that is killed.

        Args:
            month: from 0.
            kill_after: seconds after which a first run is killed.
        """
        file = self.file(month)
        unkilled = None
        if kill_after is not None:
            twin = self.folder / "unkilled"
            twin.mkdir(exist_ok=True)
            beside = shutil.copy(self.path, twin) if self.path.exists() else twin / self.path.name
            _bring(twin, Path(shutil.copy(file, twin)), Path(beside))
            unkilled = _state(Path(beside))
            killed = multiprocessing.get_context("spawn").Process(target=_bring, args=(self.folder, file, self.path))
            killed.start()
            killed.join(kill_after)
            killed.kill()
            killed.join()
        started, cpu_started = time.perf_counter(), time.process_time()
        figures, asked = _bring(self.folder, file, self.path)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        with Preprocessor(knowledge=":memory:", engine=KnowsNothing()) as pre:
            register = Register(self.path, pre.knowledge)
            places = {str(values[_KEY]): entity for entity, _, _, values in register.mapping()}
            waiting = len(register.waiting(1_000_000))
        same = sum(places.get(name) == entity for name, entity in self._places.items())
        kept = same / len(self._places) if self._places else 1.0
        self._places = places
        precision, recall, f1 = self.score(places)
        return Month(
            records=len(places),
            entities=len(set(places.values())),
            waiting=waiting,
            precision=precision,
            recall=recall,
            f1=f1,
            candidates=int(figures["candidates"]),
            questions=asked,
            seconds=seconds,
            cpu_seconds=cpu_seconds,
            kept=kept,
            as_unkilled=None if unkilled is None else _state(self.path) == unkilled,
        )

    def at_once(self, months: int) -> tuple[float, float, float]:
        """Precision, recall and F1 of grouping these months together by counting alone: what `dedupe` compares, judges
        and groups, without its questions about what counting leaves open."""
        records = self.records[: months * self.size]
        with table_of({name: [record[name] for record in records] for name in records[0]}) as table:
            scored = counted_pairs((table,))
        groups = clusters(scored, EVEN)
        places = {record[_KEY]: -number for number, record in enumerate(records)}
        for number, (rows, _) in enumerate(groups, 1):
            places |= {records[row][_KEY]: number for row in rows}
        return self.score(places)

    def undo(self, month: int) -> tuple[int, int, int]:
        """Undo one month's step: the records that went, those of other months whose entity changed, and how many of
        the month's records are left."""
        with Preprocessor(knowledge=":memory:", engine=KnowsNothing()) as pre:
            register = Register(self.path, pre.knowledge)
            before = {str(values[_KEY]): entity for entity, _, _, values in register.mapping()}
            steps = [step.step for step in register.history() if step.what == "file"]
            gone = register.undo(steps[month], who="lab")
            after = {str(values[_KEY]): entity for entity, _, _, values in register.mapping()}
        of_month = {record[_KEY] for record in self.records[month * self.size : (month + 1) * self.size]}
        moved = sum(after.get(name) != entity for name, entity in before.items() if name not in of_month)
        return gone, moved, len(of_month & after.keys())

    def score(self, places: dict[str, int]) -> tuple[float, float, float]:
        """Precision, recall and F1 of the pairs that stand in one entity."""
        found, true = _pairs(places), _pairs({name: self.entity_of[name] for name in places})
        right = len(found & true)
        precision, recall = right / max(1, len(found)), right / max(1, len(true))
        return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def _pairs(places: dict[str, int] | dict[str, str]) -> set[tuple[str, str]]:
    members: dict[object, list[str]] = {}
    for name, place in places.items():
        members.setdefault(place, []).append(name)
    return {pair for names in members.values() for pair in combinations(sorted(names), 2)}


def _state(path: Path) -> list[list[tuple[object, ...]]]:
    """Everything that a register holds, without the time and the job of its steps."""
    queries = (
        "SELECT step, what, source, undoes FROM steps ORDER BY step",
        *(f"SELECT * FROM {table} ORDER BY {order}" for table, order in _TABLES.items()),
    )
    with RegisterFile(path).reading() as connection:
        return [connection.execute(query).fetchall() for query in queries]


def _bring(folder: Path, file: Path, register: Path) -> tuple[dict[str, float | int], int]:
    engine = KnowsNothing()
    with Preprocessor(knowledge=":memory:", engine=engine, state=folder / "state", cache=False) as pre:
        answer = pre.dedupe(file, register=register, key=[_KEY], overwrite=True, with_current_model=True)
    return answer.figures, engine.asked


def write_records(target: Path, records: Sequence[Record]) -> None:
    """Write records as CSV."""
    with target.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, list(records[0]))
        lines.writeheader()
        lines.writerows(records)


def grow(path: Path, count: int, seed: int) -> Iterator[int]:
    """Fill a register with contacts, each an entity of its own, and tell how many it has.

    Args:
        path: a register that a first file was brought into; it says how records are laid out.
        count: the records that it gets.
        seed: of the first list.
    """
    file = RegisterFile(path)
    with Preprocessor(knowledge=":memory:", engine=KnowsNothing()) as pre:
        index = Register(path, pre.knowledge).settings.index
    done = 0
    while done < count:
        lists = range(seed, seed + max(1, min(_AT_ONCE, (count - done) // _LIST)))
        seed = lists.stop
        made = [record for number in lists for record in held_back.make("contacts", _LIST, number).records]
        with file.writing() as connection:
            (last,) = connection.execute("SELECT coalesce(max(record), 0) FROM records").fetchone()
            step = Step(connection, "file", who="lab", source=f"seed {lists.start}")
            records = dict(enumerate(made, last + 1))
            connection.executemany(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?)",
                [
                    (number, f"grown {number}", digest_of(record), json.dumps(record, ensure_ascii=False), step.number)
                    for number, record in records.items()
                ],
            )
            for number in records:
                step.move(number, step.new_entity())
            index.add(connection, records)
        done += len(records)
        yield done


@dataclass(frozen=True, slots=True)
class LookUps:
    """What look-ups took and found.

    Args:
        seconds: of each, sorted.
        known: how many were of records in the register.
        found: of these, how many found the record's entity.
        decided: how many of those that were found were decided by identifiers.
    """

    seconds: list[float]
    known: int
    found: int
    decided: int


def look_up(path: Path, count: int, seed: int) -> LookUps:
    """Look contacts up, half of them of the register.

    Args:
        path: the register.
        count: look-ups.
        seed: of what is drawn.
    """
    random = Random(seed)
    strangers = held_back.make("contacts", count, seed + 1_000_000).records
    taken: list[float] = []
    known = found = decided = 0
    with Preprocessor(knowledge=":memory:", engine=KnowsNothing()) as pre:
        register = Register(path, pre.knowledge)
        with RegisterFile(path).reading() as connection:
            places = dict(connection.execute("SELECT record, entity FROM places ORDER BY random() LIMIT ?", (count,)))
        for stranger in strangers:
            record: dict[str, str | None] = dict(stranger)
            entity = None
            if random.random() < 0.5:
                number, entity = places.popitem()
                record = register.values(number)
            started = time.perf_counter()
            likely = register.who(record)
            taken.append(time.perf_counter() - started)
            if entity is not None:
                known += 1
                own = [one for one in likely if one.entity == entity]
                found += bool(own)
                decided += any(one.decided for one in own)
    return LookUps(sorted(taken), known, found, decided)
