"""`python -m lab extraction`: fit and measure how far an extraction can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from dp_tools.cli.answering import MODEL
from dp_tools.engine import open_engine
from dp_tools.evaluation.datasets import read_datasets
from dp_tools.models.calibration import Calibration, PlattCalibration
from dp_tools.preprocessor import Preprocessor
from lab.extraction_calibration import (
    Extracted,
    by_hand,
    error,
    extracted,
    fit,
    for_the_score,
    from_tables,
    known_attributes,
    labelled,
    synthetic,
)

_SYNTHETIC, _LEARNED, _TEST = 150, 200, 300
"""Synthetic titles, instances of each train split, and instances of each test split that are asked."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder laid out as TASK/dataset/split.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Calibration file to add lines to.")
@click.option("--cache", type=click.Path(path_type=Path, file_okay=False), help="Where answers are kept.")
@MODEL
def extraction(data: Path, out: Path | None, cache: Path | None, model: str) -> None:
    """Fit the calibration of extraction and measure it.

    Printed are expected calibration errors, as the model gives its probabilities and as they are calibrated: of each
    kind of text by the lines of all other kinds, then of titles and test splits that no line is fitted on.
    """
    datasets = read_datasets(data)
    splits = {name: [one.split(name) for one in datasets if name in one.files] for name in ("train", "valid", "test")}
    learned, tests = ([s for s in splits[name] if s.task == "extract_values"] for name in ("train", "test"))
    tables = [split for split in splits["valid"] if split.task in ("match_entities", "impute")]
    asked = [*by_hand(), *from_tables(tables), *synthetic(_SYNTHETIC, seed=98765)]
    asked += [one for split in learned for one in labelled(split.sample(_LEARNED, seed=7))]
    others = {"titles for the score": for_the_score()}
    others |= {f"{split.dataset}, test": labelled(split.sample(_TEST, seed=7)) for split in tests}
    engine = open_engine(model, cache=cache or False, wait=True)
    with Preprocessor(model, ":memory:", engine=engine, adapters=False) as preprocessor:
        found = extracted(preprocessor.decider, asked)
        measured = {name: extracted(preprocessor.decider, questions) for name, questions in others.items()}
    known = known_attributes(learned)
    lines = report(found, measured, known)
    if out is not None:
        before = Calibration.load(out)
        Calibration({**before.by_task, **lines}, known).save(out)


def report(
    found: Sequence[Extracted], measured: Mapping[str, Sequence[Extracted]], known: frozenset[str]
) -> dict[str, PlattCalibration]:
    """Print what `extraction` prints.

    Args:
        found: what the lines are fitted on.
        measured: what they are measured on, by name.
        known: the attributes that the model has learned to extract.

    Returns:
        The lines.
    """
    together: list[tuple[Extracted, Mapping[str, PlattCalibration]]] = []
    for group in dict.fromkeys(one.asked.group for one in found):
        lines = fit([one for one in found if one.asked.group != group], known)
        own = [(one, lines) for one in found if one.asked.group == group]
        click.echo(_text(f"left out: {group}", own, known))
        together += own
    click.echo(_text("left out, all of them", together, known))
    lines = fit(found, known)
    for name, others in measured.items():
        click.echo(_text(name, [(one, lines) for one in others], known))
    for task, line in lines.items():
        click.echo(f"{task}: {', '.join(f'{name} {number}' for name, number in asdict(line).items())}")
    return lines


def _text(name: str, found: Sequence[tuple[Extracted, Mapping[str, PlattCalibration]]], known: frozenset[str]) -> str:
    right = sum(one.right for one, _ in found)
    before, after = error([(one, {}) for one, _ in found], known), error(found, known)
    return f"{name}: {right} of {len(found)} right, calibration error {100 * before:.1f} -> {100 * after:.1f}"
