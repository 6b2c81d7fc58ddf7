"""`python -m lab labels` measures labelled rows on a table whose truth is known."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest
from click.testing import CliRunner
from tables_job import ScriptedEngine

from dp_tools.engine.cache import AnswerCache, CachedEngine
from dp_tools.preprocessor import Preprocessor
from lab.__main__ import main
from lab.benchmarks.labels import JOB, Recorded, Way, who_adds_what


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sizes of which some have a unit that should not be there."""
    rng = random.Random(1)
    right = [[f"b{number}", str(rng.randrange(10, 40))] for number in range(60)]
    wrong = [[name, size + rng.choice((" oz", " ounce", ""))] for name, size in right]
    for name, rows in (("clean", right), ("dirty", wrong)):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["beer", "size"], *rows])
    return tmp_path


def test_labels_are_measured_beside_what_code_decides(folder: Path) -> None:
    done = CliRunner().invoke(main, ["labels", str(folder), "--by-code", "--seeds", "1", "--rows", "10"])
    assert done.exit_code == 0, done.output
    _, _, without, taught = done.output.splitlines()
    f1 = [float(line.split("|")[6].split(", ")[2]) for line in (without, taught)]
    assert f1[0] < f1[1]


def test_every_way_is_measured_from_recorded_answers_alone(folder: Path, tmp_path: Path) -> None:
    engine, cache = ScriptedEngine(), tmp_path / "answers.db"

    def ways(through: CachedEngine) -> list[Way]:
        with Preprocessor(knowledge=":memory:", engine=through, adapters=False) as preprocessor:
            ((_, found),) = who_adds_what(preprocessor, folder, [1], 10)
        return found

    fresh = ways(CachedEngine(engine, AnswerCache(cache)))
    asked, recorded = engine.asked, Recorded(engine, cache)
    assert ways(recorded.answered) == fresh
    assert (engine.asked, recorded.lacking) == (asked, 0)
    assert len(fresh) == 6
    assert fresh[-1].name == JOB
    assert fresh[-1].f1 in {way.f1 for way in fresh[:-1]}
