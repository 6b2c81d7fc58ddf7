"""Decoders: they read an answer from logits, as label scores or as a value generated token by token.

A reading is begun with the logits behind its prompt, then names the paths (tokens behind the prompt) it wants decoded
next, takes the logits behind them, and has its result when it wants no more. It knows nothing of sequences or batches.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dp_tools.engine.constraint import State, constraint
from dp_tools.engine.llama import Llama, Tokens
from dp_tools.engine.questions import GeneratedValue, Labels, LabelScores, Result, Segment, Unanswered, Value
from dp_tools.engine.vocabulary import Ids, Vocabulary

Row = NDArray[np.float32]

_NEGLIGIBLE = 1e-4
"""A label whose first token has less than this share of the best label's probability is not looked at further."""


class Decoder(Protocol):
    """One answer in the making."""

    spread: int
    """Sequences it needs at one time at most."""
    growth: int
    """Tokens behind the prompt that it holds at one time, as far as can be told beforehand."""
    inside: bool
    """True: logits are wanted behind every token of a path, and no path is continued later. False: behind its last
    token, and a line's path goes on where it was."""

    def begin(self, row: Row) -> None:
        """Take the logits behind the prompt."""

    def wants(self) -> dict[int, Tokens]:
        """Paths to decode next, by the number of their line; none when the result is there."""

    def take(self, branch: int, path: Tokens, row: Row) -> None:
        """Take the logits of a line, behind the tokens that were decoded for it now."""

    def reset(self) -> None:
        """Forget what was taken, to be begun again."""

    def result(self, model: str) -> Result:
        """The answer, once nothing is wanted."""


class LabelDecoder:
    """The probability of each label, normalised over the labels.

    A label's score is that of all its tokens; where its tokens begin another label too, the end counts as one more.
    """

    inside = True

    def __init__(self, labels: list[Tokens]) -> None:
        self._labels = labels
        self._first = np.array([label[0] for label in labels], np.int32)
        self._deep = any(len(label) > 1 for label in labels)
        self.spread = 2 if self._deep else 1
        self.growth = max(map(len, labels)) - 1
        self._scores: NDArray[np.float64] = np.zeros(len(labels))
        self._left: dict[Tokens, None] = {}

    def begin(self, row: Row) -> None:
        self._scores = row[self._first].astype(np.float64)
        if not self._deep:
            return
        self._scores -= _log_total(row)
        floor = self._scores.max() + np.log(_NEGLIGIBLE)
        paths = {
            label[:end]
            for label, score in zip(self._labels, self._scores, strict=True)
            if score >= floor
            for end in range(1, len(label))
        }
        self._left = dict.fromkeys(sorted(paths))

    def wants(self) -> dict[int, Tokens]:
        paths = list(self._left)
        longest = [a for a, b in zip(paths, [*paths, ()][1:], strict=True) if b[: len(a)] != a]
        return dict(enumerate(longest))

    def take(self, branch: int, path: Tokens, row: Row) -> None:  # noqa: ARG002
        if self._left.pop(path, False) is not None:
            return
        total = _log_total(row)
        for index, label in enumerate(self._labels):
            if len(label) > len(path) and label[: len(path)] == path:
                self._scores[index] += float(row[label[len(path)]]) - total

    def reset(self) -> None:
        self._left = {}

    def result(self, model: str) -> LabelScores:
        shares = np.exp(self._scores - self._scores.max())
        return LabelScores(tuple((shares / shares.sum()).tolist()), model)


class _Branch:
    """One value being written."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.path: Tokens = ()
        self.score = 0.0
        self.ended = False


class ValueDecoder:
    """A value, greedily, and its runners-up: the other most probable first tokens, each continued greedily.

    Probabilities are among what the constraint permits, so a text that cannot be avoided has probability 1.
    """

    inside = False

    def __init__(self, value: Value, start: State, ends: Ids, vocabulary: Vocabulary) -> None:
        self._value = value
        self._start = start
        self._ends = ends
        self._vocabulary = vocabulary
        self._branches: list[_Branch] = []
        self.spread = 1 + value.alternatives
        self.growth = self.spread * min(value.max_tokens, 12)

    def begin(self, row: Row) -> None:
        tokens, scores, _ = self._scored(self._start, row)
        for index in np.argsort(-scores, kind="stable")[: self.spread]:
            branch = _Branch(self._start)
            self._branches.append(branch)
            self._go(branch, int(tokens[index]), float(scores[index]))

    def wants(self) -> dict[int, Tokens]:
        return {number: branch.path for number, branch in enumerate(self._branches) if not branch.ended}

    def take(self, branch: int, path: Tokens, row: Row) -> None:  # noqa: ARG002
        written = self._branches[branch]
        tokens, scores, end = self._scored(written.state, row)
        best = int(np.argmax(scores))
        if end >= scores[best]:
            written.score += end
            written.ended = True
        else:
            self._go(written, int(tokens[best]), float(scores[best]))

    def reset(self) -> None:
        self._branches = []

    def _go(self, branch: _Branch, token: int, score: float) -> None:
        """Write a token, and everything behind it that the constraint leaves no choice about."""
        branch.score += score
        while True:
            branch.path += (token,)
            branch.state = branch.state.after(token)
            following = branch.state.allowed
            if len(branch.path) >= self._value.max_tokens and (branch.state.may_end or following is None):
                branch.ended = True
                return
            if following is None or len(following) > 1 or (len(following) == 1 and branch.state.may_end):
                return
            if not len(following):
                branch.ended = True
                return
            token = int(following[0])

    def _scored(self, state: State, row: Row) -> tuple[Ids, NDArray[np.float64], float]:
        """The permitted tokens, their log-probabilities, and that of the end."""
        tokens = state.allowed
        if tokens is None:
            logits = row.astype(np.float64)
            logits[self._vocabulary.not_text] = -np.inf
            tokens = np.arange(len(row), dtype=np.int32)
        else:
            logits = row[tokens].astype(np.float64)
        end = _log_total(row[self._ends]) if state.may_end else -np.inf
        total = np.logaddexp(_log_total(logits), end) if len(logits) else end
        return tokens, logits - total, float(end - total)

    def result(self, model: str) -> Result:
        found: dict[str, float] = {}
        for branch in self._branches:
            text = self._text(branch)
            if text:
                found.setdefault(text, float(np.exp(branch.score)))
        if not found:
            return Unanswered("The model wrote no value: the question permits none.")
        (text, probability), *others = found.items()
        others.sort(key=lambda other: -other[1])
        return GeneratedValue(text, probability, tuple(others), model)

    def _text(self, branch: _Branch) -> str:
        if branch.state.text is not None:
            return branch.state.text
        written = b"".join(self._vocabulary.pieces[token] for token in branch.path).decode("utf-8", "ignore")
        return written.partition(self._value.end)[0].strip() if self._value.end else written.strip()


def decoder_for(answer: Labels | Value, llama: Llama, vocabulary: Vocabulary) -> Decoder | Unanswered:
    """The reading for an answer, or why this model cannot give it."""
    if isinstance(answer, Value):
        start = constraint(answer, llama, vocabulary)
        if start.allowed is not None and not len(start.allowed):
            return Unanswered("The question permits no value: give at least one allowed value or a text to copy from.")
        return ValueDecoder(answer, start, vocabulary.ends(answer.end), vocabulary)
    labels = [llama.tokens_of(Segment(text)) for text in answer.texts]
    for text, tokens in zip(answer.texts, labels, strict=True):
        if not tokens or not all(map(llama.is_text, tokens)):
            return Unanswered(f'The model has no tokens for the label "{text}": use another label or model.')
    return LabelDecoder(_ended(labels, llama.tokens_of(Segment(answer.end, control=True)) if answer.end else ()))


def _ended(labels: list[Tokens], end: Tokens) -> list[Tokens]:
    """The labels, with the end behind those whose tokens begin another label."""
    return [
        label + end[:1] if any(len(other) > len(label) and other[: len(label)] == label for other in labels) else label
        for label in labels
    ]


def _log_total(logits: NDArray[np.floating]) -> float:
    top = logits.max()
    return float(top + np.log(np.exp(logits - top).sum(dtype=np.float64)))
