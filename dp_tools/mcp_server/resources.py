"""The knowledge store as resources to read, with the templates and the completions that lead to them."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from dp_tools.errors import DpToolsError, InvalidRequest
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.prompts.prompt import Prompt
from dp_tools.prompts.templates.nano import NanoFormat
from dp_tools.rules.injection import statements
from dp_tools.rules.rule import ALL, Rule
from dp_tools.rules.scope import RULE_TASKS, key

P = ParamSpec("P")
T = TypeVar("T")
JSON = "application/json"
_HEAD = 20_000
"""Bytes of a job's file that are shown."""
_SHOWN = 100
"""Completions at once; the protocol allows no more."""


def add_resources(server: MCPServer[None], server_context: ServerContext) -> None:
    """Register the `knowledge://` resources."""

    @server.resource("knowledge://packs", title="Rule packs", mime_type=JSON)
    @errors_as_text
    def packs() -> str:
        """The rule packs in the store, with the number of their rules that act."""
        return as_json([asdict(pack) for pack in server_context.knowledge.packs()])

    @server.resource("knowledge://datasets", title="Datasets", mime_type=JSON)
    @errors_as_text
    def datasets() -> str:
        """The datasets that the store knows, with their domains and the number of rules that name them."""
        return as_json([asdict(dataset) for dataset in server_context.knowledge.datasets()])

    @server.resource("knowledge://proposals", title="Proposed rules", mime_type=JSON)
    @errors_as_text
    def proposals() -> str:
        """The rules that wait for a person to accept or reject them, oldest first."""
        return as_json([_plain(rule) for rule in server_context.knowledge.list(status="proposed", limit=_SHOWN)])

    @server.resource("knowledge://packs/{name}", title="A rule pack", mime_type="application/yaml")
    @errors_as_text
    def pack(name: str) -> str:
        """The active rules of a pack, as its YAML file."""
        from dp_tools.rules.packs.packs import dump_pack

        return dump_pack(server_context.knowledge.export(name))

    @server.resource("knowledge://rules/{rule_id}", title="A rule with its history", mime_type=JSON)
    @errors_as_text
    def rule(rule_id: str) -> str:
        """A rule as it is now, and every change to it: who, when, why, and the fields before and after."""
        store = server_context.knowledge
        history = store.history(rule_id)
        entries = [
            {name: value for name, value in asdict(entry).items() if name not in ("body", "previous", "rule_id")}
            | {"changed": _changed(before.body if before is not None else None, entry.body)}
            for before, entry in itertools.pairwise([None, *history])
            if entry is not None
        ]
        return as_json({"rule": _plain(store.get(rule_id)), "history": entries})

    @server.resource("knowledge://datasets/{name}", title="What a dataset's prompts say", mime_type="text/plain")
    @errors_as_text
    def dataset(name: str) -> str:
        """The exact rule lines that are added to prompts about this dataset, by task and attribute."""
        return _lines_of(server_context, name, [None, *_attributes(server_context, name)])

    @server.resource(
        "knowledge://datasets/{name}/{attribute}", title="What an attribute's prompts say", mime_type="text/plain"
    )
    @errors_as_text
    def attribute(name: str, attribute: str) -> str:
        """The exact rule lines that are added to prompts about one attribute of this dataset, by task."""
        return _lines_of(server_context, name, [attribute])

    @server.resource("tables://{+path}/profile", title="What is in a table", mime_type="text/plain")
    @errors_as_text
    def profile(path: str) -> str:
        """A file under the server's folders, column by column, as text of at most 6,000 characters."""
        from dp_tools.tables.profile import profile_table
        from dp_tools.tables.snapshot import open_table

        with open_table(server_context.roots.to_read(path)) as table:
            return profile_table(table).text()

    @server.resource("jobs://{job}/result", title="What came of a job", mime_type=JSON)
    @errors_as_text
    def result(job: str) -> str:
        """A job as it stands, with its figures and the first lines of every file it wrote."""
        found = server_context.jobs.get(job)
        files = {path.name: _head(path) for path in sorted(server_context.jobs.output(job).glob("*")) if path.is_file()}
        return as_json({**found.model_dump(mode="json", exclude_none=True), "heads": files})

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        given = (context.arguments if context is not None else None) or {}
        values = await anyio.to_thread.run_sync(lambda: _values(server_context, ref, argument, given))
        found = [value for value in values if value.casefold().startswith(argument.value.casefold())]
        return Completion(values=found[:_SHOWN], total=len(found), has_more=len(found) > _SHOWN)


def _values(
    server_context: ServerContext,
    ref: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    given: dict[str, str],
) -> Iterable[str]:
    """What an argument of a template or a prompt may be."""
    if argument.name == "job":
        return [job.id for job in server_context.jobs.list(_SHOWN)]
    store = server_context.knowledge
    uri = ref.uri if isinstance(ref, ResourceTemplateReference) else ""
    if argument.name == "rule_id":
        words = argument.value
        rules = store.search(words, limit=_SHOWN) if words.strip() else store.list(limit=_SHOWN)
        return sorted(rule.id for rule in rules)
    if argument.name == "attribute":
        return _attributes(server_context, given.get("name") or given.get("dataset") or "")
    if argument.name == "dataset" or uri.startswith("knowledge://datasets/"):
        return [dataset.name for dataset in store.datasets()]
    if uri.startswith("knowledge://packs/"):
        return [pack.name for pack in store.packs()]
    return []


def _attributes(server_context: ServerContext, dataset: str) -> list[str]:
    """The attributes that rules of this dataset or its domains name."""
    store = server_context.knowledge
    domains = next((d.domains for d in store.datasets() if key(d.name) == key(dataset)), ())
    rules = [
        *store.list(dataset=dataset, status="active"),
        *(rule for domain in domains for rule in store.list(domain=domain, status="active")),
    ]
    return sorted({rule.attribute for rule in rules if rule.attribute != ALL})


def _lines_of(server_context: ServerContext, dataset: str, attributes: Iterable[str | None]) -> str:
    """The injected lines, one section per task and attribute; a section equal to its task's own is left out."""
    sections = []
    for task in RULE_TASKS:
        general: list[str] | None = None
        for attribute in attributes:
            lines = _lines(server_context, task, dataset, attribute)
            if lines and lines != general:
                about = f", attribute {attribute}" if attribute is not None else ""
                sections.append("\n".join([f"# {task}{about}", *lines]))
            general = lines if attribute is None else general
    return "\n\n".join(sections) or f"No rule holds for {dataset}.\n"


def _lines(server_context: ServerContext, task: str, dataset: str, attribute: str | None) -> list[str]:
    wide, near = statements(server_context.knowledge.inject(task=task, dataset=dataset, attribute=attribute).rules)
    segments = NanoFormat().render(Prompt(task=task, rules=wide, near_rules=near))
    return [segment.text.strip() for segment in segments if segment.text.startswith("rule: ")]


def errors_as_text(function: Callable[P, T]) -> Callable[P, T]:
    """Turn the errors a user can mend into resource errors with the same sentence."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except InvalidRequest as error:
            raise ResourceNotFoundError(str(error)) from error
        except DpToolsError as error:
            raise ResourceError(str(error)) from error

    return call


def whole(text: str, what: str) -> int:
    """A whole number from a part of an address.

    Raises:
        InvalidRequest: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InvalidRequest(f"{text[:40]!r} is no {what}: give a whole number.")
    return int(text)


def _head(path: Path) -> str:
    """The first lines of a text file, whole lines only, or how large a file of another kind is."""
    with path.open("rb") as file:
        start = file.read(_HEAD)
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 4:
            return f"{path.stat().st_size} bytes that are not text"
        text = start[: error.start].decode()
    return text if len(start) < _HEAD else text[: text.rfind("\n") + 1]


def _changed(before: Any, after: Any) -> dict[str, list[Any]]:
    """The fields of a rule that a change gave other values, as [before, after]; of examples how many there are."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return {}
    names = [name for name in after if name not in ("version", "examples") and before.get(name) != after[name]]
    changed = {name: [before.get(name), after[name]] for name in names}
    counts = [len(body.get("examples") or ()) for body in (before, after)]
    return changed | ({"examples": counts} if before.get("examples") != after.get("examples") else {})


def _plain(rule: Rule) -> dict[str, Any]:
    return rule.model_dump(mode="json", exclude_none=True)


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
