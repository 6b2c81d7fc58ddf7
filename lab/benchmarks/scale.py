"""How whole tables scale with their records: a generated table is read, profiled, learned from, blocked, compared.

The table is made from a seed, so every run measures the same one.
"""

from __future__ import annotations

import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dp_tools.profiling import PairFacts
from dp_tools.profiling.pair_features import pair_features
from dp_tools.tables.match.blocking import candidate_pairs
from dp_tools.tables.profile import profile_table
from dp_tools.tables.snapshot import ROW, open_table
from dp_tools.tables.table_facts import TableFacts

_MAKERS = ("Acme", "Borealis", "Cobalt", "Dynamo", "Everest", "Fjord", "Gamma", "Helios", "Iris", "Juno")
_THINGS = ("lamp", "drill", "router", "printer", "kettle", "camera", "speaker", "monitor", "scanner", "charger")
_PAIRS, _CELLS = 200_000, 20_000
"""Candidate pairs, and cells, whose facts are timed."""
_COLOURS = ("black", "white", "silver", "red", "blue", "green")


def write_table(path: Path, rows: int) -> None:
    """Write a table of products with eight columns, one record in fifty a near copy of another."""
    chance = random.Random(42)
    previous = ""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,title,maker,category,colour,price,stock,updated\n")
        for number in range(rows):
            maker, thing = chance.choice(_MAKERS), chance.choice(_THINGS)
            model = "".join(chance.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=7))
            title = f"{maker} {thing} {model}"
            if number and number % 50 == 0:
                title = previous.replace(" ", "  ").lower() + " new"
            previous = title
            file.write(
                f"{number},{title},{maker},{thing}s,{chance.choice(_COLOURS)},{chance.randint(100, 99999) / 100},"
                f"{chance.randint(0, 500)},2024-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}\n"
            )


class _Clock:
    """Times one step after the other."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin a step here."""
        self._begun = time.perf_counter(), time.process_time()

    def note(self, step: str, items: int = 0, **more: float | int) -> dict[str, float | int | str]:
        """How long a step took, on the clock and of all processors, the processor's time for each of its items in
        microseconds, and the peak memory of the process so far in MB; the next step begins."""
        seconds, busy = time.perf_counter() - self._begun[0], time.process_time() - self._begun[1]
        each = {"items": items, "microseconds_each": round(busy / items * 1e6, 1)} if items else {}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.restart()
        return {"step": step, "seconds": round(seconds, 1), "cpu": round(busy, 1), "peak_mb": peak, **each, **more}


def measure(rows: int) -> Iterator[dict[str, float | int | str]]:
    """Read a generated table, profile it, learn its facts, block it and compare its pairs: see `_Clock.note`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "products.csv"
        write_table(path, rows)
        clock = _Clock()
        with open_table(path) as table:
            yield clock.note("read", rows=table.count)
            profile = profile_table(table)
            yield clock.note("profile", dependencies=len(profile.dependencies))
            facts = TableFacts(table)
            yield clock.note("facts")
            sample = range(0, table.count, max(1, table.count * len(table.columns) // _CELLS))
            records = [record for _, record in table.records(sample)]
            clock.restart()
            cells = sum(1 for record in records for name in record if facts.about(record, name))
            yield clock.note("cells", cells)
            del facts
            found = candidate_pairs(table, compared=[["title"]])
            copies = [(number - 1, number) for number in range(50, rows, 50)]
            yield clock.note("block", candidates=len(found), recall_of_copies=round(found.recall(copies), 4))
            words = PairFacts(record for _, record in table.records())
            yield clock.note("words")
            pairs = np.column_stack([found.left, found.right])[:_PAIRS]
            frame = table.scan(table.columns).drop(ROW).collect()
            clock.restart()
            pair_features(words, frame, frame, pairs)
            yield clock.note("pairs", len(pairs))
