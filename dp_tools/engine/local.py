"""The engine on this machine: one thread owns the model, callers queue, wait, report progress and can stop it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

from dp_tools.engine.alone import asked_alone
from dp_tools.engine.available_weights import BestWeights
from dp_tools.engine.cores import physical_cores
from dp_tools.engine.decoding import decoder_for
from dp_tools.engine.llama import Llama
from dp_tools.engine.prefix_tree import PrefixTree, TokenSequence, Work
from dp_tools.engine.questions import Question, Result, Segment, Unanswered
from dp_tools.engine.vocabulary import Vocabulary
from dp_tools.engine.waiting import awaited
from dp_tools.errors import Cancelled, ModelUnavailable
from dp_tools.models.catalogue import ModelSpec
from dp_tools.progress import Progress

_BATCH = 512
_CELLS = 2048
"""Tokens that the context holds until a question needs more: attention looks at all of them for every token."""
_SEQUENCES = 128


class _Job:
    """One call, on its way through the owner's thread."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.questions = questions
        self.alone = asked_alone()
        self.answered = 0
        self.stopped = False


class LocalEngine:
    """A GGUF model answering through the prefix tree. It loads at the first call that needs it.

    Args:
        spec: the model.
        threads: of a decode; default: the physical cores.
        context: tokens that a prompt may take with its answer; the working memory grows up to it as prompts need it.
        optimized: decode from weights rewritten for this machine, as soon as there are any; they are made in the
            background where there are none.
    """

    def __init__(
        self, spec: ModelSpec, *, threads: int | None = None, context: int = 4096, optimized: bool = False
    ) -> None:
        self.spec = spec
        self._optimized = optimized
        self.threads = threads or physical_cores()
        self._context = context
        self._owner = ThreadPoolExecutor(1, thread_name_prefix="dp-tools-engine")
        self._guard = threading.RLock()
        self._current: _Job | None = None
        self._llama: Llama | None = None
        self._tree: PrefixTree | None = None
        self._vocabulary: Vocabulary | None = None
        self._active: tuple[Path, ...] = ()
        self._closed = False

    @property
    def name(self) -> str:
        """The model's name."""
        return self.spec.name

    @property
    def fingerprint(self) -> str:
        """Of the weights, the adapter and the prompt template."""
        return self._best.fingerprint

    @cached_property
    def _best(self) -> BestWeights:
        """What is loaded; weights are looked for, and optimized, on the first look."""
        return BestWeights(self.spec, self._optimized)

    @property
    def weights(self) -> Path:
        """The file that is loaded: the optimized one, where weights are optimized."""
        return self._best.current.path

    def forget(self) -> None:
        """Drop the prefixes that are kept between calls. Not while a call is running."""
        self._loaded()[1].forget()

    @property
    def work(self) -> Work:
        """Tokens decoded since the model was loaded."""
        return self._loaded()[1].work

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        """One result per question, in order; see `Engine.answer`."""
        if not questions:
            return []
        job = _Job(questions)
        with self._guard:
            if self._closed:
                raise ModelUnavailable(f"The engine of {self.name} has been closed: open a new one.")
            future = self._owner.submit(self._run, job)
        try:
            return awaited(future, lambda: job.answered, len(questions), progress, cancel)
        except BaseException:
            self._stop(job)
            raise

    def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """The token ids of a prompt, exactly as the model gets them."""
        with self._guard:
            return self._loaded()[0].tokenize(segments)

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        """Tokens these segments take in this model."""
        return len(self.tokenize(segments))

    def close(self) -> None:
        """Free the model, after stopping what is running."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            if self._current:
                self._stop(self._current)
        self._owner.shutdown(cancel_futures=True)
        if self._llama:
            self._llama.close()
            self._llama = None

    # --- in the owner's thread

    def _run(self, job: _Job) -> list[Result]:
        self._improve()
        llama, tree, vocabulary = self._loaded()
        with self._guard:
            if job.stopped:
                raise Cancelled("The work was stopped.")
            self._current = job
            llama.go_on()
        try:
            return self._answers(job, llama, tree, vocabulary)
        finally:
            with self._guard:
                self._current = None
                llama.go_on()

    def _improve(self) -> None:
        """Answer from optimized weights from now on, if some have come since the last call."""
        with self._guard:
            if self._best.improved() and self._llama:
                self._llama.close()
                self._llama = self._tree = self._vocabulary = None
                self._active = ()

    def _answers(self, job: _Job, llama: Llama, tree: PrefixTree, vocabulary: Vocabulary) -> list[Result]:
        places: dict[Question, list[int]] = {}
        for place, question in enumerate(job.questions):
            places.setdefault(question, []).append(place)
        results: list[Result | None] = [None] * len(job.questions)

        def settle(question: Question, result: Result) -> None:
            for place in places[question]:
                results[place] = result
            job.answered += len(places[question])

        asked: dict[TokenSequence, Question] = {}
        groups: dict[Path | None, list[TokenSequence]] = {}
        for question in places:
            decoder = decoder_for(question.answer, llama, vocabulary)
            tokens = llama.tokenize(question.segments)
            if isinstance(decoder, Unanswered):
                settle(question, decoder)
            elif not tokens:
                settle(question, Unanswered("The prompt is empty."))
            else:
                sequence = TokenSequence(tokens, decoder)
                asked[sequence] = question
                groups.setdefault(question.adapter, []).append(sequence)

        def finished(sequence: TokenSequence) -> None:
            if sequence.fits:
                settle(asked[sequence], sequence.decoder.result(asked[sequence].answered_by(self.name)))
            else:
                settle(asked[sequence], _too_long(len(sequence.tokens), llama.cells))

        if job.alone:
            tree = self._as_opened(llama, tree)
        tree = self._with_room(max((sequence.needs for sequence in asked), default=0), llama, tree)
        for adapter, sequences in groups.items():
            self._use(adapter, llama, tree)
            tree.run(sequences, finished)
        return [result for result in results if result is not None]

    def _with_room(self, cells: int, llama: Llama, tree: PrefixTree) -> PrefixTree:
        """The tree, in a context that is large enough for a prompt of this size, as far as it may grow."""
        if llama.cells >= min(cells, self._context):
            return tree
        wanted = min(self._context, max(2 * llama.cells, cells))
        self._resize(llama, wanted)
        if llama.cells < wanted:
            self._context = llama.cells  # no use in trying again for the next long prompt
        self._tree = PrefixTree(llama, tree.work)
        return self._tree

    def _as_opened(self, llama: Llama, tree: PrefixTree) -> PrefixTree:
        """An empty tree, in a context of the size that it has to begin with."""
        if llama.cells > min(_CELLS, self._context):
            self._resize(llama, min(_CELLS, self._context))
        self._tree = PrefixTree(llama, tree.work)
        return self._tree

    def _resize(self, llama: Llama, cells: int) -> None:
        llama.resize(cells)
        self._active = ()

    def _use(self, adapter: Path | None, llama: Llama, tree: PrefixTree) -> None:
        """Answer with this adapter on top from now on; prefixes that were decoded with another one are forgotten."""
        adapters = (*self._best.current.adapters, *([adapter] if adapter else []))
        if adapters != self._active:
            llama.use_adapters(adapters)
            tree.forget()
            self._active = adapters

    def _loaded(self) -> tuple[Llama, PrefixTree, Vocabulary]:
        with self._guard:
            if self._closed:
                raise ModelUnavailable(f"The engine of {self.name} has been closed: open a new one.")
            if self._llama is None or self._tree is None or self._vocabulary is None:
                self._llama = Llama(
                    self._best.current.path,
                    cells=min(_CELLS, self._context),
                    batch=min(_BATCH, self._context),
                    sequences=_SEQUENCES,
                    threads=self.threads,
                )
                self._tree = PrefixTree(self._llama)
                self._vocabulary = Vocabulary(self._llama)
            return self._llama, self._tree, self._vocabulary

    def _stop(self, job: _Job) -> None:
        with self._guard:
            job.stopped = True
            if self._current is job and self._llama:
                self._llama.stop()


def _too_long(tokens: int, room: int) -> Unanswered:
    return Unanswered(
        f"The question takes {tokens} tokens and the model's working context holds {room} with the answer: shorten the "
        "record or its rules, or open the model with a larger context."
    )
