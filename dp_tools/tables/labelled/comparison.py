"""What finds most of the wrong cells of a table, by its labels: counted evidence, the model, labels, or several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dp_tools.tables.labelled.detection import Bools, CellLabels, Column, Floats, both, learned, trust_in

FOLDS = 10
"""Parts of the labelled rows, each of which is judged by what the others teach."""
BY_LABELS = "labels"
_LEAD = 1.0
"""Standard errors by which a way has to lead the one that is used without labels before it takes its place. Labels that
are held back are few: of ways that were equal on them, those that learn more or ask less were worse on whole tables."""


@dataclass(frozen=True, slots=True)
class Option:
    """A way to find wrong cells.

    Args:
        prior: what calls cells wrong without labels, or "" for labels alone.
        labels: whether labels are used.
        f1: its F1 on labelled cells that were held back, 0 to 1.
    """

    prior: str
    labels: bool
    f1: float

    @property
    def name(self) -> str:
        """As a person reads it."""
        return " and ".join(filter(None, (self.prior, BY_LABELS if self.labels else "")))


def compared(
    columns: Sequence[Column],
    priors: Mapping[str, Sequence[Floats]],
    labels: Sequence[CellLabels],
    seed: int,
) -> list[Option]:
    """Every way to find wrong cells: the one to use first, the others by their F1.

    The last prior is used, as without labels, unless another way leads it clearly on labels held back.

    Args:
        columns: of the table.
        priors: by name, those that ask less first, the probability that each cell is wrong without labels; only
            labelled cells are looked at.
        labels: of each column.
        seed: for what is random.
    """
    rows = sorted({row for one in labels for row in one.rows.tolist()})
    count = len(rows)
    parts = np.random.default_rng(seed).permutation(count) % min(FOLDS, count)
    fold_of = dict(zip(rows, parts.tolist(), strict=True))
    folds = [np.array([fold_of[row] for row in one.rows.tolist()], np.int64) for one in labels]
    # Cells in doubt alone do not tell what labels miss without a prior.
    alone_too = any(one.sampled.any() for one in labels)
    ways = [(name, use) for name in priors for use in (False, True)] + [("", True)] * alone_too
    found = {way: [np.zeros(len(one), bool) for one in labels] for way in ways}
    for fold in range(min(FOLDS, count)):
        taught = [one.at(own != fold) for one, own in zip(labels, folds, strict=True)]
        alone = [learned(column, one.rows, one.wrong, seed) for column, one in zip(columns, taught, strict=True)]
        trusts = {name: trust_in(prior, taught) for name, prior in priors.items()}
        for name, use in ways:
            for place, column in enumerate(columns):
                wrong = alone[place] if name == "" else priors[name][place]
                if name and use:
                    wrong = both(column, wrong, taught[place], alone[place], trusts[name])
                held = folds[place] == fold
                found[name, use][place][held] = wrong[labels[place].rows[held]] >= 0.5
    truth = np.concatenate([one.wrong for one in labels])
    said = {way: np.concatenate(found[way]) for way in ways}
    cells = {Option(*way, f1(called, truth)): called for way, called in said.items()}
    # Labels alone ask no more than the first prior does.
    return _best_first(cells, truth, {"": 0, **{name: place for place, name in enumerate(priors)}})


def _best_first(cells: Mapping[Option, Bools], truth: Bools, order: Mapping[str, int]) -> list[Option]:
    """The ways by their F1 behind the one to use.

    Args:
        cells: by way, which labelled cells it calls wrong.
        truth: which of them are.
        order: by prior, which asks more.
    """
    by_f1 = sorted(cells, key=lambda one: (-one.f1, order[one.prior], one.labels, one.prior == ""))
    used = max((one for one in cells if one.prior and not one.labels), key=lambda one: order[one.prior])
    for level in sorted(set(order.values())):
        found = [one for one in by_f1 if order[one.prior] == level]
        used = next((one for one in found if leads(cells[one] == truth, cells[used] == truth)), used)
    return [used, *(one for one in by_f1 if one is not used)]


def leads(right: Bools, other: Bools) -> bool:
    """Whether a way is better than another beyond what so few labels may say by chance, by where each is right."""
    gain, loss = int((right & ~other).sum()), int((other & ~right).sum())
    return gain - loss > _LEAD * math.sqrt(gain + loss)


def f1(found: Bools, wrong: Bools) -> float:
    """F1 of what was found, 0 to 1; 1 where nothing is wrong and nothing was found."""
    if not found.any() and not wrong.any():
        return 1.0
    return float(2 * (found & wrong).sum() / (found.sum() + wrong.sum()))
