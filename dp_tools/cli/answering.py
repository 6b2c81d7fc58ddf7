"""What the task commands share: their options, the progress bar, Ctrl-C, and the summary at the end."""

from __future__ import annotations

import functools
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from dp_tools.cli.records import write_records
from dp_tools.cli.workers import WORKERS
from dp_tools.engine.ahead import chunks_ahead, in_order
from dp_tools.engine.alone import alone
from dp_tools.profiling import Facts
from dp_tools.progress import Stage
from dp_tools.tasks.task import Answer, Item, Request, UsedRule

if TYPE_CHECKING:
    from dp_tools.decision import Decider
    from dp_tools.tables.asking import Work

HEARTBEAT_S = 8.0
"""Something is said at least this often, where a terminal would show a bar."""
CHUNK = 200
"""Records in one request: enough to share prompts, few enough to write as we go."""

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per line.")
MODEL = click.option(
    "--model",
    default="nano",
    show_default=True,
    help="Model name, nano+ADAPTER, path of a GGUF, or hf:owner/repo/file.",
)
ESCAPE = click.option(
    "--escape-formulas",
    is_flag=True,
    help="Prefix values that a spreadsheet would run as formulas with an apostrophe (CSV results only).",
)
OPTIONS = (
    click.option(
        "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Output CSV file (default: stdout)."
    ),
    click.option("--force", is_flag=True, help="Replace the output file if it exists."),
    click.option("--dataset", help="Name of the dataset; selects the rules that apply."),
    click.option("--rule", "rules", multiple=True, help="Rule for this call only (repeatable)."),
    MODEL,
    click.option("--knowledge", type=click.Path(path_type=Path), help="Knowledge store (default: your own)."),
    click.option("--fallback-model", help="Second model, asked again where the first one is unsure."),
    click.option("--no-cache", is_flag=True, help="Do not use or update the cache of answers."),
    ESCAPE,
    *WORKERS,
)


@dataclass
class Tally:
    """What happened to the items, for the summary and the exit code."""

    answers: Counter[str] = field(default_factory=Counter)
    deciders: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    rules: dict[str, UsedRule] = field(default_factory=dict)
    model: str = ""
    promise: str = ""

    def add(self, item: Item, answer: str | None) -> None:
        """Count one item under what it was answered."""
        self.answers["no answer" if item.failure else answer or "cannot tell"] += 1
        self.deciders[item.decided_by] += 1
        if item.failure:
            self.failures[item.failure] += 1


@dataclass
class Session:
    """One command's settings and its way to the model."""

    output: Path | None
    force: bool
    dataset: str | None
    rules: tuple[str, ...]
    model: str
    knowledge: Path | None
    fallback_model: str | None
    no_cache: bool
    escape_formulas: bool
    workers: int | None
    cluster: str | None
    threads_per_worker: int | None
    tally: Tally = field(default_factory=Tally)

    @property
    def scope(self) -> dict[str, Any]:
        """The fields that every request shares."""
        return {"dataset": self.dataset, "rules": list(self.rules)}

    def answers(
        self, requests: Sequence[Request], sizes: Sequence[int], facts: Facts | None = None
    ) -> Iterator[Answer]:
        """Answer requests one after the other under one progress bar.

        Args:
            requests: the requests.
            sizes: how many questions each makes.
            facts: facts of whole columns, for tasks that take them.
        """
        wait_for_weights(self.model)
        total, done = sum(sizes), 0
        with self.deciding() as decider, bar(total) as advance, interruptible() as cancel:
            readies = (decider.ready(request, facts) for request in requests)
            further = partial(chunks_ahead, decider.engine)
            for ready, size in zip(in_order(readies, further, decider.ask_ahead), sizes, strict=True):
                with alone():
                    answer = decider.answer_ready(ready, cancel=cancel, progress=onward(advance, done))
                done += size
                advance(done)
                self.tally.rules |= {f"{rule.id}@{rule.version}": rule for rule in answer.rules}
                self.tally.model = answer.model
                yield answer

    @contextmanager
    def deciding(self) -> Iterator[Decider]:
        """What answers, open for as long as it is needed."""
        from dp_tools.preprocessor import Preprocessor

        cache: Literal[False] | None = False if self.no_cache else None
        with Preprocessor(
            self.model,
            self.knowledge,
            fallback_model=self.fallback_model,
            cache=cache,
            workers=self.workers,
            cluster=self.cluster,
            threads_per_worker=self.threads_per_worker,
        ) as preprocessor:
            yield preprocessor.decider

    @contextmanager
    def working(self) -> Iterator[Work]:
        """Work on a whole table, which shows how far it is and stops at Ctrl-C."""
        from dp_tools.tables.asking import NoJournal, Work

        wait_for_weights(self.model)
        with self.deciding() as decider, stages() as stage, interruptible() as cancel:

            def report(name: str, done: int, total: int) -> None:
                stage(name)(done, total)

            yield Work(decider, NoJournal(), partial(report, "asking"), cancel, report)

    def write(self, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write the rows as they come, then say on stderr what happened; exit with 1 if something got no answer."""
        started = time.perf_counter()
        write_records(self.output, header, rows, force=self.force, escape=self.escape_formulas)
        seconds = time.perf_counter() - started
        self._summarise(seconds)
        if self.tally.failures:
            click.get_current_context().exit(1)

    def _summarise(self, seconds: float) -> None:
        tally = self.tally
        table = Table(show_header=False, box=None, pad_edge=False)
        for answer, count in tally.answers.most_common(12):
            table.add_row(answer, str(count))
        if decided := tally.deciders["check"] + tally.deciders["example"]:
            table.add_row("decided by rules", str(decided))
        for failure, count in tally.failures.items():
            table.add_row(f"no answer ({count})", failure)
        table.add_row("rules used", ", ".join(tally.rules) or "none")
        table.add_row("model", tally.model)
        if tally.promise:
            table.add_row("not all asked", tally.promise)
        table.add_row("time", f"{seconds:.1f} s, {tally.answers.total() / max(seconds, 1e-9):.1f} a second")
        if self.output is not None:
            table.add_row("written", str(self.output))
        Console(stderr=True).print(table)


C = TypeVar("C", bound=Callable[..., Any])


def task_command(function: C) -> C:
    """Give a command the options that all tasks share; it gets them as a `Session`."""

    @functools.wraps(function)
    def run(**options: Any) -> Any:
        names = (
            "output",
            "force",
            "dataset",
            "rules",
            "model",
            "knowledge",
            "fallback_model",
            "no_cache",
            "escape_formulas",
            "workers",
            "cluster",
            "threads_per_worker",
        )
        return function(session=Session(**{name: options.pop(name) for name in names}), **options)

    for option in reversed(OPTIONS):
        run = option(run)
    return run  # type: ignore[return-value]


def _on_stderr(text: str) -> None:
    click.echo(text, err=True)


def wait_for_weights(model: str, say: Callable[[str], object] = _on_stderr) -> None:
    """Wait until the weights are optimized for this machine, which happens once, and say so.

    Raises:
        Cancelled: Ctrl-C.
    """
    from dp_tools.engine.background_optimize import wait_until_optimized
    from dp_tools.models.catalogue import resolve
    from dp_tools.models.optimized import note_of, optimized_path

    spec = resolve(model)
    if not spec.optimizable or note_of(optimized_path(spec)).exists():
        return
    say(f"Optimizing {spec.name} for this machine, once: ten seconds on a fast one, a minute or more on others.")
    reported = 0.0

    def waiting(seconds: float) -> None:
        nonlocal reported
        if seconds - reported >= HEARTBEAT_S:
            reported = seconds
            say(f"  ... {seconds:.0f} s")

    with interruptible() as cancel:
        wait_until_optimized(spec, waiting=waiting, cancel=cancel)


@contextmanager
def stages() -> Iterator[Stage]:
    """A progress bar on stderr; what it yields begins a stage by its name. Nothing is shown in a pipe."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=None)

        def begin(name: str) -> Callable[[int, int], None]:
            return lambda done, total: progress.update(task, description=name, completed=done, total=total or None)

        yield begin


@contextmanager
def bar(total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr; what it yields is called with how many are done. Nothing is shown in a pipe."""
    with stages() as stage:
        tell = stage("asking")
        tell(0, total)
        yield lambda done: tell(done, total)


def onward(advance: Callable[[int], None], start: int) -> Callable[[int, int], None]:
    """The progress of one request as progress of the whole, which had `start` done before it."""
    return lambda done, _: advance(start + done)


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; a second one interrupts at once."""
    cancel = threading.Event()

    def stop(*_: object) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()

    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
