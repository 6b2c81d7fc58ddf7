"""Facts that code computes about a question: what occurs how often, what is equal, what differs.

A fact that code can compute, code computes; the model judges.
"""

from __future__ import annotations

from dp_tools.profiling.cell_facts import (
    CellFacts,
    RecordFacts,
    code_share,
    is_contradicted,
    is_settled,
    is_usual,
)
from dp_tools.profiling.character_facts import form_of
from dp_tools.profiling.column_facts import column_facts
from dp_tools.profiling.facts import Fact, rendered
from dp_tools.profiling.group_evidence import agreement, contradiction_score
from dp_tools.profiling.idf import overlap_score
from dp_tools.profiling.pair_facts import PairFacts
from dp_tools.profiling.schema_facts import SchemaFacts

Facts = CellFacts | PairFacts | SchemaFacts
"""Facts that reach beyond one question: about the columns of a table, the words of records, those of attributes."""

__all__ = [
    "CellFacts",
    "Fact",
    "Facts",
    "PairFacts",
    "RecordFacts",
    "SchemaFacts",
    "agreement",
    "code_share",
    "column_facts",
    "contradiction_score",
    "form_of",
    "is_contradicted",
    "is_settled",
    "is_usual",
    "overlap_score",
    "rendered",
]
