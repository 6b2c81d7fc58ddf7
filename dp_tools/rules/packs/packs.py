"""Rule packs: rules as YAML files that people read, review and diff; and what an upgrade does with their edits."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from dp_tools import leftovers
from dp_tools.errors import RuleRejected
from dp_tools.rules.rule import ALL, Rule
from dp_tools.rules.scope import RULE_TASKS
from dp_tools.rules.vetting import parse, vet_name, vet_text

PACK_BUDGET = 5_000_000
"""Bytes of one pack file."""

_SHARED = ("task", "dataset", "domain")
"""Scope that a pack may state once for all its rules."""
_PACK_KEYS = {"pack", "version", "title", "datasets", "rules", *_SHARED}
_LEFT_OUT = {"version", "source", "status", "pack"}
"""What a rule has in the store and not in a pack."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A named set of rules.

    Args:
        name: also the file's name, without .yaml.
        version: counts up with every release of the pack.
        title: what it is about, one line.
        datasets: (dataset, domain) memberships that it declares.
        rules: its rules; source pack, active.
        read_as: SHA-256 of the text it was read from, or "" for one that was made here.
    """

    name: str
    version: int
    title: str
    datasets: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...]
    read_as: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the pack's text."""
        return self.read_as or digest_of(dump_pack(self))


@dataclass(frozen=True, slots=True)
class Conflict:
    """A rule that both the user and the pack's new version changed; the user's stays."""

    rule_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Installed:
    """What installing a pack did, by rule id."""

    pack: str
    version: int
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Changed by the user only."""
    conflicts: tuple[Conflict, ...] = ()


Action = Literal["add", "change", "retire", "keep", "conflict", "same"]


@dataclass(frozen=True, slots=True)
class Planned:
    """What installing a pack does about one rule.

    Args:
        rule_id: the rule.
        action: add, change or retire it; keep what only the user changed; conflict: both changed it, and the user's
            stays; same: nothing differs.
        mine: the rule in the store, if it is there.
        theirs: the rule of the pack, if it is there.
        reason: why it is a conflict.
        is_packs: whether the store knows the rule as one of this pack from now on.
    """

    rule_id: str
    action: Action
    mine: Rule | None
    theirs: Rule | None
    reason: str = ""
    is_packs: bool = True


def digest_of(text: str) -> str:
    """SHA-256 of a pack's text."""
    return hashlib.sha256(text.encode()).hexdigest()


def shipped() -> Iterator[Path]:
    """The packs that come with this package, installed or in a checkout."""
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "knowledge", package.parent / "knowledge"):
        if folder.is_dir():
            yield from sorted(folder.glob("*.yaml"))
            return


def load_pack(path: Path | str) -> Pack:
    """Read a pack file.

    Raises:
        RuleRejected: it is not a YAML file that can be read, not shaped as a pack, or holds a rule that is refused.
    """
    path = Path(path)
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise RuleRejected(f"{path} is not a .yaml file; packs are.")
    try:
        if not path.is_file():
            raise RuleRejected(f"{path} is not a file; name a pack's .yaml file.")
        if path.stat().st_size > PACK_BUDGET:
            raise RuleRejected(f"{path} is larger than {PACK_BUDGET // 1_000_000} MB, the most a pack may be.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleRejected(f"{path} cannot be read as a pack: {_brief(error)}.") from error
    return parse_pack(text, str(path))


def parse_pack(text: str, where: str = "the pack") -> Pack:
    """A pack from YAML text.

    Raises:
        RuleRejected: as for `load_pack`.
    """
    try:
        body = yaml.load(text, Loader=_Plain)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RuleRejected(f"{where} is not valid YAML: {_brief(error)}.") from error
    if not isinstance(body, dict) or not isinstance(body.get("rules"), list):
        raise RuleRejected(f"{where} is not a pack: it needs pack, version, title and a list of rules.")
    unknown = sorted(str(name) for name in body.keys() - _PACK_KEYS)
    if unknown:
        raise RuleRejected(f"{where} has the unknown key {unknown[0]!r}; known are {', '.join(sorted(_PACK_KEYS))}.")
    name, version, title = body.get("pack"), body.get("version"), body.get("title", "")
    if not isinstance(name, str) or not isinstance(version, int) or version < 1 or not isinstance(title, str):
        raise RuleRejected(f"{where} needs a pack name, a version of 1 or more and a title.")
    vet_name(name, "pack name")
    vet_text(title, f"The title of pack {name}")
    shared = {part: body[part] for part in _SHARED if part in body}
    rules = tuple(_read_rule(item, name, shared, where) for item in body["rules"])
    ids = [rule.id for rule in rules]
    twice = next((rule_id for rule_id in ids if ids.count(rule_id) > 1), None) if len(set(ids)) < len(ids) else None
    if twice:
        raise RuleRejected(f"{where} holds the rule {twice} twice; rename one.")
    return Pack(name, version, title, _read_datasets(body.get("datasets") or [], where), rules, digest_of(text))


def dump_pack(pack: Pack) -> str:
    """A pack as YAML; `parse_pack` reads back an equal pack."""
    body: dict[str, Any] = {"pack": pack.name, "version": pack.version, "title": pack.title}
    if pack.datasets:
        body["datasets"] = [{"dataset": dataset, "domain": domain} for dataset, domain in pack.datasets]
    body["rules"] = [as_shipped(rule) for rule in pack.rules]
    return yaml.dump(body, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=110)


def write_pack(pack: Pack, folder: Path | str, *, replace: bool = False) -> Path:
    """Write a pack as FOLDER/NAME.yaml, beside and renamed, so that no half-written file is left.

    Raises:
        RuleRejected: the folder does not exist, or the file does and `replace` is not set.
    """
    vet_name(pack.name, "pack name")
    target = Path(folder) / f"{pack.name}.yaml"
    if (target.exists() or target.is_symlink()) and not replace:
        raise RuleRejected(f"{target} exists; name another folder, or say that it may be replaced.")
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=folder, prefix=f".{target.name}.", suffix=".part", encoding="utf-8", delete=False
        ) as part:
            leftovers.note(Path(part.name))
            part.write(dump_pack(pack))
        Path(part.name).replace(target)
    except OSError as error:
        raise RuleRejected(f"{target} cannot be written: {_brief(error)}.") from error
    return target


def as_shipped(rule: Rule) -> dict[str, Any]:
    """A rule as a pack holds it: what is not the default, and nothing of the store."""
    return rule.model_dump(mode="json", exclude=_LEFT_OUT, exclude_defaults=True)


def pack_schema() -> dict[str, Any]:
    """JSON Schema of a pack file, for editors; `knowledge/pack.schema.json` holds it."""
    rule = Rule.model_json_schema()
    examples = rule.pop("$defs")
    properties = {name: body for name, body in rule["properties"].items() if name not in _LEFT_OUT}
    scope = {name: {"type": "string", "description": properties[name]["description"]} for name in _SHARED}
    scope["task"]["enum"] = properties["task"]["enum"] = [ALL, *RULE_TASKS]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dp-tools rule pack",
        "type": "object",
        "required": ["pack", "version", "title", "rules"],
        "additionalProperties": False,
        "properties": {
            "pack": {"type": "string", "description": "The pack's name, also the file's."},
            "version": {"type": "integer", "minimum": 1, "description": "Counts up with every release."},
            "title": {"type": "string", "description": "What it is about, one line."},
            **scope,
            "datasets": {
                "description": "Which datasets belong to which domains.",
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["dataset", "domain"],
                    "additionalProperties": False,
                    "properties": {"dataset": {"type": "string"}, "domain": {"type": "string"}},
                },
            },
            "rules": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "statement"],
                    "additionalProperties": False,
                    "properties": properties,
                },
            },
        },
        "$defs": examples,
    }


def _read_rule(item: Any, pack: str, shared: Mapping[str, Any], where: str) -> Rule:
    if not isinstance(item, dict):
        raise RuleRejected(f"{where} holds a rule that is not a mapping; write id: and statement: under each dash.")
    stray = sorted(_LEFT_OUT & item.keys())
    if stray:
        raise RuleRejected(f"{where} sets {stray[0]} on a rule; a pack does not decide that.")
    return parse({**shared, **item, "source": "pack", "pack": pack})


def _read_datasets(items: Any, where: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in items if isinstance(items, list) else [items]:
        if not isinstance(item, dict) or item.keys() != {"dataset", "domain"}:
            raise RuleRejected(f"{where} lists a dataset that is not a mapping of dataset and domain.")
        for what, name in item.items():
            if not isinstance(name, str) or not name.strip():
                raise RuleRejected(f"{where} lists a dataset whose {what} is not a name.")
            vet_text(name, f"A {what} in {where}")
        pairs.append((item["dataset"], item["domain"]))
    return tuple(pairs)


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")


class _Plain(yaml.SafeLoader):
    """YAML where only the JSON types exist: no dates, no aliases that blow up, no key given twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("a pack may not use aliases")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for name in (self.construct_object(node_key, deep=True) for node_key, _ in node.value):
            if not isinstance(name, str):
                raise yaml.YAMLError(f"the key {name!r} is not text; put it in quotes")
            if name in seen:
                raise yaml.YAMLError(f"the key {name!r} is given twice")
            seen.add(name)
        return super().construct_mapping(node, deep)


_JSON_TYPES = (
    ("tag:yaml.org,2002:null", r"null|~|", "n~"),
    ("tag:yaml.org,2002:bool", r"true|false", "tf"),
    ("tag:yaml.org,2002:int", r"-?(0|[1-9][0-9]*)", "-0123456789"),
    ("tag:yaml.org,2002:float", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", "-0123456789"),
    ("tag:yaml.org,2002:merge", r"<<", "<"),
)
"""What is not text when it stands without quotes: as in JSON, so that no, 007 and 12:30 are text."""


class _Readable(yaml.SafeDumper):
    """YAML as people write it: lists indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


_Plain.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in _JSON_TYPES:
    for _dialect in (_Plain, _Readable):
        _dialect.add_implicit_resolver(
            _tag, re.compile(rf"^(?:{_pattern})$"), [*_first, *([""] if "|~|" in _pattern else [])]
        )
