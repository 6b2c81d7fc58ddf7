"""Hostile files: each is refused with one sentence, soon, and before memory is taken."""

from __future__ import annotations

import time
from pathlib import Path

import polars as pl
import psutil
import pytest
from hostile_files import MAY_BE_READ, hostile, parquet, sqlite, workbook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from one_sentence import fault_of

from dp_tools.errors import DpToolsError
from dp_tools.tables.snapshot import open_table

SOON_S = 20.0
"""Seconds of the processor."""
MEMORY = 800 * 2**20


def test_forty_hostile_files_are_refused_with_one_sentence_before_memory_is_taken(tmp_path: Path) -> None:
    faults, tried = [], 0
    for name, data in hostile(tmp_path):
        tried += 1
        path = tmp_path / name
        path.write_bytes(data)
        del data
        before, started = psutil.Process().memory_info().rss, time.process_time()
        try:
            with open_table(path):
                fault = None if name in MAY_BE_READ else "it was read"
        except DpToolsError as error:
            fault = fault_of(str(error))
        if psutil.Process().memory_info().rss - before > MEMORY:
            fault = "it took memory"
        if time.process_time() - started > SOON_S:
            fault = "it took long"
        faults += [f"{name}: {fault}"] if fault else []
        path.unlink()
    assert faults == []
    assert tried >= 40


SMALL = {
    "csv": b'a,b\n1,"x, y"\n2,z\n',
    "jsonl": b'{"a": "x", "b": [1, {"c": null}]}\n{"a": 1.50}\n',
    "xlsx": workbook('<row r="1"><c r="A1"><v>1</v></c></row>'),
    "parquet": parquet(pl.DataFrame({"a": ["x", "y"], "b": [1, None]})),
}


@pytest.mark.parametrize("suffix", [*SMALL, "db"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_of_any_kind_gets_one_sentence_or_is_read(
    tmp_path: Path, suffix: str, data: st.DataObject
) -> None:
    whole = SMALL.get(suffix) or sqlite(tmp_path, "CREATE TABLE t (a, b)", "INSERT INTO t VALUES ('x', 1)")
    at = data.draw(st.integers(0, len(whole)), label="at")
    inside = data.draw(st.binary(max_size=12), label="inside")
    rest = data.draw(st.sampled_from(["after", "behind", "nothing"]), label="rest")
    end = {"after": whole[at:], "behind": whole[at + len(inside) :], "nothing": b""}[rest]
    path = tmp_path / f"damaged.{suffix}"
    path.write_bytes(whole[:at] + inside + end)
    fault = None
    try:
        with open_table(path) as table:
            assert len(list(table.records())) == table.count
    except DpToolsError as error:
        fault = fault_of(str(error))
    assert fault is None
