"""Decides which changes may be made without review by a person.

A rare value that is a word or a name of its own is no misspelling because a frequent one is near: Greeneville is not
Greenville, and Walker is not Waller.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations, islice

from rapidfuzz.distance import OSA

from dp_tools.profiling.cell_facts import CLOSED
from dp_tools.profiling.columns import Column, number_of
from dp_tools.profiling.misspelling import (
    consonant_runs,
    could_be_misspelt,
    differs_little,
    is_no_word,
    words_are_alike,
)
from dp_tools.profiling.spelling import is_mixed, plain_letters, plain_text, slip
from dp_tools.profiling.value_patterns import shape_of
from dp_tools.prompts.serializer import quote
from dp_tools.records import clean_name, is_missing
from dp_tools.tables.clean.proposals import Proposal
from dp_tools.tables.table_facts import TableFacts

Fields = Mapping[str, str | None]

_DIGITS = re.compile(r"\d")
_EXCEPTION = "It may be an exception."
_UNFOUNDED = "Nothing but its frequency speaks for the new value."
KNOWN = 3
"""Times that a value must stand in a column to count as one of its own."""
_FAR_MORE = 100
"""How many times as frequent a value is than one that can hardly be anything but its misspelling."""
_MORE = 10
"""The same of a slip of the hand that makes no word."""
_HALF = 0.5
"""Share of a column whose values hold a word that makes a word spelled almost so no other one."""
_SHORTEST = 5
"""Letters from which on a slip of the hand seldom makes another word."""
_OF_WORDS = frozenset({"transposed", "doubled", "look-alike", "neighbouring key", "left out"})
_OF_NAMES = frozenset({"transposed"})
"""Slips that seldom make another word, and those that seldom make another name."""
_EXPECTED = 4
"""How often two values must be expected together before their absence speaks against them."""
_ALWAYS, _FEWEST_ROWS = 0.9, 5
"""Share of at least so many rows with a value that make what they hold elsewhere its own."""
_MOSTLY, _SOME = 0.75, 3
"""The same where the value in doubt is spelled alike, and so no exception."""


class Unattended:
    """What a person has to decide in one table.

    Args:
        facts: what the table says.
    """

    def __init__(self, facts: TableFacts) -> None:
        self._facts = facts
        self._closed: dict[str, bool] = {}
        self._crowded: dict[str, bool] = {}

    def doubt(
        self, record: Fields, attribute: str, chosen: Proposal, offered: Sequence[Proposal], *, by_rule: bool
    ) -> str | None:
        """Why a person should decide on a change; None where it may be made.

        Args:
            record: the record with the wrong value.
            attribute: of the value.
            chosen: what would be put in its place.
            offered: all that was proposed for it.
            by_rule: whether a rule or a labelled example says that the value is wrong.
        """
        value = (record[attribute] or "").strip()
        if chosen.doubt and not by_rule:
            return chosen.doubt
        if "format" in chosen.sources or is_missing(value) or self._facts.is_placeholder(attribute, value):
            return None
        if chosen.source in ("usual value", "record", "model"):
            return None if self._is_founded(attribute, value, chosen, by_rule=by_rule) else _UNFOUNDED
        determined = [one.value for one in offered if one.source == "dependency"]
        if (other := self._conflict(attribute, value, determined, offered)) is not None:
            return f"Its spelling says {quote(other, 40)}, the record's other values say {quote(determined[0], 40)}."
        if chosen.value in determined:
            doubt = self._doubt_about_dependency(record, attribute, chosen.value, by_rule=by_rule)
            if doubt != _EXCEPTION or not chosen.sources & {"frequent value", "rule"}:
                return doubt
        return self._doubt_about_spelling(record, attribute, chosen.value, by_rule=by_rule)

    def _is_founded(self, attribute: str, value: str, chosen: Proposal, *, by_rule: bool) -> bool:
        """Whether more than its frequency, or a model's word, speaks for a new value: the old one stands in the wrong
        column, or a rule says that it is wrong and hardly any other cell holds it."""
        if chosen.source != "model" and self._is_astray(attribute, value):
            return True
        return by_rule and self._is_rare(attribute, value)

    def _conflict(
        self, attribute: str, value: str, determined: Sequence[str], offered: Sequence[Proposal]
    ) -> str | None:
        """What its spelling says was meant, where the record's other values all say something else."""
        spelled = [one.value for one in offered if one.source in ("frequent value", "rule")]
        # A proposal that a data constraint forbids is not offered, but still shows what was meant.
        spelled += filter(None, [self._facts.nearest_frequent(attribute, value)])
        return spelled[0] if determined and spelled and not set(determined) & set(spelled) else None

    def _doubt_about_dependency(self, record: Fields, attribute: str, meant: str, *, by_rule: bool) -> str | None:
        """Of a value that the record's other values name: one that is spelled otherwise may be an exception."""
        value, column = (record[attribute] or "").strip(), self._facts.column(attribute)
        if column is None or by_rule or self._is_astray(attribute, value):
            return None
        if self._is_apart(record, attribute, meant):
            return "The records that are like this one in another value all differ from the others."
        if _breaks_kind(column, value):
            return None
        if self._witnesses(record, attribute, _SOME, _MOSTLY) and _is_misspelt(column, value, meant):
            return None
        others = (name for name in record if name != attribute)
        if self._witnesses(record, attribute) > 1 and not any(self._witnesses(record, name) for name in others):
            return None
        return _EXCEPTION

    def _witnesses(self, record: Fields, attribute: str, least: int = _FEWEST_ROWS, share: float = _ALWAYS) -> int:
        """Attributes of which at least so many other rows with the same value mostly hold another one here."""
        found = self._facts.majorities(record, attribute)
        return sum(one.total >= least and one.count >= share * one.total for one in found)

    def _is_rare(self, attribute: str, value: str) -> bool:
        column = self._facts.column(attribute)
        return column is None or column.counts[value] < KNOWN

    def _is_astray(self, attribute: str, value: str) -> bool:
        """Whether a value belongs into another column; numbers may stand in many."""
        return number_of(value) is None and self._facts.at_home_elsewhere(attribute, value)

    def _is_apart(self, record: Fields, attribute: str, meant: str) -> bool:
        """Whether the rows that share another of the record's values have all values of their own here, and not the
        meant one: "ak_hf-1" is no misspelling of "al_hf-1" where the state is "ak"."""
        column = self._facts.column(attribute)
        for name, other in record.items():
            shared, beside = self._facts.column(name), (other or "").strip()
            if name == attribute or column is None or shared is None or shared.counts[beside] < _FEWEST_ROWS:
                continue
            counts = self._facts.beside(name, beside)[attribute]
            if meant not in counts and len(counts) > 1 and all(column.counts[one] == n for one, n in counts.items()):
                return True
        return False

    def _doubt_about_spelling(self, record: Fields, attribute: str, meant: str, *, by_rule: bool) -> str | None:
        value, column = (record[attribute] or "").strip(), self._facts.column(attribute)
        if plain_text(value) == plain_text(meant):
            return None
        contradicting = self._contradicting(record, attribute, meant)
        if contradicting is not None:
            return f"{quote(meant, 40)} never stands beside {contradicting}."
        distance = OSA.distance(plain_letters(value), plain_letters(meant))
        if by_rule and distance <= max(1, len(meant) // 4):
            return None
        if column is None:
            return "The table is too small to say how the value is spelled."
        return self._doubt_about_rare_spelling(record, attribute, column, meant)

    def _doubt_about_rare_spelling(self, record: Fields, attribute: str, column: Column, meant: str) -> str | None:
        """Of a value that the record's other values allow, and that no rule calls wrong: by how its column spells."""
        value = (record[attribute] or "").strip()
        if self._facts.share_of_words(attribute, value, meant) >= _HALF:
            return None
        own, others = column.counts[value], column.counts[meant]
        if own > 1 and own * _FAR_MORE > others:
            return "Other records spell it so, too."
        if len(_known(column)) <= CLOSED and self._is_named(record, attribute, meant):
            return None
        distance = OSA.distance(plain_letters(value), plain_letters(meant))
        if is_mixed(value) and distance <= 1 and _breaks_kind(column, value):
            return None
        if others >= _FAR_MORE * own and not self._is_crowded(attribute, column) and is_no_word(value, meant):
            return None
        return self._doubt_about_closed_set(attribute, column, meant, value)

    def _doubt_about_closed_set(self, attribute: str, column: Column, meant: str, value: str) -> str | None:
        if not self._is_closed(attribute, column):
            return "The column has rare values, and this may be one that is right."
        same = plain_letters(value) == plain_letters(meant)
        return None if same or _is_slip(column, value, meant) else "It may be a value of its own."

    def _is_named(self, record: Fields, attribute: str, meant: str) -> bool:
        """Whether the record itself names the value: in another cell, or by how one begins."""
        if self._facts.beginning_says(record, attribute) == meant:
            return True
        words = f" {plain_letters(meant)} "
        return any(
            words in f" {plain_letters(other)} " for name, other in record.items() if name != attribute and other
        )

    def _contradicting(self, record: Fields, attribute: str, meant: str) -> str | None:
        """The value of the record beside which a value never stands, though both are common enough to have met."""
        for name, counts in self._facts.beside(attribute, meant).items():
            own, column = (record.get(name) or "").strip(), self._facts.column(name)
            if column is None or is_missing(own) or column.counts[own] < KNOWN:
                continue
            rows = counts.total()
            expected = rows * column.counts[own] / column.rows
            usual, times = counts.most_common(1)[0] if counts else ("", 0)
            always = rows >= _FEWEST_ROWS and times >= _ALWAYS * rows and 2 * column.counts[usual] <= column.filled
            if (expected >= _EXPECTED and 8 * counts[own] <= expected) or (always and own != usual):
                return f"{clean_name(name)} {quote(own, 40)}"
        return None

    def _is_crowded(self, attribute: str, column: Column) -> bool:
        """Whether a column has many values, or some that are nearly spelled as another and yet right."""
        if attribute not in self._crowded:
            known = _known(column)
            crowded = len(known) > CLOSED or any(could_be_misspelt(*pair) for pair in combinations(known, 2))
            self._crowded[attribute] = crowded
        return self._crowded[attribute]

    def _is_closed(self, attribute: str, column: Column) -> bool:
        """Whether a column has few values, none nearly spelled as another, and rare ones only by mistake."""
        if attribute not in self._closed:
            known = _known(column)
            crowded = self._is_crowded(attribute, column)
            self._closed[attribute] = not crowded and not self._has_strangers(attribute, column, known)
        return self._closed[attribute]

    def _has_strangers(self, attribute: str, column: Column, known: Sequence[str]) -> bool:
        """Whether more than one rare value has a usual shape of the column and yet resembles no other value."""
        strangers = (
            value
            for value, count in column.counts.items()
            if count < KNOWN
            and column.shapes[shape_of(value)] * 20 >= column.filled
            and not self._facts.at_home_elsewhere(attribute, value)
            and not self._facts.is_placeholder(attribute, value)
            and not any(differs_little(value, other, least=0) for other in known)
        )
        return len(list(islice(strangers, 2))) > 1


def _is_slip(column: Column, value: str, meant: str) -> bool:
    """Whether one slip of a hand makes the value of a far more frequent one, and hardly ever makes another word."""
    found = slip(value, meant)
    if found is None or not found.inside or len(meant) < _SHORTEST:
        return False
    if column.counts[meant] < _MORE * column.counts[value]:
        return False
    if found.kind in (_OF_WORDS if meant.islower() else _OF_NAMES):
        return True
    known = {run for other in _known(column) for run in consonant_runs(other)}
    return found.kind != "doubled" and bool(consonant_runs(value) - known)


def _known(column: Column) -> list[str]:
    """The values that come back too often to be mistakes."""
    return [value for value, count in column.counts.items() if count >= max(KNOWN, column.filled // 200)]


def _is_misspelt(column: Column, value: str, meant: str) -> bool:
    """Whether a rare value is spelled almost as a frequent one, backwards, or with strange characters in it; digits
    apart, for 12 is no misspelling of 13."""
    rare = _MORE * column.counts[value] <= column.counts[meant] or column.counts[value] < KNOWN
    if rare and meant in ("".join(c for c in value if c.isascii() or c in meant), value[::-1]):
        return True
    return (
        rare
        and len(meant) >= _SHORTEST - 1
        and words_are_alike(value, meant)
        and _DIGITS.findall(value) == _DIGITS.findall(meant)
    )


def _breaks_kind(column: Column, value: str) -> bool:
    """Whether hardly any value of the column is made of letters, or of digits, or of both, as this one is."""
    alike = sum(count for shape, count in column.shapes.items() if _made_of(shape) == _made_of(shape_of(value)))
    return alike * 20 < column.filled


def _made_of(shape: str) -> tuple[bool, bool]:
    return any(c.isalpha() for c in shape), "9" in shape
