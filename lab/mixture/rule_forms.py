"""Rules about values whose verdict code can compute: so a case can be shown again under another rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from dp_tools.records import is_missing

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


FORBIDS = (
    "{f} is an error.",
    "{f} is wrong.",
    "{f} is not allowed.",
    "{f} must not occur.",
    "{f} counts as an error.",
    "{f} is forbidden.",
    "Treat {f} as an error.",
    "Never accept {f}.",
    "Report {f}.",
    "Flag {f}.",
    "We do not allow {f}.",
    "It is a mistake to have {f}.",
    "{f} is a defect.",
    "{f} is invalid.",
    "{f} is never right.",
    "{f} cannot be right.",
    "{f} has to be reported.",
    "{f} breaks our rules.",
    "{f}: an error.",
    "Consider {f} wrong.",
    "Reject {f}.",
    "No record may have {f}.",
    "Whoever finds {f} has found an error.",
)
ALLOWS = (
    "{f} is fine.",
    "{f} is no error.",
    "{f} is not an error.",
    "{f} is allowed.",
    "{f} is correct.",
    "{f} may occur.",
    "{f} is acceptable.",
    "Accept {f}.",
    "Do not report {f}.",
    "Never flag {f}.",
    "We allow {f}.",
    "It is right to have {f}.",
    "There is nothing wrong with {f}.",
    "{f} is valid.",
    "{f} is permitted.",
    "{f} is harmless.",
    "{f} is intended.",
    "{f}: no error.",
    "Consider {f} right.",
    "Tolerate {f}.",
    "Pass over {f}.",
    "Any record may have {f}.",
    "Whoever finds {f} has found no error.",
)
DEMANDS = (
    "{a} must {m}.",
    "{a} should {m}.",
    "{a} has to {m}.",
    "Every {a} must {m}.",
    "A value of {a} must {m}.",
    "If {a} does not {m}, it is an error.",
    "We want {a} to {m}.",
    "{a} is wrong unless it does {m}.",
    "{a} is required to {m}.",
    "{a} is supposed to {m}.",
    "{a} is expected to {m}.",
    "All values of {a} must {m}.",
    "Make {a} {m}.",
    "Anything in {a} that does not {m} is an error.",
)
WAIVES = (
    "{a} need not {m}.",
    "{a} does not have to {m}.",
    "It is fine if {a} does not {m}.",
    "Nobody asks {a} to {m}.",
    "{a} may {m}, or not.",
    "{a} is not required to {m}.",
    "{a} is not expected to {m}.",
    "There is no need for {a} to {m}.",
    "Anything in {a} that does not {m} is fine all the same.",
)
"""Frames around what is wrong, {f}, or what is wanted, {m}; so that a sentence is read and not recognised."""


@dataclass(frozen=True, slots=True)
class RuleForm:
    """A kind of rule with its opposite.

    Args:
        holds: whether a value keeps the rule; None where the rule says nothing about it.
        faults: what breaks it, as one thing, with {a} for the attribute.
        wants: what a value does that keeps it.
        says: whole sentences for it.
        spares: whole sentences for its opposite.
    """

    holds: Callable[[str], bool | None]
    faults: tuple[str, ...]
    wants: tuple[str, ...]
    says: tuple[str, ...] = ()
    spares: tuple[str, ...] = ()

    def rule(self, random: Random, attribute: str) -> str:
        """The rule in some words."""
        if self.says and random.random() < 0.35:
            return say(random, self.says, attribute)
        return self._framed(random, attribute, FORBIDS, DEMANDS)

    def waiver(self, random: Random, attribute: str) -> str:
        """Its opposite, under which such a value is no error."""
        if self.spares and random.random() < 0.35:
            return say(random, self.spares, attribute)
        return self._framed(random, attribute, ALLOWS, WAIVES)

    def _framed(self, random: Random, attribute: str, about: Sequence[str], asking: Sequence[str]) -> str:
        if random.random() < 0.55:
            text = random.choice(about).replace("{f}", random.choice(self.faults))
        else:
            text = random.choice(asking).replace("{m}", random.choice(self.wants))
        return say(random, (text,), attribute)


def _matches(pattern: str) -> Callable[[str], bool | None]:
    compiled = re.compile(pattern)
    return lambda value: bool(compiled.fullmatch(value))


def _if_number(holds: Callable[[str], bool]) -> Callable[[str], bool | None]:
    return lambda value: holds(value) if _NUMBER.fullmatch(value) else None


FORMS: tuple[RuleForm, ...] = (
    RuleForm(
        _matches(r"-?\d+(\.\d+)?"),
        ("a unit in {a}", "text in {a}", "a unit or a sign behind {a}", "a word beside the number in {a}"),
        ("be a bare number", "be a plain number without a unit", "consist of a number only", "be numeric"),
        ("{a} is a plain number without a unit.", "Write {a} as a number only, without unit or text."),
    ),
    RuleForm(
        _if_number(lambda value: "," not in value),
        ("a comma in {a}", "a thousands separator in {a}"),
        ("be written without commas", "have no thousands separators"),
        ("Numbers in {a} are written without commas.",),
    ),
    RuleForm(
        _if_number(lambda value: not value.endswith(".0")),
        ("a trailing .0 in {a}", "a decimal .0 in {a}", "a whole number with .0 in {a}"),
        ("be written without .0", "have no trailing .0"),
        ("Whole numbers in {a} are written without .0.",),
    ),
    RuleForm(
        _if_number(lambda value: not re.match(r"0\d", value)),
        ("a leading zero in {a}", "a zero at the start of {a}"),
        ("be written without leading zeros", "start with another digit than zero"),
        ("{a} never starts with a zero.",),
    ),
    RuleForm(
        lambda value: "%" not in value,
        ("a % in {a}", "a percent sign in {a}"),
        ("be written without a percent sign", "have no %"),
    ),
    RuleForm(
        lambda value: value.islower() if any(c.isalpha() for c in value) else None,
        ("a capital letter in {a}", "upper case in {a}", "a capital in {a}", "a big letter in {a}"),
        ("be written in lower case", "be all lower case", "have small letters only", "be lowercase"),
        ("{a} is written in lower case.", "{a} has small letters only.", "No capital letters in {a}."),
    ),
    RuleForm(
        lambda value: value.isupper() if any(c.isalpha() for c in value) else None,
        ("a lower case letter in {a}", "a small letter in {a}", "lowercase in {a}"),
        ("be written in capital letters", "be upper case", "have capitals only", "be in capitals"),
        ("{a} is written in capitals.", "{a} has capital letters only.", "No small letters in {a}."),
    ),
    RuleForm(
        _matches(r"[A-Za-z]{2}"),
        ("anything but two letters in {a}", "a full name in {a}"),
        ("be a two-letter code", "have exactly two letters"),
        ("{a} is a two-letter code.",),
    ),
    RuleForm(
        _matches(r"\d{5}"),
        ("anything but five digits in {a}", "a longer or shorter code in {a}"),
        ("have exactly five digits", "be a five-digit code"),
        ("{a} has five digits.",),
    ),
    RuleForm(
        _matches(r"\d{4}-\d\d-\d\d"),
        ("another date format in {a}", "a date in {a} that is not YYYY-MM-DD"),
        ("be a date written YYYY-MM-DD", "have the form 2020-12-31"),
        ("Dates in {a} have the form 2020-12-31.",),
    ),
    RuleForm(
        _matches(r"\d{4}"),
        ("anything but a year in {a}", "a full date in {a}"),
        ("be a year of four digits", "have exactly four digits"),
        ("{a} is a year of four digits.",),
    ),
    RuleForm(
        lambda value: not re.search(r"[^\x00-\x7f]", value),
        ("an accent or a symbol in {a}", "a special character in {a}"),
        ("have only plain ASCII characters", "be plain ASCII"),
    ),
    RuleForm(
        lambda value: not re.search(r"\d", value),
        ("a digit in {a}", "a number in {a}", "a figure in {a}"),
        ("have no digits", "be free of digits", "be written without numbers"),
        ("{a} has no digits.", "{a} never has a number in it.", "There are no digits in {a}."),
    ),
    RuleForm(
        lambda value: value.lower() not in ("n/a", "null", "none", "unknown", "-", "--"),
        ("a placeholder such as N/A in {a}", "N/A, NULL or a dash in {a}"),
        ("never be N/A", "be a real value, not a placeholder"),
    ),
    RuleForm(
        lambda value: " " not in value,
        ("a space in {a}", "more than one word in {a}"),
        ("be a single word", "have no spaces"),
    ),
    RuleForm(
        lambda value: len(value) <= 10,
        ("more than ten characters in {a}", "a long text in {a}"),
        ("have at most ten characters", "be short, ten characters at most"),
    ),
)

GAP = RuleForm(
    lambda value: not is_missing(value),
    ("a missing {a}", "an empty {a}", "a gap in {a}", "a record without {a}", "a missing value", "a blank {a}"),
    ("have a value", "be filled", "be given", "be present", "be filled in"),
    (
        "{a} is required.",
        "Every record must have a value for {a}.",
        "{a} is mandatory.",
        "{a} must not be empty.",
        "{a} is not optional.",
        "Never leave {a} out.",
        "{a} has to be known.",
        "No record is complete without {a}.",
        "Every record comes with {a}.",
        "Skipping {a} is an error.",
        "A record lacking {a} is incomplete.",
    ),
    (
        "{a} is optional.",
        "Not every record has a value for {a}.",
        "{a} is not mandatory.",
        "{a} may be empty.",
        "{a} is not required.",
        "Leave {a} out where it is not known.",
        "{a} need not be known.",
        "A record is complete without {a}.",
        "Not every record comes with {a}.",
        "Skipping {a} is no error.",
        "A record lacking {a} is complete all the same.",
    ),
)
"""Whether a gap is an error."""
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
    "Distances are in kilometres.",
    "A patent has one or more inventors.",
    "Invoices are numbered by year.",
    "Blood groups are written with a plus or a minus.",
    "Latitudes lie between -90 and 90.",
    "Seat numbers have a letter.",
    "Part numbers of the old catalogue are no longer in use.",
    "Email addresses have one @ sign.",
    "Weights are given without packaging.",
    "The fiscal year ends in March.",
    "Shipping costs are not included.",
    "Songs of a live album are marked live.",
    "Nutrition facts are for 100 grams.",
    "Voltages are for Europe.",
    "Airports have codes of three letters.",
    "Names of diseases follow the ICD.",
    "Chapters are counted from one.",
    "Web addresses may lack the scheme.",
    "Room numbers start with the floor.",
    "Sizes of shoes are European ones.",
    "Discounts end at midnight.",
    "Salaries are before tax.",
    "Postal orders take three days.",
    "The stock is counted every Friday.",
    "Colours of cars are those of the maker.",
)


def say(random: Random, wordings: Sequence[str], attribute: str) -> str:
    """One of the wordings about this attribute, mostly with a capital."""
    text = random.choice(wordings).replace("{a}", attribute)
    return capitalised(text) if random.random() < 0.7 else text


def capitalised(text: str) -> str:
    """The text with a capital first letter; the others as they are."""
    return text[0].upper() + text[1:]


def value_rules(random: Random, attribute: str, value: str | None) -> list[tuple[str, str, bool]]:
    """Rules that decide this value: (statement, the opposite statement, whether the value is an error under it)."""
    if is_missing(value):
        rule, waiver = GAP.rule(random, attribute), GAP.waiver(random, attribute)
        return [(rule, waiver, True), (waiver, rule, False)]
    found = []
    for form in FORMS:
        holds = form.holds((value or "").strip())
        if holds is None:
            continue
        rule, waiver = form.rule(random, attribute), form.waiver(random, attribute)
        found.append((rule, waiver, not holds))
        if not holds:
            found.append((waiver, rule, False))
    return found


def idle_rules(random: Random, others: Sequence[str], count: int) -> list[str]:
    """Rules that say nothing about the case: of other things altogether, or of `others`, attributes not asked about."""
    found = random.sample(IDLE, count)
    if others and random.random() < 0.4:
        form, attribute = random.choice(FORMS), random.choice(others)
        found[0] = (form.rule if random.random() < 0.6 else form.waiver)(random, attribute)
    return found
