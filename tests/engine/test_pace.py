"""How fast the model answers here is measured, kept beside its weights, and told as people say it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dp_tools.engine.pace import Pace, sizes
from dp_tools.engine.questions import Labels, Question, Segment, Value
from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.optimized import OptimizedWeights, note, optimized_path, pace_of
from dp_tools.progress import Forecast, progress_text


def test_what_was_measured_is_there_for_the_next_server(tmp_path: Path) -> None:
    file = tmp_path / "models" / "nano.pace.json"
    pace = Pace(file)
    pace.learn(6_000, 60.0)
    assert pace.characters_per_second == pytest.approx(100)
    assert Pace(file).characters_per_second == pytest.approx(100)


def test_a_machine_that_becomes_slower_is_noticed_within_a_minute() -> None:
    pace = Pace(start=1_000)
    for _ in range(60):
        pace.learn(100, 1.0)
    assert pace.characters_per_second < 300


@pytest.mark.parametrize(
    "damage", ["", "{}", "[1]", '{"characters": "x", "seconds": 1}', '{"characters": 5, "seconds": 0}']
)
def test_a_damaged_note_is_measured_anew(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "nano.pace.json"
    file.write_text(damage)
    pace = Pace(file, 500.0)
    assert pace.characters_per_second == 500
    pace.learn(1_000, 1.0)
    assert json.loads(file.read_text()).keys() == {"characters", "seconds"}


def test_until_a_model_has_answered_its_pace_follows_from_the_timing_of_its_weights(tiny_nano: ModelSpec) -> None:
    unmeasured = Pace.of(tiny_nano).characters_per_second
    path = optimized_path(tiny_nano)
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = OptimizedWeights(path, "BF16", "", {"BF16": 1_000.0, "Q8_0": 1.0}, 2, agreed=True)
    note(weights)
    timed = Pace.of(tiny_nano).characters_per_second
    note(replace(weights, tokens_per_second={"BF16": 100.0}))
    assert timed == pytest.approx(10 * Pace.of(tiny_nano).characters_per_second)
    assert timed != unmeasured
    Pace.of(tiny_nano).learn(60, 60.0)
    assert pace_of(path).exists()
    assert Pace.of(tiny_nano).characters_per_second == pytest.approx(1.0)


def test_a_question_is_as_long_as_what_is_read_and_written_for_it() -> None:
    yes_no = Labels(("Yes", "No"))
    cell, pair = (Question((Segment("Task.\n"), Segment(text)), yes_no) for text in ("a cell", "a pair of records"))
    value = Question((Segment("Task.\n"), Segment("a cell")), Value(end="."))
    assert sizes([cell])[0] < sizes([pair])[0] < sizes([value])[0]
    assert sizes([cell, pair])[1] < sizes([pair])[0], "what two prompts begin with is read once"
    assert sizes([cell, pair], {0})[0] == 0, "an answer that is kept costs nothing"


@pytest.mark.parametrize(
    ("reached", "text"),
    [
        ((240, 900, 118.0), "240 of 900, about 2 minutes left"),
        ((240, 900, 41.0), "240 of 900, about 40 seconds left"),
        ((240, 900, 1.0), "240 of 900, about 5 seconds left"),
        ((1, 90_000, 7_300.0), "1 of 90,000, about 2 hours left"),
        ((240, 900, None), "240 of 900"),
        ((900, 900, 0.0), "900 of 900"),
    ],
)
def test_progress_is_told_as_people_say_it(reached: tuple[int, int, float | None], text: str) -> None:
    assert progress_text(*reached) == text


def test_the_time_left_follows_from_the_pace_since_the_stage_began() -> None:
    clock = [0.0]
    forecast = Forecast(lambda: clock[0])
    assert forecast.seconds_left(100, 500) is None
    clock[0] = 10.0
    assert forecast.seconds_left(200, 500) == pytest.approx(30)
    assert forecast.seconds_left(0, 50) is None, "another stage begins"
