"""How finding duplicates grows with a list: seconds and memory of each stage, questions, and what is found.

A stand-in answers in the model's place, from the truth with some noise, at a speed that is counted and not slept.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import resource
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from dp_tools.engine.questions import LabelScores, Question, Result, Segment
from dp_tools.engine.workers.places import Places
from dp_tools.engine.workers.pool import WorkerPool, WorkerState
from dp_tools.errors import Cancelled
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.identity_columns import contents
from dp_tools.tables.match.matching import Matching, MatchOptions, dedupe_table
from dp_tools.tables.snapshot import Table, open_table
from dp_tools.tasks.task import record_block
from lab.synthetic.large_lists import rows_of, write_people, write_products

LISTS = {"people": write_people, "products": write_products}
ANSWERS_A_SECOND = 5
"""How fast the stand-in answers."""
_RIGHT = 1.0
"""Share of its answers that are right."""
_SURE = 0.95
"""The probability that it gives its answers."""
_MOST = 30_000
"""Questions after which a run is given up: more than an hour and a half of them."""


class StandIn:
    """An engine that answers from the truth.

    Args:
        table: the records.
        entities: of each record.
    """

    name, fingerprint = "stand-in", "stand-in"

    def __init__(self, table: Table, entities: NDArray[np.int64]) -> None:
        shown = contents((table,), comparing=True)[0].columns
        texts = (record_block("a", {name: record[name] for name in shown})[0].text for _, record in table.records())
        hashes = np.fromiter(map(hash, texts), np.int64, table.count)
        order = np.argsort(hashes)
        self._hashes, self._entities = hashes[order], entities[order]
        self.asked = 0

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,  # noqa: ARG002
    ) -> list[Result]:
        if self.asked + len(questions) > _MOST:
            raise Cancelled(f"More than {_MOST:,} questions.")
        self.asked += len(questions)
        if progress is not None:
            progress(len(questions), len(questions))
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Result:
        texts = [segment.text for segment in question.segments]
        left, right = (self._entity(texts[texts.index(f"{role}\n") + 1].removesuffix("\n")) for role in "ab")
        chance = hashlib.sha256("".join(texts).encode()).digest()[0] / 256
        yes = (left == right) == (chance < _RIGHT)
        return LabelScores((_SURE, 1 - _SURE) if yes else (1 - _SURE, _SURE), self.name)

    def _entity(self, text: str) -> int:
        return int(self._entities[self._hashes.searchsorted(hash(text))])

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        return sum(len(segment.text) for segment in segments)

    def close(self) -> None:
        pass


class Stages:
    """Notes when each stage of a work begins, what it costs, and the peak of memory until its end."""

    def __init__(self) -> None:
        self.done: list[dict[str, Any]] = []
        self.start("reading records")

    def start(self, stage: str) -> None:
        """A stage begins."""
        self._stage, self._since = stage, (time.perf_counter(), time.process_time())

    def report(self, stage: str, _done: int, _of: int) -> None:
        """The work is in this stage."""
        if stage != self._stage:
            self.end()
            self.start(stage)

    def asking(self, done: int, of: int) -> None:
        """The work asks."""
        self.report("asking", done, of)

    def end(self) -> None:
        """The stage has ended."""
        now = time.perf_counter(), time.process_time()
        seconds, cpu = (round(b - a, 1) for a, b in zip(self._since, now, strict=True))
        self.done.append({"stage": self._stage, "seconds": seconds, "cpu": cpu, "peak_mb": _peak_mb()})


def measure(kind: str, rows: int, workers: int = 0) -> Iterator[dict[str, Any]]:
    """Find the duplicates of a generated list.

    Args:
        kind: people or products.
        rows: of the list.
        workers: that look up and compare records, of one thread each; 0 leaves it to this process.

    Yields:
        Each stage, with seconds on the clock and of the processors and the peak of memory so far; the questions, and
        the seconds that they take; candidates, precision and recall in pairs; and of each kind of duplicate the recall
        among the candidates and in the end. With workers also what each of them did, and its memory in the end.
    """
    pool = WorkerPool(Places(workers, None, 1)) if workers else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        # Another process makes the list, so that the peak of memory is that of the work.
        with multiprocessing.get_context("spawn").Pool(1) as maker:
            entities, changed = maker.apply(LISTS[kind], (path, rows))
        stages = Stages()
        with open_table(path) as table:
            stages.end()
            engine = StandIn(table, entities)
            stages.start("looking at columns")
            with Preprocessor(knowledge=":memory:", engine=engine) as preprocessor:
                preprocessor.decider.pool = pool
                work = Work(preprocessor.decider, NoJournal(), progress=stages.asking, report=stages.report)
                matching = dedupe_table(work, table, MatchOptions(promise=Promise()))
            stages.end()
        yield from stages.done
        if pool is not None:
            yield {"workers": [_spent(state) for state in pool.states()]}
            pool.close()
        yield {"records": rows, "questions": engine.asked, "seconds_of_answers": engine.asked // ANSWERS_A_SECOND}
        yield from _quality(matching, entities, changed)


def _spent(state: WorkerState) -> dict[str, Any]:
    """What a worker made, the seconds of the processor that its process took, imports included, and its memory."""
    process = psutil.Process(state.process)
    cpu = sum(process.cpu_times()[:2])
    return {"parts": state.made, "cpu": round(cpu, 1), "mb": process.memory_info().rss // 2**20}


def _quality(matching: Matching, entities: NDArray[np.int64], changed: Sequence[str]) -> Iterator[dict[str, Any]]:
    """How much of the truth is found: in all, then by kind of duplicate."""
    pairs = np.array([pair for part in rows_of(entities) for pair in combinations(part.tolist(), 2)])
    truth = pairs[:, 0] * len(entities) + pairs[:, 1]
    candidates, found = (one.left * len(entities) + one.right for one in (matching.candidates, matching.pairs))
    blocked, right = np.isin(truth, candidates), np.isin(truth, found)
    precision = round(float(np.isin(found, truth).mean()), 4)
    yield {"candidates": len(candidates), "precision": precision, "recall": round(float(right.mean()), 4)}
    kinds = ({changed[a], changed[b]} - {""} for a, b in pairs.tolist())
    names = np.array([one.pop() if len(one) == 1 else "two changes" for one in kinds])
    for name in sorted(set(names.tolist())):
        of = names == name
        shares = {"blocked": round(float(blocked[of].mean()), 4), "found": round(float(right[of].mean()), 4)}
        yield {"kind": name, "pairs": int(of.sum()), **shares}


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
