"""Facts about a candidate pair: similarity of shared attributes, and numbers and words on one side only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dp_tools.profiling.compared_record import (
    ComparedRecord,
    ComparedValue,
    Tokens,
    compared_tokens,
    has_digit,
)
from dp_tools.profiling.facts import Fact, Listed, Similarity
from dp_tools.profiling.identifiers import codes_agree
from dp_tools.profiling.identity import IdentityJudge, Judgement
from dp_tools.profiling.idf import HashedText, Idf
from dp_tools.profiling.measures import measures_agree
from dp_tools.records import Record

_SIMILARITIES = 6
_LISTED = 3
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """What two records share and what tells them apart.

    Args:
        left: the values of the attributes that both sides fill, of the left side.
        right: the same of the right side; one that says the same in another notation is the left one.
        both: tokens that both sides have.
        a_only: tokens that only the left side has. A shared attribute of one token, a price or a year, has said all
            with its similarity; an attribute that the other side does not fill is no difference.
        b_only: the same of the right side.
    """

    left: dict[str, ComparedValue]
    right: dict[str, ComparedValue]
    both: Tokens
    a_only: Tokens
    b_only: Tokens

    @classmethod
    def of(cls, left: ComparedRecord, right: ComparedRecord) -> ComparedPair:
        """Compare two records."""
        shared = [name for name in left.values if name in right.values]
        same = {name: left.values[name] for name in shared if left.values[name].says_the_same(right.values[name])}
        if same:
            right = right.with_values(same)
        single = {name for name in shared if len(left.values[name].tokens) == len(right.values[name].tokens) == 1}
        ours, theirs = left.tokens, right.tokens
        return cls(
            left={name: left.values[name] for name in shared},
            right={name: right.values[name] for name in shared},
            both={token: written for token, written in ours.items() if token in theirs},
            a_only=_one_sided(left, single | right.missing, right),
            b_only=_one_sided(right, single | left.missing, left),
        )


class PairFacts:
    """Facts about candidate pairs, each left out where it says nothing:

    - `Similarity` of an attribute that both sides fill, six at most.
    - `SharedWords`.
    - `Listed`, three words each: tokens with digits that both have; words of one side, those with digits first, then
      the rare ones.

    Args:
        records: what tells how common a word is: the records of the tables that the pairs are from.
        judge: weighs what pairs of people, companies or addresses have in common, where the records are such.
    """

    def __init__(self, records: Iterable[Record] = (), judge: IdentityJudge | None = None) -> None:
        self._judge = judge
        self.weights = Idf(map(words_of, records))

    @classmethod
    def of_words(cls, words: Iterable[HashedText], judge: IdentityJudge | None) -> PairFacts:
        """The same from what `words_of` gives of each record."""
        found = cls((), judge)
        found.weights = Idf(words)
        return found

    def about(self, left: Record, right: Record) -> tuple[Fact, ...]:
        """The facts about a pair."""
        pair = ComparedPair.of(ComparedRecord(left), ComparedRecord(right))
        facts: list[Fact] = [
            Similarity(name, round(value.similarity(pair.right[name])))
            for name, value in list(pair.left.items())[:_SIMILARITIES]
        ]
        facts += self.weights.shared(list(pair.both), list(pair.a_only), list(pair.b_only))
        facts += Listed.first("same", [written for token, written in pair.both.items() if has_digit(token)], _LISTED)
        facts += Listed.first("a only", self._telling(pair.a_only), _LISTED)
        facts += Listed.first("b only", self._telling(pair.b_only), _LISTED)
        return tuple(facts)

    def judgement(self, left: Record, right: Record) -> Judgement | None:
        """What counted evidence says of a pair, where the records are people, companies or addresses."""
        return None if self._judge is None else self._judge.judge(left, right)

    def _telling(self, tokens: Tokens) -> list[str]:
        """Tokens that tell things apart: those with digits first, which tell products, versions and years apart."""
        chosen = (token for token in tokens if has_digit(token) or len(token) >= _SHORTEST)
        return [
            tokens[token] for token in sorted(chosen, key=lambda token: (not has_digit(token), -self.weights[token]))
        ]

    def codes(self, left: Record, right: Record) -> float:
        """What the codes of a pair say of a match, -1 to 1 (see `codes_agree`); one that many records have is none."""
        return self.codes_of(ComparedRecord(left), ComparedRecord(right))

    def codes_of(self, left: ComparedRecord, right: ComparedRecord) -> float:
        """The same of records that were read before."""
        if not left.codes or not right.codes:
            return 0.0
        return codes_agree(*({code for code in side.codes if self.weights.is_rare(code)} for side in (left, right)))

    def evidence(self, left: Record, right: Record) -> float:
        """What codes and measures say of a match, -1 to 1 (see `codes_agree` and `measures_agree`)."""
        texts = ([value for value in side.values() if value] for side in (left, right))
        return min(1.0, max(-1.0, self.codes(left, right) + min(0.0, measures_agree(*texts))))


def words_of(record: Record) -> HashedText:
    """The words of a record, which tell how common each is."""
    return HashedText.of(compared_tokens(record))


def _one_sided(record: ComparedRecord, without: set[str], other: ComparedRecord) -> Tokens:
    """The tokens of a record that the other has nowhere, not even inside its own, but for some attributes."""
    hidden = frozenset(without & record.values.keys())
    tokens = record.tokens_without(hidden) if hidden else record.tokens
    theirs, run = other.tokens, other.run
    return {token: written for token, written in tokens.items() if token not in theirs and token not in run}
