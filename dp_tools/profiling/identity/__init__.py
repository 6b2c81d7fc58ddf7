"""How identity is decided in lists of people, companies and addresses: what is compared, and what it weighs."""

from __future__ import annotations

from dp_tools.profiling.identity.judge import IdentityJudge, Judgement, tokens_of
from dp_tools.profiling.identity.keys import keys_of
from dp_tools.profiling.identity.layout import Layout, Subject, layout_of

__all__ = ["IdentityJudge", "Judgement", "Layout", "Subject", "keys_of", "layout_of", "tokens_of"]
