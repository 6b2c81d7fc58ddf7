"""The requests that ask about labelled instances, as few as the tasks allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from dp_tools.evaluation.instances import Instance, identity, text_of
from dp_tools.tasks.annotate_columns import AnnotateColumnsRequest, Column
from dp_tools.tasks.detect_errors import DetectErrorsRequest
from dp_tools.tasks.extract_values import ExtractValuesRequest, WantedAttribute
from dp_tools.tasks.impute import ImputeRequest
from dp_tools.tasks.match_entities import MatchEntitiesRequest, RecordPair
from dp_tools.tasks.match_schemas import Attribute, MatchSchemasRequest
from dp_tools.tasks.task import Request

Instances = Sequence[Instance]
Requests = Iterable[tuple[Request, Instances]]
"""Each request with the instances behind it, in the order of its cases."""


def requests_about(task: str, instances: Instances, types: Sequence[str]) -> Requests:
    """The requests that ask about every instance once.

    Args:
        task: the task's name.
        instances: of that task.
        types: for column types, those to choose from.
    """
    return _columns(instances, types) if task == "annotate_columns" else _REQUESTS[task](instances)


def _pairs(instances: Instances) -> Requests:
    pairs = [RecordPair(left=i.row["left"], right=i.row["right"]) for i in instances]
    yield MatchEntitiesRequest(pairs=pairs), instances


def _attributes(instances: Instances) -> Requests:
    lefts: dict[str, Attribute] = {}
    rights: dict[str, Attribute] = {}
    pairs = []
    for instance in instances:
        place = []
        for side, known in (("left", lefts), ("right", rights)):
            attribute = attribute_of(instance.row[side])
            key = attribute.model_dump_json()
            known.setdefault(key, attribute)
            place.append(list(known).index(key))
        pairs.append((place[0], place[1]))
    yield (
        MatchSchemasRequest(left=list(lefts.values()), right=list(rights.values()), pairs=pairs),
        instances,
    )


def attribute_of(side: Any) -> Attribute:
    if not isinstance(side, Mapping):
        return Attribute(name=str(side))
    return Attribute(
        name=str(side["name"]),
        description=text_of(side.get("description")),
        table=text_of(side.get("table_description")),
    )


def _cells(instances: Instances) -> Requests:
    """A request a record, so that the questions about one record stand together."""
    records: dict[str, list[Instance]] = {}
    for instance in instances:
        records.setdefault(identity(instance.row), []).append(instance)
    for instances in records.values():
        attributes = [instance.row["attribute"] for instance in instances]
        yield (
            DetectErrorsRequest(records=[instances[0].row["record"]], attributes=attributes, show_record=True),
            instances,
        )


def _gaps(instances: Instances) -> Requests:
    """A request per attribute and set of attributes around it."""
    groups: dict[tuple[str, ...], list[Instance]] = {}
    for instance in instances:
        groups.setdefault((instance.row["attribute"], *instance.row["record"]), []).append(instance)
    for (attribute, *_), instances in groups.items():
        yield ImputeRequest(records=[i.row["record"] for i in instances], attribute=attribute), instances


def _columns(instances: Instances, types: Sequence[str]) -> Requests:
    columns = [
        Column(
            values=[text_of(value) for value in i.row["column"]],
            table=[[text_of(cell) for cell in row] for row in i.row.get("table") or ()],
        )
        for i in instances
    ]
    yield AnnotateColumnsRequest(columns=columns, types=list(types)), instances


def _texts(instances: Instances) -> Requests:
    """A request a text, so that the questions about one text stand together."""
    texts: dict[str, list[Instance]] = {}
    for instance in instances:
        text = " ".join(filter(None, (instance.row["title"], instance.row.get("description"))))
        texts.setdefault(text, []).append(instance)
    for text, instances in texts.items():
        attributes = [WantedAttribute(name=instance.row["attribute"]) for instance in instances]
        yield ExtractValuesRequest(texts=[text], attributes=attributes), instances


_REQUESTS: dict[str, Callable[[Instances], Requests]] = {
    "match_entities": _pairs,
    "match_schemas": _attributes,
    "detect_errors": _cells,
    "impute": _gaps,
    "extract_values": _texts,
}
