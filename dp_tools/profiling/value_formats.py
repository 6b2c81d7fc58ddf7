"""Value formats: the meaning of dates, telephone numbers, amounts and web addresses, however they are written.

Two sources seldom write these alike, and how alike their characters are tells nothing then: "9/24/1986" is the day
"1986-09-24", and "(473) 527-6924" the number "+1 473 527 6924".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Literal

Order = Literal["month first", "day first"]
"""Which of a day's two leading numbers is the month."""

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_STYLES = (
    *("{y:04}-{m:02}-{d:02}", "{y:04}/{m:02}/{d:02}", "{y:04}.{m:02}.{d:02}"),
    *("{m}/{d}/{y:04}", "{m:02}/{d:02}/{y:04}", "{m}/{d}/{yy:02}", "{m:02}/{d:02}/{yy:02}", "{m:02}-{d:02}-{y:04}"),
    *("{d}/{m}/{y:04}", "{d:02}/{m:02}/{y:04}", "{d}.{m}.{y:04}", "{d:02}.{m:02}.{y:04}", "{d:02}-{m:02}-{y:04}"),
    *("{d} {month:.3} {y:04}", "{d:02} {month:.3} {y:04}", "{d:02}-{month:.3}-{y:04}", "{d:02}-{month:.3}-{yy:02}"),
    *("{d} {month} {y:04}", "{d:02} {month} {y:04}", "{month} {d}, {y:04}", "{month:.3} {d}, {y:04}"),
)
"""How days are mostly written."""
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[t ]00:00(?::00)?)?")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})")
_MONTH_FIRST = re.compile(r"([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)? ?,? (\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([a-z]{3,9})\.?,?[ -](\d{4}|\d{2})")
_AMOUNT = re.compile(r"[$€£¥]? ?(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?) ?[$€£¥]?")
_TELEPHONE = re.compile(r"\+?[\d(][\d ()/.-]{6,}\d")
_TELEPHONE_DIGITS = 9
_USUAL = 0.9
"""Share of a column's days that make a habit."""
_TELLING = 0.2
"""Share of them that must tell in which order they put month and day; of days of a whole year three fifths do."""
_WEB = re.compile(r"(?:https?://)?(?:www\.)?([^/\s]+\.[a-z]{2,}(?:/\S*)?)")


@lru_cache(maxsize=4096)  # a record stands in many candidate pairs
def readings(value: str) -> tuple[str, ...]:
    """What a value may say, in one notation; () where it is of none of these kinds. A day may have two readings."""
    text = _plain(value)
    if days := _days(text):
        return tuple(dict.fromkeys(day.isoformat() for day in days))
    if (found := _AMOUNT.fullmatch(text)) and (len(found[1]) < _TELEPHONE_DIGITS or not found[1].isdigit()):
        return (f"{float(found[1].replace(',', '')):.12g}",)
    if _TELEPHONE.fullmatch(text) and _TELEPHONE_DIGITS <= len(digits := re.sub(r"\D", "", text)) <= 15:
        return _subscribers(digits, abroad=text.startswith("+"))
    if found := _WEB.fullmatch(text):
        return (found[1].rstrip("/"),)
    return ()


def _subscribers(digits: str, *, abroad: bool) -> tuple[str, ...]:
    """The numbers that may be called inside a country; a country's own takes one to three digits, mostly two."""
    if abroad:
        return tuple(digits[cut:] for cut in ((1, 2, 3) if digits.startswith("1") else (2, 1, 3)))
    return ((digits.removeprefix("1") if len(digits) == 11 else digits).lstrip("0"),)


def named_days(value: str, order: Order | None = None) -> list[date] | None:
    """The days that a value names: two where day and month may have changed places, none where it is written as a day
    that no calendar has (30 February), and None where it is not written as a day.

    Args:
        value: of a cell.
        order: the one in which numbers with the year last are read; None for either.
    """
    return _days(_plain(value), order)


def order_of(counts: Mapping[str, int]) -> Order | None:
    """The order in which the days of a column put month and day, or None where they do not tell.

    A day above the twelfth tells. Days of a month's beginning never do, so a few that are otherwise tell nothing.

    Args:
        counts: how often each value occurs; those that are not written as days do not count.
    """
    orders: Counter[Order] = Counter()
    days = 0
    for value, count in counts.items():
        month_first, day_first = named_days(value, "month first"), named_days(value, "day first")
        days += count if month_first or day_first else 0
        if bool(month_first) != bool(day_first):
            orders["month first" if month_first else "day first"] += count
    order, votes = max(orders.items(), key=lambda pair: pair[1], default=(None, 0))
    return order if votes >= _TELLING * days and votes >= _USUAL * orders.total() else None


def _days(text: str, order: Order | None = None) -> list[date] | None:
    if found := _YEAR_FIRST.fullmatch(text):
        return _day(found[1], int(found[2]), found[3])
    if found := _YEAR_LAST.fullmatch(text):
        month_first, day_first = _day(found[3], int(found[1]), found[2]), _day(found[3], int(found[2]), found[1])
        return {"month first": month_first, "day first": day_first}.get(order or "", [*month_first, *day_first])
    if (found := _MONTH_FIRST.fullmatch(text)) and (month := _month(found[1])):
        return _day(found[3], month, found[2])
    if (found := _DAY_FIRST.fullmatch(text)) and (month := _month(found[2])):
        return _day(found[3], month, found[1])
    return None


def written(day: date, style: str) -> str:
    """A day in a style that `style_of` found."""
    month = _MONTHS[day.month - 1].capitalize()
    return style.format(y=day.year, yy=day.year % 100, m=day.month, d=day.day, month=month)


def is_written(value: str, style: str) -> bool:
    """Whether a value is a day that is written in a style that `style_of` found."""
    return value.strip() in {written(day, style) for day in named_days(value) or ()}


def style_of(counts: Mapping[str, int]) -> str | None:
    """The style in which nine tenths of the days are written, or None.

    Args:
        counts: how often each value occurs; those that are not written as days do not count.
    """
    days = {value: (found, count) for value, count in counts.items() if (found := named_days(value))}
    best, most = None, _USUAL * sum(count for _, count in days.values())
    for style in _STYLES:
        alike = sum(count for value, (found, count) in days.items() if value in {written(day, style) for day in found})
        if alike > most:
            best, most = style, alike
    return best


def _plain(value: str) -> str:
    return " ".join(value.lower().split())


def _month(word: str) -> int:
    """The number of a month, by its name or how that begins; 0 for any other word."""
    return next((number for number, name in enumerate(_MONTHS, 1) if name.startswith(word)), 0)


def _day(year: str, month: int, day: str) -> list[date]:
    try:
        return [date(_full(int(year)) if len(year) == 2 else int(year), month, int(day))]
    except ValueError:
        return []


def _full(year: int) -> int:
    return year + (1900 if year > 40 else 2000)
