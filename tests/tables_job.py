"""Runs a whole-table job in a process of its own, for the tests that end it suddenly.

The model behind it is scripted: what is under test is that nothing it said is lost or asked for again, and a scripted
model can note every question it is asked. Usage: tables_job.py FOLDER start REQUEST | resume JOB.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dp_tools.engine.questions import GeneratedValue, Labels, LabelScores, Question, Result, Segment
from dp_tools.errors import Cancelled
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.tables.io.paths import Roots
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.jobs.jobs import REQUEST, Jobs

_LOOK_S = 0.01


class ScriptedEngine:
    """Answers from the digest of a question, and notes on disk what it was asked before it answers.

    Args:
        log: where it notes the questions.
        seconds: that a question takes.
        most: questions after which it answers no more until it is stopped; `reached` is set then.
        name: of the model that it stands for.
    """

    def __init__(
        self, log: Path | None = None, seconds: float = 0.0, most: int | None = None, name: str = "scripted"
    ) -> None:
        self.log, self.seconds, self.most, self.name, self.asked = log, seconds, most, name, 0
        self.fingerprint = f"{name}-1"
        self.reached = threading.Event()

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        results: list[Result] = []
        stop = cancel or threading.Event()
        for question in questions:
            while self.asked == self.most and not stop.wait(_LOOK_S):
                self.reached.set()
                if progress is not None:
                    progress(len(results), len(questions))
            if stop.wait(self.seconds):
                raise Cancelled("Stopped.")
            text = "".join(segment.text for segment in question.segments)
            digest = hashlib.sha256(text.encode()).digest()
            self.asked += 1
            if isinstance(question.answer, Labels):
                share = digest[0] / 255
                rest = (1 - share) / (len(question.answer.texts) - 1)
                results.append(LabelScores((share, *[rest] * (len(question.answer.texts) - 1)), self.name))
            else:
                allowed = question.answer.allowed or ("value",)
                results.append(GeneratedValue(allowed[digest[0] % len(allowed)], 0.9, (), self.name))
        if self.log is not None:
            with self.log.open("a") as file:
                file.write("".join(hashlib.sha256(repr(q.segments).encode()).hexdigest() + "\n" for q in questions))
        if progress is not None:
            progress(len(questions), len(questions))
        return results

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        return sum(len(segment.text) for segment in segments)

    def close(self) -> None:
        pass


class ConstantEngine(ScriptedEngine):
    """Gives every yes-or-no question the same probability of yes."""

    def __init__(self, yes: float) -> None:
        super().__init__()
        self._yes = yes

    def answer(self, questions: Sequence[Question], **options: Any) -> list[Result]:
        return [LabelScores((self._yes, 1 - self._yes), self.name) for _ in super().answer(questions, **options)]


def jobs_in(folder: Path, engine: ScriptedEngine, knowledge: str | Path = ":memory:") -> Jobs:
    """The jobs of a folder: roots there, state in its `state`, knowledge beside it."""
    preprocessor = Preprocessor(knowledge=knowledge, engine=engine)
    return Jobs(lambda: preprocessor.decider, Roots.of([folder]), folder / "state")


@contextmanager
def stopped_once(reached: Callable[[], object]) -> Iterator[None]:
    """Stop every job of this process at its first step after something holds."""
    tell = JobRun.tell

    def watched(run: JobRun, stage: str, done: int, total: int) -> None:
        if reached():
            run.stop.set()
        tell(run, stage, done, total)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JobRun, "tell", watched)
        yield


if __name__ == "__main__":
    place, what, which = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    jobs = jobs_in(place, ScriptedEngine(place / "asked.log", 0.001))
    job = jobs.start(REQUEST.validate_json(which), wait=0) if what == "start" else jobs.resume(which, wait=0)
    sys.stdout.write(job.id + "\n")
    sys.stdout.flush()
    job = jobs.wait(job.id)
    sys.stdout.write(job.status + "\n")
