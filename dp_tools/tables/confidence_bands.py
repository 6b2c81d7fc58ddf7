"""How sure work on a whole table has to be: what stands by itself, and what is put before a person."""

ACCEPT = 0.8
"""Confidence from which on a verdict or a change stands without a person."""
REVIEW = 0.5
"""Confidence from which on a person is asked; below it nothing is done."""
