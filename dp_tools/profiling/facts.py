"""Facts as typed values: what counting says about a cell, a column, a pair of records or a pair of attributes.

Code reads the fields of a fact; the model reads what `render` writes. The forms are short and fixed, because the tuned
model has learned to read exactly these: they never change without training it again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from dp_tools.prompts.serializer import quote
from dp_tools.records import clean_name, one_line

SHOWN = 40
"""Characters of another value inside a fact."""
_FEW = 9
"""Times up to which a value's frequency is a count; above, it is a share."""
_WORD = 24
"""Characters of a listed word."""
_ODD_SHOWN = 8
_USUAL_SHOWN = 30


class Fact(ABC):
    """One thing that counting says."""

    __slots__ = ()

    @abstractmethod
    def render(self) -> str:
        """The fact as the model reads it, on one line."""


def rendered(facts: Iterable[Fact]) -> tuple[str, ...]:
    """Facts as the model reads them, in their order."""
    return tuple(fact.render() for fact in facts)


@dataclass(frozen=True, slots=True)
class Filled(Fact):
    """For a missing value, how much of the column is filled: `filled 98%`."""

    filled: int
    rows: int

    def render(self) -> str:
        return f"filled {percent(self.filled, self.rows)}"


@dataclass(frozen=True, slots=True)
class Seen(Fact):
    """How often the value stands in the column: `seen 3` up to nine times, then `seen 12%` of the rows."""

    count: int
    rows: int

    @property
    def is_frequent(self) -> bool:
        """Whether the value stands in the column more than nine times and in a hundredth of the rows."""
        return self.count > _FEW and 100 * self.count >= self.rows

    @property
    def share(self) -> str:
        """Of the rows, in percent; "" where a count says more."""
        return percent(self.count, self.rows) if self.count > _FEW else ""

    def render(self) -> str:
        return f"seen {self.share or self.count}"


@dataclass(frozen=True, slots=True)
class Distinct(Fact):
    """Distinct values over filled cells: `column 24% distinct`."""

    distinct: int
    filled: int

    def render(self) -> str:
        return f"column {percent(self.distinct, self.filled)} distinct"


@dataclass(frozen=True, slots=True)
class Shape(Fact):
    """The share of values of the same shape, and the usual shape if it is another: `shape 2%, usual 9.9`."""

    count: int
    filled: int
    usual: str | None = None

    @property
    def percent(self) -> int:
        """The share, rounded as it is shown."""
        return _rounded(self.count, self.filled)

    @property
    def shown(self) -> str:
        """The usual shape, cut; "" where the value has it."""
        return "" if self.usual is None else self.usual[:SHOWN]

    def render(self) -> str:
        share = f"shape {percent(self.count, self.filled)}"
        return share if self.usual is None else f"{share}, usual {self.shown}"


@dataclass(frozen=True, slots=True)
class Beyond(Fact):
    """A number far outside the quartiles of its column: `beyond 1..99`."""

    low: float
    high: float

    def render(self) -> str:
        return f"beyond {self.low:g}..{self.high:g}"


@dataclass(frozen=True, slots=True)
class Near(Fact):
    """A far more frequent value one or two edits away, not in digits alone, with its count: `near "birmingham" 87`."""

    value: str
    count: int

    def render(self) -> str:
        return f"near {quote(self.value, SHOWN)} {self.count}"


@dataclass(frozen=True, slots=True)
class Odd(Fact):
    """Characters that hardly occur in the column, on one line: `odd 'ŀ'`."""

    characters: str

    @property
    def shown(self) -> str:
        """The first of them."""
        return self.characters[:_ODD_SHOWN]

    def render(self) -> str:
        return f"odd '{self.shown}'"


@dataclass(frozen=True, slots=True)
class UsualIn(Fact):
    """The value is at home in another column: `usual in work class`."""

    attribute: str

    def render(self) -> str:
        return f"usual in {clean_name(self.attribute)}"


@dataclass(frozen=True, slots=True)
class RareWith(Fact):
    """Of the rows with this value hardly one has this row's value of another attribute, which is common elsewhere:
    `rare with sex "Male" 1 of 15`."""

    attribute: str
    value: str
    seen: int
    count: int

    def render(self) -> str:
        return f"rare with {clean_name(self.attribute)} {quote(self.value, SHOWN)} {self.seen} of {self.count}"


@dataclass(frozen=True, slots=True)
class GroupMajority(Fact):
    """What most of the other rows hold that share a value of another attribute, or its beginning.

    `by zip code: agree 20 of 21`, `by zip code: "boston" 12 of 13`, `by phone "617-": "boston" 12 of 13`.

    Args:
        attribute: what the rows share.
        value: what most of them hold.
        count: how many hold it.
        total: how many they are.
        agrees: whether it is the cell's own value.
        beginning: what their values of the attribute begin with, where they share no more.
        own: how many hold the cell's own value.
    """

    attribute: str
    value: str
    count: int
    total: int
    agrees: bool
    beginning: str | None = None
    own: int = 0

    @classmethod
    def of(cls, attribute: str, peers: Counter[str], own: str, beginning: str | None = None) -> GroupMajority:
        """From the values of the other rows, at least one, and the cell's own value."""
        value, count = peers.most_common(1)[0]
        return cls(attribute, value, count, peers.total(), value == own, beginning, peers[own])

    def render(self) -> str:
        of = clean_name(self.attribute) + ("" if self.beginning is None else f" {quote(self.beginning, SHOWN)}")
        return f"by {of}: {'agree' if self.agrees else quote(self.value, SHOWN)} {self.count} of {self.total}"


@dataclass(frozen=True, slots=True)
class CommonKind(Fact):
    """The kind that most values of a column are of, where code knows one (see `KINDS`): `kind date 100%`."""

    kind: str
    count: int
    filled: int

    @property
    def share(self) -> str:
        """Of the filled cells, in percent."""
        return f"{round(100 * self.count / self.filled)}%"

    def render(self) -> str:
        return f"kind {self.kind} {self.share}"


@dataclass(frozen=True, slots=True)
class NumberRange(Fact):
    """The least and the greatest number of a column of numbers: `numbers 1..95`."""

    low: float
    high: float

    def render(self) -> str:
        return f"numbers {self.low:.10g}..{self.high:.10g}"


@dataclass(frozen=True, slots=True)
class UsualShape(Fact):
    """The shape of half of a column's values or more (see `shape_of`), and their share: `usual A9A 80%`."""

    shape: str
    count: int
    filled: int

    @property
    def shown(self) -> str:
        """The shape on one line, cut."""
        return one_line(self.shape)[:_USUAL_SHOWN]

    @property
    def share(self) -> str:
        """Of the filled cells, in percent."""
        return f"{round(100 * self.count / self.filled)}%"

    def render(self) -> str:
        return f"usual {self.shown} {self.share}"


@dataclass(frozen=True, slots=True)
class WordsPerValue(Fact):
    """The fewest and the most words in a value of a column: `words 1..3`."""

    fewest: int
    most: int

    def render(self) -> str:
        return f"words {self.fewest}..{self.most}"


@dataclass(frozen=True, slots=True)
class DistinctValues(Fact):
    """Distinct values of a column, of those that are filled: `4 of 5 distinct`."""

    distinct: int
    filled: int

    def render(self) -> str:
        return f"{self.distinct} of {self.filled} distinct"


@dataclass(frozen=True, slots=True)
class Similarity(Fact):
    """How alike the values of an attribute are on both sides, in percent: `title 62`."""

    attribute: str
    percent: int

    def render(self) -> str:
        return f"{clean_name(self.attribute)} {self.percent}"


@dataclass(frozen=True, slots=True)
class SharedWords(Fact):
    """Of the weight of all words the share that both sides have, in percent, and of the weight of the shorter side's
    words: `words 48/83`."""

    of_all: int
    of_shorter: int

    def render(self) -> str:
        return f"words {self.of_all}/{self.of_shorter}"


@dataclass(frozen=True, slots=True)
class ValueOverlap(Fact):
    """The share of words in sample values that both attributes have, in percent: `values 60`."""

    percent: int

    def render(self) -> str:
        return f"values {self.percent}"


@dataclass(frozen=True, slots=True)
class Listed(Fact):
    """Words that both sides have, or one side only, each cut: `same 2005`, `a only pro 2007`."""

    side: Literal["same", "a only", "b only"]
    words: tuple[str, ...]

    @classmethod
    def first(cls, side: Literal["same", "a only", "b only"], words: Iterable[str], most: int) -> list[Listed]:
        """The fact that lists the first words, each once; none where there are none."""
        chosen = tuple(dict.fromkeys(words))[:most]
        return [cls(side, chosen)] if chosen else []

    def render(self) -> str:
        return f"{self.side} {' '.join(word[:_WORD] for word in self.words)}"


def percent(part: int, whole: int) -> str:
    """A share as it is shown: "0%", "<1%", then whole percent."""
    if not part or not whole:
        return "0%"
    return f"{_rounded(part, whole) or '<1'}%"


def _rounded(part: int, whole: int) -> int:
    """A share in whole percent; 0 for less than one."""
    share = 100 * part / whole if whole else 0.0
    return 0 if share < 1 else round(share)
