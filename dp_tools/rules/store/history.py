"""The history: each entry carries the hash of the one before, so that none can be removed unnoticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

START = "0" * 64
"""What the first entry has for its predecessor's hash."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change.

    Args:
        entry: its number in the history of the whole store, from 1.
        rule_id: the rule, or None for a change to datasets or packs.
        version: the rule's version after it.
        action: added, proposed, changed, accepted, rejected, retired, restored, assigned, unassigned, installed.
        who: the person, agent or pack that made it.
        why: their reason, or "".
        at: when, UTC, ISO 8601.
        body: what it is after the change: the whole rule, or the assignment or pack.
        previous: the hash of the entry before.
        hash: SHA-256 over everything else.
    """

    entry: int
    rule_id: str | None
    version: int | None
    action: str
    who: str
    why: str
    at: str
    body: dict[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk over the whole history found.

    Args:
        whole: every entry follows from the one before, and the rules in force are what the history says.
        entries: how many entries were read.
        head: the hash of the last entry. Kept elsewhere, it proves later that the end was not cut off.
        error: one sentence on the first fault, or "".
    """

    whole: bool
    entries: int
    head: str
    error: str = ""


def canonical(body: Any) -> str:
    """JSON that is the same text for the same content."""
    return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def read_body(text: str) -> dict[str, Any]:
    """The content of an entry in today's terms.

    Entries are never rewritten. Those of an older store call what a rule's check decides `settles`, and its one value
    "failed" instead of "fail".
    """
    body: dict[str, Any] = json.loads(text)
    if "settles" in body:
        decides = body.pop("settles")
        body["decides"] = "fail" if decides == "failed" else decides
    return body


def entry_hash(
    entry: int,
    rule_id: str | None,
    version: int | None,
    action: str,
    who: str,
    why: str,
    at: str,
    body: str,
    previous: str,
) -> str:
    """SHA-256 of an entry; `body` is its stored text."""
    return hashlib.sha256(
        canonical([entry, rule_id, version, action, who, why, at, body, previous]).encode()
    ).hexdigest()


def _hash_of(content: Sequence[Any]) -> str | None:
    """The hash of an entry as it was read; None where damage made something of it that no entry holds."""
    try:
        return entry_hash(*content)
    except (TypeError, ValueError):
        return None


def first_fault(rows: Iterable[tuple[Any, ...]]) -> tuple[int, str, str]:
    """Walk (entry, rule_id, version, action, who, why, at, body, previous, hash) rows in order.

    Returns:
        How many entries were whole, the hash of the last whole one, and one sentence on the first fault or "".
    """
    previous = START
    count = 0
    for *content, kept in rows:
        number, stated = content[0], content[-1]
        if number != count + 1:
            return count, previous, f"Entry {count + 1} is missing."
        if stated != previous:
            return count, previous, f"Entry {number} does not follow from entry {count}."
        if _hash_of(content) != kept:
            return count, previous, f"Entry {number} was changed after it was written."
        previous, count = kept, number
    return count, previous, ""
