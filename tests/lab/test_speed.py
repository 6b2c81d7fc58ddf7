"""`python -m lab speed` on a handful of questions: every figure is there and hangs together. How fast is not tested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab.__main__ import main
from lab.benchmarks import naive
from lab.benchmarks.speed import Sizes
from lab.commands import speed

FIGURES = {"naive_per_second", "same_prompt_per_second", "ours_per_second", "same_prompt_ratio", "ratio", "n"}
FIGURES |= {"decoded_tokens_per_second", "efficiency"}


@pytest.mark.usefixtures("tiny_nano")
def test_the_figures_are_printed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tiny = Sizes(pairs=4, rows=1, values=2, sample=1, repeats=1, probes=1, agreement=3, calls=2, batch=3)
    monkeypatch.setattr(speed, "QUICK", tiny)
    monkeypatch.setattr(naive, "seconds", lambda *_: 0.5)
    result = CliRunner().invoke(main, ["speed", "--quick", "--json", str(tmp_path / "speed.json")])
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "speed.json").read_text())
    for job, count in (("pairs", 4), ("cells", 19), ("values", 2)):
        assert set(figures[job]) == FIGURES
        assert figures[job]["n"] == count
        assert figures[job]["naive_per_second"] == figures[job]["same_prompt_per_second"] == 2.0
        assert figures[job]["ratio"] == pytest.approx(figures[job]["ours_per_second"] / 2, rel=0.01, abs=0.01)
        assert job in result.stdout
    assert 0 < figures["token_ratio"] <= 1.03
    assert figures["questions_compared"] == 3
    assert figures["max_probability_difference"] < 0.05
    assert figures["label_agreement"] == 1.0
    assert {"efficiency", "max_probability_difference", "mcp_overhead_ms"} <= set(figures)


def test_the_loop_that_everyone_writes_is_timed_in_a_process_of_its_own(tiny_model: Path):
    once, often = (naive.seconds(tiny_model, 1, [[1, 2, 3]] * count, 3, []) for count in (1, 40))
    assert 0 < once < often


def test_a_folder_without_the_datasets_is_refused(tmp_path: Path):
    result = CliRunner().invoke(main, ["speed", "--quick", "--data", str(tmp_path)])
    assert result.exit_code == 2
    assert result.exception is None or isinstance(result.exception, SystemExit)
