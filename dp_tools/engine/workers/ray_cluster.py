"""Ray, as far as workers need it: a cluster to be in, and actors on it. Nothing else imports Ray."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

# Read when Ray is imported: nothing is reported to anybody, and a GPU stays visible to a worker that asked for none.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray.exceptions import RayError

from dp_tools import leftovers
from dp_tools.engine.workers.files import PART, ModelFile
from dp_tools.engine.workers.places import Places
from dp_tools.engine.workers.worker import Chunk, Opener, Part, Reply, Worker, WorkerPlace
from dp_tools.errors import InvalidRequest, ModelUnavailable

_REACH_S = 5.0
"""Seconds to wait for somebody at an address."""
_STORE = 256 * 2**20
"""Bytes of shared memory for what is on its way to workers of this machine."""
_guard = threading.Lock()
_users = 0
"""Pools of this process that use the cluster."""
_folder: Path | None = None
"""Where the cluster that was begun here keeps its files; None where somebody else's is used."""


class _Starter:
    """A thread that never ends: the system ends a local cluster's processes when the thread ends that began them."""

    def __init__(self) -> None:
        self._wanted: SimpleQueue[tuple[Callable[[], None], Future[None]]] = SimpleQueue()
        threading.Thread(target=self._run, name="dp-tools-ray", daemon=True).start()

    def do(self, work: Callable[[], None]) -> None:
        """Do something in that thread, and wait until it is done."""
        done: Future[None] = Future()
        self._wanted.put((work, done))
        done.result()

    def _run(self) -> None:
        while True:
            work, done = self._wanted.get()
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)


_starter = _Starter()


def join(places: Places) -> int:
    """Be in the cluster that a user named, or begin one on this machine; returns how many workers it has room for.

    Raises:
        ModelUnavailable: the cluster cannot be reached.
        InvalidRequest: it has too few cores.
    """
    global _users
    if places.cluster is not None:
        _require_somebody_at(places.cluster)
    with _guard:
        if not ray.is_initialized():
            _starter.do(partial(_init, places))
        _users += 1
    if places.cluster is None:
        assert places.workers is not None
        return places.workers
    room = int(ray.cluster_resources().get("CPU", 0)) // places.threads
    if room < (places.workers or 1):
        leave()
        raise InvalidRequest(
            f"The cluster {places.cluster} has room for {room} workers with {places.threads} threads each: ask for no "
            "more, or add nodes."
        )
    return places.workers or room


def leave() -> None:
    """Leave the cluster, and end it where it was begun here and nobody else of this process uses it."""
    global _users, _folder
    with _guard:
        _users -= 1
        if _users == 0:
            ray.shutdown()
            if _folder is not None:
                shutil.rmtree(_folder, ignore_errors=True)
                _folder = None


def _init(places: Places) -> None:
    global _folder
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if places.cluster is None:
        assert places.workers is not None
        # Sockets are made below it, whose paths may not be long.
        _folder = Path(tempfile.mkdtemp(prefix="dp-tools-ray-", dir=None if os.name == "nt" else "/tmp"))
        leftovers.note(_folder)
        cores = places.workers * places.threads
        quiet |= {"num_cpus": cores, "include_dashboard": False, "object_store_memory": _STORE}
        address, quiet["_temp_dir"] = "local", str(_folder)
    else:
        address = places.cluster
    try:
        ray.init(address, **quiet)
    except Exception as error:  # Ray raises whatever its parts do: RuntimeError, ConnectionError, ValueError, OSError.
        why = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        where = f"The Ray cluster {address} cannot be used" if places.cluster else "Ray cannot start on this machine"
        raise ModelUnavailable(
            f"{where} ({why}): check the address and `ray status`, or leave out the cluster."
        ) from None


def _require_somebody_at(address: str) -> None:
    """Find out sooner than Ray does that nobody is there.

    Raises:
        ModelUnavailable: nobody is.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        return
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _REACH_S):
            pass
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"Nobody answers at the Ray cluster {address} ({error}): check the address and that Ray runs there, "
            "or leave out the cluster."
        ) from None


class RayWorker:
    """One worker as an actor.

    Args:
        threads: that it takes.
        opener: opens its models.
    """

    def __init__(self, threads: int, opener: Opener) -> None:
        # One thread answers, another one may stop it.
        actor = ray.remote(Worker).options(
            num_cpus=threads, max_concurrency=2, max_restarts=0, scheduling_strategy="SPREAD"
        )
        self._actor = actor.remote(threads, opener)

    def place(self) -> Future[WorkerPlace]:
        """Where it runs, once it does."""
        found: Future[WorkerPlace] = self._actor.place.remote().future()
        return found

    def answer(self, chunk: Chunk, number: int) -> Future[Reply]:
        """Its reply to a chunk of this number."""
        reply: Future[Reply] = self._actor.answer.remote(chunk, number).future()
        return reply

    def make(self, part: Part) -> Future[Reply]:
        """Its reply to a part of a computation."""
        reply: Future[Reply] = self._actor.make.remote(part).future()
        return reply

    def keep(self, number: int, shared: object) -> Future[None]:
        """Have it keep what all parts of a computation share.

        Args:
            number: of the computation.
            shared: that, as `put` gave it.
        """
        kept: Future[None] = self._actor.keep.remote(number, shared).future()
        return kept

    def forget(self, number: int) -> None:
        """Have it keep that no more."""
        with suppress(RayError):
            self._actor.forget.remote(number)

    def send(self, files: tuple[ModelFile, ...]) -> Future[None]:
        """Send files that it misses, in a thread of their own."""
        sender = ThreadPoolExecutor(1, thread_name_prefix="dp-tools-send")
        try:
            return sender.submit(self._send, files)
        finally:
            sender.shutdown(wait=False)

    def stop(self, number: int) -> None:
        """Stop answering the chunk of this number."""
        with suppress(RayError):
            self._actor.stop.remote(number)

    def end(self) -> None:
        """End its process."""
        with suppress(RayError, RuntimeError):
            ray.kill(self._actor)

    def _send(self, files: tuple[ModelFile, ...]) -> None:
        for file in files:
            count = max(1, -(-file.path.stat().st_size // PART))
            for number, part in enumerate(file.parts()):
                ray.get(self._actor.receive.remote(file, part, number == 0, number == count - 1))


def put(value: bytes) -> object:
    """Put something where every node can fetch it, for as long as what is returned is held."""
    found: object = ray.put(value)
    return found


def why(error: BaseException) -> str:
    """What went wrong in a worker, in a line."""
    lines = str(getattr(error, "cause", None) or error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:")


def is_lost(error: BaseException) -> bool:
    """Whether an error means that a worker's process, or its node, has ended."""
    return isinstance(error, RayError) and not isinstance(error, ray.exceptions.RayTaskError)
