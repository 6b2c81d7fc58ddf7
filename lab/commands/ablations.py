"""`python -m lab model ablations`: what each ingredient of the training mixture is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import click
import numpy as np

from dp_tools.decision import with_rules
from dp_tools.engine import open_engine
from dp_tools.engine.questions import LabelScores
from dp_tools.evaluation.bench import measure as measure_split
from dp_tools.evaluation.datasets import read_datasets
from dp_tools.evaluation.splits import Split
from dp_tools.preprocessor import Preprocessor
from dp_tools.prompts.ask import YesNo
from dp_tools.prompts.templates.template import to_question
from lab.benchmarks.rule_following import measure_following
from lab.commands.trainings import DATA, DEVICE, OTHER_TASKS, OUT, asked_of, each_left_out, train_once, with_twins
from lab.mixture.recipe import INGREDIENTS

UNSEEN = ("EM/Beer", "EM/iTunes-Amazon", "ED/Adult", "ED/Hospital", "DI/Restaurant")
"""What no training of the ablations learns from."""


@dataclass(frozen=True, slots=True)
class Study:
    """One task, whose ingredients are left out one at a time.

    Args:
        task: what the trainings teach; None for pairs, cells and gaps together, under rules.
        ingredients: of its examples.
        asked: groups of datasets whose valid splits are scored.
        size: of the mixture: enough examples for the steps.
    """

    task: str | None
    ingredients: tuple[str, ...]
    asked: Mapping[str, tuple[str, ...]]
    size: float = 0.2


STUDIES = {
    "pairs": Study(
        "match_entities",
        (
            "balance",
            "hard",
            "reshape",
            "single",
            "generated_pairs",
            "evidence",
            "synthetic_people",
            "synthetic_products",
        ),
        {"seen": ("EM/Amazon-Google", "EM/DBLP-GoogleScholar"), "unseen": ("EM/Beer", "EM/iTunes-Amazon")},
    ),
    "cells": Study(
        "detect_errors",
        ("balance", "generated_errors", "evidence", "synthetic_people"),
        {"seen": ("ED/Billionaire",), "unseen": ("ED/Adult", "ED/Hospital")},
    ),
    "gaps": Study(
        "impute",
        ("generated_gaps", "evidence", "synthetic_people"),
        {"seen": ("DI/Buy",), "unseen": ("DI/Restaurant",)},
        size=1.0,
    ),
    "rules": Study(None, ("binding_rules", "wordings"), {}),
}


@click.command()
@DATA
@OUT
@click.option("--of", "study", default="pairs", show_default=True, type=click.Choice(list(STUDIES)))
@click.option("--steps", default=600, show_default=True, help="Of each training; of 60 chance decides.")
@DEVICE
@click.option("--limit", default=200, show_default=True, help="Valid instances of each set, half of them positive.")
@click.option("--rules", default=150, show_default=True, help="Questions about rules.")
@click.option("--without", multiple=True, type=click.Choice(INGREDIENTS), help="Only these ingredients.")
@click.option("--seed", default=61, show_default=True, help="Of the mixture; another one tells what chance does.")
def ablations(
    data: Path,
    out: Path,
    perturbation: str,
    steps: int,
    device: str,
    limit: int,
    rules: int,
    without: tuple[str, ...],
    seed: int,
) -> None:
    """What each ingredient of a task's examples is worth: short trainings without it, scored on valid splits.

    Pairs and cells are scored by order: the share of a positive and a negative case of which the positive one is the
    surer (the area under the ROC curve). No threshold or calibration plays a part in that. Each task is taught alone
    and without rules, so that its steps all go to it; rules by whether they are followed, and idle ones not.
    """
    of = STUDIES[perturbation]
    columns = (*of.asked, *(() if of.task else ("rules followed", "changed by an idle rule")))
    click.echo(f"| {perturbation} without | {' | '.join(columns)} |\n| --- |{' ---: |' * len(columns)}")
    taught = ("--task", of.task, "--without", "binding_rules") if of.task else each_left_out(OTHER_TASKS)
    how = ("--steps", str(steps), "--size", str(of.size), "--rate", "0.001", "--seed", str(seed))
    for ingredient in (None, *(without or of.ingredients)):
        place = out / perturbation / str(seed) / (ingredient or "nothing")
        less = () if ingredient is None else ("--without", ingredient)
        train_once(data, place, device, *taught, *each_left_out(with_twins(UNSEEN)), *less, *how)
        kept = place / "scores.json"
        if not kept.exists():
            scores = _ablated(data, place / "adapter.gguf", of, limit, rules, alone=ingredient == "evidence")
            kept.write_text(json.dumps(scores), encoding="utf-8")
        scores = json.loads(kept.read_text(encoding="utf-8"))
        click.echo(f"| {place.name} | {' | '.join(f'{score:.1f}' for score in scores)} |")


def _ablated(data: Path, adapter: Path, perturbation: Study, limit: int, rules: int, *, alone: bool) -> list[float]:
    """The mean score of each group of a study, or rules followed and answers changed by an idle rule, in percent."""
    model = f"nano+{adapter}"
    with Preprocessor(model, ":memory:", engine=open_engine(model, cache=False), adapters=False) as preprocessor:
        if perturbation.task is None:
            following = measure_following(preprocessor, data, cases=rules)
            return [100 * following.whole.followed / following.whole.cases, 100 * following.swayed / following.idle]
        scores = []
        for names in perturbation.asked.values():
            found = []
            for dataset in read_datasets(data, names):
                split = dataset.split("valid")
                split = split.alone() if alone else split
                if perturbation.task == "impute":
                    found.append(measure_split(preprocessor, split.sample(limit), packs=False).result.score)
                else:
                    found.append(_in_order(preprocessor, split.enriched(limit)[0]))
            scores.append(mean(found))
    return scores


def _in_order(preprocessor: Preprocessor, split: Split) -> float:
    """In percent, the share of a positive and a negative case of which the positive one is the surer; ties are half.

    By the model's own word on every case, those too that the table itself would decide.
    """
    asked, injections = asked_of(preprocessor, split)
    prompts = [with_rules(case, injections[case.attribute]).prompt for case in asked.cases]
    answers = preprocessor.decider.engine.answer(
        [to_question(preprocessor.decider.template, prompt, YesNo()) for prompt in prompts]
    )
    sure = [answer.probabilities[0] if isinstance(answer, LabelScores) else 0.0 for answer in answers]
    confidences: dict[bool, list[float]] = {True: [], False: []}
    for instance, probability in zip(asked.instances, sure, strict=True):
        confidences[instance.label == "yes"].append(probability)
    positive, negative = np.array(confidences[True])[:, None], np.array(confidences[False])
    return float(100 * np.mean((positive > negative) + 0.5 * (positive == negative)))
