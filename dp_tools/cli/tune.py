"""`dp-tools tune`: train an adapter of the embedded model for one dataset."""

from __future__ import annotations

from pathlib import Path

import click

from dp_tools.adapters.user_adapter import reviewed, tune_user_adapter
from dp_tools.cli.answering import MODEL
from dp_tools.cli.rules import FILE, STORE
from dp_tools.evaluation.labelled_cases import read_labelled
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.scope import TASKS


@click.command()
@click.option("--dataset", required=True, help="Dataset that calls will name.")
@click.option("--task", type=click.Choice(TASKS), required=True, help="Task of the labelled cases.")
@click.option("--examples", type=FILE, help="File of labelled cases (default: the labelled examples of your rules).")
@click.option("--attribute", help="For imputation from CSV: attribute whose value the label is.")
@click.option(
    "--prevalence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of yes in the data, if the labelled cases were sampled at another rate.",
)
@MODEL
@STORE
@click.option("--seed", default=13, show_default=True, help="Random seed for the held-out cases.")
def tune(
    dataset: str,
    task: str,
    examples: Path | None,
    attribute: str | None,
    prevalence: float | None,
    model: str,
    knowledge: Path | None,
    seed: int,
) -> None:
    """Train an adapter for one dataset and task from 20 to 2,000 labelled cases.

    The adapter is kept in your data folder and used for every call that names the dataset. A quarter of the cases is
    held out to score it; an adapter that scores below the model without it is not installed.
    """
    with Preprocessor(model, knowledge) as preprocessor:
        split = (
            reviewed(preprocessor.knowledge, task=task, dataset=dataset)
            if examples is None
            else read_labelled(examples, task=task, dataset=dataset, attribute=attribute)
        )
        tuned = tune_user_adapter(preprocessor, split, dataset, prevalence=prevalence, seed=seed, report=report_step)
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


def report_step(step: int, steps: int, loss: float, left: float) -> None:
    """Say on stderr how far a training is."""
    click.echo(f"step {step} of {steps}, loss {loss:.3f}, {left / 60:.0f} minutes left", err=True)
