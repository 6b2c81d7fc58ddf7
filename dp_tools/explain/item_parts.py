"""The parts of one item, which can be removed, replaced or reordered: the basis of every perturbation.

A part that is taken away is gone, as if the table did not have it, and not null: a missing value is itself information
(an error, a reason not to match), and a record of many nulls is unlike anything a model has read. The one exception is
the cell that error detection judges; it cannot be gone, so it becomes null. Evidence is computed again from what is
left, so nothing that was taken away is still told by a fact.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from dp_tools.errors import InvalidRequest
from dp_tools.records import is_missing
from dp_tools.tasks.annotate_columns import AnnotateColumnsRequest, Column
from dp_tools.tasks.detect_errors import DetectErrorsRequest
from dp_tools.tasks.extract_values import ExtractValuesRequest
from dp_tools.tasks.follow_instruction import FollowInstructionRequest
from dp_tools.tasks.impute import ImputeRequest
from dp_tools.tasks.match_entities import MatchEntitiesRequest, RecordPair
from dp_tools.tasks.match_schemas import Attribute, MatchSchemasRequest
from dp_tools.tasks.task import RecordField, Request

REORDERED, SPACED, SWAPPED = "attributes in another order", "another spacing", "sides swapped"
"""What harmless rewrites do."""
STRETCHES = 8
"""Into so many stretches a text is divided at most."""

R = TypeVar("R", bound=Request)
_SPACE = re.compile(r"(?<=\S) (?=\S)")


class ItemParts(ABC, Generic[R]):
    """A request with one item, and its parts.

    Args:
        request: a request that makes exactly one case (see `single`).
    """

    own: str | None = None
    """The part that the question is about, where it is one."""

    def __init__(self, request: R) -> None:
        self.request = request

    @property
    @abstractmethod
    def parts(self) -> list[str]:
        """The names of the parts that say something, in the order in which the model reads them."""

    @abstractmethod
    def without(self, parts: Collection[str]) -> R:
        """The request without these parts."""

    def only(self, parts: Collection[str]) -> R:
        """The request with these parts and no others."""
        return self.without([part for part in self.parts if part not in parts])

    @property
    @abstractmethod
    def rewritten(self) -> tuple[str, R]:
        """A harmless rewrite that is cheap to ask, and what was done; it should not change an answer."""

    @property
    def parts_rewritten(self) -> dict[str, R]:
        """What `rewritten` did, one by one where it did several things."""
        return {}

    @property
    def swapped(self) -> R | None:
        """The request with its sides swapped, where that is a further harmless rewrite."""
        return None

    @property
    @abstractmethod
    def orders(self) -> list[R]:
        """The orders that an averaged answer is the mean of; the same set for every order of the request itself."""

    def copies(self) -> dict[str, R]:
        """By part in which two sides differ, the request in which the second side has the first one's value."""
        return {}

    def characters(self, part: str) -> int:
        """Characters that taking a part away removes."""
        return len(part)


class RecordParts(ItemParts[R]):
    """A task with one record."""

    def __init__(self, request: R, record: RecordField, own: str | None = None) -> None:
        super().__init__(request)
        self.record = record
        self.own = own

    def with_record(self, record: RecordField) -> R:
        """The request about another record."""
        return self.request.model_copy(update={"records": [record]})

    @property
    def parts(self) -> list[str]:
        return [name for name, value in self.record.items() if not is_missing(value)]

    def without(self, parts: Collection[str]) -> R:
        left = {
            name: None if name in parts else value
            for name, value in self.record.items()
            if name not in parts or name == self.own
        }
        # A record needs an attribute; where nothing is left, one stays as a gap.
        return self.with_record(left or dict.fromkeys(list(self.record)[:1]))

    @property
    def rewritten(self) -> tuple[str, R]:
        return f"{REORDERED}, {SPACED}", self.with_record(dict(reversed(self._spaced.items())))

    @property
    def parts_rewritten(self) -> dict[str, R]:
        return {
            REORDERED: self.with_record(dict(reversed(self.record.items()))),
            SPACED: self.with_record(self._spaced),
        }

    @property
    def _spaced(self) -> RecordField:
        return {name: value if name == self.own else _spaced(value) for name, value in self.record.items()}

    @property
    def orders(self) -> list[R]:
        return [self.with_record(record) for record in _orders(self.record)]

    def characters(self, part: str) -> int:
        return len(self.record[part] or "")


class GapParts(RecordParts[ImputeRequest]):
    """A record with a gap; what stands in the gap is not looked at."""

    @property
    def parts(self) -> list[str]:
        return [name for name in super().parts if name != self.request.attribute]


class PairParts(ItemParts[MatchEntitiesRequest]):
    """A candidate pair. A part is an attribute, on both sides."""

    def __init__(self, request: MatchEntitiesRequest) -> None:
        super().__init__(request)
        self.left, self.right = request.pairs[0].left, request.pairs[0].right

    def with_sides(self, left: RecordField, right: RecordField) -> MatchEntitiesRequest:
        """The request about another pair."""
        return self.request.model_copy(update={"pairs": [RecordPair.model_construct(left=left, right=right)]})

    @property
    def parts(self) -> list[str]:
        names = dict.fromkeys((*self.left, *self.right))
        return [name for name in names if not (is_missing(self.left.get(name)) and is_missing(self.right.get(name)))]

    def without(self, parts: Collection[str]) -> MatchEntitiesRequest:
        sides = ({n: v for n, v in side.items() if n not in parts} for side in (self.left, self.right))
        left, right = (
            side or dict.fromkeys(list(whole)[:1]) for side, whole in zip(sides, (self.left, self.right), strict=True)
        )
        return self.with_sides(left, right)

    @property
    def rewritten(self) -> tuple[str, MatchEntitiesRequest]:
        right = {name: _spaced(value) for name, value in reversed(self.right.items())}
        return f"{REORDERED}, {SPACED}", self.with_sides(self.left, right)

    @property
    def parts_rewritten(self) -> dict[str, MatchEntitiesRequest]:
        return {
            REORDERED: self.with_sides(self.left, dict(reversed(self.right.items()))),
            SPACED: self.with_sides(self.left, {n: _spaced(value) for n, value in self.right.items()}),
        }

    @property
    def swapped(self) -> MatchEntitiesRequest:
        return self.with_sides(self.right, self.left)

    @property
    def orders(self) -> list[MatchEntitiesRequest]:
        sides = list(zip(_orders(self.left), _orders(self.right), strict=True))
        return [self.with_sides(*pair) for left, right in sides for pair in ((left, right), (right, left))]

    def copies(self) -> dict[str, MatchEntitiesRequest]:
        return {
            name: self.with_sides(self.left, {**self.right, name: value})
            for name, value in self.left.items()
            if name in self.right and not is_missing(value) and not _same(value, self.right[name])
        }

    def characters(self, part: str) -> int:
        return len(self.left.get(part) or "") + len(self.right.get(part) or "")


class AttributePairParts(ItemParts[MatchSchemasRequest]):
    """A pair of attributes of two tables. A part is what is known of them: name, description, table, samples."""

    _EMPTY: ClassVar[dict[str, Any]] = {"name": "", "description": None, "table": None, "samples": []}

    @property
    def parts(self) -> list[str]:
        return [part for part in self._EMPTY if any(getattr(side, part) for side in self._sides)]

    @property
    def _sides(self) -> tuple[Attribute, Attribute]:
        return self.request.left[0], self.request.right[0]

    def without(self, parts: Collection[str]) -> MatchSchemasRequest:
        gone = {part: self._EMPTY[part] for part in parts}
        left, right = (side.model_copy(update=gone) for side in self._sides)
        return self.request.model_copy(update={"left": [left], "right": [right]})

    @property
    def rewritten(self) -> tuple[str, MatchSchemasRequest]:
        return SWAPPED, self._swapped

    @property
    def orders(self) -> list[MatchSchemasRequest]:
        return [self.request, self._swapped]

    def copies(self) -> dict[str, MatchSchemasRequest]:
        left, right = self._sides
        return {
            part: self.request.model_copy(update={"right": [right.model_copy(update={part: getattr(left, part)})]})
            for part in self.parts
            if part != "samples" and getattr(left, part) and getattr(left, part) != getattr(right, part)
        }

    def characters(self, part: str) -> int:
        return sum(len(str(getattr(side, part) or "")) for side in self._sides)

    @property
    def _swapped(self) -> MatchSchemasRequest:
        return self.request.model_copy(update={"left": self.request.right, "right": self.request.left})


class ColumnParts(ItemParts[AnnotateColumnsRequest]):
    """A column. Its parts are its header, the table around it, and each of its values."""

    HEADER, TABLE = "the header", "the table around it"

    @property
    def column(self) -> Column:
        """The column."""
        return self.request.columns[0]

    @property
    def parts(self) -> list[str]:
        around = [self.HEADER] * bool(self.column.name) + [self.TABLE] * bool(self.column.table)
        return [*around, *dict.fromkeys(value for value in self.column.values if value and not is_missing(value))]

    def without(self, parts: Collection[str]) -> AnnotateColumnsRequest:
        update: dict[str, object] = {
            "values": [value for value in self.column.values if value not in parts],
            "name": None if self.HEADER in parts else self.column.name,
            "table": [] if self.TABLE in parts else self.column.table,
        }
        return self._with(update)

    @property
    def rewritten(self) -> tuple[str, AnnotateColumnsRequest]:
        values = [_spaced(value) for value in reversed(self.column.values)]
        return f"values in another order, {SPACED}", self._with({"values": values})

    @property
    def parts_rewritten(self) -> dict[str, AnnotateColumnsRequest]:
        return {
            "values in another order": self._with({"values": self.column.values[::-1]}),
            SPACED: self._with({"values": [_spaced(value) for value in self.column.values]}),
        }

    @property
    def orders(self) -> list[AnnotateColumnsRequest]:
        values = sorted(self.column.values, key=lambda value: value or "")
        return [self._with({"values": values}), self._with({"values": values[::-1]})]

    def _with(self, update: dict[str, object]) -> AnnotateColumnsRequest:
        return self.request.model_copy(update={"columns": [self.column.model_copy(update=update)]})


class TextParts(ItemParts[ExtractValuesRequest]):
    """A text. Its parts are stretches of words."""

    def __init__(self, request: ExtractValuesRequest) -> None:
        super().__init__(request)
        words = request.texts[0].split()
        size = -(-len(words) // STRETCHES) or 1
        self._stretches = [" ".join(words[start : start + size]) for start in range(0, len(words), size)]

    @property
    def parts(self) -> list[str]:
        return list(dict.fromkeys(self._stretches))

    def without(self, parts: Collection[str]) -> ExtractValuesRequest:
        return self._with(" ".join(stretch for stretch in self._stretches if stretch not in parts))

    @property
    def rewritten(self) -> tuple[str, ExtractValuesRequest]:
        return SPACED, self._with(_spaced(self.request.texts[0]) or "")

    @property
    def orders(self) -> list[ExtractValuesRequest]:
        return [self.request]

    def _with(self, text: str) -> ExtractValuesRequest:
        return self.request.model_copy(update={"texts": [text]})


def single(request: Request, item: int) -> Request:
    """The request for one item of it.

    Args:
        request: a task's request.
        item: the position of the item in the answer, from 0.

    Raises:
        InvalidRequest: the answer has no such item, or the task is not known here.
    """
    if isinstance(request, DetectErrorsRequest):
        record, name = _pick_pair(request.records, request.attributes or list(*request.records[:1]), item)
        return request.model_copy(update={"records": [record], "attributes": [name], "context": []})
    if isinstance(request, ImputeRequest):
        return request.model_copy(update={"records": [_pick(request.records, item)], "context": []})
    if isinstance(request, FollowInstructionRequest):
        return request.model_copy(update={"records": [_pick(request.records, item)]})
    if isinstance(request, MatchEntitiesRequest):
        return request.model_copy(update={"pairs": [_pick(request.pairs, item)]})
    if isinstance(request, MatchSchemasRequest):
        if request.pairs is None:
            left, right = _pick_pair(request.left, request.right, item)
        else:
            places = _pick(request.pairs, item)
            left, right = _pick(request.left, places[0]), _pick(request.right, places[1])
        return request.model_copy(update={"left": [left], "right": [right], "pairs": None})
    if isinstance(request, AnnotateColumnsRequest):
        return request.model_copy(update={"columns": [_pick(request.columns, item)]})
    assert isinstance(request, ExtractValuesRequest), type(request)
    text, attribute = _pick_pair(request.texts, request.attributes, item)
    return request.model_copy(update={"texts": [text], "attributes": [attribute]})


def parts_of(request: Request) -> ItemParts[Request]:
    """The parts of a request with one item (see `single`)."""
    item_parts: ItemParts[Request]
    if isinstance(request, MatchEntitiesRequest):
        item_parts = PairParts(request)  # type: ignore[assignment]
    elif isinstance(request, MatchSchemasRequest):
        item_parts = AttributePairParts(request)  # type: ignore[assignment]
    elif isinstance(request, AnnotateColumnsRequest):
        item_parts = ColumnParts(request)  # type: ignore[assignment]
    elif isinstance(request, ExtractValuesRequest):
        item_parts = TextParts(request)  # type: ignore[assignment]
    elif isinstance(request, ImputeRequest):
        item_parts = GapParts(request, request.records[0])  # type: ignore[assignment]
    elif isinstance(request, DetectErrorsRequest):
        item_parts = RecordParts(request, request.records[0], request.attributes[0] if request.attributes else None)
    else:
        assert isinstance(request, FollowInstructionRequest), type(request)
        item_parts = RecordParts(request, request.records[0])
    return item_parts


T = TypeVar("T")
U = TypeVar("U")


def _pick(items: Sequence[T], position: int) -> T:
    return items[_checked(position, len(items))]


def _pick_pair(firsts: Sequence[T], seconds: Sequence[U], position: int) -> tuple[T, U]:
    """Of every first with every second, second by second."""
    first, second = divmod(_checked(position, len(firsts) * len(seconds)), len(seconds))
    return firsts[first], seconds[second]


def _checked(position: int, count: int) -> int:
    if not 0 <= position < count:
        raise InvalidRequest(f"The answer has no item {position}: it has {count}, counted from 0.")
    return position


def _orders(record: RecordField) -> list[RecordField]:
    """Two orders that do not depend on the order found: by name, and the other way round."""
    by_name = sorted(record.items())
    return [dict(by_name), dict(reversed(by_name))]


def _spaced(value: str | None) -> str | None:
    """The value with its first inner space doubled."""
    return None if value is None else _SPACE.sub("  ", value, count=1)


def _same(left: str | None, right: str | None) -> bool:
    return " ".join((left or "").casefold().split()) == " ".join((right or "").casefold().split())
