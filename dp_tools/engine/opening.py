"""Opening an engine by the name of its model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dp_tools.engine.cache import AnswerCache, CachedEngine, default_cache
from dp_tools.engine.questions import Engine
from dp_tools.models.catalogue import ModelSpec, resolve

if TYPE_CHECKING:
    from dp_tools.engine.workers.pool import WorkerPool


def open_engine(
    model: str | ModelSpec = "nano",
    *,
    threads: int | None = None,
    context: int = 4096,
    cache: Path | Literal[False] | None = None,
    optimized: bool = True,
    wait: bool = False,
    pool: WorkerPool | None = None,
) -> Engine:
    """An engine for a model, ready at once: the weights load at the first question.

    Args:
        model: a name of the catalogue, "nano+PATH" with another adapter, the path of a GGUF file,
            "hf:owner/repository/file.gguf", or the address of an OpenAI-compatible endpoint with a model's name behind
            it: "http://127.0.0.1:8000/v1#qwen3".
        threads: of a decode; default: the physical cores.
        context: working memory in tokens; a prompt and its answer must fit.
        cache: where answers are kept (default: the user's cache folder), or False to keep none.
        optimized: whether the embedded model may be rewritten once into the format that is fastest on this machine.
        wait: optimize first, where that is still to be done, for those who measure; otherwise the weights as installed
            answer meanwhile, the same within rounding and more slowly.
        pool: workers that answer instead of this process; an endpoint needs none.

    Raises:
        ModelUnavailable: there is no such model.
    """
    spec = resolve(model)
    if wait and optimized and spec.optimizable:
        from dp_tools.engine.format_choice import optimize_weights

        optimize_weights(spec, threads=threads)
    engine = _open(spec, threads=threads, context=context, optimized=optimized, pool=pool)
    return engine if cache is False else CachedEngine(engine, AnswerCache(cache or default_cache()))


def _open(spec: ModelSpec, *, threads: int | None, context: int, optimized: bool, pool: WorkerPool | None) -> Engine:
    if spec.remote:
        from dp_tools.engine.remote import RemoteEngine  # the HTTP client is only loaded when an endpoint is meant

        return RemoteEngine(spec)
    if pool is not None:
        from dp_tools.engine.workers.worker_engine import WorkerEngine

        return WorkerEngine(spec, pool, context=context, optimized=optimized and spec.optimizable)
    from dp_tools.engine.local import LocalEngine  # and llama.cpp when a local model is

    return LocalEngine(spec, threads=threads, context=context, optimized=optimized and spec.optimizable)
