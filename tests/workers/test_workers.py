"""Workers: the same answers as one process gives, whoever is lost; and nothing of Ray without them."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from waiting import until

from dp_tools import Preprocessor
from dp_tools.cli import main
from dp_tools.engine.alone import alone
from dp_tools.engine.questions import Engine, Labels, Question, Segment
from dp_tools.engine.workers import places, pool
from dp_tools.engine.workers.files import ModelFile, NodeFiles
from dp_tools.engine.workers.parts import InWorkers
from dp_tools.errors import InvalidRequest, ModelUnavailable
from dp_tools.mcp_server.metrics import Metrics
from dp_tools.rules.rule import Rule
from dp_tools.tables import snapshot
from dp_tools.tables.jobs.job_store import JobStore
from dp_tools.tables.match import blocking, framed_pairs, judging

CLUSTER_JOB = Path(__file__).with_name("cluster_job.py")
CORES = 4


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a cluster that this process is in."""
    ray = pytest.importorskip("ray", reason='workers need the extra "dp-tools[ray]"')
    ray.init("local", num_cpus=CORES, include_dashboard=False, log_to_driver=False, object_store_memory=2**27)
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers may take two cores, however many there are."""
    monkeypatch.setattr(places, "physical_cores", lambda: 2)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two lists of people."""
    folder = tmp_path_factory.mktemp("tables")
    for name, seed in (("people", 7), ("others", 8)):
        _write_people(folder / f"{name}.csv", seed)
    return folder


@pytest.fixture(scope="module")
def calm(tables: Path, tiny_model: Path) -> dict[str, bytes]:
    """The files that jobs make in one process."""
    with _opened(tiny_model, tables / "one-process") as preprocessor:
        return _files_of_jobs(preprocessor, tables, tables / "one-process")


@pytest.fixture(scope="module")
def with_workers(address: str, tables: Path, tiny_model: Path) -> Iterator[Preprocessor]:
    """The same model in two workers."""
    with _opened(tiny_model, tables / "workers", workers=2, cluster=address) as preprocessor:
        yield preprocessor


def _opened(model: Path, folder: Path, **where: object) -> Preprocessor:
    cache, state = folder / "answers.db", folder / "state"
    return Preprocessor(str(model), ":memory:", threads=1, cache=cache, state=state, **where)


def _write_people(path: Path, seed: int, count: int = 70) -> None:
    chance = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["name", "city", "zip", "note"])
        for _ in range(count):
            name = f"{chance.choice(['Ann', 'Bob', 'Carla', 'Dora'])} {chance.choice(['Smith', 'Jones', 'Meyer'])}"
            city = chance.choice(["Berlin", "Paris", "Rome", "Vienna", "Viena"])
            lines.writerow([name, city, chance.randrange(10000, 10020), chance.choice(["", "blue", "green"])])


def _write_products(path: Path, count: int = 60) -> None:
    chance = random.Random(5)
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["title", "maker", "price"])
        for number in range(count):
            thing, maker = chance.choice(["lamp", "kettle", "drill"]), chance.choice(["Acme", "Fjord", "Iris"])
            title = f"{maker} {thing} {chance.choice(['steel', 'oak', 'white'])} model {number % 45}"
            lines.writerow([title, maker, f"{chance.randrange(10, 60)}.90"])


def _files_of_jobs(preprocessor: Preprocessor, tables: Path, folder: Path) -> dict[str, bytes]:
    """What a cleaning, a filling and a match make, by the names of their files."""
    out, people, others = folder / "out", tables / "people.csv", tables / "others.csv"
    out.mkdir(parents=True)
    preprocessor.clean(people, ask_all=True, output=out / "clean.csv")
    preprocessor.impute(people, "note", output=out / "fill.csv")
    preprocessor.match(people, others, ask_all=True, output=out / "match.csv")
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@contextmanager
def _held(preprocessor: Preprocessor) -> Iterator[list[int]]:
    """The processes of the workers, which stand still."""
    assert preprocessor.pool is not None
    processes = [state.process for state in preprocessor.pool.states() if state.status == "idle"]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield processes
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def _question(text: str) -> Question:
    return Question((Segment(text),), Labels(("yes", "no")))


def test_jobs_write_the_same_bytes_with_workers_as_in_one_process(with_workers, tables, calm):
    assert _files_of_jobs(with_workers, tables, tables / "workers") == calm
    states = with_workers.pool.states()
    assert [state.status for state in states] == ["idle", "idle"]
    assert all(state.answered > 0 for state in states)
    folder = tables / "workers" / "state"
    job = JobStore(folder).rows(1)[0]["id"]
    shown = CliRunner().invoke(main, ["jobs", "show", job, "--state", str(folder)])
    workers = json.loads(shown.stdout)["workers"]
    assert [worker["process"] for worker in workers] == [state.process for state in states]
    assert all(worker["per_second"] > 0 for worker in workers)
    metrics = Metrics(lambda: 0, lambda: 0, with_workers.pool.states).text().decode()
    assert f'dp_tools_worker_questions_total{{node="{states[0].node}",worker="1"}} {states[0].answered}.0' in metrics


def test_cells_are_looked_at_and_records_are_read_looked_up_and_compared_in_the_workers_with_the_same_bytes(
    with_workers, tables, tiny_model, tmp_path, monkeypatch
):
    _write_products(tables / "products.csv")
    _write_people(tables / "staff.csv", 11, 150)
    monkeypatch.setattr(judging, "WORTH_LEARNING", 20)
    with _opened(tiny_model, tmp_path) as one_process:
        expected = _results(one_process, tables, tmp_path / "one-process")
    # One process did each of these in one part.
    monkeypatch.setattr(framed_pairs, "PART", 20)
    monkeypatch.setattr(blocking, "_QUERIES", 20)
    monkeypatch.setattr(snapshot, "FRAME", 20)
    before = [state.made for state in with_workers.pool.states()]
    assert _results(with_workers, tables, tmp_path / "workers") == expected
    states = with_workers.pool.states()
    assert all(state.made > some for state, some in zip(states, before, strict=True))
    # Eight of cells; of people those in which records are read, looked up and compared; of products without reading.
    assert sum(state.made for state in states) - sum(before) > 20
    metrics = Metrics(lambda: 0, lambda: 0, with_workers.pool.states).text().decode()
    assert f'dp_tools_worker_parts_total{{node="{states[0].node}",worker="1"}} {states[0].made}.0' in metrics


def _results(preprocessor: Preprocessor, tables: Path, folder: Path) -> dict[str, bytes]:
    """What cleaning by a rule, finding duplicates and filling a register make, by the names of the files."""
    folder.mkdir()
    city = {"type": "string", "enum": ["Berlin", "Paris", "Rome", "Vienna"]}
    rule = Rule(
        id="city", task="detect_errors", dataset="staff", attribute="city", statement="Cities are these.", check=city
    )
    preprocessor.knowledge.add(rule, who="ann")
    preprocessor.clean(tables / "staff.csv", dataset="staff", output=folder / "staff.csv")
    for name in ("people", "products"):
        preprocessor.dedupe(tables / f"{name}.csv", output=folder / f"{name}.csv")
    register = folder.with_suffix(".sqlite")
    preprocessor.dedupe(tables / "people.csv", register=register, output=folder / "register.csv")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_part_that_a_worker_was_lost_over_is_made_again(with_workers):
    with _held(with_workers) as processes:

        def lose() -> None:
            until(lambda: any(state.status == "computing" for state in with_workers.pool.states()))
            os.kill(processes[0], signal.SIGKILL)
            os.kill(processes[1], signal.SIGCONT)

        loses = threading.Thread(target=lose)
        loses.start()
        found = list(InWorkers(with_workers.pool)(pow, 2, range(20)))
        loses.join()
    assert found == [2**number for number in range(20)]
    assert [state.status for state in with_workers.pool.states()].count("lost") == 1
    until(lambda: [state.status for state in with_workers.pool.states()].count("idle") == 2, seconds=180)


def test_what_a_lost_worker_was_asked_is_asked_again(with_workers, engine):
    questions = [_question(f"Is {number} odd?") for number in range(20)]
    with alone():
        expected = [result.probabilities for result in engine.answer(questions)]
    with _held(with_workers) as processes:

        def lose() -> None:
            until(lambda: any(state.asked for state in with_workers.pool.states()))
            busy = next(state.process for state in with_workers.pool.states() if state.asked)
            os.kill(busy, signal.SIGKILL)
            for other in set(processes) - {busy}:
                os.kill(other, signal.SIGCONT)

        loses = threading.Thread(target=lose)
        loses.start()
        with alone():
            found = with_workers.decider.engine.answer(questions)
        loses.join()
    assert [result.probabilities for result in found] == expected
    assert sorted(state.status for state in with_workers.pool.states()).count("lost") == 2


def test_questions_that_end_the_workers_fail_with_a_sentence_and_others_are_answered(with_workers, monkeypatch):
    monkeypatch.setattr(pool, "TRIES", 1)
    until(lambda: [state.status for state in with_workers.pool.states()].count("idle") == 2, seconds=180)
    engine = with_workers.decider.engine
    with _held(with_workers):

        def lose() -> None:
            until(lambda: any(state.asked for state in with_workers.pool.states()))
            os.kill(next(state.process for state in with_workers.pool.states() if state.asked), signal.SIGKILL)

        loses = threading.Thread(target=lose)
        loses.start()
        with pytest.raises(ModelUnavailable, match=r"^1 workers were lost over the same questions \(.*resume the job"):
            engine.answer([_question("What ends a worker?")])
        loses.join()
    assert engine.answer([_question("What does not?")])


def test_a_job_whose_driver_was_killed_goes_on_where_it_was(address, tiny_model, tmp_path):
    people, output, state = tmp_path / "people.csv", tmp_path / "clean.csv", tmp_path / "state"
    _write_people(people, 9, 300)
    with _opened(tiny_model, tmp_path) as preprocessor:
        preprocessor.clean(people, ask_all=True, output=tmp_path / "calm.csv")
    arguments = [address, str(tiny_model), str(people), str(output), str(state)]
    with subprocess.Popen([sys.executable, str(CLUSTER_JOB), *arguments], stderr=subprocess.DEVNULL) as driver:
        until(lambda: _kept(state) > 1)
        driver.kill()
    kept = _kept(state)
    assert not output.exists()
    with Preprocessor(str(tiny_model), ":memory:", threads=1, cache=False, state=state) as preprocessor:
        preprocessor.clean(people, ask_all=True, output=output)
    assert _kept(state) > kept > 1
    assert output.read_bytes() == (tmp_path / "calm.csv").read_bytes()


def _kept(state: Path) -> int:
    """Chunks in the journals of a folder of jobs."""
    try:
        with sqlite3.connect(f"file:{state / 'jobs.sqlite'}?mode=ro", uri=True) as database:
            return int(database.execute("SELECT count(*) FROM answers").fetchone()[0])
    except sqlite3.Error:
        return 0


def test_a_worker_is_sent_the_files_that_its_node_lacks(tmp_path):
    source = tmp_path / "driver" / "adapter.gguf"
    source.parent.mkdir()
    source.write_bytes(os.urandom(1000))
    file = ModelFile.of(source)
    source.rename(tmp_path / "away.gguf")
    node = NodeFiles(tmp_path / "node")
    assert node.find(file) is None
    content = (tmp_path / "away.gguf").read_bytes()
    node.receive(file, content[:600], first=True, last=False)
    assert node.find(file) is None
    node.receive(file, content[600:], first=False, last=True)
    found = node.find(file)
    assert found is not None
    assert found.name == "adapter.gguf"
    assert found.read_bytes() == content


def test_answers_that_are_asked_alone_do_not_depend_on_what_was_asked_before(engine: Engine):
    first, second = ([_question(f"Is {text} {number}?") for number in range(30)] for text in ("this", "that"))
    with alone():
        expected = engine.answer(second)
        engine.answer(first)
        assert engine.answer(second) == expected


def test_more_workers_than_cores_are_refused_in_one_sentence(tables):
    refused = CliRunner().invoke(main, ["clean", str(tables / "people.csv"), "--workers", "3"])
    assert refused.exit_code == 2
    assert "3 workers with 1 threads each take more than the 2 cores of this machine: use 2 workers" in refused.output


@pytest.mark.parametrize("cluster", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_a_wrong_address_is_one_clear_sentence(cluster, tiny_model, monkeypatch):
    pytest.importorskip("ray", reason='workers need the extra "dp-tools[ray]"')
    monkeypatch.setattr(places, "find_spec", lambda name: name)
    with (
        Preprocessor(str(tiny_model), ":memory:", cache=False, cluster=cluster) as preprocessor,
        pytest.raises(ModelUnavailable, match=f"^Nobody answers at the Ray cluster {cluster} .*: check"),
    ):
        preprocessor.ask([{"a": "b"}], "Say yes.")


def test_threads_of_workers_without_workers_are_refused():
    with pytest.raises(InvalidRequest, match="say how many there are"):
        Preprocessor(knowledge=":memory:", threads_per_worker=2)


def test_without_ray_workers_say_what_to_install(monkeypatch):
    monkeypatch.setattr(places, "find_spec", lambda _name: None)
    with pytest.raises(ModelUnavailable, match=r'install "dp-tools\[ray\]"'):
        Preprocessor(knowledge=":memory:", workers=1)


def test_without_its_client_an_address_outside_the_cluster_says_what_to_install(monkeypatch):
    monkeypatch.setattr(places, "find_spec", lambda name: None if name == "grpc" else name)
    with pytest.raises(ModelUnavailable, match=r'install "ray\[client\]", or run on a node of the cluster'):
        Preprocessor(knowledge=":memory:", cluster="ray://127.0.0.1:10001")


def test_a_command_with_workers_writes_what_it_writes_without_ray(tables, tiny_model, tmp_path):
    pytest.importorskip("ray", reason='workers need the extra "dp-tools[ray]"')
    code = (
        "import sys; from dp_tools.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print([name for name in sys.modules if name.split('.')[0] == 'ray'])"
    )
    imported = {}
    for name, workers in (("without", []), ("with", ["--workers", "1"])):
        arguments = ["impute", str(tables / "people.csv"), "-a", "note", "-o", str(tmp_path / f"{name}.csv")]
        options = ["--model", str(tiny_model), "--knowledge", str(tmp_path / "k.db"), "--no-cache", *workers]
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments, *options], check=True, capture_output=True, text=True
        )
        imported[name] = done.stdout.splitlines()[-1]
    assert imported["without"] == "[]"
    assert "'ray'" in imported["with"]
    assert (tmp_path / "with.csv").read_bytes() == (tmp_path / "without.csv").read_bytes()
