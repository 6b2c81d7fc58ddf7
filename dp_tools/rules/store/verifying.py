"""Verifies that the history is complete and matches the current rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from dp_tools.rules.scope import key
from dp_tools.rules.store import history
from dp_tools.rules.store.history import Verification
from dp_tools.rules.store.rule_table import RuleTable


def verify(table: RuleTable, head: str | None) -> Verification:
    """Walk the history and compare its end with the tables; see `KnowledgeStore.verify`."""
    if damage := _first_damage(table):
        return Verification(False, 0, history.START, damage)
    rows = table.db.execute("SELECT * FROM history ORDER BY entry")
    stated: dict[str, str] = {}
    members: set[tuple[str, str]] = set()

    def noting() -> Iterator[tuple[Any, ...]]:
        for row in rows:
            _, rule_id, _, action, _, _, _, body, *_ = row
            if rule_id is not None:
                stated[rule_id] = body
            elif action in ("assigned", "unassigned"):
                with suppress(ValueError, KeyError, TypeError, AttributeError):  # a damaged entry is found by its hash
                    pair = json.loads(body)
                    member = key(pair["dataset"]), key(pair["domain"])
                    (members.add if action == "assigned" else members.discard)(member)
            yield row

    entries, last, error = history.first_fault(noting())
    if not error and head is not None and head != last:
        known = table.db.execute("SELECT 1 FROM history WHERE hash = ?", [head]).fetchone()
        error = "" if known else "The entry that was kept is not in the history: its end was cut off or rewritten."
    error = error or _first_stray(table, stated) or _first_strayed_dataset(table, members)
    return Verification(not error, entries, last, error)


def _first_damage(table: RuleTable) -> str:
    """One sentence on damage to the file itself, which may hide a rule from one query and show it to another, or ""."""
    (found,) = table.db.execute("PRAGMA integrity_check(1)").fetchone()
    return "" if found == "ok" else f"The file is damaged ({' '.join(str(found).split())}): restore it from a backup."


def _first_stray(table: RuleTable, stated: dict[str, str]) -> str:
    """One sentence on a rule in force that is not what the history says, or ""."""
    keys = {
        row[0]: tuple(row[1:])
        for row in table.db.execute("SELECT id, dataset_key, domain_key, attribute_key FROM rules").fetchall()
    }
    for rule in table.select(""):
        body = _restated(stated.pop(rule.id, None))
        wanted = key(rule.dataset), key(rule.domain), key(rule.attribute)
        if body != history.canonical(rule.model_dump(mode="json")) or wanted != keys[rule.id]:
            return f"Rule {rule.id} was changed past the history."
    return f"Rule {next(iter(stated))} was deleted past the history." if stated else ""


def _restated(body: str | None) -> str | None:
    """What the history says of a rule, as today's stores write it; a text that is no rule stays as it is."""
    if body is not None and '"settles":' in body:
        with suppress(ValueError, TypeError):
            return history.canonical(history.read_body(body))
    return body


def _first_strayed_dataset(table: RuleTable, members: set[tuple[str, str]]) -> str:
    """One sentence on a dataset whose domains are not what the history says, or ""."""
    there = {(row[0], row[1]) for row in table.db.execute("SELECT dataset_key, domain_key FROM datasets")}
    strayed = sorted(there ^ members)
    return f"The domains of dataset {strayed[0][0]} were changed past the history." if strayed else ""
