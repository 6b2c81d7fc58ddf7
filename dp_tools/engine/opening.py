"""Opening an engine by the name of its model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from dp_tools.engine.questions import Engine
from dp_tools.models.catalogue import resolve


def open_engine(
    model: str = "nano",
    *,
    threads: int | None = None,
    context: int = 4096,
    cache: Path | Literal[False] | None = None,  # noqa: ARG001
    prepared: bool = True,
) -> Engine:
    """An engine for a model, ready at once: the weights load at the first question.

    Args:
        model: a name of the catalogue, the path of a GGUF file, or "hf:owner/repository/file.gguf".
        threads: of a decode; default: the physical cores.
        context: working memory in tokens; a prompt and its answer must fit.
        cache: where answers are kept (default: the user's cache folder), or False to keep none.
        prepared: whether the embedded model may be rewritten once into the format that is fastest on this machine.

    Raises:
        ModelUnavailable: there is no such model.
    """
    from dp_tools.engine.local import LocalEngine  # llama.cpp is only loaded when a local model is meant

    spec = resolve(model)
    return LocalEngine(spec, threads=threads, context=context, prepared=prepared and spec.preparable)
