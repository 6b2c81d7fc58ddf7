"""Server logs on standard error: one line of JSON per event, never the content of records."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """An event as one line of JSON; of an exception its kind and place, not its text, which may quote data."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            event["error"] = record.exc_info[0].__name__
            event["where"] = _places(record)
        return json.dumps(event, ensure_ascii=False, default=str)


def write_to_stderr(level: int = logging.WARNING) -> None:
    """Send every log of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler])


def _places(record: logging.LogRecord) -> list[str]:
    """The code's way to the fault, innermost last, through the exceptions that caused it."""
    places: list[str] = []
    error = record.exc_info[1] if record.exc_info else None
    while error is not None:
        places.append(type(error).__name__)
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            places.append(f"{code.co_qualname if hasattr(code, 'co_qualname') else code.co_name}:{trace.tb_lineno}")
            trace = trace.tb_next
        error = error.__cause__
    return places[-40:]
