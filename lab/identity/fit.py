"""Fits the weights of counted evidence on the everyday synthetic lists: `python -m lab.identity.fit`.

Each list is blocked as `dedupe` does it, and each candidate pair gives the features of `IdentityJudge`. Columns are
left out at random, so that a weight means the same in a list of names and towns as in one with everything. A logistic
regression with a prior for each level (maximum a posteriori) gives the log-odds; rare features stay near their prior.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.special import expit

import dp_tools.profiling.identity.judge as judging
from dp_tools.profiling.comparisons import Level
from dp_tools.progress import silent
from dp_tools.tables.identity_columns import contents
from dp_tools.tables.match.blocking import candidate_pairs
from dp_tools.tables.match.identity import identity_of
from dp_tools.tables.snapshot import Table, open_table
from lab.identity.habits import with_habits
from lab.identity.siblings import with_numbers, with_siblings
from lab.synthetic.lists import EVERYDAY, Proportions, SyntheticList, everyday
from lab.synthetic.lists.everyday.pools import COUNTRIES, Country

LISTS = {"person": ("contacts", "patients"), "company": ("companies",), "address": ("properties",)}
"""The lists that each subject's weights are fitted on."""
_SIZES = (100, 400, 2000)
_SEEDS = 4
_SIBLINGS = 0.03
"""Records that are added beside others that they resemble, as a share of the list (see `siblings`)."""
_KEPT = 0.75
"""Share of the optional columns that a list keeps."""
_PRIOR: dict[Level, float] = {
    "exact": 2.5,
    "normalised": 2.5,
    "near": 1.5,
    "partial": 0.0,
    "silent": 0.0,
    "contradicting": -2.0,
    "missing": 0.0,
}
_SPREAD = 2.0
"""Standard deviation of a weight around its prior."""
_UNSEEN = 0.8
"""Share of its prior that the level of a comparison weighs that no list showed."""
Example = tuple[dict[str, float], bool]


def main() -> None:
    """Write the weights beside the judge."""
    made = {}
    for subject, kinds in LISTS.items():
        examples: list[Example] = []
        levels: dict[str, Level] = {}
        for kind in kinds:
            for size, seed in product(_SIZES, range(_SEEDS)):
                random = Random(f"{kind} {size} {seed}")
                shares = _other_habits(random) if seed % 2 else EVERYDAY
                examples += _examples(_list(kind, size, seed, shares, random), random, levels)
        made[subject] = _fitted(examples, levels)
        print(subject, len(examples), "pairs,", sum(same for _, same in examples), "the same")
    target = Path(judging.__file__).with_name("weights.json")
    target.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _list(kind: str, size: int, seed: int, shares: Proportions, random: Random) -> SyntheticList:
    """A list with personal numbers, where people have them, and with records beside others that they resemble."""
    made = everyday.make(kind, size, 1000 + seed, shares, _few_names(random) if seed % 2 else COUNTRIES)
    if kind in LISTS["person"]:
        made = with_numbers(made, random)
    made = with_siblings(made, random, _SIBLINGS)
    return with_habits(made, random) if seed % 3 else made


def _few_names(random: Random) -> tuple[Country, ...]:
    """One to three countries with so few names that people share them by chance, as in a list of a town."""

    def some(names: Sequence[str], most: int) -> tuple[str, ...]:
        return tuple(random.sample(names, min(len(names), most)))

    given, surnames = random.choice((8, 12, 20)), random.choice((12, 20, 30))
    return tuple(
        replace(
            country,
            women=some(country.women, given),
            men=some(country.men, given),
            surnames=some(country.surnames, surnames),
        )
        for country in random.sample(COUNTRIES, random.randint(1, 3))
    )


def _other_habits(random: Random) -> Proportions:
    """The everyday proportions, each up to three times as much or as little."""
    return replace(
        EVERYDAY,
        **{
            field.name: min(0.8, getattr(EVERYDAY, field.name) * 3 ** random.uniform(-1, 1))
            for field in fields(Proportions)
        },
    )


def _examples(made: SyntheticList, random: Random, levels: dict[str, Level]) -> Iterator[Example]:
    """Features and truth of the candidate pairs of a list."""
    with tempfile.TemporaryDirectory() as folder, open_table(made.write(Path(folder), "list")) as table:
        shown = contents((table,), comparing=True)[0].columns
        shown = [name for name in shown if "name" in name or name in ("company", "street") or random.random() < _KEPT]
        found = identity_of((table,), [shown], {}, silent)
        if found is None:
            return
        yield from _pairs(table, shown, made, levels)


def _pairs(table: Table, shown: list[str], made: SyntheticList, levels: dict[str, Level]) -> Iterator[Example]:
    found = identity_of((table,), [shown], {}, silent)
    assert found is not None
    pairs = candidate_pairs(table, compared=[shown], keys=found.keys)
    records = [record for _, record in table.records()]
    for left, right in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True):
        compared = found.judge.comparisons(records[left], records[right])
        levels |= {f"{slot}: {one.text}": one.level for slot, one in compared.items()}
        features = dict(found.judge.features(records[left], records[right], compared))
        yield features, made.entities[left] == made.entities[right]


def _fitted(examples: list[Example], levels: dict[str, Level]) -> dict[str, float]:
    seen = Counter(name for features, _ in examples for name in features)
    names = sorted(seen)
    place = {name: number for number, name in enumerate(names)}
    rows, columns, data = [], [], []
    for row, (features, _) in enumerate(examples):
        for name, value in features.items():
            rows.append(row)
            columns.append(place[name])
            data.append(value)
    matrix = sp.csr_matrix((data, (rows, columns)), shape=(len(examples), len(names)))
    truth = np.array([same for _, same in examples], float)
    prior = np.array([_prior(name, levels) for name in names])

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = values[:-1], values[-1]
        scores = matrix @ weights + bias
        error = expit(scores) - truth
        penalty = (weights - prior) / _SPREAD**2
        value = float(np.sum(np.logaddexp(0, scores) - truth * scores) + 0.5 * np.sum((weights - prior) * penalty))
        return value, np.r_[matrix.T @ error + penalty, error.sum()]

    bounds = [*(_bounds(name, levels) for name in names), (None, None)]
    best = minimize(loss, np.r_[prior, -2.0], jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 500})
    fitted = {name: round(float(value), 2) for name, value in zip(names, best.x[:-1], strict=True)}
    unseen = {f"any {level}": round(_UNSEEN * weight, 2) for level, weight in _PRIOR.items() if weight}
    return {"bias": round(float(best.x[-1]), 2), **unseen, **fitted}


def _bounds(name: str, levels: dict[str, Level]) -> tuple[float | None, float | None]:
    """What a weight may be: what agrees never tells against a match, what is silent tells nothing."""
    level = levels.get(name)
    if level in ("exact", "normalised", "near") or name == "details that agree":
        return 0.0, None
    if level == "silent":
        return 0.0, 0.0
    if level == "contradicting" or name == "details that differ" or name.endswith("is common"):
        return None, 0.0
    return None, None


def _prior(name: str, levels: dict[str, Level]) -> float:
    if name.endswith("is common"):
        return -0.3
    if name.startswith("details"):
        return 0.7 if name.endswith("agree") else -0.7
    return _PRIOR[levels[name]]


if __name__ == "__main__":
    main()
