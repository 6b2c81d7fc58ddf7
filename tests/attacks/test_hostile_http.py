"""The server over HTTP under attack: nothing but one sentence, and `/health` is answered meanwhile."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jwt
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hostile_queries import ENDLESS
from http_serving import connected, listening
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from one_sentence import fault_of
from serving import refusal, server_context_of

from dp_tools.mcp_server import connections
from dp_tools.mcp_server.auth import EitherToken, ListedTokens, SignedTokens
from dp_tools.mcp_server.body_limit import BODY_BYTES
from dp_tools.mcp_server.call_metrics import CallMetrics
from dp_tools.mcp_server.fair_scheduler import FairScheduler
from dp_tools.mcp_server.http import Address, Tokens, http_app
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.io import database

HERE = Address("127.0.0.1", 8765)
ISSUER = "https://issuer.example"
READER, RUNNER = "read" * 4, "runs" * 4
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
MODERN = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "profile_table"}
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class NoEngine:
    """Stands where a model would: nothing here gets that far."""

    name = fingerprint = "none"

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with tokens, whose only file is a small database."""
    root = tmp_path_factory.mktemp("root")
    with sqlite3.connect(root / "t.db") as made:
        made.execute("CREATE TABLE t (a, b)")
        made.execute("INSERT INTO t VALUES (1, 'x')")
    made.close()
    signed = SignedTokens(ISSUER, "https://issuer.example/keys", f"{HERE.public}/mcp")
    signed._key = lambda wanted: KEY.public_key() if wanted == "k1" else None  # type: ignore[method-assign]
    listed = ListedTokens([f"reader {READER} dp:read", f"runner {RUNNER} dp:read dp:run"])
    scheduler = FairScheduler()
    preprocessor = Preprocessor(knowledge=root / "rules" / "knowledge.db", engine=NoEngine())  # type: ignore[arg-type]
    server_context = ServerContext(preprocessor=preprocessor, roots=[root])
    app = http_app(
        server_context,
        HERE,
        Tokens(EitherToken([listed, signed]), ISSUER),
        scheduler=scheduler,
        call_metrics=CallMetrics(),
    )
    with listening(app) as served:
        yield served
    server_context.close()
    preprocessor.knowledge.close()


def post(base: str, body: bytes | str, token: str = RUNNER, **headers: str) -> httpx2.Response:
    sent = {**HEADERS, **(headers or MODERN), "Authorization": f"Bearer {token}"}
    return httpx2.post(f"{base}/mcp", content=body, headers=sent, timeout=60)


def call(tool: str, arguments: Any) -> str:
    return json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"_meta": META, "name": tool, "arguments": arguments},
        }
    )


def sentence_of(reply: httpx2.Response) -> str:
    """What a person is told by a reply, in whichever of the protocol's places."""
    text = reply.text
    if reply.headers.get("Content-Type", "").startswith("text/event-stream"):
        text = next(line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {"))
    try:
        found = json.loads(text)
    except ValueError:
        return text
    result, error = found.get("result") or {}, found.get("error")
    if "content" in result:
        return str(result["content"][0]["text"]) if result.get("isError") else ""
    return str(error["message"] if isinstance(error, dict) else found.get("error_description") or error or "")


def test_a_query_of_a_database_needs_the_scope_to_run(base: str) -> None:
    plain, query = {"path": "t.db"}, {"path": "t.db", "query": "SELECT 1 AS a"}
    escaped = '{"path": "t.db", "\\u0071uery": "SELECT 1 AS a"}'
    assert post(base, call("profile_table", {"table": plain}), READER).status_code == 200
    for table in (query, json.dumps(query), escaped):
        reply = post(base, call("profile_table", {"table": table}), READER)
        assert reply.status_code == 403
        assert 'scope="dp:run"' in reply.headers["WWW-Authenticate"]
    assert post(base, call("profile_table", {"table": query}), RUNNER).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize("leaves", ["cancels", "hangs up"])
async def test_a_query_ends_when_the_client_does(base: str, leaves: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "QUERY_STEPS", 10**12)
    table = {"path": "t.db", "query": ENDLESS.format("count(*)")}
    async with connected(base, RUNNER) as client:
        with anyio.move_on_after(1) if leaves == "cancels" else anyio.CancelScope() as scope:
            if leaves == "cancels":
                await client.call_tool("profile_table", {"table": table})
            else:
                async with connected(base, RUNNER) as other, anyio.create_task_group() as group:
                    group.start_soon(other.call_tool, "profile_table", {"table": table})
                    await anyio.sleep(1)
                    assert psutil.Process().children()
                    group.cancel_scope.cancel()
        assert leaves == "hangs up" or scope.cancelled_caught
        with anyio.fail_after(10):
            while psutil.Process().children():
                await anyio.sleep(0.05)


@pytest.mark.anyio
async def test_a_query_beyond_the_limits_is_one_sentence_to_the_client(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "QUERY_STEPS", 1_000_000)
    async with connected(base, RUNNER) as client:
        table = {"path": "t.db", "query": ENDLESS.format("count(*)")}
        message = await refusal(client, "profile_table", {"table": table})
    assert message == "The query of t.db takes more than 1,000,000 steps; ask for less of it."


def test_half_open_connections_keep_nobody_out(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_S", 1.0)
    monkeypatch.setattr(connections, "CONNECTIONS", 150)
    address = base.removeprefix("http://").split(":")
    with ExitStack() as opened:
        held = []
        for number in range(300):
            peer = opened.enter_context(socket.create_connection((address[0], int(address[1]))))
            peer.sendall((b"", b"POST /mcp HTTP/1.1\r\nHost: x\r\n")[number % 2])
            held.append(peer)
        assert httpx2.get(f"{base}/health").status_code == 200
        assert post(base, call("profile_table", {"table": {"path": "t.db"}})).status_code == 200
        for peer in held:
            peer.settimeout(10)
            try:
                while peer.recv(1000):
                    pass
            except ConnectionResetError:
                pass


def test_health_is_answered_when_no_other_request_is(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUESTS", 0)
    reply = post(base, call("profile_table", {"table": {"path": "t.db"}}))
    assert (reply.status_code, sentence_of(reply)) == (503, "The server is busy: call again in a few seconds.")
    assert httpx2.get(f"{base}/health").status_code == 200


def large(tool: str, argument: str, head: str, part: str, tail: str) -> bytes:
    """A call whose argument fills a body of 15 MiB with one part again and again."""
    before, _, after = call(tool, {argument: 0}).rpartition("0")
    return filled(before + head, part, tail + after)


def filled(head: str, part: str, tail: str) -> bytes:
    return (head + part * ((BODY_BYTES - 2**20 - len(head) - len(tail)) // len(part)) + tail).encode()


LARGE = {
    "a message of lists": filled("[", "[],", "0]"),
    "lists in an argument": large("profile_table", "columns", "[", "[],", "0]"),
    "objects in an argument": large("profile_table", "columns", "[", '{"a":1},', "0]"),
    "one long text": large("profile_table", "table", '{"path":"', "x", '"}'),
}


@pytest.mark.parametrize("what", LARGE)
def test_large_bodies_do_not_hold_up_the_others(base: str, what: str) -> None:
    waits: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            started = time.monotonic()
            assert httpx2.get(f"{base}/health", timeout=60).status_code == 200
            waits.append(time.monotonic() - started)

    with ThreadPoolExecutor() as pool:
        watching = pool.submit(watch)
        replies = list(pool.map(lambda body: post(base, body), [LARGE[what]] * 4))
        over.set()
        watching.result()
    assert max(waits) < 8
    for reply in replies:
        assert reply.status_code in (200, 400, 413)
        assert fault_of(sentence_of(reply)) is None, sentence_of(reply)[:300]


MALFORMED = [
    b"",
    b"\x00",
    b"{",
    b"null",
    b"7",
    b'"text"',
    b"[]",
    b"[1, 2]",
    b"{}",
    b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": null, "method": "tools/list"}',
    b'{"jsonrpc": "2.0", "id": {"a": 1}, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": 7}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": [1]}',
    b'{"jsonrpc": "2.0", "id": 1, "result": 3}',
    b'{"jsonrpc": "2.0", "id": 1e400, "method": "ping"}',
    b"[" * 100_000,
    b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}",
    call("profile_table", {"table": {"records": [{"a": "\ud800"}]}}).encode(),
    b'{"jsonrpc": "2.0", "id": ' + b"9" * 5_000 + b', "method": "ping"}',
    '{"jsonrpc": "2.0", "id": 1, "method": "ping"}'.encode("utf-16"),
    b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}',
]


@pytest.mark.parametrize("headers", [{"MCP-Protocol-Version": "2025-11-25"}, MODERN], ids=["legacy", "modern"])
@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_a_body_that_is_no_message_gets_one_sentence(base: str, body: bytes, headers: dict[str, str]) -> None:
    reply = post(base, body, **headers)
    assert 400 <= reply.status_code < 500
    assert fault_of(sentence_of(reply), ours=False) is None, reply.text[:300]


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["path", "records", "query", "table", "encoding", "delimiter", "quote", "header", "sheet"])
TOOLS = ["profile_table", "get_job", "next_reviews", "search_rules", "add_rule", "review_rule", "detect_errors", "none"]


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tool=st.sampled_from(TOOLS),
    arguments=st.dictionaries(
        st.sampled_from(["table", "columns", "job", "wait", "limit", "query", "rule_id", "records"])
        | st.text(max_size=5),
        anything | st.dictionaries(NAMES, anything, max_size=3),
        max_size=3,
    ),
    modern=st.booleans(),
)
def test_any_call_gets_an_answer_or_one_sentence(
    base: str, session: dict[str, str], tool: str, arguments: dict[str, Any], modern: bool
) -> None:
    reply = post(base, call(tool, arguments), **({**MODERN, "Mcp-Name": tool} if modern else session))
    assert reply.status_code < 500
    message = sentence_of(reply)
    assert not message or fault_of(message, ours=False) is None, message


@pytest.fixture(scope="module")
def session(base: str) -> dict[str, str]:
    """The headers of a session of the handshake era."""
    version = {"MCP-Protocol-Version": "2025-11-25"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
    return {**version, "Mcp-Session-Id": post(base, body, **version).headers["Mcp-Session-Id"]}


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(changes: dict[str, Any], **header: Any) -> str:
    usual = {
        "iss": ISSUER,
        "aud": f"{HERE.public}/mcp",
        "sub": "ann",
        "exp": int(time.time()) + 3600,
        "scope": "dp:read",
    }
    claims = {name: value for name, value in {**usual, **changes}.items() if value is not ...}
    return sign(part({"alg": "RS256", "kid": "k1", **header}), part(claims))


def sign(head: str, claims: str) -> str:
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return f"{head}.{claims}.{part(algorithm.sign(f'{head}.{claims}'.encode(), KEY))}"


ODD = [None, 7, 1e300, True, [], {}, {"a": 1}, [None], [["dp:read"]], "", "\ud800", "x" * 3_000]
TOKENS = [
    *(signed({"scope": value}) for value in ODD),
    *(signed({"sub": value}) for value in (None, 7, [], {}, ...)),
    *(signed({"exp": value}) for value in (None, "soon", 0, -1, [], {}, True, -(10**30), ...)),
    *(signed({"aud": value}) for value in (None, 7, [], {}, ["x"], ...)),
    *(signed({"iss": value}) for value in (None, 7, [], {}, ...)),
    *(signed({}, kid=value) for value in (None, 7, [], {}, "k2", "../k1")),
    *(signed({}, alg=value) for value in (None, 7, [], "none", "HS256", "RS999")),
    sign(part({"alg": "RS256", "kid": "k1"}), part(b'{"exp": 1e400, "iss": 1}')),
    sign(part({"alg": "RS256", "kid": "k1"}), part(b"[" * 2_000)),
    sign(part({"alg": "RS256", "kid": "k1"}), part(b"\xff\xfe")),
    sign(part([]), part({})),
    signed({})[:-4],
    signed({}) + "x",
    ".".join([part({"alg": "none"}), part({"sub": "ann", "scope": "dp:read"}), ""]),
    "..",
    "a.b.c",
    "x" * 6_000,
    hashlib.sha256(READER.encode()).hexdigest(),
    f"sha256:{hashlib.sha256(READER.encode()).hexdigest()}",
    READER.upper(),
]


def test_hostile_tokens_open_nothing_and_get_one_answer(base: str) -> None:
    assert len(TOKENS) >= 40
    assert post(base, call("profile_table", {"table": {"path": "t.db"}}), signed({})).status_code == 200
    faults = []
    for number, token in enumerate(TOKENS):
        reply = post(base, call("profile_table", {"table": {"path": "t.db"}}), token)
        if reply.status_code not in (401, 403) or "ann" in reply.text or "jwt" in reply.text:
            faults.append((number, token[:80], reply.status_code, reply.text[:200]))
    assert faults == []


RAW = [
    b"GET /health HTTP/1.1\r\n\r\n",
    b"GET /health\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET http://elsewhere/health HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 200_000 + b"\r\n\r\n",
    b"GET /health HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
    b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
    b"GET /hea\x00lth HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nhello",
    b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 200,
]


@pytest.mark.parametrize("form", RAW, ids=range(len(RAW)))
def test_raw_bytes_get_a_plain_answer_or_none_and_the_server_goes_on(
    base: str, form: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEADER_S", 0.5)
    host, port = base.removeprefix("http://").split(":")
    found = bytearray()
    with socket.create_connection((host, int(port)), timeout=10) as peer:
        try:
            peer.sendall(form)
            peer.shutdown(socket.SHUT_WR)
            while more := peer.recv(65_536):
                found += more
        except OSError:
            pass
    assert not found or found.startswith(b"HTTP/1.1 ")
    for word in (b"Traceback", b"dp_tools", b"site-packages", b" 500 ", b"root:"):
        assert word not in found
    assert httpx2.get(f"{base}/health").status_code == 200


def test_a_client_that_answers_a_question_with_something_else_gets_one_sentence(tmp_path: Path) -> None:
    from mcp import Client
    from mcp.types import ElicitRequestParams, ElicitResult

    from dp_tools.mcp_server.server import create_server

    async def ask(content: Any, era: str) -> str:
        async def answer(_: Any, __: ElicitRequestParams) -> ElicitResult:
            return ElicitResult(action="accept", content=content)

        with server_context_of(NoEngine(), tmp_path / "rules.db") as server_context:  # type: ignore[arg-type]
            async with Client(create_server(server_context), mode=era, elicitation_callback=answer) as client:  # type: ignore[arg-type]
                found = await client.call_tool("add_rule", {"statement": "Ounces have no unit."})
                return str(found.content[0].text) if found.is_error else ""  # type: ignore[union-attr]

    for era in ("auto", "legacy"):
        for content in (None, {}, {"nonsense": 1}, {"accept": "perhaps"}):
            message = anyio.run(ask, content, era)
            assert not message or fault_of(message) is None, message
