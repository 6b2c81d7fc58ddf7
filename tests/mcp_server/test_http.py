"""The server over HTTP: who is let in and who is not, what is too much, and that clients do not hold each other up."""

from __future__ import annotations

import json
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from engines import Held
from http_serving import connected, listening
from mcp.shared.exceptions import MCPError
from serving import ERAS, answer, assert_same, environment, refusal, server_context_of
from starlette.applications import Starlette
from waiting import until

from dp_tools.cli.serve import serve
from dp_tools.engine.questions import Engine
from dp_tools.errors import InvalidRequest
from dp_tools.mcp_server import blocking_work, body_limit
from dp_tools.mcp_server.auth import EitherToken, ListedTokens, SignedTokens
from dp_tools.mcp_server.call_metrics import CallMetrics
from dp_tools.mcp_server.fair_scheduler import FairScheduler, SharedEngine
from dp_tools.mcp_server.http import Address, Tokens, http_app
from dp_tools.mcp_server.logs import JsonLines

HERE = Address("127.0.0.1", 8765)
READER, RUNNER, WRITER, APPROVER = (name * 4 for name in ("read", "runs", "writ", "appr"))
LISTED = ListedTokens(
    [
        f"reader {READER} dp:read",
        f"runner {RUNNER} dp:read dp:run",
        f"writer {WRITER} dp:read dp:rules",
        f"approver {APPROVER} dp:read dp:rules dp:approve",
        f"limbo {'limb' * 4} dp:run",
    ]
)
CALL = {"name": "detect_errors", "arguments": {"records": [{"ounces": "12.0 oz"}]}}
ISSUER = "https://issuer.example"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Served:
    """A running server and its parts."""

    base: str
    scheduler: FairScheduler
    call_metrics: CallMetrics
    engine: Held


@pytest.fixture
def served(engine: Engine, tmp_path: Path) -> Iterator[Served]:
    shared, call_metrics, held = FairScheduler(), CallMetrics(), Held(engine)
    with (
        server_context_of(SharedEngine(held, shared), tmp_path / "knowledge.db") as server_context,
        listening(http_app(server_context, HERE, None, scheduler=shared, call_metrics=call_metrics)) as base,
    ):
        yield Served(base, shared, call_metrics, held)


@pytest.fixture(scope="module")
def guarded(engine: Engine, tmp_path_factory: pytest.TempPathFactory, keys: str) -> Iterator[str]:
    shared = FairScheduler()
    verifier = EitherToken([LISTED, SignedTokens(ISSUER, keys, f"{HERE.public}/mcp")])
    with (
        server_context_of(
            SharedEngine(engine, shared), tmp_path_factory.mktemp("guarded") / "knowledge.db"
        ) as server_context,
        listening(
            http_app(server_context, HERE, Tokens(verifier, ISSUER), scheduler=shared, call_metrics=CallMetrics())
        ) as base,
    ):
        yield base


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FORGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def keys() -> Iterator[str]:
    """The URL of an issuer's published keys."""
    body = json.dumps({"keys": [{**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "k1"}]})

    class Issuer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    issuer = ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    thread = threading.Thread(target=issuer.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{issuer.server_address[1]}/jwks"
    issuer.shutdown()
    thread.join()
    issuer.server_close()


def signed(key: Any = KEY, kid: str = "k1", **claims: Any) -> str:
    """A token of the issuer, good for everything unless a claim says otherwise."""
    usual = {
        "iss": ISSUER,
        "aud": f"{HERE.public}/mcp",
        "sub": "ann",
        "exp": int(time.time()) + 3600,
        "scope": "dp:read dp:run",
    }
    return jwt.encode({**usual, **claims}, key, algorithm="RS256", headers={"kid": kid})


def post(
    base: str, token: str | None = None, call: Any = CALL, method: str = "tools/call", **headers: str
) -> httpx2.Response:
    """A tool call as one 2025-11-25 request without a session."""
    sent = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json", **headers}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": call}
    return httpx2.post(f"{base}/mcp", headers=sent, content=json.dumps(body), timeout=60)


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_a_client_gets_the_same_answer_over_http(
    served: Served, era: str, tmp_path: Path, engine: Engine
) -> None:
    from mcp import Client

    from dp_tools.mcp_server.server import create_server

    async with connected(served.base, era=era) as client:
        over_http = await answer(client, CALL["name"], CALL["arguments"])  # type: ignore[arg-type]
        assert "There are no records" in await refusal(client, "detect_errors", {"records": []})
    with server_context_of(engine, tmp_path / "other.db") as server_context:
        async with Client(create_server(server_context), mode=era) as client:
            assert_same(over_http, await answer(client, CALL["name"], CALL["arguments"]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("token", "headers", "status"),
    [
        (None, {}, 401),
        ("wrong" * 4, {}, 401),
        (READER[:-1], {}, 401),
        (READER, {}, 403),
        (WRITER, {}, 403),
        ("limb" * 4, {}, 403),
        (signed(exp=int(time.time()) - 5), {}, 401),
        (signed(aud="https://elsewhere.example/mcp"), {}, 401),
        (signed(iss="https://elsewhere.example"), {}, 401),
        (signed(FORGER), {}, 401),
        (signed(kid="k2"), {}, 401),
        (signed(scope="dp:read"), {}, 403),
        (jwt.encode({"iss": ISSUER, "sub": "ann", "scope": "dp:read dp:run"}, None, algorithm="none"), {}, 401),
        (RUNNER, {"Host": "evil.example"}, 421),
        (RUNNER, {"Origin": "https://evil.example"}, 403),
        (RUNNER, {"Content-Type": "text/plain"}, 400),
    ],
    ids=[
        "no token",
        "wrong token",
        "a token cut short",
        "no scope to run",
        "a writer's token",
        "no scope to read",
        "expired",
        "for another server",
        "of another issuer",
        "of a forger",
        "of an unknown key",
        "signed without the scope",
        "not signed",
        "foreign host",
        "foreign origin",
        "not JSON",
    ],
)
def test_who_may_not_call_is_told_so_and_nothing_more(
    guarded: str, token: str | None, headers: dict[str, str], status: int
) -> None:
    reply = post(guarded, token, **headers)
    assert reply.status_code == status
    for secret in (READER, RUNNER, "reader", "runner", "Traceback", "12.0 oz", "/"):
        assert secret not in reply.text
    if status == 401 or (status == 403 and "Origin" not in headers):
        assert reply.headers["WWW-Authenticate"].startswith("Bearer ")
        assert "resource_metadata=" in reply.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("tool", "arguments", "scope"),
    [
        ("detect_errors", {}, "dp:run"),
        ("add_rule", {"statement": "x"}, "dp:rules"),
        ("review_rule", {"rule_id": "x", "decision": "accept"}, "dp:approve"),
    ],
)
def test_a_token_without_the_scope_is_told_which_one_it_needs(
    guarded: str, tool: str, arguments: dict[str, Any], scope: str
) -> None:
    reply = post(guarded, READER, {"name": tool, "arguments": arguments})
    assert reply.status_code == 403
    assert f'scope="{scope}"' in reply.headers["WWW-Authenticate"]
    batch = [{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}]
    assert httpx2.post(
        f"{guarded}/mcp", json=batch, headers={"Authorization": f"Bearer {READER}", "Accept": "application/json"}
    ).status_code == 403  # fmt: skip


def test_stopping_a_task_needs_the_scope_of_stopping_a_job(guarded: str) -> None:
    asked = {"taskId": "clean-none"}
    assert post(guarded, READER, asked, "tasks/cancel").status_code == 403
    assert post(guarded, RUNNER, asked, "tasks/cancel").status_code != 403
    assert post(guarded, READER, asked, "tasks/get").status_code != 403


@pytest.mark.anyio
@pytest.mark.parametrize("token", [RUNNER, signed()], ids=["listed", "signed"])
async def test_a_good_token_is_let_in(guarded: str, token: str) -> None:
    async with connected(guarded, token) as client:
        assert (await answer(client, **CALL_ARGUMENTS))["model"] == "tiny"


CALL_ARGUMENTS: dict[str, Any] = {"tool": CALL["name"], "arguments": CALL["arguments"]}


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_only_an_approver_makes_rules_act(guarded: str, era: str) -> None:
    rule = f"ounces-{era}"
    async with connected(guarded, WRITER, era) as client:
        proposed = await answer(client, "add_rule", {"statement": f"In {era} ounces have no unit.", "rule_id": rule})
        assert proposed["acts"] is False
    async with connected(guarded, APPROVER, era) as client:
        accepted = await answer(client, "review_rule", {"rule_id": rule, "decision": "accept"})
        assert accepted["acts"] is True
        history = json.loads((await client.read_resource(f"knowledge://rules/{rule}")).contents[0].text)["history"]  # type: ignore[union-attr]
    assert [(entry["action"], entry["who"]) for entry in history] == [("proposed", "writer"), ("accepted", "approver")]


def test_where_tokens_come_from_is_announced(guarded: str) -> None:
    found = httpx2.get(f"{guarded}/.well-known/oauth-protected-resource/mcp").json()
    assert found["resource"] == f"{HERE.public}/mcp"
    assert found["authorization_servers"] == [ISSUER]


def test_a_body_that_is_too_large_is_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "BODY_BYTES", 1000)
    large = {"name": "detect_errors", "arguments": {"records": [{"a": "x" * 2000}]}}
    reply = post(served.base, call=large)
    assert reply.status_code == 413
    assert "xxx" not in reply.text


def test_a_body_that_trickles_in_is_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limit, "BODY_S", 0.05)
    host, port = served.base.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=30)
    connection.putrequest("POST", "/mcp")
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    for name, value in {**headers, "Content-Length": "100"}.items():
        connection.putheader(name, value)
    connection.endheaders(b'{"jsonrpc": "2.0",')
    # The rest never comes.
    assert connection.getresponse().status == 408
    connection.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--http", "0.0.0.0:8765"], "lets other machines in"),
        (["--http", "8765"], "is no address to listen on"),
        (["--http", "127.0.0.1:99999"], "is no address to listen on"),
        (["--http", "127.0.0.1:8765", "--issuer", ISSUER], "An issuer needs its keys"),
        (["--http", "127.0.0.1:8765", "--url", "here"], "is no URL"),
    ],
)
def test_a_server_that_would_not_be_safe_does_not_start(options: list[str], message: str) -> None:
    result = CliRunner().invoke(serve, options)
    assert isinstance(result.exception, InvalidRequest)
    assert message in str(result.exception)


def test_an_address_that_is_taken_gets_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(serve, ["--http", f"127.0.0.1:{taken.getsockname()[1]}"])
    assert isinstance(result.exception, InvalidRequest)
    assert "choose another address" in str(result.exception)


def test_beyond_loopback_tokens_and_a_url_are_needed(engine: Engine, tmp_path: Path) -> None:
    with server_context_of(engine, tmp_path / "knowledge.db") as server_context:
        make = partial(http_app, server_context, scheduler=FairScheduler(), call_metrics=CallMetrics())
        with pytest.raises(InvalidRequest, match="--url"):
            make(Address("0.0.0.0", 8765), Tokens(LISTED))
        assert isinstance(make(Address("0.0.0.0", 8765, "https://dp.example"), Tokens(LISTED)), Starlette)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ann", "is not `name token scope"),
        ("ann secret dp:read", "too short to be safe"),
        (f"ann {READER} dp:everything", "has the scope 'dp:everything'"),
        ("ann sha256:zz dp:read", "no SHA-256 digest"),
        (f"ann {READER} dp:read\nann {RUNNER} dp:read", "same name"),
        ("# nobody yet", "There are no tokens"),
    ],
)
def test_a_malformed_list_of_tokens_gets_one_clear_sentence(line: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message) as caught:
        ListedTokens(line.splitlines())
    assert READER not in str(caught.value)


@pytest.mark.anyio
async def test_a_token_may_be_kept_as_its_digest(tmp_path: Path) -> None:
    import hashlib

    file = tmp_path / "tokens"
    file.write_text(f"# clients\nann sha256:{hashlib.sha256(READER.encode()).hexdigest()} dp:read\n", encoding="utf-8")
    file.chmod(0o644)
    with pytest.raises(InvalidRequest, match="chmod 600"):
        ListedTokens.from_file(file)
    file.chmod(0o600)
    access = await ListedTokens.from_file(file).verify_token(READER)
    assert access is not None
    assert (access.client_id, access.scopes) == ("ann", ["dp:read"])


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_progress_and_cancellation_reach_the_engine_over_http(
    served: Served, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    monkeypatch.setattr(blocking_work, "INTERVAL", 0.02)
    records = [{"name": f"Beer number {n}", "ounces": f"{n}.5"} for n in range(400)]
    async with connected(served.base, era=era) as client:
        with anyio.CancelScope() as scope:

            async def stop(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
                scope.cancel()

            await client.call_tool("detect_errors", {"records": records}, progress_callback=stop)
        assert scope.cancelled_caught
        assert await anyio.to_thread.run_sync(served.engine.stopped.wait, 30)
        with anyio.fail_after(30):
            assert (await answer(client, **CALL_ARGUMENTS))["cells"][0]["value"] == "12.0 oz"
    until(lambda: not served.scheduler.inside)


@pytest.mark.anyio
async def test_health_and_metrics_tell_how_the_server_is_doing(served: Served) -> None:
    async with connected(served.base) as client:
        await answer(client, **CALL_ARGUMENTS)
        await refusal(client, "detect_errors", {"records": []})
        for name in ("no_such_tool_a", "no_such_tool_b"):
            with pytest.raises(MCPError):
                await client.call_tool(name, {})
    metrics = httpx2.get(f"{served.base}/metrics").text
    assert 'dp_tools_calls_total{outcome="answered",tool="detect_errors"} 1.0' in metrics
    assert 'dp_tools_calls_total{outcome="refused",tool="detect_errors"} 1.0' in metrics
    assert 'dp_tools_calls_total{outcome="refused",tool="unknown"} 2.0' in metrics
    assert "dp_tools_calls_running 0.0" in metrics
    assert httpx2.get(f"{served.base}/health").json() == {"status": "ok"}
    await served.call_metrics.finish(1)
    assert httpx2.get(f"{served.base}/health").status_code == 503


def test_metrics_need_a_token_where_calls_do(guarded: str) -> None:
    assert httpx2.get(f"{guarded}/metrics").status_code == 401
    assert httpx2.get(f"{guarded}/metrics", headers={"Authorization": f"Bearer {READER}"}).status_code == 200
    assert httpx2.get(f"{guarded}/health").status_code == 200


@pytest.mark.anyio
async def test_logs_say_what_happened_and_not_to_whose_data(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dp_tools")
    async with connected(served.base) as client:
        await client.call_tool("detect_errors", {"records": [{"diagnosis": "confidential"}]})
        await client.call_tool("detect_errors", {"records": [{"diagnosis": [4711]}]})
        await client.call_tool("add_rule", {"statement": "x" * 500})
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records if record.name == "dp_tools.calls"]
    assert [(line["tool"], line["outcome"]) for line in lines] == [
        ("detect_errors", "answered"),
        ("detect_errors", "refused"),
        ("add_rule", "refused"),
    ]
    assert not [line for line in map(json.dumps, lines) if "confidential" in line or "4711" in line or "xxx" in line]


def test_a_crash_is_logged_by_its_place_and_not_by_its_text() -> None:
    try:
        raise ValueError("the diagnosis of Ann is confidential")
    except ValueError:
        record = logging.LogRecord("dp_tools", logging.ERROR, __file__, 1, "crashed", (), sys.exc_info())
    line = JsonLines().format(record)
    assert "confidential" not in line
    assert "ValueError" in line


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to receive")
def test_the_command_serves_and_ends_in_good_order(tmp_path: Path) -> None:
    variables = {**environment(tmp_path), "DP_TOOLS_TOKENS": f"runner {RUNNER} dp:read dp:run"}
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "dp_tools", "serve", "--http", f"127.0.0.1:{port}"],
        env=variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: is_up(f"http://127.0.0.1:{port}/health"))
        assert post(f"http://127.0.0.1:{port}").status_code == 401
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=20)
        assert server.returncode == 0
        assert "Traceback" not in errors
    finally:
        server.kill()
        server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_up(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.ConnectError:
        return False
