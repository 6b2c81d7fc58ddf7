"""Facts that code computes about a question: what occurs how often, what is equal, what differs.

A fact that code can compute, code computes; the model judges. The forms are short and fixed, because the tuned model
has learned to read exactly these.
"""

from __future__ import annotations

from dp_tools.evidence.cells import CellFacts, RecordFacts
from dp_tools.evidence.forms import form_of
from dp_tools.evidence.pairs import pair_facts
from dp_tools.evidence.schemas import schema_facts

__all__ = ["CellFacts", "RecordFacts", "form_of", "pair_facts", "schema_facts"]
