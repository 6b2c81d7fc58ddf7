"""Where a model answers: in so many processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec

from dp_tools.engine.cores import physical_cores
from dp_tools.errors import InvalidRequest, ModelUnavailable

_CLUSTER = "DP_TOOLS_CLUSTER"


@dataclass(frozen=True, slots=True)
class Places:
    """Where workers run.

    Args:
        workers: how many; None for as many as the cluster's cores allow.
        cluster: the address of a Ray cluster ("auto", "HOST:PORT", "ray://HOST:PORT"), or None for this machine.
        threads: of each worker.
    """

    workers: int | None
    cluster: str | None
    threads: int

    @classmethod
    def of(cls, workers: int | None, cluster: str | None, threads: int | None) -> Places | None:
        """The places that a user named; None where the model answers in this process.

        Args:
            workers: how many.
            cluster: an address; by default that in DP_TOOLS_CLUSTER. "" for none.
            threads: of each worker; by default the cores of this machine are shared out, and on a cluster it is one.

        Raises:
            InvalidRequest: the workers would take more cores than there are.
            ModelUnavailable: Ray, or its client for an address outside the cluster, is not installed.
        """
        cluster = (os.environ.get(_CLUSTER) if cluster is None else cluster) or None
        if cluster is None and workers is None:
            if threads is not None:
                raise InvalidRequest("Threads per worker are for workers: say how many there are, too (--workers).")
            return None
        if find_spec("ray") is None:
            raise ModelUnavailable('Workers need Ray: install "dp-tools[ray]", or leave out workers and cluster.')
        if cluster is not None and cluster.startswith("ray://") and find_spec("grpc") is None:
            raise ModelUnavailable(
                'Addresses such as ray://HOST:10001 need Ray\'s client: install "ray[client]", or run on a node of the '
                "cluster, with auto."
            )
        if cluster is not None:
            return cls(workers, cluster, threads or 1)
        cores = physical_cores()
        assert workers is not None
        threads = threads or max(1, cores // workers)
        if workers * threads > cores:
            raise InvalidRequest(
                f"{workers} workers with {threads} threads each take more than the {cores} cores of this machine: use "
                f"{cores // threads} workers at most, or a cluster."
            )
        return cls(workers, None, threads)
