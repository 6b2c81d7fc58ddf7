"""A large match asks the model about few pairs, says what it promised, and goes on where it stopped."""

from __future__ import annotations

import csv
import math
import multiprocessing
import os
import random
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from tables_job import ScriptedEngine, jobs_in

from dp_tools.cli import main
from dp_tools.engine.questions import LabelScores, Question, Result
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.rules.rule import Example, Rule
from dp_tools.tables.jobs.job_requests import AnyJobRequest, DedupeRequest, MatchRequest, TableSource
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.jobs.reviews import next_reviews
from dp_tools.tables.match import judging

WORDS = [f"{a}{b}" for a in ("lora", "mipe", "sato") for b in ("dan", "kel", "ris", "vut")]
_SHARED = re.compile(r"words (\d+)/")


class WordsEngine(ScriptedEngine):
    """Says that two records are the same where they share most of their words, as the prompt states it."""

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        super().answer(questions, progress=progress, cancel=cancel)
        results: list[Result] = []
        for question in questions:
            found = _SHARED.search("".join(segment.text for segment in question.segments))
            yes = 1 / (1 + math.exp((58 - (int(found[1]) if found else 0)) / 6))
            results.append(LabelScores((yes, 1 - yes), self.name))
        return results


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_products(tmp_path)
    return tmp_path


def write_products(folder: Path, families: int = 36, members: int = 8) -> None:
    """Products of families that share four words, so that each has rivals; the right side changes some words."""
    chance = random.Random(5)
    both: dict[str, list[list[object]]] = {"left": [], "right": []}
    for number in range(families * members):
        if number % members == 0:
            family = chance.sample(WORDS, 4)
        words = [*family, *chance.sample(WORDS, 2), f"k{chance.randrange(10, 40)}"]
        changed = [*words[:5], chance.choice([words[5], *WORDS]), words[6]]
        price = chance.randrange(5, 90)
        both["left"].append([number, " ".join(words), price])
        both["right"].append([number, " ".join(changed), price])
    for side, records in both.items():
        with (folder / f"{side}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["id", "title", "price"], *records])


def match_products(**more: object) -> MatchRequest:
    return MatchRequest(left=TableSource(path="left.csv"), right=TableSource(path="right.csv"), **more)


def asked(folder: Path) -> Counter[str]:
    return Counter((folder / "asked.log").read_text().split())


def test_few_pairs_are_asked_and_the_result_says_what_was_promised_and_found(folder: Path) -> None:
    engine = WordsEngine(folder / "asked.log")
    done = jobs_in(folder, engine).start(match_products(), wait=120)
    assert done.status == "done", done.error
    assert done.result is not None
    figures = done.result.figures
    assert figures["candidates"] > 2000
    assert figures["asked"] == engine.asked < figures["candidates"] / 2
    assert set(asked(folder).values()) == {1}
    assert re.search(
        r"Asked the model about [\d,]+ of [\d,]+ pairs .* recall 95% and precision 95% .* audit of", done.result.summary
    )
    promise = done.result.promise
    assert promise is not None
    assert (promise.items, promise.promised_recall) == ("pairs", 0.95)
    assert promise.asked < promise.size
    everything = jobs_in(folder, WordsEngine(), folder / "all").start(
        match_products(ask_all=True, output="all.csv"), wait=120
    )
    assert everything.result is not None
    assert "asked" not in everything.result.figures
    learned, wanted = (pairs(folder / name) for name in ("left.matches.csv", "all.csv"))
    assert len(learned & wanted) / len(learned | wanted) > 0.9


def pairs(path: Path) -> set[tuple[str, str]]:
    with path.open() as file:
        return {(line["left_row"], line["right_row"]) for line in csv.DictReader(file)}


def test_a_stopped_match_goes_on_to_the_same_bytes_and_asks_nothing_twice(folder: Path) -> None:
    undisturbed = folder / "undisturbed"
    undisturbed.mkdir()
    write_products(undisturbed)
    jobs_in(undisturbed, WordsEngine()).start(match_products(), wait=120)
    engine = WordsEngine(folder / "asked.log", most=330)
    jobs = jobs_in(folder, engine)
    job = jobs.start(match_products(), wait=0)
    assert engine.reached.wait(120)
    jobs.cancel(job.id)
    jobs.wait(job.id, 30)
    engine.most = None
    assert jobs.resume(job.id, wait=120).status == "done"
    assert set(asked(folder).values()) == {1}
    for made in undisturbed.glob("left.*.csv"):
        assert (folder / made.name).read_bytes() == made.read_bytes()


@pytest.mark.parametrize(("kind", "kills"), [("match", 10), ("dedupe", 3)])
def test_kills_of_a_cascade_change_nothing_and_nothing_is_asked_again(tmp_path: Path, kind: str, kills: int) -> None:
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    for place in (calm, killed):
        place.mkdir()
        write_products(place, families=20)
        lines = (place / "right.csv").read_text().splitlines(keepends=True)
        (place / "both.csv").write_text((place / "left.csv").read_text() + "".join(lines[1:]))
    request: AnyJobRequest = match_products(recall=0.8, precision=0.8)
    if kind == "dedupe":
        request = DedupeRequest(source=TableSource(path="both.csv"), recall=0.8, precision=0.8)
    beats = run_in_beats(calm, request)
    assert beats > 3 * kills
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["dp_tools.tables.jobs.jobs", "sklearn.ensemble", "sklearn.linear_model"])
    for kill in range(1, kills + 1):
        process = processes.Process(target=run_in_beats, args=(killed, request, beats * kill // (kills + 1)))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL, kill
    run_in_beats(killed, request)
    assert outputs(killed) == outputs(calm)
    assert len(outputs(killed)) == 4
    assert asked(killed) == asked(calm)


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.*.*")}


class BeatingEngine(WordsEngine):
    """Lets a job beat only between its chunks of questions, when all that was answered is on the disk."""

    def answer(self, questions: Sequence[Question], **_: object) -> list[Result]:
        return super().answer(questions)


def run_in_beats(folder: Path, request: AnyJobRequest, most: int | None = None) -> int:
    """Start or resume the only job of a folder; each time that it says how far it is, is a beat.

    Args:
        most: beats after which the system kills this process.

    Returns:
        How many beats the job took.
    """

    def heard(beats: int) -> None:
        if beats == most:
            os.kill(os.getpid(), signal.SIGKILL)

    with few_are_many(), beating(heard) as beats:
        jobs = jobs_in(folder, BeatingEngine(folder / "asked.log"))
        begun = jobs.list()
        done = jobs.resume(begun[0].id, wait=60) if begun else jobs.start(request, wait=60)
    assert done.status == "done", done.error
    assert done.result is not None
    assert done.result.figures["asked"] < done.result.figures["candidates"] / 2
    return len(beats)


@contextmanager
def few_are_many() -> Iterator[None]:
    """Ask about a part of some hundred pairs already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "WORTH_LEARNING", 400)
        yield


@contextmanager
def beating(heard: Callable[[int], None]) -> Iterator[list[str]]:
    """Collect the stages in which jobs say how far they are, and tell how often that was."""
    tell, beats = JobRun.tell, list[str]()

    def beat(run: JobRun, stage: str, done: int, total: int) -> None:
        beats.append(stage)
        heard(len(beats))
        tell(run, stage, done, total)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JobRun, "tell", beat)
        yield beats


def test_a_learned_pair_that_waits_for_a_person_says_which_answers_it_is_like(folder: Path) -> None:
    jobs = jobs_in(folder, WordsEngine())
    jobs.start(match_products(recall=0.8, precision=0.8, one_to_one=False), wait=120)
    reviews, _ = next_reviews(jobs.store, limit=50)
    assert any(re.search(r"Like \d+ answers of the model on this table: title \d+", one.question) for one in reviews)
    distances = [abs(one.confidence - 0.5) for one in reviews]
    assert distances == sorted(distances)


def test_an_example_decides_its_pair_though_the_rest_is_learned(folder: Path) -> None:
    jobs = jobs_in(folder, WordsEngine(), folder / "rules.db")
    with (folder / "left.csv").open() as ours, (folder / "right.csv").open() as theirs:
        left, right = next(csv.DictReader(ours)), next(csv.DictReader(theirs))
    case = {
        side: {name: record[name] for name in ("title", "price")} for side, record in (("left", left), ("right", right))
    }
    jobs.decider().knowledge.add(
        Rule(
            id="not-the-same",
            task="match_entities",
            dataset="products",
            statement="A person has decided cases like this one.",
            examples=(Example(case=case, label="no"),),
        ),
        who="ann",
    )
    jobs.start(match_products(dataset="products", attributes=["title", "price"]), wait=120)
    assert ("1", "1") not in pairs(folder / "left.matches.csv")


def test_duplicates_of_a_large_table_are_found_the_same_way(folder: Path) -> None:
    write_products(folder, families=60)
    left, right = (folder / f"{side}.csv" for side in ("left", "right"))
    both = left.read_text() + "".join(right.read_text().splitlines(keepends=True)[1:])
    (folder / "both.csv").write_text(both)
    engine = WordsEngine()
    done = jobs_in(folder, engine).start(DedupeRequest(source=TableSource(path="both.csv"), recall=0.9), wait=120)
    assert done.result is not None
    assert engine.asked <= done.result.figures["asked"] < done.result.figures["candidates"] / 2
    assert "recall 90% and precision 95%" in done.result.summary


def test_the_command_takes_the_promise_and_refuses_one_that_cannot_be(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = WordsEngine()
    preprocessor = Preprocessor(knowledge=":memory:", engine=engine)
    monkeypatch.setattr("dp_tools.cli.tables.Preprocessor", lambda *_, **__: preprocessor)
    files = [str(folder / "left.csv"), str(folder / "right.csv"), "--state", str(folder / "state")]
    assert CliRunner().invoke(main, ["match-tables", *files, "--recall", "1.5"]).exit_code == 2
    done = CliRunner().invoke(main, ["match-tables", *files, "--recall", "0.8", "--precision", "0.8", "--delta", "0.1"])
    assert done.exit_code == 0, done.output
    assert "recall 80% and precision 80%" in " ".join(done.output.split())
    preprocessor.close()
