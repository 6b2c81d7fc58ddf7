"""How identity is decided in lists of people, companies and addresses: what is compared, and what it weighs."""

from __future__ import annotations

from dp_tools.profiling.identity.details import Details, Sample
from dp_tools.profiling.identity.held import likely_keys, tokens_of
from dp_tools.profiling.identity.judge import IdentityJudge, Judgement, shared_details
from dp_tools.profiling.identity.keys import keys_of
from dp_tools.profiling.identity.layout import Layout, Slot, Subject, layout_of

__all__ = [
    "Details",
    "IdentityJudge",
    "Judgement",
    "Layout",
    "Sample",
    "Slot",
    "Subject",
    "keys_of",
    "layout_of",
    "likely_keys",
    "shared_details",
    "tokens_of",
]
