"""The tasks, one file each, and the list that every way in (Python, MCP, LangChain, commands, docs) is made from."""

from __future__ import annotations

from typing import Any

from dp_tools.tasks.annotate_columns import AnnotateColumns
from dp_tools.tasks.detect_errors import DetectErrors
from dp_tools.tasks.extract_values import ExtractValues
from dp_tools.tasks.follow_instruction import FollowInstruction
from dp_tools.tasks.impute import Impute
from dp_tools.tasks.match_entities import MatchEntities
from dp_tools.tasks.match_schemas import MatchSchemas
from dp_tools.tasks.task import Task

TASKS: dict[str, Task[Any, Any]] = {
    task.name: task
    for task in (
        DetectErrors(),
        Impute(),
        MatchEntities(),
        MatchSchemas(),
        AnnotateColumns(),
        ExtractValues(),
        FollowInstruction(),
    )
}
"""Every task by name."""
VERBS = {
    "detect": "detect_errors",
    "impute": "impute",
    "match": "match_entities",
    "match_schemas": "match_schemas",
    "annotate": "annotate_columns",
    "extract": "extract_values",
    "ask": "follow_instruction",
}
"""The task of each verb, which is the name of a method in Python and of a command at a shell."""

__all__ = ["TASKS", "VERBS"]
