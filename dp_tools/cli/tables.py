"""Whole tables as commands: profile, clean, undo, match-tables, dedupe, and the jobs and reviews behind them."""

from __future__ import annotations

import getpass
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table as Lines

from dp_tools.cli.answering import ESCAPE, JSON, MODEL, interruptible, stages
from dp_tools.cli.workers import UNNAMED, WORKERS, Workers, with_workers
from dp_tools.decision import Decider
from dp_tools.engine.workers.places import Places
from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.io.folders import is_address
from dp_tools.tables.io.paths import Disk, new_file
from dp_tools.tables.jobs.job_requests import (
    AnyJobRequest,
    CleanRequest,
    DedupeRequest,
    DetectRequest,
    FillRequest,
    MatchRequest,
    TableSource,
)
from dp_tools.tables.jobs.job_store import JobStore, known_states, own_state
from dp_tools.tables.jobs.jobs import Jobs
from dp_tools.tables.jobs.results import Job
from dp_tools.tables.jobs.reviews import answer_review, is_open, next_reviews
from dp_tools.tables.jobs.undoing import restore
from dp_tools.tables.profile import profile_table
from dp_tools.tables.profile_page import profile_page
from dp_tools.tables.snapshot import open_table

FILE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)


class TablePath(click.ParamType[str]):
    """A table as a command names it: a file, a folder of parts, or the address of one; as text."""

    name = "path"

    def __init__(self, *, exists: bool = True) -> None:
        self._path = click.Path(exists=exists, readable=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if is_address(value):
            return str(value)
        return str(self._path.convert(value, param, ctx))


TABLE = TablePath()
SHARE = click.FloatRange(0, 1, min_open=True)
C = TypeVar("C", bound=Callable[..., Any])
_LOOK = 0.1
"""Seconds between two looks at a job, and whether somebody wants it to stop."""

READING_OPTIONS = (
    click.option("--encoding", help="Overrides the detected encoding."),
    click.option("--delimiter", help="Overrides the detected delimiter."),
    click.option("--quote", help='Overrides the detected quote character; "" for none.'),
    click.option("--header/--no-header", default=None, help="Whether the first line holds the column names."),
    click.option(
        "--header-line", type=click.IntRange(1), help="Line number of the header; the lines above it are kept."
    ),
    click.option("--skip-lines", type=click.IntRange(0), help="Number of lines above the table."),
    click.option(
        "--footer-lines", type=click.IntRange(0), help="Number of lines below the table that are not records."
    ),
    click.option(
        "--ragged",
        type=click.Choice(("refuse", "set aside")),
        help="What to do with records that have too many or too few values.",
    ),
    click.option("--sheet", help="Sheet of a workbook (default: the first visible one with a table)."),
    click.option("--table", help="Table of a database."),
    click.option("--query", help="SELECT statement to run on a database, instead of a table."),
)
_JOB = (
    click.option(
        "-o",
        "--output",
        type=TablePath(exists=False),
        help="Output file, or folder where the table is one (default: beside the table).",
    ),
    click.option("--force", is_flag=True, help="Replace result files that exist."),
    click.option("--dataset", help="Name of the dataset; selects the rules that apply."),
    click.option("--rule", "rules", multiple=True, help="Rule for this job only (repeatable)."),
    click.option("-a", "--attribute", "attributes", multiple=True, help="Use only this column (repeatable)."),
)
_COLUMNS = (
    click.option("--include", multiple=True, help="Include a column that looks like a key or a source (repeatable)."),
    click.option("--exclude", multiple=True, help="Leave out a column (repeatable)."),
)
KINDS_OF_COLUMNS = (
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        metavar="KIND=COLUMN",
        help="What a column holds, such as telephone=Mobil, where detection fails (repeatable).",
    ),
)
_ESCAPE = (ESCAPE,)
_LABELLED = (
    click.option(
        "--labelled",
        type=FILE,
        help="File of pairs to learn from: left_row, right_row (or the values of a key column) and same, yes or no.",
    ),
)
_PERMUTATION_AVERAGED = (
    click.option(
        "--permutation-averaged",
        is_flag=True,
        help="Average each verdict over four orders; pairs whose orders disagree go to review.",
    ),
)
_PROMISE = (
    click.option(
        "--recall",
        type=SHARE,
        default=0.95,
        show_default=True,
        help="Share of the yes answers to find, held against asking everything.",
    ),
    click.option(
        "--precision",
        type=SHARE,
        default=0.95,
        show_default=True,
        help="Share of the yes answers given that asking would give too.",
    ),
    click.option(
        "--delta",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=0.05,
        show_default=True,
        help="Probability that either is missed.",
    ),
    click.option("--ask-all", is_flag=True, help="Ask the model about everything, however long it takes."),
)
LABELLED_ROWS = (
    click.option(
        "--labelled",
        type=FILE,
        help="File of some rows as they should be, matched by their number in a column `row`, or by a key.",
    ),
)
_CELL_PROMISE = (_PROMISE[0], *_PROMISE[2:])
"""Without precision: every cell that ends as wrong was asked about."""
_MODEL = (
    MODEL,
    click.option("--knowledge", type=click.Path(path_type=Path), help="Knowledge store (default: your own)."),
    click.option(
        "--state", type=click.Path(path_type=Path, file_okay=False), help="Folder of jobs (default: your own)."
    ),
)


def options(*groups: tuple[Callable[[C], C], ...]) -> Callable[[C], C]:
    """Give a command the options of these groups."""

    def decorate(function: C) -> C:
        for option in reversed([option for group in groups for option in group]):
            function = option(function)
        return function

    return decorate


@click.command()
@click.argument("file", type=FILE)
@click.option("-c", "--column", "columns", multiple=True, help="Use only this column (repeatable).")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the profile as an HTML page with charts."
)
@click.option("--json", "as_json", is_flag=True, help="Print the profile as JSON.")
@click.option("--force", is_flag=True, help="Replace the HTML page if it exists.")
@options(READING_OPTIONS)
def profile(
    file: Path, columns: tuple[str, ...], html: Path | None, as_json: bool, force: bool, **reading: Any
) -> None:
    """Profile FILE: formats, frequent values, ranges, missing values, keys and functional dependencies."""
    with stages() as stage, open_table(file, progress=stage("reading records"), **reading) as table:
        found = profile_table(table, columns=list(columns) or None, stage=stage)
    if html is not None:
        page = profile_page(found)
        with new_file(html, overwrite=force) as part:
            part.write_text(page, encoding="utf-8")
    click.echo(found.model_dump_json(indent=2) if as_json else found.text(1_000_000))


@click.command()
@click.argument("file", type=TABLE)
@click.option("--detect-only", is_flag=True, help="List the wrong cells without changing anything.")
@options(_JOB, _ESCAPE, _COLUMNS, LABELLED_ROWS, _CELL_PROMISE, READING_OPTIONS, _MODEL, WORKERS)
@with_workers
def clean(
    file: str,
    detect_only: bool,
    output: str | None,
    force: bool,
    escape_formulas: bool,
    dataset: str | None,
    rules: tuple[str, ...],
    attributes: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    labelled: Path | None,
    recall: float,
    delta: float,
    ask_all: bool,
    model: str,
    knowledge: Path | None,
    state: Path | None,
    workers: Workers,
    **reading: Any,
) -> None:
    """Find the wrong cells of FILE and repair those whose correct value can be determined.

    Writes FILE.clean beside FILE, and a change log from which `dp-tools undo` restores the original. With
    --detect-only, writes one line per wrong cell: row, attribute, value, confidence, decision, decided_by, reason,
    rule. FILE may be a folder of CSV or Parquet parts, also in object storage; each part is then written under its
    name.
    """
    kind = DetectRequest if detect_only else CleanRequest
    request = kind(
        source=_source(file, reading),
        attributes=list(attributes) or None,
        include=list(include),
        exclude=list(exclude),
        labelled=None if labelled is None else TableSource(path=str(labelled.absolute())),
        recall=recall,
        delta=delta,
        ask_all=ask_all,
        **_scope(output, force, escape_formulas, dataset, rules),
    )
    _carry_out(request, model, knowledge, state, workers)


@click.command()
@click.argument("file", type=TABLE)
@click.option("-a", "--attribute", required=True, help="Column whose missing values to fill.")
@click.option("--allowed", multiple=True, help="Allowed value (repeatable).")
@options(_JOB[:4], _ESCAPE, READING_OPTIONS, _MODEL, WORKERS)
@with_workers
def fill(
    file: str,
    attribute: str,
    allowed: tuple[str, ...],
    output: str | None,
    force: bool,
    escape_formulas: bool,
    dataset: str | None,
    rules: tuple[str, ...],
    model: str,
    knowledge: Path | None,
    state: Path | None,
    workers: Workers,
    **reading: Any,
) -> None:
    """Fill the missing values of one column of FILE as a job. A change log allows undoing it.

    FILE may be a folder of CSV or Parquet parts, also in object storage.
    """
    request = FillRequest(
        source=_source(file, reading),
        attribute=attribute,
        allowed=list(allowed) or None,
        **_scope(output, force, escape_formulas, dataset, rules),
    )
    _carry_out(request, model, knowledge, state, workers)


@click.command()
@click.argument("cleaned", type=TABLE)
@click.argument("log", type=TABLE, required=False)
@click.option("-o", "--output", type=TablePath(exists=False), required=True, help="Output file, or folder.")
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def undo(cleaned: str, log: str | None, output: str, force: bool) -> None:
    """Restore the original of CLEANED from its change log LOG (default: the log beside CLEANED).

    Where CLEANED is a folder of parts, LOG is the folder of their logs.
    """
    same = restore(cleaned, output, log=log, overwrite=force)
    click.echo(f"{output} equals the original" + (" bit for bit." if same else ", value for value."), err=True)


_OF_PAIRS = (
    *(*_JOB, *_ESCAPE, *_COLUMNS, *KINDS_OF_COLUMNS, *_PERMUTATION_AVERAGED, *_LABELLED, *_PROMISE),
    *(*READING_OPTIONS, *_MODEL, *WORKERS),
)


@click.command("match-tables")
@click.argument("left", type=TABLE)
@click.argument("right", type=TABLE)
@click.option("--many", is_flag=True, help="Allow a record to match several others.")
@options(_OF_PAIRS)
@with_workers
def match_tables(
    left: str,
    right: str,
    many: bool,
    output: str | None,
    force: bool,
    escape_formulas: bool,
    dataset: str | None,
    rules: tuple[str, ...],
    attributes: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    kinds: tuple[str, ...],
    permutation_averaged: bool,
    labelled: Path | None,
    recall: float,
    precision: float,
    delta: float,
    ask_all: bool,
    model: str,
    knowledge: Path | None,
    state: Path | None,
    workers: Workers,
    **reading: Any,
) -> None:
    """Find the records of LEFT and RIGHT that denote the same entity. Reading options apply to both files.

    Either may be a folder of CSV or Parquet parts, also in object storage: all parts are one table.

    Writes one line per pair: left_row, right_row, score, then the attributes of both records. Beside that file it
    writes the merged table, one record per entity, and where each of its values comes from.
    """
    request = MatchRequest(
        left=_source(left, reading),
        right=_source(right, reading),
        attributes=list(attributes) or None,
        include=list(include),
        exclude=list(exclude),
        one_to_one=not many,
        kinds=list(kinds),
        permutation_averaged=permutation_averaged,
        labelled=None if labelled is None else TableSource(path=str(labelled.absolute())),
        recall=recall,
        precision=precision,
        delta=delta,
        ask_all=ask_all,
        **_scope(output, force, escape_formulas, dataset, rules),
    )
    _carry_out(request, model, knowledge, state, workers)


@click.command()
@click.argument("file", type=TABLE)
@click.option(
    "--register", help="Bring FILE into this entity register (a name, or a path ending in .sqlite); made if new."
)
@click.option("--key", "key", multiple=True, help="For a new register: column that names a record (repeatable).")
@options(_OF_PAIRS)
@with_workers
def dedupe(
    file: str,
    register: str | None,
    key: tuple[str, ...],
    output: str | None,
    force: bool,
    escape_formulas: bool,
    dataset: str | None,
    rules: tuple[str, ...],
    attributes: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    kinds: tuple[str, ...],
    permutation_averaged: bool,
    labelled: Path | None,
    recall: float,
    precision: float,
    delta: float,
    ask_all: bool,
    model: str,
    knowledge: Path | None,
    state: Path | None,
    workers: Workers,
    **reading: Any,
) -> None:
    """Find groups of duplicate records in FILE.

    FILE may be a folder of CSV or Parquet parts, also in object storage: all parts are one table.

    Writes one line per record of a group: group, row, score, then its attributes. Beside that file it writes the
    merged table, one record per entity, and where each of its values comes from. With --register, entities keep their
    ids from file to file: only what is new or changed is compared, and each record is written with its entity.
    """
    request = DedupeRequest(
        source=_source(file, reading),
        attributes=list(attributes) or None,
        include=list(include),
        exclude=list(exclude),
        kinds=list(kinds),
        register_name=register,
        key=list(key),
        permutation_averaged=permutation_averaged,
        labelled=None if labelled is None else TableSource(path=str(labelled.absolute())),
        recall=recall,
        precision=precision,
        delta=delta,
        ask_all=ask_all,
        **_scope(output, force, escape_formulas, dataset, rules),
    )
    _carry_out(request, model, knowledge, state, workers)


@click.group()
def jobs() -> None:
    """List, show, resume, cancel and remove jobs on whole tables."""


@jobs.command("list")
@options(_MODEL[2:])
def list_jobs(state: Path | None) -> None:
    """List the latest jobs: first those started by commands, then those of your servers."""
    lines = Lines("job", "status", "stage", "done", "of", "state", box=None, pad_edge=False)
    lines.columns[-1].overflow = "fold"
    for folder in _states(state):
        for job in _jobs("nano", None, folder).list(50):
            lines.add_row(job.id, job.status, job.stage, f"{job.done:,}", f"{job.total:,}", str(folder))
    Console(width=None if Console().is_terminal else 200).print(lines)


@jobs.command()
@click.argument("job")
@options(_MODEL[2:])
def show(job: str, state: Path | None) -> None:
    """Show a job and its result, as JSON; with what each of its workers does, if it has any."""
    held = _jobs("nano", None, _state_of(job, state))
    found = held.get(job)
    if found.kind == "call" and found.status == "done":
        found.answer = held.answer(job).model_dump(mode="json")
    click.echo(json.dumps(found.model_dump(mode="json"), indent=2, ensure_ascii=False))


@jobs.command()
@click.argument("job")
@click.option(
    "--with-current-model", is_flag=True, help="Resume even if the model or the rules have changed since the job began."
)
@options(_MODEL, WORKERS)
@with_workers
def resume(
    job: str, with_current_model: bool, model: str, knowledge: Path | None, state: Path | None, workers: Workers
) -> None:
    """Go on with a job that was stopped; nothing is asked twice.

    Where the model, an adapter, the calibration or the rules are other ones than the job began with, it asks first.
    """
    held = _jobs(model, knowledge, _state_of(job, state), workers)
    if not with_current_model and is_a_person_there() and (changed := held.changed(job)) is not None:
        with_current_model = click.confirm(f"{changed.sentence} Go on?", err=True)
    _watch(held, lambda jobs: jobs.resume(job, wait=0, with_current_model=with_current_model))


@jobs.command()
@click.argument("job")
@options(_MODEL[2:])
def cancel(job: str, state: Path | None) -> None:
    """Cancel a job, whichever process runs it. It can be resumed."""
    click.echo(_jobs("nano", None, _state_of(job, state)).cancel(job).status)


@jobs.command()
@click.argument("names", metavar="[JOB]...", nargs=-1)
@click.option("--days", type=click.IntRange(0), help="Also all jobs that ended so many days ago or earlier.")
@options(_MODEL[2:])
def remove(names: tuple[str, ...], days: int | None, state: Path | None) -> None:
    """Remove jobs and what was kept of them: answers, reviews, and copies of tables.

    The files that they wrote stay, and can still be undone. A job that is running is not removed, and by --days none
    that left reviews which nobody has answered.
    """
    if not names and days is None:
        raise InvalidRequest("Name the jobs to remove, or say with --days how old they are.")
    for name in names:
        JobStore(_state_of(name, state)).remove([name])
    removed, waiting = len(names), 0
    if days is not None:
        for store in map(JobStore, _states(state)):
            ended, with_reviews = store.ended_before(time.time() - 86_400 * days)
            store.remove(ended)
            removed, waiting = removed + len(ended), waiting + len(with_reviews)
    click.echo(f"Jobs removed: {removed}.")
    if waiting:
        click.echo(f"Kept with their open reviews: {waiting}. To remove one with its reviews, name it.", err=True)


@click.group()
def reviews() -> None:
    """Review the cases that jobs left to a person."""


@reviews.command("next")
@click.option("--job", help="Show only the cases of this job.")
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="Maximum number of cases.")
@JSON
@options(_MODEL[2:])
def next_cases(job: str | None, limit: int, as_json: bool, state: Path | None) -> None:
    """Print the least certain open cases: the number to answer by, the question, what is proposed and how surely."""
    folders = _states(state) if job is None else [_state_of(job, state)]
    found = [(folder, *next_reviews(JobStore(folder), job, limit)) for folder in folders]
    cases = [(folder, review) for folder, reviews, _ in found for review in reviews]
    for folder, review in sorted(cases, key=lambda case: abs(case[1].confidence - 0.5))[:limit]:
        if as_json:
            click.echo(json.dumps({**review.model_dump(mode="json"), "state": str(folder)}, ensure_ascii=False))
        else:
            click.echo(f"{review.id}  {review.question}")
            click.echo(f"   Proposed: {review.proposal} ({review.confidence:.0%} sure). Answer with {review.answers}.")
    click.echo(f"{sum(count for _, _, count in found)} open.", err=True)


@reviews.command()
@click.argument("case", type=int)
@click.argument("answer")
@options(_MODEL[1:])
def answer(case: int, answer: str, knowledge: Path | None, state: Path | None) -> None:
    """Answer CASE with yes, no, or the value; the answer becomes a labelled example."""
    place = _state_with(case, state)
    with KnowledgeStore.open(knowledge) as store:
        rule = answer_review(JobStore(place), store, case, answer, who=getpass.getuser())
    click.echo(f"Kept as an example of rule {rule.id}.")


def is_a_person_there() -> bool:
    """Whether the command can ask: it reads from a terminal."""
    return sys.stdin.isatty()


def _states(state: Path | None) -> list[Path]:
    """The folder of jobs that is named, or all of this user."""
    return known_states() if state is None else [state]


def _state_of(job: str, state: Path | None) -> Path:
    """The folder that holds a job; one's own if none does."""
    return next((folder for folder in _states(state) if JobStore(folder).knows(job)), state or own_state())


def _state_with(case: int, state: Path | None) -> Path:
    """The folder that holds an open case; one's own if none does.

    Raises:
        InvalidRequest: several do.
    """
    found = [folder for folder in _states(state) if is_open(JobStore(folder), case)]
    if len(found) > 1:
        raise InvalidRequest(
            f"There are {len(found)} cases {case}: say with --state which, {' or '.join(map(str, found))}."
        )
    return found[0] if found else state or own_state()


def _source(path: str, reading: dict[str, Any]) -> TableSource:
    return TableSource(path=_absolute(path), **{name: value for name, value in reading.items() if value is not None})


def _absolute(path: str) -> str:
    return path if is_address(path) else str(Path(path).absolute())


def _scope(
    output: str | None, force: bool, escape_formulas: bool, dataset: str | None, rules: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "output": None if output is None else _absolute(output),
        "overwrite": force,
        "escape_formulas": escape_formulas,
        "dataset": dataset,
        "rules": list(rules),
    }


def _jobs(model: str, knowledge: Path | None, state: Path | None, workers: Workers | None = None) -> Jobs:
    """The jobs of a person at a shell, who may name any file."""
    opened: list[Preprocessor] = []
    command = click.get_current_context()
    if workers is not None:
        # Now, so that nothing is read first where they cannot be had.
        Places.of(workers["workers"], workers["cluster"], workers["threads_per_worker"])

    def decider() -> Decider:
        if not opened:
            opened.append(Preprocessor(model, knowledge, **(workers or UNNAMED)))
            if opened[0].pool is not None:
                command.call_on_close(opened[0].close)
        return opened[0].decider

    return Jobs(decider, Disk(), state)


def _carry_out(
    request: AnyJobRequest, model: str, knowledge: Path | None, state: Path | None, workers: Workers
) -> None:
    _watch(_jobs(model, knowledge, state, workers), lambda held: held.start(request, wait=0))


def _watch(held: Jobs, begin: Callable[[Jobs], Job]) -> None:
    """Follow a job to its end with a progress bar; Ctrl-C stops it so that it can be resumed."""
    with interruptible() as stop, stages() as stage:
        job = begin(held)
        while job.status in ("waiting", "running"):
            if stop.is_set():
                with suppress(InvalidRequest):  # It may have ended in this very moment.
                    held.cancel(job.id)
            stage(job.stage)(job.done, job.total)
            job = held.wait(job.id, _LOOK)
    if job.status == "failed":
        raise TableUnavailable(job.error or f"The job {job.id} failed.")
    if job.status != "done":
        click.echo(f"Stopped; `dp-tools jobs resume {job.id}` goes on where it was.", err=True)
        click.get_current_context().exit(130)
    _report(job)


def _report(job: Job) -> None:
    if job.result is None:
        raise InvalidRequest(f"The job {job.id} has no result.")
    click.echo(job.result.summary, err=True)
    for file in job.result.files:
        click.echo(f"{file.path}: {file.what}", err=True)
    click.echo(json.dumps({"job": job.id, **job.result.figures}))
    if job.result.figures.get("unanswered"):
        click.get_current_context().exit(1)
