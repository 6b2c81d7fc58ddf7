"""What the laboratory measures of matches that ask little: everything asked once, then runs that replay it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tables_job import ScriptedEngine

from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.clean import judging
from lab.benchmarks.cascade import match_runs
from lab.benchmarks.cascade_cells import cell_runs

WORDS = [f"{a}{b}" for a in ("lor", "mip", "sat", "ven") for b in ("adan", "ekel", "oris")]


def test_every_answer_is_asked_once_and_runs_are_measured_against_them(tmp_path: Path) -> None:
    chance = random.Random(3)
    lines = [f'{number},"{" ".join(chance.sample(WORDS, 4))} {number}"' for number in range(60)]
    for name in ("tableA", "tableB"):
        (tmp_path / f"{name}.csv").write_text("id,title\n" + "\n".join(lines) + "\n")
    matches = "".join(f"{number},{number}\n" for number in range(60))
    (tmp_path / "matches.csv").write_text("left_id,right_id\n" + matches)
    engine = ScriptedEngine()
    with Preprocessor(knowledge=":memory:", engine=engine) as preprocessor:
        work = Work(preprocessor.decider, NoJournal())
        whole, *runs = match_runs(work, tmp_path, Promise(), [0, 1], first=200)
    assert engine.asked == whole.size == whole.asked == 200
    assert [run.seed for run in runs] == [0, 1]
    assert all(run.asked <= run.size and run.recall >= 0.95 and run.precision >= 0.95 for run in runs)
    assert whole.f1 <= 1


def test_cells_are_measured_against_the_run_that_asks_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "ASKED_IN_FULL", 100)
    chance = random.Random(5)
    titles = [" ".join(chance.sample(WORDS, 4)) for _ in range(150)]
    (tmp_path / "clean.csv").write_text("\n".join(["title", *titles]) + "\n")
    (tmp_path / "dirty.csv").write_text("\n".join(["title", *(f"{title}#" for title in titles)]) + "\n")
    with Preprocessor(knowledge=":memory:", engine=ScriptedEngine()) as preprocessor:
        whole, *runs = cell_runs(lambda: Work(preprocessor.decider, NoJournal()), tmp_path, Promise(), [0])
    assert 100 < whole.asked == whole.size <= whole.cells == 150
    assert runs[0].asked <= whole.size
    assert runs[0].precision == 1
