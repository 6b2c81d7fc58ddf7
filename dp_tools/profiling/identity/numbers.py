"""What a personal number on both sides tells, which the table itself shows.

A number of social security is one person's; the number of an insurance may be a family's, which has its surname, house
and telephone in common, too. What tells its members apart is a person's own: given name, birth day, mailbox. By these,
the share of the pairs with one number that are one person is the one that makes them most likely, as in a mixture.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling.comparisons import Comparison
from dp_tools.profiling.identity.layout import Slot
from dp_tools.profiling.log_odds import logistic

_PERSONAL: frozenset[Slot] = frozenset({"name", "birth", "email"})
_MOST_AGAINST = -4.0
"""Log-odds that another name, birth day or mailbox takes off at the most: one of them may have got there by mistake,
hardly two."""
_OWN = 0.95
"""Share of the pairs with one number that are one person, from which on a number is a person's own."""
_ROUNDS = 50


class Numbers(NamedTuple):
    """What one number on both sides tells in a table.

    Args:
        odds: log-odds that two records with one number are one person.
        own: whether a number is surely a person's own.
    """

    odds: float = 0.0
    own: bool = False


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


def numbers_of(personal: NDArray[np.floating[Any]]) -> Numbers:
    """What one number on both sides tells.

    Args:
        personal: of each candidate pair with one number the sum of its weights (see `personal_weight`).
    """
    share = 0.5
    for _ in range(_ROUNDS):
        # One pair of either sort is assumed beside those that are seen.
        share = (float(logistic(personal + _log_odds(share)).sum()) + 1) / (len(personal) + 2)
    return Numbers(_log_odds(share), share >= _OWN)


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))
