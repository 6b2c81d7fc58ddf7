"""Visits of towns, in which the zip code determines the town, and one record that breaks it."""

from __future__ import annotations

_TOWNS = [("Salem", "97301"), ("Tampa", "33602"), ("Boise", "83702")]
VISITS = [{"town": town, "zip": code, "visits": str(40 + n)} for n in range(40) for town, code in _TOWNS]
ASTRAY = {"town": "Tampa", "zip": "83702", "visits": "55"}
