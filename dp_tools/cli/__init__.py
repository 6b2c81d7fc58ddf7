"""The commands: the same tasks for a shell. Each is imported when it is called, so that help and `serve` start at once.

Exit codes: 0 done; 1 done, but something got no answer; 2 bad input, with one sentence that says what to do; 130
interrupted.
"""

from __future__ import annotations

import atexit
import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import click

from dp_tools.errors import Cancelled, DpToolsError

COMMANDS = {
    "detect": ("dp_tools.cli.tasks:detect", "Find the wrong cells of a table."),
    "impute": ("dp_tools.cli.tasks:impute", "Fill the gaps of one column."),
    "match": ("dp_tools.cli.tasks:match", "Say which pairs of records are the same thing."),
    "match-schemas": ("dp_tools.cli.tasks:match_schemas", "Find the columns of two tables that mean the same."),
    "annotate": ("dp_tools.cli.tasks:annotate", "Choose a type for each column."),
    "extract": ("dp_tools.cli.tasks:extract", "Extract values from texts."),
    "ask": ("dp_tools.cli.tasks:ask", "Follow your own instruction for each record."),
    "explain": ("dp_tools.cli.explain:explain", "Explain an answer."),
    "profile": ("dp_tools.cli.tables:profile", "Profile a table."),
    "clean": ("dp_tools.cli.tables:clean", "Find and repair the wrong cells of a whole table."),
    "label": ("dp_tools.cli.labels:label", "Choose the rows of a table whose labels teach most."),
    "learned": ("dp_tools.cli.labels:learned", "List and remove what was learned from labels."),
    "fill": ("dp_tools.cli.tables:fill", "Fill the missing values of one column of a whole table."),
    "undo": ("dp_tools.cli.tables:undo", "Restore the original of a cleaned table."),
    "match-tables": ("dp_tools.cli.tables:match_tables", "Find matching records in two tables."),
    "dedupe": ("dp_tools.cli.tables:dedupe", "Find duplicate records in a table."),
    "label-pairs": ("dp_tools.cli.label_pairs:label_pairs", "Label pairs of records for a match to learn from."),
    "entities": ("dp_tools.cli.entities:entities", "Look up, merge, split and export the entities of a register."),
    "jobs": ("dp_tools.cli.tables:jobs", "List, show, resume and cancel jobs on whole tables."),
    "reviews": ("dp_tools.cli.tables:reviews", "Review the cases that jobs left to a person."),
    "rules": ("dp_tools.cli.rules:rules", "Manage the rules that steer the answers."),
    "models": ("dp_tools.cli.models:models", "List models and optimize the embedded one."),
    "serve": ("dp_tools.cli.serve:serve", "Serve the tools to agents and chat clients over MCP."),
    "workbench": ("dp_tools.cli.serve:workbench", "Open the workbench in a browser."),
    "demo": ("dp_tools.cli.demo:demo", "Clean and match example tables through a real server."),
    "tune": ("dp_tools.cli.tune:tune", "Train an adapter for one of your datasets."),
    "bench": ("dp_tools.cli.bench:bench", "Measure the model on a folder of labelled data."),
}
"""Where each command is, and what it is for."""


INTERRUPTED = 130
"""Exit code of a command that was stopped."""


class Refused(click.ClickException):
    """Bad input: one sentence on stderr, exit code 2."""

    exit_code = 2


class LazyCommands(click.Group):
    """A group that imports a command when it is called."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = COMMANDS
    """Where each command is, and what it is for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self.table:
            return None
        module, name = self.table[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self.table.items()])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a program, which ends at once when it is stopped: threads of the model may be busy for minutes."""
        try:
            return super().__call__(*args, **kwargs)
        except SystemExit as ended:
            if ended.code == INTERRUPTED:
                atexit._run_exitfuncs()
                with suppress(OSError):
                    sys.stdout.flush()
                    sys.stderr.flush()
                os._exit(INTERRUPTED)
            raise

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Cancelled as stopped:
            click.echo(str(stopped), err=True)
            ctx.exit(INTERRUPTED)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(INTERRUPTED)
        except DpToolsError as error:
            raise Refused(str(error)) from error


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dp-tools")
def main() -> None:
    """Data preprocessing with a small language model on this machine, steered by your rules."""
