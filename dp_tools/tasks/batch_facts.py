"""Facts about the cells of a batch, and the data constraints of a batch that is large enough to have some."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from dp_tools.profiling import Fact, RecordFacts
from dp_tools.profiling.cell_facts import FEW_RECORDS
from dp_tools.records import Record
from dp_tools.rules.coverage import TableVerdict

if TYPE_CHECKING:
    from dp_tools.rules.discovery.data_constraints import DataConstraints


class BatchFacts(RecordFacts):
    """Facts from records of one table.

    Args:
        records: at most a few thousand; they are kept.
        dataset: the table's name.
    """

    def __init__(self, records: Sequence[Record], dataset: str | None = None) -> None:
        super().__init__(records)
        self._records, self._dataset = records, dataset
        self._left_out: Callable[[], Container[str]] = frozenset

    def leave_out(self, rules: Callable[[], Container[str]]) -> None:
        """Leave out what makes these rules, by id: a person has retired or rejected them. Asked for once, if at all."""
        self._left_out = rules

    def verdicts(self, record: Record, attribute: str, facts: Sequence[Fact]) -> tuple[TableVerdict, ...]:
        """Verdicts of the batch's data constraints on this cell, most certain first; in a batch under 100 only what
        the kinds of its columns allow.

        Args:
            record: one of the batch.
            attribute: of the cell.
            facts: the evidence about it.
        """
        return self._constraints.verdicts(record, attribute, facts)

    @cached_property
    def _constraints(self) -> DataConstraints:
        """None where records differ in their attributes, since then they are not rows of one table."""
        # Mining takes numpy, which a server that is ready at once has not loaded yet.
        from dp_tools.rules.discovery.data_constraints import DataConstraints, searched

        if any(record.keys() != self._records[0].keys() for record in self._records):
            return DataConstraints()
        names = list(self._records[0]) if self._records else []
        chosen = (self._records[number] for number in searched(len(self._records), len(names)))
        table = [{name: record[name] for name in names} for record in chosen]
        return DataConstraints.of(table, self._dataset, retired=self._left_out() if len(table) >= FEW_RECORDS else ())
