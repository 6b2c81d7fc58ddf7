"""Data preprocessing tools for AI agents, answered by a small language model on your own machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dp_tools.preprocessor import Preprocessor

__all__ = ["Preprocessor"]


def __getattr__(name: str) -> Any:
    """`Preprocessor`, imported when it is asked for: a server must start long before numpy and llama.cpp have."""
    if name == "Preprocessor":
        from dp_tools.preprocessor import Preprocessor

        return Preprocessor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
