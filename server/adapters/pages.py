"""A few pages over plain HTTP: measurements, and the keys that verify tokens."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = 10
    """Seconds that a client may take to say what it wants."""

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: these pages are read every few seconds."""


def json_page(content: Callable[[], bytes]) -> WSGIApplication:
    """A page of JSON that is made anew for each reader."""

    def answer(environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = content()
        start(
            "200 OK",
            [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "public, max-age=60"),
            ],
        )
        return [body]

    return answer


def serve_pages(address: str, pages: Mapping[str, WSGIApplication]) -> Callable[[], None]:
    """Serves pages on `host:port` from threads of their own; returns what ends that.

    Args:
        pages: by path; others are not found.

    Raises:
        OSError: the address can't be bound.
    """

    def answer(environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        page = pages.get(environment["PATH_INFO"])
        if page is None:
            start("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return []
        return page(environment, start)

    host, _, port = address.rpartition(":")
    kind = _Server6 if ":" in host else _Server
    server = make_server(host.strip("[]"), int(port), answer, kind, _Handler)
    thread = threading.Thread(target=server.serve_forever, name="pages", daemon=True)
    thread.start()

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return close
