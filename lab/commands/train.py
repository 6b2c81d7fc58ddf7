"""`python -m lab examples` and `python -m lab train`: train an adapter as the shipped one was made."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from dp_tools.adapters.train import Settings
from dp_tools.cli.rules import FILE
from dp_tools.cli.tables import options
from dp_tools.cli.tune import report_step
from dp_tools.errors import TableUnavailable
from dp_tools.rules.scope import TASKS
from dp_tools.tables.io.paths import new_file
from lab.commands.calibrate import write_calibration
from lab.examples_file import read_examples, write_examples
from lab.mixture.recipe import INGREDIENTS, Recipe
from lab.train_adapter import encoded_examples, train_adapter

_SEED = click.option("--seed", default=Recipe().seed, show_default=True, help="Same seed, same mixture and order.")
_MIXTURE = (
    click.option("--task", type=click.Choice(TASKS), help="The only task to teach (default: all)."),
    click.option("--size", default=1.0, show_default=True, help="Examples, as a multiple of the full mixture."),
    click.option("--rounds", default=Recipe().rounds, show_default=True, help="How often the mixture is made anew."),
    click.option("--rules", default=Recipe().rules, show_default=True, help="Examples under rules, as a multiple."),
    click.option("--leave-out", multiple=True, metavar="TASK[/DATASET]", help="What not to learn from; repeatable."),
    click.option("--without", multiple=True, type=click.Choice(INGREDIENTS), help="An ingredient to leave out."),
)
_OF_MIXTURE = ("task", "size", "rounds", "rules", "leave_out", "without")


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of labelled instances.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
@options(_MIXTURE, (_SEED,))
def examples(
    data: Path,
    out: Path,
    task: str | None,
    size: float,
    rounds: int,
    rules: float,
    leave_out: tuple[str, ...],
    without: tuple[str, ...],
    seed: int,
) -> None:
    """Make the examples that `train --examples` learns from, so that a machine that is lent for minutes does not."""
    made = encoded_examples(data, _recipe(seed, size, rounds, rules, leave_out, task, without))
    with new_file(out) as part:
        write_examples(part, made)
    click.echo(f"{out}: {len(made):,} examples, {sum(map(len, made)):,} tokens, {out.stat().st_size:,} bytes")


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of labelled instances.")
@click.option("--examples", type=FILE, help="Examples that are made already, in place of --data.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder for adapter, log and checkpoint."
)
@options(_MIXTURE)
@click.option("--longest", default=Settings().longest, show_default=True, help="Longest example, in tokens.")
@click.option("--epochs", default=Settings().epochs, show_default=True, help="Passes over the examples.")
@click.option("--steps", type=click.IntRange(min=1), help="End after so many; the same on every machine.")
@click.option("--minutes", type=float, help="End after this time; the learning rate falls in time.")
@click.option("--tokens", default=Settings().tokens, show_default=True, help="Tokens a step; 2600 suits a CPU.")
@click.option("--rate", default=Settings().rate, show_default=True, help="Peak learning rate.")
@click.option("--start", type=FILE, help="An adapter of this rank to go on from, instead of a fresh one.")
@click.option(
    "--valid",
    default=240,
    show_default=True,
    help="Instances of each valid split to calibrate on; 0 for no calibration. Without --data there is none.",
)
@click.option("--device", default="cpu", show_default=True, help="cpu, or a torch device such as cuda.")
@options((_SEED,))
@click.pass_context
def train(
    context: click.Context,
    data: Path | None,
    examples: Path | None,
    out: Path,
    task: str | None,
    size: float,
    rounds: int,
    rules: float,
    longest: int,
    epochs: float,
    steps: int | None,
    minutes: float | None,
    tokens: int,
    rate: float,
    leave_out: tuple[str, ...],
    without: tuple[str, ...],
    start: Path | None,
    valid: int,
    device: str,
    seed: int,
) -> None:
    """Train an adapter for the embedded model from a folder of labelled data, and calibrate it on the valid splits.

    The same command with the same options goes on from its checkpoint. Every command that takes --model answers with
    the adapter: --model nano+OUT/adapter.gguf.
    """
    if (data is None) == (examples is None):
        raise click.UsageError("Give --data, a folder of labelled instances, or --examples, a file made from one.")
    if examples is not None and any(
        context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in _OF_MIXTURE
    ):
        raise click.UsageError("What is in a file of examples is fixed: give the options of the mixture to `examples`.")
    settings = Settings(
        rate=rate, epochs=epochs, tokens=tokens, longest=longest, steps=steps, minutes=minutes, seed=seed
    )
    if examples is not None:
        made = read_examples(examples)
    else:
        assert data is not None
        made = encoded_examples(data, _recipe(seed, size, rounds, rules, leave_out, task, without))
    adapter = train_adapter(made, out, settings, start=start, device=device, report=report_step)
    if valid and data is not None:
        try:
            write_calibration(
                data,
                out / "calibration.json",
                model=f"nano+{adapter}",
                limit=valid,
                leave_out=leave_out,
                overwrite=True,
            )
        except TableUnavailable as error:
            click.echo(f"Not calibrated. {error}", err=True)
    click.echo(str(adapter))


def _recipe(
    seed: int,
    size: float,
    rounds: int,
    rules: float,
    leave_out: tuple[str, ...],
    task: str | None,
    without: tuple[str, ...],
) -> Recipe:
    return Recipe(
        seed=seed,
        size=size,
        rounds=rounds,
        rules=rules,
        leave_out=frozenset(leave_out),
        task=task,
        **dict.fromkeys(without, False),
    )
