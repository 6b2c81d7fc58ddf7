"""Asking the person behind the client in the middle of a call, in both protocol eras."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from mcp.server.elicitation import (
    AcceptedElicitation,
    CancelledElicitation,
    DeclinedElicitation,
    ElicitationResult,
    render_elicitation_schema,
)
from mcp.server.mcpserver import Context
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp.types.version import is_version_at_least
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
_KEY = "person"
_ROUNDS = "2026-07-28"
"""From this version on a question ends the round, and the client calls again with the answer."""


async def ask(ctx: Context[Any, Any], question: str, form: type[M]) -> ElicitationResult[M] | InputRequiredResult:
    """The person's answer, or what the tool has to return to get it.

    A tool that gets an `InputRequiredResult` returns it as it is; it is called again with the answer. What the tool did
    before it asked is done again then, so it must not have changed anything. An answer that does not fit the form is no
    answer: where rounds allow it the question is put again, otherwise it counts as cancelled.
    """
    if not is_version_at_least(ctx.protocol_version or "", _ROUNDS):
        try:
            return await ctx.elicit(question, form)
        except ValueError:
            return CancelledElicitation()
    asked = hashlib.sha256(question.encode()).hexdigest()
    reply = (ctx.input_responses or {}).get(_KEY)
    # The state is sealed by the SDK: an answer counts only for the question that was put.
    if isinstance(reply, ElicitResult) and ctx.request_state == asked:
        if reply.action == "decline":
            return DeclinedElicitation()
        if reply.action == "cancel":
            return CancelledElicitation()
        try:
            return AcceptedElicitation[form](data=form.model_validate(reply.content))  # type: ignore[valid-type]
        except ValidationError:
            pass
    request = ElicitRequest(
        params=ElicitRequestFormParams(message=question, requested_schema=render_elicitation_schema(form))
    )
    return InputRequiredResult(input_requests={_KEY: request}, request_state=asked)
