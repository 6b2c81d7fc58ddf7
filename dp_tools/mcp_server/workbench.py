"""The workbench's page: its files, and signing in and out. All else goes through the MCP endpoint."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from dp_tools.mcp_server.workbench_sessions import SessionCookie, Sessions, cookie_of, is_same_origin

PAGE = "/workbench/"
_SESSION = "/workbench/session"
_SIGN_IN_BYTES = 16 * 1024
"""The largest request that signs somebody in."""
_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing from elsewhere, nothing written into the page, and no text that becomes markup."""
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Workbench:
    """The workbench of one server.

    Args:
        public: the server's URL without a path.
        sessions: who is signed in.
        security: the Host and Origin headers that are let in, as at the MCP endpoint.
        run: what tells this run of the server from others of the same machine.
    """

    public: str
    sessions: Sessions
    security: TransportSecuritySettings
    run: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def cookie(self) -> str:
        """The cookie's name, another one for each run: a browser does not keep cookies apart by port."""
        return f"{'__Host-' if self._is_secure else ''}dp-tools-{self.run}"

    @property
    def _is_secure(self) -> bool:
        return self.public.startswith("https:")

    def address(self, url: str, **opened: str) -> str:
        """An address to open, with a ticket where one signs in with one, and with what to show.

        Args:
            url: the server's, without a path.
            opened: what to show.

        The ticket stands behind the #, where no server log and no other site sees it.
        """
        ticket = {} if self.sessions.wants_bearer_token else {"ticket": self.sessions.ticket()}
        after = urlencode({**ticket, **opened})
        return f"{url}{PAGE}" + (f"#{after}" if after else "")

    def before(self, app: ASGIApp, endpoint: str) -> SessionCookie:
        """The endpoint's application, behind the sessions."""
        return SessionCookie(app, self.sessions, endpoint, self.cookie)

    def routes(self) -> list[Route]:
        """The routes to add to the server's."""
        shipped = [
            Route(f"{PAGE}{'' if name == 'index.html' else name}", self._file(content, name.rpartition(".")[2]))
            for name, content in shipped_files().items()
        ]
        return [
            Route("/workbench", self._guarded(_to_page)),
            Route(_SESSION, self._guarded(self._session), methods=["GET", "POST", "DELETE"]),
            *shipped,
        ]

    def _file(self, content: bytes, kind: str) -> Any:
        async def send(_: Request) -> Response:
            return Response(content, media_type=_TYPES[kind], headers=_HEADERS)

        return self._guarded(send)

    def _guarded(self, answer: Any) -> Any:
        """Refuse what comes under another name or from another site, as the endpoint does."""
        check = TransportSecurityMiddleware(self.security)

        async def guarded(request: Request) -> Response:
            refused = await check.validate_request(request, is_post=False)
            response: Response = refused or await answer(request)
            return response

        return guarded

    async def _session(self, request: Request) -> Response:
        """GET says who is signed in, POST signs in, DELETE signs out."""
        if request.method in ("POST", "DELETE") and not is_same_origin(request.headers):
            return _answer({"error": "Sign in on the workbench's own page."}, 403)
        secret = cookie_of(request.headers, self.cookie)
        if request.method == "DELETE":
            if secret is not None:
                self.sessions.sign_out(secret)
            response = _answer(self._nobody)
            response.delete_cookie(self.cookie, path="/", secure=self._is_secure, httponly=True, samesite="strict")
            return response
        if request.method == "POST":
            return await self._sign_in(request)
        person = None if secret is None else await self.sessions.person(secret)
        return _answer(self._nobody if person is None else {"name": person.client_id, "scopes": person.scopes})

    async def _sign_in(self, request: Request) -> Response:
        token = await _token_in(request)
        secret = None if token is None else await self.sessions.sign_in(token)
        if secret is None:
            return _answer({**self._nobody, "error": "This token lets nobody in."}, 401)
        person = await self.sessions.person(secret)
        assert person is not None
        response = _answer({"name": person.client_id, "scopes": person.scopes})
        response.set_cookie(self.cookie, secret, path="/", secure=self._is_secure, httponly=True, samesite="strict")
        return response

    @property
    def _nobody(self) -> dict[str, Any]:
        return {"name": None, "scopes": [], "wants": "token" if self.sessions.wants_bearer_token else "ticket"}


def shipped_files() -> dict[str, bytes]:
    """The front end's files, by name."""
    folder = files("dp_tools") / "web"
    return {
        entry.name: entry.read_bytes()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.rpartition(".")[2] in _TYPES
    }


async def _to_page(_: Request) -> Response:
    return RedirectResponse(PAGE, headers=_HEADERS)


async def _token_in(request: Request) -> str | None:
    """The token of a sign-in; None where the body is not one."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _SIGN_IN_BYTES:
            return None
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return None
    token = given.get("token") if isinstance(given, dict) else None
    return token if isinstance(token, str) else None


def _answer(content: dict[str, Any], status: int = 200) -> JSONResponse:
    return JSONResponse(content, status_code=status, headers={**_HEADERS, "Cache-Control": "no-store"})
