"""What a record holds in each slot: as it is compared, and as tokens that tell how common it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from dp_tools.profiling.comparisons import Comparison, compare_names_of_people, compare_values
from dp_tools.profiling.comparisons.company import company_of
from dp_tools.profiling.comparisons.comparison import MISSING, STRENGTH
from dp_tools.profiling.comparisons.countries import country_code
from dp_tools.profiling.comparisons.day import days_of
from dp_tools.profiling.comparisons.email import mailbox
from dp_tools.profiling.comparisons.folding import compact
from dp_tools.profiling.comparisons.person_name import name_of
from dp_tools.profiling.comparisons.place import city_words, plain_postcode
from dp_tools.profiling.comparisons.street import address_of
from dp_tools.profiling.comparisons.telephone import number_of
from dp_tools.profiling.identity.layout import Layout, Slot, Subject
from dp_tools.profiling.kind import Kind
from dp_tools.records import Record

SLOTS: tuple[Slot, ...] = (
    *("name", "company", "email", "telephone", "street"),
    *("postcode", "city", "country", "birth", "number", "web"),
)
"""Slots whose values are compared one by one, in the order of a reason's words."""
_KIND_OF: Mapping[Slot, Kind] = {
    "company": "company",
    "email": "email",
    "telephone": "telephone",
    "street": "street",
    "postcode": "postcode",
    "city": "city",
    "country": "country",
    "birth": "date of birth",
    "number": "tax number",
    "web": "web address",
}


NAMED: Mapping[Subject, Slot] = {"person": "name", "company": "company", "address": "street"}
"""What names the records of each subject."""
WORDED: frozenset[Slot] = frozenset({"name", "company"})
"""Slots whose values are words that come together in other values, too."""
ANY = ""
"""The token of a worded slot that every record has which holds anything in it."""


class Held(NamedTuple):
    """What a record holds in a slot.

    Args:
        values: the parts of a name, or the values of all columns of the slot.
        region: the country of the record, for its telephone numbers.
    """

    values: tuple[str, ...]
    region: str | None = None


def held(layout: Layout, slot: Slot, record: Record) -> Held | None:
    """What a record holds in a slot; None where it has nothing."""
    values = layout.name(record) if slot == "name" else layout.values(record, slot)
    if not values:
        return None
    return Held(values, _region(layout, record) if slot == "telephone" else None)


def columns_of(layout: Layout, slot: Slot) -> Sequence[str]:
    """The columns that tell what a record holds in a slot."""
    if slot == "name":
        return layout.names
    own = layout.columns.get(slot, ())
    return (*own, *layout.columns.get("country", ())) if own and slot == "telephone" else own


@lru_cache(maxsize=2**17)
def compare_held(slot: Slot, left: Held, right: Held) -> Comparison:
    """The comparison that says most for a match, of all values of either side.

    It is remembered, since a list whose numbers teach its weights is judged twice.
    """
    if slot == "name":
        return compare_names_of_people(left.values, right.values)
    found = MISSING
    for one in left.values:
        for two in right.values:
            compared = compare_values(_KIND_OF[slot], one, two, regions=(left.region, right.region))
            if STRENGTH[compared.level] > STRENGTH[found.level]:
                found = compared
    return found


def tokens_of(layout: Layout, record: Record) -> Iterator[tuple[Slot, str]]:
    """What a record has in each slot, as `Comparison.shared` gives it."""
    if parts := layout.name(record):
        yield "name", ANY
        yield from (("name", word) for word in name_of(*parts).all)
    for slot, tokens in _TOKENS.items():
        for value in layout.values(record, slot):
            if slot in WORDED:
                yield slot, ANY
            yield from ((slot, token) for token in tokens(value))


def likely_keys(layout: Layout, tokens: Iterable[tuple[Slot, str]]) -> list[tuple[str, ...]]:
    """What two records share that are probably one: the whole name, and a token of another slot.

    Args:
        layout: of the record.
        tokens: of the record (see `tokens_of`).
    """
    named = NAMED[layout.subject]
    found = sorted({(slot, token) for slot, token in tokens if token != ANY})
    name = " ".join(token for slot, token in found if slot == named)
    return [(name, slot, token) for slot, token in found if slot != named] if name else []


def _region(layout: Layout, record: Record) -> str | None:
    return next((code for value in layout.values(record, "country") if (code := country_code(value))), None)


def _of_email(value: str) -> list[str]:
    box = mailbox(value)
    return [] if box is None else [f"{box.user}@{box.domain}", box.user, box.domain]


def _of_telephone(value: str) -> list[str]:
    number = number_of(value)
    return [] if number is None else [number.national[-9:], number.national[:-3]]


def _of_street(value: str) -> list[str]:
    address = address_of(value)
    return ["".join((*sorted(address.street), *address.numbers[:1]))]


_TOKENS: Mapping[Slot, Callable[[str], Sequence[str]]] = {
    "company": lambda value: company_of(value).core,
    "email": _of_email,
    "telephone": _of_telephone,
    "street": _of_street,
    "postcode": lambda value: [plain_postcode(value)],
    "city": lambda value: list(city_words(value)),
    "birth": lambda value: [day.isoformat() for day in days_of(value) or ()],
    "number": lambda value: [compact(value)],
}
