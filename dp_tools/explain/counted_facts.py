"""Counted facts about a case, in words: from the two records of a pair, or from the evidence about a cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import singledispatch

from rapidfuzz.distance import OSA

from dp_tools.explain.explanation import Fact
from dp_tools.profiling import facts as counted
from dp_tools.profiling.compared_record import ComparedRecord
from dp_tools.prompts.serializer import quote
from dp_tools.records import Record, clean_name, is_missing
from dp_tools.tasks.task import WITHOUT_MODEL, Case, Outcome

_SHOWN = 5


def case_facts(case: Case, outcome: Outcome) -> list[Fact]:
    """The facts about a case.

    Args:
        case: as it was asked.
        outcome: how it ended; a check that decided is a fact.
    """
    subject = case.subject
    facts = []
    if outcome.decided_by in WITHOUT_MODEL and outcome.reason:
        who = f"{outcome.decided_by} {', '.join(outcome.rules)}".rstrip()
        facts.append(_fact("check", f"{who}: {outcome.reason}"))
    if "left" in subject and "right" in subject:
        return [*facts, *_about_pair(subject["left"], subject["right"])]
    if "text" in subject:
        start = -1 if outcome.label is None else str(subject["text"]).find(outcome.label)
        place = [_fact("place", f"it stands at character {start + 1} of the text")] if start >= 0 else []
        return [*facts, *place]
    if "record" in subject and (gaps := [name for name, value in subject["record"].items() if is_missing(value)]):
        facts.append(_fact("missing", f"no value for {_listed(gaps)}"))
    value = subject.get("value")
    return [*facts, *(_fact(*_in_words(fact, value)) for fact in case.facts)]


def _about_pair(left: Record, right: Record) -> Iterable[Fact]:
    both = [name for name in left if name in right]
    filled = [name for name in both if not is_missing(left[name]) and not is_missing(right[name])]
    equal = [name for name in filled if _plain(left[name]) == _plain(right[name])]
    if equal:
        yield _fact("equal", f"{_listed(equal)} {_are(equal)} equal")
    if different := [name for name in filled if name not in equal]:
        yield _fact("different", f"{_listed(different)} {'differs' if len(different) == 1 else 'differ'}")
    if missing := [name for name in both if name not in filled]:
        yield _fact("missing", f"{_listed(missing)} {_are(missing)} missing on a side")
    ours, theirs = _with_digits(left), _with_digits(right)
    yield from _shared("numbers", "numbers", *(_some(tokens, str.isdigit) for tokens in (ours, theirs)))
    yield from _shared("models", "model numbers", *(_some(tokens, _is_model) for tokens in (ours, theirs)))


def _some(tokens: Mapping[str, str], wanted: Callable[[str], bool]) -> dict[str, str]:
    return {token: written for token, written in tokens.items() if wanted(token)}


def _shared(kind: str, what: str, ours: Mapping[str, str], theirs: Mapping[str, str]) -> Iterable[Fact]:
    both = [written for token, written in ours.items() if token in theirs]
    if both:
        yield _fact(kind, f"both sides have the {what} {_listed(both)}")
    one = [written for token, written in ours.items() if token not in theirs]
    other = [written for token, written in theirs.items() if token not in ours]
    if one or other:
        sides = [f"{_listed(tokens)} on the {side}" for tokens, side in ((one, "left"), (other, "right")) if tokens]
        yield _fact(kind, f"{what} on one side only: {' and '.join(sides)}")


@singledispatch
def _in_words(fact: counted.Fact, _value: str | None) -> tuple[str, str]:
    """The kind of a fact, and what it says as a sentence part.

    Args:
        fact: about a cell, or about a column.
        _value: of the cell.
    """
    return "column", fact.render()


@_in_words.register
def _(fact: counted.Filled, _value: str | None) -> tuple[str, str]:
    return "column", f"{counted.percent(fact.filled, fact.rows)} of the column is filled"


@_in_words.register
def _(fact: counted.Seen, _value: str | None) -> tuple[str, str]:
    if fact.count == 1:
        return "column", "the value stands in the column once"
    often = f"in {fact.share} of the column" if fact.share else f"in the column {fact.count} times"
    return "column", f"the value stands {often}"


@_in_words.register
def _(fact: counted.Distinct, _value: str | None) -> tuple[str, str]:
    return "column", f"{counted.percent(fact.distinct, fact.filled)} of the column's values are distinct"


@_in_words.register
def _(fact: counted.Shape, _value: str | None) -> tuple[str, str]:
    share = f"{counted.percent(fact.count, fact.filled)} of the column has its shape"
    usual = "which is the usual one" if fact.usual is None else f"the usual one is {fact.shown}"
    return "column", f"{share}, {usual}"


@_in_words.register
def _(fact: counted.Beyond, _value: str | None) -> tuple[str, str]:
    return "column", f"it lies outside {fact.low:g} to {fact.high:g}, where the column's numbers are"


@_in_words.register
def _(fact: counted.Near, value: str | None) -> tuple[str, str]:
    edits = OSA.distance((value or "").strip(), fact.value)
    away = f"{edits} edit{'s' * (edits != 1)} away from “{_cut(fact.value)}”"
    return "near", f"it is {away}, which the column has {fact.count} times"


@_in_words.register
def _(fact: counted.Odd, _value: str | None) -> tuple[str, str]:
    return "column", f"the column hardly has the characters {fact.shown}"


@_in_words.register
def _(fact: counted.UsualIn, _value: str | None) -> tuple[str, str]:
    return "column", f"the value is at home in {clean_name(fact.attribute)}"


@_in_words.register
def _(fact: counted.RareWith, _value: str | None) -> tuple[str, str]:
    beside = f"{clean_name(fact.attribute)} {quote(fact.value, counted.SHOWN)}"
    return "rows", f"of {fact.count} records with this value {fact.seen} have {beside}"


@_in_words.register
def _(fact: counted.GroupMajority, _value: str | None) -> tuple[str, str]:
    name = clean_name(fact.attribute)
    if fact.beginning is not None:
        whose = f"records whose {name} begins with “{_cut(fact.beginning)}”"
    else:
        whose = f"other records with the same {name}"
    holds = "agree" if fact.agrees else f"have “{_cut(fact.value)}”"
    return "rows", f"{fact.count} of {fact.total} {whose} {holds}"


@_in_words.register
def _(fact: counted.CommonKind, _value: str | None) -> tuple[str, str]:
    return "column", f"{fact.share} of the values are written like: {fact.kind}"


@_in_words.register
def _(fact: counted.NumberRange, _value: str | None) -> tuple[str, str]:
    return "column", f"its numbers lie from {fact.low:.10g} to {fact.high:.10g}"


@_in_words.register
def _(fact: counted.UsualShape, _value: str | None) -> tuple[str, str]:
    return "column", f"{fact.share} of the values have the shape {fact.shown}"


@_in_words.register
def _(fact: counted.WordsPerValue, _value: str | None) -> tuple[str, str]:
    return "column", f"its values have {fact.fewest} to {fact.most} words"


@_in_words.register
def _(fact: counted.DistinctValues, _value: str | None) -> tuple[str, str]:
    return "column", f"{fact.distinct} of {fact.filled} values are distinct"


def _cut(value: str) -> str:
    """A value as a prompt shows it inside a fact."""
    return quote(value, counted.SHOWN)[1:-1]


def _fact(kind: str, text: str) -> Fact:
    return Fact.model_validate({"kind": kind, "text": text})


def _with_digits(record: Record) -> dict[str, str]:
    compared = ComparedRecord(record)
    return {token: written for token, written in compared.tokens.items() if token in compared.numbers}


def _is_model(token: str) -> bool:
    """Whether a token looks like a model number: letters and digits in one."""
    return len(token) > 2 and any(c.isalpha() for c in token)


def _listed(names: Sequence[str]) -> str:
    shown = [name if len(name) <= 40 else name[:39] + "…" for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        return f"{', '.join(shown)} and {len(names) - _SHOWN} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _plain(value: str | None) -> str:
    return " ".join((value or "").casefold().split())
