"""Survivorship: the golden record of several records of one thing, value by value, with what lost.

Which value of an attribute survives is a rule in the knowledge store (see `dp_tools.rules.survival`), or the default
for the kind of its column: the most frequent value, where values that differ in notation alone count as one; of texts
the longest; and an address as a whole, because a street of one record and a city of another make an address that
nobody has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from dp_tools.profiling.comparisons import compare_values
from dp_tools.profiling.comparisons.day import days_of
from dp_tools.profiling.kind import Kind
from dp_tools.records import Record, is_missing
from dp_tools.rules.injection import Subject
from dp_tools.rules.rule import Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.rules.survival import Survival, survival_of

TASK = "merge_records"
"""The task of the rules of survival, and of the values that a person chose."""
_ADDRESS: frozenset[Kind] = frozenset({"street", "house number", "postcode", "city", "region", "country"})
"""Kinds of columns that survive together."""
_IDENTIFYING: frozenset[Kind] = frozenset({"date of birth", "iban", "tax number", "personal number", "gtin"})
"""Kinds of which a thing has one value: where two contradict, one is wrong, or the records are of two things."""
_TEXTS: frozenset[Kind] = frozenset({"product title", "free text"})
_NAMES: frozenset[Kind] = frozenset({"person name", "first name", "last name", "last name first", "company", "street"})
"""Kinds whose longer form says more: "Robert J. Smith" beside "R. Smith"."""
_BUDGET = 1_000_000
"""Tokens that the statements of rules may take: no model reads these."""
_MOST_MEMBERS = 10
"""Records of the largest group whose conflicts are put before a person, who has to look at all of them."""
_MOST_FORMS = 50
"""Different values that are compared in notation; of more only case and blanks are set aside."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """One value of a merged record.

    Args:
        attribute: of what.
        value: the value; None where no record has one.
        member: the number of the record that it came from; None for a value that a person wrote, or no value.
        decided_by: the rule (id@version), a person's choice (id@version), or the default, in words.
        lost: the other records' values by their number, those that say the same left out.
        support: the share of the filled records that say the same, 0 to 1.
        conflict: why a person should look; None where nothing contradicts.
    """

    attribute: str
    value: str | None
    member: int | None
    decided_by: str
    lost: tuple[tuple[int, str], ...] = ()
    support: float = 1.0
    conflict: str | None = None


@dataclass(frozen=True, slots=True)
class _Form:
    """One value of a column with the records that have it, in their notations."""

    texts: list[str] = field(default_factory=list)
    members: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Way:
    """How an attribute survives."""

    survival: Survival
    decided_by: str
    stated: bool


class Survivorship:
    """Merges the records of one thing.

    Args:
        columns: the attributes of a merged record.
        kinds: what the columns hold, where that is known.
        knowledge: holds the rules of survival and the values that persons chose.
        dataset: the dataset whose rules apply.
        describing: the attributes that describe a thing; that others, such as keys and source labels, differ is no
            conflict.

    Raises:
        RuleRejected: a rule of survival is malformed.
    """

    def __init__(
        self,
        columns: Sequence[str],
        kinds: Mapping[str, Kind],
        knowledge: KnowledgeStore,
        dataset: str | None,
        describing: Collection[str],
    ) -> None:
        self.columns, self._kinds, self._describing = tuple(columns), kinds, frozenset(describing)
        self._injections = {
            name: knowledge.inject(task=TASK, dataset=dataset, attribute=name, budget=_BUDGET) for name in columns
        }
        self._ways = {name: self._way(name) for name in columns}
        self._address = [name for name in columns if kinds.get(name) in _ADDRESS and not self._ways[name].stated]

    def merge(self, records: Sequence[Record]) -> list[Survivor]:
        """The merged record, attribute by attribute.

        Args:
            records: those of one thing; attributes that a record lacks count as missing.
        """
        if len(records) == 1:
            only = records[0]
            return [Survivor(name, only.get(name), 0, "the only record") for name in self.columns]
        filled = [sum(not is_missing(record.get(name)) for name in self.columns) for record in records]
        forms = {name: self._forms(name, records) for name in self.columns}
        whole = self._whole_address(records, forms, filled) if len(self._address) > 1 else {}
        return [self._survivor(name, records, forms[name], filled, whole) for name in self.columns]

    def subject(self, attribute: str, records: Sequence[Record]) -> Subject | None:
        """A conflict as a case that a person's choice decides; None where there are too many records to look at."""
        if len(records) > _MOST_MEMBERS:
            return None
        plain = [{name: record.get(name) for name in self.columns} for record in records]
        return {"records": sorted(plain, key=lambda record: sorted(str(item) for item in record.items()))} | {
            "attribute": attribute
        }

    def _way(self, name: str) -> _Way:
        for rule in reversed(self._injections[name].rules):
            if (survival := _survival(rule)) is not None:
                return _Way(survival, f"{rule.id}@{rule.version}", True)
        keep = "longest" if self._kinds.get(name) in _TEXTS else "most frequent"
        return _Way(Survival.model_validate({"keep": keep}), keep, False)

    def _forms(self, name: str, records: Sequence[Record]) -> list[_Form]:
        """The column's values, those that are the same but for their notation as one."""
        kind = self._kinds.get(name, "other")
        plain: dict[str, _Form] = {}
        for member, record in enumerate(records):
            value = record.get(name)
            if value is not None and not is_missing(value):
                form = plain.setdefault(" ".join(value.split()).casefold(), _Form())
                form.texts.append(value)
                form.members.append(member)
        found: list[_Form] = []
        for form in plain.values():
            known = found if len(found) <= _MOST_FORMS else ()
            same = next((one for one in known if self._are_one(kind, one, form)), None)
            if same is None:
                found.append(form)
            else:
                same.texts.extend(form.texts)
                same.members.extend(form.members)
        return found

    @staticmethod
    def _are_one(kind: Kind, one: _Form, two: _Form) -> bool:
        return compare_values(kind, one.texts[0], two.texts[0]).level in ("exact", "normalised")

    def _whole_address(
        self, records: Sequence[Record], forms: Mapping[str, Sequence[_Form]], filled: Sequence[int]
    ) -> dict[str, int]:
        """The record that each part of the address comes from: one for all of them, and for its gaps those that agree
        with it in every other part."""
        place = {
            name: {member: number for number, form in enumerate(forms[name]) for member in form.members}
            for name in self._address
        }

        def worth(member: int) -> tuple[int, int, int, int]:
            counts = [len(forms[name][place[name][member]].members) for name in self._address if member in place[name]]
            return (len(counts), sum(counts), filled[member], -member)

        best = max(range(len(records)), key=worth)
        chosen = {name: best for name in self._address if best in place[name]}
        for other in sorted(range(len(records)), key=worth, reverse=True):
            if all(place[name].get(other, number) == number for name, number in _parts(place, best)):
                chosen |= {name: other for name in self._address if name not in chosen and other in place[name]}
        return chosen

    def _survivor(
        self,
        name: str,
        records: Sequence[Record],
        forms: Sequence[_Form],
        filled: Sequence[int],
        whole: Mapping[str, int],
    ) -> Survivor:
        if not forms:
            return Survivor(name, None, None, "no record has a value")
        if (chosen := self._chosen(name, records, forms)) is not None:
            return chosen
        way = self._ways[name]
        if whole and name in self._address:
            member = whole.get(name)
            if member is None:
                return Survivor(name, None, None, "the address as a whole", _lost(forms, None))
            form = next(form for form in forms if member in form.members)
            decided_by = "the address as a whole"
        else:
            form = max(forms, key=self._order(way.survival, name, records, filled))
            member = self._member(way.survival, form, records, filled)
            decided_by = way.decided_by
        total = sum(len(one.members) for one in forms)
        return Survivor(
            name,
            records[member].get(name),
            member,
            decided_by,
            _lost(forms, form),
            len(form.members) / total,
            self._conflict(name, way, form, forms),
        )

    def _chosen(self, name: str, records: Sequence[Record], forms: Sequence[_Form]) -> Survivor | None:
        """The value that a person chose for these very records."""
        subject = self.subject(name, records) if len(forms) > 1 else None
        decision = None if subject is None else self._injections[name].decide(subject)
        if decision is None:
            return None
        form = next((one for one in forms if decision.label in one.texts), None)
        member = None if form is None else form.members[form.texts.index(decision.label)]
        rule = decision.rule
        return Survivor(name, decision.label, member, f"{rule.id}@{rule.version}", _lost(forms, form))

    def _order(
        self, survival: Survival, name: str, records: Sequence[Record], filled: Sequence[int]
    ) -> Callable[[_Form], tuple[object, ...]]:
        """What is highest for the value that survives."""
        longest = self._kinds.get(name) in _NAMES | _TEXTS

        def order(form: _Form) -> tuple[object, ...]:
            rank = max(_rank(survival, records[member]) for member in form.members)
            complete = max(filled[member] for member in form.members)
            length = max(len(text.strip()) for text in form.texts)
            count = len(form.members)
            first = -form.members[0]
            if survival.keep == "longest":
                return (length, count, complete, first)
            if survival.keep == "most complete":
                return (complete, count, length, first)
            return (rank, count, length if longest else 0, complete, first)

        return order

    @staticmethod
    def _member(survival: Survival, form: _Form, records: Sequence[Record], filled: Sequence[int]) -> int:
        """Of the records that say the same, the one whose notation stands in the merged record."""

        def worth(place: int) -> tuple[object, ...]:
            member, text = form.members[place], form.texts[place]
            return (
                _rank(survival, records[member]),
                len(text.strip()) if survival.keep == "longest" else form.texts.count(text),
                filled[member],
                -member,
            )

        return form.members[max(range(len(form.members)), key=worth)]

    def _conflict(self, name: str, way: _Way, kept: _Form, forms: Sequence[_Form]) -> str | None:
        if way.stated or len(forms) < 2 or name not in self._describing:
            return None
        kind = self._kinds.get(name, "other")
        against = [
            form
            for form in forms
            if form is not kept and compare_values(kind, kept.texts[0], form.texts[0]).level == "contradicting"
        ]
        if not against:
            return None
        if kind in _IDENTIFYING:
            return f"One thing has one {kind}, and here are {len(against) + 1}"
        if way.survival.keep == "most frequent" and any(len(form.members) >= len(kept.members) for form in against):
            return "As many records say another value"
        return None


def _survival(rule: Rule) -> Survival | None:
    return survival_of(rule) if rule.task == TASK else None


def _parts(place: Mapping[str, Mapping[int, int]], member: int) -> Iterator[tuple[str, int]]:
    return ((name, numbers[member]) for name, numbers in place.items() if member in numbers)


def _lost(forms: Sequence[_Form], kept: _Form | None) -> tuple[tuple[int, str], ...]:
    return tuple(
        sorted(
            (member, text)
            for form in forms
            if form is not kept
            for member, text in zip(form.members, form.texts, strict=True)
        )
    )


def _rank(survival: Survival, record: Record) -> tuple[int, date, str]:
    """How much a record counts by its date or its source; the same for all where neither is asked for."""
    value = (record.get(survival.by) if survival.by is not None else None) or ""
    if survival.keep == "preferred source":
        sources = [source.casefold() for source in survival.order]
        name = value.strip().casefold()
        return (len(sources) - sources.index(name) if name in sources else 0, date.min, "")
    if survival.keep == "latest" and (day := _day(value)) is not None:
        return (1, day, value)  # of one day the later time, as times are written alike in a column
    return (0, date.min, "")


def _day(value: str) -> date | None:
    for text in (value, value.strip().partition(" ")[0]):
        if days := days_of(text):
            return days[0]
    return None


def values_of(survivors: Sequence[Survivor]) -> dict[str, str | None]:
    """The merged record alone."""
    return {one.attribute: one.value for one in survivors}
