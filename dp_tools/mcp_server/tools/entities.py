"""Entity registers as tools: who a record is, an entity's history, and merging and splitting by a person's word."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import anyio.to_thread
from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult
from pydantic import BaseModel, Field, WithJsonSchema

from dp_tools.errors import InvalidRequest
from dp_tools.mcp_server.auth import READ, RULES
from dp_tools.mcp_server.caller_role import caller_role, decider, job_owner
from dp_tools.mcp_server.elicitation import ask
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.tools.tool import CHANGES, READ_ONLY, PlainTool, result_of

if TYPE_CHECKING:
    from dp_tools.tables.entities.register import Register

Name = Annotated[str, Field(description="The register.")]
EntityId = Annotated[int, Field(description="Its id.")]
_WAITS = (
    "Only a person may merge or split entities, and this client cannot ask one: they can run `dp-tools entities {} {}`."
)


class FoundEntities(BaseModel):
    """The entities that a record may be of."""

    entities: Annotated[
        list[dict[str, Any]],
        Field(description="Likeliest first: id, confidence, whether identifiers decide, reason, merged values."),
    ]


class EntityHistory(BaseModel):
    """An entity and what happened to it."""

    entity: Annotated[dict[str, Any] | None, Field(description="Its merged values and records; null if it is gone.")]
    steps: Annotated[list[dict[str, Any]], Field(description="What happened, oldest first.")]


class EntityChanged(BaseModel):
    """What became of entities."""

    entity: Annotated[int, Field(description="The id that stays, or the new one.")]


class EntityConsent(BaseModel):
    """A person's word on entities."""

    agreed: Annotated[bool, Field(description="Do it.")] = False


def entity_tools(server_context: ServerContext, *, trust_agents: bool) -> list[PlainTool]:
    """Tools that look entities up, and merge and split them."""

    def opened(name: str) -> Register:
        from dp_tools.tables.entities.register import Register, register_path

        path = register_path(name, server_context.jobs.store.folder, caller=job_owner(), paths=False)
        return Register(path, server_context.knowledge)

    async def decided(
        ctx: Context[Any, Any], question: Callable[[], str], change: Callable[[], int], command: str, name: str
    ) -> CallToolResult | InputRequiredResult:
        """Do what a person agrees to."""
        role = caller_role(ctx, trust_agents)
        if role == "proposes":
            raise InvalidRequest(_WAITS.format(command, name))
        if role == "asks":
            word = await ask(ctx, await anyio.to_thread.run_sync(question), EntityConsent)
            if isinstance(word, InputRequiredResult):
                return word
            if not (isinstance(word, AcceptedElicitation) and word.data.agreed):
                raise InvalidRequest("The person did not agree: the entities stay as they are.")
        return result_of(EntityChanged(entity=await anyio.to_thread.run_sync(change)))

    def find_entity(
        register_name: Name,
        record: Annotated[
            dict[str, str | None], WithJsonSchema({"type": "object"}), Field(description="Its known values.")
        ],
    ) -> Annotated[CallToolResult, FoundEntities]:
        """Says who a record is: the entities of a register that it may be of. No model is asked; where none is decided,
        show the candidates to the person."""
        found = opened(register_name).who(record)
        return result_of(FoundEntities(entities=[one.model_dump() for one in found]))

    def entity_history(register_name: Name, entity: EntityId) -> Annotated[CallToolResult, EntityHistory]:
        """Returns an entity of a register with its records. Its steps tell what happened to it."""
        register = opened(register_name)
        steps = register.history(entity)
        now = register.entity(entity).model_dump() if register.size(entity) else None
        return result_of(EntityHistory(entity=now, steps=[step.model_dump() for step in steps]))

    async def merge_entities(
        ctx: Context[Any, Any],
        register_name: Name,
        entities: Annotated[list[int], Field(description="Their ids.")],
        why: Annotated[str, Field(description="The reason.")] = "",
    ) -> Annotated[CallToolResult, EntityChanged] | InputRequiredResult:
        """Merges entities that a person says are the same. It binds over later files and can be undone."""

        def question() -> str:
            register = opened(register_name)
            lines = [f"{entity}: {register.entity(entity).merged}" for entity in entities]
            return "\n".join(["An agent wants to merge these entities.", *lines, "Are they one?"])

        def change() -> int:
            return opened(register_name).merge(entities, who=decider(ctx, trust_agents), why=why)

        return await decided(ctx, question, change, "merge", register_name)

    async def split_entity(
        ctx: Context[Any, Any],
        register_name: Name,
        entity: EntityId,
        records: Annotated[list[int], Field(description="Numbers of the records that go into a new entity.")],
        why: Annotated[str, Field(description="The reason.")] = "",
    ) -> Annotated[CallToolResult, EntityChanged] | InputRequiredResult:
        """Moves records of an entity into a new one, as a person says. It binds over later files and can be undone."""

        def question() -> str:
            found = opened(register_name).entity(entity)
            lines = [f"{one.record}: {one.values}" for one in found.records if one.record in records]
            return "\n".join([f"An agent wants to take these records out of entity {entity}.", *lines, "May it?"])

        def change() -> int:
            return opened(register_name).split(entity, records, who=decider(ctx, trust_agents), why=why)

        return await decided(ctx, question, change, "split", register_name)

    tools: list[tuple[Callable[..., Any], str, Any, str]] = [
        (find_entity, "Find an entity", READ_ONLY, READ),
        (entity_history, "Show an entity's history", READ_ONLY, READ),
        (merge_entities, "Merge entities", CHANGES, RULES),
        (split_entity, "Split an entity", CHANGES, RULES),
    ]
    return [PlainTool.of(function, title, annotations, scope) for function, title, annotations, scope in tools]
