"""Counts and times of the calls, in the form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dp_tools.engine.workers.pool import WorkerState

__all__ = ["CONTENT_TYPE", "Metrics"]

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """The metrics of one server.

    Args:
        running: tells how many calls run now.
        queued: tells how many calls wait for the model or have it.
        workers: tells what each worker does.
    """

    def __init__(
        self,
        running: Callable[[], int],
        queued: Callable[[], int],
        workers: Callable[[], Sequence[WorkerState]] = lambda: (),
    ) -> None:
        self._registry = CollectorRegistry()
        self._calls = Counter("dp_tools_calls", "Calls that ended.", ["tool", "outcome"], registry=self._registry)
        self._seconds = Histogram(
            "dp_tools_call_seconds", "How long calls took.", ["tool"], buckets=_SECONDS, registry=self._registry
        )
        for name, about, read in (
            ("dp_tools_calls_running", "Calls that run now.", running),
            ("dp_tools_calls_at_model", "Calls that wait for the model or have it.", queued),
        ):
            Gauge(name, about, registry=self._registry).set_function(read)
        self._registry.register(_Workers(workers))

    def observe(self, tool: str, outcome: str, seconds: float) -> None:
        """Count a call that ended."""
        self._calls.labels(tool, outcome).inc()
        self._seconds.labels(tool).observe(seconds)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


class _Workers(Collector):
    """What each worker does, read when somebody asks."""

    def __init__(self, states: Callable[[], Sequence[WorkerState]]) -> None:
        self._states = states

    def collect(self) -> Iterator[Metric]:
        labels = ["worker", "node"]
        answered = CounterMetricFamily("dp_tools_worker_questions", "Questions that a worker answered.", labels=labels)
        seconds = CounterMetricFamily("dp_tools_worker_seconds", "Seconds that these took.", labels=labels)
        answering = GaugeMetricFamily("dp_tools_worker_answering", "Questions that it is answering.", labels=labels)
        made = CounterMetricFamily("dp_tools_worker_parts", "Parts of tables that a worker computed.", labels=labels)
        memory = GaugeMetricFamily("dp_tools_worker_memory_bytes", "Memory that it held last.", labels=labels)
        for state in self._states():
            who = [str(state.number), state.node]
            answered.add_metric(who, state.answered)
            seconds.add_metric(who, state.seconds)
            answering.add_metric(who, state.asked)
            made.add_metric(who, state.made)
            memory.add_metric(who, state.memory)
        yield from (answered, seconds, answering, made, memory)
