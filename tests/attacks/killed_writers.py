"""Eight processes write rules into one knowledge store, from before it exists, and are killed again and again.

Every rule that was acknowledged has to be there in the end, the history whole, and nothing else left in the folder.
Usage: python tests/attacks/killed_writers.py [KILLS] [SEED]
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from dp_tools import leftovers
from dp_tools.rules.rule import Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore

WRITERS = 8


def write(file: Path, name: str) -> None:
    """Add rules until somebody puts an end to it, and say each on standard output when it is in."""
    with KnowledgeStore.open(file, import_shipped=False) as store:
        for number in range(1_000_000):
            rule = store.add(Rule(id=f"{name}-{number}", statement=f"Rule {number} of {name}."), who=name)
            sys.stdout.write(rule.id + "\n")
            sys.stdout.flush()


def attack(folder: Path, kills: int = 40, seed: int = 0) -> list[str]:
    """Faults after so many kills; the last eight end what is left."""
    file, chance = folder / "knowledge.db", random.Random(seed)
    logs: list[Path] = []

    def begun() -> tuple[subprocess.Popen[bytes], Path]:
        logs.append(folder / f"writer-{len(logs)}.log")
        command = [sys.executable, __file__, "write", str(file), f"w{len(logs)}"]
        with logs[-1].open("wb") as log:
            return subprocess.Popen(command, stdout=log), logs[-1]

    running = [begun() for _ in range(WRITERS)]
    for _ in range(kills):
        with suppress(subprocess.TimeoutExpired):
            running[0][0].wait(chance.uniform(0.0, 0.5))
        victim, _ = running.pop(chance.randrange(len(running)))
        victim.kill()
        victim.wait()
        running.append(begun())
    deadline = time.monotonic() + 60
    while not all(log.stat().st_size for _, log in running) and time.monotonic() < deadline:
        with suppress(subprocess.TimeoutExpired):
            running[0][0].wait(0.05)
    for writer, _ in running:
        writer.kill()
        writer.wait()
    # The last line of a killed writer may be cut short; what it acknowledged before is whole.
    acknowledged = {rule_id for log in logs for rule_id in log.read_text().split("\n")[:-1]}
    leftovers.sweep()
    with KnowledgeStore.open(file, import_shipped=False) as store:
        there = {rule.id for rule in store.list(limit=1_000_000)}
        checked = store.verify()
    faults = [f"lost: {rule_id}" for rule_id in sorted(acknowledged - there)]
    faults += [] if checked.whole else [checked.error]
    faults += [] if acknowledged else ["nobody wrote anything"]
    return [*faults, *(f"left behind: {part.name}" for part in folder.glob(".*.part*"))]


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]), sys.argv[3])
    with tempfile.TemporaryDirectory(prefix="attack-") as place:
        found = attack(Path(place), *(int(given) for given in sys.argv[1:3]))
    print(f"{len(found)} faults", *found, sep="\n  ")
    sys.exit(1 if found else 0)
