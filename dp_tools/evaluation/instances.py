"""Labelled instances on disk, and the requests they make: what tuning learns from and the benchmark measures with.

The layout is `<TASK>/<dataset>/<split>.jsonl` or `.jsonl.gz`, an object a line, missing values null. TASK is EM, SM,
ED, DI, CTA, AVE or EXTRA; a dataset may have any of the splits train, valid and test.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.profiling import Facts, PairFacts, RecordFacts, SchemaFacts
from dp_tools.tasks import TASKS
from dp_tools.tasks.annotate_columns import AnnotateColumnsRequest, Column
from dp_tools.tasks.batch_facts import BatchFacts
from dp_tools.tasks.detect_errors import DetectErrorsRequest
from dp_tools.tasks.extract_values import ExtractValuesRequest, WantedAttribute
from dp_tools.tasks.impute import ImputeRequest
from dp_tools.tasks.match_entities import MatchEntitiesRequest, RecordPair
from dp_tools.tasks.match_schemas import Attribute, MatchSchemasRequest
from dp_tools.tasks.request_errors import explain
from dp_tools.tasks.task import Case, RecordField, Request

TASK_OF = {
    "EM": "match_entities",
    "SM": "match_schemas",
    "ED": "detect_errors",
    "DI": "impute",
    "CTA": "annotate_columns",
    "AVE": "extract_values",
    "EXTRA": "match_entities",
}
"""The product's task for each task folder."""

_FOLDER_OF = {task: folder for folder, task in TASK_OF.items() if folder != "EXTRA"}

_SIDES = ("left", "right")
SPLITS = ("train", "valid", "test")
_GOLD_IDS = {"fodors-zagats": ("class",)}
"""Attributes that give the answer away (the gold cluster id), by a part of the dataset's name; never shown."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One labelled case.

    Args:
        row: the line of the file as it stands.
        label: "yes" or "no" for verdicts, the type or the value otherwise; None where the right answer is no value.
        accepted: every value that counts as right, `label` included.
    """

    row: Mapping[str, Any]
    label: str | None
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """A request with the instances behind it: the request's case number i is `instances[i]`."""

    request: Request
    instances: tuple[Instance, ...]


@dataclass(frozen=True, slots=True)
class AskedSplit:
    """The questions of a split.

    Args:
        cases: the questions.
        instances: the instance behind each.
        request: one of the requests they come from, which says what rules apply; None where there are no instances.
    """

    cases: list[Case]
    instances: list[Instance]
    request: Request | None


@dataclass(frozen=True)
class Split:
    """The instances of one split of one dataset.

    Args:
        folder: the task's folder, such as "EM".
        dataset: the dataset's name, such as "Beer".
        name: train, valid or test.
        instances: the instances, in the order of the file.
        types: for column types, every type of the dataset, over all splits.
        table: records that show what is usual in a column: for error detection the distinct records of the whole
            split, for imputation those of the train split with their values (of any other split), for entity
            and schema matching both sides of all pairs of the split.
    """

    folder: str
    dataset: str
    name: str
    instances: tuple[Instance, ...]
    types: tuple[str, ...] = ()
    table: tuple[RecordField, ...] = field(default=(), repr=False)

    @property
    def task(self) -> str:
        """The product's task."""
        return TASK_OF[self.folder]

    @cached_property
    def facts(self) -> Facts | None:
        """What the whole table tells, where the task has one. Pass it to `Task.cases`."""
        if self.task == "match_entities":
            return PairFacts(self.table)
        if self.task == "match_schemas":
            return SchemaFacts(self.table)
        if not self.table:
            return None
        return BatchFacts(self.table) if self.task == "detect_errors" else RecordFacts(self.table)

    def sample(self, limit: int | None, seed: int = 42) -> Split:
        """At most `limit` instances, the same ones every time, at the natural rate of labels, in the file's order.

        Where the rate asks for less than one positive case there is one nevertheless, or nothing could be measured.
        The table and the types stay those of the whole split.
        """
        if limit is None or limit >= len(self.instances):
            return self
        positive, negative = self._by_label()
        wanted = min(max(round(limit * len(positive) / len(self.instances)), 1), limit, len(positive))
        wanted = max(wanted, limit - len(negative))
        chooser = random.Random(seed)
        chosen = {*chooser.sample(positive, wanted), *chooser.sample(negative, limit - wanted)}
        return replace(self, instances=tuple(self.instances[number] for number in sorted(chosen)))

    def alone(self) -> Split:
        """The same instances without the table they are from: every record is judged alone."""
        return replace(self, table=())

    def without(self, attributes: Collection[str]) -> Split:
        """The same split without the instances about these attributes; the table stays whole."""
        kept = tuple(instance for instance in self.instances if instance.row.get("attribute") not in attributes)
        return replace(self, instances=kept)

    @property
    def rate(self) -> float:
        """The share of instances whose answer is yes or a value, 0 to 1."""
        return len(self._by_label()[0]) / max(len(self.instances), 1)

    def enriched(self, limit: int) -> tuple[Split, float, float]:
        """At most `limit` instances, up to half of them positive: how rare verdicts are looked at in small samples.

        Returns:
            The sample, and how many instances of the split each positive and each negative one in it stands for.
        """
        positive, negative = self._by_label()
        chooser = random.Random(42)
        yes = chooser.sample(positive, min(len(positive), max(limit // 2, limit - len(negative))))
        no = chooser.sample(negative, min(len(negative), limit - len(yes)))
        chosen = replace(self, instances=tuple(self.instances[number] for number in sorted([*yes, *no])))
        return chosen, len(positive) / max(len(yes), 1), len(negative) / max(len(no), 1)

    def _by_label(self) -> tuple[list[int], list[int]]:
        """The numbers of the instances whose answer is yes or a value, and of the others."""
        numbers: tuple[list[int], list[int]] = [], []
        for number, instance in enumerate(self.instances):
            numbers[instance.label in ("no", None)].append(number)
        return numbers

    def batches(self, *, dataset: str | None = None, rules: Sequence[str] = ()) -> list[Batch]:
        """The requests that ask about every instance once.

        Args:
            dataset: the dataset whose rules apply; None for general rules only.
            rules: rules for these requests only.

        Raises:
            InvalidRequest: an instance cannot be asked about.
        """
        try:
            return [
                Batch(request.model_copy(update={"dataset": dataset, "rules": list(rules)}), tuple(instances))
                for request, instances in _REQUESTS[self.task](self)
            ]
        except ValidationError as error:
            raise InvalidRequest(explain(error, ())) from error

    def asked(self, *, dataset: str | None = None) -> AskedSplit:
        """The questions about every instance, with the facts of the whole table.

        Args and errors: see `batches`.
        """
        batches = self.batches(dataset=dataset)
        return AskedSplit(
            [case for batch in batches for case in TASKS[self.task].cases(batch.request, self.facts)],
            [instance for batch in batches for instance in batch.instances],
            batches[0].request if batches else None,
        )


def covers(names: Collection[str], folder: str, dataset: str) -> bool:
    """Whether the names, each "TASK/dataset" or "TASK", cover a dataset."""
    return folder in names or f"{folder}/{dataset}" in names


def folder_of(task: str) -> str:
    """The folder that a task's labelled cases stand in.

    Raises:
        InvalidRequest: the task has no labelled form.
    """
    if task not in _FOLDER_OF:
        raise InvalidRequest(f"{task} cannot be measured on labelled cases; choose one of {', '.join(_FOLDER_OF)}.")
    return _FOLDER_OF[task]


def split_of(folder: str, dataset: str, name: str, instances: Sequence[Instance]) -> Split:
    """Instances as a split of their own, with the types and the table that they make among themselves."""
    types = tuple(sorted({i.label for i in instances if i.label is not None})) if folder == "CTA" else ()
    return Split(folder, dataset, name, tuple(instances), types, _table(folder, instances))


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset's folder.

    Args:
        folder: the task's folder, such as "EM".
        name: the dataset's name.
        files: the file of each split that is there.
    """

    folder: str
    name: str
    files: Mapping[str, Path]

    def among(self, names: Collection[str]) -> bool:
        """Whether the names, each "TASK/dataset" or "TASK", cover it."""
        return covers(names, self.folder, self.name)

    def split(self, name: str) -> Split:
        """Read one split.

        Raises:
            TableUnavailable: the split is not there, or a line of it is not an instance of the task.
        """
        if name not in self.files:
            raise TableUnavailable(
                f"{self.folder}/{self.name} has no split {name!r}: it has {', '.join(self.files) or 'none'}."
            )
        instances = tuple(self._instances(name))
        types: tuple[str, ...] = ()
        if self.folder == "CTA":
            others = (self._instances(split) for split in self.files if split != name)
            types = tuple(sorted({i.label for group in (instances, *others) for i in group if i.label is not None}))
        if self.folder == "DI" and name != "train" and "train" in self.files:
            table = tuple(completed(instance.row) for instance in self._instances("train"))
        else:
            table = _table(self.folder, instances)
        return Split(self.folder, self.name, name, instances, types, table)

    def _instances(self, split: str) -> Iterable[Instance]:
        path = self.files[split]
        for number, line in enumerate(_lines(path), start=1):
            try:
                row = json.loads(line)
                yield instance_of(self.folder, self.name, row)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise TableUnavailable(
                    f"Line {number} of {path} is not an instance of {self.folder} ({error!r}): mend or remove it."
                ) from error


def read_datasets(data: Path, only: Sequence[str] = ()) -> list[Dataset]:
    """The datasets in a folder, by task and name.

    Args:
        data: the folder.
        only: read only these, each "TASK/dataset" or "TASK".

    Raises:
        TableUnavailable: there is no such folder, nothing in it has the layout, or a name of `only` is not there.
    """
    if not data.is_dir():
        raise TableUnavailable(f"There is no folder {data}: name one laid out as TASK/dataset/test.jsonl.gz.")
    found = [
        dataset
        for folder in TASK_OF
        for path in sorted((data / folder).glob("*/"))
        if (dataset := Dataset(folder, path.name, _files(path))).files
    ]
    if not found:
        raise TableUnavailable(
            f"There are no labelled instances in {data}: it should hold TASK/dataset/test.jsonl.gz, "
            f"TASK being one of {', '.join(TASK_OF)}."
        )
    for name in only:
        if not any(dataset.among([name]) for dataset in found):
            raise TableUnavailable(f"There is no {name} in {data}: name a TASK/dataset that is there, or a TASK.")
    return [dataset for dataset in found if not only or dataset.among(only)]


def _files(folder: Path) -> dict[str, Path]:
    paths = {split: [folder / f"{split}.jsonl", folder / f"{split}.jsonl.gz"] for split in SPLITS}
    return {split: path for split, choices in paths.items() for path in choices if path.is_file()}


def _lines(path: Path) -> Iterable[str]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            yield from (line for line in file if line.strip())
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise TableUnavailable(f"{path} cannot be read ({error}): it should be JSON Lines in UTF-8.") from error


def instance_of(folder: str, dataset: str, row: dict[str, Any]) -> Instance:
    if folder in ("EM", "SM", "ED", "EXTRA"):
        label: str | None = _verdict(row["label"])
    elif folder == "CTA":
        label = _text(row.get("label_text")) or _text(row["label"])
    else:
        label = _text(row["label"])
    if folder in ("EM", "EXTRA"):
        hidden = {name for part, names in _GOLD_IDS.items() if part in dataset.lower() for name in names}
        sides = {side: _without(_record(row[side]), hidden) for side in _SIDES}
        return Instance({**row, **sides}, label)
    if folder in ("ED", "DI"):
        return Instance({**row, "record": _record(row["record"]), "attribute": str(row["attribute"])}, label)
    accepted = (
        () if label is None else tuple(dict.fromkeys((label, *(_text(v) or "" for v in row.get("values") or ()))))
    )
    return Instance(row, label, accepted)


def _verdict(label: object) -> str:
    if label in (1, "1", True, "yes", "Yes"):
        return "yes"
    if label in (0, "0", False, "no", "No"):
        return "no"
    raise ValueError(f"the label {label!r} is neither 0 nor 1")


def _text(value: object) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _record(value: object) -> RecordField:
    """A record as the tasks take it; a bare string is a record with the one attribute "value"."""
    if isinstance(value, Mapping):
        return {str(name): _text(cell) for name, cell in value.items()}
    return {"value": _text(value)}


def _without(record: RecordField, hidden: set[str]) -> RecordField:
    return {name: value for name, value in record.items() if name not in hidden}


def _identity(row: Mapping[str, Any]) -> str:
    """What tells one record of a table from another: its row id, or else all it says."""
    if row.get("row_id") is not None:
        return f"row {row['row_id']}"
    return json.dumps(row["record"], sort_keys=True)


def completed(row: Mapping[str, Any]) -> RecordField:
    """An imputation row's record with its value in place."""
    return {**row["record"], row["attribute"]: _text(row["label"])}


def _table(folder: str, instances: Iterable[Instance]) -> tuple[RecordField, ...]:
    """The records that the instances themselves show, where the task asks what is usual among them."""
    if TASK_OF[folder] == "match_entities":
        return tuple(instance.row[side] for instance in instances for side in _SIDES)
    if folder == "SM":
        return tuple(_attribute(instance.row[side]).as_record() for instance in instances for side in _SIDES)
    return distinct_records(instances) if folder == "ED" else ()


def distinct_records(instances: Iterable[Instance]) -> tuple[RecordField, ...]:
    return tuple({_identity(instance.row): instance.row["record"] for instance in instances}.values())


Requests = Iterable[tuple[Request, Sequence[Instance]]]


def _pairs(split: Split) -> Requests:
    pairs = [RecordPair(left=i.row["left"], right=i.row["right"]) for i in split.instances]
    yield MatchEntitiesRequest(pairs=pairs), split.instances


def _attributes(split: Split) -> Requests:
    lefts: dict[str, Attribute] = {}
    rights: dict[str, Attribute] = {}
    pairs = []
    for instance in split.instances:
        place = []
        for side, known in (("left", lefts), ("right", rights)):
            attribute = _attribute(instance.row[side])
            key = attribute.model_dump_json()
            known.setdefault(key, attribute)
            place.append(list(known).index(key))
        pairs.append((place[0], place[1]))
    yield (
        MatchSchemasRequest(left=list(lefts.values()), right=list(rights.values()), pairs=pairs),
        split.instances,
    )


def _attribute(side: Any) -> Attribute:
    if not isinstance(side, Mapping):
        return Attribute(name=str(side))
    return Attribute(
        name=str(side["name"]),
        description=_text(side.get("description")),
        table=_text(side.get("table_description")),
    )


def _cells(split: Split) -> Requests:
    """A request a record, so that the questions about one record stand together."""
    records: dict[str, list[Instance]] = {}
    for instance in split.instances:
        records.setdefault(_identity(instance.row), []).append(instance)
    for instances in records.values():
        attributes = [instance.row["attribute"] for instance in instances]
        yield (
            DetectErrorsRequest(records=[instances[0].row["record"]], attributes=attributes, show_record=True),
            instances,
        )


def _gaps(split: Split) -> Requests:
    """A request per attribute and set of attributes around it."""
    groups: dict[tuple[str, ...], list[Instance]] = {}
    for instance in split.instances:
        groups.setdefault((instance.row["attribute"], *instance.row["record"]), []).append(instance)
    for (attribute, *_), instances in groups.items():
        yield ImputeRequest(records=[i.row["record"] for i in instances], attribute=attribute), instances


def _columns(split: Split) -> Requests:
    columns = [
        Column(
            values=[_text(value) for value in i.row["column"]],
            table=[[_text(cell) for cell in row] for row in i.row.get("table") or ()],
        )
        for i in split.instances
    ]
    yield AnnotateColumnsRequest(columns=columns, types=list(split.types)), split.instances


def _texts(split: Split) -> Requests:
    """A request a text, so that the questions about one text stand together."""
    texts: dict[str, list[Instance]] = {}
    for instance in split.instances:
        text = " ".join(filter(None, (instance.row["title"], instance.row.get("description"))))
        texts.setdefault(text, []).append(instance)
    for text, instances in texts.items():
        attributes = [WantedAttribute(name=instance.row["attribute"]) for instance in instances]
        yield ExtractValuesRequest(texts=[text], attributes=attributes), instances


_REQUESTS: dict[str, Callable[[Split], Requests]] = {
    "match_entities": _pairs,
    "match_schemas": _attributes,
    "detect_errors": _cells,
    "impute": _gaps,
    "annotate_columns": _columns,
    "extract_values": _texts,
}
