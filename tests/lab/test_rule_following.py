"""`python -m lab bench-rules`: how rules are followed, on a few cases of our own."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from lab.__main__ import main

PLACE = {"name": "citrus", "city": "los angeles"}


def test_following_rules_is_measured_on_valid_splits(tmp_path: Path, lent_engine: object) -> None:  # noqa: ARG001
    folder = tmp_path / "ED" / "shop"
    folder.mkdir(parents=True)
    rows = [{"record": {**PLACE, "id": str(n)}, "attribute": "city", "label": 0, "clean": ""} for n in range(4)]
    (folder / "valid.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = CliRunner().invoke(main, ["bench-rules", "--data", str(tmp_path), "--cases", "8"])
    assert result.exit_code == 0, result.output
    assert "| gaps | " in result.stdout
    assert "An idle rule changed" in result.stdout
