"""Constraints on a generated value: any text, one of several texts, or a substring of a given text.

A constraint is a chain of states; `allowed` names the tokens that a state permits, `after` the state behind one.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np

from dp_tools.engine.llama import Llama, Tokens
from dp_tools.engine.questions import Segment, Value
from dp_tools.engine.vocabulary import Ids, Vocabulary


class State(Protocol):
    """A point in a value."""

    @property
    def may_end(self) -> bool:
        """Whether the value may end here."""

    @property
    def allowed(self) -> Ids | None:
        """The tokens that may follow, ascending; None for any text."""

    def after(self, token: int) -> State:
        """The state behind an allowed token."""

    @property
    def text(self) -> str | None:
        """The text that has been chosen, when it is known better than from the tokens."""


@dataclass(frozen=True, slots=True)
class AnyText:
    """Any text that is not empty."""

    may_end: bool = False
    text: None = None

    @property
    def allowed(self) -> None:
        return None

    def after(self, token: int) -> AnyText:  # noqa: ARG002
        return _STARTED


_STARTED = AnyText(may_end=True)


class OneOf:
    """One of some texts, each as its own tokens; states are the nodes of their tree."""

    def __init__(self, texts: dict[Tokens, str]) -> None:
        self._texts = texts
        self.text = texts.get(())

    @property
    def may_end(self) -> bool:
        return self.text is not None

    @cached_property
    def _children(self) -> dict[int, dict[Tokens, str]]:
        children: dict[int, dict[Tokens, str]] = {}
        for tokens, text in self._texts.items():
            if tokens:
                children.setdefault(tokens[0], {})[tokens[1:]] = text
        return children

    @cached_property
    def _states(self) -> dict[int, OneOf]:
        return {}

    @cached_property
    def allowed(self) -> Ids:
        return np.array(sorted(self._children), np.int32)

    def after(self, token: int) -> OneOf:
        if token not in self._states:
            self._states[token] = OneOf(self._children[token])
        return self._states[token]


class Stretch:
    """A contiguous stretch of a text, whatever tokens write it: a state holds every place where it may have got to."""

    text = None

    def __init__(self, source: _Source, places: frozenset[int], *, started: bool) -> None:
        self._source = source
        self._places = places
        self._started = started

    @property
    def may_end(self) -> bool:
        """Not inside a character, a word or a number."""
        return self._started and any(self._source.is_border(place) for place in self._places)

    @cached_property
    def allowed(self) -> Ids:
        tokens = {token for place in self._places for token in self._source.tokens_at(place)}
        return np.array(sorted(tokens), np.int32)

    def after(self, token: int) -> Stretch:
        return Stretch(self._source, self._source.behind(self._places, token), started=True)


class _Source:
    """The text of a stretch as bytes, with what the vocabulary can write at each place of it."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.data = text.encode("utf-8", "replace")
        self._borders = _borders(self.data.decode("utf-8"))
        self._vocabulary = vocabulary
        self._tokens: dict[int, list[int]] = {}

    def is_border(self, place: int) -> bool:
        """Whether a value may begin or end at a place."""
        return place in self._borders

    def starts(self) -> frozenset[int]:
        """Places where a value may begin: a border with no space behind it."""
        data = self.data
        return frozenset(p for p in self._borders if p < len(data) and not data[p : p + 1].isspace())

    def tokens_at(self, place: int) -> list[int]:
        if place not in self._tokens:
            self._tokens[place] = self._vocabulary.tokens_at(self.data, place)
        return self._tokens[place]

    def behind(self, places: frozenset[int], token: int) -> frozenset[int]:
        piece = self._vocabulary.pieces[token]
        return frozenset(p + len(piece) for p in places if self.data.startswith(piece, p))


def _borders(text: str) -> frozenset[int]:
    """The places, in bytes, that are not inside a word or a number of the text.

    A capital behind a small letter begins a word ("BlackUPC"), as does a letter behind a digit and a digit behind a
    letter ("9W"). Scripts whose letters have no case may be written without blanks, so any place is a border there.
    """
    found, place = {0}, len(text[:1].encode())
    for before, behind in pairwise(text):
        inside = (
            unicodedata.combining(behind) > 0
            or (before.isdigit() and behind.isdigit())
            or (_cased(before) and _cased(behind) and not (before.islower() and behind.isupper()))
        )
        if not inside:
            found.add(place)
        place += len(behind.encode())
    return frozenset({*found, place})


def _cased(character: str) -> bool:
    return character.isalpha() and (character.isupper() or character.islower())


class Either:
    """Two constraints side by side; one drops out when a token is none of its own."""

    def __init__(self, left: State, right: State) -> None:
        self._left = left
        self._right = right

    @property
    def may_end(self) -> bool:
        return self._left.may_end or self._right.may_end

    @property
    def text(self) -> str | None:
        return self._right.text or self._left.text

    @cached_property
    def allowed(self) -> Ids:
        left, right = self._left.allowed, self._right.allowed
        assert left is not None
        assert right is not None
        return np.union1d(left, right)

    def after(self, token: int) -> State:
        left, right = (
            side.after(token) if side.allowed is not None and token in side.allowed else None
            for side in (self._left, self._right)
        )
        if left is None or right is None:
            survivor = left or right
            assert survivor is not None
            return survivor
        return Either(left, right)


def constraint(value: Value, llama: Llama, vocabulary: Vocabulary) -> State:
    """The state before a value's first token."""
    if value.allowed is not None:
        return _one_of((*value.allowed, *value.or_else), llama)
    if value.copy_from is None:
        return AnyText()
    source = _Source(value.copy_from, vocabulary)
    stretch = Stretch(source, source.starts(), started=False)
    return Either(stretch, _one_of(value.or_else, llama)) if value.or_else else stretch


def _one_of(texts: tuple[str, ...], llama: Llama) -> OneOf:
    return OneOf({llama.tokens_of(Segment(text)): text for text in reversed(texts) if text})
