"""Of very many cells the model is asked about a part, and what it would call wrong is found all the same."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from tables_job import ScriptedEngine, jobs_in

from dp_tools.cli import main
from dp_tools.engine.questions import Labels, LabelScores, Question, Result
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.clean import judging
from dp_tools.tables.clean.cleaning import Cleaner, Detection
from dp_tools.tables.jobs.job_requests import CleanRequest, DetectRequest, TableSource
from dp_tools.tables.snapshot import open_table

COUNT = 300
WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty"]


class Reader(ScriptedEngine):
    """Calls every value wrong that holds a number sign, and values of some columns throughout.

    Args:
        alarming: columns all of whose values it calls wrong.
    """

    def __init__(self, alarming: Sequence[str] = (), log: Path | None = None) -> None:
        super().__init__(log)
        self.alarming = re.compile("|".join(f'ask\\s+{name}: "' for name in alarming) or r"(?!)")

    def answer(self, questions: Sequence[Question], **more: Any) -> list[Result]:
        super().answer(questions, **more)
        wrong = map(self._is_wrong, questions)
        return [LabelScores((0.9, 0.1) if one else (0.1, 0.9), self.name) for one in wrong]

    def _is_wrong(self, question: Question) -> bool:
        assert isinstance(question.answer, Labels)
        text = "".join(segment.text for segment in question.segments)
        return "#" in text or self.alarming.search(text) is not None


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "ASKED_IN_FULL", 200)


def remarks(chance: random.Random, wrong: float = 0.08) -> list[str]:
    """Values of three words, of which a share holds a number sign."""
    return [
        " ".join(chance.choices(WORDS, k=3)) + (f" #{chance.randrange(9)}" if chance.random() < wrong else "")
        for _ in range(COUNT)
    ]


def detect(
    folder: Path,
    columns: dict[str, list[str]],
    engine: ScriptedEngine,
    promise: Promise | None = None,
    seed: int = 0,
) -> Detection:
    pl.DataFrame(columns).write_csv(folder / "table.csv")
    with (
        open_table(folder / "table.csv") as table,
        Preprocessor(knowledge=":memory:", engine=engine, adapters=False) as preprocessor,
    ):
        work = Work(preprocessor.decider, NoJournal())
        return Cleaner(work, table, None, [], list(columns), promise=promise, seed=seed).detect()


def found(detection: Detection) -> set[tuple[int, str]]:
    return {(cell.row, cell.attribute) for cell in detection.wrong}


@pytest.mark.parametrize("seed", range(2))
def test_a_part_of_the_questions_finds_what_all_of_them_would(tmp_path: Path, seed: int):
    columns = {name: remarks(random.Random(name)) for name in ("title", "remark", "note", "place")}
    everything, part = Reader(), Reader()
    wrong, learned = found(detect(tmp_path, columns, everything)), detect(tmp_path, columns, part, Promise(), seed)
    assert found(learned) <= wrong
    assert len(found(learned)) >= 0.95 * len(wrong) > 20
    assert part.asked < 0.8 * everything.asked
    assert learned.audit is not None
    assert learned.audit.asked == part.asked


def test_no_cell_is_called_wrong_that_was_not_asked_about(tmp_path: Path):
    columns = {name: remarks(random.Random(name)) for name in ("title", "remark", "note")}
    detection = detect(tmp_path, columns, Reader(), Promise(recall=0.8))
    assert len(detection.wrong) > 40
    assert {cell.outcome.decided_by for cell in detection.wrong} == {"model"}


def test_a_column_that_the_model_does_not_understand_is_left_as_soon_as_that_shows(tmp_path: Path):
    columns = {name: remarks(random.Random(name)) for name in ("title", "remark")}
    everything, part = Reader(["title"]), Reader(["title"])
    wrong, learned = detect(tmp_path, columns, everything), detect(tmp_path, columns, part, Promise())
    assert found(learned) <= found(wrong)
    assert list(learned.misunderstood) == list(wrong.misunderstood) == ["title"]
    assert part.asked < 0.8 * everything.asked


def test_what_rows_alike_agree_with_is_not_asked(tmp_path: Path):
    chance = random.Random(3)
    keys = [chance.randrange(30) for _ in range(COUNT)]
    columns = {"key": [f"{WORDS[key % 10]} {WORDS[key // 10]} key" for key in keys], "remark": remarks(chance)}
    columns |= {f"part {n}": [f"{WORDS[(key + n) % 10]} {WORDS[key // 10]}{n}" for key in keys] for n in range(9)}
    everything, part = Reader(), Reader()
    assert found(detect(tmp_path, columns, part, Promise())) <= found(detect(tmp_path, columns, everything))
    assert part.asked < everything.asked


def job_folder(folder: Path) -> Path:
    folder.mkdir()
    pl.DataFrame({name: remarks(random.Random(name)) for name in ("title", "remark")}).write_csv(folder / "table.csv")
    return folder


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("table.*")}


def test_a_job_that_was_stopped_goes_on_with_the_same_questions_and_asks_none_twice(tmp_path: Path):
    undisturbed, stopped = job_folder(tmp_path / "undisturbed"), job_folder(tmp_path / "stopped")
    request = CleanRequest(source=TableSource(path="table.csv"))
    done = jobs_in(undisturbed, Reader(log=undisturbed / "asked.log")).start(request, wait=60)
    assert done.status == "done", done.error
    total = len((undisturbed / "asked.log").read_text().split())
    engine = Reader(log=stopped / "asked.log")
    jobs = jobs_in(stopped, engine)
    engine.most = total // 4
    job = jobs.start(request, wait=0)
    for more in (total // 4, total // 4, None):
        assert engine.reached.wait(30)
        jobs.cancel(job.id)
        jobs.wait(job.id, 30)
        engine.most = None if more is None else engine.asked + more
        engine.reached.clear()
        job = jobs.resume(job.id, wait=60 if more is None else 0)
    assert job.status == "done"
    assert outputs(stopped) == outputs(undisturbed)
    asked = [(folder / "asked.log").read_text().split() for folder in (stopped, undisturbed)]
    assert asked[0] == asked[1]
    assert len(set(asked[0])) == len(asked[0])
    assert job.result is not None
    assert done.result is not None
    assert job.result.summary == done.result.summary


def test_the_result_of_a_job_says_what_was_promised_asked_and_found(tmp_path: Path):
    folder = job_folder(tmp_path / "table")
    job = jobs_in(folder, Reader()).start(DetectRequest(source=TableSource(path="table.csv")), wait=60)
    assert job.result is not None
    figures = job.result.figures
    assert 0 < figures["asked"] + figures["learned"] <= figures["questions"]
    assert f"Asked the model about {figures['asked']:,} of {figures['questions']:,} questions" in job.result.summary
    assert "Promised, at 95% confidence: recall 95% and precision 100%" in job.result.summary


def test_the_command_says_what_was_promised_asked_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    job_folder(tmp_path / "table")
    monkeypatch.setattr("dp_tools.preprocessor.open_engine", lambda *_, **__: Reader())
    path, knowledge = tmp_path / "table" / "table.csv", tmp_path / "knowledge.db"
    result = CliRunner(env={"COLUMNS": "400"}).invoke(main, ["detect", str(path), "--knowledge", str(knowledge)])
    assert result.exit_code == 0, result.output
    assert "Promised, at 95% confidence: recall 95% and precision 100%" in result.stderr


def test_a_job_that_is_to_ask_all_asks_all(tmp_path: Path):
    folder = job_folder(tmp_path / "table")
    engine = Reader()
    request = DetectRequest(source=TableSource(path="table.csv"), ask_all=True)
    job = jobs_in(folder, engine).start(request, wait=60)
    assert job.result is not None
    assert engine.asked == job.result.figures["questions"]
    assert "Promised" not in job.result.summary


def test_few_questions_are_all_asked(tmp_path: Path):
    columns = {"title": remarks(random.Random(1))[:150]}
    engine = Reader()
    assert detect(tmp_path, columns, engine, Promise()).audit is None
    assert engine.asked > 100
