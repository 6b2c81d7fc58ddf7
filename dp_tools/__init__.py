"""Data preprocessing tools for AI agents, answered by a small language model on your own machine."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dp_tools.async_preprocessor import AsyncPreprocessor
    from dp_tools.errors import (
        Cancelled,
        DpToolsError,
        InvalidRequest,
        KnowledgeUnavailable,
        ModelUnavailable,
        RuleRejected,
        TableUnavailable,
    )
    from dp_tools.preprocessor import Preprocessor
    from dp_tools.rules.rule import Example, Rule
    from dp_tools.rules.store.knowledge_store import KnowledgeStore
    from dp_tools.tables.jobs.job_requests import TableSource
    from dp_tools.tables.scripting.answers import CleanAnswer, TableAnswer
    from dp_tools.tasks.task import Answer

__all__ = [
    "Answer",
    "AsyncPreprocessor",
    "Cancelled",
    "CleanAnswer",
    "DpToolsError",
    "Example",
    "InvalidRequest",
    "KnowledgeStore",
    "KnowledgeUnavailable",
    "ModelUnavailable",
    "Preprocessor",
    "Rule",
    "RuleRejected",
    "TableAnswer",
    "TableSource",
    "TableUnavailable",
]

_PLACES = {
    "async_preprocessor": ("AsyncPreprocessor",),
    "preprocessor": ("Preprocessor",),
    "rules.rule": ("Example", "Rule"),
    "rules.store.knowledge_store": ("KnowledgeStore",),
    "tables.jobs.job_requests": ("TableSource",),
    "tables.scripting.answers": ("CleanAnswer", "TableAnswer"),
    "tasks.task": ("Answer",),
}


def __getattr__(name: str) -> Any:
    """Each name is imported when it is asked for: a server must start long before numpy and llama.cpp have."""
    if name in __all__:
        module = next((module for module, names in _PLACES.items() if name in names), "errors")
        return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
