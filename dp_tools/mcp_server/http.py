"""Serving many clients over HTTP: who may call, from where, how much at once, and how the server is doing."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import uvicorn
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url
from mcp.server.auth.settings import AuthSettings
from mcp.server.subscriptions import InMemorySubscriptionBus
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dp_tools.errors import InvalidRequest
from dp_tools.mcp_server.auth import READ, EitherToken, ListedTokens, SignedTokens
from dp_tools.mcp_server.body_limit import BODY_BYTES, BodyLimit
from dp_tools.mcp_server.call_metrics import CallMetrics
from dp_tools.mcp_server.connections import PromptConnection, RequestLimit, allow_open_files
from dp_tools.mcp_server.fair_scheduler import FairScheduler
from dp_tools.mcp_server.logs import write_to_stderr
from dp_tools.mcp_server.metrics import CONTENT_TYPE, Metrics
from dp_tools.mcp_server.server import create_server, tools_of
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.stdio import PATIENCE_S, SETTLE_S
from dp_tools.mcp_server.subscriptions import Watchers
from dp_tools.mcp_server.tools.groups import PROFILES, Profile
from dp_tools.mcp_server.workbench import Workbench
from dp_tools.mcp_server.workbench_sessions import Sessions

ENDPOINT = "/mcp"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens and how clients reach it.

    Args:
        host, port: what it binds.
        url: how clients reach it from elsewhere, without the path; needed beyond loopback.
    """

    host: str
    port: int
    url: str | None = None

    @classmethod
    def parse(cls, bind: str, url: str | None = None) -> Address:
        """An address from `HOST:PORT`.

        Raises:
            InvalidRequest: it is not of that form, or the URL is not one.
        """
        host, _, port = bind.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not port.isdigit() or not 0 <= int(port) < 65536:
            raise InvalidRequest(f"{bind!r} is no address to listen on: give HOST:PORT, for example 127.0.0.1:8765.")
        if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
            raise InvalidRequest(f"{url!r} is no URL: give it as https://HOST, the way clients reach this server.")
        return cls(host, int(port), url.rstrip("/") if url else None)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def public(self) -> str:
        """The URL of the server without the path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.url or f"http://{host}:{self.port}"

    def security(self) -> TransportSecuritySettings:
        """The Host and Origin headers that are let in: this machine's names, and the public one."""
        hosts, origins = ["127.0.0.1:*", "localhost:*", "[::1]:*"], list[str]()
        origins += [f"http://{host}" for host in hosts]
        if self.url is not None:
            hosts.append(urlsplit(self.url).netloc)
            origins.append(self.url)
        return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Where the tokens that are let in come from.

    Args:
        verifier: tells whose token it is.
        issuer: the OAuth issuer, where there is one.
    """

    verifier: TokenVerifier
    issuer: str | None = None

    @classmethod
    def from_options(
        cls, address: Address, *, file: Path | None, lines: str | None, issuer: str | None, keys: str | None
    ) -> Tokens | None:
        """The tokens that a command's options name; None where they name none.

        Args:
            address: where the server is; its endpoint's URL is the audience of signed tokens.
            file: a file of tokens, see `ListedTokens`.
            lines: the same as text, from the environment.
            issuer: the OAuth issuer.
            keys: the URL of its JWKS.

        Raises:
            InvalidRequest: tokens are malformed, or there is an issuer without keys or keys without an issuer.
        """
        if (issuer is None) != (keys is None):
            raise InvalidRequest("An issuer needs its keys: give --issuer and --jwks together.")
        verifiers: list[TokenVerifier] = []
        if file is not None:
            verifiers.append(ListedTokens.from_file(file))
        if lines is not None:
            verifiers.append(ListedTokens(lines.splitlines()))
        if issuer is not None and keys is not None:
            verifiers.append(SignedTokens(issuer, keys, address.public + ENDPOINT))
        return cls(EitherToken(verifiers), issuer) if verifiers else None


def http_app(
    server_context: ServerContext,
    address: Address,
    tokens: Tokens | None,
    *,
    scheduler: FairScheduler,
    call_metrics: CallMetrics,
    trust_agents: bool = False,
    profiles: Collection[Profile] = PROFILES,
    workbench: Workbench | None = None,
) -> Starlette:
    """The server as an ASGI application.

    Args:
        server_context: holds the model and the rules; its preprocessor takes turns by `scheduler`.
        address: where it listens.
        tokens: who is let in; None lets everyone in, which only loopback may do.
        scheduler: told about in the metrics.
        call_metrics: counts and times the calls.
        trust_agents, profiles: as in `create_server`.
        workbench: the page that people use it with; by default one that nobody has a ticket for.

    Raises:
        InvalidRequest: it would listen beyond loopback without tokens, or without saying under which URL.
    """
    if not address.is_loopback and tokens is None:
        raise InvalidRequest(
            f"Listening on {address.host} lets other machines in: give --tokens or --issuer, or listen on 127.0.0.1."
        )
    if not address.is_loopback and address.url is None:
        raise InvalidRequest(f"Say with --url how clients reach {address.host}:{address.port}, as https://HOST.")
    metrics = Metrics(lambda: call_metrics.running, lambda: scheduler.inside, server_context.worker_states)
    call_metrics.observe = metrics.observe
    guard = {} if tokens is None else _auth(address, tokens)
    server = create_server(
        server_context, trust_agents=trust_agents, profiles=profiles, call_metrics=call_metrics, **guard
    )
    app = server.streamable_http_app(
        streamable_http_path=ENDPOINT, transport_security=address.security(), max_request_body_size=BODY_BYTES
    )
    tools = {
        tool.name: tool
        for tool in tools_of(server_context, Watchers(InMemorySubscriptionBus()), trust_agents=trust_agents)
    }
    metadata = str(build_resource_metadata_url(AnyHttpUrl(address.public + ENDPOINT))) if _issued(tokens) else None
    for route in app.routes:
        if isinstance(route, Route) and route.path == ENDPOINT:
            route.app = BodyLimit(route.app, tools, guarded=tokens is not None, metadata=metadata)
    app.routes.append(Route("/health", _health(call_metrics)))
    app.routes.append(Route("/metrics", _metrics(metrics, guarded=tokens is not None)))
    workbench = workbench or workbench_of(address, tokens)
    app.routes.extend(workbench.routes())
    app.add_middleware(workbench.before, endpoint=ENDPOINT)
    app.add_middleware(RequestLimit)
    return app


def workbench_of(address: Address, tokens: Tokens | None) -> Workbench:
    """The page for people at a server: on loopback they sign in with a ticket where no tokens are asked for."""
    return Workbench(address.public, Sessions(tokens.verifier if tokens is not None else None), address.security())


def configured(app: Starlette, **options: Any) -> uvicorn.Config:
    """How the application is served. Options: those of `uvicorn.Config` that say where."""
    return uvicorn.Config(
        app,
        http=PromptConnection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=2,
        **options,
    )


def _log_address(workbench: Workbench, url: str) -> None:
    """Say where the workbench is. The log is read by whoever runs the server, who may sign in."""
    logging.getLogger("dp_tools").info("The workbench is at %s", workbench.address(url))


def serve_http(
    bind: str,
    *,
    url: str | None = None,
    tokens: Path | None = None,
    token_lines: str | None = None,
    issuer: str | None = None,
    keys: str | None = None,
    trust_agents: bool = False,
    profiles: Collection[Profile] = PROFILES,
    announce: Callable[[Workbench, str], None] = _log_address,
    **options: Any,
) -> None:
    """Serve over HTTP until SIGTERM comes; running answers may finish. Options: those of `ServerContext`.

    `announce` is given the workbench and the server's URL once clients can connect.

    Raises:
        InvalidRequest: nothing can listen there; or see `Address.parse`, `Tokens.from_options` and `http_app`.
    """
    write_to_stderr()
    address = Address.parse(bind, url)
    known = Tokens.from_options(address, file=tokens, lines=token_lines, issuer=issuer, keys=keys)
    scheduler, call_metrics = FairScheduler(), CallMetrics()
    server_context = ServerContext(scheduler=scheduler, reserved=[tokens] if tokens is not None else [], **options)
    threading.Thread(target=server_context.warm_up, name="warm-up", daemon=True).start()
    workbench = workbench_of(address, known)
    app = http_app(
        server_context,
        address,
        known,
        scheduler=scheduler,
        call_metrics=call_metrics,
        trust_agents=trust_agents,
        profiles=profiles,
        workbench=workbench,
    )
    logging.getLogger("dp_tools").setLevel(logging.INFO)
    allow_open_files()
    config = configured(app, host=address.host, port=address.port)
    try:
        with _listening(address) as listener:
            port = listener.getsockname()[1]
            announce(workbench, replace(address, port=port).public)
            anyio.run(_serve, _Server(config), listener, call_metrics)
    finally:
        server_context.close()


class _Server(uvicorn.Server):
    """uvicorn, which leaves the signals to us: running answers are waited for before connections are closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listening(address: Address) -> socket.socket:
    """A socket that listens there."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        raise InvalidRequest(
            f"Nothing can listen on {address.host}:{address.port} ({error.strerror}): choose another address."
        ) from error


async def _serve(server: _Server, listener: socket.socket, call_metrics: CallMetrics) -> None:
    async with anyio.create_task_group() as group:
        if sys.platform != "win32":
            group.start_soon(_end_on_signal, server, call_metrics)
        await server.serve(sockets=[listener])
        group.cancel_scope.cancel()


async def _end_on_signal(server: _Server, call_metrics: CallMetrics) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            await call_metrics.finish(PATIENCE_S)
            await anyio.sleep(SETTLE_S)
            server.should_exit = True


def _auth(address: Address, tokens: Tokens) -> dict[str, Any]:
    auth = AuthSettings.model_validate(
        {
            # As text, for a URL that is compared character by character must keep its own.
            "issuer_url": tokens.issuer or address.public,
            # Without an issuer there is nowhere to send a client for a token, so nothing is announced.
            "resource_server_url": address.public + ENDPOINT if tokens.issuer else None,
            "validate_token_resource": False,
            "required_scopes": [READ],
        }
    )
    return {"auth": auth, "token_verifier": tokens.verifier}


def _issued(tokens: Tokens | None) -> bool:
    return tokens is not None and tokens.issuer is not None


def _health(call_metrics: CallMetrics) -> Any:
    async def health(_: Request) -> Response:
        if call_metrics.closing:
            return JSONResponse({"status": "stopping"}, status_code=503)
        return JSONResponse({"status": "ok"})

    return health


def _metrics(metrics: Metrics, *, guarded: bool) -> Any:
    async def read(request: Request) -> Response:
        if guarded and (not request.user.is_authenticated or READ not in request.auth.scopes):
            return JSONResponse({"error": "invalid_token"}, status_code=401, headers={"WWW-Authenticate": "Bearer"})
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return read
