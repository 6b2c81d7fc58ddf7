"""Groups of tools that a server may offer alone: a client's model pays for every tool that it is shown."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

Profile = Literal["tasks", "tables", "rules"]
"""tasks: records in hand, and explanations. tables: whole files, jobs and reviews. rules: the knowledge store."""
PROFILES: tuple[Profile, ...] = get_args(Profile)

PATIENCE_S = 25.0
"""Seconds after which a call returns what it has: well below the minute after which many clients give a call up."""

_START = (
    "Tools for data preprocessing, answered by a small model on the user's machine and steered by the user's rules."
)
_TASKS = """\
Records in hand: send batches of one table, not single items, because columns are compared within a batch. Name the
`dataset` whenever the data has a name: it selects the rules that apply. Values are text as found; null is a gap. Of a
long batch only what needs attention is returned, and `left_out` counts the rest. A call longer than `patience`
(default: {patience:g} seconds) returns what it has; a `job` answers the `pending` items, and `get_job` with a `wait` up
to {patience:g} gives all."""
_TABLES = """\
Whole files: look with `profile_table`, then `clean_table`, `match_tables` or `dedupe_table`. What takes long returns a
handle; call `get_job` with `wait`. Show the cases of `next_reviews` to the person."""
_ANSWERS = """\
Every answer has a confidence and says who decided it and by which rules. Treat answers near 0.5 as undecided, and a
`failure` as no answer."""
_EXPLAIN = "`explain_answer` says what an answer depends on."
_RULES = """\
When an answer is wrong for a reason that fits in one sentence, look for a rule with `search_rules` and propose a
better one with `add_rule`; a person accepts it before it acts."""


def instructions(profiles: Collection[Profile] = PROFILES, patience: float = PATIENCE_S) -> str:
    """What the server tells a client's model about the tools that it offers.

    Args:
        profiles: their groups.
        patience: seconds after which a call returns what it has.
    """
    answers = [_ANSWERS, *([_EXPLAIN] if "tasks" in profiles else []), *([_RULES] if "rules" in profiles else [])]
    parts = [
        _START,
        *([_TASKS.format(patience=patience)] if "tasks" in profiles else []),
        *([_TABLES] if "tables" in profiles else []),
        " ".join(answers),
    ]
    return "\n\n".join(parts) + "\n"
