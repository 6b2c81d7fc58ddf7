"""What further columns say of identity: each weighs by how it agrees in this table, for records of one and by chance.

No list can tell in advance what a column "floor space", "department" or "insurance" is worth. The table can: how often
two records agree that share a name and something else, and how often two at random do (m and u of Fellegi and Sunter).
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from random import Random
from typing import Literal

from dp_tools.profiling.comparisons import Comparison, compare_values
from dp_tools.profiling.comparisons.amount import amount_of
from dp_tools.profiling.comparisons.folding import folded
from dp_tools.records import Record, is_missing, may_be_missing

Key = tuple[str, ...]
"""A name, and what else records of it share."""
_MOST_RECORDS = 20_000
"""Records that are looked at, at the most."""
_RANDOM_PAIRS = 2000
_LIKELY_PAIRS = 5000
_LARGEST_GROUP = 6
"""Records that may share a name and something else; more of them are hardly one."""
Agreement = Literal["same", "near", "other"]
_EXPECTED: Mapping[Agreement, float] = {"same": 4.0, "near": 0.5, "other": 1.0}
"""Pairs by agreement that are assumed beside those that are seen, of records that are one."""
_MOST = 4.0
"""Log-odds that one column adds or takes, at the most."""
_ROUNDS = 10
_LIKELY = 0.7
"""Probability that a probable pair is one, before its further columns are seen."""
_EDGE = 0.05
_CLIP = 30.0


class Sample:
    """Records of one table or two from which details are weighed; those that share a name stay together.

    Args:
        columns: the details, which are all that is kept of a record.
        step: of so many names one is kept to begin with.
    """

    def __init__(self, columns: Sequence[str], step: int = 1) -> None:
        self._columns = columns
        self.step = step
        self._kept: list[tuple[Record, Collection[Key]]] = []

    def add(self, record: Record, keys: Collection[Key]) -> None:
        """Add a record with its keys; of a large table those of every second name, every fourth and so on are kept."""
        if not self._columns or self._is_left_out(keys):
            return
        self._kept.append(({column: record.get(column) for column in self._columns}, keys))
        if len(self._kept) > _MOST_RECORDS:
            self.step *= 2
            self._kept = [one for one in self._kept if not self._is_left_out(one[1])]

    def add_all(self, further: Sample) -> None:
        """Add the next records, of which some were left out already."""
        for record, keys in further._kept:
            self.add(record, keys)

    @property
    def records(self) -> list[Record]:
        """What was kept."""
        return [record for record, _ in self._kept]

    def likely_pairs(self) -> list[tuple[int, int]]:
        """Pairs of positions of records that share a key: most of them are one."""
        shared: dict[Key, list[int]] = {}
        for place, (_, keys) in enumerate(self._kept):
            for key in keys:
                shared.setdefault(key, []).append(place)
        found: set[tuple[int, int]] = set()
        for places in shared.values():
            if 1 < len(places) <= _LARGEST_GROUP and len(found) < _LIKELY_PAIRS:
                found.update(combinations(places, 2))
        return sorted(found)

    def _is_left_out(self, keys: Collection[Key]) -> bool:
        name = next(iter(keys), ("",))[0]
        return zlib.crc32(name.encode()) % self.step > 0


class Details:
    """The weights of the columns that are no kind of their own.

    Args:
        columns: their names, which both tables have.
        sample: of the tables; None where nothing is known of them.
    """

    def __init__(self, columns: Sequence[str], sample: Sample | None = None) -> None:
        kept = sample.records if sample is not None else []
        pairs = sample.likely_pairs() if sample is not None else []
        self._counts = {name: Counter(map(_token, _values(kept, name))) for name in columns}
        random = Random(0)
        chance = [
            (random.randrange(len(kept)), random.randrange(len(kept))) for _ in range(_RANDOM_PAIRS if kept else 0)
        ]
        apart = [pair for pair in chance if pair[0] != pair[1]]
        self._usual = usual = {
            name: _shares(_agreements(kept, name, apart), dict.fromkeys(_EXPECTED, 1.0)) for name in columns
        }
        self._seen = _of_one({name: _agreements(kept, name, pairs) for name in columns}, usual, len(pairs))
        self._weights = {
            name: {level: math.log(share / usual[name][level]) for level, share in self._seen[name].items()}
            for name in columns
        }

    def weigh(self, name: str, left: str | None, right: str | None) -> float:
        """The log-odds that two values of a column add for a match, or against it; 0 where they say nothing."""
        found = _agreement(left, right)
        if found is None:
            return 0.0
        if found == "same":
            counts = self._counts[name]
            holders = min(counts[_token(left or "")], counts[_token(right or "")])
            chance = holders / counts.total() if holders else self._usual[name]["same"]
            weight = math.log(self._seen[name]["same"] / chance)
        else:
            weight = self._weights[name][found]
        return max(-_MOST, min(_MOST, weight))


def _values(records: Sequence[Record], name: str) -> Iterable[str]:
    return (value for record in records if (value := record.get(name)) is not None and not is_missing(value))


def _of_one(
    found: Mapping[str, Sequence[Agreement | None]], usual: Mapping[str, Mapping[Agreement, float]], pairs: int
) -> dict[str, dict[Agreement, float]]:
    """How often the columns of records that are one agree, by expectation maximisation over probable pairs.

    Some of those are not one, such as two flats of one house; by all columns together it shows which.
    """
    sure = [_LIKELY] * pairs
    for _ in range(_ROUNDS):
        likely = min(max(sum(sure) / max(1, pairs), _EDGE), 1 - _EDGE)
        shares = {name: _shares(agreements, _EXPECTED, sure) for name, agreements in found.items()}
        for place in range(pairs):
            score = math.log(likely / (1 - likely))
            for name, agreements in found.items():
                if (agreement := agreements[place]) is not None:
                    score += math.log(shares[name][agreement] / usual[name][agreement])
            sure[place] = 1 / (1 + math.exp(-max(-_CLIP, min(_CLIP, score))))
    return {name: _shares(agreements, _EXPECTED, sure) for name, agreements in found.items()}


def _agreements(records: Sequence[Record], name: str, pairs: Sequence[tuple[int, int]]) -> list[Agreement | None]:
    return [_agreement(records[a].get(name), records[b].get(name)) for a, b in pairs]


def _shares(
    agreements: Sequence[Agreement | None], assumed: Mapping[Agreement, float], weights: Sequence[float] | None = None
) -> dict[Agreement, float]:
    """How often pairs agree in a column, as shares, each pair with its weight."""
    counts = dict(assumed)
    for found, weight in zip(agreements, weights or [1.0] * len(agreements), strict=True):
        if found is not None:
            counts[found] += weight
    total = sum(counts.values())
    return {level: count / total for level, count in counts.items()}


def _agreement(left: str | None, right: str | None) -> Agreement | None:
    """How two values agree, numbers by their amount; None where a side says nothing."""
    if left is None or right is None or any(is_missing(v) or may_be_missing(v) for v in (left, right)):
        return None
    compared = compare_values("quantity", left, right)
    if compared.level == "silent":
        compared = compare_values("category", left, right)
    return _by_level(compared)


def _by_level(compared: Comparison) -> Agreement | None:
    if compared.level in ("exact", "normalised"):
        return "same"
    if compared.level in ("near", "partial"):
        return "near"
    return "other" if compared.level == "contradicting" else None


def _token(value: str) -> str:
    amount = amount_of(value)
    return folded(value) if amount is None else f"{amount.number:.6g}"
