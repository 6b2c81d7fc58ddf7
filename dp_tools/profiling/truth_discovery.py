"""Truth discovery: where many records describe one entity and contradict each other, what most of them say.

A functional dependency allows few exceptions. Where several sources describe the same flights, a third of the cells may
be wrong and no dependency holds, but most sources still agree on each flight's time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dp_tools.profiling.association import dependents_of, encode, group_agreement, likely_determinants
from dp_tools.profiling.dependencies import CONSENSUS

CLEAR = 0.7
"""Share of the entities that must have a clear majority: more than half, and twice as many as for the next value."""
DISTINCT = 0.5
"""Distinct majorities per entity: below it, the attribute describes a class of entities rather than the entity."""
TOGETHER = 2
"""Attributes on which the records of an entity must agree like this; one alone may be chance."""

Groups = dict[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class Consensus:
    """What most records of each entity agree on.

    Args:
        by: the attribute that names the entity.
        of: the attribute whose values agree.
        values: the clear majorities by entity.
        agreeing: records that agree with their majority.
    """

    by: str
    of: str
    values: dict[str, str]
    agreeing: int


def discover_truth(
    columns: Mapping[str, Sequence[str | None]], check: Callable[[], None] = lambda: None
) -> list[Consensus]:
    """The consensus values of a table; for each attribute, those on which most records agree.

    Args:
        columns: values by attribute, None where missing, all of one length.
        check: called now and then; it may raise to stop.
    """
    if not columns:
        return []
    best: dict[str, Consensus] = {}
    names = list(columns)
    coded = np.column_stack([encode(value and value.strip() for value in columns[of])[0] for of in names])
    keys = [encode(columns[by]) for by in names]
    likely = likely_determinants((key for key, _ in keys), coded)
    for by, (key, values), candidates in zip(names, keys, dependents_of(likely), strict=True):
        check()
        sizes = np.bincount(key[key >= 0])
        large = sizes >= CONSENSUS.group
        voters = np.append(large, False)[key]
        if not CONSENSUS.covers(int(voters.sum()), int(large.sum()), len(key)):
            continue
        entities = {values[code] for code in np.flatnonzero(large)}
        voting = np.where(voters, key, np.int32(-1))
        found = []
        for of in candidates:
            rows, agreeing, groups = group_agreement(voting, coded[:, of], CONSENSUS.group)
            if groups >= CONSENSUS.groups and agreeing >= CONSENSUS.confidence * rows:
                consensus = _consensus(by, names[of], _groups(columns[by], columns[names[of]], entities))
                found += [consensus] if consensus else []
        for consensus in found if len(found) >= TOGETHER else ():
            if consensus.of not in best or consensus.agreeing > best[consensus.of].agreeing:
                best[consensus.of] = consensus
    return list(best.values())


def _groups(names: Sequence[str | None], values: Sequence[str | None], entities: set[str]) -> Groups:
    groups: Groups = defaultdict(Counter)
    for name, value in zip(names, values, strict=True):
        if name in entities and name is not None and value is not None:
            groups[name][value.strip()] += 1
    return groups


def _consensus(by: str, of: str, groups: Groups) -> Consensus | None:
    voted = {name: counts for name, counts in groups.items() if counts.total() >= CONSENSUS.group}
    if len(voted) < CONSENSUS.groups:
        return None
    tops = {name: counts.most_common(2) for name, counts in voted.items()}
    clear = {
        name: top[0][0]
        for name, top in tops.items()
        if top[0][1] * 2 > voted[name].total() and (len(top) == 1 or top[1][1] * 2 <= top[0][1])
    }
    agreeing = sum(top[0][1] for top in tops.values())
    if (
        agreeing < CONSENSUS.confidence * sum(counts.total() for counts in voted.values())
        or len(clear) < CLEAR * len(voted)
        or len(set(clear.values())) < DISTINCT * len(clear)
    ):
        return None
    return Consensus(by, of, {name.strip(): value for name, value in clear.items()}, agreeing)
