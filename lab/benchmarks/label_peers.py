"""The dedupe library on the same lists with the same number of labels, chosen by its own active learning."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from lab.benchmarks.lists import Found, KnownList, Pair

_SAMPLE = 1_500
"""Pairs that the library samples for training; its own 15,000 took 16 GB on tables of 4,000 records."""
_LONG = 25
"""Mean length from which on a value is compared by its words, too."""
_NUMBERS = 0.9
_KEYS = ("id", "uid", "origin")
"""Columns that say where a record is from and not what it is, which a user would leave out."""
Row = dict[str, Any]


def dedupe_library(known: KnownList, count: int, seed: int) -> Found:
    """The library with so many labels of the truth, its threshold at one half, as its documentation begins.

    Values are lower-cased, empty ones missing. Columns of numbers are prices, all others strings, long ones texts too.
    """
    import dedupe

    random.seed(seed)
    np.random.seed(seed)
    started = time.perf_counter()
    left, right = _rows(known.left), _rows(known.right or ())
    fields = _fields([*left.values(), *right.values()])
    linking = known.right is not None
    learner = (dedupe.RecordLink if linking else dedupe.Dedupe)(fields, num_cores=1, in_memory=True)
    learner.prepare_training(*((left, right) if linking else (left,)), sample_size=_SAMPLE)
    place = {id(row): number for side in (left, right) for number, row in side.items()}
    for _ in range(count):
        ((one, other),) = learner.uncertain_pairs()
        a, b = place[id(one)], place[id(other)]
        same = (a, b) in known.pairs or (not linking and (b, a) in known.pairs)
        learner.mark_pairs({"match": [(one, other)] if same else [], "distinct": [] if same else [(one, other)]})
    learner.train()
    found: set[Pair]
    if linking:
        found = {(int(a), int(b)) for (a, b), _ in learner.join(left, right, threshold=0.5, constraint="one-to-one")}
    else:
        groups = learner.partition(left, threshold=0.5)
        found = {pair for rows, _ in groups for pair in combinations(sorted(map(int, rows)), 2)}
    return Found(frozenset(found), time.perf_counter() - started)


def _rows(records: Sequence[Mapping[str, str]]) -> dict[int, Row]:
    return {
        number: {name: value.strip().lower() or None for name, value in record.items() if name not in _KEYS}
        for number, record in enumerate(records)
    }


def _fields(rows: Sequence[Row]) -> list[Any]:
    """The fields of the library, by what the columns hold; values of prices become numbers in place."""
    from dedupe import variables

    found: list[Any] = []
    for name in rows[0]:
        values = [row[name] for row in rows if row[name]]
        missing = len(values) < len(rows)
        if values and sum(map(_is_price, values)) > _NUMBERS * len(values):
            for row in rows:
                row[name] = float(row[name]) if row[name] and _is_price(row[name]) else None
            found.append(variables.Price(name, has_missing=True))
            continue
        found.append(variables.String(name, has_missing=missing))
        if values and np.mean([len(value) for value in values]) > _LONG:
            found.append(variables.Text(name, has_missing=missing))
    return found


def _is_price(value: str) -> bool:
    try:
        return float(value) > 0
    except ValueError:
        return False
