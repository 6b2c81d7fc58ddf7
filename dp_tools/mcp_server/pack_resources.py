"""Rule packs before they are installed, as resources: which files there are, and what installing one would do."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer

from dp_tools.mcp_server.resources import JSON, as_json, errors_as_text
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.workbench_resources import files_under
from dp_tools.rules.packs.packs import Planned, as_shipped, load_pack
from dp_tools.rules.rule import ALL

if TYPE_CHECKING:
    from dp_tools.rules.store.knowledge_store import KnowledgeStore

_FILES = 200
"""Files that are listed."""
_BESIDE = 5
"""Rules for the same place that are named."""


def add_pack_resources(server: MCPServer[None], server_context: ServerContext) -> None:
    """Register the resources that the workbench reads about packs."""
    roots = server_context.roots

    @server.resource("packs://files", title="Packs that can be compared", mime_type=JSON)
    @errors_as_text
    def files() -> str:
        """The YAML files under the server's folders, at most 200: a pack is one."""
        found = files_under(roots, lambda path: path.suffix.lower() in (".yaml", ".yml"))
        return as_json([file["name"] for file in itertools.islice(found, _FILES)])

    @server.resource("packs://{+path}/comparison", title="What installing a pack would do", mime_type=JSON)
    @errors_as_text
    def comparison(path: str) -> str:
        """What installing a pack would add, change, retire and collide with, rule by rule; nothing is changed."""
        pack, store = load_pack(roots.to_read(path)), server_context.knowledge
        installed = next((one.version for one in store.packs() if one.name == pack.name), None)
        rules = [_compared(store, one) for one in store.compare(pack) if one.action != "same"]
        about = {"pack": pack.name, "version": pack.version, "title": pack.title, "installed": installed}
        return as_json({**about, "file": path, "rules": rules})


def _compared(store: KnowledgeStore, planned: Planned) -> dict[str, Any]:
    """One rule: what is done, its fields before and after, and the rules that act in the same place."""
    mine, theirs = planned.mine, planned.theirs
    shown = theirs or mine
    assert shown is not None
    before, after = ({} if rule is None else as_shipped(rule) for rule in (mine, theirs))
    names = {**before, **after} if mine and theirs else ()
    changed = {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}
    beside: list[str] = []
    if planned.action in ("add", "change") and (shown.dataset, shown.domain, shown.attribute) != (ALL, ALL, ALL):
        place = {name: getattr(shown, name) for name in ("task", "dataset", "domain", "attribute")}
        found = store.list(**place, status="active", limit=_BESIDE + 1)
        beside = [rule.statement for rule in found if rule.id != shown.id][:_BESIDE]
    return {
        "rule_id": planned.rule_id,
        "statement": shown.statement,
        "action": planned.action,
        "reason": planned.reason,
        "changed": changed,
        "beside": beside,
    }
