"""Flip single bits of a database and look what comes of it: a right answer, or one sentence; never a wrong value.

Usage: python tests/attacks/flipped_bits.py [FLIPS] [SEED]
"""

from __future__ import annotations

import logging
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tables_job import ScriptedEngine

from dp_tools.engine.cache import AnswerCache, CachedEngine
from dp_tools.engine.questions import Labels, Question, Segment, Value
from dp_tools.errors import DpToolsError
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Example, Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.io.paths import Roots
from dp_tools.tables.jobs.job_requests import CleanRequest, DetectRequest, TableSource
from dp_tools.tables.jobs.jobs import Jobs
from dp_tools.tables.jobs.reviews import next_reviews

FLIPS = 300


def flipped(file: Path, flips: int, seed: int) -> Iterator[int]:
    """The file with one bit after the other turned over; yields the bit's number, and mends the file at the end."""
    whole, chance = file.read_bytes(), random.Random(seed)
    for _ in range(flips):
        place = chance.randrange(8 * len(whole))
        broken = bytearray(whole)
        broken[place // 8] ^= 1 << place % 8
        for suffix in ("-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        file.write_bytes(broken)
        yield place
    file.write_bytes(whole)


def attack_cache(folder: Path, flips: int = FLIPS, seed: int = 0) -> list[str]:
    """Faults of the answer cache: what it served that the model would not have answered, or that it raised."""
    labels = [Question((Segment(f"Is {n} wrong?"),), Labels(("Yes", "No"))) for n in range(20)]
    values = [Question((Segment(f"What is {n}?"),), Value("", allowed=("one", "two"))) for n in range(20)]
    asked = [*labels, *values]
    cached = CachedEngine(ScriptedEngine(), AnswerCache(folder / "answers.db"))
    right = cached.answer(asked)

    def look() -> list[str]:
        return [] if cached.answer(asked) == right else ["a wrong answer was served"]

    return _faults(cached.cache.path, flips, seed, look)


def attack_knowledge(folder: Path, flips: int = FLIPS, seed: int = 0) -> list[str]:
    """Faults of the knowledge store: changed rules that `verify` does not find, or anything but one sentence."""
    file = folder / "knowledge.db"
    with KnowledgeStore.open(file, import_shipped=False) as store:
        for number in range(12):
            examples = (Example(case={"value": f"v{number}"}, label="yes"),)
            store.add(
                Rule(
                    id=f"rule-{number}",
                    statement=f"The amount {number} is in cents.",
                    attribute=("amount", "all")[number % 2],
                    check={"type": "string", "pattern": "^[0-9]+$"} if number % 3 == 0 else None,
                    examples=examples if number % 4 == 0 else (),
                ),
                who="attack",
            )
        store.assign("beers", "drinks", who="attack")
        store.retire("rule-3", who="attack")
        right = _content(store)

    def look() -> list[str]:
        with KnowledgeStore.open(file, import_shipped=False) as store:
            same, whole = True, True
            with suppress(DpToolsError):
                same = _content(store) == right
            whole = store.verify().whole
        return [] if same or not whole else ["a changed rule passed the verification"]

    return _faults(file, flips, seed, look)


def _content(store: KnowledgeStore) -> object:
    injection = store.inject(task="detect_errors", dataset="beers", attribute="amount")
    store.search("amount cents")
    store.packs()
    store.datasets()
    store.history()
    store.history("rule-3")
    return store.list(), injection.rules


def attack_jobs(folder: Path, flips: int = FLIPS, seed: int = 0) -> list[str]:
    """Faults of the job store: anything but an answer or one sentence."""
    (folder / "people.csv").write_text("name,city\n" + "".join(f"Ann {n},Rome\n" for n in range(30)))
    source = TableSource(path=str(folder / "people.csv"))
    preprocessor = Preprocessor(knowledge=":memory:", engine=ScriptedEngine())
    jobs = Jobs(lambda: preprocessor.decider, Roots.of([folder]), folder / "state")
    done = jobs.start(CleanRequest(source=source), wait=60)
    other = jobs.start(DetectRequest(source=source), wait=60)
    assert (done.status, other.status) == ("done", "done"), (done, other)
    jobs.close()

    def look() -> list[str]:
        jobs = Jobs(lambda: preprocessor.decider, Roots.of([folder]), folder / "state")
        try:
            for work in (
                lambda: jobs.list(),
                lambda: jobs.get(done.id),
                lambda: next_reviews(jobs.store, None, 10),
                lambda: jobs.cancel(other.id),
            ):
                with suppress(DpToolsError):
                    work()
        finally:
            jobs.close()
        return []

    return _faults(jobs.store.folder / "jobs.sqlite", flips, seed, look)


def _faults(file: Path, flips: int, seed: int, look: Callable[[], Sequence[str]]) -> list[str]:
    faults = []
    for place in flipped(file, flips, seed):
        try:
            faults += [f"bit {place}: {fault}" for fault in look()]
        except DpToolsError as error:
            if "\n" in str(error):
                faults.append(f"bit {place}: more than a sentence: {error}")
        except Exception as error:
            faults.append(f"bit {place}: {type(error).__name__}: {error}")
    return faults


ATTACKS = {"cache": attack_cache, "knowledge": attack_knowledge, "jobs": attack_jobs}

if __name__ == "__main__":
    logging.disable(logging.WARNING)
    count, start = (int(given) for given in [*sys.argv[1:3], str(FLIPS), "0"][:2])
    found = 0
    for name, attack in ATTACKS.items():
        place = Path(tempfile.mkdtemp(prefix="attack-"))
        try:
            faults = attack(place, count, start)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        found += len(faults)
        print(f"{name}: {count} bits flipped, {len(faults)} faults", *faults, sep="\n  ")
    sys.exit(1 if found else 0)
