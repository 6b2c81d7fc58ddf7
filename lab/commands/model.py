"""`python -m lab model`: what trainings give, beyond their scores.

It takes hours, and needs data that is not part of the project. What is done already is not done again, so
the same command goes on where it was stopped.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any, Literal

import click
import numpy as np
from gguf import GGUFReader

from dp_tools.adapters.adapter_file import write_matrices
from dp_tools.engine import open_engine
from dp_tools.evaluation.datasets import read_datasets
from dp_tools.evaluation.instances import Instance, instance_of
from dp_tools.evaluation.scores import Score, is_right, score
from dp_tools.evaluation.splits import Split, split_of
from dp_tools.preprocessor import Preprocessor
from dp_tools.tasks.task import Outcome
from lab.benchmarks.hand_titles import titles
from lab.commands.ablations import ablations
from lab.commands.trainings import (
    DATA,
    DEVICE,
    OTHER_TASKS,
    OUT,
    TWINS,
    asked_of,
    each_left_out,
    once,
    run,
    train_once,
    with_twins,
)
from lab.synthetic.held_out_pairs import KINDS, synthetic_pairs
from lab.synthetic.staff_table import staff

HALVES = (
    ("EM/Amazon-Google", "EM/DBLP-ACM", "ED/Hospital", "ED/Beers", "ED/Tax_trunc"),
    ("EM/Beer", "EM/iTunes-Amazon", "EM/WDC_computers", "ED/Adult", "ED/Billionaire"),
)
"""Five matching sets and five tables; a half is left out at once, since five trainings take days on two cores."""
WAYS: dict[str, dict[str, tuple[str, ...]]] = {
    "EM": {"pairs": ()},
    "ED": {"cells": (), "cells without evidence": ("--alone",)},
}
"""How test cases of a task are asked."""
FEW_SHOT = {"ED/Beers": "Brewery", "EM/Amazon-Google": "Software"}
"""Sets that a model did not learn from, and names under which no rule knows them."""
COUNTS = (20, 100, 500)
"""Labelled cases that an adapter is made from."""


@click.group()
def model() -> None:
    """Measure what trainings give."""


@model.command()
@DATA
@OUT
@click.option("--minutes", default=120, show_default=True, help="Of each training; on a GPU a few do.")
@DEVICE
@click.option("--limit", default=800, show_default=True, help="Test instances of each set.")
def carrying_over(data: Path, out: Path, minutes: int, device: str, limit: int) -> None:
    """Each of five matching sets and five tables by a model that never saw it, nor the rest of its half.

    Two trainings on the shipped adapter's mixture, each without one half; thresholds from the valid splits of what each
    learned.
    """
    tasks = each_left_out(("DI", *OTHER_TASKS))
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, half in enumerate(HALVES, 1):
        place, left_out = out / f"half-{number}", each_left_out(with_twins(half))
        how = ("--size", "0.25", "--rounds", "4", "--rate", "0.001", "--seed", str(210 + number))
        train_once(data, place, device, "--minutes", str(minutes), "--leave-out", "EXTRA", *left_out, *how)
        model = ("--data", str(data), "--model", f"nano+{place / 'adapter.gguf'}")
        spared = each_left_out(("ED/Movies_trunc", *TWINS.values()))
        once(place / "calibration.json", "lab", "calibrate", *model, "--limit", "150", *tasks, *left_out, *spared)
        for name in half:
            for way, options in WAYS[name.split("/")[0]].items():
                file = place / f"{name.replace('/', '-')}-{way}.json"
                bench = ("bench", *model, "--limit", str(limit), "--rules", "general", "--only", name, *options)
                once(file, "dp_tools", *bench, option="--json")
                rows.setdefault(way, []).extend(json.loads(file.read_text(encoding="utf-8")))
    click.echo("| how | dataset | F1 | precision | recall |\n| --- | --- | ---: | ---: | ---: |")
    for way, found in rows.items():
        for row in found:
            click.echo(f"| {way} | {row['dataset']} | {row['score']} | {row['precision']} | {row['recall']} |")
        click.echo(f"| {way} | mean | {mean(row['score'] for row in found):.2f} | | |")


@model.command()
@DATA
@OUT
@click.option("--adapter", type=click.Path(path_type=Path), help="Knows neither; carrying-over's first by default.")
@click.option("--limit", default=800, show_default=True, help="Test instances of each set.")
def few_shot(data: Path, out: Path, adapter: Path | None, limit: int) -> None:
    """User adapters from 20, 100 and 500 cases of two sets, a quarter of them positive."""
    model = ("--model", f"nano+{adapter or out / 'half-1' / 'adapter.gguf'}")
    for name, alias in FEW_SHOT.items():
        (dataset,) = read_datasets(data, [name])
        place = out / "few-shot" / alias
        renamed = place / "data" / dataset.folder / alias
        renamed.mkdir(parents=True, exist_ok=True)
        shutil.copy(dataset.files["test"], renamed)
        bench = ("dp_tools", "bench", "--data", str(place / "data"), *model, "--limit", str(limit))
        once(place / "none.json", *bench, "--rules", "general", option="--json")
        train = dataset.split("train")
        for count in COUNTS:
            examples, adapters = place / f"{count}.jsonl", place / f"adapters-{count}"
            chosen = _a_quarter_positive(train, count)
            examples.write_text("".join(json.dumps(dict(found.row)) + "\n" for found in chosen), encoding="utf-8")
            cases = ("--dataset", alias, "--task", train.task, "--examples", str(examples))
            own = {"DP_TOOLS_ADAPTERS": str(adapters)}
            done = place / f"{count}.json"
            if not done.exists():
                began = time.perf_counter()
                run("dp_tools", "tune", *cases, *model, "--prevalence", f"{train.rate:.4f}", **own)
                (place / f"{count}.minutes").write_text(f"{(time.perf_counter() - began) / 60:.1f}", encoding="utf-8")
            once(done, *bench, "--user-adapters", option="--json", **own)
        for label in ("none", *COUNTS):
            (row,) = json.loads((place / f"{label}.json").read_text(encoding="utf-8"))
            minutes = place / f"{label}.minutes"
            taken = minutes.read_text(encoding="utf-8") if minutes.exists() else ""
            click.echo(f"| {name} | {label} | {row['score']} | {row['precision']} | {row['recall']} | {taken} |")


@model.command()
@OUT
@click.option("--kind", default="Parts", show_default=True, type=click.Choice(list(KINDS)), help="Of synthetic pairs.")
@click.option("--count", default=100, show_default=True, help="Labelled pairs that the adapter is made from.")
def few_shot_synthetic(out: Path, kind: str, count: int) -> None:
    """A user adapter from synthetic pairs, scored on the others that `synthetic` scores."""
    place = out / "few-shot-synthetic" / f"{kind}-{count}"
    place.mkdir(parents=True, exist_ok=True)
    examples, adapters = place / "examples.jsonl", place / "adapters"
    labelled = synthetic_pairs(kind, count, seed=5)
    examples.write_text("".join(json.dumps(pair) + "\n" for pair in labelled), encoding="utf-8")
    own = {"DP_TOOLS_ADAPTERS": str(adapters)}
    if not adapters.exists():
        run("dp_tools", "tune", "--dataset", kind, "--task", "match_entities", "--examples", str(examples), **own)
    split = _synthetic_split(kind)
    engine = open_engine("nano", cache=False)
    click.echo("| adapter | F1 | precision | recall | ECE |\n| --- | ---: | ---: | ---: | ---: |")
    ways: tuple[tuple[str, Path | Literal[False]], ...] = (("none", False), (f"from {count}", adapters))
    for name, folder in ways:
        preprocessor = Preprocessor("nano", ":memory:", engine=engine, adapters=folder)
        asked, injections = asked_of(preprocessor, split, kind)
        outcomes = preprocessor.decider.outcomes(split.task, asked.cases, injections)
        of = score(split.task, asked.instances, outcomes)
        click.echo(f"| {name} | {_shares(of)} |")
    engine.close()


def _synthetic_split(kind: str) -> Split:
    """The synthetic pairs of one kind that scores are taken on."""
    return split_of("EM", kind, "synthetic", [instance_of("EM", kind, pair) for pair in synthetic_pairs(kind)])


def _shares(of: Score) -> str:
    """F1, precision, recall and calibration error as cells of a table."""
    return " | ".join(f"{share:.1f}" for share in (of.score, of.precision, of.recall, of.calibration_error))


def _a_quarter_positive(split: Split, count: int) -> list[Instance]:
    chooser = Random(42)
    positive = [found for found in split.instances if found.label == "yes"]
    negative = [found for found in split.instances if found.label == "no"]
    chosen = [*chooser.sample(positive, count // 4), *chooser.sample(negative, count - count // 4)]
    return chooser.sample(chosen, count)


_KINDS = {"yes": "matches", "no": "others", None: "not stated"}


@model.command()
@click.argument("adapters", nargs=2, type=click.Path(path_type=Path, exists=True))
@click.option("--share", default=0.5, show_default=True, type=click.FloatRange(0, 1), help="Of the second in the mean.")
@OUT
def mean_of_two(adapters: tuple[Path, Path], share: float, out: Path) -> None:
    """The mean of what two adapters add to the weights, as `adapter.gguf` of the rank that they have.

    Adapters where one training went on from the other differ little, so a sum of their rank holds nearly all of it.
    """
    readers = [GGUFReader(path) for path in adapters]
    (alpha,) = {reader.fields["adapter.lora.alpha"].contents() for reader in readers}
    first, second = ({tensor.name: tensor.data.astype("float64") for tensor in reader.tensors} for reader in readers)
    matrices, kept = [], []
    for a, b in ((name, f"{name[:-1]}b") for name in first if name.endswith("lora_a")):
        rank = len(first[a])
        inner, right = np.linalg.qr(np.concatenate([first[a], second[a]]).T)
        outer, left = np.linalg.qr(np.concatenate([first[b] * (1 - share), second[b] * share], axis=1))
        u, sizes, v = np.linalg.svd(left @ right.T)
        kept.append(np.square(sizes[:rank]).sum() / np.square(sizes).sum())
        root = np.sqrt(sizes[:rank])
        matrices += [(a, (v[:rank] * root[:, None]) @ inner.T), (b, (outer @ u[:, :rank]) * root)]
    out.mkdir(parents=True, exist_ok=True)
    written = write_matrices(out / "adapter.gguf", matrices, alpha=alpha)
    click.echo(f"{written} keeps {100 * min(kept):.3f} of 100 of the squares, or more, of every matrix.")


@model.command()
@click.option("--model", default="nano", show_default=True, help="A model's name, or nano+ADAPTER.")
@click.option("--limit", default=800, show_default=True, help="Cells or pairs of each, at the natural rate of labels.")
def synthetic(model: str, limit: int) -> None:
    """What nothing has trained on or calibrated with: a table, two lists of pairs, and titles written by hand."""
    splits = [split_of("ED", "Staff", "synthetic", [instance_of("ED", "Staff", cell) for cell in staff()])]
    splits += map(_synthetic_split, KINDS)
    splits.append(split_of("AVE", "Titles", "synthetic", [instance_of("AVE", "Titles", title) for title in titles()]))
    click.echo(
        "| synthetic | F1 | precision | recall | ECE | right, of each kind |\n| --- | ---: | ---: | ---: | ---: | --- |"
    )
    with Preprocessor(model, ":memory:", engine=open_engine(model, cache=False), adapters=False) as preprocessor:
        for split in (split.sample(limit) for split in splits):
            asked, injections = asked_of(preprocessor, split)
            outcomes = preprocessor.decider.outcomes(split.task, asked.cases, injections)
            found: dict[str, list[bool]] = {}
            for instance, outcome in zip(asked.instances, outcomes, strict=True):
                kind = instance.row.get("kind") or _KINDS.get(instance.label, "stated")
                found.setdefault(str(kind), []).append(is_right(instance, outcome.label))
            counts = ", ".join(f"{kind} {sum(right)} of {len(right)}" for kind, right in sorted(found.items()))
            of = score(split.task, asked.instances, outcomes)
            click.echo(f"| {split.dataset} | {_shares(of)} | {counts} |")


@model.command()
@DATA
@click.option("--split", default="test", show_default=True)
@click.option("--limit", default=800, show_default=True, help="Cells of each table, at the natural rate of errors.")
def tables_alone(data: Path, split: str, limit: int) -> None:
    """Errors that tables tell of by what they mostly keep, with general rules and without asking a model."""
    click.echo("| table | F1 | precision | recall |\n| --- | ---: | ---: | ---: |")
    with Preprocessor("nano", ":memory:", adapters=False) as preprocessor:
        for dataset in read_datasets(data, ["ED"]):
            asked, injections = asked_of(preprocessor, dataset.split(split).sample(limit))
            resolved = preprocessor.decider.resolve(asked.cases, injections)
            outcomes = [outcome or Outcome("unanswered", "no", 1.0) for outcome in resolved]
            found = score("detect_errors", asked.instances, outcomes)
            click.echo(f"| {dataset.name} | {found.score:.2f} | {found.precision:.2f} | {found.recall:.2f} |")


model.add_command(ablations)
