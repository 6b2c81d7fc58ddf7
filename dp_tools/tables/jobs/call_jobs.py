"""A call of a task tool that may go on as a job: it is asked in parts, what may be found first, and kept.

What is decided without the model is there at once. Which questions make a part follows from the call alone, so that the
same call asks the same parts, whoever runs it and however often it was stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain
from pathlib import Path

from pydantic import TypeAdapter

from dp_tools.decision import Decider, is_open_gap, without_false_alarms
from dp_tools.engine.pace import sizes
from dp_tools.engine.questions import Question
from dp_tools.progress import Progress
from dp_tools.prompts.ask import YesNo
from dp_tools.tables.asking import Journal
from dp_tools.tables.jobs.job_requests import CallRequest, JobResult
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tasks import TASKS
from dp_tools.tasks.impute import ImputeRequest
from dp_tools.tasks.task import Answer, Case, Outcome, Request
from dp_tools.tasks.verdicts import VerdictRequest

ANSWER = "answer.json"
"""The file, among those of a job, with the whole answer of a call."""
_PART = 4000
"""Characters that the model reads for a part: a few seconds on a slow machine, which a sudden end can lose."""
_PENDING = Outcome("pending")
_OUTCOMES: TypeAdapter[list[Outcome]] = TypeAdapter(list[Outcome])


class KeptAnswers:
    """A journal in memory, for a call that has not become a job."""

    def __init__(self) -> None:
        self.by_key: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self.by_key.get(key)

    def put(self, key: str, answer: str) -> None:
        self.by_key[key] = answer


@dataclass(frozen=True, slots=True)
class _Part:
    """Questions that are asked, and kept, at once.

    Args:
        key: under which the journal keeps their outcomes.
        places: of their cases.
        questions: how many there are; equal cases share one.
    """

    key: str
    places: Sequence[int]
    questions: int


class CallWork:
    """The work of one call.

    Args:
        decider: what answers.
        request: what is asked.

    Raises:
        InvalidRequest: the request cannot be answered as it is.
    """

    def __init__(self, decider: Decider, request: Request) -> None:
        # What to show is decided last: an answer that is kept holds every verdict.
        whole = request.model_copy(update={"only": None}) if isinstance(request, VerdictRequest) else request
        self._decider = decider
        self._ready = decider.ready(whole)
        self._calibration = decider.calibration_of(self._ready.task.name, whole.dataset)
        places: dict[Question, list[int]] = {}
        decided: list[int] = []
        for place, question in enumerate(decider.questions(self._ready)):
            (decided if question is None else places.setdefault(question, [])).append(place)
        self.questions = sorted(places, key=lambda question: self._turn(places[question][0]))
        """What the model is asked, in the order of asking."""
        self._decided = dict(zip(decided, self._outcomes(decided), strict=True)) if decided else {}
        answered_by = decider.digest(self._ready.task.name, whole.dataset)
        self._key = sha256(f"{answered_by}\n{self._ready.digest()}".encode()).hexdigest()
        self._parts = self._cut([places[question] for question in self.questions])
        # A gap that the model leaves open may be filled from the values of all records, once each was asked about.
        self._chooses, self._choices = isinstance(whole, ImputeRequest), f"{self._key} choices"

    def ask(self, journal: Journal, *, progress: Progress | None = None, cancel: threading.Event | None = None) -> None:
        """Ask what the journal does not hold yet, part by part.

        Args:
            journal: keeps the outcomes of each part.
            progress: called with (questions answered, of how many).
            cancel: set it to stop; the parts that were answered are kept.

        Raises:
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        left = [part for part in self._parts if journal.get(part.key) is None]
        total = len(self.questions)
        done = total - sum(part.questions for part in left)

        def onward(answered: int, _of: int) -> None:
            if progress is not None:
                progress(done + answered, total)

        onward(0, 0)
        for part in left:
            journal.put(part.key, _OUTCOMES.dump_json(self._outcomes(part.places, onward, cancel)).decode())
            done += part.questions
            onward(0, 0)
        if self._chooses and journal.get(self._choices) is None:
            found = self._decider.with_choices(self._ready, self._reached(journal), cancel=cancel)
            journal.put(self._choices, _OUTCOMES.dump_json(found).decode())

    def answer(self, journal: Journal) -> Answer:
        """The answer as far as the journal holds it; every other item is pending."""
        if self._chooses and (kept := journal.get(self._choices)) is not None:
            outcomes = _OUTCOMES.validate_json(kept)
        else:
            found = self._reached(journal)
            outcomes = [_PENDING if self._chooses and is_open_gap(outcome) else outcome for outcome in found]
        return self._decider.read(self._ready, without_false_alarms(self._ready, outcomes))

    def _reached(self, journal: Journal) -> list[Outcome]:
        """The outcome of each case by itself, as far as the journal holds it."""
        outcomes = [self._decided.get(place, _PENDING) for place in range(len(self._ready.cases))]
        for part in self._parts:
            if (kept := journal.get(part.key)) is not None:
                for place, outcome in zip(part.places, _OUTCOMES.validate_json(kept), strict=True):
                    outcomes[place] = outcome
        return outcomes

    def _outcomes(
        self, places: Sequence[int], progress: Progress | None = None, cancel: threading.Event | None = None
    ) -> list[Outcome]:
        some = replace(self._ready, cases=[self._ready.cases[place] for place in places])
        return self._decider.decide(some, progress=progress, cancel=cancel)

    def _turn(self, place: int) -> tuple[float, str, int]:
        """When a case's turn comes: last what counting speaks against, and what is alike at once."""
        case = self._ready.cases[place]
        # Coarsely, for neighbours whose prompts begin alike are read faster.
        return round(self._short_of_yes(case), 1), case.attribute or "", place

    def _short_of_yes(self, case: Case) -> float:
        """How far counted evidence alone leaves a verdict below the threshold, 0 to 1; 0 for what is no verdict."""
        if not isinstance(case.ask, YesNo):
            return 0.0
        yes = self._calibration(0.5, case.evidence_score, case.overlap_score)
        return max(0.0, self._calibration.threshold - yes)

    def _cut(self, cases: Sequence[Sequence[int]]) -> list[_Part]:
        """The parts, given the cases of each question."""
        if not cases:
            return []
        cut: list[list[Sequence[int]]] = [[]]
        room = _PART
        for same, size in zip(cases, sizes(self.questions), strict=True):
            if cut[-1] and size > room:
                cut.append([])
                room = _PART
            cut[-1].append(same)
            room -= size
        return [
            _Part(f"{self._key} {number}", tuple(chain.from_iterable(part)), len(part))
            for number, part in enumerate(cut)
        ]


def call(run: JobRun) -> JobResult:
    """Answer what a call left open, and keep the whole answer."""
    request = run.request
    assert isinstance(request, CallRequest)
    run.stage("reading")
    work, journal = CallWork(run.decider(), request.asked), run.journal()
    work.ask(journal, progress=lambda done, total: run.tell("asking", done, total), cancel=run.stop)
    answer = work.answer(journal)
    run.stage("writing")
    part = run.folder / f"{ANSWER}.part"
    part.write_text(answer.model_dump_json(), encoding="utf-8")
    part.replace(run.folder / ANSWER)
    items = list(answer)
    unanswered = sum(item.failure is not None for item in items)
    return JobResult(
        summary=f"{len(items) - unanswered:,} of {len(items):,} {answer.items} of the call have their answer.",
        files=[],
        figures={answer.items: len(items), "questions": len(work.questions), "unanswered": unanswered},
        preview=[],
    )


def kept_answer(request: CallRequest, folder: Path) -> Answer | None:
    """The whole answer that `call` kept in a folder; None where the file is gone, or damaged."""
    try:
        answer: Answer = TASKS[request.task].answer.model_validate_json((folder / ANSWER).read_bytes())
    except (OSError, ValueError):
        return None
    return answer
