"""How looking at a table scales: `python tests/measure_wide.py ROWSxCOLUMNS...` prints seconds and memory of each part.

Each part runs in a process of its own, which reads the table first: reading, the profile, the rules that `clean` mines,
and the facts that it looks up. `--repeat N` gives the median of N runs, `--limit S` stops a part after S seconds.
"""

from __future__ import annotations

import argparse
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

from wide_tables import write_wide

from dp_tools.rules.discovery.data_constraints import Regularities, searched
from dp_tools.tables.profile import profile_table
from dp_tools.tables.snapshot import Table, open_table
from dp_tools.tables.table_facts import TableFacts


def mine_as_clean_does(table: Table) -> None:
    Regularities.of((record for _, record in table.records(searched(table.count, len(table.columns)))), None)


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


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("shapes", nargs="*")
    arguments.add_argument("--repeat", type=int, default=1)
    arguments.add_argument("--limit", type=float, default=600)
    arguments.add_argument("--part", nargs=2, help="a table and a part, in this process")
    given = arguments.parse_args()
    if given.part:
        print(json.dumps(measure(Path(given.part[0]), given.part[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        for shape in given.shapes:
            rows, columns = map(int, shape.split("x"))
            path = write_wide(Path(folder) / "t.csv", rows, columns)
            for part in ("read", *PARTS):
                print(
                    json.dumps({"rows": rows, "columns": columns, "part": part, **_median(path, part, given)}),
                    flush=True,
                )


def _median(path: Path, part: str, given: argparse.Namespace) -> dict[str, Any]:
    runs = []
    for _ in range(given.repeat):
        command = [sys.executable, __file__, "--part", str(path), part]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=given.limit, check=True)
        except subprocess.TimeoutExpired:
            return {"seconds": f"over {given.limit:g}"}
        runs.append(json.loads(done.stdout))
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


if __name__ == "__main__":
    main()
