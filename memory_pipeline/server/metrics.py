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
from memory_pipeline.store.alert_messages import sending_problem
from memory_pipeline.store.alert_rules import read_rules
from memory_pipeline.store.alerts import count_open
from memory_pipeline.store.analysis_log import read_runs
from memory_pipeline.store.models import OUTCOME_STATUSES, QuarantinedRecord

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
        """Read the version that runs, the age of the last rebuild, the alerts, and what is recorded."""
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
        yield from self._alerts()
        yield from self._contents()

    def _alerts(self) -> Iterator[Metric]:
        """Read the open alerts, what could not be sent, and how the last rebuild went."""
        found = GaugeMetricFamily(
            "memory_pipeline_open_alerts", "Alerts that are open, by rule.", labels=("rule",)
        )
        counts = count_open(self._store)
        for name in sorted({one["name"] for one in read_rules(self._store)} | set(counts)):
            found.add_metric((name,), counts.get(name, 0))
        yield found
        problem = sending_problem(self._store)
        yield GaugeMetricFamily(
            "memory_pipeline_alert_messages_failing",
            "Messages about alerts that could not be sent yet.",
            value=0 if problem is None else problem["waiting"],
        )
        seconds = GaugeMetricFamily(
            "memory_pipeline_last_rebuild_seconds",
            "How long the last rebuild took; absent where there was none.",
        )
        is_failed = GaugeMetricFamily(
            "memory_pipeline_last_rebuild_failed",
            "1 where the last rebuild failed, else 0; absent where there was none.",
        )
        for run in read_runs(self._store, kind="rebuild", limit=1)[0]:
            seconds.add_metric((), (run["ended_at"] - run["began_at"]).total_seconds())
            is_failed.add_metric((), float(run["state"] == "failed"))
        yield seconds
        yield is_failed

    def _contents(self) -> Iterator[Metric]:
        """Count what is recorded, and what waits to be mended."""
        recorded = GaugeMetricFamily(
            "memory_pipeline_recorded_outcomes", "Outcomes that are stored, by status.", labels=("status",)
        )
        counts = reads.outcome_counts(self._store)
        for status in OUTCOME_STATUSES:
            recorded.add_metric((status,), counts.get(status, 0))
        yield recorded
        yield GaugeMetricFamily(
            "memory_pipeline_quarantined_records",
            "Records that wait in quarantine.",
            value=reads.count_rows(self._store, QuarantinedRecord, resolved_at=None),
        )


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
