"""Kill each kind of job sixteen times and let it go on: its files are those of a run that nobody disturbed.

Usage: python tests/attacks/killed_jobs.py [KILLS] [SEED]
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tables_job import ScriptedEngine, jobs_in

from dp_tools import leftovers
from dp_tools.tables.jobs.job_requests import (
    AnyJobRequest,
    CleanRequest,
    DedupeRequest,
    DetectRequest,
    FillRequest,
    MatchRequest,
    TableSource,
)

SCRIPT = Path(__file__).resolve().parents[1] / "tables_job.py"
PEOPLE, OTHERS = TableSource(path="people.csv"), TableSource(path="others.csv")
REQUESTS: list[AnyJobRequest] = [
    DetectRequest(source=PEOPLE),
    CleanRequest(source=PEOPLE),
    FillRequest(source=PEOPLE, attribute="note"),
    MatchRequest(left=PEOPLE, right=OTHERS, exclude=["zip"]),
    DedupeRequest(source=PEOPLE, exclude=["zip"]),
]


def attack(folder: Path, request: AnyJobRequest, kills: int = 16, seed: int = 0) -> list[str]:
    """Faults of one kind of job after so many kills."""
    calm, killed = folder / "calm", folder / "killed"
    for place in (calm, killed):
        place.mkdir(parents=True)
        _write_people(place / "people.csv", 7)
        _write_people(place / "others.csv", 8)
        (place / "tmp").mkdir()
    done = jobs_in(calm, ScriptedEngine()).start(request, wait=120)
    if done.status != "done":
        return [f"{request.kind} does not even end undisturbed: {done.error}"]
    chance, arguments = random.Random(seed), ["start", request.model_dump_json()]
    for number in range(kills + 1):
        with _run(killed, arguments) as process:
            assert process.stdout is not None
            job = process.stdout.readline().strip()
            arguments = ["resume", job] if job else arguments
            if number < kills:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(chance.uniform(0.0, 0.12))
                process.kill()
            out, err = process.communicate()
    if out.split()[-1:] != ["done"] and "is done" not in err:
        return [f"{request.kind} did not end: {out or err}"]
    leftovers.sweep()
    faults = [] if _files(killed) == _files(calm) else [f"{request.kind}: other files than undisturbed"]
    left = [*killed.glob(".*.part*"), *(killed / "tmp").glob("dp-tools-*")]
    return [*faults, *(f"{request.kind}: left behind: {path.name}" for path in left)]


def _run(folder: Path, arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
    )


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.*.*") if not path.name.startswith(".")}


def _write_people(path: Path, seed: int, count: int = 300) -> None:
    chance = random.Random(seed)
    lines = ["id,name,town,zip,note"]
    for number in range(count):
        place = chance.randrange(5)
        name = f"{chance.choice(['Ann', 'Bob', 'Cid', 'Dee'])} {chance.choice(['Lee', 'Kay', 'Fox'])} {number % 97}"
        town = ["Boston", "Dallas", "Miami", "Denver", "Austin"][place] + ("x" if chance.random() < 0.05 else "")
        lines.append(f"{number},{name},{town},{90000 + place},{chance.choice(['', 'n/a', 'ok', 'late'])}")
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    found = 0
    for wanted in REQUESTS:
        with tempfile.TemporaryDirectory(prefix="attack-") as place:
            faults = attack(Path(place).resolve(), wanted, *(int(given) for given in sys.argv[1:3]))
        found += len(faults)
        print(f"{wanted.kind}: {len(faults)} faults", *faults, sep="\n  ")
    sys.exit(1 if found else 0)
