"""The options that say where a model answers: in this process, in several, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict, TypeVar

import click

C = TypeVar("C", bound=Callable[..., Any])
WORKERS = (
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        help="Answer in so many processes of this machine, or of the cluster (default: in this one).",
    ),
    click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Answer on a Ray cluster: auto, HOST:PORT or ray://HOST:PORT (default: DP_TOOLS_CLUSTER).",
    ),
    click.option(
        "--threads-per-worker",
        type=click.IntRange(min=1),
        help="Threads of each worker (default: the cores of this machine shared out; 1 on a cluster).",
    ),
)


class Workers(TypedDict):
    """Where to answer, as `Preprocessor` takes it."""

    workers: int | None
    cluster: str | None
    threads_per_worker: int | None


UNNAMED = Workers(workers=None, cluster=None, threads_per_worker=None)
"""Where a user named no place: in this process, unless DP_TOOLS_CLUSTER names one."""


def with_workers(function: C) -> C:
    """Give a command the options of `WORKERS` as one argument, `workers`."""

    @wraps(function)
    def run(
        *arguments: Any, workers: int | None, cluster: str | None, threads_per_worker: int | None, **options: Any
    ) -> Any:
        given = Workers(workers=workers, cluster=cluster, threads_per_worker=threads_per_worker)
        return function(*arguments, workers=given, **options)

    return run  # type: ignore[return-value]
