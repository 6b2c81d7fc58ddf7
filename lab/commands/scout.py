"""`python -m lab scout`: whether counted evidence settles enough single questions before the model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from dp_tools.cli.answering import MODEL
from dp_tools.evaluation.datasets import read_datasets
from dp_tools.preprocessor import Preprocessor
from lab.benchmarks.scout import Tried, fit_bands, left_out, line, sample_of, seen, trees, tried

_FOLDERS = ("EM", "ED", "SM")
_ALLOWED = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_LEARN = 400, 900
"""Cases of each train split that a scout learns from, yes and no."""
_FAMILIES = 3
"""One to try, one to fit bands on, one to learn from."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of labelled data.")
@click.option("--only", multiple=True, metavar="TASK[/DATASET]", help="Try only these; repeatable.")
@click.option("--yes", type=click.IntRange(min=1), default=60, show_default=True, help="Cases of each valid split.")
@click.option("--no", type=click.IntRange(min=1), default=100, show_default=True, help="The same of the other label.")
@MODEL
def scout(data: Path, only: Sequence[str], yes: int, no: int, model: str) -> None:
    """Let counted evidence answer before the model, one family of datasets left out at a time.

    The scout learns from train splits, its bands are fitted on train splits of families that it did not learn from, and
    both are tried on valid splits of one more family; beside it, one that has seen half of every train split. Writes a
    Markdown table for each task: how often the scout may be wrong, for each yes; F1 of the model alone and of the
    cascade; and the share of questions that the scout settles.
    """
    with Preprocessor(model, ":memory:", cache=False, adapters=False) as preprocessor:
        decider = preprocessor.decider
        for folder in _FOLDERS:
            every = [dataset for dataset in read_datasets(data) if dataset.folder == folder]
            train = [sample_of(decider, one, "train", *_LEARN, ask=False) for one in every if "train" in one.files]
            if len({sample.family for sample in train}) < _FAMILIES:
                click.echo(f"{folder}: fewer than {_FAMILIES} families of datasets with a train split, not tried.")
                continue
            wanted = [one for one in every if "valid" in one.files and (not only or one.among(only))]
            valid = [sample_of(decider, one, "valid", yes, no, ask=True) for one in wanted]
            if not valid:
                continue
            for sample in valid:
                click.echo(f"{sample.name}: {sample.open.sum()} asked, {1000 * sample.seconds:.0f} ms each", err=True)
            click.echo(
                f"\n| {folder} | tables | wrong for each yes | F1 alone | F1 of both | settled | settled by dataset |"
            )
            click.echo("| --- | --- | --: | --: | --: | --: | --- |")
            for learner in (line, trees):
                for way in (left_out, seen):
                    found = way(train, valid, learner)
                    who = f"{learner.__name__} | {way.__name__.replace('_', ' ')}"
                    for allowed in _ALLOWED:
                        _row(who, allowed, [tried(one, x, fit_bands(held, allowed)) for one, x, held in found])


def _row(who: str, allowed: float, found: Sequence[Tried]) -> None:
    alone, both, settled = (np.mean([getattr(one, name) for one in found]) for name in ("alone", "cascade", "settled"))
    each = ", ".join(f"{one.name} {one.settled:.0%} ({100 * (one.cascade - one.alone):+.1f})" for one in found)
    click.echo(f"| {who} | {allowed:.1%} | {100 * alone:.2f} | {100 * both:.2f} | {settled:.1%} | {each} |")
