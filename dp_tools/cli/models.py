"""`dp-tools models`: which models can answer, what each needs, optimizing them, forgetting what they answered."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from dp_tools.models.catalogue import CATALOGUE
from dp_tools.models.formats import FORMATS, OTHER_FORMATS
from dp_tools.rules.scope import TASKS, key


@click.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the named models. Any other GGUF can be used by its path, or as hf:owner/repository/file.gguf."""
    if context.invoked_subcommand is not None:
        return
    table = Table("name", "format", "context", "licence", "about", box=None, pad_edge=False)
    for spec in CATALOGUE.values():
        table.add_row(spec.name, spec.prompt_template, f"{spec.context:,}", spec.licence, spec.note)
    _print(table)
    click.echo(f"\nnano on this machine: {_optimized()}")


def _optimized() -> str:
    """How the embedded model answers here, and why so."""
    from dp_tools.models.catalogue import resolve
    from dp_tools.models.optimized import being_made, find, optimized_path

    path = optimized_path(resolve("nano"))
    made = find(path)
    if made is not None:
        return f"{made.format}. {made.why}"
    if being_made(path):
        return "being optimized; until then the installed weights answer single calls over MCP."
    return "not optimized yet; this happens at the first question, or now with dp-tools models optimize."


@models.command()
@click.option("--again", is_flag=True, help="Optimize again even if optimized weights exist.")
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads for timing the formats (default: the physical cores)."
)
@click.option(
    "--format",
    "formats",
    type=click.Choice((*FORMATS, *OTHER_FORMATS)),
    multiple=True,
    help="Format to try (repeatable).",
)
def optimize(again: bool, threads: int | None, formats: tuple[str, ...]) -> None:
    """Rewrite the embedded model in the format that is fastest on this machine, with its adapter merged in.

    This also happens automatically, in the background, at the first question. The command times the formats in turn
    until two rounds agree within 10%.
    """
    from dp_tools.engine.format_choice import optimize_weights
    from dp_tools.models.catalogue import resolve

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("optimizing", total=1.0)

        def report(what: str, share: float) -> None:
            if not console.is_terminal and what != progress.tasks[0].description:
                click.echo(what, err=True)
            progress.update(task, description=what, completed=share)

        made = optimize_weights(
            resolve("nano"), threads=threads, report=report, again=again or bool(formats), formats=formats or FORMATS
        )
    table = Table("format", "tokens a second", "", box=None, pad_edge=False)
    for name, speed in made.tokens_per_second.items():
        table.add_row(name, f"{speed:,.0f}", "chosen" if name == made.format else "")
    _print(table)
    click.echo(f"{made.why}\n{made.path}")


@models.command()
def forget_answers() -> None:
    """Empty the cache of answers."""
    from dp_tools.engine.cache import AnswerCache, default_cache

    cache = AnswerCache(default_cache())
    count = cache.clear() if cache.path.exists() else 0
    click.echo(f"{count} answers forgotten.")


@models.command()
def adapters() -> None:
    """List the user adapters made by `dp-tools tune --dataset`, with their scores on held-out cases."""
    from dp_tools.models.catalogue import resolve
    from dp_tools.models.user_adapters import UserAdapters, base_of, default_folder

    base = base_of(resolve("nano"))
    table = Table("dataset", "task", "cases", "metric", "without", "with", "", box=None, pad_edge=False)
    for about in UserAdapters(default_folder()).all():
        scores = (about.metric, f"{about.before:.2f}", f"{about.after:.2f}")
        used = "" if about.base == base else "made for other weights: not used"
        table.add_row(about.dataset, about.task, str(about.cases), *scores, used)
    _print(table)


@models.command()
@click.argument("dataset")
@click.argument("task", type=click.Choice(TASKS))
def remove_adapter(dataset: str, task: str) -> None:
    """Remove a user adapter."""
    from dp_tools.models.user_adapters import UserAdapters, default_folder

    UserAdapters(default_folder()).remove(key(dataset), task)
    click.echo(f"removed: {task} on {dataset}")


def _print(table: Table) -> None:
    console = Console()
    console.width = console.width if console.is_terminal else 200
    console.print(table)
