"""Asks the person about schema matches where two columns are about equally likely."""

from __future__ import annotations

from typing import Any, Literal

from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context
from mcp.types import InputRequiredResult
from pydantic import Field, create_model

from dp_tools.mcp_server.elicitation import ask
from dp_tools.tasks.match_schemas import AttributePair, MatchSchemasAnswer, MatchSchemasRequest

CLOSE = 0.1
"""Two matches whose scores differ by less than this are a choice for a person."""
_AT_ONCE = 5
_NONE = "none of them"


async def ask_which(
    ctx: Context[Any, Any], request: MatchSchemasRequest, answer: MatchSchemasAnswer
) -> InputRequiredResult | None:
    """Put the close calls before the person and settle the assignment by their word; a refusal leaves it as it is.

    Returns:
        What the tool has to return to get the person's word, or None when the answer is ready.
    """
    choices = _choices(answer)
    if not choices:
        return None
    fields: dict[str, Any] = {}
    for left, pairs in choices.items():
        names = tuple(f"{request.right[pair.right].name} ({pair.right})" for pair in pairs)
        about = f"The counterpart of {request.left[left].name}."
        fields[f"column_{left}"] = (Literal[(*names, _NONE)], Field(description=about))
    form = create_model("Counterparts", **fields)
    reply = await ask(ctx, "Which columns mean the same? The model finds these about equally likely.", form)
    if isinstance(reply, InputRequiredResult):
        return reply
    if isinstance(reply, AcceptedElicitation):
        for left, pairs in choices.items():
            word = getattr(reply.data, f"column_{left}")
            chosen = next((p for p in pairs if word == f"{request.right[p.right].name} ({p.right})"), None)
            _settle(answer, left, pairs, chosen)
    return None


def _choices(answer: MatchSchemasAnswer) -> dict[int, list[AttributePair]]:
    """Attributes on the left with several matches that are about as likely, and those matches, the likeliest first."""
    found: dict[int, list[AttributePair]] = {}
    for left in dict.fromkeys(pair.left for pair in answer.pairs):
        matches = sorted(
            (pair for pair in answer.pairs if pair.left == left and pair.match and pair.score is not None),
            key=lambda pair: -(pair.score or 0),
        )
        close = [pair for pair in matches if (matches[0].score or 0) - (pair.score or 0) < CLOSE]
        if len(close) > 1:
            found[left] = close
    return dict(list(found.items())[:_AT_ONCE])


def _settle(answer: MatchSchemasAnswer, left: int, pairs: list[AttributePair], chosen: AttributePair | None) -> None:
    for pair in pairs:
        pair.reason = "The person chose it." if pair is chosen else "The person chose otherwise."
        pair.match = pair is chosen
    kept = [(a, b) for a, b in answer.assignment if a != left and (chosen is None or b != chosen.right)]
    answer.assignment = sorted(kept if chosen is None else [*kept, (left, chosen.right)])
