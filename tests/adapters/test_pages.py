from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from server.adapters.metrics import METRICS_PATH, Metrics
from server.adapters.pages import json_page, serve_pages
from tests.support.processes import free_port


@pytest.fixture
def port() -> Iterator[int]:
    port, metrics = free_port(), Metrics(CollectorRegistry())
    metrics.call_started("/a/B")
    metrics.call_ended("/a/B", "OK", 0.1)
    close = serve_pages(f"127.0.0.1:{port}", {METRICS_PATH: metrics.page(), "/keys": json_page(lambda: b"{}")})
    yield port
    close()


def read(port: int, path: str) -> tuple[int, str | None, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type"), response.read().decode()
    finally:
        connection.close()


def test_pages_are_served_by_their_paths(port: int) -> None:
    assert read(port, "/keys?x=1") == (200, "application/json", "{}")
    status, kind, text = read(port, "/metrics")
    assert (status, str(kind).split(";")[0]) == (200, "text/plain")
    assert 'kaiwa_calls_total{code="OK",method="/a/B"} 1.0' in text
    assert read(port, "/other")[0] == 404


def test_an_address_is_free_again_after_closing() -> None:
    port = free_port()
    for _ in range(2):
        serve_pages(f"127.0.0.1:{port}", {})()


def test_an_address_that_is_taken_is_told(port: int) -> None:
    with pytest.raises(OSError, match="in use"):
        serve_pages(f"127.0.0.1:{port}", {})
