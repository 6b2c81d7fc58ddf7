"""What a wrong value could have been: proposals from code, each with its source, for the judge to choose among."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from rapidfuzz import process
from rapidfuzz.distance import OSA

from dp_tools.prompts.serializer import PLACEHOLDERS, clean_name, is_missing
from dp_tools.rules.injection import Injection
from dp_tools.tables.facts import TableFacts

Fields = Mapping[str, str | None]

_NUMBER_AND_UNIT = re.compile(r"([-+]?\d+(?:[.,]\d+)*)\s*(%|[^\W\d_][\w.\s-]*)")
_TRAILING_ZEROS = re.compile(r"(\.\d*?)0+$")
_LONG_FRACTION = re.compile(r"[-+]?\d+\.\d{13,}")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(\D|$))")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A value that could be right.

    Args:
        value: the value; "" takes a placeholder away.
        source: dependency, rule, frequent value, format, record, usual value.
        why: a sentence.
        certainty: how sure whoever made it is, 0 to 1.
    """

    value: str
    source: str
    why: str
    certainty: float = 1.0


def proposals(
    record: Fields, attribute: str, facts: TableFacts, injection: Injection, meant: Sequence[tuple[str, str]] = ()
) -> list[Proposal]:
    """Distinct proposals for a cell, the best founded first; never the value itself, never one that a rule forbids.

    Args:
        record: the record with the doubtful value.
        attribute: the attribute in doubt.
        facts: what the table says.
        injection: the rules of detection for the attribute.
        meant: values that other cells of the record say it should hold, each with the reason.
    """
    value = record[attribute] or ""
    found: dict[str, Proposal] = {}
    told = (Proposal(other, "dependency", reason) for other, reason in meant)
    for proposal in chain(_all(record, attribute, value.strip(), facts, injection), told):
        if proposal.value == value or proposal.value in found:
            continue
        if not proposal.value and not value.strip():
            continue
        decision = injection.decide(
            {"record": {**record, attribute: proposal.value}, "attribute": attribute, "value": proposal.value}
        )
        allowed = decision is None or decision.label != "yes"
        right = decision is not None and decision.label == "no"
        if allowed and (
            proposal.source != "format" or not proposal.value or right or facts.fits(attribute, proposal.value)
        ):
            found[proposal.value] = proposal
    return list(found.values())


def _all(record: Fields, attribute: str, value: str, facts: TableFacts, injection: Injection) -> Iterator[Proposal]:
    for determinant, majority, count, total in facts.majorities(record, attribute):
        yield Proposal(
            majority,
            "dependency",
            f"{count} of {total} other records with the same {clean_name(determinant)} say so.",
        )
    missing = is_missing(value) or value.lower() in PLACEHOLDERS
    if not missing:
        near = None if facts.at_home_elsewhere(attribute, value) else _nearest_allowed(value, injection.allowed() or ())
        if near is not None:
            yield Proposal(near, "rule", "It is the nearest value that a rule allows.")
        near_value = facts.nearest_frequent(attribute, value)
        if near_value is not None:
            yield Proposal(
                near_value, "frequent value", "A far more frequent value of this column is spelled almost so."
            )
        respelled = facts.respelled(attribute, value)
        if respelled is not None:
            yield Proposal(respelled, "frequent value", "Frequent words of this column are spelled almost so.")
        for other in _rewritten(record, attribute, value, facts):
            yield Proposal(other, "format", "So written it has the form that the column, or a rule, asks for.")
    else:
        for name, token in _tokens_of(record, attribute, facts):
            yield Proposal(token, "record", f"It stands in {clean_name(name)} of the same record.")
        if value:
            yield Proposal("", "format", "The value is a word for a missing one.")
    usual = facts.usual_value(attribute)
    if usual is not None and (
        missing or facts.at_home_elsewhere(attribute, value) or _forbidden(record, attribute, injection)
    ):
        yield Proposal(usual[0], "usual value", f"{usual[1]:.0%} of the column hold it.", usual[1])


def _forbidden(record: Fields, attribute: str, injection: Injection) -> bool:
    decision = injection.decide({"record": record, "attribute": attribute, "value": record[attribute]})
    return decision is not None and decision.label == "yes"


def _nearest_allowed(value: str, allowed: Sequence[str]) -> str | None:
    """The allowed value that is spelled most alike, where it is clearly nearer than the next one."""
    reach = len(value) // 2
    ranked = process.extract(value, allowed, scorer=OSA.distance, score_cutoff=reach, limit=2)
    if not ranked or not any(character.isalpha() for character in value):
        return None
    clear = len(ranked) == 1 or ranked[1][1] - ranked[0][1] >= max(2, len(value) // 4)
    return str(ranked[0][0]) if clear else None


def _rewritten(record: Fields, attribute: str, value: str, facts: TableFacts) -> Iterator[str]:
    """The value in other forms: what a person would try who sees that the form is wrong."""
    text = html.unescape(value)
    yield text
    number = _NUMBER_AND_UNIT.fullmatch(text)
    if number is not None:
        plain = _shortened(number.group(1))
        yield _TRAILING_ZEROS.sub(r"\1", plain).rstrip(".") if "." in plain else plain
        yield plain
    yield _shortened(text)
    yield _THOUSANDS.sub("", text)
    odd = facts.odd_characters(attribute, text)
    if odd:
        yield "".join(character for character in text if character not in odd)
    yield re.sub(r"\s+", " ", text)
    yield facts.as_days_are_written(attribute, text) or text
    for name, other in record.items():
        # "Portland OR" beside the state "OR": a value that took its neighbour along.
        if name != attribute and other and len(other.strip()) > 1 and text.endswith(f" {other.strip()}"):
            yield text[: -len(other.strip())].rstrip(" ,")
    head, _, tail = text.rpartition(" ")
    if head and facts.at_home_elsewhere(attribute, tail):
        yield head.rstrip(" ,")


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
