"""The rationale of a model that was tuned to justify its answers. It is written after the answer and is no evidence."""

from __future__ import annotations

import threading

from dp_tools.decision import Decider, with_rules
from dp_tools.engine.questions import GeneratedValue, Question, Value
from dp_tools.prompts.templates.jellyfish import explaining
from dp_tools.rules.injection import Injection
from dp_tools.tasks.task import Case

LONGEST = 256
"""Tokens of a justification; it ends at its first line break, behind which the published form repeats the answer."""


def rationale_of(
    decider: Decider, case: Case, injection: Injection, cancel: threading.Event | None = None
) -> str | None:
    """The model's own justification, or None for a model that was not tuned to write one."""
    template = explaining(decider.template)
    if template is None:
        return None
    segments = template.render(with_rules(case, injection).prompt)
    question = Question(segments, Value(end=template.end, max_tokens=LONGEST))
    (result,) = decider.engine.answer([question], cancel=cancel)
    return result.text or None if isinstance(result, GeneratedValue) else None
