"""`dp-tools tune`: train an adapter for the embedded model from labelled data."""

from __future__ import annotations

from pathlib import Path

import click

from dp_tools.tuning.mix.recipe import Recipe
from dp_tools.tuning.train import Settings


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of labelled instances.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder for adapter, log, checkpoint."
)
@click.option("--size", default=1.0, show_default=True, help="Lessons, as a multiple of the full mix of about 180,000.")
@click.option("--longest", default=Settings().longest, show_default=True, help="Longest lesson, in tokens.")
@click.option("--epochs", default=Settings().epochs, show_default=True, help="Passes over the lessons.")
@click.option("--minutes", type=float, help="End after this time; the learning rate falls in time.")
@click.option("--tokens", default=Settings().tokens, show_default=True, help="Tokens a step; 2600 suits a CPU.")
@click.option("--rate", default=Settings().rate, show_default=True, help="Peak learning rate.")
@click.option("--leave-out", multiple=True, metavar="TASK/DATASET", help="A dataset not to learn from; repeatable.")
@click.option("--device", default="cpu", show_default=True, help="cpu, or a torch device such as cuda.")
@click.option("--seed", default=Recipe().seed, show_default=True, help="Same seed, same mix and order.")
def tune(
    data: Path,
    out: Path,
    size: float,
    longest: int,
    epochs: float,
    minutes: float | None,
    tokens: int,
    rate: float,
    leave_out: tuple[str, ...],
    device: str,
    seed: int,
) -> None:
    """Train an adapter for the embedded model from labelled data.

    Goes on from its checkpoint when called again with the same options.
    """
    from dp_tools.tuning import tune as tuning

    def report(step: int, steps: int, loss: float, left: float) -> None:
        click.echo(f"step {step} of {steps}, loss {loss:.3f}, {left / 60:.0f} minutes left", err=True)

    recipe = Recipe(seed=seed, size=size, leave_out=frozenset(leave_out))
    settings = Settings(rate=rate, epochs=epochs, tokens=tokens, longest=longest, minutes=minutes, seed=seed)
    click.echo(str(tuning.tune(data, out, recipe, settings, device=device, report=report)))
