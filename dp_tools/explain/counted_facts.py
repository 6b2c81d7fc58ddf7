"""What code knows about a case, in words: from the two sides of a pair, or from the evidence about a cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from rapidfuzz.distance import OSA

from dp_tools.explain.explanation import Fact
from dp_tools.profiling.pair_facts import compared_tokens
from dp_tools.records import Record, is_missing
from dp_tools.tasks.task import WITHOUT_MODEL, Case, Outcome

_SHOWN = 5
_FORMS: tuple[tuple[str, str, str], ...] = (
    (r"filled (.+)", "column", "{0} of the column is filled"),
    (r"seen 1", "column", "the value stands in the column once"),
    (r"seen (\d+)", "column", "the value stands in the column {0} times"),
    (r"seen (.+%)", "column", "the value stands in {0} of the column"),
    (r"column (.+) distinct", "column", "{0} of the column's values are distinct"),
    (r"shape (.+?), usual (.+)", "column", "{0} of the column has its shape, the usual one is {1}"),
    (r"shape (.+)", "column", "{0} of the column has its shape, which is the usual one"),
    (r"beyond (.+)\.\.(.+)", "column", "it lies outside {0} to {1}, where the column's numbers are"),
    (r"odd '(.+)'", "column", "the column hardly has the characters {0}"),
    (r"usual in (.+)", "column", "the value is at home in {0}"),
    (r"rare with (.+) (\d+) of (\d+)", "rows", "of {2} records with this value {1} have {0}"),
    (r"kind (.+) (\d+%)", "column", "{1} of the values are written like: {0}"),
    (r"numbers (.+)\.\.(.+)", "column", "its numbers lie from {0} to {1}"),
    (r"usual (.+) (\d+%)", "column", "{1} of the values have the shape {0}"),
    (r"words (\d+)\.\.(\d+)", "column", "its values have {0} to {1} words"),
    (r"(\d+) of (\d+) distinct", "column", "{0} of {1} values are distinct"),
    (r'by (.+) "(.+)": "(.*)" (\d+) of (\d+)', "rows", "{3} of {4} records whose {0} begins with “{1}” have “{2}”"),
    (r"by (.+): agree (\d+) of (\d+)", "rows", "{1} of {2} other records with the same {0} agree"),
    (r'by (.+): "(.*)" (\d+) of (\d+)', "rows", "{2} of {3} other records with the same {0} have “{1}”"),
)
"""The forms of `dp_tools.profiling` and what they say."""


def case_facts(case: Case, outcome: Outcome) -> list[Fact]:
    """The facts about a case.

    Args:
        case: as it was asked.
        outcome: how it ended; a check that decided is a fact.
    """
    subject = case.subject
    facts = []
    if outcome.by in WITHOUT_MODEL and outcome.reason:
        who = f"{outcome.by} {', '.join(outcome.rules)}".rstrip()
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
    return [*facts, *(_about_evidence(told, value) for told in case.prompt.evidence)]


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


def _about_evidence(told: str, value: str | None) -> Fact:
    near = re.fullmatch(r'near "(.*)" (\d+)', told)
    if near and value is not None:
        edits = OSA.distance(value.strip(), near[1])
        return _fact(
            "near",
            f"it is {edits} edit{'s' * (edits != 1)} away from “{near[1]}”, which the column has {near[2]} times",
        )
    for pattern, kind, text in _FORMS:
        if found := re.fullmatch(pattern, told):
            return _fact(kind, text.format(*found.groups()))
    return _fact("column", told)


def _fact(kind: str, text: str) -> Fact:
    return Fact.model_validate({"kind": kind, "text": text})


def _with_digits(record: Record) -> dict[str, str]:
    tokens = compared_tokens(record.values())
    return {token: written for token, written in tokens.items() if any(character.isdigit() for character in token)}


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
