"""`python -m lab wide`: how looking at a table scales with its columns."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from dp_tools.rules.discovery.data_constraints import DataConstraints, searched
from dp_tools.tables.profile import profile_table
from dp_tools.tables.snapshot import Table, open_table
from dp_tools.tables.table_facts import TableFacts
from lab.synthetic.wide_tables import write_wide


def mine_as_clean_does(table: Table) -> None:
    DataConstraints.of((record for _, record in table.records(searched(table.count, len(table.columns)))), None)


PARTS: dict[str, Callable[[Table], Any]] = {
    "profile": profile_table,
    "mine": mine_as_clean_does,
    "facts": TableFacts,
}


def measure(path: Path, part: str) -> dict[str, float]:
    """Seconds of one part, on the clock and of all processors, and the peak memory of its process in MB."""
    begun = time.perf_counter(), time.process_time()
    with open_table(path) as table:
        if part in PARTS:
            begun = time.perf_counter(), time.process_time()
            PARTS[part](table)
        seconds, busy = time.perf_counter() - begun[0], time.process_time() - begun[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": round(seconds, 2), "cpu": round(busy, 2), "mb": peak}


@click.command()
@click.argument("shapes", nargs=-1, required=True, metavar="ROWSxCOLUMNS...")
@click.option("--repeat", type=click.IntRange(min=1), default=1, show_default=True, help="Runs of each part.")
@click.option("--limit", type=float, default=600, show_default=True, help="Seconds after which a part is stopped.")
def wide(shapes: tuple[str, ...], repeat: int, limit: float) -> None:
    """Measure the seconds and the memory of each part of looking at a generated table, as medians over the runs.

    Each part runs in a process of its own, which reads the table first: reading, the profile, the rules that `clean`
    mines, and the facts that it looks up.
    """
    with tempfile.TemporaryDirectory() as folder:
        for shape in shapes:
            rows, columns = map(int, shape.split("x"))
            path = write_wide(Path(folder) / "t.csv", rows, columns)
            for part in ("read", *PARTS):
                figures = {"rows": rows, "columns": columns, "part": part, **_median(path, part, repeat, limit)}
                click.echo(json.dumps(figures))


def _median(path: Path, part: str, repeat: int, limit: float) -> dict[str, Any]:
    runs = []
    for _ in range(repeat):
        command = [sys.executable, "-m", __name__, str(path), part]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=True)
        except subprocess.TimeoutExpired:
            return {"seconds": f"over {limit:g}"}
        runs.append(json.loads(done.stdout))
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2])))
