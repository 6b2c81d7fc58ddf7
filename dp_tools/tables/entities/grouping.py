"""Groups of records that are one, where persons have said of some pairs that they are the same, or are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product

from dp_tools.tables.match.pairing import UNJUDGED, ScoredPairs, clusters

Pair = tuple[int, int]
"""Two records, the smaller number first."""
_NEVER = -1e6
"""The score of two groups that a person keeps apart: no mean with it reaches any threshold."""


def groups_of(
    records: Sequence[int], scores: Mapping[Pair, float], decisions: Iterable[tuple[Pair, bool]], threshold: float
) -> list[list[int]]:
    """The groups that records fall into, single ones as well.

    Records that are the same by a person's word are one node, whose score with another is the mean over all pairs
    between them; so a person's word outweighs any number of scores. The rest is `pairing.clusters`.

    Args:
        records: the records, in an order that does not depend on how they came: ties go by it.
        scores: the probability that both are the same, of each pair that was judged.
        decisions: what persons said of pairs, the latest word on each; of words that contradict each other by way of a
            third record, "not the same" holds.
        threshold: the mean score from which groups are one.
    """
    known = set(records)
    said = [(pair, same) for pair, same in decisions if known.issuperset(pair)]
    apart = [pair for pair, same in said if not same]
    node_of = {record: [record] for record in records}
    for (a, b), same in said:
        one, two = node_of[a], node_of[b]
        if same and one is not two and not any(_between(pair, one, two) for pair in apart):
            one.extend(two)
            node_of |= dict.fromkeys(two, one)
    nodes = list({id(node): node for node in node_of.values()}.values())
    number = {record: place for place, node in enumerate(nodes) for record in node}
    found: dict[Pair, float] = {}
    judged: defaultdict[Pair, list[float]] = defaultdict(list)
    for (a, b), score in scores.items():
        if a in known and b in known and number[a] != number[b]:
            judged[_ordered(number[a], number[b])].append(score)
    for (left, right), values in judged.items():
        pairs = len(nodes[left]) * len(nodes[right])
        found[left, right] = (sum(values) + UNJUDGED * (pairs - len(values))) / pairs
    found |= dict.fromkeys((_ordered(number[a], number[b]) for a, b in apart if number[a] != number[b]), _NEVER)
    scored = ScoredPairs.of([(a, b, score) for (a, b), score in sorted(found.items())])
    joined = [[record for node in group for record in nodes[node]] for group, _ in clusters(scored, threshold)]
    single = known - {record for group in joined for record in group}
    alone = [node for node in nodes if node[0] in single]
    return sorted(sorted(group) for group in (*joined, *alone))


def every_pair(left: Iterable[int], right: Iterable[int]) -> list[Pair]:
    """All pairs of a record of one side and one of the other."""
    return [_ordered(a, b) for a, b in product(left, right)]


def _ordered(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)


def _between(pair: Pair, one: Collection[int], two: Collection[int]) -> bool:
    a, b = pair
    return (a in one and b in two) or (b in one and a in two)
