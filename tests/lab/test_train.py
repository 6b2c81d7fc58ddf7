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
