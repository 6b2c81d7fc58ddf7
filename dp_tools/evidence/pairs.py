"""Facts about a candidate pair: how alike shared attributes are, which numbers and words stand on one side only."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rapidfuzz import fuzz

from dp_tools.prompts.serializer import Record, clean_name, is_missing

_TOKEN = re.compile(r"[^\W_]+(?:[.\-'/][^\W_]+)*")
_SIMILARITIES = 6
_LISTED = 3
_SHORTEST = 3
_WORD = 24


def pair_facts(left: Record, right: Record) -> tuple[str, ...]:
    """The evidence for a pair, in a fixed form.

    `title 62` is the similarity in percent of an attribute that both sides fill (at most six attributes); `same 2005`
    lists tokens with digits that both have; `a only` and `b only` list those of one side, then other words of one side,
    three at most. A shared attribute of one token, a price or a year, has said all with its similarity.
    """
    shared = [n for n in left if n in right and not is_missing(left[n]) and not is_missing(right[n])]
    facts = [
        f"{clean_name(name)} {round(fuzz.token_sort_ratio(_flat(left[name]), _flat(right[name])))}"
        for name in shared[:_SIMILARITIES]
    ]
    ours, theirs = _tokens(left.values()), _tokens(right.values())
    facts += listed("same", [token for token in ours if token in theirs and _has_digit(token)])
    told = {name for name in shared if len(_tokens([left[name]])) == len(_tokens([right[name]])) == 1}
    facts += listed("a only", _one_sided(_untold(left, told), theirs))
    facts += listed("b only", _one_sided(_untold(right, told), ours))
    return tuple(facts)


def _untold(record: Record, told: set[str]) -> list[str]:
    return _tokens(value for name, value in record.items() if name not in told)


def _one_sided(ours: list[str], theirs: list[str]) -> list[str]:
    """Tokens of one side only, those with digits first: they tell products, versions and years apart."""
    other, joined = set(theirs), "".join(theirs)
    alone = [token for token in ours if token not in other and token not in joined]
    return sorted(
        (token for token in alone if _has_digit(token) or len(token) >= _SHORTEST),
        key=lambda token: not _has_digit(token),
    )


def listed(label: str, tokens: Iterable[str], most: int = _LISTED) -> list[str]:
    """The fact that lists the first tokens, each once and cut at 24 characters; none where there are none."""
    told = [token[:_WORD] for token in list(dict.fromkeys(tokens))[:most]]
    return [f"{label} {' '.join(told)}"] if told else []


def _tokens(values: Iterable[str | None]) -> list[str]:
    text = " ".join(_flat(value) for value in values if not is_missing(value))
    return list(dict.fromkeys(_number(token) for token in _TOKEN.findall(text)))


def _number(token: str) -> str:
    """One spelling for a number: "2005.0" and "2005.00" are "2005"."""
    return re.sub(r"^(\d+)\.0+$", r"\1", token)


def _has_digit(token: str) -> bool:
    return any(character.isdigit() for character in token)


def _flat(value: str | None) -> str:
    return (value or "").lower()[:400]
