"""Lines on standard input that are no messages: each gets the error its sender waits for, and the server serves on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import raw_process

PARSE, INVALID = -32700, -32600
PING = {"jsonrpc": "2.0", "method": "ping"}
CALL = b"""{"jsonrpc":"2.0","id":7,"method":"tools/call","params":
{"name":"detect_errors","arguments":{"records":[{"a":"%b"}]}}}""".replace(b"\n", b"")
LINES: list[tuple[str, bytes, list[tuple[Any, int]]]] = [
    ("no JSON", b"this is not JSON", [(None, PARSE)]),
    ("JSON cut off behind its id", b'{"jsonrpc":"2.0","id":"a-1","method":"tools/li', [("a-1", PARSE)]),
    ("JSON cut off before its id", b'{"jsonrpc":"2.0","method":"ping","params":{"id":1', [(None, PARSE)]),
    ("an id further inside", b'{"jsonrpc":"2.0","params":{"id":1},"id":2,}', [(2, PARSE)]),
    ("a lone surrogate in a record", CALL % rb"\ud800", [(7, INVALID)]),
    ("the second half of a pair", CALL % rb"\udc00 oz", [(7, INVALID)]),
    ("a raw NUL", CALL % b"\x00", [(7, PARSE)]),
    ("a raw control character", CALL % b"\x1b", [(7, PARSE)]),
    ("no UTF-8", CALL % b"\xff\xfe", [(7, PARSE)]),
    ("a batch", b'[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]',
     [(1, INVALID), (2, INVALID)]),
    ("an empty batch", b"[]", [(None, INVALID)]),
    ("a null id", b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}', [(None, INVALID)]),
    ("an id that is a fraction", b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', [(None, INVALID)]),
    ("an id that is an object", b'{"jsonrpc":"2.0","id":{},"method":"ping"}', [(None, INVALID)]),
    ("another version", b'{"jsonrpc":"1.0","id":3,"method":"ping"}', [(3, INVALID)]),
    ("no method", b'{"jsonrpc":"2.0","id":4}', [(4, INVALID)]),
    ("a method that is a number", b'{"jsonrpc":"2.0","id":5,"method":6}', [(5, INVALID)]),
    ("params in a list", b'{"jsonrpc":"2.0","id":8,"method":"ping","params":[]}', [(8, INVALID)]),
    ("a bare number", b"7", [(None, INVALID)]),
    ("nested too deeply", b'{"jsonrpc":"2.0","id":9,"method":"ping","params":' + b"[" * 100_000, [(9, PARSE)]),
    ("a surrogate for an id", rb'{"jsonrpc":"2.0","id":"\ud800","method":"ping"}', [(None, INVALID)]),
    ("an empty line", b"", []),
    ("a response to nothing", b'{"jsonrpc":"2.0","id":12,"result":5}', []),
]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with raw_process(tmp_path_factory.mktemp("stdio")) as process:
        yield process


@pytest.mark.parametrize(("line", "expected"), [pytest.param(line, due, id=name) for name, line, due in LINES])
def test_a_line_that_is_no_message_is_answered_and_the_server_serves_on(
    server: Any, line: bytes, expected: list[tuple[Any, int]]
) -> None:
    server.stdin.write(line + b"\n" + json.dumps(PING | {"id": "next"}).encode() + b"\n")
    server.stdin.flush()
    answers = list(iter(lambda: json.loads(server.stdout.readline()), {"jsonrpc": "2.0", "id": "next", "result": {}}))
    assert [(answer["id"], answer["error"]["code"]) for answer in answers] == expected
    for answer in answers:
        message = answer["error"]["message"]
        assert "\n" not in message
        assert message.endswith(".")


def test_even_before_the_handshake_nobody_waits_for_ever(tmp_path: Path) -> None:
    with raw_process(tmp_path, greet=False) as server:
        server.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"initialize"\n')
        server.stdin.flush()
        answer = json.loads(server.stdout.readline())
    assert (answer["id"], answer["error"]["code"]) == (1, PARSE)
