"""Whole tables as commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dp_tools.cli import main
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.jobs.job_store import FRAMES, JobStore


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of beers, and a store whose rules decide every cell of it, so that no model is loaded."""
    monkeypatch.chdir(tmp_path)
    lines = ["id,beer,ounces", *(f"{n},Beer {n % 5},{'12 oz' if n == 4 else 12}" for n in range(20))]
    (tmp_path / "beers.csv").write_text("\n".join(lines) + "\n")
    with KnowledgeStore.open(tmp_path / "rules.db", import_shipped=False) as store:
        for attribute, check in (("ounces", {"type": "number"}), ("beer", {"type": "string"})):
            statement = f"{attribute} has this form."
            store.add(
                Rule(
                    id=attribute,
                    task="detect_errors",
                    attribute=attribute,
                    statement=statement,
                    check=check,
                    decides="both",
                ),
                who="a test",
            )
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_a_table_is_cleaned_and_restored_bit_for_bit(folder: Path) -> None:
    done = run("clean", "beers.csv", "--knowledge", "rules.db", "--state", "state")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[-1])["changed"] == 1
    assert "4,Beer 4,12\n" in (folder / "beers.clean.csv").read_text()
    back = run("undo", "beers.clean.csv", "-o", "back.csv")
    assert back.exit_code == 0, back.output
    assert (folder / "back.csv").read_bytes() == (folder / "beers.csv").read_bytes()
    again = run("clean", "beers.csv", "--knowledge", "rules.db", "--state", "state")
    assert again.exit_code == 2
    assert "already exists" in again.stderr


def test_wrong_cells_are_listed_without_changing_anything(folder: Path) -> None:
    done = run("clean", "beers.csv", "--detect-only", "--knowledge", "rules.db", "--state", "state", "-o", "wrong.csv")
    assert done.exit_code == 0, done.output
    lines = (folder / "wrong.csv").read_text().splitlines()
    assert lines[1].startswith("5,ounces,12 oz,1.0000,accept,check,")
    assert len(lines) == 2
    assert not (folder / "beers.clean.csv").exists()


def test_every_result_numbers_rows_from_one(folder: Path) -> None:
    job = ("--knowledge", "rules.db", "--state", "state")
    assert run("clean", "beers.csv", "--detect-only", *job, "-o", "wrong.csv").exit_code == 0
    assert run("clean", "beers.csv", *job).exit_code == 0
    changes = [json.loads(line) for line in (folder / "beers.clean.changes.jsonl").read_text().splitlines()]
    assert [change["row"] for change in changes if "row" in change] == [5]
    assert (folder / "wrong.csv").read_text().splitlines()[1].startswith("5,")


def test_jobs_are_listed_and_shown(folder: Path) -> None:
    done = run("clean", "beers.csv", "--knowledge", "rules.db", "--state", "state")
    job = json.loads(done.stdout.splitlines()[-1])["job"]
    assert job in run("jobs", "list", "--state", "state").stdout
    shown = json.loads(run("jobs", "show", job, "--state", "state").stdout)
    assert shown["status"] == "done"
    assert Path(shown["result"]["files"][0]["path"]) == folder / "beers.clean.csv"
    refused = run("jobs", "resume", job, "--state", "state", "--knowledge", "rules.db")
    assert refused.exit_code == 2
    assert "is done" in refused.stderr
    assert run("reviews", "next", "--state", "state").exit_code == 0


def test_a_profile_is_printed_and_drawn(folder: Path) -> None:
    done = run("profile", "beers.csv", "--html", "page.html")
    assert done.exit_code == 0, done.output
    assert "beers.csv: 20 records, 3 columns" in done.stdout
    assert "<svg" in (folder / "page.html").read_text()
    assert json.loads(run("profile", "beers.csv", "--json").stdout)["records"] == 20
    assert run("profile", "beers.csv", "--html", "page.html").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["profile", "beers.csv", "-c", "abv"], "no attribute 'abv'"),
        (["clean", "beers.csv", "-a", "abv"], "no attribute 'abv'"),
        (["clean", "beers.csv", "--sheet", "One"], "has no sheet"),
        (["match-tables", "beers.csv", "ragged.csv"], '--ragged "set aside"'),
        (["match-tables", "beers.csv", "ragged.csv", "--ragged", "set aside", "--header-line", "9"], "no records"),
        (["dedupe", "empty.csv"], "is empty"),
        (["undo", "beers.csv", "beers.csv", "-o", "x.csv"], "change log"),
        (["bench", "--tables", "."], "holds no table folders"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "empty.csv").write_text("")
    (folder / "ragged.csv").write_text("a,b\n1,2\n3\n4,5\n")
    if arguments[0] in ("clean", "dedupe", "match-tables"):
        arguments = [*arguments, "--state", "state", "--knowledge", "rules.db"]
    done = run(*arguments)
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert "Traceback" not in done.output


def test_the_benchmark_of_tables_scores_a_dirty_table(folder: Path) -> None:
    table = folder / "tables" / "Beers"
    table.mkdir(parents=True)
    (table / "dirty.csv").write_text((folder / "beers.csv").read_text())
    (table / "clean.csv").write_text((folder / "beers.csv").read_text().replace("12 oz", "12"))
    done = run("bench", "--tables", "tables", "--rules", "packs", "--knowledge", "rules.db", "--json", "rows.json")
    assert done.exit_code == 0, done.output
    (row,) = json.loads((folder / "rows.json").read_text())
    assert row["detection"] == row["repair"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert row["touched"] == 0
    assert row["asked"] == 0


def test_how_a_file_was_read_is_said_with_the_result_and_overruled(folder: Path) -> None:
    text = (folder / "beers.csv").read_text()
    (folder / "report.csv").write_text(f"Beers in stock\n\n{text}Total,,240\n")
    job = ("--knowledge", "rules.db", "--state", "state")
    done = run("clean", "report.csv", *job)
    assert done.exit_code == 0, done.output
    assert "The header is in line 3" in done.stderr
    assert "looks like a total" in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["changed"] == 1
    assert run("undo", "report.clean.csv", "-o", "back.csv").exit_code == 0
    assert (folder / "back.csv").read_bytes() == (folder / "report.csv").read_bytes()
    profile = json.loads(run("profile", "report.csv", "--json", "--skip-lines", "4", "--footer-lines", "3").stdout)
    assert profile["records"] == 17
    assert run("profile", "report.csv", "--header-line", "3", "--skip-lines", "2").exit_code == 2
    assert run("profile", "report.csv", "--header-line", "0").exit_code == 2


def test_a_workbook_is_cleaned_without_touching_its_formulas(folder: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for line in (folder / "beers.csv").read_text().splitlines():
        number, beer, ounces = line.split(",")
        book.active.append([number, beer, int(ounces) if ounces.isdigit() else ounces])
    book.active["C9"] = '="12 oz"'
    book.save(folder / "beers.xlsx")
    done = run("clean", "beers.xlsx", "--knowledge", "rules.db", "--state", "state")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[-1])["changed"] == 1
    assert "The sheet 'Sheet' was read" in done.stderr
    cleaned = openpyxl.load_workbook(folder / "beers.clean.xlsx").active
    assert (cleaned["C6"].value, cleaned["C9"].value) == (12, '="12 oz"')
    back = run("undo", "beers.clean.xlsx", "-o", "back.xlsx")
    assert "bit for bit" in back.stderr
    assert (folder / "back.xlsx").read_bytes() == (folder / "beers.xlsx").read_bytes()


def test_formulas_are_escaped_in_csv_results_where_asked_and_undone(folder: Path) -> None:
    from dp_tools.tables.escaping import escaped

    assert [
        escaped(value) for value in ("=1+1", "+A1", "-cmd", "@SUM(A1)", "\tx", "-12.5", "+43 1 555", "a=b", "")
    ] == [
        *("'=1+1", "'+A1", "'-cmd", "'@SUM(A1)", "'\tx", "-12.5", "+43 1 555", "a=b", ""),
    ]
    text = (folder / "beers.csv").read_text().replace("Beer 3", '"=HYPERLINK(""http://x.example"")"')
    (folder / "beers.csv").write_text(text)
    job = ("--knowledge", "rules.db", "--state", "state")
    assert run("clean", "beers.csv", *job).exit_code == 0
    assert "'=" not in (folder / "beers.clean.csv").read_text()
    done = run("clean", "beers.csv", *job, "--escape-formulas", "-o", "safe.csv")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[-1])["changed"] == 1
    assert (folder / "safe.csv").read_text().count("\"'=HYPERLINK") == 4
    assert run("undo", "safe.csv", "safe.changes.jsonl", "-o", "back.csv").exit_code == 0
    assert (folder / "back.csv").read_text() == text
    (folder / "beers.csv").write_text(text.replace("12 oz", "=12"))
    assert run("clean", "beers.csv", "--detect-only", *job, "--escape-formulas", "-o", "wrong.csv").exit_code == 0
    assert ",ounces,'=12," in (folder / "wrong.csv").read_text()
    (folder / "titled.csv").write_text("=cmd|' /C calc'!A0,,\n" + text)
    refused = run("clean", "titled.csv", *job, "--escape-formulas")
    assert refused.exit_code == 2
    assert "begins like a formula" in refused.stderr
    assert not (folder / "titled.clean.csv").exists()


def test_a_job_is_removed_with_what_was_kept_of_it_and_its_result_can_still_be_undone(folder: Path) -> None:
    run("clean", "beers.csv", "--knowledge", "rules.db", "--state", "state")
    (job,) = (row["id"] for row in JobStore(folder / "state").rows(5))
    assert (folder / "state" / job).exists()
    done = run("jobs", "remove", job, "--state", "state")
    assert (done.exit_code, done.stdout) == (0, "Jobs removed: 1.\n")
    assert not list((folder / "state").glob(f"{job}*"))
    assert JobStore(folder / "state").rows(5) == []
    run("undo", "beers.clean.csv", "-o", "back.csv")
    assert (folder / "back.csv").read_bytes() == (folder / "beers.csv").read_bytes()
    gone = run("jobs", "remove", job, "--state", "state")
    assert (gone.exit_code, "There is no job" in gone.stderr) == (2, True)


def test_old_jobs_are_removed_together_but_for_those_with_open_reviews(folder: Path) -> None:
    for name in ("first.csv", "second.csv"):
        run("clean", "beers.csv", "--knowledge", "rules.db", "--state", "state", "-o", name)
    store = JobStore(folder / "state")
    second, first = (row["id"] for row in store.rows(5))
    case = {"task": "detect_errors", "dataset": None, "attribute": "ounces", "question": "?", "subject": "{}"}
    store.add_reviews(second, [case | {"proposal": None, "confidence": 0.5}])
    assert run("jobs", "remove", "--days", "1", "--state", "state").stdout == "Jobs removed: 0.\n"
    done = run("jobs", "remove", "--days", "0", "--state", "state")
    assert (done.stdout, "open reviews: 1" in done.stderr) == ("Jobs removed: 1.\n", True)
    assert [row["id"] for row in store.rows(5)] == [second]
    assert not (folder / "state" / first).exists()
    assert run("jobs", "remove", "--state", "state").exit_code == 2


def test_a_running_job_is_not_removed(folder: Path) -> None:
    run("clean", "beers.csv", "--knowledge", "rules.db", "--state", "state")
    store = JobStore(folder / "state")
    (job,) = (row["id"] for row in store.rows(5))
    with store.running(job):
        refused = run("jobs", "remove", job, "--state", "state")
    assert (refused.exit_code, "is running" in refused.stderr) == (2, True)
    assert store.knows(job)


def test_a_table_in_memory_goes_with_the_last_job_that_read_it(folder: Path) -> None:
    records = [{"beer": f"Beer {n % 5}", "ounces": "12 oz" if n == 4 else "12"} for n in range(20)]
    with Preprocessor("nano", folder / "rules.db", state=folder / "state") as pre:
        jobs = [pre.clean(records, attributes=attributes).job for attributes in (None, ["ounces"])]
    (kept,) = (folder / "state" / FRAMES).iterdir()
    run("jobs", "remove", jobs[0], "--state", "state")
    assert kept.exists()
    run("jobs", "remove", jobs[1], "--state", "state")
    assert not kept.exists()
