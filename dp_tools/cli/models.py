"""`dp-tools models`: which models can answer, and what each needs."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from dp_tools.models.catalogue import CATALOGUE


@click.command()
def models() -> None:
    """List the models that have a name. Any other GGUF answers too: give its path, or hf:owner/repository/file.gguf."""
    table = Table("name", "format", "context", "licence", "about", box=None, pad_edge=False)
    for spec in CATALOGUE.values():
        table.add_row(spec.name, spec.wire_format, f"{spec.context:,}", spec.licence, spec.note)
    console = Console()
    console.width = console.width if console.is_terminal else 200
    console.print(table)
