"""What the laboratory measures of a scout that answers before the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from labelled_data import write_labelled_data

from lab.__main__ import main
from lab.benchmarks.scout import Bands, Sample, fit_bands, tried


def _sample(truth: list[int], verdict: list[int], weights: float = 1.0) -> Sample:
    flags, none = np.array(truth, bool), np.zeros(len(truth), bool)
    return Sample(
        "one",
        "one",
        np.zeros((len(truth), 1)),
        flags,
        ~none,
        none,
        np.full(len(truth), weights),
        np.array(verdict, bool),
    )


def test_a_scout_settles_what_lies_outside_its_bands_and_the_model_the_rest() -> None:
    sample = _sample([1, 1, 0, 0], [0, 1, 1, 0])
    found = tried(sample, np.array([2.0, 0.0, 0.0, -2.0]), Bands(-1.0, 1.0))
    assert found.settled == 0.5
    assert found.alone == pytest.approx(0.5)
    assert found.cascade == pytest.approx(0.8)  # the first is right now, the third is still wrong


def test_bands_leave_no_more_errors_than_the_bound_allows_and_settle_nothing_on_few_answers() -> None:
    truth = np.arange(2_000) < 1_000
    scores = np.where(truth, 1.0, -1.0) + np.linspace(-0.5, 0.5, 2_000)
    apart = _sample(truth.tolist(), truth.tolist())
    bands = fit_bands([(scores, apart)], 0.01)
    assert (scores[truth] <= bands.low).mean() < 0.01
    assert (scores[~truth] >= bands.high).mean() < 0.01
    few = _sample([1, 0], [1, 0])
    bands = fit_bands([(np.array([1.0, -1.0]), few)], 0.01)
    assert tried(few, np.array([1.0, -1.0]), bands).settled == 0


@pytest.mark.usefixtures("lent_engine")
def test_one_command_tries_a_scout_on_families_that_it_never_saw(tmp_path: Path) -> None:
    for name in ("Goods", "Wares", "Parts"):
        made = write_labelled_data(tmp_path / name, seed=len(name))
        (tmp_path / "data" / "EM").mkdir(parents=True, exist_ok=True)
        (made / "EM" / "Goods").rename(tmp_path / "data" / "EM" / name)
    asked = ["scout", "--data", str(tmp_path / "data"), "--only", "EM/Wares", "--yes", "3", "--no", "3"]
    run = CliRunner().invoke(main, asked)
    assert run.exit_code == 0, run.output
    assert run.output.count("| line | left out |") == run.output.count("| trees | seen |") == 6
    assert "Wares" in run.output
    assert "ED: fewer than 3 families" in run.output
