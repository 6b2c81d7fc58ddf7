"""What finds most of the wrong cells of a table, by its labels: counted evidence, the model, labels, or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dp_tools.tables.labelled.detection import Bools, Column, Floats, both, learned, trust_in

FOLDS = 5
"""Parts of the labelled rows, each of which is judged by what the others teach."""
BY_LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Option:
    """A way to find wrong cells.

    Args:
        prior: what calls cells wrong without labels, or "" for labels alone.
        labels: whether labels are used.
        f1: its F1 on labelled rows that were held back, 0 to 1.
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
    rows: Sequence[int],
    wrong: Sequence[Bools],
    seed: int,
) -> list[Option]:
    """Every way to find wrong cells, the best first.

    Args:
        columns: of the table.
        priors: by name, the probability that each cell is wrong without labels; only labelled cells are looked at.
        rows: the labelled rows.
        wrong: for each column, which of its labelled cells are wrong.
        seed: for what is random.
    """
    count = len(rows)
    folds = np.random.default_rng(seed).permutation(count) % min(FOLDS, count)
    truth = np.column_stack(wrong)
    found = {(name, labels): np.zeros(truth.shape, bool) for name in ("", *priors) for labels in (False, True)}
    for fold in range(min(FOLDS, count)):
        kept, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        taught, asked = [rows[place] for place in kept.tolist()], [rows[place] for place in held.tolist()]
        alone = [learned(column, taught, labels[kept], seed) for column, labels in zip(columns, wrong, strict=True)]
        found["", True][held] = np.column_stack([one[asked] for one in alone]) >= 0.5
        for name, prior in priors.items():
            trust = trust_in([one[taught] >= 0.5 for one in prior], [labels[kept] for labels in wrong])
            for place, column in enumerate(columns):
                with_labels = both(column, prior[place], taught, wrong[place][kept], alone[place], trust)
                found[name, True][held, place] = with_labels[asked] >= 0.5
                found[name, False][held, place] = prior[place][asked] >= 0.5
    options = [Option(name, labels, f1(cells, truth)) for (name, labels), cells in found.items() if name or labels]
    # Of equals the first named prior comes first, as it costs least, and labels count for more than none.
    order = {name: place for place, name in enumerate((*priors, ""))}
    return sorted(options, key=lambda one: (-one.f1, order[one.prior], not one.labels))


def f1(found: Bools, wrong: Bools) -> float:
    """F1 of what was found, 0 to 1; 1 where nothing is wrong and nothing was found."""
    if not found.any() and not wrong.any():
        return 1.0
    return float(2 * (found & wrong).sum() / (found.sum() + wrong.sum()))
