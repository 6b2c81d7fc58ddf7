"""Checks: rules in a form that code decides, as JSON Schema with a few keywords of our own, before a model is asked.

A schema whose `type` is `object` is over the record (or the pair); any other is over the value. Values are strings as
found; one that stands under `type: number` or `integer` is read as a number first. A missing value (null, blank, "?")
is null, so `type` says whether a gap is an error.

Our keywords, at the top of a schema: `x-when`, a schema: where it does not hold, the check says nothing. `x-missing`:
further tokens that count as missing. `x-lookup`, a functional dependency: `by` names the attributes that determine,
`of` the one that is determined, `values` maps what is known (several `by` joined by " | ").

And anywhere: `x-near`, over values, lists known values; a value fails that is not one of them but resembles one and
holds words that none of them has and that resemble its words (a misspelling fails, a new value passes). `x-day: true`,
over values: what is written as a day, in whatever notation, fails if there is no such day (30 February); with `month
first` or `day first` instead of true, numbers before a year are read in that order alone. `x-same` and `x-differ`, over
pairs, list attributes that both sides fill, with the same or with another value (case, blanks and punctuation apart;
numbers by value). `x-order`, `x-total`, `x-weekday` and `x-age`, over the record, are in
`dp_tools.rules.record_checks`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args
from urllib.parse import unquote

import jsonschema_rs

from dp_tools.errors import RuleRejected
from dp_tools.profiling.misspelling import Spelling
from dp_tools.profiling.value_formats import Order, named_days
from dp_tools.records import is_missing
from dp_tools.rules.injection import Subject
from dp_tools.rules.record_checks import KEYWORDS
from dp_tools.rules.rule import ALL, Rule
from dp_tools.rules.scope import key

JOIN = " | "
"""Stands between the values of several determining attributes in a lookup."""
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_LONGEST_NUMBER = 300
MAX_DEPTH = 40
"""Levels of a check, its references followed."""
MAX_PARTS = 2_000
"""Parts of a check once its references are followed: what one value can cost at most."""
_APART = frozenset(
    {"enum", "const", "default", "examples", "required", "x-missing", "x-lookup", "x-near", "$defs", "definitions"}
    | KEYWORDS.keys()
)
"""Keywords that hold values, or schemas that only references lead to."""
_MOVING = ("$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor", "$recursiveAnchor")
"""Keywords by which a reference can mean more than the place it names."""
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
"""Keywords that hold schemas by name."""
_REGEX_SIZE = 1_000_000
"""Bytes that one compiled pattern may take; matching is linear in the value whatever the pattern."""


@dataclass(frozen=True, slots=True)
class _Lookup:
    by: tuple[str, ...]
    of: str
    values: Mapping[str, str]

    def find(self, record: Mapping[str, str | None]) -> str | None:
        """What the record's determining values say, or None where nothing is known."""
        parts = [record.get(name) for name in self.by]
        if any(part is None for part in parts):
            return None
        return self.values.get(JOIN.join(str(part).strip() for part in parts))


class Check:
    """One compiled check. Safe to share between threads."""

    def __init__(self, schema: dict[str, Any], attribute: str) -> None:
        self.attribute = key(attribute)
        self._schema = schema
        self.over_record = schema.get("type") == "object"
        self._missing = frozenset(str(token).strip().casefold() for token in schema.get("x-missing", ()))
        self._lookup = _read_lookup(schema)
        self._names = {key(name): name for name in _property_names(schema)}
        self._numbers = frozenset(_number_names(schema))
        self._is_number = _wants_number(schema)
        self._enum = _closed_set(schema)
        self._touches = frozenset(key(name) for name in schema.get("properties", ()))
        self._validator = _validator(schema)
        self._only_lookup = schema.keys() <= {"type", "x-lookup", "x-missing"} and self._lookup is not None
        self._when = _validator(schema["x-when"]) if "x-when" in schema else None

    def __reduce__(self) -> tuple[type[Check], tuple[dict[str, Any], str]]:
        """Another process compiles it again."""
        return Check, (self._schema, self.attribute)

    @staticmethod
    def of(rule: Rule) -> Check:
        """The rule's check, compiled once for each text of it.

        Raises:
            RuleRejected: the check is not valid JSON Schema, or refers outside itself.
        """
        try:
            return _compile(json.dumps(rule.check, sort_keys=True), rule.attribute)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
            first = str(error).splitlines()[0]
            raise RuleRejected(f"The check of rule {rule.id} cannot be used: {first}") from error

    def allowed(self, attribute: str | None) -> tuple[str, ...] | None:
        """The closed set of values this check leaves for the attribute, or None."""
        if not self.over_record and (attribute is not None and self.attribute in (key(attribute), ALL)):
            return self._enum
        return None

    def judge(self, subject: Subject) -> bool | None:
        """Whether the case passes, or None where the check says nothing about it.

        A case with a `value` is about that cell: a check over the record fails it only where the rule names the
        attribute or the schema finds the fault there. A case with `left` and `right` is judged as a whole.
        """
        if "left" in subject and "right" in subject:
            return self._judge_pair(subject) if self.over_record else None
        if "value" not in subject:
            return None
        attribute = key(str(subject["attribute"]))
        if self.attribute not in (attribute, ALL):
            return None
        if not self.over_record:
            value = self._instance(subject["value"], self._is_number)
            return self._validator.is_valid(value) if self._holds(value) else None
        return self._judge_cell(attribute, subject)

    def value_for(self, subject: Subject) -> str | None:
        """The value that a functional dependency gives the attribute of this record, or None."""
        if self._lookup is None or "record" not in subject or key(str(subject.get("attribute", ""))) != self._lookup.of:
            return None
        return self._known(subject["record"])

    def _judge_cell(self, attribute: str, subject: Subject) -> bool | None:
        record = {**subject["record"]}
        own = next((name for name in record if key(name) == attribute), str(subject["attribute"]))
        record[own] = subject["value"]
        if self._lookup is not None and self._lookup.of == attribute:
            known = self._known(record)
            found = self._instance(subject["value"], False)
            if known is not None and known != (None if found is None else str(found).strip()):
                return False
        if self._only_lookup:
            return None
        instance = self._record(record)
        if not self._holds(instance):
            return None
        if self.attribute == attribute:
            passed = self._validator.is_valid(instance)
            return passed if self._lookup is None or not passed else None
        faults = {
            key(str(error.instance_path[0])) for error in self._validator.iter_errors(instance) if error.instance_path
        }
        if attribute in faults:
            return False
        return True if attribute in self._touches else None

    def _known(self, record: Mapping[str, Any]) -> str | None:
        """What the lookup says of this record."""
        assert self._lookup is not None
        if self._when is not None and not self._holds(self._record(record)):
            return None
        return self._lookup.find(
            {key(name): self._instance(value, False) for name, value in record.items() if key(name) in self._lookup.by}
        )

    def _judge_pair(self, subject: Subject) -> bool | None:
        pair = {side: self._record(subject[side]) for side in ("left", "right")}
        return self._validator.is_valid(pair) if self._holds(pair) else None

    def _holds(self, instance: Any) -> bool:
        return self._when is None or self._when.is_valid(instance)

    def _record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        return {
            self._names.get(key(name), name): self._instance(value, key(name) in self._numbers)
            for name, value in record.items()
        }

    def _instance(self, value: Any, number: bool) -> Any:
        if value is None or is_missing(str(value)) or str(value).strip().casefold() in self._missing:
            return None
        return _as_number(str(value)) if number else str(value)


def _as_number(text: str) -> float | int | str:
    """The number that the text writes, or the text where it writes none that JSON can hold."""
    bare = text.strip()
    if len(bare) > _LONGEST_NUMBER or not _NUMBER.fullmatch(bare):
        return text
    number = float(bare)
    if not math.isfinite(number):
        return text
    return number if re.search(r"[.eE]", bare) else int(bare)


class _Same:
    """`x-same`: every listed attribute has a value on both sides, and it is the same one."""

    same = True

    def __init__(self, _parent: dict[str, Any], names: Any, _path: list[str | int]) -> None:
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise ValueError("x-same and x-differ need a list of attributes.")
        self._names = [key(name) for name in names]

    def validate(self, instance: Any) -> None:
        sides = [{key(name): value for name, value in instance[side].items()} for side in ("left", "right")]
        for name in self._names:
            left, right = (_comparable(side.get(name)) for side in sides)
            if not left or not right or (left == right) is not self.same:
                raise ValueError(name)


class _Near:
    """`x-near`: see the module."""

    def __init__(self, _parent: dict[str, Any], known: Any, _path: list[str | int]) -> None:
        if not isinstance(known, list) or not known or not all(isinstance(value, str) for value in known):
            raise ValueError("x-near needs a list of values.")
        self._spelling = Spelling(known)

    def validate(self, instance: Any) -> None:
        if isinstance(instance, str) and self._spelling.meant(instance) is not None:
            raise ValueError("it is a misspelling")


class _Day:
    """`x-day`: see the module."""

    def __init__(self, _parent: dict[str, Any], wanted: Any, _path: list[str | int]) -> None:
        if wanted is not True and wanted not in get_args(Order):
            raise ValueError(f"x-day is true, {' or '.join(get_args(Order))}, or left out.")
        self._order: Order | None = None if wanted is True else wanted

    def validate(self, instance: Any) -> None:
        if isinstance(instance, str) and named_days(instance, self._order) == []:
            raise ValueError("no calendar has this day")


class _Differ(_Same):
    """`x-differ`: every listed attribute has a value on both sides, and not the same one."""

    same = False


def _comparable(value: Any) -> str:
    if value is None:
        return ""
    text = str(value).strip().casefold()
    number = _as_number(text.strip(" $€£%"))
    return re.sub(r"[\W_]+", "", text) if isinstance(number, str) else f"{number:.12g}"


def _validator(schema: Any) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        schema,
        offline=True,
        pattern_options=jsonschema_rs.RegexOptions(_REGEX_SIZE, _REGEX_SIZE),
        keywords={"x-same": _Same, "x-differ": _Differ, "x-near": _Near, "x-day": _Day, **KEYWORDS},
    )


@lru_cache(maxsize=4096)
def _compile(text: str, attribute: str) -> Check:
    schema = json.loads(text)
    _vet_structure(schema)
    _vet_expansion(schema)
    return Check(schema, attribute)


def _vet_structure(schema: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(schema, dict):
        for name, value in schema.items():
            if name in ("$ref", "$dynamicRef", "$recursiveRef") and not str(value).startswith("#"):
                raise ValueError(f"it refers to {str(value)[:80]!r}; a check may only refer inside itself.")
            if isinstance(value, str) and (name in _MOVING or (name == "$id" and depth)):
                raise ValueError(f"it uses {name}; write references as $ref with the place of a part, #/$defs/NAME.")
            _vet_structure(value, depth + 1)
    elif isinstance(schema, list):
        for value in schema:
            _vet_structure(value, depth + 1)


def _vet_expansion(root: dict[str, Any]) -> None:
    """Refuse a check that is small but large once its references are followed, or that never ends.

    Raises:
        ValueError: it is, or it refers to what is not there.
    """
    left = MAX_PARTS

    def follow(schema: Any, depth: int) -> None:
        nonlocal left
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels once its references are followed.")
        if isinstance(schema, list):
            for part in schema:
                follow(part, depth + 1)
        if not isinstance(schema, dict):
            return
        left -= 1
        if left < 0:
            raise ValueError(f"it has more than {MAX_PARTS:,} parts once its references are followed.")
        for name, value in schema.items():
            if name == "$ref":
                follow(_part(root, str(value)), depth + 1)
            elif name in _MAPS and isinstance(value, dict):
                follow(list(value.values()), depth)
            elif name not in _APART:
                follow(value, depth + 1)

    follow(root, 0)


def _part(root: Any, reference: str) -> Any:
    """The part of a schema that a JSON Pointer names.

    Raises:
        ValueError: there is none.
    """
    if reference != "#" and not reference.startswith("#/"):
        raise ValueError(f"it refers to {reference[:80]!r}; name the place of a part, as #/$defs/NAME.")
    part = root
    for step in unquote(reference).removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            part = part[int(name)] if isinstance(part, list) else part[name]
        except (KeyError, IndexError, TypeError, ValueError):
            raise ValueError(f"it refers to {reference[:80]!r}, which is not in it.") from None
    return part


def _read_lookup(schema: dict[str, Any]) -> _Lookup | None:
    raw = schema.get("x-lookup")
    if raw is None:
        return None
    if schema.get("type") != "object":
        raise ValueError("x-lookup is over the record, so the check's type must be object.")
    if not isinstance(raw, dict) or not {"by", "of", "values"} <= raw.keys() or not isinstance(raw["values"], dict):
        raise ValueError("x-lookup needs by, of and values.")
    by = [raw["by"]] if isinstance(raw["by"], str) else list(raw["by"])
    if not by:
        raise ValueError("x-lookup needs at least one attribute in by.")
    values = {str(known): str(value) for known, value in raw["values"].items()}
    return _Lookup(tuple(key(str(name)) for name in by), key(str(raw["of"])), values)


def _closed_set(schema: dict[str, Any]) -> tuple[str, ...] | None:
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if not isinstance(values, list):
        return None
    texts = tuple(dict.fromkeys(str(value) for value in values if value is not None))
    return texts or None


def _wants_number(schema: Any) -> bool:
    kinds = schema.get("type") if isinstance(schema, dict) else None
    kinds = set(kinds) if isinstance(kinds, list) else {kinds}
    return bool(kinds & {"number", "integer"}) and "string" not in kinds


def _properties(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every (attribute, subschema) that stands under `properties`, at any depth."""
    if isinstance(schema, dict):
        for name, value in schema.items():
            if name == "properties" and isinstance(value, dict):
                yield from value.items()
            yield from _properties(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _properties(value)


def _property_names(schema: Any) -> Iterator[str]:
    yield from (name for name, _ in _properties(schema))
    if isinstance(schema, dict):
        yield from (str(name) for name in schema.get("required", ()))


def _number_names(schema: Any) -> Iterator[str]:
    yield from (key(name) for name, sub in _properties(schema) if _wants_number(sub))
