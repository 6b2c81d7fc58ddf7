"""How personal numbers compare, and what tells two records with one number apart.

A number of social security is one person's; the number of an insurance may be a family's, which has its surname, house
and telephone in common, too. What tells its members apart is a person's own: given name, birth day, mailbox.
"""

from __future__ import annotations

from collections.abc import Mapping

from dp_tools.profiling.comparisons import Comparison, Level
from dp_tools.profiling.identity.layout import Slot

SAME, NEAR, OTHER = 1, 2, 3
"""How two personal numbers compare; 0 where a side has none or one that says nothing."""
OWN = 0.95
"""Share of the pairs with one number that are one person, from which on a number is a person's own."""
_LEVELS: Mapping[Level, int] = {"exact": SAME, "normalised": SAME, "near": NEAR, "contradicting": OTHER}
_PERSONAL: frozenset[Slot] = frozenset({"name", "birth", "email"})
_MOST_AGAINST = -4.0
"""Log-odds that another name, birth day or mailbox takes off at the most: one of them may have got there by mistake,
hardly two."""


def number_level(slot: Slot, compared: Comparison) -> int:
    """How two personal numbers compare; 0 for anything else."""
    return _LEVELS.get(compared.level, 0) if slot == "number" else 0


def personal_weight(slot: Slot, compared: Comparison, weight: float) -> float:
    """What a comparison says of two records with one number, in log-odds; 0 for what families have in common.

    Args:
        slot, compared: the comparison.
        weight: of it in general.
    """
    if slot not in _PERSONAL:
        return 0.0
    # The surname is the family's.
    return _MOST_AGAINST if compared.text == "same surname, other given name" else max(weight, _MOST_AGAINST)
