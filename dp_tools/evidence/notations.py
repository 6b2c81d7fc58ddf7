"""What a value says, however it is written: dates, telephone numbers, amounts and web addresses.

Two sources seldom write these alike, and how alike their characters are tells nothing then: "9/24/1986" is the day
"1986-09-24", and "(473) 527-6924" the number "+1 473 527 6924".
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[t ]00:00(?::00)?)?")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})")
_MONTH_FIRST = re.compile(r"([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)? ?,? (\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([a-z]{3,9})\.?,?[ -](\d{4}|\d{2})")
_AMOUNT = re.compile(r"[$€£¥]? ?(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?) ?[$€£¥]?")
_TELEPHONE = re.compile(r"\+?[\d(][\d ()/.-]{6,}\d")
_TELEPHONE_DIGITS = 9
_WEB = re.compile(r"(?:https?://)?(?:www\.)?([^/\s]+\.[a-z]{2,}(?:/\S*)?)")


@lru_cache(maxsize=4096)  # a record stands in many candidate pairs
def readings(value: str) -> tuple[str, ...]:
    """What a value may say, in one notation; () where it is of none of these kinds. A day may have two readings."""
    text = " ".join(value.lower().split())
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


def _days(text: str) -> list[date]:
    """The days that a text may name; two where day and month may have changed places."""
    if found := _YEAR_FIRST.fullmatch(text):
        return _day(found[1], found[2], found[3])
    if found := _YEAR_LAST.fullmatch(text):
        return [*_day(found[3], found[1], found[2]), *_day(found[3], found[2], found[1])]
    if found := _MONTH_FIRST.fullmatch(text):
        return _day(found[3], _MONTHS.get(found[1][:3]), found[2])
    if found := _DAY_FIRST.fullmatch(text):
        return _day(found[3], _MONTHS.get(found[2][:3]), found[1])
    return []


def _day(year: str, month: str | int | None, day: str) -> list[date]:
    try:
        return [date(_full(int(year)) if len(year) == 2 else int(year), int(month or 0), int(day))]
    except ValueError:
        return []


def _full(year: int) -> int:
    return year + (1900 if year > 40 else 2000)
