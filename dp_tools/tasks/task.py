"""What a task is: a request, the cases it makes, and how their outcomes read as an answer.

A new task is a new file with one subclass of `Task`, listed in `dp_tools.tasks.TASKS`; the Python method, the MCP tool,
the LangChain tool, the command and the reference follow from it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from typing_extensions import TypeVar

from dp_tools.errors import InvalidRequest
from dp_tools.profiling import Fact, Facts, overlap_score
from dp_tools.profiling.identity import Judgement
from dp_tools.prompts.ask import Ask
from dp_tools.prompts.prompt import Block, Prompt
from dp_tools.prompts.serializer import quote, serialize
from dp_tools.records import Record, clean_name
from dp_tools.rules.coverage import TableVerdict
from dp_tools.rules.injection import Overridden
from dp_tools.tabular import Tabular

VALUE_LIMIT = 1_000_000
"""Characters of one value that a request may carry; what the model reads of it is far less (see the serializer)."""


def as_text(value: Any) -> Any:
    """A number or a boolean as JSON writes it; anything else as it is.

    Once JSON is parsed, a fraction is its shortest text: 1.50 was "1.5" before it came here.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    return value


Value = Annotated[str, Field(max_length=VALUE_LIMIT), BeforeValidator(as_text), WithJsonSchema({"type": "string"})]
"""A value as text."""
RecordField = Annotated[dict[str, Value | None], WithJsonSchema({"type": "object"})]
"""A record: its attributes, null where a value is missing."""
DecidedBy = Literal["model", "learned", "check", "example", "table", "pattern", "unanswered", "pending"]
WITHOUT_MODEL: tuple[DecidedBy, ...] = ("check", "example", "table")
"""Deciders that do not need the model."""
BY_MODEL: tuple[DecidedBy, ...] = ("model", "learned")
"""The model, and what learned from its answers."""


class Request(BaseModel):
    """What every task takes besides its items."""

    model_config = ConfigDict(extra="forbid")

    dataset: Annotated[str | None, Field(description="Whose rules apply.")] = None
    rules: Annotated[list[str], Field(description="More rules.")] = []


class UsedRule(BaseModel):
    """A rule that was in force for at least one item."""

    id: Annotated[str, Field(description="The rule's name.")]
    version: Annotated[int, Field(description="The version that was used.")]
    statement: Annotated[str, Field(description="The sentence.")]


class OverriddenRule(UsedRule):
    """A rule that holds here and was not used."""

    reason: Annotated[str, Field(description="Why it was not used.")]


class Item(BaseModel):
    """What every item of an answer carries: who decided it, how sure that is, and what went wrong if something did."""

    decided_by: Annotated[
        DecidedBy,
        Field(
            description="Who decided: the model, what learned from its answers, a rule's check, a labelled example, "
            "the table's data constraints, a value pattern, or none of them: unanswered, or pending in a job."
        ),
    ] = "model"
    confidence: Annotated[
        float | None, Field(description="Probability that the answer is right, 0 to 1; null if there is no answer.")
    ] = None
    rules: Annotated[list[str], Field(description="The rules used for this item, as id@version.")] = []
    reason: Annotated[str | None, Field(description="Why, unless the model decided.")] = None
    truncated: Annotated[list[str], Field(description="Attributes whose value was truncated for the model.")] = []
    failure: Annotated[str | None, Field(description="Why there is no answer, if there is none.")] = None


ItemT = TypeVar("ItemT", bound=Item, default=Any)


class Answer(BaseModel, Tabular[ItemT]):
    """What every answer carries besides its items, which are its rows (see `Tabular`)."""

    items: ClassVar[str]
    """The field that holds the items."""

    model: Annotated[str, Field(description="The model that answered.")] = ""
    rules: Annotated[list[UsedRule], Field(description="Every rule used for any item.")] = []
    overridden: Annotated[
        list[OverriddenRule], Field(description="Rules that apply here but were not used, and why.")
    ] = []

    __repr__ = __str__ = Tabular.__repr__

    def __iter__(self) -> Iterator[ItemT]:  # type: ignore[override]  # pydantic's own goes over fields
        return iter(self._rows())

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dictionary per item, with lists and pairs as they are; the frames show them as text."""
        return [{name: getattr(item, name) for name in item_fields(type(item))} for item in self._rows()]

    def _rows(self) -> Sequence[ItemT]:
        found: Sequence[ItemT] = getattr(self, self.items)
        return found

    def _columns(self, most: int | None = None) -> dict[str, tuple[type, Sequence[Any]]]:
        (kind,) = get_args(type(self).model_fields[self.items].annotation)
        return flat_columns(kind, self._rows()[:most])

    def _headline(self) -> str:
        rows = self._rows()
        parts = [f"{len(rows):,} {self.items}", *self._counts()]
        if unanswered := sum(item.confidence is None for item in rows):
            parts.append(f"{unanswered:,} without an answer")
        return ", ".join(parts) + (f" (model {self.model})" if self.model else "")

    def _counts(self) -> list[str]:
        """What more there is to say of the items in one line."""
        return []


def item_fields(kind: type[Item]) -> dict[str, Any]:
    """The fields of an item by name with their types: its own first, then those of every item."""
    fields = {name: field.annotation for name, field in kind.model_fields.items()}
    return {name: fields[name] for name in sorted(fields, key=lambda name: name in Item.model_fields)}


def flat_columns(kind: type[Item], items: Sequence[Item]) -> dict[str, tuple[type, Sequence[Any]]]:
    """Items as columns of plain values, each with the type of its values; a span becomes a start and an end."""
    columns: dict[str, tuple[type, Sequence[Any]]] = {}
    for name, annotation in item_fields(kind).items():
        values = [getattr(item, name) for item in items]
        kinds = get_args(annotation) or (annotation,)
        if tuple[int, int] in kinds:
            for place, end in enumerate(("start", "end")):
                columns[f"{name}_{end}"] = int, [None if value is None else value[place] for value in values]
        elif plain := next((found for found in (bool, int, float) if found in kinds), None):
            columns[name] = plain, values
        else:
            columns[name] = str, [_as_cell(value) for value in values]
    return columns


def _as_cell(value: Any) -> str | None:
    """A value as the text of one cell: a list as its parts, an alternative with its probability."""
    if not isinstance(value, list):
        return None if value is None else str(value)
    parts = (f"{part[0]} ({part[1]:.2f})" if isinstance(part, tuple) else str(part) for part in value)
    return "; ".join(parts) or None


@dataclass(frozen=True, slots=True)
class Case:
    """One question before rules are injected.

    Args:
        subject: the case as checks and examples see it (see `dp_tools.rules.injection.Subject`).
        prompt: the prompt without rules.
        ask: how the answer is wanted.
        attribute: the attribute whose rules apply, as the user wrote it.
        truncated: attributes whose values were cut.
        table: verdicts of the table's data constraints on this case, most certain first.
        evidence_score: log-odds for "yes" from counted evidence; calibration combines it with the model's logit.
        facts: what counting says of this case; the prompt's evidence is these facts as the model reads them.
        identity: of a pair of people, companies or addresses, what counted evidence says of their being one.
    """

    subject: dict[str, Any]
    prompt: Prompt
    ask: Ask
    attribute: str | None = None
    truncated: tuple[str, ...] = ()
    table: tuple[TableVerdict, ...] = ()
    evidence_score: float = 0.0
    facts: tuple[Fact, ...] = ()
    identity: Judgement | None = None

    @property
    def overlap_score(self) -> float:
        """How far the words of a pair speak for yes, -0.5 to 0.5, by its facts: calibration knows their weight, too."""
        return overlap_score(self.facts)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one case ended.

    Args:
        decided_by: who decided.
        label: "yes" or "no", the choice, or the value; None where there is no value or no answer.
        confidence: calibrated probability of the label, or None without an answer.
        ranking: other labels with their probability, most probable first.
        rules: id@version of the rules used.
        reason, failure: as in `Item`.
        overridden: rules that would have decided this case otherwise and bind less.
        threshold: the probability of yes from which the verdict is yes.
    """

    decided_by: DecidedBy
    label: str | None = None
    confidence: float | None = None
    ranking: tuple[tuple[str, float], ...] = ()
    rules: tuple[str, ...] = ()
    reason: str | None = None
    failure: str | None = None
    truncated: tuple[str, ...] = ()
    overridden: tuple[Overridden, ...] = ()
    threshold: float = 0.5

    @property
    def item(self) -> dict[str, Any]:
        """The fields of `Item`."""
        return {
            "decided_by": self.decided_by,
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "rules": list(self.rules),
            "reason": self.reason,
            "truncated": list(self.truncated),
            "failure": self.failure,
        }

    @property
    def verdict(self) -> bool | None:
        """True for yes, False for no, None without an answer."""
        return None if self.label is None else self.label == "yes"

    @property
    def probability_of_yes(self) -> float | None:
        """Probability of yes, whichever the verdict."""
        return probability_of_yes(self.verdict, self.confidence)


def probability_of_yes(verdict: bool | None, confidence: float | None) -> float | None:
    """Probability of yes from a verdict and the probability that it is right; None without an answer."""
    if verdict is None or confidence is None:
        return None
    return confidence if verdict else 1 - confidence


R = TypeVar("R", bound=Request)
A = TypeVar("A", bound=Answer)


class Task(ABC, Generic[R, A]):
    """One of the things the product can do with data."""

    name: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    """Three or four sentences for the agent that chooses a tool."""
    request: type[R]
    answer: type[A]

    @abstractmethod
    def cases(self, request: R, facts: Facts | None = None) -> list[Case]:
        """The questions of a request, in the order in which `read` expects their outcomes.

        Args:
            request: what was asked.
            facts: facts of whole columns, where the caller has the table; otherwise those of the request (see `facts`).

        Raises:
            InvalidRequest: the request cannot be answered as it is.
        """

    def facts(self, request: R) -> Facts | None:  # noqa: ARG002
        """The facts that reach over all that the request carries; None for a task without any."""
        return None

    @abstractmethod
    def read(self, request: R, outcomes: Sequence[Outcome]) -> A:
        """The answer, without the fields that `Answer` shares (the preprocessor fills those in)."""


def record_block(role: str, record: Record) -> tuple[Block, tuple[str, ...]]:
    """A record as a block of a prompt, and the attributes that had to be cut."""
    serialized = serialize(record)
    fields = tuple((clean_name(name), quote(value)) for name, value in record.items())
    return Block(role, serialized.text, fields), serialized.truncated


def require(items: Sequence[object], what: str) -> None:
    """Refuse an empty batch."""
    if not items:
        raise InvalidRequest(f"There are no {what}: give at least one.")


def require_same_attributes(records: Sequence[RecordField]) -> list[str]:
    """The attributes that all records share, in the first one's order.

    Raises:
        InvalidRequest: no records, a record without attributes, or records with different attributes.
    """
    require(records, "records")
    names = list(records[0])
    if not names:
        raise InvalidRequest("Record 1 has no attributes: give each record as {attribute: value}.")
    for number, record in enumerate(records[1:], start=2):
        if record.keys() != records[0].keys():
            odd = sorted(record.keys() ^ records[0].keys())[0]
            raise InvalidRequest(
                f"Record {number} and record 1 differ in the attribute {odd!r}: give all records of a batch the same "
                "attributes, with null where a value is missing."
            )
    return names


def require_known(attributes: Iterable[str], names: Sequence[str]) -> None:
    """Refuse attributes that the records do not have."""
    for attribute in attributes:
        if attribute not in names:
            raise InvalidRequest(f"The records have no attribute {attribute!r}: choose from {', '.join(names)}.")


def require_distinct(options: Sequence[str], what: str) -> None:
    """Refuse fewer than two options, blank ones and repeated ones."""
    if len(options) < 2 or len(set(options)) < len(options) or not all(option.strip() for option in options):
        raise InvalidRequest(f"Give at least two different {what}, none of them blank.")
