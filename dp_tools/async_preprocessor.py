"""The async twin of the Preprocessor: the same methods, awaited."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio
from anyio import to_thread

from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.store.knowledge_store import KnowledgeStore

P = ParamSpec("P")
R = TypeVar("R")


def _awaited(
    method: Callable[Concatenate[Preprocessor, P], R],
) -> Callable[Concatenate[AsyncPreprocessor, P], Coroutine[Any, Any, R]]:
    """A method of the Preprocessor as a coroutine: it works in a thread, and stops when its task is cancelled."""

    @functools.wraps(method)
    async def call(self: AsyncPreprocessor, /, *args: P.args, **kwargs: P.kwargs) -> R:
        cancel, over = kwargs.get("cancel") or threading.Event(), threading.Event()
        assert isinstance(cancel, threading.Event)
        kwargs["cancel"] = cancel

        def work() -> R:
            try:
                return method(self.preprocessor, *args, **kwargs)
            finally:
                over.set()

        try:
            return await to_thread.run_sync(work, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            cancel.set()
            # The model is let go of before the caller goes on, so that what is closed next is not in use.
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(over.wait)
            raise

    return call


def _opened(
    opening: Callable[Concatenate[Preprocessor, P], None],
) -> Callable[Concatenate[AsyncPreprocessor, P], None]:
    """The way to open a Preprocessor as the way to open its twin."""

    @functools.wraps(opening)
    def open_twin(self: AsyncPreprocessor, /, *args: P.args, **kwargs: P.kwargs) -> None:
        self.preprocessor = Preprocessor.__new__(Preprocessor)
        opening(self.preprocessor, *args, **kwargs)

    return open_twin


class AsyncPreprocessor:
    """The methods of `Preprocessor`, awaited; each works in a thread of its own, and cancelling a call stops the model.

    Args: see `Preprocessor`. `progress` is called in the thread that does the work.

    Raises:
        ModelUnavailable: the model does not exist (it is loaded at the first question).
        KnowledgeUnavailable: the knowledge store cannot be opened.
    """

    preprocessor: Preprocessor

    __init__ = _opened(Preprocessor.__init__)

    detect = _awaited(Preprocessor.detect)
    impute = _awaited(Preprocessor.impute)
    clean = _awaited(Preprocessor.clean)
    match = _awaited(Preprocessor.match)
    dedupe = _awaited(Preprocessor.dedupe)
    match_schemas = _awaited(Preprocessor.match_schemas)
    annotate = _awaited(Preprocessor.annotate)
    extract = _awaited(Preprocessor.extract)
    ask = _awaited(Preprocessor.ask)
    profile = _awaited(Preprocessor.profile)
    explain = _awaited(Preprocessor.explain)
    run = _awaited(Preprocessor.run)

    @property
    def knowledge(self) -> KnowledgeStore:
        """The rules."""
        return self.preprocessor.knowledge

    async def close(self) -> None:
        """Stop what runs, free the model and close the knowledge store."""
        await to_thread.run_sync(self.preprocessor.close)

    async def __aenter__(self) -> AsyncPreprocessor:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.close()
