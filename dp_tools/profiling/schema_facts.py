"""Facts about a candidate pair of attributes: how alike they are, and which words they share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rapidfuzz import fuzz

from dp_tools.profiling.column_pairs import ColumnSummary, ColumnVerdict, column_verdicts
from dp_tools.profiling.facts import Fact, Listed, Similarity, ValueOverlap
from dp_tools.profiling.idf import HashedText, Idf
from dp_tools.records import Record, is_missing

_WORD = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SHORTEST = 2
_SHARED, _OF_ONE_SIDE = 5, 3
_READ = 400
_COMMON = frozenset(
    """
    a an and any are as at be been by can each for from has have if in into is it its may not of on one
    or other such that the their this to used was were when where which who whose will with
    """.split()  # noqa: SIM905 - a list of words is read best as words
)


class SchemaFacts:
    """Facts about candidate pairs of attributes, each left out where it says nothing:

    - `Similarity` of the names, taken apart at capitals, hyphens and underscores.
    - `SharedWords` of name and description, plural or not.
    - `ValueOverlap` of the sample values.
    - `Listed`: words that name and description of both sides have, five at most; words of one side's name that the
      other side has nowhere, three at most; the rare ones first.

    Args:
        attributes: what tells how common a word is: the attributes of both tables (see `Attribute.as_record`).
        columns: the columns of the first table and of the second one, where their values are known.

    Attributes:
        verdicts: the pairs for which counting decides, by the positions of their columns.
    """

    def __init__(
        self,
        attributes: Iterable[Record] = (),
        columns: tuple[Sequence[ColumnSummary], Sequence[ColumnSummary]] = ((), ()),
    ) -> None:
        self.verdicts: dict[tuple[int, int], ColumnVerdict] = column_verdicts(*columns)
        self._idf = Idf(HashedText.of(_all_words(attribute)) for attribute in attributes)

    def about(self, left: Record, right: Record) -> tuple[Fact, ...]:
        """The facts about two attributes."""
        ours, theirs = (_words(side.get("name")) for side in (left, right))
        all_ours, all_theirs = _all_words(left), _all_words(right)
        both = [word for word in all_ours if word in all_theirs]
        facts: list[Fact] = [Similarity("name", round(fuzz.token_sort_ratio(" ".join(ours), " ".join(theirs))))]
        facts += self._idf.shared(both, _without(all_ours, both), _without(all_theirs, both))
        if not is_missing(left.get("values")) and not is_missing(right.get("values")):
            facts.append(ValueOverlap(_overlap(_words(left["values"]), _words(right["values"]))))
        facts += Listed.first("same", self._telling(both), _SHARED)
        facts += Listed.first("a only", self._telling(_without(ours, all_theirs)), _OF_ONE_SIDE)
        facts += Listed.first("b only", self._telling(_without(theirs, all_ours)), _OF_ONE_SIDE)
        return tuple(facts)

    def _telling(self, words: list[str]) -> list[str]:
        return sorted(words, key=lambda word: -self._idf[word])


def _all_words(attribute: Record) -> list[str]:
    """The words of name and description, each once."""
    return list(dict.fromkeys((*_words(attribute.get("name")), *_words(attribute.get("description")))))


def _without(words: list[str], others: list[str]) -> list[str]:
    return [word for word in words if word not in others]


def _overlap(ours: list[str], theirs: list[str]) -> int:
    """Words on both sides, in percent of those on either."""
    return round(100 * len({*ours} & {*theirs}) / max(1, len({*ours, *theirs})))


def _words(text: str | None) -> list[str]:
    """The telling words of a name or a sentence in lower case, plurals as their singulars."""
    found = (word.lower() for word in _WORD.findall(_HUMP.sub(" ", (text or "")[:_READ])))
    return [_singular(word) for word in found if len(word) >= _SHORTEST and word not in _COMMON]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
