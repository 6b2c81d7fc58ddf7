"""The instances of one split of a dataset, and the questions that they make."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from pydantic import ValidationError

from dp_tools.errors import InvalidRequest
from dp_tools.evaluation.instance_requests import attribute_of, requests_about
from dp_tools.evaluation.instances import SIDES, TASK_OF, Instance, identity
from dp_tools.profiling import Facts, PairFacts, RecordFacts, SchemaFacts
from dp_tools.tasks import TASKS
from dp_tools.tasks.batch_facts import BatchFacts
from dp_tools.tasks.request_errors import explain
from dp_tools.tasks.task import Case, RecordField, Request


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
                for request, instances in requests_about(self.task, self.instances, self.types)
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


def split_of(folder: str, dataset: str, name: str, instances: Sequence[Instance]) -> Split:
    """Instances as a split of their own, with the types and the table that they make among themselves."""
    types = tuple(sorted({i.label for i in instances if i.label is not None})) if folder == "CTA" else ()
    return Split(folder, dataset, name, tuple(instances), types, table_of(folder, instances))


def table_of(folder: str, instances: Iterable[Instance]) -> tuple[RecordField, ...]:
    """The records that the instances themselves show, where the task asks what is usual among them."""
    if TASK_OF[folder] == "match_entities":
        return tuple(instance.row[side] for instance in instances for side in SIDES)
    if folder == "SM":
        return tuple(attribute_of(instance.row[side]).as_record() for instance in instances for side in SIDES)
    return _distinct_records(instances) if folder == "ED" else ()


def _distinct_records(instances: Iterable[Instance]) -> tuple[RecordField, ...]:
    return tuple({identity(instance.row): instance.row["record"] for instance in instances}.values())
