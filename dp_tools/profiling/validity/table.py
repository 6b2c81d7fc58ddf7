"""What the kinds of its columns allow the cells of a table to hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from dp_tools.profiling.column_kinds import ColumnKind, kinds_of
from dp_tools.profiling.comparisons.countries import country_code
from dp_tools.profiling.facts import Fact
from dp_tools.profiling.validity.column import KNOWN, ColumnValidity, Fault
from dp_tools.profiling.validity.rewriting import Form
from dp_tools.records import Record, is_missing, may_be_missing

_READ = 1000
"""Records that say which tests a column supports."""
_LONGEST = 400
"""Characters of a value that is looked at; a longer one is a text."""
_BLANKS = 0.9
"""How probably a value with blanks around it is wrong, in a column where hardly any has some."""
_FEW_BLANKS = 0.02
"""Share of a column up to which blanks around a value are an exception."""
_FEWEST = 4


class TableValidity:
    """The tests that the columns of a table support.

    Args:
        records: of one table, all with the same attributes.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records[:: max(1, -(-len(records) // _READ))]
        self._columns: dict[str, ColumnValidity] = {}
        self._trimmed: set[str] = set()

    def fault(self, record: Record, attribute: str) -> Fault | None:
        """Why a cell's value cannot be right; None where no test says so, and for one that is missing."""
        value = record[attribute]
        if value is None or is_missing(value):
            return None
        column = self._column(attribute)
        if value != value.strip() and attribute in self._trimmed:
            return Fault("Blanks stand before or behind the value.", _BLANKS)
        told = len(value) <= _LONGEST and not may_be_missing(value)
        return column.fault(value.strip(), self._country(record)) if told else None

    def holds(self, record: Record, attribute: str, facts: Sequence[Fact]) -> str | None:
        """Why a cell's value is right as far as counting can tell and reading cannot: it passes the tests of its kind,
        and no evidence speaks against it. None where that cannot be said.

        Args:
            record: with the cell.
            attribute: of the cell.
            facts: the evidence about it.
        """
        value = record[attribute]
        if value is None or is_missing(value) or may_be_missing(value) or len(value) > _LONGEST:
            return None
        return self._column(attribute).holds(value, self._country(record), facts)

    def is_well_formed(self, record: Record, attribute: str) -> bool:
        """Whether the kind of a column allows a value however many digits it has, as a quantity or a postcode of its
        country; how the others are written is no argument then."""
        value = record[attribute]
        if value is None or len(value) > _LONGEST:
            return False
        return self._column(attribute).is_well_formed(value, self._country(record))

    def is_known(self, record: Record, attribute: str) -> bool:
        """Whether a cell holds a name that is known for its column's kind, such as a country's."""
        value = record[attribute]
        return value is not None and self._column(attribute).is_known(value.strip())

    def may_hold(self, attribute: str, number: float) -> bool:
        """Whether a column of numbers may hold one: a whole one if all are, and not far from the least and greatest."""
        notation = self._column(attribute).notation
        return notation is not None and notation.may_be(number)

    def rewritten(self, record: Record, attribute: str) -> list[Form]:
        """A cell's value in the form that its column has, best founded first; [] where its kind tells no other form."""
        value = (record[attribute] or "").strip()
        if not value or len(value) > _LONGEST:
            return []
        return list(self._column(attribute).rewritten(value, record, self._country(record)))

    @cached_property
    def _kinds(self) -> dict[str, ColumnKind]:
        names = self._records[0] if self._records else ()
        return kinds_of({name: [record[name] for record in self._records] for name in names})

    @cached_property
    def _country_column(self) -> str | None:
        """The one column of countries; where there are several, none says where a telephone is."""
        found = [name for name, kind in self._kinds.items() if kind.kind == "country" and kind.probability >= KNOWN]
        return found[0] if len(found) == 1 else None

    def _country(self, record: Record) -> str | None:
        name = self._country_column
        value = None if name is None else record.get(name)
        return None if value is None else country_code(value)

    def _column(self, attribute: str) -> ColumnValidity:
        if attribute not in self._columns:
            filled = [
                (value, record)
                for record in self._records
                if (value := record.get(attribute)) and not is_missing(value) and len(value) <= _LONGEST
            ]
            around = sum(value != value.strip() for value, _ in filled)
            if around <= max(1, _FEW_BLANKS * len(filled)) and len(filled) - around >= _FEWEST:
                self._trimmed.add(attribute)
            cells = [(value.strip(), self._country(record)) for value, record in filled if not may_be_missing(value)]
            kind = self._kinds.get(attribute, ColumnKind("other", 0.0))
            self._columns[attribute] = ColumnValidity(attribute, kind, Counter(cells))
        return self._columns[attribute]
