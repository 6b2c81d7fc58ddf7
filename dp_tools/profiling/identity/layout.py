"""Which columns of a table say who or what a record is: a person, a company or an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dp_tools.profiling.column_kinds import CERTAIN, ColumnKind
from dp_tools.profiling.comparisons.folding import folded
from dp_tools.profiling.kind import Kind
from dp_tools.records import Record, is_missing, may_be_missing

Subject = Literal["person", "company", "address"]
"""What the records of a table are."""
Slot = Literal[
    "name", "company", "email", "telephone", "street", "postcode", "city", "country", "birth", "number", "web", "detail"
]
"""What is compared of two records."""

_SLOTS: Mapping[Kind, Slot] = {
    "company": "company",
    "email": "email",
    "telephone": "telephone",
    "street": "street",
    "postcode": "postcode",
    "city": "city",
    "country": "country",
    "date of birth": "birth",
    "iban": "number",
    "tax number": "number",
    "personal number": "number",
    "web address": "web",
    "category": "detail",
    "code": "detail",
    "date": "detail",
    "price": "detail",
    "house number": "detail",
    "quantity": "detail",
    "flag": "detail",
    "region": "detail",
    "other": "detail",
}
_WHOLE_NAMES: tuple[Kind, ...] = ("person name", "last name first")
_CONTACTS: frozenset[Slot] = frozenset(
    {"email", "telephone", "street", "postcode", "city", "birth", "number", "web", "company"}
)
"""Slots of which a table of people or companies has one at least beside the name."""
_NOTHING = frozenset(
    folded(word)
    for word in (
        *("", "xx", "xxx", "xxxx", "asdf", "dummy", "nn", "nan"),
        *("not given", "not known", "not stated", "not provided", "no data", "no name", "no address", "no email"),
        *("see notes", "see above", "to follow", "to be confirmed", "withheld", "refused", "anonymous"),
        *("unbekannt", "k a", "keine angabe", "keine", "nicht bekannt", "nicht angegeben", "fehlt", "siehe oben"),
        *("inconnu", "non renseigné", "non communiqué", "néant", "desconocido", "sin datos", "s n", "no consta"),
        *("sconosciuto", "non disponibile", "onbekend", "nvt", "brak", "nieznany", "neznámý", "nezadáno"),
        *("desconhecido", "não informado", "bilinmiyor", "okänd", "saknas", "ukendt", "ukjent", "ismeretlen"),
    )
)
"""What people write in a field that has to be filled, in the words of several languages."""
_THINGS: frozenset[Kind] = frozenset({"product title", "gtin", "price"})
"""Kinds that make a table one of things, whoever sells them."""


@dataclass(frozen=True)
class Layout:
    """The columns of a table by what they say of identity.

    Args:
        subject: what its records are.
        names: the column of whole names, or those of given names and surnames; empty without names of people.
        columns: the columns of each other slot.
        kinds: of all columns.
    """

    subject: Subject
    names: tuple[str, ...]
    columns: Mapping[Slot, tuple[str, ...]]
    kinds: Mapping[str, Kind]

    def values(self, record: Record, slot: Slot) -> tuple[str, ...]:
        """What a record says in a slot; what stands for a missing value is none."""
        return tuple(value for name in self.columns.get(slot, ()) if (value := _filled(record.get(name))) is not None)

    def name(self, record: Record) -> tuple[str, ...]:
        """The name of a person: whole, or given names and surname; () where there is none."""
        if len(self.names) == 2:
            given, last = (_filled(record.get(name)) for name in self.names)
            return (given or "", last or "") if given or last else ()
        return tuple(value for name in self.names if (value := _filled(record.get(name))) is not None)


def layout_of(
    kinds: Mapping[str, ColumnKind], columns: Sequence[str], distinct: Mapping[str, int] | None = None
) -> Layout | None:
    """How a table's columns say who its records are; None where they are not people, companies or addresses.

    Args:
        kinds: of its columns (see `kinds_of`).
        columns: those that are compared.
        distinct: different values of columns, where they are known.
    """
    known: dict[str, Kind] = {
        name: kinds[name].kind if kinds[name].probability >= CERTAIN else "other" for name in columns if name in kinds
    }
    slots: dict[Slot, tuple[str, ...]] = {}
    for name, kind in known.items():
        if kind in _SLOTS:
            slots[_SLOTS[kind]] = (*slots.get(_SLOTS[kind], ()), name)
    names = _names(known)
    subject = _subject(known, names, slots, distinct or {})
    return Layout(subject, names, slots, known) if subject is not None else None


def _names(known: Mapping[str, Kind]) -> tuple[str, ...]:
    whole = [name for name, kind in known.items() if kind in _WHOLE_NAMES]
    first = [name for name, kind in known.items() if kind == "first name"]
    last = [name for name, kind in known.items() if kind == "last name"]
    if first and last:
        return (first[0], last[0])
    return tuple(whole[:1] or last[:1])


def _subject(
    known: Mapping[str, Kind], names: Sequence[str], slots: Mapping[Slot, tuple[str, ...]], distinct: Mapping[str, int]
) -> Subject | None:
    contacts = _CONTACTS & slots.keys()
    things = _THINGS.intersection(known.values())
    if "product title" in things or "gtin" in things:
        return None
    companies = slots.get("company", ())
    if names and not (companies and _is_companys(names[0], companies[0], list(known), distinct)):
        return "person" if contacts and not things else None
    if companies and not things:
        return "company" if contacts - {"company"} else None
    return "address" if "street" in slots and slots.keys() & {"postcode", "city"} else None


def _is_companys(person: str, company: str, order: Sequence[str], distinct: Mapping[str, int]) -> bool:
    """Whether the people of a table are only who to ask for: the company stands first and is as manifold."""
    return order.index(company) < order.index(person) and distinct.get(company, 0) >= 0.95 * distinct.get(person, 1)


def _filled(value: str | None) -> str | None:
    if value is None or is_missing(value) or may_be_missing(value) or folded(value) in _NOTHING:
        return None
    return value.strip()
