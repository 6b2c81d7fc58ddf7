"""Asking the person behind the client about what a job touches: files that would be read, written or replaced, and an
entity register, each by its name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context
from mcp.types import InputRequiredResult
from pydantic import BaseModel, Field

from dp_tools.errors import InvalidRequest
from dp_tools.mcp_server.elicitation import ask

if TYPE_CHECKING:
    from dp_tools.tables.jobs.job_files import Writes


class FileConsent(BaseModel):
    """A person's leave to read and write files."""

    agreed: Annotated[bool, Field(description="Allow it.")] = True


async def require_consent(
    ctx: Context[Any, Any], reads: Iterable[Path], writes: Writes | None = None, register: str | None = None
) -> InputRequiredResult | None:
    """Ask for leave; returns what the tool has to return to get it, or None once it is there.

    Args:
        ctx: the call.
        reads: the files outside the roots that would be read.
        writes: the files that would be written.
        register: the entity register that records would be brought into.

    Raises:
        InvalidRequest: the person did not agree.
    """
    lines = [f"read, from outside the server's folders: {_quoted(file)}" for file in reads]
    if writes is not None:
        lines += [_write(file, writes) for file in writes.files]
    if register is not None:
        lines.append(f"bring the records into the entity register {_quoted(register)}, whose entities keep their ids")
    if not lines:
        return None
    leave = await ask(ctx, "\n".join(["An agent wants to", *lines, "May it?"]), FileConsent)
    if isinstance(leave, InputRequiredResult):
        return leave
    if not (isinstance(leave, AcceptedElicitation) and leave.data.agreed):
        raise InvalidRequest("The person did not agree: nothing was read and nothing is written.")
    return None


def _write(file: Path, writes: Writes) -> str:
    kind = "folder" if writes.are_folders else "file"
    if file in writes.foreign:
        return f"write {_quoted(file)}, which replaces a {kind} that dp-tools did not write"
    if file in writes.replaced:
        return f"write {_quoted(file)}, which replaces the {kind} of an earlier job"
    return f"write {_quoted(file)}, a new {kind}"


def _quoted(name: Path | str) -> str:
    """In quotes, so that nothing in a name can be taken for a word of the question."""
    return json.dumps(str(name), ensure_ascii=False)
