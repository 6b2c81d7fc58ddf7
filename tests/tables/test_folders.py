"""Tables in folders of parts: written part by part, judged by the whole, undone by part, resumed where they stopped."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from tables_job import ScriptedEngine, jobs_in, stopped_once
from waiting import until

from dp_tools import Preprocessor
from dp_tools.cli import main
from dp_tools.errors import Cancelled, InvalidRequest, TableUnavailable
from dp_tools.profiling import column_counts
from dp_tools.tables import whole as whole_module
from dp_tools.tables.asking import CHUNK
from dp_tools.tables.clean import filling
from dp_tools.tables.io.folders import open_folder
from dp_tools.tables.io.paths import Roots
from dp_tools.tables.jobs.job_requests import CleanRequest, FillRequest, MatchRequest, TableSource
from dp_tools.tables.jobs.jobs import Jobs
from dp_tools.tables.jobs.undoing import undo_changes
from dp_tools.tables.snapshot import Table, open_table
from dp_tools.tables.table_facts import TableFacts
from dp_tools.tables.whole import learn_whole

CITIES = {"35233": "Birmingham", "35801": "Huntsville", "36201": "Anniston", "36301": "Dothan"}
MISSPELT = {"35233": "Birmingahm", "35801": "Hunstville", "36201": "Annsiton", "36301": "Dotahn"}
EVERY = 41
"""Orders for each of which the city is misspelt."""


def orders(count: int, seed: int = 3) -> list[dict[str, str]]:
    """Orders in which the zip code tells the city, every so often misspelt, and some amounts are missing."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        code = chance.choice(list(CITIES))
        city = CITIES[code] if number % EVERY else MISSPELT[code]
        amount = "" if number % 29 == 5 else str(chance.randrange(10, 99))
        rows.append({"zip": code, "city": city, "amount": amount})
    return rows


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        lines.writeheader()
        lines.writerows(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table of 240 orders in three parts, of which the last is too small to say anything by itself."""
    rows, made = orders(240), tmp_path / "orders"
    for name, part in (("day=1/a.csv", rows[:120]), ("day=1/b.csv", rows[120:230]), ("day=2/a.csv", rows[230:])):
        write_csv(made / name, part)
    (made / "_SUCCESS").touch()
    (made / ".a.csv.crc").touch()
    return made


def opened(tmp_path: Path) -> Preprocessor:
    return Preprocessor(knowledge=":memory:", engine=ScriptedEngine(), state=tmp_path / "state")


def read(folder: Path) -> Iterator[tuple[str, str, Table]]:
    """The parts of a folder as `learn_whole` takes them."""
    for path in sorted(folder.rglob("*.csv")):
        with open_table(path) as table:
            yield path.name, "", table


def run_job(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    script = Path(__file__).parents[1] / "tables_job.py"
    return subprocess.Popen([sys.executable, str(script), str(folder), *arguments], stdout=subprocess.PIPE, text=True)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def visible(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in files_in(folder).items() if name.endswith((".csv", ".parquet"))}


def test_a_folder_is_cleaned_part_by_part_and_undone_byte_by_byte(tmp_path, folder):
    with opened(tmp_path) as pre:
        cleaned = pre.clean(folder, ["city"])
        result = tmp_path / "orders.clean"
        assert list(files_in(result)) == ["day=1/a.csv", "day=1/b.csv", "day=2/a.csv"]
        assert cleaned.files == [result, tmp_path / "orders.clean.changes"]
        assert [(one["part"], one["row"], one["old"], one["new"]) for one in cleaned.changes] == [
            (part, row, orders(240)[at]["city"], CITIES[orders(240)[at]["zip"]])
            for part, row, at in [
                ("day=1/a.csv", 1, 0),
                ("day=1/a.csv", 42, 41),
                ("day=1/a.csv", 83, 82),
                ("day=1/b.csv", 4, 123),
                ("day=1/b.csv", 45, 164),
                ("day=1/b.csv", 86, 205),
            ]
        ]
        assert cleaned.figures["changed"] == 6
        assert set(cleaned.to_polars()["city"]) == set(CITIES.values())
        assert cleaned.to_polars()["part"].n_unique() == 3
        assert cleaned.undo(tmp_path / "back")
    assert visible(tmp_path / "back") == visible(folder)


def test_a_small_part_is_judged_by_the_whole_folder(tmp_path):
    rows, folder = orders(240), tmp_path / "orders"
    wrong = {"zip": "36301", "city": "Anniston", "amount": "50"}
    write_csv(folder / "a.csv", [row for row in rows if row["city"] in CITIES.values()])
    write_csv(folder / "b.csv", [{"zip": "36201", "city": "Anniston", "amount": "12"}, wrong])
    with opened(tmp_path) as pre:
        found = pre.detect(folder, ["city"], output=tmp_path / "wrong")
    assert [(one["part"], one["row"], one["value"]) for one in found] == [("b.csv", 2, "Anniston")]
    assert "2 parts with" in found.summary


def test_facts_of_a_folder_are_those_of_the_same_rows_in_one_file(tmp_path, folder):
    rows = orders(240)
    write_csv(tmp_path / "one.csv", rows)
    _, whole = learn_whole(read(folder), tmp_path / "kept")
    with open_table(tmp_path / "one.csv") as table:
        facts = TableFacts(table)
        for row in rows:
            for name in row:
                assert whole.facts().about(row, name) == facts.about(row, name)


def test_of_a_large_folder_values_are_counted_in_all_rows_and_columns_compared_in_a_part(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(whole_module, "SPREAD_CELLS", 300)
    summary, whole = learn_whole(read(folder), tmp_path / "kept")
    assert (summary.rows, summary.every, whole.table.count) == (240, 4, 60)
    assert [record for _, record in whole.table.records()] == orders(240)[::4]
    column = whole.facts().column("city")
    assert column is not None
    assert (column.rows, column.filled) == (240, 240)
    assert column.counts["Dothan"] == sum(row["city"] == "Dothan" for row in orders(240))


def test_values_seen_once_are_let_go_where_there_are_too_many(monkeypatch):
    monkeypatch.setattr(column_counts, "KEPT", 4)
    counts = column_counts.ValueCounts.none()
    counts.add(pl.Series("x", ["a", "a", "b", "c"]))
    counts.add(pl.Series("x", ["a", "d", "e", None]))
    assert counts.values.rows() == [("a", 3)]
    assert (counts.filled, counts.distinct) == (7, 5)


def test_a_stopped_job_goes_on_with_the_first_part_that_is_not_done(tmp_path, folder):
    first = tmp_path / "stopped/day=1/a.csv"
    with opened(tmp_path) as pre:
        pre.clean(folder, ["city"], ask_all=True, output=tmp_path / "calm")
        with stopped_once(first.exists), pytest.raises(Cancelled):
            pre.clean(folder, ["city"], ask_all=True, output=tmp_path / "stopped")
        assert first.exists()
        before = first.stat().st_mtime_ns
        pre.clean(folder, ["city"], ask_all=True, output=tmp_path / "stopped")
    assert first.stat().st_mtime_ns == before
    assert files_in(tmp_path / "stopped") == files_in(tmp_path / "calm")
    assert [*files_in(tmp_path / "stopped.changes")] == [*files_in(tmp_path / "calm.changes")]


def test_a_part_that_changes_meanwhile_stops_the_job(tmp_path, folder):
    with opened(tmp_path) as pre:
        with stopped_once((tmp_path / "out/day=1/a.csv").exists), pytest.raises(Cancelled):
            pre.clean(folder, output=tmp_path / "out")
        write_csv(folder / "day=2/a.csv", orders(9, seed=5))
        with pytest.raises(TableUnavailable, match=r"day=2/a\.csv in .* was changed since the job"):
            pre.clean(folder, output=tmp_path / "out")


def test_parquet_parts_keep_their_types_and_gaps_are_filled(tmp_path):
    rows = orders(200)
    frame = pl.DataFrame(rows).with_columns(pl.col("amount").cast(pl.Int64, strict=False))
    frame = frame.with_columns(pl.when(pl.int_range(pl.len()) % 31 == 7).then(None).otherwise("city").alias("city"))
    for number in range(2):
        place = tmp_path / f"orders/day={number}/part.parquet"
        place.parent.mkdir(parents=True)
        frame[number * 100 : number * 100 + 100].write_parquet(place)
    with opened(tmp_path) as pre:
        filled = pre.impute(tmp_path / "orders", "city")
        assert filled.figures["gaps"] == sum(row is None for row in frame["city"])
        written = pl.read_parquet(tmp_path / "orders.filled/day=0/part.parquet", hive_partitioning=False)
        assert written.schema == frame.schema
        filled.undo(tmp_path / "back")
    back = pl.read_parquet(tmp_path / "back/day=0/part.parquet", hive_partitioning=False)
    assert back.equals(frame[:100])


def test_the_command_line_cleans_and_restores_a_folder(tmp_path, folder, tiny_model):
    runner, state = CliRunner(), str(tmp_path / "state")
    given = ["--model", str(tiny_model), "--knowledge", ":memory:", "--state", state]
    found = runner.invoke(main, ["clean", str(folder), "-a", "city", *given])
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["changed"] == 6
    back = runner.invoke(main, ["undo", str(tmp_path / "orders.clean"), "-o", str(tmp_path / "back")])
    assert back.exit_code == 0, back.output
    assert "bit for bit" in back.output
    assert visible(tmp_path / "back") == visible(folder)
    again = runner.invoke(main, ["clean", str(folder), "-a", "zip", *given])
    assert again.exit_code != 0
    assert "already exists; write elsewhere" in again.output
    assert runner.invoke(main, ["clean", str(folder), "-a", "zip", "--force", *given]).exit_code == 0


def test_changes_are_undone_by_part(tmp_path, folder):
    with opened(tmp_path) as pre:
        done = pre.clean(folder, ["city"])
        jobs = Jobs(lambda: pre.decider, Roots.of([tmp_path]), tmp_path / "state")
        with pytest.raises(InvalidRequest, match="say in which part row 42 is"):
            undo_changes(jobs, done.job, row=42)
        with pytest.raises(InvalidRequest, match=r"has no part c\.csv"):
            undo_changes(jobs, done.job, part="c.csv")
        assert undo_changes(jobs, done.job, row=42, part="day=1/a.csv") == (1, 2)
        assert undo_changes(jobs, done.job, part="day=1/b.csv") == (3, 0)
    assert (tmp_path / "orders.clean/day=1/b.csv").read_bytes() == (folder / "day=1/b.csv").read_bytes()
    assert [one["row"] for one in done.changes] == [1, 83]


def test_a_server_cleans_folders_under_its_roots_alone(tmp_path):
    outside = tmp_path / "elsewhere"
    write_csv(outside / "a.csv", orders(20))
    root = tmp_path / "root"
    (root / "orders").mkdir(parents=True)
    write_csv(root / "orders/a.csv", orders(100))
    with opened(tmp_path) as pre:
        jobs = Jobs(lambda: pre.decider, Roots.of([root]), tmp_path / "state")

        def clean(path: str, **more: object) -> str:
            request = CleanRequest(source=TableSource(path=path), attributes=["city"], **more)
            job = jobs.wait(jobs.start(request, wait=0).id)
            return job.error or job.status

        asked = jobs.writes(CleanRequest(source=TableSource(path="orders")))
        assert (asked.files, asked.are_folders) == ((root / "orders.clean", root / "orders.clean.changes"), True)
        assert clean("orders") == "done"
        assert clean("orders", overwrite=True) == "done", "it replaces what a job of its own wrote"
        (root / "orders.clean/a.csv").write_text("mine")
        with pytest.raises(TableUnavailable, match="not written by a job of yours"):
            clean("orders", overwrite=True)
        for refused in (str(outside), "s3://bucket/orders", "../elsewhere", "missing"):
            with pytest.raises(TableUnavailable):
                clean(refused)
        (root / "orders/b.csv").symlink_to(outside / "a.csv")
        assert "lies outside" in clean("orders", output="linked")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("c.txt", "x", "is no part of a table: keep .csv, .tsv or .parquet files alone"),
        ("c.csv.gz", "x", "is no part of a table"),
        ("c.parquet", "x", "parts of several formats"),
        ("z.csv", "zip,amount\n36301,1\n", "lacks the column 'city'"),
    ],
)
def test_a_folder_that_is_no_table_is_refused_in_one_sentence(tmp_path, folder, name, text, said):
    (folder / name).write_text(text)
    with opened(tmp_path) as pre, pytest.raises(TableUnavailable, match=said.replace(".", r"\.")):
        pre.clean(folder)


def goods(count: int) -> list[dict[str, str]]:
    """Lamps, of which some are one another."""
    return [{"title": f"{row['city']} lamp {row['zip']}", "price": row["amount"]} for row in orders(count)]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_matches_and_duplicates_of_a_folder_are_those_of_one_file_with_all_its_records(tmp_path, ending):
    rows = [*goods(17), {"title": "", "price": ""}, *goods(60)[17:]]
    one, many, other = tmp_path / f"goods{ending}", tmp_path / "parts", tmp_path / "other.csv"
    for path, part in ((one, rows), (many / f"1/b{ending}", rows[:25]), (many / f"2/a{ending}", rows[25:])):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_csv(path, part) if ending == ".csv" else pl.DataFrame(part).write_parquet(path)
    write_csv(other, rows[::7])
    with opened(tmp_path) as pre:
        for name, table in (("goods", one), ("parts", many)):
            pre.dedupe(table)
            pre.match(table, other, output=tmp_path / f"{name}.left.csv")
            pre.match(other, table, output=tmp_path / f"{name}.right.csv")
    for result in ("duplicates.csv", "duplicates.merged.csv", "left.csv", "left.merged.csv", "right.csv"):
        found = (tmp_path / f"parts.{result}").read_bytes()
        assert found == (tmp_path / f"goods.{result}").read_bytes()
        assert found.count(b"\n") > 5


def test_a_stopped_job_that_compares_a_folder_goes_on_and_a_changed_part_stops_it(tmp_path):
    folder, rows = tmp_path / "goods", goods(80)
    write_csv(folder / "a.csv", rows[:50])
    write_csv(folder / "b.csv", rows[50:])
    calm, engine = ScriptedEngine(), ScriptedEngine()
    with Preprocessor(knowledge=":memory:", engine=calm, state=tmp_path / "state") as pre:
        pre.dedupe(folder, ask_all=True, output=tmp_path / "calm.csv")
    with Preprocessor(knowledge=":memory:", engine=engine, state=tmp_path / "other") as pre:
        with stopped_once(lambda: engine.asked >= CHUNK), pytest.raises(Cancelled):
            pre.dedupe(folder, ask_all=True, output=tmp_path / "found.csv")
        assert 0 < engine.asked < calm.asked
        pre.dedupe(folder, ask_all=True, output=tmp_path / "found.csv")
        assert engine.asked == calm.asked
        assert (tmp_path / "found.csv").read_bytes() == (tmp_path / "calm.csv").read_bytes()
        with stopped_once(lambda: engine.asked > calm.asked), pytest.raises(Cancelled):
            pre.dedupe(folder, attributes=["title"], ask_all=True, output=tmp_path / "more.csv")
        write_csv(folder / "b.csv", rows[51:])
        with pytest.raises(TableUnavailable, match="was changed since the job"):
            pre.dedupe(folder, attributes=["title"], ask_all=True, output=tmp_path / "more.csv")


def test_an_agent_matches_a_folder_under_its_roots_and_the_result_never_lies_among_the_parts(tmp_path):
    folder = tmp_path / "goods"
    write_csv(folder / "a.csv", goods(12))
    write_csv(folder / "b.csv", goods(20)[12:])
    with opened(tmp_path) as pre:
        jobs = Jobs(lambda: pre.decider, Roots.of([tmp_path]), tmp_path / "jobs")
        job = jobs.start(MatchRequest(left=TableSource(path="goods"), right=TableSource(path="goods")), wait=60)
        assert job.status == "done", job.error
        assert Path(job.result.files[0].path).name == "goods.matches.csv"
        with pytest.raises(TableUnavailable, match="would lie among the parts"):
            pre.dedupe(folder, output=folder / "found.csv")
        with pytest.raises(InvalidRequest, match="name an output file of this machine"):
            pre.dedupe("s3://bucket/orders")


def test_results_do_not_mix_with_others(tmp_path, folder):
    with opened(tmp_path) as pre:
        with pytest.raises(TableUnavailable, match="lie in each other"):
            pre.clean(folder, output=folder / "clean")
        (tmp_path / "out").mkdir()
        (tmp_path / "out/notes.csv").touch()
        with pytest.raises(TableUnavailable, match=r"holds notes\.csv"):
            pre.clean(folder, output=tmp_path / "out", overwrite=True)
        with pytest.raises(TableUnavailable, match="need a folder"):
            pre.clean(folder, output=tmp_path / "out.csv")
        (tmp_path / "empty").mkdir()
        with pytest.raises(TableUnavailable, match="holds no parts"):
            pre.clean(tmp_path / "empty")


def test_a_killed_process_is_resumed_without_doing_finished_parts_again(tmp_path):
    places = {}
    for name in ("calm", "killed"):
        places[name] = tmp_path / name
        for number in range(6):
            rows = [{**row, "note": f"lot {at}"} for at, row in enumerate(orders(60, seed=number))]
            for at in range(0, 60, 2):
                rows[at]["note"] = ""
            write_csv(places[name] / f"orders/part-{number}.csv", rows)
    request = FillRequest(source=TableSource(path="orders"), attribute="note")
    calm = jobs_in(places["calm"], ScriptedEngine(places["calm"] / "asked.log"))
    assert calm.wait(calm.start(request).id).status == "done"

    killed = places["killed"]
    begun = run_job(killed, "start", request.model_dump_json())
    until(lambda: (killed / "orders.filled/part-1.csv").exists())
    begun.kill()
    assert begun.stdout is not None
    job = begun.stdout.readline().strip()
    begun.stdout.close()
    begun.wait()
    done = {path: path.stat().st_mtime_ns for path in (killed / "orders.filled").iterdir()}
    assert len(done) < 6, "it was killed in the middle"
    resumed = run_job(killed, "resume", job)
    assert resumed.communicate(timeout=60)[0].split()[-1] == "done"
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())
    for result in ("orders.filled", "orders.filled.changes"):
        assert files_in(killed / result) == files_in(places["calm"] / result)
    asked = {name: Counter((place / "asked.log").read_text().split()) for name, place in places.items()}
    assert asked["killed"].keys() == asked["calm"].keys()
    assert (asked["killed"] - asked["calm"]).total() <= CHUNK, "at most a chunk in flight is asked again"


def test_gaps_are_looked_for_in_each_part_and_values_to_choose_from_in_the_whole_once(tmp_path, folder, monkeypatch):
    looked: list[int] = []
    rows = filling._rows

    def counted(work, table, *arguments):
        looked.append(table.count)
        return rows(work, table, *arguments)

    monkeypatch.setattr(filling, "_rows", counted)
    with opened(tmp_path) as pre:
        pre.impute(folder, "amount")
    assert sorted(looked) == [10, 110, 120, 240]


def test_a_part_without_records_is_written_as_it_is(tmp_path, folder):
    (folder / "day=3").mkdir()
    (folder / "day=3/a.csv").write_text("zip,city,amount\n")
    with opened(tmp_path) as pre:
        cleaned = pre.clean(folder, ["city"])
        assert cleaned.figures["changed"] == 6
        assert (tmp_path / "orders.clean/day=3/a.csv").read_text() == "zip,city,amount\n"
        assert pre.impute(folder, "amount").figures["gaps"] > 0


def test_nothing_is_written_or_made_behind_a_link_in_a_folder_of_results(tmp_path, folder):
    (tmp_path / "root/out").mkdir(parents=True)
    (tmp_path / "root/out/day=1").symlink_to(folder)
    place = open_folder("out", Roots.of([tmp_path / "root"]))
    before = files_in(folder)
    with pytest.raises(TableUnavailable, match=r"lies outside|leads through the link"):
        place.put(folder / "day=1/a.csv", "day=1/new/a.csv", lambda *_: True)
    assert files_in(folder) == before
    assert not (folder / "new").exists()


def test_what_takes_no_folder_says_what_does(tmp_path):
    (tmp_path / "orders").mkdir()
    with pytest.raises(TableUnavailable, match="is a folder, which only jobs on whole tables take"):
        Roots.of([tmp_path]).to_read("orders")
