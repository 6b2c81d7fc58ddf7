"""What a record says of a thing in a form that does not depend on who words it.

Two shops write "PH 2" and "PH2", "1TB" and "1000GB", "Haselnuss" and "Haselnüsse". As beginnings of words, numbers and
amounts in one unit these are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dp_tools.profiling.check_digits import is_gtin
from dp_tools.profiling.comparisons.folding import folded
from dp_tools.profiling.measures import Measured, measured, share_an_amount
from dp_tools.records import Record, is_missing

_PIECE = re.compile(r"\d+|[a-z]+")
_BEGINNING = 5
"""Letters of a word that stand for it: shops write one thing in the singular and the plural, and in two spellings."""
_PRICE = re.compile(r"[$€£¥]?\s?\d{1,3}(?:[., ']?\d{3})?(?:[.,]\d{1,2})?\s?(?:[$€£¥]|[A-Z]{3})?")
_WHOLE = re.compile(r"\d{1,6}")
_NUMBER = re.compile(r"(?<![\w.,])0*(\d{1,4})(?![\w,]|\.\d)")
_MODEL = re.compile(r"\d{3,}[a-z]+")
_NOT_DIGIT = re.compile(r"[\s-]")
_GTIN = 10
"""Digits of a GTIN, without the zeros before them, from which on check digits are hardly right by chance."""
_READ = 400


def marks_of(record: Record) -> set[str]:
    """The marks of a record; a value that may be a price with decimals says nothing, for two shops ask two prices."""
    found = {plain for value in record.values() if value is not None and _WHOLE.fullmatch(plain := value.strip())}
    for amounts, rest in _texts(record):
        found.update(f"{name} {amount:.3g}" for name, some in amounts.items() for amount in some)
        found.update(piece[:_BEGINNING] if piece.isalpha() else piece for piece in _PIECE.findall(folded(rest)))
    return found


def gtins_of(record: Record) -> set[str]:
    """The GTINs (EAN, UPC, ISBN of 13 digits) that a record states as values, without the zeros before them."""
    plain = (_NOT_DIGIT.sub("", value) for value in record.values() if value is not None)
    return {digits for value in plain if is_gtin(value) and len(digits := value.lstrip("0")) >= _GTIN}


def model_numbers(record: Record) -> set[str]:
    """Numbers of three digits and more with letters behind them, but for amounts: HP 305XL and HP305XL have one."""
    return {number for _, rest in _texts(record) for number in _MODEL.findall(folded(rest))}


def contradict(left: Record, right: Record) -> bool:
    """Whether two records share no amount of a measure that both state, or no number where both have some alone.

    Stage 1 and stage 2, "No. 5" and "Nr. 73" are two things, and so are 500 ml and 0.75 l.
    """
    (ours, our_numbers), (theirs, their_numbers) = _stated(left), _stated(right)
    if our_numbers and their_numbers and our_numbers.isdisjoint(their_numbers):
        return True
    return any(not share_an_amount(ours[name], theirs[name]) for name in ours.keys() & theirs.keys())


def _stated(record: Record) -> tuple[dict[str, set[float]], set[str]]:
    """The amounts that a record states, by measure, and the numbers that stand alone."""
    stated: dict[str, set[float]] = {}
    numbers: set[str] = set()
    for amounts, rest in _texts(record):
        numbers.update(_NUMBER.findall(rest))
        for name, some in amounts.items():
            stated.setdefault(name, set()).update(some)
    return stated, numbers


def _texts(record: Record) -> Iterator[Measured]:
    for value in record.values():
        if value is not None and not is_missing(value) and not _PRICE.fullmatch(value.strip()):
            yield measured(value[:_READ])
