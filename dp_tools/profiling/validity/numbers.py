"""How the numbers of a column are written, and which of them cannot be among the others."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Mark = Literal[".", ","]
MARKS: tuple[Mark, ...] = (".", ",")

_SPACES = "\u00a0\u202f\u2009 "
_PLAIN = {
    ".": re.compile(rf"(?:\d{{1,3}}(?:[,'’{_SPACES}]\d{{3}})+|\d+)(?:\.\d+)?|\.\d+"),
    ",": re.compile(rf"(?:\d{{1,3}}(?:[.'’{_SPACES}]\d{{3}})+|\d+)(?:,\d+)?"),
}
_BLANKS = rf"[{_SPACES}]*"
_AROUND = re.compile(
    _BLANKS.join(
        (
            r"([^\d.,()+\-−]*?)",
            r"(\(?)",
            r"([-+−]?)",
            r"([^\d.,()+\-−]*?)",
            rf"([-−]?)(\d[\d.,'’{_SPACES}]*|\.\d+)",
            r"([^\d.,()]*?)",
            r"(\)?)([-−]?)",
        )
    )
)
"""A number with what may stand around it: a currency or a unit, a sign, brackets for minus."""
_LONGEST = 60
"""Characters of a number with what is around it."""
_MOST = 0.9
"""Share of a column's values that must be numbers in one notation."""
_FEWEST = 20
_DISTINCT = 10
_TAIL = 9.0
"""How many times as far from the next number one must be as the column's own tail lets expect. In columns drawn from
normal, lognormal, exponential, gamma, uniform and Pareto distributions of 30 to 1,000 values, at most four in
a thousand have such a number."""
_FACTOR = math.log10(5)
_QUARTILES = 2.0
_NARROW = math.log10(1.5)
"""Least span of the quartiles, on a scale of powers of ten: a column of nearly one number has no other."""
_FEW_FAR = 3
"""Numbers on one side up to which those that are far are slips and no group of their own."""
_FACTORS = math.log10(50)
"""How far several of them must be, which are a group of their own more often than one is."""
_BEHIND = 15
"""Numbers behind one that say how the tail of its column falls."""
_FENCE = 3.0
"""Times the span of the quartiles, on that scale, from which on a number is not usual."""
_GROUP = 3
"""Digits that a mark between thousands parts."""
_DIVIDED = 0.1
"""Share of the numbers from which on a second notation is usual, too."""
_TWICE = math.log10(2)
_ROUNDING = 1e-9
_WHOLE = 1e-3
"""How far, of its size, a number that was worked out from rounded ones may be from a whole one."""
_OFTEN = 0.02
"""Share of a column's numbers from which on a sign, or a zero, is usual."""


class Number(NamedTuple):
    """A number as it is written.

    Args:
        value: the number.
        around: what is written around it: a currency, a unit, a percent sign.
        whole, fraction: its digits before and behind the decimal mark.
        parted: whether there are marks between thousands.
    """

    value: float
    around: str
    whole: str
    fraction: str
    parted: bool


@dataclass(frozen=True, slots=True)
class Notation:
    """How the numbers of a column are written.

    Args:
        mark: what stands before the fraction.
        around: what most values have around the number; "" for nothing.
        thousands: what nearly all greater numbers have between thousands, "" for nothing; None where some have marks.
        whole: whether nearly all numbers are without a fraction.
        far: the numbers that are far from all others, on a scale of powers of ten.
        low, high: the least and the greatest of the others.
        usual: the least and the greatest distance from 0 that the quartiles of that scale let expect.
        negative, zero: shares of the numbers below 0, and of zeros.
        filled: numbers that this is counted over.
    """

    mark: Mark
    around: str
    thousands: str | None
    whole: bool
    far: frozenset[float]
    low: float
    high: float
    usual: tuple[float, float]
    negative: float
    zero: float
    filled: int

    def number(self, value: str) -> Number | None:
        """The number that a value is in this notation, whatever is around it; None where it is none."""
        return read_number(value, self.mark)

    def may_be(self, number: float) -> bool:
        """Whether a number may stand in the column: it is not far from the least and greatest, and whole if all are."""
        is_whole = abs(number - round(number)) <= _WHOLE * max(1.0, abs(number))
        low, high = min(self.low / 2, 2 * self.low), max(self.high / 2, 2 * self.high)
        return low <= number <= high and (is_whole or not self.whole)

    def fault(self, value: str) -> str | None:
        """Why a value is not written as the numbers of the column are."""
        number = self.number(value)
        if number is None:
            return "The column's other values are numbers, and this one is not written as they are."
        if number.around != self.around:
            unit = f"with {self.around}" if self.around else "without a unit or currency"
            return f"The column's other values are numbers {unit}."
        if len(number.whole) > _GROUP and self.thousands is not None and number.parted != bool(self.thousands):
            marks = "marks" if self.thousands else "no marks"
            return f"The column's other numbers have {marks} between thousands."
        if self.whole and number.fraction and not number.fraction.strip("0"):
            return "The column's other numbers are whole, and have no decimal places."
        return None

    def written(self, value: str) -> str | None:
        """The number that a value is, whatever its notation, in this one; None where it is none, and in a column whose
        numbers have something around them."""
        number = self.number(value) or read_number(value, "," if self.mark == "." else ".")
        if number is None or self.around:
            return None
        whole = number.whole or "0"
        if self.thousands:
            whole = f"{int(whole):,}".replace(",", self.thousands)
        fraction = "" if self.whole and not number.fraction.strip("0") else number.fraction
        return f"{'-' if number.value < 0 else ''}{whole}{self.mark if fraction else ''}{fraction}"

    def is_usual(self, value: str) -> bool:
        """Whether it is one that neither its sign nor its magnitude sets apart."""
        number = self.number(value)
        if number is None or number.around != self.around:
            return False
        if not number.value:
            return self.zero >= _OFTEN
        signed = number.value > 0 or self.negative >= _OFTEN
        return signed and self.usual[0] <= abs(number.value) <= self.usual[1]


def read_number(value: str, mark: Mark) -> Number | None:
    """The number that a value is where `mark` stands before a fraction; brackets and a sign behind mean minus."""
    text = " ".join(value.split())
    found = _AROUND.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    before, opening, sign, inner, near, digits, behind, closing, last = found.groups()
    if bool(opening) != bool(closing) or not _PLAIN[mark].fullmatch(digits.strip()):
        return None
    minus = bool(opening) or any(one in ("-", "−") for one in (sign, near, last))
    whole, _, fraction = digits.strip().partition(mark)
    plain = re.sub(r"\D", "", whole)
    number = float(f"{plain or 0}.{fraction or 0}")
    around = "".join(f"{before}{inner}{behind}".split())
    return Number(-number if minus else number, around, plain, fraction, plain != whole)


def numbers_of(counts: Mapping[str, int]) -> tuple[Mark, dict[str, Number]]:
    """The values of a column that are numbers, by the decimal mark with which most of them are, and that mark.

    Args:
        counts: how often each filled value occurs.
    """
    best: tuple[int, Mark, dict[str, Number]] = (0, ".", {})
    for mark in MARKS:
        numbers = {value: number for value in counts if (number := read_number(value, mark))}
        total = sum(counts[value] for value in numbers)
        if total > best[0]:
            best = total, mark, numbers
    return best[1:]


def notation_of(counts: Mapping[str, int]) -> Notation | None:
    """How the numbers of a column are written; None where it is no column of numbers, or of too few.

    Args:
        counts: how often each filled value occurs.
    """
    filled = sum(counts.values())
    if filled < _FEWEST:
        return None
    mark, numbers = numbers_of(counts)
    around: dict[str, int] = {}
    for value, number in numbers.items():
        around[number.around] = around.get(number.around, 0) + counts[value]
    usual = max(around, key=lambda one: around[one], default="")
    alike = {value: number.value for value, number in numbers.items() if number.around == usual}
    if around.get(usual, 0) < _MOST * filled or len(set(alike.values())) < _DISTINCT:
        return None
    every = sorted(number for value, number in alike.items() for _ in range(min(counts[value], 1000)))
    far = _far(every)
    near = [number for number in every if number not in far]
    negative, zero = (sum(map(is_so, every)) / len(every) for is_so in (lambda n: n < 0, lambda n: n == 0))
    thousands, is_whole = _thousands(numbers, mark), _is_whole(numbers)
    return Notation(mark, usual, thousands, is_whole, far, near[0], near[-1], _fence(every), negative, zero, len(every))


def _thousands(numbers: Mapping[str, Number], mark: Mark) -> str | None:
    """What stands between thousands; "" for nothing, None where they differ, or where few are so great."""
    great = [value for value, number in numbers.items() if len(number.whole) > _GROUP]
    parted = [value for value in great if numbers[value].parted]
    if len(great) < _FEWEST or _DIVIDED * len(great) < len(parted) < (1 - _DIVIDED) * len(great):
        return None
    marks = [re.sub(rf"\d|[^,.'’{_SPACES}]", "", value.partition(mark)[0].strip())[:1] for value in parted]
    return max(marks, key=marks.count) if len(parted) > len(great) / 2 else ""


def _is_whole(numbers: Mapping[str, Number]) -> bool:
    return sum(bool(number.fraction) for number in numbers.values()) <= _DIVIDED / 2 * len(numbers)


def _fence(numbers: list[float]) -> tuple[float, float]:
    """The least and the greatest usual distance from 0: what the quartiles let expect, and beyond it every number that
    is less than twice its neighbour."""
    logs = sorted(math.log10(abs(number)) for number in numbers if number)
    first, third = logs[len(logs) // 4], logs[3 * len(logs) // 4]
    reach = _FENCE * max(third - first, _NARROW)
    low, high = first - reach, third + reach
    for log in reversed(logs):
        low = log if low - _TWICE < log < low else low
    for log in logs:
        high = log if high < log < high + _TWICE else high
    return 10 ** (low - _ROUNDING), 10 ** (high + _ROUNDING)


def _far(numbers: list[float]) -> frozenset[float]:
    """Numbers that a gap parts from all others, which their own tail does not let expect."""
    logs = sorted(math.log10(abs(number)) for number in numbers if number)
    if len(logs) < _FEWEST + _DISTINCT:
        return frozenset()
    upper = _beyond(logs)
    lower = _beyond([-log for log in reversed(logs)])
    return frozenset(
        number
        for number in numbers
        if number and ((upper and math.log10(abs(number)) >= upper) or (lower and -math.log10(abs(number)) >= lower))
    )


def _beyond(logs: list[float]) -> float | None:
    """Where the numbers begin that are far above the others, of logarithms in order; None where none are.

    In a tail that falls as a power does, gaps between neighbours, each times its place from the end, are alike; in
    lighter tails the last ones are smaller.
    """
    count = len(logs)
    first, third = logs[count // 4], logs[3 * count // 4]
    reach = _QUARTILES * max(third - first, _NARROW)
    for place in range(1, _FEW_FAR + 1):
        gap = logs[-place] - logs[-place - 1]
        behind = range(place + 1, place + 1 + min(_BEHIND, count // 2))
        usual = sum(other * (logs[-other] - logs[-other - 1]) for other in behind) / len(behind)
        if logs[-place] - third > reach and gap > (_FACTOR if place == 1 else _FACTORS) and place * gap > _TAIL * usual:
            return logs[-place]
    return None


def magnitude_fault(notation: Notation) -> Callable[[str], str | None]:
    """A test that says why a number is far too great or too small."""

    def fault(value: str) -> str | None:
        number = notation.number(value)
        if number is None or number.value not in notation.far:
            return None
        low = notation.low if notation.negative >= _OFTEN else max(notation.low, 0.0)
        return f"All other numbers of the column lie between {low:,.10g} and {notation.high:,.10g}."

    return fault


def sign_fault(notation: Notation) -> Callable[[str], str | None]:
    """A test that says why a number is not negative."""

    def fault(value: str) -> str | None:
        number = notation.number(value)
        return "Hardly any other number of the column is below 0." if number and number.value < 0 else None

    return fault
