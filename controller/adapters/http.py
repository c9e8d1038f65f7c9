"""The daemon's own pages: /healthz, /readyz and /metrics, on loopback unless told otherwise."""

from __future__ import annotations

import gzip
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

_log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_ADDRESS = re.compile(r"(?:(?P<host>[^:\[\]]*|\[[0-9a-fA-F:.]+\]):)?(?P<port>\d{1,5})")
_LAST_PORT = 65535
_AT_ONCE = 16
_PATIENCE = 5.0
_POLL = 0.1


class AddressError(Exception):
    """An address cannot be understood or had; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages show: probes that are asked anew each time, and the metrics."""

    alive: Callable[[], bool]
    ready: Callable[[], bool]
    registry: Collector


@contextmanager
def serving(
    address: str, *, alive: Callable[[], bool], ready: Callable[[], bool], registry: Collector
) -> Iterator[str]:
    """While the context lasts the pages are served from threads; their base URL is yielded.

    ``address`` is HOST:PORT, [IPV6]:PORT, or a port alone, which means loopback; port 0 takes a
    free one. Raises AddressError. The end of the context waits for no client.
    """
    server = _bound(address, Pages(alive, ready, registry))
    thread = threading.Thread(target=server.serve_forever, args=(_POLL,), name="http", daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def place_of(address: str) -> tuple[str, int]:
    """Return host and port of an address; raises AddressError."""
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > _LAST_PORT:
        raise AddressError(f"{address!r} is no address: give HOST:PORT, [IPV6]:PORT, or PORT")
    return (match["host"] or "").strip("[]") or LOOPBACK, int(match["port"])


def _bound(address: str, pages: Pages) -> _Server:
    host, port = place_of(address)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, place = found[0][0], found[0][4]
        return _Server(family, (str(place[0]), port), pages)
    except OSError as error:
        text = error.strerror or str(error)
        raise AddressError(
            f"cannot listen on {address}: {text}; give another address, or port 0 for a free one"
        ) from error


class _Server(ThreadingHTTPServer):
    """A server with a thread for each request, and a bound on how many there are."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 4 * _AT_ONCE

    def __init__(self, family: socket.AddressFamily, place: tuple[str, int], pages: Pages) -> None:
        self.address_family = family
        self.pages = pages
        self._room = threading.Semaphore(_AT_ONCE)
        super().__init__(place, _Handler)

    @property
    def url(self) -> str:
        """The base URL, with the port that was taken."""
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if self.address_family == socket.AF_INET6 else str(host)
        return f"http://{shown}:{port}"

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread; who comes when too many wait already is turned away."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""
        _log.debug("a request could not be answered", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; every other method is refused."""

    server: _Server
    server_version = "bedrock-jobs"
    sys_version = ""
    timeout = _PATIENCE

    def do_GET(self) -> None:
        """Answer with the page; a query is of no account."""
        pages = self.server.pages
        match self.path.partition("?")[0]:
            case "/healthz":
                self._probed(pages.alive)
            case "/readyz":
                self._probed(pages.ready)
            case "/metrics":
                self._metrics(pages.registry)
            case _:
                self._answer(HTTPStatus.NOT_FOUND, b"there are /healthz, /readyz and /metrics\n")

    def do_HEAD(self) -> None:
        """Answer with the page's headers alone."""
        self.do_GET()

    def __getattr__(self, name: str) -> Any:
        """Every further method is known, and not allowed."""
        if name.startswith("do_"):
            return self._refused
        raise AttributeError(name)

    def log_message(self, *_: Any, **__: Any) -> None:
        """Requests are not logged: probes come every few seconds."""

    def _refused(self) -> None:
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, b"GET and HEAD only\n", ("Allow", "GET, HEAD"))

    def _probed(self, probe: Callable[[], bool]) -> None:
        try:
            well = probe()
        except Exception:
            _log.debug("a probe failed", exc_info=True)
            well = False
        if well:
            self._answer(HTTPStatus.OK, b"ok\n")
        else:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"not now\n")

    def _metrics(self, registry: Collector) -> None:
        encode, kind = choose_encoder(self.headers.get("Accept", ""))
        body, headers = encode(registry), [("Content-Type", kind)]
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            headers.append(("Content-Encoding", "gzip"))
        self._answer(HTTPStatus.OK, body, *headers)

    def _answer(self, status: HTTPStatus, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        given = {"Content-Type": "text/plain; charset=utf-8", **dict(headers)}
        given |= {"Content-Length": str(len(body)), "Cache-Control": "no-store"}
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
