"""The formats of optimized weights, by their names in GGUF."""

from __future__ import annotations

FORMATS = ("BF16", "Q8_0")
"""Formats that keep the accuracy of the shipped weights; the first wins where speeds are equal."""
OTHER_FORMATS = ("F32", "F16", "Q4_0")
"""Formats to compare with: larger and slower than those, or less accurate."""
