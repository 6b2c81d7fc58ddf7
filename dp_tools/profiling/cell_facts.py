"""Facts about a cell from its column and from similar rows."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from dp_tools.profiling.columns import ENOUGH, Column, nearest_value, number_of
from dp_tools.profiling.facts import (
    Beyond,
    Distinct,
    Fact,
    Filled,
    GroupMajority,
    Near,
    Odd,
    RareWith,
    Seen,
    Shape,
    UsualIn,
)
from dp_tools.profiling.placeholders import USUAL
from dp_tools.profiling.value_formats import named_days
from dp_tools.profiling.value_patterns import shape_of
from dp_tools.records import Record, is_missing, may_be_missing, one_line

if TYPE_CHECKING:
    from dp_tools.profiling.column_relations import Relations

F = TypeVar("F", bound=Fact)
FEW_RECORDS = 100
"""Records below which a table tells too little about itself, for data constraints and for the model's word alone."""
MOST_DETERMINANTS = 2
"""Determining attributes whose groups may give evidence about a cell."""
CLOSED = 40
"""Distinct values up to which an attribute is compared value by value with others."""

_LETTERS = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"(?=.*\d)(?=.*[^\W\d_])(?!.*[^\W\d_]{5})\S+")
_CAPITALS = re.compile(r"[A-Z]{2,4}([ ./_-][A-Z]{2,4})*")
"""A code of letters alone, as of a shelf: "LIT KIN", "BIO". A word in capitals looks like the second."""
_SEVERAL_WORDS = re.compile(r"[^\W\d_]{2}.*\s.*[^\W\d_]{2}")
_VARIED = 0.05
"""Share of a column's values that are different, from which on it is none of categories: a machine that mistakes one
category for another may do so again and again."""
_BEGINNING = re.compile(r"[^\W_]+[\W_]?")
_RARE_SHAPE = 10
"""Percent of a column below which a shape that is not its usual one speaks against a value."""
_OFTEN = 4
"""Cells that hold a text, below which it is no answer of the column in any case."""
_FREE = 0.5
"""Share of a column's values that are different, from which on it is one of titles or names, each its own."""
_NEGATIVE = re.compile(r"[-−]\s?[\d.,'\s]*\d|\(\s?[\d.,'\s]*\d\s?\)")
_FEW_NEAR = 9
"""Times up to which a code's neighbour in spelling is taken for another code."""
_AGAIN = 3
"""Times from which on a value is no slip of another: nobody makes the same slip so often."""


@runtime_checkable
class CellFacts(Protocol):
    """Where facts about cells come from: records at hand, or a table too big for memory."""

    @property
    def knows_columns(self) -> bool:
        """Whether there are records enough to say anything about the columns."""

    @property
    def rows(self) -> int:
        """Records of the table that the facts are about."""

    def about(self, record: Record, attribute: str) -> tuple[Fact, ...]:
        """The facts about the cell; empty where there are none."""

    def group_evidence(self, record: Record, attribute: str) -> tuple[Fact, ...]:
        """What other rows say about a cell that is missing; empty where they say nothing."""


class RecordFacts:
    """Facts from a batch of records, each left out where it says nothing (see `dp_tools.profiling.facts`).

    A missing value has `Filled`; any other one `Seen`, `Distinct`, `Shape`, `Beyond`, `Near`, `Odd`, `UsualIn` and
    `RareWith`; both have `GroupMajority`, by the beginning of a value only where a value is missing.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self.rows = len(records)
        self._columns: dict[str, Column] = {}
        self._homes: dict[str, Counter[str]] = defaultdict(Counter)
        self._relations: Relations | None = None
        if len(records) >= ENOUGH and records[0]:
            self._learn(records)

    @property
    def knows_columns(self) -> bool:
        return bool(self._columns)

    def about(self, record: Record, attribute: str) -> tuple[Fact, ...]:
        column = self._columns.get(attribute)
        if column is None:
            return ()
        value = record[attribute]
        if is_missing(value):
            facts: list[Fact] = [Filled(column.filled, column.rows)]
        else:
            facts = self._about_value(attribute, column, (value or "").strip())
            facts += self._about_co_occurrence(record, attribute, column)
        return (*facts, *self._group_evidence(record, attribute))

    def group_evidence(self, record: Record, attribute: str) -> tuple[Fact, ...]:
        """What rows with the same value of a determining attribute say about a cell that is missing, or, where fewer
        than two attributes speak, rows with the same beginning of one."""
        facts: list[Fact] = [*self._group_evidence(record, attribute)]
        if len(facts) < MOST_DETERMINANTS and self._relations is not None and attribute in self._relations.beginnings:
            determinant, groups = self._relations.beginnings[attribute]
            beginning = beginning_of(record.get(determinant))
            if beginning and groups.get(beginning):
                facts.append(GroupMajority.of(determinant, groups[beginning], "", beginning))
        return tuple(facts)

    def _learn(self, records: Sequence[Record]) -> None:
        # numpy, which a server that is ready at once has not loaded yet
        from dp_tools.profiling.association import CodedTable
        from dp_tools.profiling.column_relations import relations

        cells = {name: [_filled(record.get(name)) for record in records] for name in records[0]}
        columns = {name: Counter(filter(None, values)) for name, values in cells.items()}
        self._learn_columns({name: Column.of(len(records), counts) for name, counts in columns.items()})
        table = CodedTable.of(cells)
        beginnings = {name: [beginning_of(value) for value in table.values(name)] for name in columns}
        self._relations = relations(table, beginnings.__getitem__, most=MOST_DETERMINANTS, closed=CLOSED)

    def _learn_columns(self, columns: dict[str, Column]) -> None:
        """The columns, and where each repeated value is at home."""
        self._columns = columns
        for name, column in columns.items():
            for value, count in column.counts.items():
                if count >= 3:
                    self._homes[value][name] = count

    def _about_value(self, attribute: str, column: Column, value: str) -> list[Fact]:
        count = column.counts[value]
        facts: list[Fact] = [
            Seen(count, column.rows),
            Distinct(len(column.counts), column.filled),
            self._about_shape(column, value),
        ]
        number = number_of(value)
        if number is not None and column.range and not column.range[0] <= number <= column.range[1]:
            facts.append(Beyond(*column.range))
        near = nearest_value(column, value)
        if near is not None:
            facts.append(Near(near, column.counts[near]))
        rare = one_line("".join(dict.fromkeys(c for c in value if column.characters[c] * 200 < column.filled)))
        if rare and column.filled >= 100:
            facts.append(Odd(rare))
        home = self._homes.get(value)
        if home and count <= 2:
            place, times = home.most_common(1)[0]
            if place != attribute and times > 2 * count:
                facts.append(UsualIn(place))
        return facts

    def _about_co_occurrence(self, record: Record, attribute: str, column: Column) -> list[Fact]:
        """The other attribute's value that this one hardly ever stands beside, though both are common."""
        rarest = None if self._relations is None else self._relations.co_occurrence.rarest(record, attribute)
        if rarest is None:
            return []
        other, beside, seen = rarest
        return [RareWith(other, beside, seen, column.counts[(record[attribute] or "").strip()])]

    @staticmethod
    def _about_shape(column: Column, value: str) -> Shape:
        shape, usual = shape_of(value), column.usual_shape()
        return Shape(column.shapes[shape], column.filled, None if shape == usual else usual)

    def _group_evidence(self, record: Record, attribute: str) -> list[GroupMajority]:
        facts = []
        own = (record.get(attribute) or "").strip()
        for determinant, groups in self._groups_of(attribute):
            group = Counter(groups.get((record.get(determinant) or "").strip(), Counter()))
            if own in group:
                group[own] -= 1
            if group.total():
                facts.append(GroupMajority.of(determinant, group, own))
        return facts

    def _groups_of(self, attribute: str) -> list[tuple[str, dict[str, Counter[str]]]]:
        """The attributes that determine this one, each with its values by determining value."""
        if self._relations is None:
            return []
        determinants = self._relations.determinants.get(attribute, [])
        return [(determinant, self._relations.groups[determinant, attribute]) for determinant in determinants]


def is_usual(value: str | None, facts: Iterable[Fact]) -> bool:
    """Whether counting has nothing to say against a value, in a column whose values all look like it.

    A word that is seldom seen is not usual, however it looks: it may be misspelt, and only reading tells. The name of a
    month is none that could be.

    Args:
        value: of the cell.
        facts: about it, as `RecordFacts.about` gives them.
    """
    known_facts = list(facts)
    if is_missing(value) or not any(_is_alike(fact) for fact in known_facts) or not all(map(_is_harmless, known_facts)):
        return False
    is_word = _LETTERS.search(value or "") and not named_days(value or "")
    return not is_word or any(isinstance(fact, Seen) and fact.is_frequent for fact in known_facts)


def is_contradicted(facts: Iterable[Fact], rows: int | None = None) -> bool:
    """Whether counting says something against a value: the column, the rest of the record, or rows like it.

    Args:
        facts: about the cell, as `RecordFacts.about` gives them.
        rows: records of the table. Of few, the word of one other record says little, and so does the shape of a value
            unless the column is one of numbers or codes.
    """
    against = filter(_is_against, facts)
    if rows is None or rows >= FEW_RECORDS:
        return any(against)
    return any(map(_says_much, against))


def _says_much(fact: Fact) -> bool:
    if isinstance(fact, Shape):
        usual = fact.usual or ""
        return "9" in usual and "Aa" not in usual
    return not isinstance(fact, GroupMajority) or fact.total > 1


def is_settled(value: str | None, facts: Iterable[Fact]) -> bool:
    """Whether a value is one of its column's own, though a model may not think so: a text that may stand for no value,
    as "N/A", which many cells of a column of words hold; a name of several words that stands again and again, or twice
    among titles of which nearly each is another one; or a negative number among others.

    Args:
        value: of the cell.
        facts: about it, as `RecordFacts.about` gives them.
    """
    known_facts = list(facts)
    against = [fact for fact in known_facts if _is_against(fact)]
    if may_be_missing(value or ""):
        seen = _first(known_facts, Seen)
        often = seen is not None and seen.count >= _OFTEN and seen.count >= USUAL * seen.rows
        return often and not any(map(_says_much, against))
    if _SEVERAL_WORDS.search(value or ""):
        stands = _stands_again(known_facts, _OFTEN) or _stands_again(known_facts, 2, among=_FREE)
        return stands and (not against or _is_second_title(known_facts, against))
    shape = _first(known_facts, Shape)
    is_negative = _NEGATIVE.fullmatch((value or "").strip()) is not None
    return is_negative and shape is not None and shape.count > 1 and against in ([], [shape])


def _first(facts: Iterable[Fact], kind: type[F]) -> F | None:
    """The first fact of a kind; None where there is none."""
    return next((fact for fact in facts if isinstance(fact, kind)), None)


def code_share(value: str | None, facts: Iterable[Fact]) -> float:
    """The share of a column that is written as this value is, if it is a code that nothing speaks against; else 0.

    Codes lie near each other, so a neighbour in spelling counts only where it is frequent and the code itself is not
    written again and again.

    Args:
        value: of the cell. A code has digits and short runs of letters, and no blanks: "B29", "CC-310", "O0001". Short
            runs of capitals are one in a column of many values, "LIT KIN"; one such run, "BIO", if it stands again.
        facts: about it, as `RecordFacts.about` gives them.
    """
    known_facts, text = list(facts), value or ""
    seen = _first(known_facts, Seen)
    times = 0 if seen is None else seen.count
    capitals = _CAPITALS.fullmatch(text)
    is_code = _CODE.fullmatch(text) or (capitals and _stands_again(known_facts, 1 if capitals[1] else _AGAIN))
    if not is_code or any(_is_against_a_code(fact, times) for fact in known_facts):
        return 0.0
    shapes = (fact for fact in known_facts if isinstance(fact, Shape) and fact.usual is None)
    return next((fact.count / fact.filled for fact in shapes), 0.0)


def _is_second_title(facts: Sequence[Fact], against: Sequence[Fact]) -> bool:
    """Whether all that speaks against a value is that others stand more often beside the same: an author's best known
    title does not make another of his titles wrong that stands there several times, too."""
    groups = [fact for fact in facts if isinstance(fact, GroupMajority)]
    return all(fact in groups for fact in against) and any(fact.own >= _AGAIN for fact in groups)


def _stands_again(facts: Sequence[Fact], least: int, among: float = _VARIED) -> bool:
    """Whether a value stands so many times at least in a column of so great a share of different values."""
    seen, distinct = _first(facts, Seen), _first(facts, Distinct)
    is_varied = distinct is not None and distinct.distinct >= among * distinct.filled
    return is_varied and seen is not None and seen.count >= least


def _is_against_a_code(fact: Fact, times: int) -> bool:
    """Whether a fact speaks against a code that so many cells hold."""
    return fact.count > _FEW_NEAR and times < _AGAIN if isinstance(fact, Near) else _is_against(fact)


def _is_alike(fact: Fact) -> bool:
    return isinstance(fact, Shape) and fact.usual is None and fact.percent == 100


def _is_harmless(fact: Fact) -> bool:
    return isinstance(fact, Seen | Distinct | Shape) or (isinstance(fact, GroupMajority) and fact.agrees)


def _is_against(fact: Fact) -> bool:
    if isinstance(fact, Shape):
        return fact.usual is not None and fact.percent < _RARE_SHAPE
    if isinstance(fact, GroupMajority):
        return not fact.agrees
    return isinstance(fact, Near | Odd | Beyond | UsualIn | RareWith)


def beginning_of(value: str | None) -> str:
    """What a value begins with: its first run of letters and digits, with the sign behind it unless that is a blank.

    Of "617-868-5353" it is "617-", of "Canon EOS 40D" it is "Canon"; of a value that begins with another sign, and of
    a missing one, "".
    """
    found = _BEGINNING.match(_filled(value))
    return found.group().rstrip() if found else ""


def _filled(value: str | None) -> str:
    return "" if is_missing(value) else (value or "").strip()
