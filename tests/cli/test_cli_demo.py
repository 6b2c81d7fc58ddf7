"""The demo, on the first rows of its tables: a real server process, a real client, honest scores."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import pytest

from dp_tools.cli import demo
from dp_tools.cli.demo import SHORT, DemoFailed

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ORDERS = [*range(1, 11), 29, 188]
"""Lines that hold gaps of both columns and an order of more than twenty."""
LINES = {"orders_dirty.csv": ORDERS, "orders_clean.csv": ORDERS, "catalogue_a.csv": range(1, 4)}


@pytest.fixture
def short_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder)
    for name, numbers in LINES.items():
        header, *lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / name).write_text(header + "".join(lines[number - 1] for number in numbers), encoding="utf-8")
    monkeypatch.setattr(demo, "_examples", lambda: folder)
    return folder


def test_the_demo_does_the_main_job_and_a_rule_changes_an_answer(
    short_examples, tmp_path, tiny_model, capfd, monkeypatch
):
    monkeypatch.setattr(demo, "HEARTBEAT_S", 0.05)
    before = {path.name: path.read_bytes() for path in short_examples.iterdir()}
    work = tmp_path / "work"
    work.mkdir()
    anyio.run(demo._demo, str(tiny_model), SHORT, work)
    output = capfd.readouterr().out
    first_result, first_question = output.index("12 records, 9 columns"), output.index("Clean city, country")
    assert first_result < first_question, "counting answers before the model has to"
    assert "  ... 0 s: " in output, "what is no terminal is told how far a call is"
    assert output.index("What next?") > output.index("The demo in numbers")
    for line in ("cells cleaned", "cells judged", "gaps filled, country", "products matched", "pairs of columns"):
        assert line in output
    assert "after: an error, says the check (100% sure)" in output
    assert {path.name: path.read_bytes() for path in short_examples.iterdir()} == before


def test_the_demo_says_in_one_sentence_what_the_server_refused(short_examples, tiny_model):
    (short_examples / "catalogue_a.csv").write_text("id,title\n1\n", encoding="utf-8")
    with pytest.raises(DemoFailed, match=r"The server could not match tables: Line 2 of catalogue_a.csv"):
        demo.demo.callback(str(tiny_model), full=False)
