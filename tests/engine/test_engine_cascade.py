"""A second model for what the first is unsure about; the commands around models and kept answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_model import write_tiny_model

from dp_tools.cli import main
from dp_tools.engine.questions import Engine
from dp_tools.preprocessor import Preprocessor

RECORDS = [{"name": "stout", "abv": "0.05"}, {"name": "lager", "abv": "five"}]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("second") / "second.gguf", seed=7)


@pytest.fixture
def cascade(engine: Engine, path: Path) -> Iterator[Preprocessor]:
    opened = Preprocessor(engine=engine, knowledge=":memory:", fallback_model=str(path), cache=False)
    yield opened
    assert opened.decider.fallback is not None
    opened.decider.fallback.engine.close()
    opened.knowledge.close()


def test_the_second_model_answers_what_the_first_is_unsure_about(cascade: Preprocessor):
    cascade.decider.uncertainty_band = (0.0, 1.0)
    answer = cascade.ask(RECORDS, "Is it a beer?")
    assert answer.model == "tiny, second where unsure"
    assert [item.reason for item in answer.answers] == ["tiny was unsure; second answered."] * 2


def test_the_second_model_is_not_asked_where_the_first_is_sure(cascade: Preprocessor):
    cascade.decider.uncertainty_band = (-1.0, -0.5)
    answer = cascade.ask(RECORDS, "Is it a beer?")
    assert [item.reason for item in answer.answers] == [None, None]


@pytest.mark.usefixtures("tiny_nano")
def test_the_models_command_prepares_and_says_what_was_chosen(tmp_path: Path):
    result = CliRunner().invoke(main, ["models", "optimize"])
    assert result.exit_code == 0, result.output
    assert "chosen" in result.stdout
    assert len(list((tmp_path / "cache" / "models").glob("nano-*.gguf"))) == 1


def test_kept_answers_are_forgotten_on_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DP_TOOLS_CACHE", str(tmp_path))
    assert CliRunner().invoke(main, ["models", "forget-answers"]).stdout == "0 answers forgotten.\n"
