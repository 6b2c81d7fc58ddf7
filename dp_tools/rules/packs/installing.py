"""Installs rule packs: three-way merge of the old pack, the user's edits and the new version."""

from __future__ import annotations

import json
from typing import get_args

from dp_tools.errors import RuleRejected
from dp_tools.rules.packs.packs import Action, Conflict, Installed, Pack, Planned
from dp_tools.rules.rule import Rule
from dp_tools.rules.store import history
from dp_tools.rules.store.rule_table import RuleTable


def install(table: RuleTable, pack: Pack, who: str, why: str) -> Installed:
    """Install a pack or a new version of it, inside a transaction.

    Raises:
        RuleRejected: a newer version is installed.
    """
    if _installed(table, pack) == pack.digest:
        return Installed(pack.name, pack.version)
    planned = plan(table, pack)
    table.db.execute(
        "INSERT INTO packs VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
        " SET version = excluded.version, title = excluded.title, digest = excluded.digest",
        [pack.name, pack.version, pack.title, pack.digest],
    )
    why = why or f"pack {pack.name} {pack.version}"
    table.log(None, None, "installed", who, why, {"pack": pack.name, "version": pack.version, "digest": pack.digest})
    for dataset, domain in pack.datasets:
        table.assign(dataset, domain, who, why)
    for one in planned:
        _apply(table, pack, one, who, why)
    of = {action: tuple(one.rule_id for one in planned if one.action == action) for action in get_args(Action)}
    conflicts = sorted(
        (Conflict(one.rule_id, one.reason) for one in planned if one.action == "conflict"),
        key=lambda conflict: conflict.rule_id,
    )
    return Installed(
        pack.name, pack.version, of["add"], of["change"], tuple(sorted(of["retire"])), of["keep"], tuple(conflicts)
    )


def plan(table: RuleTable, pack: Pack) -> list[Planned]:
    """What installing a pack would do, rule by rule: what the pack was, what the user made of it, and what it is now.
    Nothing where this very pack is installed.

    Raises:
        RuleRejected: a newer version is installed.
    """
    if _installed(table, pack) == pack.digest:
        return []
    base = {
        row[0]: Rule.model_validate(json.loads(row[1]))
        for row in table.db.execute("SELECT rule_id, body FROM pack_rules WHERE pack = ?", [pack.name]).fetchall()
    }
    dropped = base.keys() - {rule.id for rule in pack.rules}
    return [
        *(_of_pack(table.find(theirs.id), base.get(theirs.id), theirs, pack) for theirs in pack.rules),
        *(_dropped(table.get(rule_id), base[rule_id], pack) for rule_id in sorted(dropped)),
    ]


def _installed(table: RuleTable, pack: Pack) -> str | None:
    """The digest of the version that is installed.

    Raises:
        RuleRejected: it is a newer one.
    """
    row = table.db.execute("SELECT version, digest FROM packs WHERE name = ?", [pack.name]).fetchone()
    if row is None:
        return None
    if row[0] > pack.version and row[1] != pack.digest:
        raise RuleRejected(f"Pack {pack.name} {row[0]} is installed, newer than {pack.version}; nothing was changed.")
    return str(row[1])


def _of_pack(mine: Rule | None, was: Rule | None, theirs: Rule, pack: Pack) -> Planned:
    if mine is None:
        return Planned(theirs.id, "add", None, theirs)
    if was is None:
        reason = f"a rule of that id was there before pack {pack.name}"
        return Planned(theirs.id, "conflict", mine, theirs, reason, is_packs=False)
    if _same(mine, theirs):
        return Planned(theirs.id, "same", mine, theirs)
    if _same(mine, was):
        return Planned(theirs.id, "change", mine, theirs)
    if _same(was, theirs):
        return Planned(theirs.id, "keep", mine, theirs)
    return Planned(theirs.id, "conflict", mine, theirs, f"you and pack {pack.name} {pack.version} both changed it")


def _dropped(mine: Rule, was: Rule, pack: Pack) -> Planned:
    if mine.status != "active":
        return Planned(mine.id, "same", mine, None)
    if _same(mine, was):
        return Planned(mine.id, "retire", mine, None)
    return Planned(mine.id, "conflict", mine, None, f"you changed it and pack {pack.name} {pack.version} dropped it")


def _apply(table: RuleTable, pack: Pack, planned: Planned, who: str, why: str) -> None:
    mine, theirs = planned.mine, planned.theirs
    if theirs is None:
        if planned.action == "retire":
            table.move(planned.rule_id, "retired", "retired", who, why)
        table.db.execute("DELETE FROM pack_rules WHERE pack = ? AND rule_id = ?", [pack.name, planned.rule_id])
        return
    if planned.action == "add":
        table.add(theirs, "added", who, why)
    elif planned.action == "change":
        assert mine is not None
        table.replace(theirs.model_copy(update={"version": mine.version + 1}), "changed", who, why)
    if planned.is_packs:
        table.db.execute(
            "INSERT OR REPLACE INTO pack_rules VALUES (?, ?, ?)",
            [pack.name, theirs.id, history.canonical(theirs.model_dump(mode="json"))],
        )


def _same(one: Rule, other: Rule) -> bool:
    """Whether two states of a rule say the same; how often each was changed does not matter."""
    return one.model_copy(update={"version": 1}) == other.model_copy(update={"version": 1})
