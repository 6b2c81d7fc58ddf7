"""What a wrong value could have been: proposals from code, each with its source, for the judge to choose among."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from rapidfuzz import process
from rapidfuzz.distance import OSA

from dp_tools.profiling.spelling import as_digits, plain_letters, plain_text
from dp_tools.records import clean_name, is_missing
from dp_tools.rules.injection import Injection
from dp_tools.tables.table_facts import TableFacts

Fields = Mapping[str, str | None]

_NUMBER_AND_UNIT = re.compile(r"([-+]?\d+(?:[.,]\d+)*)\s*(%|[^\W\d_](?:[^\W\d_]|[.\s-])*)")
_TRAILING_ZEROS = re.compile(r"(\.\d*?)0+$")
_LONG_FRACTION = re.compile(r"[-+]?\d+\.\d{13,}")
_UNIT = "The unit would be lost."
_WORDS = "The word that would be lost may belong to it."
_ODD = "The characters that would be lost may mean something."
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(\D|$))")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A value that could be right.

    Args:
        value: the value; "" takes a placeholder away.
        source: dependency, rule, frequent value, format, record, usual value.
        why: a sentence.
        certainty: how sure whoever made it is, 0 to 1.
        doubt: why a person should decide unless a rule says that the old value is wrong; "" for no reason.
    """

    value: str
    source: str
    why: str
    certainty: float = 1.0
    doubt: str = ""


def proposals(
    record: Fields,
    attribute: str,
    facts: TableFacts,
    injection: Injection,
    *,
    allowed: Sequence[str] = (),
    listed: Sequence[str] = (),
    meant: Sequence[tuple[str, str]] = (),
) -> list[Proposal]:
    """Distinct proposals for a cell, the best founded first; never the value itself, never one that a rule forbids.

    Args:
        record: the record with the doubtful value.
        attribute: the attribute in doubt.
        facts: what the table says.
        injection: the rules of detection for the attribute, with what the table keeps as if it were a rule.
        allowed: the values that a rule allows, where one lists them.
        listed: the values that the column mostly holds, where they are few.
        meant: values that other cells of the record say it should hold, each with the reason.
    """
    value = record[attribute] or ""
    found: dict[str, Proposal] = {}
    by_dependency = (Proposal(other, "dependency", reason) for other, reason in meant)
    for proposal in chain(_all(record, attribute, value.strip(), facts, injection, allowed, listed), by_dependency):
        if proposal.value == value or proposal.value in found:
            continue
        if not proposal.value and not value.strip():
            continue
        decision = injection.decide(
            {"record": {**record, attribute: proposal.value}, "attribute": attribute, "value": proposal.value}
        )
        passes = decision is None or decision.label != "yes"
        right = decision is not None and decision.label == "no"
        if passes and (
            proposal.source != "format" or not proposal.value or right or facts.fits(attribute, proposal.value)
        ):
            found[proposal.value] = proposal
    return list(found.values())


def _all(
    record: Fields,
    attribute: str,
    value: str,
    facts: TableFacts,
    injection: Injection,
    allowed: Sequence[str],
    listed: Sequence[str],
) -> Iterator[Proposal]:
    for determinant, majority, count, total in facts.majorities(record, attribute):
        yield Proposal(
            majority,
            "dependency",
            f"{count} of {total} other records with the same {clean_name(determinant)} say so.",
        )
    missing = is_missing(value) or facts.is_placeholder(attribute, value)
    astray = not missing and facts.at_home_elsewhere(attribute, value)
    if not missing:
        if not astray and (near := _nearest_of(value, allowed)):
            yield Proposal(near, "rule", "It is the nearest value that a rule allows.")
        near_value = facts.nearest_frequent(attribute, value)
        if near_value is not None:
            yield Proposal(
                near_value, "frequent value", "A far more frequent value of this column is spelled almost so."
            )
        respelled = facts.respelled(attribute, value)
        if respelled is not None:
            yield Proposal(respelled, "frequent value", "Frequent words of this column are spelled almost so.")
        if not astray and (near := _nearest_of(value, listed)):
            yield Proposal(near, "frequent value", "It is the nearest of the values that this column mostly holds.")
        for other, doubt in _rewritten(record, attribute, value, facts):
            why = "So written it has the form that the column, or a rule, asks for."
            yield Proposal(other, "format", why, doubt=doubt)
    else:
        for name, token in _tokens_of(record, attribute, facts):
            yield Proposal(token, "record", f"It stands in {clean_name(name)} of the same record.")
        if value:
            yield Proposal("", "format", "The value is a word for a missing one.")
    usual = facts.usual_value(attribute)
    if usual is not None and (missing or astray or _forbidden(record, attribute, injection)):
        yield Proposal(usual[0], "usual value", f"{usual[1]:.0%} of the column hold it.", usual[1])


def _forbidden(record: Fields, attribute: str, injection: Injection) -> bool:
    decision = injection.decide({"record": record, "attribute": attribute, "value": record[attribute]})
    return decision is not None and decision.label == "yes"


def _nearest_of(value: str, choices: Sequence[str]) -> str | None:
    """The choice that is spelled most alike, where it is clearly nearer than the next one; case and accents apart."""
    if not any(character.isalpha() for character in value):
        return None
    plain = plain_letters(value)
    ranked = process.extract(
        plain,
        {choice: plain_letters(choice) for choice in choices},
        scorer=OSA.distance,
        score_cutoff=len(value) // 2,
        limit=2,
    )
    clear = len(ranked) == 1 or (ranked and ranked[1][1] - ranked[0][1] >= max(2, len(value) // 4))
    return str(ranked[0][2]) if clear else None


def _rewritten(record: Fields, attribute: str, value: str, facts: TableFacts) -> Iterator[tuple[str, str]]:
    """The value in other forms, what a person would try who sees that the form is wrong; each with what speaks against
    doing so unasked, or ""."""
    text = html.unescape(value)
    yield text, ""
    yield re.sub(r"\s+", " ", plain_text(text)), ""
    number = _NUMBER_AND_UNIT.fullmatch(text)
    if number is not None and not (len(number[2]) == 1 and as_digits(text.replace(" ", ""))):
        for plain in _plain_numbers(number[1]):
            yield plain, _UNIT
    digits = as_digits(text)
    if digits is not None:
        yield digits, ""
    yield _shortened(text), ""
    yield _THOUSANDS.sub("", text), ""
    yield from _without_odd(attribute, text, facts)
    yield facts.as_days_are_written(attribute, text) or text, ""
    for name, other in record.items():
        # "Portland OR" beside the state "OR": a value that took its neighbour along.
        if name != attribute and other and len(other.strip()) > 1 and text.endswith(f" {other.strip()}"):
            yield text[: -len(other.strip())].rstrip(" ,"), ""
    head, _, tail = text.rpartition(" ")
    homes = facts.homes_elsewhere(attribute, tail) if head else []
    if homes:
        code = tail.isupper() and any(is_missing(record[name]) for name in homes)
        yield head.rstrip(" ,"), "" if code else _WORDS


def _plain_numbers(number: str) -> Iterator[str]:
    """A number in other notations: without zeros at its end, and without signs between thousands."""
    plain = _shortened(number)
    yield _TRAILING_ZEROS.sub(r"\1", plain).rstrip(".") if "." in plain else plain
    yield plain
    yield _THOUSANDS.sub("", plain)


def _without_odd(attribute: str, text: str, facts: TableFacts) -> Iterator[tuple[str, str]]:
    """The value without characters that hardly occur in its column and that mean nothing in it.

    Accents are letters, signs before a number say what it is, and a letter among digits may be one of them.
    """
    odd = set(facts.odd_characters(attribute, text))
    number = any(character.isdigit() for character in text)
    strange = {c for c in odd if not c.isascii() and (number or not unicodedata.name(c, "").startswith("LATIN"))}
    for characters, doubt in ((strange, ""), (odd, _ODD)):
        if characters and not (doubt and (number or any(c.isalpha() for c in characters))):
            yield "".join(character for character in text if character not in characters), doubt


def _shortened(text: str) -> str:
    """A number without the digits that only a computer's arithmetic adds: 0.10400000000000001 is 0.104."""
    return f"{float(text):.12g}" if _LONG_FRACTION.fullmatch(text) else text


def _tokens_of(record: Fields, attribute: str, facts: TableFacts) -> Iterator[tuple[str, str]]:
    """Words of other attributes of the record that are values of this attribute's closed set."""
    closed = facts.closed_set(attribute)
    for name, other in record.items():
        if name == attribute or is_missing(other):
            continue
        words = (other or "").split()
        if len(words) > 1 and words[-1] in closed and not words[-1][0].isdigit():
            yield name, words[-1]
