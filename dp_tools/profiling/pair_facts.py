"""Facts about a candidate pair: similarity of shared attributes, and numbers and words on one side only."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rapidfuzz import fuzz

from dp_tools.profiling.facts import Fact, Listed, Similarity
from dp_tools.profiling.identifiers import codes_agree, codes_among, plain_code
from dp_tools.profiling.idf import Idf
from dp_tools.profiling.value_formats import readings
from dp_tools.records import Record, is_missing

_TOKEN = re.compile(r"[^\W_]+(?:[.\-'/][^\W_]+)*")
_DECIMAL = re.compile(r"[$€£¥]?\s?(-?[\d,]*\.\d+)\s?[$€£¥%]?")
_SIMILARITIES = 6
_LISTED = 3
_SHORTEST = 3


class PairFacts:
    """Facts about candidate pairs, each left out where it says nothing:

    - `Similarity` of an attribute that both sides fill, six at most: of numbers with a decimal point how near they are,
      100 only if they are equal, of all else that of the characters.
    - `SharedWords`.
    - `Listed`, three words each: tokens with digits that both have; words of one side, those with digits first, then
      the rare ones. A shared attribute of one token, a price or a year, has said all with its similarity; an
      attribute that the other side does not fill is no difference.

    Args:
        records: what tells how common a word is: the records of the tables that the pairs are from.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._idf = Idf(tuple(compared_tokens(record.values())) for record in records)

    def about(self, left: Record, right: Record) -> tuple[Fact, ...]:
        """The facts about a pair."""
        shared = [n for n in left if n in right and not is_missing(left[n]) and not is_missing(right[n])]
        right = {**right, **{name: left[name] for name in shared if _says_the_same(left[name], right[name])}}
        facts: list[Fact] = [Similarity(n, _similarity(left[n], right[n])) for n in shared[:_SIMILARITIES]]
        ours, theirs = compared_tokens(left.values()), compared_tokens(right.values())
        both = [token for token in ours if token in theirs]
        shown = {
            name for name in shared if len(compared_tokens([left[name]])) == len(compared_tokens([right[name]])) == 1
        }
        a_only = _one_sided(compared_tokens(_comparable(left, right, shown)), theirs)
        b_only = _one_sided(compared_tokens(_comparable(right, left, shown)), ours)
        facts += self._idf.shared(both, list(a_only), list(b_only))
        facts += Listed.first("same", [ours[token] for token in both if _has_digit(token)], _LISTED)
        facts += Listed.first("a only", self._telling(a_only), _LISTED)
        facts += Listed.first("b only", self._telling(b_only), _LISTED)
        return tuple(facts)

    def _telling(self, tokens: dict[str, str]) -> list[str]:
        """Tokens that tell things apart: those with digits first, which tell products, versions and years apart."""
        shown = (token for token in tokens if _has_digit(token) or len(token) >= _SHORTEST)
        return [tokens[token] for token in sorted(shown, key=lambda token: (not _has_digit(token), -self._idf[token]))]

    def codes(self, left: Record, right: Record) -> float:
        """What the codes of a pair say of a match, -1 to 1 (see `codes_agree`); one that many records have is none."""
        ours, theirs = (
            {code for code in codes_among(compared_tokens(side.values())) if self._idf.is_rare(code)}
            for side in (left, right)
        )
        return codes_agree(ours, theirs)


def _comparable(record: Record, other: Record, shown: set[str]) -> list[str | None]:
    """The values that can show a difference."""
    return [v for n, v in record.items() if n not in shown and not (n in other and is_missing(other[n]))]


def _says_the_same(left: str | None, right: str | None) -> bool:
    """Whether two values are one in two notations."""
    return left != right and not set(readings(_flat(left))).isdisjoint(readings(_flat(right)))


def _similarity(left: str | None, right: str | None) -> int:
    """How alike two values are, in percent; notation plays no part where code can read both."""
    ours, theirs = _decimal(left), _decimal(right)
    if ours is None or theirs is None:
        one, two = readings(_flat(left)), readings(_flat(right))
        return round(fuzz.token_sort_ratio(*((one[0], two[0]) if one and two else (_flat(left), _flat(right)))))
    if ours == theirs:
        return 100
    return min(99, max(0, round(100 * (1 - abs(ours - theirs) / max(abs(ours), abs(theirs))))))


def _decimal(value: str | None) -> float | None:
    """A number with a decimal point, with or without a sign of money or percent; years and counts have none."""
    found = _DECIMAL.fullmatch((value or "").strip())
    return float(found[1].replace(",", "")) if found else None


def _one_sided(ours: dict[str, str], theirs: dict[str, str]) -> dict[str, str]:
    joined = "".join(theirs)
    return {token: written for token, written in ours.items() if token not in theirs and token not in joined}


def compared_tokens(values: Iterable[str | None]) -> dict[str, str]:
    """The tokens of some values, each as it is compared and as it is written first."""
    text = " ".join(_flat(value) for value in values if not is_missing(value))
    found: dict[str, str] = {}
    for token in map(_number, _TOKEN.findall(text)):
        found.setdefault(plain_code(token), token)
    return found


def _number(token: str) -> str:
    """One spelling for a number: "2005.0" and "2005.00" are "2005"."""
    return re.sub(r"^(\d+)\.0+$", r"\1", token)


def _has_digit(token: str) -> bool:
    return any(character.isdigit() for character in token)


def _flat(value: str | None) -> str:
    return (value or "").lower()[:400]
