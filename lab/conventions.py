"""What the labels of known datasets hold that nobody can know who was not told."""

from __future__ import annotations

HOUSE_CONVENTIONS = {
    "Beers": {"ounces", "abv", "ibu"},
    "Tax_trunc": {"rate", "zip"},
    "Movies_trunc": {"rating_count", "rating_value"},
}
"""Attributes by dataset whose labels follow a convention that only a rule can tell: neither learned from nor calibrated
on without it."""
