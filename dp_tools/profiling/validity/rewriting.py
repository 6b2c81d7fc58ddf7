"""A right value in another form, in the form that its column has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException

from dp_tools.profiling.check_digits import is_gtin
from dp_tools.profiling.comparisons.amount import currency_of
from dp_tools.profiling.validity.addresses import email_fault
from dp_tools.profiling.validity.numbers import Notation, read_number
from dp_tools.profiling.value_formats import Order, named_days, style_of, written
from dp_tools.records import Record


class Form(NamedTuple):
    """A value in another form.

    Args:
        text: the value.
        doubt: what speaks against writing it so unasked; "" for nothing.
        certainty: how sure it is that this is what the value means, 0 to 1.
    """

    text: str
    doubt: str = ""
    certainty: float = 1.0


_EITHER = 0.6
"""Certainty of one of two readings of a day."""

_UNIT = "The unit would be lost."
_SIGN = "The sign may be right."
_SERIAL = "It may be a number, and no day that a spreadsheet counted."
_GUESSED = "The address may be another one."
_PARTS = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
_SPREADSHEET = re.compile(r"[2-6]\d{4}(?:\.0)?")
_EPOCH = 693_594
"""The day before the first that a spreadsheet counts (30 December 1899), as an ordinal."""
_OFTEN = 3
_MOST = 0.9


def numbers_rewritten(value: str, notation: Notation, record: Record, *, positive: bool) -> Iterator[Form]:
    """A number in its column's notation.

    Args:
        value: as it is written.
        notation: of its column.
        record: whose other cells may say what unit it is in.
        positive: whether the column's numbers are never below 0.
    """
    text = notation.written(value)
    if text is None:
        return
    number = notation.number(value) or read_number(value, "," if notation.mark == "." else ".")
    unit = "" if number is None else number.around
    known = not unit or any(_says_the_same(unit, other) for other in record.values() if other and other != value)
    if positive and text.startswith("-"):
        yield Form(text.removeprefix("-"), _SIGN)
    else:
        yield Form(text, "" if known else _UNIT)


def _says_the_same(unit: str, other: str) -> bool:
    """Whether another cell of the record holds the unit or the currency."""
    return unit.casefold() == other.strip().casefold() or (
        currency_of(unit) is not None and currency_of(unit) == currency_of(other)
    )


def days_rewritten(value: str, counts: Mapping[str, int]) -> Iterator[Form]:
    """A day in its column's notation.

    Where day and month may have changed places, the column's other values that are written so tell which is which, and
    otherwise a person.

    Args:
        value: as it is written.
        counts: how often each value of the column occurs.
    """
    style = style_of(counts)
    if style is None:
        return
    if _SPREADSHEET.fullmatch(value):
        yield Form(written(date.fromordinal(_EPOCH + int(value.removesuffix(".0"))), style), _SERIAL)
    days = list(dict.fromkeys(named_days(value) or ()))
    if "." in value:  # Where dots part them, the day mostly comes first.
        days.reverse()
    order = _order_of_alike(value, counts) if len(days) > 1 else None
    days = list(named_days(value, order) or ()) if order else days
    for day in days:
        others = " or ".join(written(other, style) for other in days if other != day)
        yield Form(written(day, style), f"It may be {others}.", _EITHER) if others else Form(written(day, style))


def _order_of_alike(value: str, counts: Mapping[str, int]) -> Order | None:
    """The order in which the column's values that are written as this one is put month and day."""
    own = _PARTS.fullmatch(value.strip())
    if own is None:
        return None
    first = second = 0
    for other in counts:
        found = _PARTS.fullmatch(other.strip())
        if found is not None and found[2] == own[2]:
            first, second = first + (int(found[1]) > 12), second + (int(found[3]) > 12)
    if bool(first) == bool(second):
        return None
    return "day first" if first else "month first"


def telephones_rewritten(value: str, country: str | None, counts: Mapping[str, int]) -> Iterator[Form]:
    """A telephone number as nearly all others of its column are written: with + or 00, or with separators in the same
    places."""
    total = sum(counts.values())
    for ours, theirs in (("00", "+"), ("+", "00")):
        if value.startswith(ours) and sum(n for v, n in counts.items() if v.startswith(theirs)) >= _MOST * total:
            yield Form(theirs + value.removeprefix(ours))
    masks = Counter[str]()
    for other, times in counts.items():
        masks[re.sub(r"\d", "9", other)] += times
    mask, times = masks.most_common(1)[0] if masks else ("", 0)
    if times < _MOST * total or not mask:
        return
    for digits in _national(value, country):
        if len(digits) == mask.count("9"):
            yield Form("".join(map("".join, zip(mask.split("9"), (*digits, ""), strict=True))))


def _national(value: str, country: str | None) -> list[str]:
    """The digits of a number as they are dialled, without and with the country's code."""
    plain = re.sub(r"\D", "", value)
    try:
        number = phonenumbers.parse(re.sub(r"^00", "+", value), country)
    except NumberParseException:
        return [plain]
    national = phonenumbers.national_significant_number(number)
    return list(dict.fromkeys((plain, national, f"0{national}", f"{number.country_code}{national}")))


def emails_rewritten(value: str, counts: Mapping[str, int]) -> Iterator[Form]:
    """What an address with a slip may have been, at a domain that the column has often."""
    domains = Counter[str]()
    for other, times in counts.items():
        domains[other.rpartition("@")[2]] += times
    known = sorted((domain for domain, times in domains.items() if domain and times >= _OFTEN), key=len, reverse=True)
    for text in (value.replace("@@", "@"), value.replace(" ", ""), value.replace(",", ".")):
        if text != value and email_fault(text) is None and text.rpartition("@")[2] in known:
            yield Form(text, _GUESSED)
    if "@" not in value:
        ends = next((domain for domain in known if value.endswith(domain) and len(value) > len(domain)), None)
        if ends is not None:
            user = value.removesuffix(ends).rstrip(". ")
            text = f"{user}@{ends}"
            if email_fault(text) is None:
                yield Form(text, _GUESSED)


def padded(value: str, counts: Mapping[str, int], *, checked: bool) -> Iterator[Form]:
    """A number to which a spreadsheet left no zeros at its beginning, or to which it added ".0".

    Args:
        value: as it is written.
        counts: how often each value of the column occurs.
        checked: whether its check digit tells that the zeros belong to it.
    """
    text = value.removesuffix(".0")
    lengths = Counter[int]()
    for other, times in counts.items():
        lengths[len(other)] += times
    length, times = lengths.most_common(1)[0] if lengths else (0, 0)
    if text.isdigit() and len(text) <= length <= len(text) + 3 and times >= _MOST * sum(counts.values()):
        whole = text.zfill(length)
        if not checked or is_gtin(whole):
            yield Form(whole, "" if checked or text == whole else "It may have another digit too few.")
