"""The prefix-tree batch engine: prompts that begin alike are computed once, and many branches share every decode.

Prompts are taken in the order of their tokens, which is a walk through the tree of their shared beginnings. Sequence 0,
the trunk, always holds the prompt that was entered last, so every next prompt branches off it and needs only the
tokens behind the branch. Answers in the making (label tokens, values) ride along in the same batches. When a call
ends, what all of its prompts began with stays as a kept prefix for later calls; the least recently used leaves first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dp_tools.engine.decoding import Decoder
from dp_tools.engine.llama import Llama, OutOfCells, Tokens

_TRUNK = 0
_KEPT = 6
"""Prefixes kept for later calls, at most."""
_KEPT_SHARE = 4
"""Kept prefixes hold at most one in so many of the context's tokens."""
_WORTH_KEEPING = 32
"""Tokens below which a shared beginning is not worth a sequence of its own."""

TokenArray = NDArray[np.int32]


class TokenSequence:
    """A prompt with the reading behind it.

    Args:
        tokens: of the prompt, one or more.
        decoder: how its answer is read.
    """

    def __init__(self, tokens: Sequence[int], decoder: Decoder) -> None:
        self.tokens: TokenArray = np.array(tokens, np.int32)
        self.decoder = decoder
        self.fits = True
        self._unbegun()

    def reset(self) -> None:
        """As if nothing had been decoded."""
        self.decoder.reset()
        self._unbegun()

    def _unbegun(self) -> None:
        self.sequence_id = -1
        self.entered = 0  # prompt tokens in the context
        self.shared = 0  # of these, tokens in common with the open leaf before
        self.branches: dict[int, _Branch] = {}

    @property
    def ready(self) -> bool:
        """Whether the whole prompt is in the context."""
        return self.entered == len(self.tokens)

    @property
    def needs(self) -> int:
        """Tokens that the context must hold for it with its answer."""
        return len(self.tokens) + self.decoder.growth

    @property
    def cells(self) -> int:
        """Tokens it holds in the context beyond those it shares."""
        return self.entered - self.shared + sum(branch.held for branch in self.branches.values())

    @property
    def unused_sequences(self) -> int:
        """Sequences that are still set aside for it."""
        return self.decoder.spread - max(len(self.branches), 1)


@dataclass(slots=True)
class _Branch:
    """A path behind a prompt that goes on from batch to batch."""

    sequence_id: int
    held: int


@dataclass(slots=True)
class _Piece:
    """Tokens to decode into one sequence.

    Args:
        start: position of the first token.
        wanted: offsets in the tail behind which logits are read.
        branch: the reading's line, or -1 for the prompt.
        passing: the sequence is freed when the batch is done.
    """

    sequence: TokenSequence
    sequence_id: int
    start: int
    tail: TokenArray
    wanted: range
    branch: int = -1
    passing: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.tail)


@dataclass(slots=True)
class _Batch:
    """Tokens on their way into one decode."""

    room: int
    outputs: int
    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    members: list[list[int]] = field(default_factory=list)
    wanted: set[int] = field(default_factory=set)
    reads: list[tuple[_Piece, int, int]] = field(default_factory=list)  # branch, offset in its tail, index here
    passing: list[int] = field(default_factory=list)
    _path: list[int] = field(default_factory=list)  # index of each tail token of the branch added last

    def add(self, piece: _Piece, shared: int = 0) -> None:
        """Add a branch whose first `shared` tail tokens are those of the branch added before."""
        first = len(self.tokens)
        new = piece.tail[shared:].tolist()
        for index in self._path[:shared]:
            self.members[index].append(piece.sequence_id)
        self.tokens += new
        self.positions += range(piece.start + shared, piece.end)
        self.members += [[piece.sequence_id] for _ in new]
        self._path = [*self._path[:shared], *range(first, first + len(new))]
        for offset in piece.wanted:
            self.wanted.add(self._path[offset])
            self.reads.append((piece, offset, self._path[offset]))
        if piece.passing:
            self.passing.append(piece.sequence_id)

    def also_into(self, sequence_id: int) -> None:
        """Let another sequence hold the branch added last."""
        for index in self._path:
            self.members[index].append(sequence_id)

    @property
    def free(self) -> int:
        return self.room - len(self.tokens)

    @property
    def free_outputs(self) -> int:
        return self.outputs - len(self.wanted)


@dataclass(slots=True, eq=False)
class _Kept:
    """A prefix that stays between calls."""

    sequence_id: int
    tokens: TokenArray


@dataclass(slots=True)
class Work:
    """What the engine has done since it was opened."""

    decoded: int = 0
    """Tokens decoded."""
    distinct: int = 0
    """Tokens in the trees of all calls, answers included: what has to be decoded at least without kept prefixes."""
    batches: int = 0


class PrefixTree:
    """Runs leaves through one `Llama`, within its cells and sequences.

    Args:
        llama: the model; when its context is resized it needs another tree.
        work: where to count on.
    """

    def __init__(self, llama: Llama, work: Work | None = None) -> None:
        self._llama = llama
        self._budget = llama.cells
        self.work = work or Work()
        self.forget()

    def forget(self) -> None:
        """Start over with an empty context."""
        self._llama.clear()
        self._free = list(range(self._llama.sequences - 1, _KEPT, -1))
        self._kept: list[_Kept] = []  # least recently used first
        self._trunk: TokenArray = np.zeros(0, np.int32)
        self._trunk_shared = 0  # tokens in common with the last open leaf
        self._open: list[TokenSequence] = []  # in the order of their tokens
        self._crowded = False

    @property
    def kept_tokens(self) -> int:
        """Tokens held for later calls."""
        return sum(len(kept.tokens) for kept in self._kept)

    def run(self, token_sequences: Sequence[TokenSequence], finished: Callable[[TokenSequence], None]) -> None:
        """Read every leaf; `finished` is called with each as soon as its reading has its result.

        A leaf that does not fit into the context is finished with `fits` false.

        Raises:
            Cancelled: the llama was told to stop; the context has been emptied, the next call starts afresh.
            ModelUnavailable: llama.cpp failed.
        """
        try:
            fitting = self._in_order(token_sequences, finished)
            stem = _common(fitting[0].tokens, fitting[-1].tokens) if fitting else 0
            self._run(deque(fitting), finished)
        except BaseException:
            self.forget()
            raise
        self._keep(self._trunk[:stem])

    def _in_order(
        self, token_sequences: Sequence[TokenSequence], finished: Callable[[TokenSequence], None]
    ) -> list[TokenSequence]:
        """The leaves that fit, sorted; counts the tokens of their tree."""
        fitting = []
        for sequence in token_sequences:
            sequence.fits = sequence.needs <= self._llama.cells
            if sequence.fits:
                fitting.append(sequence)
            else:
                finished(sequence)
        fitting.sort(key=lambda sequence: sequence.tokens.astype(">i4").tobytes())
        before = np.zeros(0, np.int32)
        for sequence in fitting:
            self.work.distinct += len(sequence.tokens) - _common(before, sequence.tokens)
            before = sequence.tokens
        return fitting

    def _run(self, queue: deque[TokenSequence], finished: Callable[[TokenSequence], None]) -> None:
        while queue or self._open:
            batch = _Batch(self._llama.batch, self._llama.sequences)
            self._go_on(batch)
            behind = len(batch.tokens)
            self._enter(batch, queue)
            if not batch.tokens:
                self._make_room(queue, finished)
                continue
            try:
                self._llama.decode(batch.tokens, batch.positions, batch.members, sorted(batch.wanted))
            except OutOfCells:
                self._start_over(queue)
                continue
            self.work.decoded += len(batch.tokens)
            self.work.distinct += behind
            self.work.batches += 1
            self._read(batch, finished)

    # --- room

    @property
    def _room(self) -> int:
        """Cells that are neither held nor set aside."""
        held = sum(sequence.cells for sequence in self._open) + len(self._trunk) - self._trunk_shared + self.kept_tokens
        growing = sum(max(sequence.decoder.growth - _held(sequence), 0) for sequence in self._open)
        return self._budget - held - growing

    def _make_room(self, queue: deque[TokenSequence], finished: Callable[[TokenSequence], None]) -> None:
        """Nothing could be done: give up what is kept, then what was begun last, then what cannot be done at all."""
        if self._kept:
            self._drop_kept(self._kept[0])
        elif len(self._trunk) > self._trunk_shared:
            self._cut_trunk(self._trunk_shared)
        elif len(self._open) > 1:
            sequence = self._open[-1]
            self._close(sequence)
            sequence.reset()
            if not queue or queue[0] is not sequence:
                queue.appendleft(sequence)
            self._crowded = True
        else:
            sequence = self._open[0] if self._open else queue[0]
            if queue and queue[0] is sequence:
                queue.popleft()
            if self._open:
                self._close(sequence)
            sequence.fits = False
            finished(sequence)

    def _start_over(self, queue: deque[TokenSequence]) -> None:
        """The context was fuller than it was taken for: begin the open leaves again with a smaller budget."""
        begun = [sequence for sequence in self._open if not queue or queue[0] is not sequence]
        for sequence in self._open:
            sequence.reset()
        queue.extendleft(reversed(begun))
        self.forget()
        self._budget -= self._budget // 8

    def _close(self, sequence: TokenSequence) -> None:
        """Free what an open leaf holds."""
        place = self._open.index(sequence)
        if place + 1 < len(self._open):
            after = self._open[place + 1]
            after.shared = min(after.shared, sequence.shared)
        else:
            self._trunk_shared = min(self._trunk_shared, sequence.shared)
        del self._open[place]
        self._release({sequence.sequence_id, *(branch.sequence_id for branch in sequence.branches.values())})
        self._crowded = False

    def _release(self, sequences: set[int]) -> None:
        for sequence_id in sorted(sequences):
            self._llama.cut(sequence_id)
            self._free.append(sequence_id)

    # --- prompts

    def _enter(self, batch: _Batch, queue: deque[TokenSequence]) -> None:
        """Put prompts into the batch, in the tree's order, until it or the context is full."""
        if not queue or (self._crowded and self._open):
            return
        self._start_from_kept(queue[0])
        pieces: list[tuple[_Piece, int]] = []
        trunk, base = self._trunk, len(self._trunk)
        room, outputs, cells = batch.free, batch.free_outputs, self._room
        sequences = len(self._free) - sum(sequence.unused_sequences for sequence in self._open)
        while queue and room > 0 and outputs > 0:
            sequence = queue[0]
            if sequence.sequence_id < 0:
                shared = min(_common(trunk, sequence.tokens), len(sequence.tokens) - 1)
                need = len(sequence.tokens) - shared + sequence.decoder.growth
                if (
                    need > cells
                    or sequence.decoder.spread > sequences
                    or (pieces and self._kept_is_better(sequence, shared))
                ):
                    break
                cells -= need
                sequences -= sequence.decoder.spread
                base = min(base, shared)
                self._open_sequence(sequence, base, min(self._trunk_shared, shared))
            else:
                shared = sequence.entered
            end = min(shared + room, len(sequence.tokens))
            whole = end == len(sequence.tokens)
            tail = sequence.tokens[sequence.entered : end]
            wanted = range(len(tail) - 1, len(tail)) if whole else range(0)
            pieces.append(
                (_Piece(sequence, sequence.sequence_id, sequence.entered, tail, wanted), shared - sequence.entered)
            )
            room -= end - shared
            outputs -= whole
            sequence.entered = self._trunk_shared = end
            trunk = sequence.tokens[:end]
            if not whole:
                break
            queue.popleft()
        if pieces:
            self._llama.cut(_TRUNK, base)
            for piece, shared in pieces:
                batch.add(piece, shared)
            batch.also_into(_TRUNK)
            self._trunk = trunk

    def _open_sequence(self, sequence: TokenSequence, base: int, shared: int) -> None:
        sequence.sequence_id = self._free.pop()
        self._llama.copy(_TRUNK, sequence.sequence_id, base)
        sequence.entered = base
        sequence.shared = shared
        self._open.append(sequence)

    # --- answers

    def _go_on(self, batch: _Batch) -> None:
        """Put the tokens that open answers want into the batch."""
        cells = max(self._room, 0)
        sequences = len(self._free) - sum(sequence.unused_sequences for sequence in self._open)
        for sequence in self._open:
            if not sequence.ready:
                continue
            own = max(sequence.decoder.growth - _held(sequence), 0)
            before = len(batch.tokens), len(batch.passing)
            if sequence.decoder.inside:
                self._go_on_inside(sequence, batch, cells + own, sequences + 1)
                sequences -= max(len(batch.passing) - before[1] - 1, 0)
            else:
                self._go_on_branches(sequence, batch, cells + own)
            cells -= max(len(batch.tokens) - before[0] - own, 0)

    def _go_on_inside(self, sequence: TokenSequence, batch: _Batch, cells: int, sequences: int) -> None:
        """Branches that are read at every token and then dropped, as many as there is room for."""
        previous: Tokens = ()
        for branch, path in sequence.decoder.wants().items():
            shared = shared_beginning(previous, path)
            new = len(path) - shared
            if new > min(batch.free, batch.free_outputs, cells) or not sequences:
                return
            sequence_id = self._free.pop()
            self._llama.copy(sequence.sequence_id, sequence_id, len(sequence.tokens))
            tail = np.array(path, np.int32)
            piece = _Piece(
                sequence, sequence_id, len(sequence.tokens), tail, range(shared, len(path)), branch, passing=True
            )
            batch.add(piece, shared)
            cells -= new
            sequences -= 1
            previous = path

    def _go_on_branches(self, sequence: TokenSequence, batch: _Batch, cells: int) -> None:
        """The next tokens of the lines of a value; the first line goes on in the prompt's own sequence."""
        for number, path in sequence.decoder.wants().items():
            branch = sequence.branches.get(number)
            held = branch.held if branch else 0
            tail = np.array(path[held:], np.int32)
            if len(tail) > min(batch.free, cells) or not batch.free_outputs:
                return
            if branch is None:
                branch = sequence.branches[number] = self._open_branch(sequence, number)
            wanted = range(len(tail) - 1, len(tail))
            batch.add(_Piece(sequence, branch.sequence_id, len(sequence.tokens) + held, tail, wanted, number))
            branch.held += len(tail)
            cells -= len(tail)

    def _open_branch(self, sequence: TokenSequence, number: int) -> _Branch:
        if number == 0:
            return _Branch(sequence.sequence_id, 0)
        sequence_id = self._free.pop()
        self._llama.copy(sequence.sequence_id, sequence_id, len(sequence.tokens))
        return _Branch(sequence_id, 0)

    def _read(self, batch: _Batch, finished: Callable[[TokenSequence], None]) -> None:
        """Hand out the logits, close what wants no more."""
        touched: dict[int, TokenSequence] = {}
        for piece, offset, index in batch.reads:
            sequence = piece.sequence
            touched[id(sequence)] = sequence
            row = self._llama.logits(index)
            if piece.branch < 0:
                sequence.decoder.begin(row)
            else:
                sequence.decoder.take(piece.branch, tuple(piece.tail[: offset + 1].tolist()), row)
        self._release(set(batch.passing))
        for sequence in touched.values():
            wants = sequence.decoder.wants()
            if not wants:
                self._close(sequence)
                finished(sequence)
                continue
            for number in [number for number in sequence.branches if number not in wants and number]:
                self._release({sequence.branches.pop(number).sequence_id})

    # --- prefixes that stay

    def _start_from_kept(self, sequence: TokenSequence) -> None:
        """Cut the trunk to what the leaf begins with, or a kept prefix where that is more."""
        if sequence.sequence_id >= 0:
            return
        own = _common(self._trunk, sequence.tokens)
        if self._kept_is_better(sequence, own):
            best = max(self._kept, key=lambda kept: _common(kept.tokens, sequence.tokens))
            self._kept.remove(best)
            self._kept.append(best)
            own = _common(best.tokens, sequence.tokens)
            self._llama.cut(_TRUNK)
            self._llama.copy(best.sequence_id, _TRUNK, own)
            self._trunk, self._trunk_shared = best.tokens[:own], 0
        else:
            self._cut_trunk(own)

    def _cut_trunk(self, length: int) -> None:
        self._llama.cut(_TRUNK, length)
        self._trunk = self._trunk[:length]
        self._trunk_shared = min(self._trunk_shared, length)

    def _kept_is_better(self, sequence: TokenSequence, shared: int) -> bool:
        return any(_common(kept.tokens, sequence.tokens) >= shared + _WORTH_KEEPING for kept in self._kept)

    def _keep(self, tokens: TokenArray) -> None:
        """Keep the beginning of the trunk, in place of what it supersedes, then of the least recently used."""
        tokens = tokens[: self._llama.cells // (2 * _KEPT_SHARE)]
        if len(tokens) < _WORTH_KEEPING:
            return
        for kept in list(self._kept):
            if _common(kept.tokens, tokens) * 2 >= len(kept.tokens):
                self._drop_kept(kept)
        while self._kept and (
            len(self._kept) == _KEPT or self.kept_tokens + len(tokens) > self._llama.cells // _KEPT_SHARE
        ):
            self._drop_kept(self._kept[0])
        taken = {kept.sequence_id for kept in self._kept}
        sequence_id = next(s for s in range(_TRUNK + 1, _KEPT + 1) if s not in taken)
        self._llama.copy(_TRUNK, sequence_id, len(tokens))
        self._kept.append(_Kept(sequence_id, tokens))

    def _drop_kept(self, kept: _Kept) -> None:
        self._llama.cut(kept.sequence_id)
        self._kept = [other for other in self._kept if other is not kept]


def _held(sequence: TokenSequence) -> int:
    return sum(branch.held for branch in sequence.branches.values())


def shared_beginning(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two sequences begin with in common."""
    size = min(len(left), len(right))
    return next((at for at in range(size) if left[at] != right[at]), size)


def _common(left: TokenArray, right: TokenArray) -> int:
    """The same for arrays, where comparing all at once is faster."""
    size = min(len(left), len(right))
    differ = left[:size] != right[:size]
    return int(differ.argmax()) if size and differ.any() else size
