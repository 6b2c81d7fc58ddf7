"""Turns validation errors of pydantic into one sentence that a person or a model can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from dp_tools.errors import InvalidRequest
from dp_tools.tasks.task import Request, Task

_SHOWN = 60
R = TypeVar("R", bound=Request)


def read_request(task: Task[Any, Any], fields: Mapping[str, Any]) -> Request:
    """The task's request from loose fields.

    Raises:
        InvalidRequest: a field is missing, unknown, or of the wrong shape.
    """
    try:
        request = task.request.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequest(explain(error, task.request.model_fields)) from error
    assert isinstance(request, Request)
    return request


def make_request(kind: type[R], **fields: Any) -> R:
    """A request of a kind from values that were not checked yet, such as those of a table.

    Raises:
        InvalidRequest: a value does not fit.
    """
    try:
        return kind(**fields)
    except ValidationError as error:
        raise InvalidRequest(explain(error, kind.model_fields)) from error


def explain(error: ValidationError, known: Iterable[str]) -> str:
    """The first thing that is wrong, in one sentence.

    Args:
        error: what pydantic found.
        known: the names that may be given.
    """
    first, *others = error.errors(include_url=False, include_context=True)
    more = f" ({len(others)} more like it.)" if others else ""
    return _sentence(first, known) + more


def _sentence(fault: Mapping[str, Any], known: Iterable[str]) -> str:
    where = _path(fault["loc"])
    if fault["type"] == "missing":
        return f"{where} is missing: give it."
    if fault["type"] == "extra_forbidden":
        names = f": choose from {', '.join(known)}." if len(fault["loc"]) == 1 else ": leave it out."
        return f"There is no {where}{names}"
    if fault["type"] == "string_too_long":
        limit = fault["ctx"]["max_length"]
        return f"{where} is {len(fault['input'])} characters long and the limit is {limit}: cut it, or leave it out."
    if fault["type"] == "string_type" and isinstance(fault["input"], int | float):
        return f'{where} is the number {fault["input"]}: give values as text, as found, here "{fault["input"]}".'
    message = str(fault["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{where} cannot be {_shown(fault['input'])}: {message[:1].lower()}{message[1:]}."


def _path(parts: Iterable[int | str]) -> str:
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path or "The request"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
