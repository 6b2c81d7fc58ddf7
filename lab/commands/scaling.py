"""`python -m lab scaling`: how answering scales with workers, and what the loss of workers and nodes costs."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click
import psutil

from dp_tools import Preprocessor
from dp_tools.tables.asking import CHUNK
from lab.benchmarks.nodes import address_of, three_nodes
from lab.benchmarks.scaling import SleepingEngine, ask_with, memory_of, sleeping_workers, timed
from lab.benchmarks.stages import timed_stages

_GAPS = 0.2
"""Share of the records whose note is missing."""


@click.group()
def scaling() -> None:
    """Measure how answering scales with workers."""


@scaling.command()
@click.argument("counts", nargs=-1, required=True, type=click.IntRange(min=1), metavar="WORKERS...")
@click.option("--seconds", default=0.2, show_default=True, help="Seconds that a question takes.")
@click.option("--chunks", default=6, show_default=True, help="Chunks of 64 questions for each worker.")
def sleeping(counts: tuple[int, ...], seconds: float, chunks: int) -> None:
    """Measure the efficiency of WORKERS that sleep instead of answering; one JSON object a line."""
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            found = ask_with(count, seconds, chunks, Path(folder))
            click.echo(
                json.dumps(
                    {
                        "workers": count,
                        "questions": found.questions,
                        "seconds": round(found.seconds, 1),
                        "per_second": round(found.questions / found.seconds, 1),
                        "efficiency": round(found.efficiency, 3),
                        "driver_cpu_ms_per_question": round(1000 * found.busy / found.questions, 2),
                    }
                )
            )


@scaling.command()
@click.option("--questions", default=320, show_default=True, help="Questions of a run.")
@click.option("--pairs", "rounds", default=3, show_default=True, help="Runs of each way, in turns.")
@click.option("--workers", default=2, show_default=True, help="Workers of one thread each.")
def model(questions: int, rounds: int, workers: int) -> None:
    """Compare workers with one process of as many threads, on the embedded model; one JSON object a pair of runs.

    Both are opened and have answered a chunk before the clock starts. Memory is the resident set, and the share of it
    that no other process holds.
    """
    with (
        Preprocessor("nano", ":memory:", threads=workers, cache=False) as one,
        Preprocessor("nano", ":memory:", workers=workers, threads_per_worker=1, cache=False) as several,
    ):
        ways = {"one_process": one, "workers": several}
        for preprocessor in ways.values():
            timed(preprocessor, workers * CHUNK, start=10**6)
        for number in range(rounds):
            order = list(ways.items()) if number % 2 == 0 else list(ways.items())[::-1]
            found = {name: timed(preprocessor, questions) for name, preprocessor in order}
            assert several.pool is not None
            click.echo(
                json.dumps(
                    {
                        **{f"{name}_seconds": round(seconds, 1) for name, (seconds, _) in found.items()},
                        "same": found["one_process"][1] == found["workers"][1],
                        "driver_mb": memory_of(os.getpid()),
                        "workers_mb": [memory_of(state.process) for state in several.pool.states()],
                    }
                )
            )


@scaling.command()
@click.argument("records", type=click.IntRange(min=2))
@click.option("--kind", type=click.Choice(("clean", "fill")), default="clean", show_default=True, help="The job.")
@click.option("--parts", type=click.IntRange(min=1), help="Have the table lie in a folder of so many parts.")
@click.option("--workers", type=click.IntRange(min=1), help="Answer with so many workers.")
def stages(records: int, kind: str, parts: int | None, workers: int | None) -> None:
    """Time each stage of a job on RECORDS records whose model answers at once, and measure its memory; as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        found = timed_stages(Path(folder), records, kind, parts, workers)
    click.echo(json.dumps(asdict(found)))


@scaling.command()
@click.option("--records", default=20_000, show_default=True, help="Records of the table.")
@click.option("--seconds", default=0.02, show_default=True, help="Seconds that a question takes.")
@click.option("--cores", default=2, show_default=True, help="Workers on each of two nodes.")
def nodes(records: int, seconds: float, cores: int) -> None:
    """Fill a column on a cluster of three nodes of which one, and a worker of the other, is killed in the middle."""
    with tempfile.TemporaryDirectory() as place, three_nodes(cores) as (head, near, far):
        folder = Path(place)
        _write(folder / "table.csv", records)
        with Preprocessor("nano", ":memory:", engine=SleepingEngine(0), state=folder / "calm") as preprocessor:
            preprocessor.impute(folder / "table.csv", "note", output=folder / "calm.csv")
        (folder / "asked").mkdir()
        ended: list[int] = []

        def lose() -> None:
            while len(_asked(folder)) < records * _GAPS / 4:
                time.sleep(0.1)
            ended.append(_worker(near.processes))
            os.kill(ended[0], signal.SIGKILL)
            while len(_asked(folder)) < records * _GAPS / 2:
                time.sleep(0.1)
            far.kill()

        loses = threading.Thread(target=lose, daemon=True)
        loses.start()
        driver = [sys.executable, "-m", "lab", "scaling", "fill", str(folder), address_of(head)]
        began = time.perf_counter()
        done = head.run(*driver, "--workers", str(2 * cores), "--seconds", str(seconds), check=False)
        if done.returncode:
            raise click.ClickException(done.stderr.strip()[-2000:])
        elapsed = time.perf_counter() - began
        counts = Counter(_asked(folder))
        result = {
            "records": records,
            "questions": len(counts),
            "asked_twice": sum(count - 1 for count in counts.values()),
            "same_bytes": (folder / "calm.csv").read_bytes() == (folder / "filled.csv").read_bytes(),
            "seconds": round(elapsed, 1),
            "killed": ["a worker", "a node"] if ended else [],
        }
        click.echo(json.dumps({**result, "workers": json.loads(done.stdout.splitlines()[-1])}))


@scaling.command(hidden=True)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("address")
@click.option("--workers", type=int)
@click.option("--seconds", type=float)
def fill(folder: Path, address: str, workers: int, seconds: float) -> None:
    """The driver of `nodes`, on the head of its cluster."""
    state, log = folder / "state", folder / "asked"
    with sleeping_workers(workers, seconds, cluster=address, log=log, state=state) as (preprocessor, pool):
        preprocessor.impute(folder / "table.csv", "note", output=folder / "filled.csv")
        click.echo(json.dumps([[one.number, one.status, one.answered] for one in pool.states()]))


def _write(path: Path, records: int) -> None:
    """A table with gaps in a column of many values."""
    chance = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["number", "place", "note"])
        for number in range(records):
            note = "" if chance.random() < _GAPS else f"{chance.randrange(10**6)} of lot {number % 5000}"
            lines.writerow([number, f"Hall {chance.randrange(400)}", note])


def _asked(folder: Path) -> list[str]:
    return [line for file in (folder / "asked").iterdir() for line in file.read_text(encoding="utf-8").split()]


def _worker(processes: list[int]) -> int:
    """A process that answers."""
    titles = {process: " ".join(psutil.Process(process).cmdline()) for process in processes}
    return next(process for process, title in titles.items() if title.startswith("ray::Worker"))
