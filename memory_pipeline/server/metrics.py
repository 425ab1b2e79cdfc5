"""What a server counts for Prometheus: requests, answers, outcomes, the cache, and the age of the rebuild.

The names are stable; `docs/api.md` lists them. No label holds what somebody sent: routes are templates.
"""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from memory_pipeline import __version__
from memory_pipeline.store import reads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric

    from memory_pipeline.ingest.report import IngestReport
    from memory_pipeline.store import Store

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder in which the workers of one server share their counts; has to be set before the import."""
NO_ROUTE = "(none)"
"""Label of requests that reached no route, so that made-up addresses make no new series."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_registry = CollectorRegistry()
_requests = Counter(
    "memory_pipeline_http_requests_total",
    "Requests by route, method and status.",
    ("route", "method", "status"),
    registry=_registry,
)
_seconds = Histogram(
    "memory_pipeline_http_request_seconds",
    "Time from a request to the beginning of its answer.",
    ("route", "method"),
    buckets=_BUCKETS,
    registry=_registry,
)
_answers = Counter(
    "memory_pipeline_answers_total",
    "Answers with advice that were served, or withheld for the control share.",
    ("result",),
    registry=_registry,
)
_outcomes = Counter(
    "memory_pipeline_outcomes_total",
    "Reported outcomes by what became of them.",
    ("status",),
    registry=_registry,
)
_cache = Counter(
    "memory_pipeline_advice_cache_total",
    "Looks into the cache of answers.",
    ("result",),
    registry=_registry,
)
if FOLDER_VARIABLE not in os.environ:
    ProcessCollector(namespace="memory_pipeline", registry=_registry)


def count_request(route: str | None, method: str, status: int, seconds: float) -> None:
    """Count one request."""
    labels = (route or NO_ROUTE, method if method in _METHODS else "OTHER")
    _requests.labels(*labels, str(status)).inc()
    _seconds.labels(*labels).observe(seconds)


def count_answer(*, is_withheld: bool) -> None:
    """Count an answer that was served or withheld."""
    _answers.labels("withheld" if is_withheld else "served").inc()


def count_cache(*, is_hit: bool) -> None:
    """Count a look into the cache of answers."""
    _cache.labels("hit" if is_hit else "miss").inc()


def count_outcomes(report: IngestReport) -> None:
    """Count reported outcomes by what became of them."""
    for status, count in (
        ("stored", report.new),
        ("changed", report.changed),
        ("unchanged", report.unchanged),
        ("quarantined", report.quarantined),
        ("skipped", report.skipped),
    ):
        if count:
            _outcomes.labels(status).inc(count)


class _Memory(Collector):
    """What is read from the memory when somebody looks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Read the age of the last rebuild, and the version that runs."""
        build = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily("memory_pipeline_build", "The version that runs.", value=build)
        age = GaugeMetricFamily(
            "memory_pipeline_rebuild_age_seconds",
            "Seconds since the last rebuild that succeeded; absent where there was none.",
        )
        rebuilt = reads.last_rebuild(self._store)
        if rebuilt is not None:
            age.add_metric((), (datetime.now(tz=UTC) - rebuilt[1]).total_seconds())
        yield age


def write_metrics(store: Store) -> bytes:
    """Return all metrics in the text format of Prometheus, those of all workers together."""
    parts: Iterable[CollectorRegistry]
    read_now = CollectorRegistry()
    read_now.register(_Memory(store))
    if FOLDER_VARIABLE in os.environ:
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        parts = (shared, read_now)
    else:
        parts = (_registry, read_now)
    return b"".join(generate_latest(part) for part in parts)
