"""Fits the weights of `dp_tools.profiling.pair_prior` on labelled pairs, and says how it does on tables left out.

    python -m lab.fit_pair_prior DATA [-o FILE]

DATA is a folder of labelled datasets (see `dp_tools.evaluation.datasets`). Each family of tables counts the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from dp_tools.evaluation.datasets import Dataset, read_datasets
from dp_tools.evaluation.splits import Split
from dp_tools.profiling import PairFacts
from dp_tools.profiling.pair_features import pair_features
from dp_tools.profiling.pair_prior import prior_features

_PAIRS = 6_000
"""Pairs of a dataset that are learned from, at the most."""
_STRENGTH = 0.3
"""Inverse of the ridge penalty."""


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs of one dataset.

    Args:
        family: datasets of one family share records or sources, and are left out together.
        names: the prior's features.
        rows: their values, one line a pair.
        matches: which pairs match.
    """

    family: str
    names: tuple[str, ...]
    rows: NDArray[np.float64]
    matches: NDArray[np.bool_]

    @classmethod
    def of(cls, whole: Split, chosen: Split) -> LabelledPairs:
        """Some pairs of a split, with the words of the whole."""
        assert isinstance(whole.facts, PairFacts)
        each = np.arange(len(chosen.instances))
        features = pair_features(whole.facts, _side(chosen, "left"), _side(chosen, "right"), np.c_[each, each])
        columns = prior_features(features)
        matches = np.array([instance.label == "yes" for instance in chosen.instances])
        return cls(family(whole.dataset), tuple(columns), np.column_stack(list(columns.values())), matches)


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="JSON file to write.")
def main(data: Path, out: Path | None) -> None:
    """Fit, say how each family does when it is left out, and write the weights."""
    datasets = read_datasets(data, ["EM"])
    train = training_pairs(datasets)
    click.echo("dataset              AUC  best F1")
    for dataset in datasets:
        split = dataset.split("test")
        tested = LabelledPairs.of(split, split.sample(_PAIRS))
        odds = fitted([one for one in train if one.family != tested.family])(tested.rows)
        area = roc_auc_score(tested.matches, odds)
        click.echo(f"{dataset.name:20} {area:.3f} {_best_f1(odds, tested.matches):.3f}")
    if out is not None:
        prior = fitted(train)
        weights = dict(zip((*train[0].names, "bias"), (*prior.weights.tolist(), prior.bias), strict=True))
        rounded = {name: round(weight, 4) for name, weight in weights.items()}
        out.write_text(json.dumps(rounded, indent=2) + "\n", encoding="utf-8")


def training_pairs(datasets: Sequence[Dataset]) -> list[LabelledPairs]:
    """Pairs of the train split of each dataset that has one."""
    splits = [dataset.split("train") for dataset in datasets if "train" in dataset.files]
    return [LabelledPairs.of(split, split.sample(_PAIRS)) for split in splits]


def family(dataset: str) -> str:
    """What datasets have in common that share records or sources."""
    return "citations" if "DBLP" in dataset else dataset.removeprefix("Dirty_").split("_")[0]


def _side(split: Split, side: str) -> pl.DataFrame:
    records = [instance.row[side] for instance in split.instances]
    names = dict.fromkeys(name for record in records for name in record)
    return pl.DataFrame(
        {name: [record.get(name) for record in records] for name in names}, dict.fromkeys(names, pl.String)
    )


@dataclass(frozen=True)
class FittedPrior:
    """A straight line through features.

    Args:
        weights: of each feature.
        bias: what is added.
    """

    weights: NDArray[np.float64]
    bias: float

    def __call__(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds of each line."""
        odds: NDArray[np.float64] = rows @ self.weights + self.bias
        return odds


def fitted(datasets: Sequence[LabelledPairs]) -> FittedPrior:
    """The prior of some datasets, each family of which counts the same."""
    sizes = Counter(one.family for one in datasets)
    rows = np.vstack([one.rows for one in datasets])
    matches = np.concatenate([one.matches for one in datasets])
    shares = np.concatenate([np.full(len(one.rows), 1 / len(one.rows) / sizes[one.family]) for one in datasets])
    scaler = StandardScaler().fit(rows)
    line = LogisticRegression(C=_STRENGTH, max_iter=3_000)
    line.fit(scaler.transform(rows), matches, sample_weight=shares / shares.mean())
    weights = line.coef_[0] / scaler.scale_
    return FittedPrior(weights, float(line.intercept_[0] - weights @ scaler.mean_))


def _best_f1(odds: NDArray[np.float64], matches: NDArray[np.bool_]) -> float:
    right = np.cumsum(matches[np.argsort(-odds, kind="stable")])
    return float((2 * right / (np.arange(1, len(odds) + 1) + matches.sum())).max())


if __name__ == "__main__":
    main()
