"""Rules about values whose verdict code can compute: so a case can be shown again under another rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from dp_tools.prompts.serializer import is_missing

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class RuleForm:
    """A kind of rule with its opposite.

    Args:
        holds: whether a value keeps the rule; None where the rule says nothing about it.
        says: wordings, with {a} for the attribute.
        waives: wordings of the opposite, under which such a value is no error.
    """

    holds: Callable[[str], bool | None]
    says: tuple[str, ...]
    waives: tuple[str, ...]


def _matches(pattern: str) -> Callable[[str], bool | None]:
    compiled = re.compile(pattern)
    return lambda value: bool(compiled.fullmatch(value))


def _if_number(holds: Callable[[str], bool]) -> Callable[[str], bool | None]:
    return lambda value: holds(value) if _NUMBER.fullmatch(value) else None


FORMS: tuple[RuleForm, ...] = (
    RuleForm(
        _matches(r"-?\d+(\.\d+)?"),
        (
            "{a} is a plain number without a unit.",
            "{a} is a number; a unit or a sign behind it is an error.",
            "{a} must be a bare number.",
            "Write {a} as a number only, without unit or text.",
        ),
        ("{a} may carry a unit.", "A unit behind {a} is not an error.", "Text in {a} is fine."),
    ),
    RuleForm(
        _if_number(lambda value: "," not in value),
        (
            "{a} has no thousands separators.",
            "A comma in {a} is an error.",
            "Numbers in {a} are written without commas.",
        ),
        ("Commas in {a} are fine.", "{a} may have thousands separators."),
    ),
    RuleForm(
        _if_number(lambda value: not value.endswith(".0")),
        (
            "Whole numbers in {a} are written without .0.",
            "{a} has no trailing .0.",
            "A decimal .0 in {a} is an error.",
        ),
        ("{a} may end in .0.", "A trailing .0 in {a} is no error."),
    ),
    RuleForm(
        _if_number(lambda value: not re.match(r"0\d", value)),
        (
            "{a} never starts with a zero.",
            "A leading zero in {a} is an error.",
            "{a} is written without leading zeros.",
        ),
        ("{a} may start with a zero.", "Leading zeros in {a} are correct."),
    ),
    RuleForm(
        lambda value: "%" not in value,
        ("{a} is written without a percent sign.", "A % in {a} is an error.", "{a} has no %."),
        ("{a} may have a percent sign.", "A % in {a} is fine."),
    ),
    RuleForm(
        lambda value: value.islower() if any(c.isalpha() for c in value) else None,
        ("{a} is written in lower case.", "Capital letters in {a} are an error.", "{a} must be all lower case."),
        ("{a} may be in any case.", "Capital letters in {a} are fine."),
    ),
    RuleForm(
        lambda value: value.isupper() if any(c.isalpha() for c in value) else None,
        ("{a} is written in capital letters.", "Lower case letters in {a} are an error.", "{a} must be upper case."),
        ("{a} may be in any case.", "Lower case in {a} is fine."),
    ),
    RuleForm(
        _matches(r"[A-Za-z]{2}"),
        ("{a} is a two-letter code.", "{a} has exactly two letters."),
        ("{a} need not be a code.", "{a} may be written out."),
    ),
    RuleForm(
        _matches(r"\d{5}"),
        ("{a} has exactly five digits.", "{a} is a five-digit code."),
        ("{a} may have any length.",),
    ),
    RuleForm(
        _matches(r"\d{4}-\d\d-\d\d"),
        ("{a} is a date written YYYY-MM-DD.", "Dates in {a} have the form 2020-12-31."),
        ("{a} may have any date format.",),
    ),
    RuleForm(
        _matches(r"\d{4}"),
        ("{a} is a year of four digits.", "{a} has exactly four digits."),
        ("{a} may be a full date.", "{a} may have any length."),
    ),
    RuleForm(
        lambda value: not re.search(r"[^\x00-\x7f]", value),
        ("{a} has only plain ASCII characters.", "Accents and symbols in {a} are errors."),
        ("{a} may have any characters.",),
    ),
    RuleForm(
        lambda value: not re.search(r"\d", value),
        ("{a} has no digits.", "A digit in {a} is an error."),
        ("{a} may have digits.", "Digits in {a} are fine."),
    ),
    RuleForm(
        lambda value: value.lower() not in ("n/a", "null", "none", "unknown", "-", "--"),
        ("A placeholder such as N/A in {a} is an error.", "{a} is never N/A, NULL or a dash."),
        ("{a} may be N/A.", "A placeholder such as N/A in {a} is fine."),
    ),
)

GAP_IS_ERROR = (
    "A missing {a} is an error.",
    "{a} must not be empty.",
    "{a} is required.",
    "Missing values are errors.",
    "A gap in {a} counts as an error.",
    "Every record must have a value for {a}.",
)
GAP_IS_FINE = (
    "A missing {a} is not an error.",
    "{a} may be empty.",
    "{a} is optional.",
    "Missing values are not errors.",
    "A gap in {a} is fine.",
)
IDLE = (
    "Phone numbers include the area code.",
    "ISBN numbers have ten or thirteen digits.",
    "Prices are in US dollars.",
    "Street names may be abbreviated.",
    "A patient identifier is never shared.",
    "Currency codes follow ISO 4217.",
    "Author names may be given as initials.",
    "Temperatures are in degrees Celsius.",
    "Flight numbers start with the airline code.",
    "Track lengths are in minutes and seconds.",
    "Tax rates are in percent.",
    "Dates are in the local time zone.",
    "Screen sizes are in inches.",
    "Journal names may be abbreviated.",
    "Gender is given as M or F.",
)


def say(random: Random, wordings: Sequence[str], attribute: str) -> str:
    """One of the wordings about this attribute."""
    text = random.choice(wordings).replace("{a}", attribute)
    return text[0].upper() + text[1:] if random.random() < 0.7 else text


def value_rules(random: Random, attribute: str, value: str | None) -> list[tuple[str, str | None, bool]]:
    """Rules that decide this value: (statement, the opposite statement, whether the value is an error under it)."""
    if is_missing(value):
        return [
            (say(random, GAP_IS_ERROR, attribute), say(random, GAP_IS_FINE, attribute), True),
            (say(random, GAP_IS_FINE, attribute), say(random, GAP_IS_ERROR, attribute), False),
        ]
    found: list[tuple[str, str | None, bool]] = []
    for form in FORMS:
        holds = form.holds((value or "").strip())
        if holds is None:
            continue
        rule, waiver = say(random, form.says, attribute), say(random, form.waives, attribute)
        found.append((rule, waiver, not holds))
        if not holds:
            found.append((waiver, rule, False))
    return found
