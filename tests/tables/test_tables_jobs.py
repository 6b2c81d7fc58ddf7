"""Jobs go on where they stopped, whoever stopped them, and nobody runs one twice."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from tables_job import ScriptedEngine, jobs_in

from dp_tools.cli import main
from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.models.calibration import Calibration, PlattCalibration
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.asking import CHUNK
from dp_tools.tables.jobs.job_requests import (
    AnyJobRequest,
    CleanRequest,
    DedupeRequest,
    DetectRequest,
    FillRequest,
    MatchRequest,
    TableSource,
)
from dp_tools.tables.jobs.job_store import JobStore
from dp_tools.tables.jobs.jobs import Jobs
from dp_tools.tables.jobs.reviews import answer_review, next_reviews

SCRIPT = Path(__file__).parent.parent / "tables_job.py"
TOWNS = ["Boston", "Dallas", "Miami", "Denver", "Austin", "Phoenix", "Seattle"]


def write_people(path: Path, count: int = 700) -> None:
    chance = random.Random(7)
    lines = ["id,name,town,zip,note"]
    for number in range(count):
        place = chance.randrange(7)
        town = TOWNS[place] if chance.random() > 0.05 else TOWNS[place][:-1] + "x"
        name = f"{chance.choice(['Ann', 'Bob', 'Cid', 'Dee'])} {chance.choice(['Lee', 'Kay', 'Fox'])} {number % 97}"
        if number % 50 == 7:
            name += " \u2021"  # a character that the column hardly holds: counting supports an alarm here
        lines.append(f"{number},{name},{town},{90000 + place},{chance.choice(['', 'n/a', 'ok', 'late'])}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_people(tmp_path / "people.csv")
    return tmp_path


def clean_people(**more: object) -> CleanRequest:
    return CleanRequest(source=TableSource(path="people.csv"), **more)


def run(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("people.clean*")}


def asked(folder: Path) -> Counter[str]:
    return Counter((folder / "asked.log").read_text().split())


def test_ten_kills_at_random_points_change_nothing_and_nothing_is_asked_twice(folder: Path) -> None:
    undisturbed = folder / "undisturbed"
    undisturbed.mkdir()
    write_people(undisturbed / "people.csv")
    engine = ScriptedEngine(undisturbed / "asked.log")
    done = jobs_in(undisturbed, engine).start(clean_people(), wait=60)
    assert done.status == "done"
    chance = random.Random(11)
    process = run(folder, "start", clean_people().model_dump_json())
    assert process.stdout is not None
    job = process.stdout.readline().strip()
    kills = 0
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.0, 0.12))
        if process.poll() is None and kills < 10:
            process.send_signal(signal.SIGKILL)
            kills += 1
        out, err = process.communicate()
        if process.returncode == 0:
            assert out.split()[-1] == "done", (out, err)
            break
        process = run(folder, "resume", job)
        assert process.stdout is not None
        process.stdout.readline()
    assert kills == 10
    assert outputs(folder) == outputs(undisturbed)
    # A chunk that was answered and then lost between the answer and its note on disk is the most a kill can cost.
    assert set(asked(folder)) == set(asked(undisturbed))
    assert sum(asked(folder).values()) - sum(asked(undisturbed).values()) <= 10 * CHUNK
    assert sorted(outputs(folder)) == ["people.clean.changes.jsonl", "people.clean.csv", "people.clean.review.csv"]


def test_what_was_answered_is_not_asked_again_after_a_stop(folder: Path) -> None:
    engine = ScriptedEngine(folder / "asked.log", most=200)
    jobs = jobs_in(folder, engine)
    job = jobs.start(clean_people(), wait=0)
    assert engine.reached.wait(60)
    assert jobs.cancel(job.id).id == job.id
    assert jobs.wait(job.id, 10).status == "cancelled"
    assert not outputs(folder)
    assert asked(folder)
    engine.most = None
    assert jobs.resume(job.id, wait=60).status == "done"
    assert set(asked(folder).values()) == {1}


def test_a_source_that_changed_while_the_job_was_stopped_is_refused(folder: Path) -> None:
    engine = ScriptedEngine(most=100)
    jobs = jobs_in(folder, engine)
    job = jobs.start(clean_people(), wait=0)
    assert engine.reached.wait(60)
    jobs.cancel(job.id)
    jobs.wait(job.id, 10)
    engine.most = None
    with (folder / "people.csv").open("a") as file:
        file.write("900,Eve,Boston,90000,ok\n")
    resumed = jobs.resume(job.id, wait=30)
    assert resumed.status == "failed"
    assert "people.csv was changed since the job" in (resumed.error or "")
    assert not outputs(folder)


def stopped(folder: Path, engine: ScriptedEngine, **more: object) -> str:
    """A job that was stopped after its first answers."""
    jobs = jobs_in(folder, engine, folder / "rules.db")
    engine.most = 2 * CHUNK
    job = jobs.start(DetectRequest(source=TableSource(path="people.csv"), dataset="people", **more), wait=0)
    assert engine.reached.wait(30)
    jobs.cancel(job.id)
    assert jobs.wait(job.id, 10).status == "cancelled"
    return job.id


def test_a_job_goes_on_with_another_model_only_where_that_is_asked_for(folder: Path) -> None:
    job = stopped(folder, ScriptedEngine())
    other = jobs_in(folder, ScriptedEngine(folder / "asked.log", name="other"), folder / "rules.db")
    with pytest.raises(InvalidRequest, match="the model other, not scripted") as refused:
        other.resume(job)
    assert "all would be asked again" in str(refused.value)
    assert other.get(job).status == "cancelled"
    done = other.resume(job, wait=60, with_current_model=True)
    assert done.result is not None
    assert "ended, with the model other, not scripted" in done.result.summary
    assert set(asked(folder).values()) == {1}


@pytest.mark.parametrize(("word", "status"), [("y", "done"), ("n", "cancelled")])
def test_a_person_at_a_shell_is_asked_before_a_job_goes_on_with_another_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch, word: str, status: str
) -> None:
    job = stopped(folder, ScriptedEngine())
    other = Preprocessor(knowledge=folder / "rules.db", engine=ScriptedEngine(name="other"))
    monkeypatch.setattr("dp_tools.cli.tables.Preprocessor", lambda *_, **__: other)
    monkeypatch.setattr("dp_tools.cli.tables.is_a_person_there", lambda: True)
    done = CliRunner().invoke(main, ["jobs", "resume", job, "--state", str(folder / "state")], input=f"{word}\n")
    assert "the model other, not scripted" in done.stderr
    assert "all would be asked again. Go on?" in done.stderr
    assert done.exit_code == (0 if word == "y" else 2), done.output
    assert jobs_in(folder, ScriptedEngine()).get(job).status == status
    other.close()


def test_a_job_goes_on_with_other_rules_or_another_calibration_only_where_that_is_asked_for(folder: Path) -> None:
    job = stopped(folder, ScriptedEngine())
    same = jobs_in(folder, ScriptedEngine(), folder / "rules.db")
    knowledge = same.decider().knowledge
    for number, (dataset, task) in enumerate((("beers", "all"), ("people", "extract_values"))):
        knowledge.add(Rule(id=f"far-{number}", dataset=dataset, task=task, statement="Far away."), who="ann")
    knowledge.propose(Rule(id="town", dataset="people", statement="Towns are cities."), who="an agent")
    knowledge.accept("town", who="ann")
    with pytest.raises(InvalidRequest, match=r"1 changed rule \(town\).*those that these rules touch"):
        same.resume(job)
    other = jobs_in(folder, ScriptedEngine(), folder / "other.db")
    with pytest.raises(InvalidRequest, match=r"the rules in .*other.db, not .*rules.db"):
        other.resume(job)
    knowledge.retire("town", who="ann", why="no")
    calibrated = same.decider()
    calibrated.calibration = Calibration({"detect_errors": PlattCalibration(shift=1.0)})
    with pytest.raises(InvalidRequest, match="another calibration"):
        same.resume(job)
    assert same.resume(job, wait=60, with_current_model=True).status == "done"


def test_two_processes_never_run_one_job(folder: Path) -> None:
    engine = ScriptedEngine(most=100)
    first = jobs_in(folder, engine)
    second = jobs_in(folder, ScriptedEngine())
    job = first.start(clean_people(), wait=0)
    assert engine.reached.wait(60)
    assert second.get(job.id).status == "running"
    with pytest.raises(InvalidRequest, match="running already"):
        second.resume(job.id)
    second.cancel(job.id)
    assert first.wait(job.id, 10).status == "cancelled"
    rivals = [jobs_in(folder, ScriptedEngine(folder / "asked.log")) for _ in range(4)]

    def resume(rival: Jobs) -> None:
        with contextlib.suppress(InvalidRequest):
            rival.resume(job.id, wait=60)

    threads = [threading.Thread(target=resume, args=(rival,)) for rival in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert first.get(job.id).status == "done"
    assert set(asked(folder).values()) == {1}


def test_a_job_whose_process_ended_is_shown_as_interrupted(folder: Path) -> None:
    process = run(folder, "start", clean_people().model_dump_json())
    assert process.stdout is not None
    job = process.stdout.readline().strip()
    process.kill()
    process.communicate()
    jobs = jobs_in(folder, ScriptedEngine())
    assert jobs.get(job).status == "interrupted"
    assert [entry.id for entry in jobs.list()] == [job]
    assert jobs.resume(job, wait=60).status == "done"


def test_closing_a_server_leaves_its_jobs_to_be_resumed(folder: Path) -> None:
    jobs = jobs_in(folder, ScriptedEngine(most=100))
    job = jobs.start(clean_people(), wait=0)
    jobs.close()
    assert jobs_in(folder, ScriptedEngine()).get(job.id).status == "interrupted"


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        (DetectRequest(source=TableSource(path="people.csv")), "wrong"),
        (FillRequest(source=TableSource(path="people.csv"), attribute="note"), "gaps"),
        (MatchRequest(left=TableSource(path="people.csv"), right=TableSource(path="people.csv")), "the same"),
        (DedupeRequest(source=TableSource(path="people.csv")), "groups"),
        (CleanRequest(source=TableSource(records=[{"a": str(n), "b": "x"} for n in range(20)])), "repaired"),
    ],
)
def test_every_kind_of_job_ends_with_a_result_that_fits_an_agent(
    folder: Path, request_: AnyJobRequest, word: str
) -> None:
    write_people(folder / "people.csv", 60)
    job = jobs_in(folder, ScriptedEngine()).start(request_, wait=60)
    assert job.status == "done", job.error
    assert job.result is not None
    assert word in job.result.summary
    assert len(job.result.preview) <= 10
    assert len(job.model_dump_json()) < 20_000
    assert all(Path(file.path).is_file() for file in job.result.files)


def test_records_that_are_passed_along_get_their_whole_result_and_no_file(folder: Path) -> None:
    records: list[dict[str, str | None]] = [{"name": f"Ann Lee {n % 30}", "town": TOWNS[n % 7]} for n in range(60)]
    jobs = jobs_in(folder, ScriptedEngine())
    source = TableSource(records=records)
    for request in (
        DetectRequest(source=source),
        DedupeRequest(source=source),
        MatchRequest(left=source, right=source),
    ):
        job = jobs.start(request, wait=60)
        assert job.status == "done", job.error
        assert job.result is not None
        assert job.result.files == []
        count = job.result.figures[{"detect": "wrong", "dedupe": "groups", "match": "pairs"}[job.kind]]
        assert len(job.result.preview) == min(count, 200)
    assert sorted(path.name for path in folder.iterdir()) == ["people.csv", "state"]


def test_a_query_and_records_passed_along_are_written_as_csv_where_asked(folder: Path) -> None:
    connection = sqlite3.connect(folder / "people.db")
    connection.execute("CREATE TABLE people (name TEXT, town TEXT, PRIMARY KEY (name)) WITHOUT ROWID")
    connection.executemany("INSERT INTO people VALUES (?, ?)", [(f"Ann {n}", TOWNS[n % 7]) for n in range(40)])
    connection.commit()
    connection.close()
    jobs = jobs_in(folder, ScriptedEngine())
    query = TableSource(path="people.db", query="SELECT name, town FROM people ORDER BY name")
    records = TableSource(records=[{"name": "Ann", "town": "Boston"}])
    for source, output in ((query, None), (TableSource(path="people.db"), "all.csv"), (records, "one.csv")):
        job = jobs.start(CleanRequest(source=source, output=output), wait=60)
        assert job.status == "done", job.error
        assert job.result is not None
        written = Path(job.result.files[0].path)
        assert written.name == (output or "people.clean.csv")
        assert written.read_text().splitlines()[0] == "name,town"
    for request in (CleanRequest, DetectRequest, DedupeRequest):
        with pytest.raises(TableUnavailable, match=r"end it in \.csv"):
            jobs.start(request(source=TableSource(path="people.csv"), output="people.parquet"))


def test_bad_requests_are_refused_before_a_job_begins(folder: Path) -> None:
    jobs = jobs_in(folder, ScriptedEngine())
    (folder / "people.clean.csv").write_text("mine")
    with pytest.raises(TableUnavailable, match="already exists"):
        jobs.start(clean_people())
    with pytest.raises(TableUnavailable, match="lies outside"):
        jobs.start(clean_people(output="../out.csv"))
    with pytest.raises(TableUnavailable, match="lies outside"):
        jobs.start(CleanRequest(source=TableSource(path="/etc/passwd")))
    with pytest.raises(InvalidRequest, match="give a path, or records"):
        jobs.start(CleanRequest(source=TableSource()))
    assert jobs.list() == []
    with pytest.raises(InvalidRequest, match="no job 'x'"):
        jobs.get("x")
    assert (folder / "people.clean.csv").read_text() == "mine"


def test_a_job_that_fails_says_why_and_writes_nothing(folder: Path) -> None:
    (folder / "ragged.csv").write_text("a,b\n1,2\n3\n")
    job = jobs_in(folder, ScriptedEngine()).start(CleanRequest(source=TableSource(path="ragged.csv")), wait=30)
    assert job.status == "failed"
    assert "Line 3 of ragged.csv" in (job.error or "")
    assert list(folder.glob("ragged.clean*")) == []


def test_doubtful_cases_wait_for_a_person_who_may_correct_an_answer_and_become_examples(folder: Path) -> None:
    write_people(folder / "people.csv", 300)
    jobs = jobs_in(folder, ScriptedEngine())
    # A name beside a postcode would be judged by counting.
    request = DedupeRequest(source=TableSource(path="people.csv"), dataset="people", exclude=["zip"])
    job = jobs.start(request, wait=60)
    reviews, count = next_reviews(jobs.store, job.id, 5)
    assert len(reviews) == 5
    assert count >= 5
    assert [abs(review.confidence - 0.5) for review in reviews] == sorted(abs(r.confidence - 0.5) for r in reviews)
    first = reviews[0]
    with KnowledgeStore.open(folder / "rules.db") as knowledge:
        with pytest.raises(InvalidRequest, match="yes or no"):
            answer_review(jobs.store, knowledge, first.id, "maybe", who="ann")
        rule = answer_review(jobs.store, knowledge, first.id, "Yes", who="ann")
        answer_review(jobs.store, knowledge, reviews[1].id, "no", who="ann")
        assert [example.label for example in knowledge.get(rule.id).examples] == ["yes", "no"]
        injection = knowledge.inject(task="match_entities", dataset="people", attribute=None)
        decision = injection.decide(first.case)
        assert decision is not None
        assert (decision.label, decision.decided_by) == ("yes", "example")
        proposed = answer_review(jobs.store, knowledge, reviews[2].id, "yes", who="an agent", is_person=False)
        assert proposed.status == "proposed"
        with pytest.raises(InvalidRequest, match="no open case"):
            answer_review(jobs.store, knowledge, first.id, "no", who="an agent", is_person=False)
        answer_review(jobs.store, knowledge, first.id, "no", who="ann")
        assert [example.label for example in knowledge.get(rule.id).examples] == ["no", "no"]
    assert next_reviews(jobs.store, job.id)[1] == count - 3


def test_cases_for_a_person_are_printed_to_be_read_and_as_json(folder: Path) -> None:
    write_people(folder / "people.csv", 300)
    request = DedupeRequest(source=TableSource(path="people.csv"), exclude=["zip"])
    jobs_in(folder, ScriptedEngine()).start(request, wait=60)

    def printed(*more: str) -> list[str]:
        command = ["reviews", "next", "--state", str(folder / "state"), "--limit", "1", *more]
        return CliRunner().invoke(main, command).stdout.splitlines()

    (shown,) = map(json.loads, printed("--json"))
    case, proposal = printed()
    assert case == f"{shown['id']}  {shown['question']}"
    assert (
        proposal
        == f"   Proposed: {shown['proposal']} ({shown['confidence']:.0%} sure). Answer with {shown['answers']}."
    )


def test_pairs_whose_verdict_depends_on_the_order_of_things_wait_for_a_person(folder: Path) -> None:
    write_people(folder / "people.csv", 60)
    result = []
    for permutation_averaged in (False, True):
        engine = ScriptedEngine()
        jobs = jobs_in(folder, engine)
        people = TableSource(path="people.csv")
        how = {"exclude": ["zip"], "permutation_averaged": permutation_averaged, "overwrite": True}
        job = jobs.start(MatchRequest(left=people, right=people, **how), wait=60)
        assert job.status == "done", job.error
        assert job.total == job.done
        reviews, _ = next_reviews(jobs.store, job.id, 1000)
        result.append((engine.asked, sum("not in another" in review.question for review in reviews)))
    (plain, none), (in_orders, order_sensitive) = result
    assert plain < in_orders <= 4 * plain
    assert (none, order_sensitive > 10) == (0, True)


def test_jobs_of_an_older_store_stay_and_are_asked_again(folder: Path) -> None:
    before = jobs_in(folder, ScriptedEngine(folder / "asked.log"))
    done = before.start(clean_people(), wait=60)
    assert done.status == "done", done.error
    kept = asked(folder).total()
    with contextlib.closing(sqlite3.connect(before.store.folder / "jobs.sqlite")) as store:
        store.executescript("""
            ALTER TABLE jobs RENAME COLUMN error TO problem;
            UPDATE jobs SET status = 'cancelled', request = replace(request, '"permutation_averaged"', '"averaged"');
            PRAGMA user_version = 0;
        """)
    jobs = jobs_in(folder, ScriptedEngine(folder / "asked.log"))
    assert [job.id for job in jobs.list(9)] == [done.id]
    jobs.resume(done.id)
    again = jobs.wait(done.id, 60)
    assert (again.status, asked(folder).total()) == ("done", 2 * kept)


def test_a_job_store_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    JobStore(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as store:
        store.execute("PRAGMA user_version = 99")
    with pytest.raises(TableUnavailable, match="made by a newer dp-tools; upgrade dp-tools"):
        JobStore(tmp_path)


def test_a_job_store_that_was_cut_to_nothing_says_so_and_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").touch()
    with pytest.raises(TableUnavailable, match="is empty, so it was cut off"):
        JobStore(tmp_path)
    assert (tmp_path / "jobs.sqlite").read_bytes() == b""
