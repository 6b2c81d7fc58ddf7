"""Writes docs/reference/commands.md from the commands: `python docs/make_commands.py`. A test holds them together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from dp_tools.cli import main

PAGE = Path(__file__).with_name("reference") / "commands.md"
HEAD = """\
# Commands

Every command with its arguments and options. This page is written by `python docs/make_commands.py` from the commands
themselves; `dp-tools COMMAND --help` says the same.

Exit codes: 0 done; 1 done, but something got no answer; 2 bad input, with one sentence that says what to do; 130
interrupted.
"""


def reference() -> str:
    """The page."""
    context = click.Context(main, info_name="dp-tools")
    sections = [HEAD]
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        sections += _sections(command, click.Context(command, info_name=name, parent=context))
    return "\n".join(sections)


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    """A command and, if it is a group, the commands under it."""
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    text = "\n".join(line.strip() for line in (command.help or "").splitlines()).strip()
    rows = [record for parameter in _options(command) if (record := parameter.get_help_record(context))]
    options = "\n".join(f"| `{_cell(names)}` | {_cell(said)} |" for names, said in rows)
    table = f"\n| option | |\n| --- | --- |\n{options}\n" if options else ""
    yield f"## {context.command_path}\n\n```text\n{usage}\n```\n\n{text}\n{table}"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _sections(child, click.Context(child, info_name=name, parent=context))


def _options(command: click.Command) -> list[click.Parameter]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
