"""What a person may be shown when something fails."""

from __future__ import annotations

import re

_INTERNAL = re.compile(
    r"Traceback|dp_tools|Error\(|Exception|<class|object at 0x|\.py\b|site-packages|Resolver|pydantic"
)


def fault_of(text: str, *, ours: bool = True) -> str | None:
    """Why this is not one sentence for a person, or None; the SDK's own (`ours` false) have no full stop."""
    if not text or "\n" in text or not text.isprintable():
        return "it is not one line of visible text"
    if len(text) > 600:
        return "it is too long"
    if ours and text[-1] not in ".)":
        return "it does not end as a sentence"
    found = _INTERNAL.search(text)
    return f"it names {found.group()!r}" if found else None
