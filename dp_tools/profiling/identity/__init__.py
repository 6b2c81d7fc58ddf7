"""How identity is decided in lists of people, companies and addresses: what is compared, and what it weighs."""

from __future__ import annotations

from dp_tools.profiling.identity.held import tokens_of
from dp_tools.profiling.identity.judge import IdentityJudge, Judgement
from dp_tools.profiling.identity.keys import keys_of
from dp_tools.profiling.identity.layout import Layout, Slot, Subject, layout_of

__all__ = [
    "IdentityJudge",
    "Judgement",
    "Layout",
    "Slot",
    "Subject",
    "keys_of",
    "layout_of",
    "tokens_of",
]
