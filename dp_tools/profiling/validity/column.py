"""The tests of validity that a column supports, by its kind and its values, and what they say of its cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from phonenumbers import SUPPORTED_REGIONS
from rapidfuzz.distance import OSA

from dp_tools.profiling.cell_facts import is_contradicted
from dp_tools.profiling.check_digits import CHECK_DIGITS, is_gtin, is_iban, passes
from dp_tools.profiling.column_concepts import meanings
from dp_tools.profiling.column_kinds import ColumnKind
from dp_tools.profiling.comparisons.countries import country_code
from dp_tools.profiling.comparisons.given_names import is_given_name
from dp_tools.profiling.comparisons.place import is_known_city, is_region
from dp_tools.profiling.facts import Beyond, Fact, Near, Odd, Shape
from dp_tools.profiling.kind import Kind
from dp_tools.profiling.validity.addresses import email_fault, web_address_fault
from dp_tools.profiling.validity.days import birth_fault, day_fault, far_day_fault
from dp_tools.profiling.validity.machine_addresses import (
    IP_V4,
    MACHINE_ADDRESSES,
    MachineAddress,
    may_be_version,
)
from dp_tools.profiling.validity.moments import clock_fault, day_of, days_in, is_moment, is_time
from dp_tools.profiling.validity.numbers import magnitude_fault, notation_of, sign_fault
from dp_tools.profiling.validity.postcodes import postcode_fault
from dp_tools.profiling.validity.rewriting import (
    Form,
    days_rewritten,
    emails_rewritten,
    numbers_rewritten,
    padded,
    telephones_rewritten,
)
from dp_tools.profiling.validity.telephones import telephone_fault
from dp_tools.profiling.value_formats import is_written, named_days, order_of, style_of
from dp_tools.records import Record

Find = Callable[[str, str | None], str | None]
"""Why a value cannot be one of its kind, given the code of its record's country; None where it can."""

KNOWN = 0.7
"""Probability from which a kind is taken for what a column holds."""
_FEWEST, _DIFFERENT = 4, 3
"""Values that must pass a test for it to count, and how many different ones."""
_CODES = 20
"""Different numbers from which on check digits that nearly all of them have are no chance."""
_REMEMBERED = 50_000
_ANSWER = 3
"""Times that a word must stand in a column of numbers to be one of its answers."""
_MANY_NUMBERS = 30
_WRONG_IBAN = "The check digits of this IBAN do not fit its other characters."
_DAYS = 20
"""Days that make a habit of how they are written."""
_OTHER_STYLE = "The column's days are written in another way."
_COUNTED = frozenset({"price", "cost", "salary", "quantity", "stock", "weight", "length", "width", "height"})
"""What columns are called whose numbers are seldom below 0; balances, margins and amounts are, too."""
_SIGNED = frozenset({"net", "gross", "amount", "revenue", "movement", "tax"})
_NO_NUMBERS: frozenset[Kind] = frozenset(
    (
        *("telephone", "postcode", "gtin", "iban", "tax number", "personal number", "serial number"),
        *("house number", "date", "date of birth", "time of export"),
    )
)
_NAMES: frozenset[Kind] = frozenset({"person name", "first name", "last name", "last name first"})
_TOLD: frozenset[Kind] = frozenset({"email", "web address", "telephone", "date", "date of birth", "iban", "gtin"})
"""Kinds of which code tells a value that is none; which of two right ones belongs here nobody tells by reading."""
_FREE_FORM: frozenset[Kind] = frozenset({"email", "web address", "telephone"})
"""Kinds of which a right value may be written in several ways."""
_OUTNUMBERS = 20
"""Times that another address must stand in the column for one that is only like it to be doubted."""
_OF_FORM = (Shape, Beyond, Odd)
_KNOWING: Mapping[Kind, Callable[[str], object]] = {
    "country": country_code,
    "city": is_known_city,
    "first name": is_given_name,
    "region": is_region,
}
_NEARLY_ALL = 0.9
"""Share of a column that makes it one of days, or of numbers with check digits."""
_LEAST_DIGITS = 7
_OWN_DIGITS: frozenset[Kind] = frozenset({"iban", "gtin", "telephone"})
"""Kinds whose check digits are tested by themselves, or that have none."""
_ARTICLES: Mapping[Kind, str] = {
    "email": "an e-mail address",
    "web address": "a web address",
    "telephone": "a telephone number",
    "date": "a day",
    "date of birth": "a day of birth",
    "iban": "an IBAN",
    "gtin": "an article number",
    "postcode": "a postcode",
    "country": "a country",
    "city": "a city",
    "first name": "a first name",
    "region": "a state or a province",
    "price": "an amount",
    "quantity": "a quantity",
}


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a column.

    Args:
        find: says why a value fails.
        certainty: probability that a value that fails is wrong.
        most: share of the column that may fail; where more does, the column is of another kind.
    """

    find: Find
    certainty: float = 0.95
    most: float = 0.1


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value cannot be right, and with what probability it is not."""

    reason: str
    certainty: float


class ColumnValidity:
    """One column with the tests that it supports.

    Args:
        name, kind: its name, and what it holds.
        cells: how often each filled value stands in it, by the country of the record.
    """

    def __init__(self, name: str, kind: ColumnKind, cells: Counter[tuple[str, str | None]]) -> None:
        self._cells = cells
        self._faults: dict[tuple[str, str | None], Fault | None] = {}
        self._counts = Counter[str]()
        for (value, _), times in cells.items():
            self._counts[value] += times
        self.kind: Kind = kind.kind if kind.probability >= KNOWN else "other"
        self._is_days = self._are_nearly_all(named_days)
        self._is_moments = self._are_nearly_all(is_moment)
        self._is_times = self._are_nearly_all(is_time)
        self._address = self._address_of_machines()
        self._check_digits = None if self._has_days or self.kind in _OWN_DIGITS else _check_digits_of(self._counts)
        is_number = not (self._has_days or self._is_times or self._check_digits or self.kind in _NO_NUMBERS)
        self.notation = notation_of(self._counts) if is_number else None
        concepts = {concept for _, meaning in meanings(name) for concept in meaning}
        # Whether its name says that its numbers are never below 0.
        self._is_counted = bool(concepts & _COUNTED) and not concepts & _SIGNED
        self._is_quantity = self.kind in ("price", "quantity") or self._is_counted
        self._tests = [test for test in self._candidates() if self._supports(test)]

    def fault(self, value: str, country: str | None) -> Fault | None:
        """Why a value, without the blanks around it, cannot be right; None where no test says so."""
        if not self._tests:
            return None
        key = value, country
        if key not in self._faults:
            if len(self._faults) >= _REMEMBERED:
                self._faults.clear()
            found = ((test.find(value, country), test.certainty) for test in self._tests)
            self._faults[key] = next((Fault(reason, sure) for reason, sure in found if reason is not None), None)
        return self._faults[key]

    def is_well_formed(self, value: str, country: str | None) -> bool:
        """See `TableValidity.is_well_formed`."""
        if value != value.strip() or not self._tests or self.fault(value, country) is not None:
            return False
        if self.notation is not None:
            return self._is_quantity and self.notation.fault(value) is None
        if self.kind in ("email", "web address") or (self._address is not None and self._address.holds(value)):
            return True
        return self.kind == "postcode" and country is not None and any(map(str.isdigit, value))

    def holds(self, value: str, country: str | None, facts: Sequence[Fact]) -> str | None:
        """See `TableValidity.holds`."""
        if value != value.strip() or self.fault(value, country) is not None:
            return None
        if self.is_known(value):
            others = [fact for fact in facts if not isinstance(fact, _OF_FORM)]
            return None if is_contradicted(others) else f"{value} is {_ARTICLES[self.kind]}."
        if not self._tests:
            return None
        formed = self.is_well_formed(value, country)
        # How a value of these kinds is written, and how far a number is from the quartiles, is no argument.
        free = formed or self.kind in _FREE_FORM
        evidence = [fact for fact in facts if not isinstance(fact, _OF_FORM)] if free else facts
        if self.kind in _FREE_FORM:
            evidence = [fact for fact in evidence if not isinstance(fact, Near) or _is_slip(value, fact)]
        if is_contradicted(evidence):
            return None
        if formed:
            if self.notation is not None and not self.notation.is_usual(value):
                return None
            article = self._address.article if self._address else _ARTICLES.get(self.kind, "a number")
            return f"It is {article} as the column has them."
        if self.kind in _TOLD or self._has_days:
            return f"It is {_ARTICLES.get(self.kind, 'a day')}, as the column's others are."
        return None

    def is_known(self, value: str) -> bool:
        """Whether a value is a word that no reader could take for another one: the name of a country, a city, ..."""
        knows = _KNOWING.get(self.kind)
        return knows is not None and bool(knows(value))

    def rewritten(self, value: str, record: Record, country: str | None) -> Iterator[Form]:
        """See `TableValidity.rewritten`."""
        if self.notation is not None:
            yield from numbers_rewritten(value, self.notation, record, positive=self._is_counted)
        elif self._is_days:
            yield from days_rewritten(value, self._counts)
        elif self.kind == "telephone":
            yield from telephones_rewritten(value, country, self._counts)
        elif self.kind == "email":
            yield from emails_rewritten(value, self._counts)
        elif self.kind in ("gtin", "postcode"):
            yield from padded(value, self._counts, checked=self.kind == "gtin")

    @property
    def _has_days(self) -> bool:
        return self._is_days or self._is_moments

    def _are_nearly_all(self, test: Callable[[str], object]) -> bool:
        passing = self._counts.total()
        enough = max(_FEWEST, _NEARLY_ALL * passing)
        for value, times in self._counts.items():
            if passing < enough:
                break
            passing -= 0 if test(value) else times
        return passing >= enough

    def _address_of_machines(self) -> MachineAddress | None:
        """The kind of address that nearly all values are."""
        found = next((one for one in MACHINE_ADDRESSES if self._are_nearly_all(one.holds)), None)
        if found is IP_V4 and self._are_nearly_all(may_be_version):
            return None
        return found

    def _supports(self, test: Test) -> bool:
        """Whether nearly all values pass a test."""
        failing = sum(times for cell, times in self._cells.items() if test.find(*cell) is not None)
        passing = self._cells.total() - failing
        different = len({value for value, _ in self._cells}) if passing >= _FEWEST else 0
        return different > _DIFFERENT and failing <= max(1, test.most * self._cells.total())

    def _candidates(self) -> Iterator[Test]:
        """The tests for what the column seems to hold, the most telling first."""
        yield from self._of_kind()
        if self._has_days:
            yield from self._of_days()
        if self._is_moments or self._is_times:
            yield Test(lambda value, _: clock_fault(value))
        if self._address is not None:
            address = self._address
            yield Test(lambda value, _: address.fault(value))
        yield from self._of_numbers()
        if self._check_digits is not None:
            yield Test(partial(_check_digit_fault, self._check_digits), most=0.05)

    def _of_kind(self) -> Iterator[Test]:
        if self.kind == "email":
            yield Test(lambda value, _: email_fault(value))
        elif self.kind == "web address":
            yield Test(lambda value, _: web_address_fault(value))
        elif self.kind == "telephone":
            yield Test(telephone_fault)
        elif self.kind == "postcode":
            yield Test(postcode_fault, certainty=0.9)
        elif self.kind == "country" and self._are_codes():
            yield Test(lambda value, _: _country_fault(value), certainty=0.9)
        elif self.kind in _NAMES:
            yield Test(lambda value, _: _name_fault(value), certainty=0.85, most=0.05)
        elif self.kind == "iban":
            yield Test(lambda value, _: None if is_iban(value) else _WRONG_IBAN)
        elif self.kind == "gtin":
            yield Test(lambda value, _: _gtin_fault(value), most=0.05)

    def _are_codes(self) -> bool:
        return sum(len(value) == 2 for value in self._counts) > _NEARLY_ALL * len(self._counts)

    def _of_days(self) -> Iterator[Test]:
        counts = self._counts if self._is_days else days_in(self._counts)
        style = style_of(counts) if counts.total() >= _DAYS else None
        yield self._test_of_days(day_fault(order_of(counts)))
        if style is not None:
            yield self._test_of_days(lambda day: None if is_written(day, style) else _OTHER_STYLE, certainty=0.9)
        if self.kind == "date of birth":
            yield self._test_of_days(birth_fault)
        else:
            yield self._test_of_days(far_day_fault(counts), certainty=0.7, most=0.01)

    def _test_of_days(self, find: Callable[[str], str | None], *, certainty: float = 0.95, most: float = 0.1) -> Test:
        """A test of the day that a value is, or that a moment is on."""
        if self._is_days:
            return Test(lambda value, _: find(value), certainty, most)
        return Test(lambda value, _: find(day) if (day := day_of(value)) else None, certainty, most)

    def _of_numbers(self) -> Iterator[Test]:
        notation = self.notation
        if notation is None:
            return
        if notation.filled >= _MANY_NUMBERS and self._is_counted:
            sign = sign_fault(notation)
            yield Test(lambda value, _: sign(value), certainty=0.85, most=0.02)
        magnitude = magnitude_fault(notation)
        yield Test(lambda value, _: magnitude(value), certainty=0.7, most=0.03)
        yield Test(lambda value, _: None if self._counts[value] >= _ANSWER else notation.fault(value), certainty=0.9)


def _check_digits_of(counts: Mapping[str, int]) -> str | None:
    """The way in which nearly all numbers of a column have check digits, whatever it is called; None for none."""
    numbers = [value for value in counts if sum(map(str.isdigit, value)) >= _LEAST_DIGITS]
    if len(counts) < _CODES or len(numbers) < _NEARLY_ALL * len(counts):
        return None
    fitting = (way for way in CHECK_DIGITS if sum(passes(way, value) for value in numbers) >= 0.95 * len(numbers))
    return next(fitting, None)


def _is_slip(value: str, near: Near) -> bool:
    """Whether an address may be another one, with one letter wrong; other people have addresses that are like it."""
    letters = ("".join(filter(str.isalpha, text.casefold())) for text in (value, near.value))
    return near.count >= _OUTNUMBERS or OSA.distance(*letters, score_cutoff=1) == 1


def _check_digit_fault(way: str, value: str, _: str | None) -> str | None:
    return None if passes(way, value) else f"The check digits {way} do not fit its other digits."


def _gtin_fault(value: str) -> str | None:
    text = re.sub(r"[\s-]", "", value.removesuffix(".0"))
    if not text.isdigit():
        return "An article number (GTIN) has digits only."
    if len(text) not in (8, 12, 13, 14):
        return f"An article number (GTIN) has 8, 12, 13 or 14 digits, and this one has {len(text)}."
    return None if is_gtin(text) else "The last digit of this article number (GTIN) does not fit the others."


def _country_fault(value: str) -> str | None:
    known = value.upper() in SUPPORTED_REGIONS or country_code(value) is not None
    return None if known or value.upper() in ("EU", "EL", "XI") else f"No country has the code {value}."


def _name_fault(value: str) -> str | None:
    return "A person's name has no digit in it." if any(map(str.isdigit, value)) else None
