"""`dp-tools tune`: train the embedded model's adapter, or one of your own for a dataset."""

from __future__ import annotations

from pathlib import Path

import click

from dp_tools.cli.answering import MODEL
from dp_tools.cli.calibrate import write_calibration
from dp_tools.cli.rules import FILE, STORE
from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.rules.scope import TASKS
from dp_tools.tuning.mix.recipe import INGREDIENTS, Recipe
from dp_tools.tuning.train import Settings


@click.command()
@click.option("--dataset", help="Make an adapter of your own for this dataset, out of 20 to 2,000 labelled cases.")
@click.option("--task", type=click.Choice(TASKS), help="With --dataset: that of the cases; with --data: the only one.")
@click.option("--examples", type=FILE, help="With --dataset: the cases; without it, the examples of your rules.")
@click.option("--attribute", help="With --dataset, for imputation from CSV: what the label is the value of.")
@click.option(
    "--prevalence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="With --dataset: the share of yes in use, where the labelled cases were picked otherwise.",
)
@MODEL
@STORE
@click.option("--data", type=click.Path(path_type=Path), help="Folder of labelled instances, for a whole adapter.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="With --data: folder for adapter, log, checkpoint.")
@click.option("--size", default=1.0, show_default=True, help="Lessons, as a multiple of the full mix.")
@click.option("--rounds", default=Recipe().rounds, show_default=True, help="How often the mix is made, each time anew.")
@click.option("--rules", default=Recipe().rules, show_default=True, help="Lessons under rules, as a multiple.")
@click.option("--longest", default=Settings().longest, show_default=True, help="Longest lesson, in tokens.")
@click.option("--epochs", default=Settings().epochs, show_default=True, help="Passes over the lessons.")
@click.option("--steps", type=click.IntRange(min=1), help="End after so many; the same on every machine.")
@click.option("--minutes", type=float, help="End after this time; the learning rate falls in time.")
@click.option("--tokens", default=Settings().tokens, show_default=True, help="Tokens a step; 2600 suits a CPU.")
@click.option("--rate", default=Settings().rate, show_default=True, help="Peak learning rate.")
@click.option("--leave-out", multiple=True, metavar="TASK[/DATASET]", help="What not to learn from; repeatable.")
@click.option("--without", multiple=True, type=click.Choice(INGREDIENTS), help="An ingredient to leave out.")
@click.option("--start", type=FILE, help="An adapter of this rank to go on from, instead of a fresh one.")
@click.option(
    "--valid",
    default=240,
    show_default=True,
    help="Instances of each valid split to calibrate on; 0 for no calibration.",
)
@click.option("--device", default="cpu", show_default=True, help="cpu, or a torch device such as cuda.")
@click.option("--seed", default=Recipe().seed, show_default=True, help="Same seed, same mix and order.")
def tune(
    dataset: str | None,
    task: str | None,
    examples: Path | None,
    attribute: str | None,
    prevalence: float | None,
    model: str,
    knowledge: Path | None,
    data: Path | None,
    out: Path | None,
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
    """Train an adapter for the embedded model.

    With --dataset and --task: one of your own, kept in your data folder, that answers every call which names the
    dataset. A quarter of the cases is held back to score it, and one that answers worse is not installed.

    With --data and --out: a whole adapter from a folder of labelled data, as the shipped one was made, calibrated on
    the valid splits. It goes on from its checkpoint when called again with the same options. Every command that takes
    --model answers with it: --model nano+OUT/adapter.gguf.
    """
    if dataset is not None and task is not None:
        _own(dataset, task, examples, attribute, prevalence, model, knowledge, seed)
        return
    if data is None or out is None:
        raise InvalidRequest(
            "Give --dataset and --task for an adapter of your own, or --data and --out for a whole one."
        )
    from dp_tools.tuning import tune as tuning

    recipe = Recipe(
        seed=seed,
        size=size,
        rounds=rounds,
        rules=rules,
        leave_out=frozenset(leave_out),
        task=task,
        **dict.fromkeys(without, False),
    )
    settings = Settings(
        rate=rate, epochs=epochs, tokens=tokens, longest=longest, steps=steps, minutes=minutes, seed=seed
    )
    adapter = tuning.tune(data, out, recipe, settings, start=start, device=device, report=_report)
    if valid:
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


def _own(
    dataset: str,
    task: str,
    examples: Path | None,
    attribute: str | None,
    prevalence: float | None,
    model: str,
    knowledge: Path | None,
    seed: int,
) -> None:
    from dp_tools.preprocessor import Preprocessor
    from dp_tools.tuning.labelled import read_labelled
    from dp_tools.tuning.own import reviewed, tune_own

    with Preprocessor(model, knowledge) as preprocessor:
        split = (
            reviewed(preprocessor.knowledge, task=task, dataset=dataset)
            if examples is None
            else read_labelled(examples, task=task, dataset=dataset, attribute=attribute)
        )
        tuned = tune_own(preprocessor, split, dataset, prevalence=prevalence, seed=seed, report=_report)
    about = tuned.about
    click.echo(
        f"{about.metric} on {about.held} held-back cases: {about.before:.2f} without it, {about.after:.2f} with it; "
        f"learned from {about.cases}"
    )
    click.echo(
        f"installed: {tuned.installed}"
        if tuned.installed
        else "Not installed: it answers worse than the model without it. More cases, or cases of both labels, may help."
    )


def _report(step: int, steps: int, loss: float, left: float) -> None:
    click.echo(f"step {step} of {steps}, loss {loss:.3f}, {left / 60:.0f} minutes left", err=True)
