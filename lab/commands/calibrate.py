"""`python -m lab calibrate`: fit a model's calibration on labelled data, to be kept beside its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from dp_tools.adapters.calibration_fit import Sample
from dp_tools.cli.answering import MODEL, bar, interruptible, onward
from dp_tools.engine import open_engine
from dp_tools.errors import TableUnavailable
from dp_tools.evaluation.datasets import covers, read_datasets
from dp_tools.evaluation.splits import Split
from dp_tools.models.calibration import under_rule_key
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.io.paths import new_file
from lab.benchmarks.reliability import VERDICTS, judged, judged_under_rules
from lab.conventions import HOUSE_CONVENTIONS
from lab.model_calibration import fit_calibration
from lab.synthetic.calibration_tables import synthetic_tables

_RARE = 0.1
_MORE = 10
"""The rarer a yes than one in ten, the more instances are looked at, up to ten times as many: a false yes among a few
hundred negatives would stand for dozens, and the threshold would hang on it."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder laid out as TASK/dataset/split.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="JSON file to write.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    help="Instances of each dataset; more where a yes is rare, ten times as many where it is one in a hundred.",
)
@click.option("--leave-out", multiple=True, metavar="TASK[/DATASET]", help="What not to look at; repeatable.")
@MODEL
def calibrate(data: Path, out: Path, force: bool, limit: int, leave_out: tuple[str, ...], model: str) -> None:
    """Fit a model's calibration on the valid splits of a folder of labelled data.

    Each task gets a line on the logit scale, and a verdict the threshold nearest to one half of those whose F1 is
    within a point of the best; datasets count the same. Where errors are among the tasks, two synthetic tables,
    which nobody has learned from, count as datasets, too. Cells that a rule is about get a line of their own, fitted
    on cells of the valid tables under synthetic rules.
    """
    if out.exists() and not force:
        raise TableUnavailable(f"{out} exists already: give another name, or --force to replace it.")
    write_calibration(data, out, model=model, limit=limit, leave_out=leave_out, overwrite=force)


def calibration_sample(split: Split, limit: int) -> tuple[Split, float, float]:
    """A sample to calibrate on, and how many instances each of its positive and of its negative ones stands for."""
    if split.task not in VERDICTS:
        return split.sample(limit), 1.0, 1.0
    if split.task == "detect_errors":
        split = split.without(HOUSE_CONVENTIONS.get(split.dataset, ()))
    rate = split.rate
    times = min(_RARE / rate, _MORE) if 0 < rate < _RARE else 1
    return split.enriched(round(times * limit))


def _valid_splits(data: Path, leave_out: Sequence[str]) -> list[Split]:
    splits = [
        dataset.split("valid")
        for dataset in read_datasets(data)
        if "valid" in dataset.files and not dataset.among(leave_out)
    ]
    if not splits:
        raise TableUnavailable(f"No dataset in {data} has a valid split to calibrate on: add valid.jsonl to one.")
    return splits


def write_calibration(
    data: Path, out: Path, *, model: str, limit: int, leave_out: Sequence[str], overwrite: bool
) -> None:
    """Fit and write a calibration, with a bar.

    Raises:
        TableUnavailable: there is no valid split to calibrate on, or the file is there and may not be replaced.
    """
    splits = _valid_splits(data, leave_out)
    cells = [split for split in splits if split.task == "detect_errors" and split.table]
    synthetic = synthetic_tables() if cells else []
    synthetic = [split for split in synthetic if not covers(leave_out, split.folder, split.dataset)]
    # Where few cases are yes, a sample at their natural rate would hold next to none.
    chosen = [calibration_sample(split, limit) for split in (*splits, *synthetic)]
    samples: dict[str, list[Sample]] = {}
    under_rules = 2 * limit if cells else 0
    total, done = sum(len(split.instances) for split, _, _ in chosen) + under_rules, 0
    engine = open_engine(model, cache=False, wait=True)
    with (
        Preprocessor(model, ":memory:", engine=engine, adapters=False) as preprocessor,
        bar(total) as advance,
        interruptible() as cancel,
    ):
        for split, yes, no in chosen:
            found = judged(preprocessor, split, progress=onward(advance, done), cancel=cancel)
            samples.setdefault(split.task, []).append(Sample(found, yes, no))
            done += len(split.instances)
            click.echo(f"{split.folder}/{split.dataset}: {len(split.instances)} judged, {done} of {total}", err=True)
        if cells:
            found = judged_under_rules(preprocessor, cells, under_rules, progress=onward(advance, done), cancel=cancel)
            samples[under_rule_key("detect_errors")] = [Sample(found)]
    calibration = fit_calibration(samples, VERDICTS | {under_rule_key("detect_errors")})
    with new_file(out, overwrite=overwrite) as part:
        calibration.save(part)
    for task, line in calibration.by_task.items():
        click.echo(f"{task}: {', '.join(f'{name} {number}' for name, number in asdict(line).items())}")
