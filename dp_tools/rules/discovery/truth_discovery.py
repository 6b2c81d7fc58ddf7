"""Votes: where many records tell of one thing and contradict each other, what most of them say.

A dependency holds but for exceptions. Where several sources describe the same flights, a third of the cells may be
wrong and no dependency holds; still each flight's usual time stands out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dp_tools.profiling.association import encode, group_agreement, likely_determinants, told_by

VOTERS = 5
"""Records that a thing must have for its majority to count."""
THINGS = 20
"""Things of so many records that a table must have."""
AGREEMENT = 0.6
"""Share of their records that must say what the majority says."""
CLEAR = 0.7
"""Share of the things that must have a clear majority: more than half, and twice as many as for the next value."""
OWN = 0.5
"""Different majorities to a thing: below it the attribute tells of a kind of thing rather than of the thing."""
TOGETHER = 2
"""Attributes on which the records of a thing must agree like this; one alone may be chance."""

Groups = dict[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class Vote:
    """What most records of each thing say.

    Args:
        by: the attribute that names the thing.
        of: the attribute that is told.
        values: the clear majorities by thing.
        agreeing: records that say what their majority says.
    """

    by: str
    of: str
    values: dict[str, str]
    agreeing: int


def votes(columns: Mapping[str, Sequence[str | None]], check: Callable[[], None] = lambda: None) -> list[Vote]:
    """The votes that a table holds, for each attribute the one on which most records agree.

    Args:
        columns: values by attribute, None where missing, all of one length.
        check: called now and then; it may raise to stop.
    """
    if not columns:
        return []
    best: dict[str, Vote] = {}
    names = list(columns)
    told = np.column_stack([encode(value and value.strip() for value in columns[of])[0] for of in names])
    keys = [encode(columns[by]) for by in names]
    likely = likely_determinants((key for key, _ in keys), told)
    for by, (key, values), candidates in zip(names, keys, told_by(likely), strict=True):
        check()
        sizes = np.bincount(key[key >= 0])
        voters = np.append(sizes >= VOTERS, False)[key]
        if (sizes >= VOTERS).sum() < THINGS or voters.sum() * 2 < len(key):
            continue
        things = {values[code] for code in np.flatnonzero(sizes >= VOTERS)}
        voting = np.where(voters, key, np.int32(-1))
        found = []
        for of in candidates:
            rows, agreeing, groups = group_agreement(voting, told[:, of], VOTERS)
            if groups >= THINGS and agreeing >= AGREEMENT * rows:
                vote = _vote(by, names[of], _groups(columns[by], columns[names[of]], things))
                found += [vote] if vote else []
        for vote in found if len(found) >= TOGETHER else ():
            if vote.of not in best or vote.agreeing > best[vote.of].agreeing:
                best[vote.of] = vote
    return list(best.values())


def _groups(names: Sequence[str | None], values: Sequence[str | None], things: set[str]) -> Groups:
    groups: Groups = defaultdict(Counter)
    for name, value in zip(names, values, strict=True):
        if name in things and name is not None and value is not None:
            groups[name][value.strip()] += 1
    return groups


def _vote(by: str, of: str, groups: Groups) -> Vote | None:
    voted = {name: counts for name, counts in groups.items() if counts.total() >= VOTERS}
    if len(voted) < THINGS:
        return None
    tops = {name: counts.most_common(2) for name, counts in voted.items()}
    clear = {
        name: top[0][0]
        for name, top in tops.items()
        if top[0][1] * 2 > voted[name].total() and (len(top) == 1 or top[1][1] * 2 <= top[0][1])
    }
    agreeing = sum(top[0][1] for top in tops.values())
    if (
        agreeing < AGREEMENT * sum(counts.total() for counts in voted.values())
        or len(clear) < CLEAR * len(voted)
        or len(set(clear.values())) < OWN * len(clear)
    ):
        return None
    return Vote(by, of, {name.strip(): value for name, value in clear.items()}, agreeing)
