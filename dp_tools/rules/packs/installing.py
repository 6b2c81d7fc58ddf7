"""Installs rule packs: three-way merge of the old pack, the user's edits and the new version."""

from __future__ import annotations

import json
from collections.abc import Mapping

from dp_tools.errors import RuleRejected
from dp_tools.rules.packs.packs import Conflict, Installed, Pack
from dp_tools.rules.rule import Rule
from dp_tools.rules.store import history
from dp_tools.rules.store.rule_table import RuleTable


def install(table: RuleTable, pack: Pack, who: str, why: str) -> Installed:
    """Install a pack or a new version of it, inside a transaction.

    Raises:
        RuleRejected: a newer version is installed.
    """
    installed = table.db.execute("SELECT version, digest FROM packs WHERE name = ?", [pack.name]).fetchone()
    if installed and installed[1] == pack.digest:
        return Installed(pack.name, pack.version)
    if installed and installed[0] > pack.version:
        raise RuleRejected(
            f"Pack {pack.name} {installed[0]} is installed, newer than {pack.version}; nothing was changed."
        )
    base = {
        row[0]: Rule.model_validate(json.loads(row[1]))
        for row in table.db.execute("SELECT rule_id, body FROM pack_rules WHERE pack = ?", [pack.name]).fetchall()
    }
    table.db.execute(
        "INSERT INTO packs VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
        " SET version = excluded.version, title = excluded.title, digest = excluded.digest",
        [pack.name, pack.version, pack.title, pack.digest],
    )
    why = why or f"pack {pack.name} {pack.version}"
    table.log(None, None, "installed", who, why, {"pack": pack.name, "version": pack.version, "digest": pack.digest})
    for dataset, domain in pack.datasets:
        table.assign(dataset, domain, who, why)
    return _merge(table, pack, base, who, why)


def _merge(table: RuleTable, pack: Pack, base: Mapping[str, Rule], who: str, why: str) -> Installed:
    """Three ways: what the pack was, what the user made of it, what it is now."""
    added, changed, retired, kept, conflicts = [], [], [], [], []
    for theirs in pack.rules:
        was = base.get(theirs.id)
        mine = table.find(theirs.id)
        if mine is None:
            table.add(theirs, "added", who, why)
            added.append(theirs.id)
        elif was is None:
            conflicts.append(Conflict(theirs.id, f"a rule of that id was there before pack {pack.name}"))
            continue
        elif _same(mine, theirs):
            pass
        elif _same(mine, was):
            table.replace(theirs.model_copy(update={"version": mine.version + 1}), "changed", who, why)
            changed.append(theirs.id)
        elif _same(was, theirs):
            kept.append(theirs.id)
        else:
            conflicts.append(Conflict(theirs.id, f"you and pack {pack.name} {pack.version} both changed it"))
        table.db.execute(
            "INSERT OR REPLACE INTO pack_rules VALUES (?, ?, ?)",
            [pack.name, theirs.id, history.canonical(theirs.model_dump(mode="json"))],
        )
    for rule_id in base.keys() - {rule.id for rule in pack.rules}:
        mine = table.get(rule_id)
        if mine.status == "active" and _same(mine, base[rule_id]):
            table.move(rule_id, "retired", "retired", who, why)
            retired.append(rule_id)
        elif mine.status == "active":
            conflicts.append(Conflict(rule_id, f"you changed it and pack {pack.name} {pack.version} dropped it"))
        table.db.execute("DELETE FROM pack_rules WHERE pack = ? AND rule_id = ?", [pack.name, rule_id])
    return Installed(
        pack.name,
        pack.version,
        tuple(added),
        tuple(changed),
        tuple(sorted(retired)),
        tuple(kept),
        tuple(sorted(conflicts, key=lambda conflict: conflict.rule_id)),
    )


def _same(one: Rule, other: Rule) -> bool:
    """Whether two states of a rule say the same; how often each was changed does not matter."""
    return one.model_copy(update={"version": 1}) == other.model_copy(update={"version": 1})
