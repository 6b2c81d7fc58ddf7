"""Blocking keys: two records that share one are worth comparing, whatever their texts say."""

from __future__ import annotations

from collections.abc import Iterator

from dp_tools.profiling.comparisons.company import company_of
from dp_tools.profiling.comparisons.day import days_of
from dp_tools.profiling.comparisons.email import mailbox
from dp_tools.profiling.comparisons.folding import compact
from dp_tools.profiling.comparisons.person_name import Name, name_of
from dp_tools.profiling.comparisons.place import city_words, plain_postcode
from dp_tools.profiling.comparisons.street import address_of
from dp_tools.profiling.comparisons.telephone import number_of
from dp_tools.profiling.identity.layout import Layout
from dp_tools.records import Record

_TELEPHONE = 7
"""Last digits of a telephone number that make a key."""
_START = 3
"""First letters of a word that stand for it where slips are likely."""
_SHORTEST = 4


def keys_of(layout: Layout, record: Record) -> set[str]:
    """The keys of a record: its mailbox, telephone, numbers, and its name with a place, a street or a day of birth."""
    return {
        key for keys in (_contacts(layout, record), _names(layout, record), _addresses(layout, record)) for key in keys
    }


def _contacts(layout: Layout, record: Record) -> Iterator[str]:
    for value in layout.values(record, "email"):
        if (box := mailbox(value)) is not None:
            yield f"mail {box.user}@{box.domain}"
            if not box.is_role and len(box.user) > _SHORTEST:
                yield f"user {box.user}"
                if len(box.parts) > 1:
                    yield f"user {' '.join(sorted(box.parts))}"
            if not box.is_private:
                yield f"domain {box.domain}"
                if layout.subject == "person" and not box.is_role:
                    yield f"at {box.domain} {box.parts[-1] if box.parts else ''}"
    for value in layout.values(record, "telephone"):
        if (number := number_of(value)) is not None and len(number.national) >= _TELEPHONE:
            yield f"telephone {number.national[-_TELEPHONE:]}"
    for value in layout.values(record, "number"):
        yield f"number {compact(value)[-8:]}"
    for value in layout.values(record, "web"):
        yield f"web {compact(value.casefold().removeprefix('https://').removeprefix('http://').removeprefix('www.'))[:12]}"


def _names(layout: Layout, record: Record) -> Iterator[str]:
    places = list(_places(layout, record))
    for words in _named(layout, record):
        yield f"name {' '.join(sorted(words))}"
        yield f"joined {''.join(words)}"
        for word in words:
            for place in places:
                yield f"{word[:_START]} {place}"
        if len(words) > 1:
            yield f"name {words[0][:1]} {words[-1]}"
            yield f"name {words[-1][:1]} {words[0]}"


def _named(layout: Layout, record: Record) -> Iterator[tuple[str, ...]]:
    if layout.subject == "person":
        if parts := layout.name(record):
            name: Name = name_of(*parts)
            if name.all:
                yield name.all
    elif layout.subject == "company":
        for value in layout.values(record, "company"):
            company = company_of(value)
            yield from (words for words in (company.core, company.aside) if words)


def _places(layout: Layout, record: Record) -> Iterator[str]:
    for value in layout.values(record, "birth"):
        yield from (day.isoformat() for day in days_of(value) or ())
    for value in layout.values(record, "postcode"):
        yield plain_postcode(value)
    for value in layout.values(record, "city"):
        yield " ".join(city_words(value))[:5]
    for value in layout.values(record, "street"):
        address = address_of(value)
        if address.street:
            yield "".join(sorted(address.street))[:6]
    for value in layout.values(record, "telephone"):
        if (number := number_of(value)) is not None:
            yield number.national[-_SHORTEST:]
    if layout.subject == "person":
        for value in layout.values(record, "company"):
            yield company_of(value).core[0]


def _addresses(layout: Layout, record: Record) -> Iterator[str]:
    for value in layout.values(record, "street"):
        address = address_of(value)
        where = [plain_postcode(code) for code in layout.values(record, "postcode")]
        where += [" ".join(city_words(city))[:5] for city in layout.values(record, "city")]
        if address.street and address.numbers:
            yield f"address {''.join(sorted(address.street))} {address.numbers[0]}"
            for place in where:
                yield f"house {address.numbers[0]} {address.unit} {place}"
                yield f"street {max(address.street, key=len)[:_SHORTEST]} {place}"
    for value in layout.values(record, "birth"):
        for day in days_of(value) or ():
            yield from (f"born {day.isoformat()} {plain_postcode(code)}" for code in layout.values(record, "postcode"))
            yield f"born {day.isoformat()}"
