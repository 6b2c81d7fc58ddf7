"""Entity registers as tools: who a record is, what happened and what waits, and changes by a person's word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
Action = Literal["merge", "keep_apart", "split", "undo"]
_SHOWN = 20
"""Steps, and questions, that are returned at the most."""
_WAITS = "Only a person may change entities, and this client cannot ask one: they can run `dp-tools entities {} {}`."


class FoundEntities(BaseModel):
    """The entities that a record may be of."""

    entities: Annotated[
        list[dict[str, Any]],
        Field(description="Likeliest first: id, confidence, whether identifiers decide, reason, merged values."),
    ]


class EntityHistory(BaseModel):
    """What happened to an entity, or to a whole register."""

    entity: Annotated[
        dict[str, Any] | None, Field(description="Its merged values and records; null if it is gone or none was named.")
    ]
    steps: Annotated[list[dict[str, Any]], Field(description="What happened, oldest first.")]
    waiting: Annotated[
        list[dict[str, Any]],
        Field(description="Questions for a person: entities that may be one, or (other: null) several."),
    ]


class EntityChanged(BaseModel):
    """What became of entities."""

    entity: Annotated[int | None, Field(description="The id that stays, or the new one.")] = None
    moved: Annotated[int, Field(description="Records that undoing moved back.")] = 0


class EntityConsent(BaseModel):
    """A person's word on entities."""

    agreed: Annotated[bool, Field(description="Do it.")] = False


def open_register(server_context: ServerContext, name: str) -> Register:
    """A register of the caller's.

    Raises:
        InvalidRequest: there is none of that name.
    """
    from dp_tools.tables.entities.register import Register, register_path

    path = register_path(name, server_context.jobs.store.folder, caller=job_owner(), paths=False)
    return Register(path, server_context.knowledge)


def entity_tools(server_context: ServerContext, *, trust_agents: bool) -> list[PlainTool]:
    """Tools that look entities up, and change them by a person's word."""

    opened = partial(open_register, server_context)

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

    def entity_history(
        register_name: Name,
        entity: Annotated[int | None, Field(description="Default: the whole register.")] = None,
    ) -> Annotated[CallToolResult, EntityHistory]:
        """Returns an entity of a register with its records and steps. Without one: the register's last steps. Both with
        what waits for a person."""
        register = opened(register_name)
        steps = register.history(entity, _SHOWN)
        now = register.entity(entity).model_dump() if entity is not None and register.size(entity) else None
        waiting = register.waiting(_SHOWN, entity)
        return result_of(
            EntityHistory(
                entity=now,
                steps=[step.model_dump() for step in steps],
                waiting=[question.model_dump() for question in waiting],
            )
        )

    async def change_entities(
        ctx: Context[Any, Any],
        register_name: Name,
        action: Annotated[Action, Field(description="What to do.")],
        entities: Annotated[list[int], Field(description="Their ids; one to split.")] = [],  # noqa: B006
        records: Annotated[list[int], Field(description="Those that are split off.")] = [],  # noqa: B006
        step: Annotated[int | None, Field(description="The step to undo.")] = None,
        why: Annotated[str, Field(description="The reason.")] = "",
    ) -> Annotated[CallToolResult, EntityChanged] | InputRequiredResult:
        """Changes entities as a person says: makes them one, keeps two apart, splits records off, or takes one step
        back. It binds over later files and can be undone."""
        change = _Change(action, entities, records, step)
        role = caller_role(ctx, trust_agents)
        if role == "proposes":
            raise InvalidRequest(_WAITS.format(change.command, register_name))
        if role == "asks":
            asked = await anyio.to_thread.run_sync(lambda: change.question(opened(register_name)))
            word = await ask(ctx, asked, EntityConsent)
            if isinstance(word, InputRequiredResult):
                return word
            if not (isinstance(word, AcceptedElicitation) and word.data.agreed):
                raise InvalidRequest("The person did not agree: the entities stay as they are.")
        who = decider(ctx, trust_agents)
        return result_of(await anyio.to_thread.run_sync(lambda: change.take(opened(register_name), who, why)))

    tools: list[tuple[Callable[..., Any], str, Any, str]] = [
        (find_entity, "Find an entity", READ_ONLY, READ),
        (entity_history, "Show an entity's history", READ_ONLY, READ),
        (change_entities, "Merge, split or undo entities", CHANGES, RULES),
    ]
    return [PlainTool.of(function, title, annotations, scope) for function, title, annotations, scope in tools]


@dataclass(frozen=True, slots=True)
class _Change:
    """A change that a person is asked about.

    Args:
        action: what to do.
        entities: the entities.
        records: those that are split off.
        step: the one to undo.

    Raises:
        InvalidRequest: the action needs something else.
    """

    action: Action
    entities: Sequence[int]
    records: Sequence[int]
    step: int | None

    def __post_init__(self) -> None:
        wanted, is_given = {
            "merge": ("the `entities` that are one", bool(self.entities)),
            "keep_apart": ("two `entities`", len(self.entities) == 2),
            "split": ("one of `entities`, and `records` of it", len(self.entities) == 1 and bool(self.records)),
            "undo": ("the `step` to take back", self.step is not None),
        }[self.action]
        if not is_given:
            raise InvalidRequest(f"To {self.action.replace('_', ' ')}, name {wanted}.")

    @property
    def command(self) -> str:
        """The command of the shell that does it."""
        return "apart" if self.action == "keep_apart" else self.action

    def question(self, register: Register) -> str:
        """What the person is asked."""
        if self.action == "undo":
            assert self.step is not None
            step = register.step(self.step)
            told = ", ".join(word for word in (step.what, step.source, f"by {step.who}", step.why) if word)
            return f"An agent wants to take back step {step.step} of the register ({told}, {step.at}).\nMay it?"
        found = [register.entity(entity) for entity in self.entities]
        if self.action == "split":
            lines = [f"{one.record}: {one.values}" for one in found[0].records if one.record in self.records]
            asked = f"An agent wants to take these records out of entity {found[0].entity}."
            return "\n".join([asked, *lines, "May it?"])
        lines = [f"{one.entity}: {one.merged}" for one in found]
        is_merge = self.action == "merge"
        asked = f"An agent wants to {'merge these entities' if is_merge else 'keep these entities apart for good'}."
        return "\n".join([asked, *lines, "Are they one?" if is_merge else "Are they not the same?"])

    def take(self, register: Register, who: str, why: str) -> EntityChanged:
        """Do it."""
        if self.action == "merge":
            return EntityChanged(entity=register.merge(self.entities, who=who, why=why))
        if self.action == "split":
            return EntityChanged(entity=register.split(self.entities[0], self.records, who=who, why=why))
        if self.action == "keep_apart":
            register.keep_apart(*self.entities, who=who, why=why)
            return EntityChanged()
        assert self.step is not None
        return EntityChanged(moved=register.undo(self.step, who=who, why=why))
