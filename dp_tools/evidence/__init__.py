"""Facts that code computes about a question: what occurs how often, what is equal, what differs.

A fact that code can compute, code computes; the model judges. The forms are short and fixed, because the tuned model
has learned to read exactly these.
"""

from __future__ import annotations

from dp_tools.evidence.cells import CellFacts, RecordFacts, agreement, is_contradicted, is_usual
from dp_tools.evidence.columns import column_facts
from dp_tools.evidence.forms import form_of
from dp_tools.evidence.pairs import PairFacts
from dp_tools.evidence.peers import against
from dp_tools.evidence.schemas import SchemaFacts
from dp_tools.evidence.weights import words_agree

Facts = CellFacts | PairFacts | SchemaFacts
"""Facts that reach beyond one question: about the columns of a table, the words of records, those of attributes."""

__all__ = [
    "CellFacts",
    "Facts",
    "PairFacts",
    "RecordFacts",
    "SchemaFacts",
    "against",
    "agreement",
    "column_facts",
    "form_of",
    "is_contradicted",
    "is_usual",
    "words_agree",
]
