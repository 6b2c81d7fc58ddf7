"""Explanations: why an answer came out as it did, measured by asking again and then put into words."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dp_tools.explain.averaging import PermutationAveragedAnswer, answer_permutation_averaged
    from dp_tools.explain.explanation import ExplainRequest, Explanation, Explanations
    from dp_tools.explain.perturbation import explain, explain_answer
    from dp_tools.explain.plots import picture

__all__ = [
    "ExplainRequest",
    "Explanation",
    "Explanations",
    "PermutationAveragedAnswer",
    "answer_permutation_averaged",
    "explain",
    "explain_answer",
    "picture",
]

_PLACES = {
    "averaging": ("PermutationAveragedAnswer", "answer_permutation_averaged"),
    "explanation": ("ExplainRequest", "Explanation", "Explanations"),
    "plots": ("picture",),
    "perturbation": ("explain", "explain_answer"),
}


def __getattr__(name: str) -> Any:
    """Each name is imported when it is asked for: a server must start before numpy and llama.cpp have."""
    for module, names in _PLACES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
