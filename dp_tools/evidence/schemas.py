"""Facts about a candidate pair of attributes: how alike they are, and which words they share."""

from __future__ import annotations

import re

from rapidfuzz import fuzz

from dp_tools.evidence.pairs import listed
from dp_tools.prompts.serializer import Record, is_missing

_WORD = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SHORTEST = 2
_SHARED = 5
_READ = 400
_COMMON = frozenset(
    """
    a an and any are as at be been by can each for from has have if in into is it its may not of on one
    or other such that the their this to used was were when where which who whose will with
    """.split()  # noqa: SIM905 - a list of words is read best as words
)


def schema_facts(left: Record, right: Record) -> tuple[str, ...]:
    """The evidence for two attributes (see `Attribute.as_record`), in a fixed form.

    `name 44` is the similarity of the names in percent, taken apart at capitals, hyphens and underscores;
    `description 31` and `values 60` are the share of words that both have; `same person birth` lists words that name
    and description of both sides have, five at most, plural or not; `a only` and `b only` list words of one side's name
    that the other side has nowhere, three at most.
    """
    words = {field: (_words(left.get(field)), _words(right.get(field))) for field in ("name", "description", "values")}
    ours, theirs = words["name"]
    facts = [f"name {round(fuzz.token_sort_ratio(' '.join(ours), ' '.join(theirs)))}"]
    for field in ("description", "values"):
        if not is_missing(left.get(field)) and not is_missing(right.get(field)):
            facts.append(f"{field} {_overlap(*words[field])}")
    all_ours, all_theirs = ([*name, *told] for name, told in zip(words["name"], words["description"], strict=True))
    facts += listed("same", [word for word in all_ours if word in all_theirs], _SHARED)
    facts += listed("a only", [word for word in ours if word not in all_theirs])
    facts += listed("b only", [word for word in theirs if word not in all_ours])
    return tuple(facts)


def _overlap(ours: list[str], theirs: list[str]) -> int:
    """Words on both sides, in percent of those on either."""
    return round(100 * len({*ours} & {*theirs}) / max(1, len({*ours, *theirs})))


def _words(text: str | None) -> list[str]:
    """The telling words of a name or a sentence in lower case, plurals as their singulars."""
    found = (word.lower() for word in _WORD.findall(_HUMP.sub(" ", (text or "")[:_READ])))
    return [_singular(word) for word in found if len(word) >= _SHORTEST and word not in _COMMON]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
