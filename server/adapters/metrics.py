"""Measurements for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

METRICS_PATH = "/metrics"

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


class Metrics:
    """Counts and times calls and the work of engines.

    Args:
        registry: where the series are kept; each process has one.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._calls = Counter("kaiwa_calls", "Calls by method and status code.", ["method", "code"], registry=registry)
        self._seconds = Histogram(
            "kaiwa_call_seconds", "How long calls took.", ["method"], buckets=_BUCKETS, registry=registry
        )
        engines = ["engine", "kind"]
        self._waited = Histogram(
            "kaiwa_engine_wait_seconds",
            "How long work waited for an engine.",
            engines,
            buckets=_BUCKETS,
            registry=registry,
        )
        self._took = Histogram(
            "kaiwa_engine_seconds", "How long an engine worked.", engines, buckets=_BUCKETS, registry=registry
        )
        self._refused = Counter("kaiwa_engine_refusals", "Work refused because of load.", engines, registry=registry)
        self._open = Gauge("kaiwa_calls_open", "Calls under way.", ["method"], registry=registry)

    def call_started(self, method: str) -> None:
        """Counts a call under way."""
        self._open.labels(method).inc()

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        """Takes a call off those under way and records how it ended and how long it took."""
        self._open.labels(method).dec()
        self._calls.labels(method, code).inc()
        self._seconds.labels(method).observe(seconds)

    def engine_worked(self, engine: str, kind: str, waited: float, took: float) -> None:
        """Records a piece of an engine's work: seconds it waited, and seconds it took."""
        self._waited.labels(engine, kind).observe(waited)
        self._took.labels(engine, kind).observe(took)

    def engine_refused(self, engine: str, what: str) -> None:
        """Counts what was refused because of too much load."""
        self._refused.labels(engine, what).inc()

    def page(self) -> WSGIApplication:
        """The page for Prometheus, published at `METRICS_PATH`."""
        return make_wsgi_app(self._registry)
