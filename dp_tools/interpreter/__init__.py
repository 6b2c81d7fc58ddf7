"""The interpreter: why an answer came out as it did, measured by asking again, and put into words last."""

from __future__ import annotations

from dp_tools.interpreter.averaging import AveragedAnswer, answer_averaged
from dp_tools.interpreter.explain import explain, explain_answer
from dp_tools.interpreter.explanation import Explanation, Explanations, ExplainRequest

__all__ = [
    "AveragedAnswer",
    "ExplainRequest",
    "Explanation",
    "Explanations",
    "answer_averaged",
    "explain",
    "explain_answer",
]
