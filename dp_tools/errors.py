"""The few errors a person may see; the text of each is one sentence that says what to do next."""

from __future__ import annotations


class DpToolsError(Exception):
    """Anything that a user can mend. `str(error)` is what they read, over MCP, in a command or in Python."""


class InvalidRequest(DpToolsError):
    """The request cannot be carried out as it is: an unknown attribute, an empty batch, a wrong shape."""


class ModelUnavailable(DpToolsError):
    """The model is missing, is not a GGUF, lacks what the task needs, or a remote endpoint does not answer."""


class KnowledgeUnavailable(DpToolsError):
    """The knowledge store cannot be opened, read or written."""


class RuleRejected(DpToolsError):
    """A rule, check, example or pack is not acceptable as knowledge."""


class TableUnavailable(DpToolsError):
    """A file cannot be read or written as a table."""


class Cancelled(DpToolsError):
    """The caller stopped the work; whatever was finished before is kept where a job keeps it."""
