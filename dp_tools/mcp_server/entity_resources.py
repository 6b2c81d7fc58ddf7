"""What a screen needs of entity registers, as resources: which there are, what waits for a person, and the groups."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer

from dp_tools.mcp_server.caller_role import job_owner
from dp_tools.mcp_server.resources import JSON, as_json, errors_as_text, whole
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools.entities import open_register

AT_ONCE = 50
"""Questions, or groups, that are returned at once."""


def add_entity_resources(server: MCPServer[None], server_context: ServerContext) -> None:
    """Register the resources that the workbench reads about entities."""

    @server.resource("entities://registers", title="Entity registers", mime_type=JSON)
    @errors_as_text
    def names() -> str:
        """The names of the caller's entity registers."""
        from dp_tools.tables.entities.register import registers

        return as_json(registers(server_context.jobs.store.folder, caller=job_owner()))

    @server.resource("entities://{register}/waiting/{offset}", title="Open questions on entities", mime_type=JSON)
    @errors_as_text
    def waiting(register: str, offset: str) -> str:
        """What waits for a person about entities, least certain first, from an offset on, at most 50; and how many."""
        opened = open_register(server_context, register)
        found = opened.waiting(AT_ONCE, offset=whole(offset, "offset"))
        return as_json({"questions": [one.model_dump() for one in found], "open": opened.count_waiting()})

    @server.resource("entities://{register}/groups/{after}", title="Groups of duplicates", mime_type=JSON)
    @errors_as_text
    def groups(register: str, after: str) -> str:
        """The entities of more than one record, by id, from behind an id on, at most 50; and the id to go on from."""
        opened = open_register(server_context, register)
        found = opened.groups(AT_ONCE, whole(after, "entity"))
        shown: list[dict[str, Any]] = [
            {"entity": entity, "records": count, "merged": opened.entity(entity).merged} for entity, count in found
        ]
        return as_json({"groups": shown, "more": found[-1][0] if len(found) == AT_ONCE else None})
