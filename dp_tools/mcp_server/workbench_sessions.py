"""Who sits at the workbench: a token, given once, becomes a cookie that only this server's own page may use."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken, TokenVerifier
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dp_tools.mcp_server.auth import READ, SCOPES, PersonHere

IDLE_S = 12 * 3600.0
"""Seconds without a request after which a session ends."""


@dataclass(slots=True)
class _Session:
    token: str
    used: float


class Sessions:
    """The sessions of one server, in memory: they end with it.

    Args:
        verifier: knows the bearer tokens that are let in. None where the server asks for none, which only loopback
            may do: then a person signs in with a ticket, which is good for one sign-in.
    """

    def __init__(self, verifier: TokenVerifier | None) -> None:
        self._verifier = verifier
        self._tickets: set[bytes] = set()
        self._sessions: dict[bytes, _Session] = {}

    @property
    def wants_bearer_token(self) -> bool:
        """Whether one signs in with a bearer token rather than with a ticket."""
        return self._verifier is not None

    def ticket(self) -> str:
        """A secret that is good for one sign-in."""
        ticket = secrets.token_urlsafe(32)
        self._tickets.add(_digest(ticket))
        return ticket

    async def sign_in(self, token: str) -> str | None:
        """The secret of a new session, or None where the token lets nobody in."""
        if self._verifier is None:
            if (ticket := _digest(token)) not in self._tickets:
                return None
            self._tickets.discard(ticket)
        else:
            access = await self._verifier.verify_token(token)
            if access is None or READ not in access.scopes:
                return None
        now = time.monotonic()
        self._sessions = {name: one for name, one in self._sessions.items() if now - one.used < IDLE_S}
        secret = secrets.token_urlsafe(32)
        self._sessions[_digest(secret)] = _Session(token, now)
        return secret

    def sign_out(self, secret: str) -> None:
        """End a session; ending one that is not there is harmless."""
        self._sessions.pop(_digest(secret), None)

    def bearer(self, secret: str) -> str | None:
        """The token that a session was begun with; None where there is no such session."""
        session = self._sessions.get(_digest(secret))
        now = time.monotonic()
        if session is None or now - session.used >= IDLE_S:
            return None
        session.used = now
        return session.token

    async def person(self, secret: str) -> AccessToken | None:
        """Whose a session is, with what its token allows now; None where it lets nobody in any more."""
        if (token := self.bearer(secret)) is None:
            return None
        if self._verifier is None:
            return PersonHere(token="", client_id="person at the workbench", scopes=list(SCOPES))
        return await self._verifier.verify_token(token)


class SessionCookie:
    """Stands before the endpoint: a request of the workbench's own page is its person's.

    A cookie alone proves nothing, because a browser also sends it to this server from pages of other ports: it counts
    only with an `Origin` that is this server's own.

    Args:
        app: the application.
        sessions: the sessions.
        endpoint: the path of the MCP endpoint.
        name: the cookie's name.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions, endpoint: str, name: str) -> None:
        self._app = app
        self._as_person = AuthContextMiddleware(app)
        self._sessions = sessions
        self._endpoint = endpoint
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._endpoint or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        secret = cookie_of(headers, self._name)
        if secret is None or not is_same_origin(headers) or "authorization" in headers:
            await self._app(scope, receive, send)
        elif self._sessions.wants_bearer_token:
            # The session stands for its token, which is checked anew as any client's is.
            given = [] if (token := self._sessions.bearer(secret)) is None else [_authorization(token)]
            await self._app({**scope, "headers": [*scope["headers"], *given]}, receive, send)
        elif (person := await self._sessions.person(secret)) is not None:
            await self._as_person({**scope, "user": AuthenticatedUser(person)}, receive, send)
        else:
            await self._app(scope, receive, send)


def cookie_of(headers: Headers, name: str) -> str | None:
    """A cookie's value; None where there is none of that name."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return None if morsel is None else morsel.value


def is_same_origin(headers: Headers) -> bool:
    """Whether a page of this very server sent the request."""
    return urlsplit(headers.get("origin", "")).netloc == headers.get("host", "") != ""


def _authorization(token: str) -> Sequence[bytes]:
    return (b"authorization", f"Bearer {token}".encode("latin-1", "replace"))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
