"""Small HTTP servers for a daemon: bounded, patient with taken addresses, ended by nobody's client.

What is answered is each handler's own: ``adapters.http`` has the pages, ``adapters.webhooks`` the
hooks.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_ADDRESS = re.compile(r"(?:(?P<host>[^:\[\]]*|\[[0-9a-fA-F:.]+\]):)?(?P<port>\d{1,5})")
_LAST_PORT = 65535
_MAX_CONNECTIONS = 16
_READ_SECONDS = 5.0
_REQUEST_SECONDS = 15.0
"""Seconds that a whole request may take to come, whoever sends it a byte at a time."""
_POLL_SECONDS = 0.1
_RETRY_SECONDS = 0.5
_HANDOVER_SECONDS = 1.0
"""Seconds that a thread whose connection was ended may take to be free."""


class AddressError(Exception):
    """An address cannot be understood or had; the text says which and what to do."""


@contextmanager
def serve_requests(address: str, handler: Callable[..., RequestHandler]) -> Iterator[str]:
    """While the context lasts requests are answered from threads; the base URL is yielded.

    ``handler`` makes what answers one request, of that request, the client's address and the
    server. ``address`` is HOST:PORT, [IPV6]:PORT, or a port alone, which means loopback; port 0
    takes a free one. A port that another process holds is taken once that lets go of it: the next
    daemon may wait for this one's end. Raises AddressError. The end waits for no client.
    """
    host, port = parse_address(address)
    served = _ServerThread(address, host, port, handler)
    served.start()
    try:
        yield served.url
    finally:
        served.stop()


def parse_address(address: str) -> tuple[str, int]:
    """Return host and port of an address; raises AddressError."""
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > _LAST_PORT:
        raise AddressError(f"{address!r} is no address: give HOST:PORT, [IPV6]:PORT, or PORT")
    return (match["host"] or "").strip("[]") or LOOPBACK, int(match["port"])


class _ServerThread:
    """The server, from when its address can be had until its end."""

    def __init__(
        self, address: str, host: str, port: int, handler: Callable[..., RequestHandler]
    ) -> None:
        self._handler = handler
        self._lock = threading.Lock()
        self._leaving = threading.Event()
        self._server: _BoundedServer | None = None
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            self._family, self._place = found[0][0], (str(found[0][4][0]), port)
            self._bind()
        except OSError as error:
            text = error.strerror or str(error)
            raise AddressError(f"cannot listen on {address}: {text}; give another one") from error
        if self._server is None:
            told = {"address": address}
            _log.warning("the address is taken: it is served once that is free", extra=told)

    @property
    def url(self) -> str:
        """The base URL, with the port that was taken."""
        place = self._place if self._server is None else self._server.server_address
        host = f"[{place[0]!s}]" if self._family == socket.AF_INET6 else str(place[0])
        return f"http://{host}:{place[1]}"

    def start(self) -> None:
        """Begin to serve, or to wait for the address."""
        self._thread.start()

    def stop(self) -> None:
        """End it, whatever clients there are."""
        with self._lock:
            self._leaving.set()
        if self._server is not None:
            self._server.shutdown()
        self._thread.join()

    def _serve(self) -> None:
        while not self._bind():
            if self._leaving.wait(_RETRY_SECONDS):
                return
        if self._server is not None:
            with self._server:
                self._server.serve_forever(_POLL_SECONDS)

    def _bind(self) -> bool:
        """Take the address if it can be had now; no server is left behind by one who leaves."""
        with self._lock:
            if self._server is None and not self._leaving.is_set():
                try:
                    self._server = _BoundedServer(self._family, self._place, self._handler)
                except OSError as error:
                    # Whoever waits already goes on waiting, whatever the reason is by now.
                    if error.errno != errno.EADDRINUSE and not self._thread.is_alive():
                        raise
            return self._server is not None


class _BoundedServer(ThreadingHTTPServer):
    """A server with a thread for each request, and a bound on how many there are."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 4 * _MAX_CONNECTIONS

    def __init__(
        self,
        family: socket.AddressFamily,
        place: tuple[str, int],
        handler: Callable[..., RequestHandler],
    ) -> None:
        self.address_family = family
        self._room = threading.Semaphore(_MAX_CONNECTIONS)
        # Connections whose request is still to come, the oldest first.
        self._silent: dict[socket.socket, None] = {}
        self._books = threading.Lock()
        super().__init__(place, handler)

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread; with none free, in that of who has sent no request for longest."""
        if self._room.acquire(blocking=False) or self._drop_oldest():
            with self._books:
                self._silent[request] = None
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.mark_received(request)
            self._room.release()

    def mark_received(self, request: socket.socket) -> None:
        """Let a connection be ended by nobody else any more: its request is here."""
        with self._books:
            self._silent.pop(request, None)

    def _drop_oldest(self) -> bool:
        """End the connection that has been silent for longest; return whether its thread is free.

        A probe must be answered, whoever opens connections and sends nothing.
        """
        with self._books:
            oldest = next(iter(self._silent), None)
            if oldest is None:
                return False
            del self._silent[oldest]
            with contextlib.suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)
        return self._room.acquire(timeout=_HANDOVER_SECONDS)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""
        _log.debug("a request could not be answered", exc_info=True)


class _DeadlineReader(io.RawIOBase):
    """What comes over a connection: each part within some seconds, and all of it within others."""

    def __init__(self, connection: socket.socket, each: float, whole: float) -> None:
        super().__init__()
        self._connection = connection
        self._each = each
        self._end = time.monotonic() + whole

    def readable(self) -> bool:
        """Say so."""
        return True

    def readinto(self, room: Any) -> int:
        """Read what has come; raises TimeoutError."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(min(left, self._each))
        return self._connection.recv_into(room)


class RequestHandler(BaseHTTPRequestHandler):
    """Answers what a subclass has a method for; every other is refused.

    ``allowed`` names those that it has, as the header Allow does.
    """

    timeout = _READ_SECONDS
    longest = _REQUEST_SECONDS
    allowed = ""

    def setup(self) -> None:
        """Prepare to read what comes, but not for as long as anybody likes."""
        super().setup()
        self.rfile = io.BufferedReader(_DeadlineReader(self.connection, self.timeout, self.longest))

    def do_GET(self) -> None:
        """Answer with what is to be got."""
        self.handle_get()

    def do_HEAD(self) -> None:
        """Answer with its headers alone."""
        self.handle_get()

    def do_POST(self) -> None:
        """Take in what is posted."""
        self.handle_post()

    def handle_get(self) -> None:
        """Answer GET, and HEAD, whose body is left out."""
        self.refuse()

    def handle_post(self) -> None:
        """Answer POST."""
        self.refuse()

    def __getattr__(self, name: str) -> Any:
        """Every further method is known, and not allowed."""
        if name.startswith("do_"):
            return self.refuse
        raise AttributeError(name)

    def version_string(self) -> str:
        """Tell no version: nobody needs it who may not read /metrics."""
        return "bedrock-jobs"

    def log_message(self, *_: Any, **__: Any) -> None:
        """Requests are not logged: probes come every few seconds."""

    def answer(self, status: HTTPStatus, body: bytes, *headers: tuple[str, str]) -> None:
        """Answer with a body, of plain text unless the headers say otherwise."""
        if isinstance(self.server, _BoundedServer):
            self.server.mark_received(self.connection)
        # How long the request took to come is of no account here.
        self.connection.settimeout(self.timeout)
        self.send_response(status)
        given = {"Content-Type": "text/plain; charset=utf-8", **dict(headers)}
        given |= {"Content-Length": str(len(body)), "Cache-Control": "no-store"}
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self) -> None:
        """Answer that the method is not allowed, and which are."""
        words = f"{self.allowed.replace(', ', ' and ')} only\n".encode()
        self.answer(HTTPStatus.METHOD_NOT_ALLOWED, words, ("Allow", self.allowed))
