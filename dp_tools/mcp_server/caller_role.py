"""The role of a caller: a rule steers later answers, so only a person's consent makes it take effect."""

from __future__ import annotations

import json
from typing import Any, Literal

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context

from dp_tools.mcp_server.auth import APPROVE, PersonHere

CallerRole = Literal["approves", "asks", "proposes"]
"""approves: the caller's word makes a rule act. asks: a person behind the client can be asked. proposes: neither."""


def caller_role(ctx: Context[Any, Any], trust_agents: bool) -> CallerRole:
    """What the caller of this request may do about rules that act."""
    token = get_access_token()
    if trust_agents or (token is not None and APPROVE in token.scopes):
        return "approves"
    return "asks" if can_ask(ctx) else "proposes"


def can_ask(ctx: Context[Any, Any]) -> bool:
    """Whether a person behind the client can be asked. A client with a token could answer for them."""
    able = ctx.client_capabilities
    return get_access_token() is None and able is not None and able.elicitation is not None


def job_owner() -> str:
    """Whose the jobs of this request are: its token's; where no token is asked for, all callers are one."""
    token = get_access_token()
    return "" if token is None or isinstance(token, PersonHere) else json.dumps([token.client_id, token.subject])


def caller(ctx: Context[Any, Any]) -> str:
    """The name that the history keeps."""
    token = get_access_token()
    if token is not None:
        return token.client_id
    params = ctx.session.client_params
    return f"agent ({params.client_info.name})" if params is not None and params.client_info is not None else "agent"


def decider(ctx: Context[Any, Any], trust_agents: bool) -> str:
    """The name that the history keeps for a decision: the person behind the client, where one was asked."""
    name = caller(ctx)
    return f"person, through {name}" if caller_role(ctx, trust_agents) == "asks" else name


def client_key(ctx: Context[Any, Any]) -> str:
    """What tells this client's calls from another's: its token, its session, or where it calls from."""
    token = get_access_token()
    if token is not None:
        return f"{token.client_id}/{token.subject or ''}"
    session = (ctx.headers or {}).get("mcp-session-id")
    if session:
        return session
    peer = getattr(ctx.request_context.request, "client", None)
    return "" if peer is None else f"{peer.host}:{peer.port}"
