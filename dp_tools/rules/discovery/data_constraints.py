"""Data constraints that a table mostly satisfies, found in the table: a cell that violates one is probably wrong.

Where gaps are usual, one more is not, nor is a value that is as all others are.

These are the candidates of mining, used as evidence for the table at hand. They bind nothing: what a rule says about an
attribute comes first, and one that a person has retired or rejected stays away.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from dp_tools.errors import Cancelled
from dp_tools.profiling import Fact, is_usual
from dp_tools.profiling.cell_facts import FEW_RECORDS
from dp_tools.profiling.validity.table import TableValidity
from dp_tools.profiling.value_patterns import USUAL
from dp_tools.records import is_missing
from dp_tools.rules.checks import Check
from dp_tools.rules.coverage import TableVerdict
from dp_tools.rules.discovery.mine import Candidate, Kind, compared_with, mine
from dp_tools.rules.record_checks import number_due
from dp_tools.rules.rule import ALL, Rule

Fields = Mapping[str, str | None]

SAMPLE = 10_000
"""Records, evenly spread, in which data constraints are searched."""
SAMPLED_CELLS = 1_000_000
"""Cells of them; a wide table gives fewer records."""
CERTAINTY: Mapping[Kind, float] = {
    "missing": 0.9,
    "format": 0.9,
    "day": 0.9,
    "vocabulary": 0.9,
    "dependency": 0.9,
    "majority": 0.75,
    "misspelling": 0.8,
    "relation": 0.6,  # Any of the record's other cells may be to blame.
}
"""How probably a cell that breaks one is wrong, set below what was measured; other kinds are not used."""
_DIVIDED = 0.6
"""The same where so many cells break it that it may be a second habit, or where another cell may be to blame."""
_FORMAT: frozenset[Kind] = frozenset({"format"})
_OF_FORM: frozenset[Kind] = frozenset({"format", "vocabulary", "misspelling"})
"""Constraints that a value may break which is right by its kind: a country that no other record has."""
_REMEMBERED = 100_000
_OFTEN_EMPTY = 0.1
"""Share of a column from which on a gap in it is as usual as a value. In the labelled tables at hand none of 400 gaps
in such columns is an error; of columns with fewer gaps some tables say so, and some do not."""
_USUAL = 0.98
"""How probably what is usual is right, a gap or a value. Of 15,000 usual values in the labelled tables at hand none is
an error but by a convention of the house, and by those 140 are."""


def searched(count: int, attributes: int) -> range:
    """The records of a table of this many in which data constraints are searched, evenly spread."""
    most = max(FEW_RECORDS, min(SAMPLE, SAMPLED_CELLS // max(attributes, 1)))
    return range(0, count, max(1, -(-count // most)))


@dataclass(frozen=True, slots=True)
class _Constraint:
    kind: Kind
    rule: Rule
    check: Check
    by: tuple[str, ...]
    certainty: float
    reason: str

    @classmethod
    def of(cls, candidate: Candidate) -> _Constraint:
        rule = candidate.rule
        return cls(
            candidate.kind,
            rule,
            Check.of(rule),
            compared_with(rule.check, rule.attribute),
            CERTAINTY[candidate.kind] if candidate.confidence >= USUAL or candidate.kind == "majority" else _DIVIDED,
            f"{rule.statement} {candidate.confidence:.1%} of the cells conform to it.",
        )


class DataConstraints:
    """The data constraints of one table.

    Args:
        candidates: what mining found.
        empty: by attribute, the share of cells without a value, 0 to 1.
        validity: what the kinds of the columns allow.
    """

    def __init__(
        self,
        candidates: Iterable[Candidate] = (),
        empty: Mapping[str, float] = MappingProxyType({}),
        validity: TableValidity | None = None,
    ) -> None:
        self._empty = dict(empty)
        self.validity = TableValidity(()) if validity is None else validity
        self._found: dict[str, list[_Constraint]] = {}
        self._involving: dict[str, list[_Constraint]] = {}
        self._known: dict[tuple[str, tuple[str | None, ...]], bool] = {}
        for candidate in candidates:
            if candidate.rule.check is None or candidate.kind not in CERTAINTY:
                continue
            constraint = _Constraint.of(candidate)
            self._found.setdefault(candidate.rule.attribute, []).append(constraint)
            for name in {*constraint.by, constraint.rule.attribute} if constraint.by else ():
                self._involving.setdefault(name, []).append(constraint)
        for found in self._found.values():
            found.sort(key=lambda constraint: -constraint.certainty)

    @classmethod
    def of(
        cls,
        records: Iterable[Fields],
        dataset: str | None,
        *,
        retired: Container[str] = (),
        progress: Callable[[int, int], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> DataConstraints:
        """Those that records keep; where they are few, only what the kinds of their columns allow.

        Args:
            records: of one table, all with the same attributes (see `searched`).
            dataset: its name.
            retired: rules that a person has retired or rejected, by id.
            progress, cancel: as `mine`.

        Raises:
            Cancelled: `cancel` was set.
        """
        table = []
        for record in records:
            if cancel is not None and cancel.is_set():
                raise Cancelled("The search for data constraints was stopped.")
            table.append(record)
        validity = TableValidity(table)
        if len(table) < FEW_RECORDS:
            return cls(validity=validity)
        found = mine(table, dataset=dataset or ALL, progress=progress, cancel=cancel)
        empty = {name: sum(is_missing(record[name]) for record in table) / len(table) for name in table[0]}
        return cls((one for one in found if one.rule.id not in retired), empty, validity)

    def verdicts(self, record: Fields, attribute: str, facts: Sequence[Fact]) -> tuple[TableVerdict, ...]:
        """What they say of a cell, weightiest first: that no value of its kind can be so, that it breaks one, or that
        it is as usual.

        Args:
            record: a record of the table.
            attribute: of the cell.
            facts: the evidence about it.
        """
        if fault := self.validity.fault(record, attribute):
            return (TableVerdict("", True, fault.certainty, fault.reason),)
        found, holds = [], self.validity.holds(record, attribute, facts)
        outweighed = self._outweighed(record, attribute, holds is not None)
        for constraint in self._found.get(attribute, ()):
            if constraint.kind not in outweighed and self._breaks(constraint, record):
                certainty = min(constraint.certainty, self._blame(constraint, record))
                if certainty:
                    keyed = bool(constraint.by)
                    found.append(TableVerdict(constraint.rule.id, True, certainty, constraint.reason, keyed))
        found += self._blamed(record, attribute)
        if found and any(value == (record[attribute] or "").strip() for value, _ in self.meant(record, attribute)):
            # What the record itself names is right however it is written: "NA" beside Namibia.
            found = [verdict for verdict in found if verdict.keyed]
        found.sort(key=lambda verdict: -verdict.certainty)
        if not found and holds:
            return (TableVerdict("", False, _USUAL, holds),)
        return tuple(found) or self._as_usual(record, attribute, is_usual(record[attribute], facts))

    def _blamed(self, record: Fields, attribute: str) -> list[TableVerdict]:
        """That a part of a total is wrong, since no other number than its own would mend the record."""
        return [
            TableVerdict(one.rule.id, True, one.certainty, one.reason, keyed=True)
            for one in self._involving.get(attribute, ())
            if attribute in one.by and one.kind == "relation" and self._breaks(one, record)
            if self._mending(one, record) == [attribute]
        ]

    def _is_excused(self, relation: _Constraint, record: Fields) -> bool:
        """Whether a broken relation is the fault of another cell than the one that it is about: one that is wrong by
        itself, or the only one that could mend a total."""
        alone = (one for name in relation.by for one in self._found.get(name, ()) if not one.by)
        if any(self.validity.fault(record, name) for name in relation.by) or any(
            self._breaks(one, record) for one in alone
        ):
            return True
        mending = self._mending(relation, record)
        return len(mending) == 1 and mending[0] in relation.by

    def _mending(self, relation: _Constraint, record: Fields) -> list[str]:
        """The cells of a total of which another number would mend the record, one that their columns may hold."""
        names = (*relation.by, relation.rule.attribute)
        due = ((name, number_due(relation.rule.check or {}, record, name)) for name in names)
        return [name for name, number in due if number is not None and self.validity.may_hold(name, number)]

    def _outweighed(self, record: Fields, attribute: str, holds: bool) -> frozenset[Kind]:
        """The kinds of constraints that a value may break since its own kind tells more."""
        if holds and self.validity.is_known(record, attribute):
            return _OF_FORM
        return _FORMAT if self.validity.is_well_formed(record, attribute) else frozenset()

    def _as_usual(self, record: Fields, attribute: str, usual: bool) -> tuple[TableVerdict, ...]:
        """That a value is right, or that a gap is, unless the record's other cells say what should stand there."""
        share = self._empty.get(attribute)
        if share is None:
            return ()
        if usual:
            reason = f"All values of {attribute} look alike, and nothing sets this one apart."
        elif share >= _OFTEN_EMPTY and is_missing(record[attribute]) and not self.meant(record, attribute):
            reason = f"{attribute} is often left empty: {share:.1%} of the cells are."
        else:
            return ()
        return (TableVerdict("", False, _USUAL, reason),)

    def _breaks(self, constraint: _Constraint, record: Fields) -> bool:
        attribute = constraint.rule.attribute
        if any(name not in record for name in (*constraint.by, attribute)):
            return False
        key = constraint.rule.id, tuple(record[name] for name in (*constraint.by, attribute))
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            subject = {"record": record, "attribute": attribute, "value": record[attribute]}
            self._known[key] = constraint.check.judge(subject) is False
        return self._known[key]

    def _blame(self, constraint: _Constraint, record: Fields) -> float:
        """How far a broken dependency speaks against the determined cell, and not against a determining one.

        A determining cell that other dependencies accuse is to blame if it stands in more broken ones. So is a part of
        a relation that is wrong by itself, as a day of birth to come, or that alone could mend a total.
        """
        if not constraint.by:
            return 1.0
        if constraint.kind == "relation" and self._is_excused(constraint, record):
            return 0.0
        own = constraint.rule.attribute
        near = {id(other): other for name in (*constraint.by, own) for other in self._involving[name]}
        broken = [other for other in near.values() if self._breaks(other, record)]
        accused = {other.rule.attribute for other in broken}
        involved = Counter(name for other in broken for name in (*other.by, other.rule.attribute))
        worst = max((involved[name] for name in constraint.by if name in accused), default=0)
        return 1.0 if involved[own] > worst else _DIVIDED if involved[own] == worst else 0.0

    def meant(self, record: Fields, attribute: str) -> list[tuple[str, str]]:
        """What the record's other cells say that this one should hold, each with the reason."""
        subject = {"record": record, "attribute": attribute}
        found = [(one.check.value_for(subject), one.reason) for one in self._found.get(attribute, ()) if one.by]
        return [(value, reason) for value, reason in found if value is not None]

    def rules(self, attribute: str) -> list[Rule]:
        """The rules that those of an attribute would make."""
        return [constraint.rule for constraint in self._found.get(attribute, ())]
