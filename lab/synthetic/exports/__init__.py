"""Pairs of exports: the same things out of two systems, whose columns have other names, languages and formats.

`everyday` is for building, `held_back` (other systems, languages, people and formats) only measures.
"""

from lab.synthetic.exports.making import Export, ExportPair, with_little_in_common, with_unknown_names
from lab.synthetic.exports.systems import DOMAINS, make_everyday, make_held_back

__all__ = [
    "DOMAINS",
    "Export",
    "ExportPair",
    "make_everyday",
    "make_held_back",
    "with_little_in_common",
    "with_unknown_names",
]
