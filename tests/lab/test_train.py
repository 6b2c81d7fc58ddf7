"""`python -m lab train` with the tiny model. Runs where the extra "tune" is installed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

pytest.importorskip("torch", reason='needs the extra "tune"')
pytest.importorskip("peft", reason='needs the extra "tune"')

from click.testing import CliRunner
from labelled_data import write_labelled_data

from dp_tools.adapters.train import _WORTH_COMPILING
from dp_tools.cli import main as product
from dp_tools.models.calibration import Calibration
from lab.__main__ import main

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.usefixtures("tiny_nano")
def test_one_command_makes_a_calibrated_adapter_that_every_command_can_answer_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_WORTH_COMPILING, "cpu", math.inf)  # it takes longer than this training
    data, out = write_labelled_data(tmp_path / "data"), tmp_path / "shop"
    course = ("--size", "0.01", "--tokens", "600", "--steps", "20", "--valid", "4")
    made = CliRunner().invoke(main, ["train", "--data", str(data), "--out", str(out), *course])
    assert made.exit_code == 0, made.output
    assert set(Calibration.load(out / "calibration.json").by_task) >= {"match_entities", "detect_errors"}
    asked = ["bench", "--data", str(data), "--only", "EM", "--limit", "4", "--model", f"nano+{out / 'adapter.gguf'}"]
    result = CliRunner().invoke(product, asked)
    assert result.exit_code == 0, result.output
    assert "Goods" in result.output
    assert list((tmp_path / "cache" / "models").glob("nano+shop-*.gguf"))


@pytest.mark.usefixtures("tiny_nano")
def test_examples_made_on_one_machine_train_the_same_adapter_on_another_that_has_no_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_WORTH_COMPILING, "cpu", math.inf)
    data, made = write_labelled_data(tmp_path / "data"), tmp_path / "examples"
    mixture, course = ("--size", "0.01", "--seed", "5"), ("--tokens", "600", "--steps", "2", "--valid", "0")
    run = CliRunner().invoke(main, ["examples", "--data", str(data), "--out", str(made), *mixture])
    assert run.exit_code == 0, run.output
    at_once, apart = tmp_path / "at once", tmp_path / "apart"
    for source, out, more in (
        (("--data", str(data)), at_once, ("--size", "0.01")),
        (("--examples", str(made)), apart, ()),
    ):
        trained = CliRunner().invoke(main, ["train", *source, "--out", str(out), "--seed", "5", *course, *more])
        assert trained.exit_code == 0, trained.output
    assert (at_once / "losses.jsonl").read_text() == (apart / "losses.jsonl").read_text()


def test_a_training_has_one_source_and_the_mixture_of_a_file_is_fixed(tmp_path: Path) -> None:
    made = tmp_path / "examples"
    made.write_bytes(b"no examples")
    for wrong, why in (
        ((), "Give --data"),
        (("--data", str(tmp_path), "--examples", str(made)), "Give --data"),
        (("--examples", str(made), "--size", "2"), "is fixed"),
        (("--examples", str(made)), "holds no examples"),
    ):
        run = CliRunner().invoke(main, ["train", "--out", str(tmp_path / "out"), *wrong])
        assert run.exit_code != 0
        assert why in run.output + str(run.exception)
