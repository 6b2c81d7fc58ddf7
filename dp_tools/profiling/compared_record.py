"""A record read once for comparing it with others: its values as texts, numbers, notations and tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rapidfuzz import fuzz

from dp_tools.profiling.identifiers import codes_among, plain_code
from dp_tools.profiling.value_formats import readings
from dp_tools.records import Record, is_missing

_TOKEN = re.compile(r"[^\W_]+(?:[.\-'/][^\W_]+)*")
_DECIMAL = re.compile(r"[$€£¥]?\s?(-?[\d,]*\.\d+)\s?[$€£¥%]?")
_WHOLE = re.compile(r"^(\d+)\.0+$")
_READ = 400
_REMEMBERED = 16_384

Tokens = dict[str, str]
"""Tokens as they are compared, each with how it is written first."""


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """A value as it is compared.

    Args:
        text: in small letters, cut at 400 characters.
        decimal: the number with a decimal point that it is, with or without a sign of money or percent; years and
            counts have none.
        readings: what it may say, in one notation (see `dp_tools.profiling.value_formats.readings`).
        tokens: its words and numbers.
    """

    text: str
    decimal: float | None
    readings: tuple[str, ...]
    tokens: Tokens

    def says_the_same(self, other: ComparedValue) -> bool:
        """Whether two values are one in two notations."""
        return self.text != other.text and not set(self.readings).isdisjoint(other.readings)

    def texts(self, other: ComparedValue) -> tuple[str, str]:
        """What is compared of two values; notation plays no part where code can read both."""
        if self.readings and other.readings:
            return self.readings[0], other.readings[0]
        return self.text, other.text

    def nearness(self, other: ComparedValue) -> float | None:
        """How near two numbers are, in percent, 100 only if they are equal; None where one is none."""
        if self.decimal is None or other.decimal is None:
            return None
        if self.decimal == other.decimal:
            return 100.0
        apart = abs(self.decimal - other.decimal) / max(abs(self.decimal), abs(other.decimal))
        return min(99.0, max(0.0, 100 * (1 - apart)))

    def similarity(self, other: ComparedValue) -> float:
        """How alike two values are, in percent: numbers by how near they are, all else by characters."""
        near = self.nearness(other)
        return fuzz.token_sort_ratio(*self.texts(other)) if near is None else near


class ComparedRecord:
    """A record as it is compared.

    Args:
        record: values by attribute.
    """

    def __init__(self, record: Record) -> None:
        self.values = {
            name: read_value(value) for name, value in record.items() if value is not None and not is_missing(value)
        }
        self.missing = record.keys() - self.values.keys()
        self._tokens_without: dict[frozenset[str], Tokens] = {}

    @cached_property
    def tokens(self) -> Tokens:
        """Those of all values."""
        return joined_tokens(self.values.values())

    def with_values(self, values: dict[str, ComparedValue]) -> ComparedRecord:
        """The record with some of its values in the notation of another."""
        found = ComparedRecord({})
        found.values, found.missing = {**self.values, **values}, self.missing
        return found

    def tokens_without(self, names: frozenset[str]) -> Tokens:
        """Those of the values of all other attributes; the same for each of the many records it is compared with."""
        found = self._tokens_without.get(names)
        if found is None:
            found = joined_tokens(value for name, value in self.values.items() if name not in names)
            self._tokens_without[names] = found
        return found

    @cached_property
    def run(self) -> str:
        """The tokens one after the other, in which a token of the other side may stand as a part of another."""
        return "".join(self.tokens)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The tokens with digits."""
        return frozenset(filter(has_digit, self.tokens))

    @cached_property
    def codes(self) -> frozenset[str]:
        """The tokens that name one thing."""
        return frozenset(codes_among(self.numbers))


@lru_cache(maxsize=_REMEMBERED)  # makers, colours and years stand in many records
def read_value(value: str) -> ComparedValue:
    """A value that is not missing, as it is compared."""
    text = value.lower()[:_READ]
    number = _DECIMAL.fullmatch(value.strip())
    decimal = float(number[1].replace(",", "")) if number else None
    return ComparedValue(text, decimal, readings(text), _tokens(text))


def compared_tokens(record: Record) -> Tokens:
    """The tokens of a record that is compared with no other, only counted."""
    found: Tokens = {}
    for value in record.values():
        if value is not None and not is_missing(value):
            found |= _tokens(value.lower()[:_READ])
    return found


def _tokens(text: str) -> Tokens:
    found: Tokens = {}
    for token in _TOKEN.findall(text):
        written = _WHOLE.sub(r"\1", token)  # one spelling for a number: "2005.0" and "2005.00" are "2005"
        found.setdefault(plain_code(written), written)
    return found


def joined_tokens(values: Iterable[ComparedValue]) -> Tokens:
    """The tokens of several values."""
    found: Tokens = {}
    for value in values:
        for token, written in value.tokens.items():
            found.setdefault(token, written)
    return found


@lru_cache(maxsize=_REMEMBERED)
def has_digit(token: str) -> bool:
    """Whether a token is or holds a number."""
    return any(map(str.isdigit, token))
