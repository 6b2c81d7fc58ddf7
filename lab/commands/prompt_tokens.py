"""`python -m lab prompt-tokens`: what each part of a prompt costs."""

from __future__ import annotations

from pathlib import Path

import click

from lab.benchmarks.prompt_tokens import measure_prompt_tokens

_EXAMPLES = Path(__file__).parents[2] / "examples"


@click.command("prompt-tokens")
def prompt_tokens() -> None:
    """Count the tokens of each part of the prompts about the example tables. Writes tables as Markdown."""
    found = measure_prompt_tokens(_EXAMPLES)
    click.echo("| task | part | tokens shown a prompt | tokens read a prompt | share of what is read |")
    click.echo("| --- | --- | ---: | ---: | ---: |")
    for task, tokens in found.items():
        count, whole = tokens.prompts, tokens.read.total()
        click.echo(f"| {task} | all of {count} prompts | {tokens.shown.total() / count:.1f} | {whole / count:.1f} | |")
        for part, shown in tokens.shown.most_common():
            read = tokens.read[part]
            click.echo(f"| | {part} | {shown / count:.1f} | {read / count:.1f} | {read / whole:.0%} |")
    click.echo("\n| task | kind of fact | tokens shown a prompt |\n| --- | --- | ---: |")
    for task, tokens in found.items():
        for kind, shown in tokens.facts.most_common():
            click.echo(f"| {task} | {kind} | {shown / tokens.prompts:.1f} |")
