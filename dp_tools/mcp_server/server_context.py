"""The shared state of a server: its model and knowledge store, opened at the first question."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dp_tools import leftovers
from dp_tools.engine.pace import Pace
from dp_tools.engine.workers.places import Places
from dp_tools.errors import DpToolsError
from dp_tools.mcp_server.caller_role import job_owner
from dp_tools.mcp_server.fair_scheduler import FairScheduler, SharedEngine, on_behalf_of_client
from dp_tools.mcp_server.open_tables import OpenTables
from dp_tools.mcp_server.tools.groups import PATIENCE_S
from dp_tools.tables.io.paths import Roots

if TYPE_CHECKING:
    from dp_tools.decision import Decider
    from dp_tools.engine.workers.pool import WorkerState
    from dp_tools.preprocessor import Preprocessor
    from dp_tools.rules.store.knowledge_store import KnowledgeStore
    from dp_tools.tables.jobs.jobs import Jobs


class ServerContext:
    """Opens the knowledge store and the model when they are first needed, once, and closes them at the end.

    Args:
        model: as `Preprocessor` takes it.
        knowledge: the SQLite file of the rules; the user's own by default.
        threads: processor threads for the model.
        fallback_model: a model that is asked again where the first one is unsure.
        cache: False to keep no answers.
        roots: the folders in which tables are read and written; by default one of the user's own (see `Roots.of`).
        state: the folder of the jobs; by default one for these rules and these roots alone.
        reserved: files of the server's that no table may be read from or written to, besides rules and jobs.
        scheduler: whose turn it is at the model; by default one call may not hold up another, and none is turned away.
        patience: seconds after which a call that takes longer goes on as a job.
        workers, cluster, threads_per_worker: where to answer, as `Preprocessor` takes them.
        preprocessor: one that is already open, for those who hold one; it is closed by whoever opened it.

    Raises:
        InvalidRequest: the workers would take more cores than there are.
        ModelUnavailable: Ray is not installed.
        TableUnavailable: a root does not exist, or is where dp-tools keeps its own files.
    """

    def __init__(
        self,
        model: str = "nano",
        knowledge: str | Path | None = None,
        *,
        threads: int | None = None,
        fallback_model: str | None = None,
        cache: Literal[False] | None = None,
        roots: Sequence[str | Path] = (),
        state: Path | None = None,
        reserved: Iterable[Path] = (),
        scheduler: FairScheduler | None = None,
        patience: float = PATIENCE_S,
        workers: int | None = None,
        cluster: str | None = None,
        threads_per_worker: int | None = None,
        preprocessor: Preprocessor | None = None,
    ) -> None:
        self._model = model
        self._path = knowledge
        self._threads = threads
        self._workers, self._cluster, self._threads_per_worker = workers, cluster, threads_per_worker
        self._in_workers = Places.of(workers, cluster, threads_per_worker) is not None
        self._fallback_model = fallback_model
        self._cache = cache
        self._scheduler = scheduler or FairScheduler(calls=1000, calls_each=1000)
        self.patience = patience
        """Seconds after which a call that takes longer goes on as a job."""
        self._jobs: Jobs | None = None
        self._lent = preprocessor is not None
        self._preprocessor = preprocessor
        self._knowledge = preprocessor.knowledge if preprocessor is not None else None
        if self._knowledge is not None:
            self._path = self._knowledge.path or ":memory:"
        self._state = state
        rules = None if str(self._path) == ":memory:" else self._path
        self.roots = Roots.of(roots, reserved=[Path(path) for path in (*reserved, rules, state) if path is not None])
        """Where tables may be read and written."""
        self.tables = OpenTables()
        """The tables that somebody looks at row by row."""
        self._lock = threading.Lock()

    @property
    def knowledge(self) -> KnowledgeStore:
        """The knowledge store.

        Raises:
            KnowledgeUnavailable: it cannot be opened.
        """
        with self._lock:
            return self._open_knowledge()

    @property
    def knows(self) -> bool:
        """Whether the knowledge store is open."""
        return self._knowledge is not None

    @property
    def preprocessor(self) -> Preprocessor:
        """The preprocessor; its model is loaded at its first question.

        Raises:
            KnowledgeUnavailable: the knowledge store cannot be opened.
            ModelUnavailable: the model does not exist.
        """
        with self._lock:
            if self._preprocessor is None:
                from dp_tools.preprocessor import Preprocessor

                opened = Preprocessor(
                    self._model,
                    self._open_knowledge(),
                    threads=self._threads,
                    fallback_model=self._fallback_model,
                    cache=self._cache,
                    workers=self._workers,
                    cluster=self._cluster,
                    threads_per_worker=self._threads_per_worker,
                )
                # Workers answer several calls at once; a model in this process takes turns.
                if not self._in_workers:
                    self._share(opened.decider)
                self._preprocessor = opened
            return self._preprocessor

    def worker_states(self) -> list[WorkerState]:
        """What each worker does; empty where this process answers, or nothing was asked yet."""
        pool = None if self._preprocessor is None else self._preprocessor.pool
        return [] if pool is None else pool.states()

    def warm_up(self) -> None:
        """Sweep what killed processes left, and have the model's weights optimized in the background.

        Nothing is opened, and a model that is not there is for the first question to tell.
        """
        from dp_tools.engine.background_optimize import optimize_where_missing
        from dp_tools.models.catalogue import resolve

        leftovers.sweep()
        for model in filter(None, (self._model, self._fallback_model)):
            with suppress(DpToolsError, OSError):
                if (spec := resolve(model)).optimizable:
                    optimize_where_missing(spec)

    @property
    def jobs(self) -> Jobs:
        """The jobs, of whole tables and of long calls, as whoever calls has them.

        Raises:
            TableUnavailable: their folder cannot be written.
        """
        with self._lock:
            if self._jobs is None:
                from dp_tools.tables.jobs.jobs import Jobs

                folder = self._state or self._derived_state()
                self._jobs = Jobs(lambda: self.preprocessor.decider, self.roots, folder, on_behalf_of_client)
            return self._jobs.of(job_owner())

    def close(self) -> None:
        """Close what was opened here. Closing twice is harmless; the next question opens it again."""
        with self._lock:
            jobs, self._jobs = self._jobs, None
        if jobs is not None:
            # Outside the lock: a job that is being stopped may still ask for the preprocessor.
            jobs.close()
        self.tables.close()
        with self._lock:
            if self._lent:
                return
            if self._preprocessor is not None:
                self._preprocessor.close()
            elif self._knowledge is not None:
                self._knowledge.close()
            self._preprocessor = self._knowledge = None

    def _share(self, decider: Decider) -> None:
        """Have every call take turns at the model."""
        first, pace = decider.engine, Pace.of(decider.model)
        decider.ask_through(
            lambda engine: SharedEngine(engine, self._scheduler, pace=pace if engine is first else None)
        )

    def _derived_state(self) -> Path:
        """Servers of the same rules and the same roots share their jobs, and no others do."""
        from dp_tools.rules.store.knowledge_file import default_path
        from dp_tools.tables.jobs.job_store import server_state

        rules = Path(self._path).expanduser().resolve() if self._path is not None else default_path().resolve()
        return server_state(str(rules), *sorted(map(str, self.roots.folders)))

    def _open_knowledge(self) -> KnowledgeStore:
        if self._knowledge is None:
            from dp_tools.rules.store.knowledge_store import KnowledgeStore

            self._knowledge = KnowledgeStore.open(self._path)
        return self._knowledge
