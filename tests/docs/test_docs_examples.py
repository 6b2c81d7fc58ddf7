"""The example client: a real server process asked over stdio, with answers scored against labels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "over_stdio.py"
ROWS = {
    "EM/invented": {"left": {"name": "citrus"}, "right": {"name": "citrus"}, "label": 1},
    "DI/invented": {"record": {"name": "citrus"}, "attribute": "city", "label": "los angeles"},
    "AVE/invented": {"title": "red cup", "attribute": "colour", "label": "red", "values": ["red"]},
}


def test_the_example_client_asks_over_stdio_and_scores_the_answers(tmp_path, tiny_model):
    for place, row in ROWS.items():
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "test.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    table = tmp_path / "places"
    table.mkdir()
    (table / "dirty.csv").write_text("name,city\ncitrus,los angxles\n", encoding="utf-8")
    (table / "clean.csv").write_text("name,city\ncitrus,los angeles\n", encoding="utf-8")
    arguments = ["--data", str(tmp_path), "--table", str(table), "--model", str(tiny_model), "EM", "DI", "AVE"]
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stderr
    assert [line.split(" | ")[:3] for line in done.stdout.splitlines()[2:]] == [
        ["| places, 1 records", "detect_errors", "2"],
        next(line for line in done.stdout.splitlines() if "follow_instruction" in line).split(" | ")[:3],
        ["| EM/invented", "match_entities", "1"],
        ["| DI/invented", "impute", "1"],
        ["| AVE/invented", "extract_values", "1"],
    ]
