"""Entity registers as commands: look up, merge, split, undo and export the entities that `dedupe --register` keeps."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import BaseModel

from dp_tools.cli.answering import ESCAPE
from dp_tools.errors import InvalidRequest
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.entities.export import export_mapping
from dp_tools.tables.entities.register import Register, register_path
from dp_tools.tables.jobs.job_store import own_state

C = TypeVar("C", bound=Callable[..., Any])
_OPTIONS = (
    click.argument("name", metavar="REGISTER"),
    click.option("--dataset", help="Name of the dataset; selects the rules of survival."),
    click.option("--knowledge", type=click.Path(path_type=Path), help="Knowledge store (default: your own)."),
    click.option(
        "--state", type=click.Path(path_type=Path, file_okay=False), help="Folder of jobs (default: your own)."
    ),
)
_LIMIT = click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Maximum number.")
_WHY = click.option("--why", default="", help="Reason, kept in the history.")


def with_register(function: C) -> C:
    """Give a command REGISTER and its options; it gets the open register as `register`."""

    @wraps(function)
    def run(name: str, dataset: str | None, knowledge: Path | None, state: Path | None, **options: Any) -> Any:
        with KnowledgeStore.open(knowledge) as store:
            return function(Register(register_path(name, state or own_state()), store, dataset), **options)

    decorated: Callable[..., Any] = run
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value]


@click.group()
def entities() -> None:
    """Look up, merge, split and export the entities of a register.

    REGISTER is a name given to `dp-tools dedupe --register`, or the path of its file. Results are JSON, one object per
    line.
    """


@entities.command("list")
@with_register
@_LIMIT
@click.option("--offset", type=click.IntRange(0), default=0, help="Number of entities to skip.")
def list_entities(register: Register, limit: int, offset: int) -> None:
    """List entities by their ids, with their merged values and records."""
    _print(register.entities(limit, offset))
    click.echo(f"{len(register):,} entities.", err=True)


@entities.command()
@with_register
@click.argument("entity", type=int)
def show(register: Register, entity: int) -> None:
    """Show ENTITY with its merged values and its records."""
    _print([register.entity(entity)])


@entities.command()
@with_register
@click.argument("values", nargs=-1, required=True, metavar="COLUMN=VALUE...")
@_LIMIT
def who(register: Register, values: tuple[str, ...], limit: int) -> None:
    """Find the entities that a record may be of, the likeliest first, without a model."""
    record: dict[str, str | None] = {}
    for text in values:
        column, equals, value = text.partition("=")
        if not equals or column not in register.settings.columns:
            raise InvalidRequest(f"{text!r} is no COLUMN=VALUE: choose from {', '.join(register.settings.columns)}.")
        record[column] = value
    _print(register.who(record, limit))


@entities.command()
@with_register
@_LIMIT
def waiting(register: Register, limit: int) -> None:
    """List what waits for a person: entities that may be one, and entities that may be several (`other` is null)."""
    _print(register.waiting(limit))


@entities.command()
@with_register
@click.argument("entities", nargs=-1, required=True, type=int, metavar="ENTITY...")
@_WHY
def merge(register: Register, entities: tuple[int, ...], why: str) -> None:
    """Merge entities into the one with the lowest id, or confirm that one is one. That binds over later files."""
    click.echo(register.merge(entities, who=getpass.getuser(), why=why))


@entities.command()
@with_register
@click.argument("entity", type=int)
@click.argument("other", type=int)
@_WHY
def apart(register: Register, entity: int, other: int, why: str) -> None:
    """Say that ENTITY and OTHER are not the same. That binds over later files."""
    register.keep_apart(entity, other, who=getpass.getuser(), why=why)


@entities.command()
@with_register
@click.argument("entity", type=int)
@click.argument("records", nargs=-1, required=True, type=int, metavar="RECORD...")
@_WHY
def split(register: Register, entity: int, records: tuple[int, ...], why: str) -> None:
    """Take records out of ENTITY into a new entity, and print its id. That binds over later files."""
    click.echo(register.split(entity, records, who=getpass.getuser(), why=why))


@entities.command()
@with_register
@click.argument("entity", required=False, type=int)
@_LIMIT
def history(register: Register, entity: int | None, limit: int) -> None:
    """Show the last steps of ENTITY, or of the whole register."""
    _print(register.history(entity, limit))


@entities.command()
@with_register
@click.argument("step", type=int)
@_WHY
def undo(register: Register, step: int, why: str) -> None:
    """Take STEP back, and nothing that came after it; undoing is a step itself."""
    click.echo(f"{register.undo(step, who=getpass.getuser(), why=why):,} records moved back.", err=True)


@entities.command()
@with_register
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Output file: .csv, .parquet, .sqlite or .duckdb.",
)
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@ESCAPE
def export(register: Register, output: Path, force: bool, escape_formulas: bool) -> None:
    """Write which record is of which entity: entity, record, source, then the record's columns."""
    count = export_mapping(register, output, overwrite=force, escape_formulas=escape_formulas)
    click.echo(f"{output}: {count:,} records.", err=True)


def _print(items: Iterable[BaseModel]) -> None:
    for item in items:
        click.echo(item.model_dump_json())
