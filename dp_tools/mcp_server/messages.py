"""Parses the lines of a client into messages, and answers every line that is not a valid message.

The SDK passes over what it cannot parse, and then the client waits for ever (JSON-RPC 2.0, section 5.1).
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from mcp.types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    RequestId,
    jsonrpc_message_adapter,
)

_log = logging.getLogger(__name__)

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]:]|[^\s"{}\[\]:,]++', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Lines:
    """The lines of a stream, as a text file gives them, without those that are no messages.

    Args:
        stream: where they come from.
        refuse: given the answer to each of the others.
    """

    def __init__(self, stream: BinaryIO, refuse: Callable[[JSONRPCError], object]) -> None:
        self._stream = stream
        self._refuse = refuse

    def readline(self) -> str:
        """The next message, or "" at the end."""
        while line := self._stream.readline():
            answers = list(refusals(line))
            if not answers and line.strip():
                return line.decode()
            for answer in answers:
                self._refuse(answer)
        return ""


def refusals(line: bytes) -> Iterator[JSONRPCError]:
    """The answers to a line that is no message, one for each request in it; none to a message or a blank line."""
    if not line.strip():
        return
    try:
        message = jsonrpc_message_adapter.validate_json(line.decode(), by_name=False)
    except ValueError:  # no UTF-8, no JSON, or no message
        yield from _refusals(line)
    else:
        # What has an id is no notification: the id is one that no answer could carry, such as null.
        if isinstance(message, JSONRPCNotification) and "id" in json.loads(line):
            yield _error(None, INVALID_REQUEST, "The id of a request is a string or a whole number: send it with one.")


def _refusals(line: bytes) -> Iterator[JSONRPCError]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        given = _id_of_broken(line.decode(errors="replace"))
        yield _error(given, PARSE_ERROR, "The message is not UTF-8: send JSON text in UTF-8.")
        return
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = (
            error.msg.lower().removesuffix(" at")
            if isinstance(error, json.JSONDecodeError)
            else "it is nested too deeply"
        )
        yield _error(_id_of_broken(text), PARSE_ERROR, f"The message is not JSON that can be read: {why}.")
        return
    if not isinstance(body, list):
        yield from _refusal(body, _fault(body))
        return
    batch = "Batches are not part of the protocol: send each message on a line of its own."
    answers = [answer for item in body for answer in _refusal(item, batch) if answer.id is not None]
    yield from answers or [_error(None, INVALID_REQUEST, batch)]


def _refusal(body: Any, why: str) -> Iterator[JSONRPCError]:
    """The answer to one object; none to a response, which nobody may answer."""
    if isinstance(body, dict) and "method" not in body and ("result" in body or "error" in body):
        _log.warning("A response of the client was passed over: %s", why)
        return
    given = body.get("id") if isinstance(body, dict) else None
    known = isinstance(given, str | int) and not isinstance(given, bool)
    yield _error(given if known else None, INVALID_REQUEST, why)


def _fault(body: Any) -> str:
    if not isinstance(body, dict):
        return "A message is a JSON object: send one."
    if body.get("jsonrpc") != "2.0":
        return 'A message says "jsonrpc": "2.0": add that.'
    if not isinstance(body.get("method"), str):
        return "A request names its method: add it, as a string."
    if "params" in body and not isinstance(body["params"], dict):
        return "The params of a request are a JSON object: send one."
    if _SURROGATE.search(json.dumps(body, ensure_ascii=False)):
        return r"The message holds half a character (a lone surrogate, such as \ud800): leave it out or replace it."
    return "The message is no request that can be read: check it against the protocol."


def _id_of_broken(text: str) -> RequestId | None:
    """The id of a message that is no JSON, where it stands beside the method and not further inside."""
    depth, before = 0, ["", ""]
    for token in (found.group() for found in _TOKEN.finditer(text)):
        if depth == 1 and before == ['"id"', ":"]:
            try:
                given = json.loads(token)
            except ValueError:
                return None
            return given if isinstance(given, str | int) and not isinstance(given, bool) else None
        depth += (token in "{[") - (token in "}]")
        before = [before[1], token]
    return None


def _error(given: RequestId | None, code: int, why: str) -> JSONRPCError:
    # A surrogate in the id itself could not be written.
    named = None if isinstance(given, str) and _SURROGATE.search(given) else given
    return JSONRPCError(jsonrpc="2.0", id=named, error=ErrorData(code=code, message=why))
