"""A service that stands between the command and the sandbox, and has bad days."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

CREATE = ("POST", "/model-customization-jobs")
GET = ("GET", "/model-customization-jobs/")
LIST = ("GET", "/model-customization-jobs?")
STS = ("POST", "/")
_DEADLINE = 60.0
_PASSED_ON = ("content-type", "x-amzn-errortype", "x-amzn-requestid")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is given instead of the sandbox's."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


def refusal(code: str, status: int, message: str = "a text of the service's own") -> Answer:
    """Return an error as Bedrock answers it."""
    body = f'{{"message": "{message}"}}'
    return Answer(status, body, {"content-type": "application/json", "x-amzn-errortype": code})


def sts_refusal(code: str, message: str) -> Answer:
    """Return an error as STS answers it."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f"<ErrorResponse>{error}<RequestId>none</RequestId></ErrorResponse>"
    return Answer(403, body, {"content-type": "text/xml"})


LOST = Answer(0, "")
"""The call is carried out, and the connection breaks before its answer."""
SLOW = Answer(0, "slow")
"""The sandbox answers, a quarter of a second late."""
_LATE = 0.25


@dataclass
class Fault:
    """What becomes of calls: the first ``spared`` of them are answered, then ``times`` are not.

    ``call`` is a method and the beginning of a path; STS's path is the bare slash and nothing
    else. ``holding`` is a text that the body must hold, ``signed`` one that its signature must.
    """

    call: tuple[str, str]
    answer: Answer
    times: float = float("inf")
    spared: int = 0
    holding: str = ""
    signed: str = ""

    def meets(self, method: str, path: str, body: bytes, signature: str) -> bool:
        """Whether it is about such a call."""
        if self.holding.encode() not in body or self.signed not in signature:
            return False
        if self.call == STS:
            return (method, path) == STS
        return method == self.call[0] and path.startswith(self.call[1])


@dataclass
class Service:
    """A stand-in for an endpoint, with the faults that it has at present."""

    sandbox: str
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def break_down(self, call: tuple[str, str], answer: Answer, **limits: Any) -> None:
        """Let a call go wrong from now on, within a fault's limits."""
        self.faults.append(Fault(call, answer, **limits))

    def mend(self) -> None:
        """Let everything go well again."""
        self.faults.clear()

    def fault(self, method: str, path: str, body: bytes, signature: str) -> Answer | None:
        """Return what becomes of a call, and count it."""
        with self.guard:
            for fault in self.faults:
                if not fault.meets(method, path, body, signature):
                    continue
                if fault.spared > 0:
                    fault.spared -= 1
                elif fault.times > 0:
                    fault.times -= 1
                    return fault.answer
        return None

    def pass_on(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Let the sandbox answer."""
        connection = http.client.HTTPConnection(urlsplit(self.sandbox).netloc, timeout=_DEADLINE)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            shown = {name: answer.getheader(name, "") for name in _PASSED_ON}
            kept = {name: value for name, value in shown.items() if value}
            return Answer(answer.status, answer.read().decode(), kept)


@contextlib.contextmanager
def between(sandbox: str) -> Iterator[Service]:
    """While the context lasts a service passes calls on to a sandbox, or fails them."""
    service = Service(sandbox)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(_DEADLINE)


def _handler(service: Service) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One connection, for one call."""

        def do_POST(self) -> None:
            """Answer a call that may change something."""
            self._answer()

        def do_GET(self) -> None:
            """Answer a call that only reads."""
            self._answer()

        def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - its name
            """Say nothing: the sandbox keeps a journal."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            signature = self.headers.get("authorization") or ""
            answer = service.fault(self.command, self.path, body, signature)
            if answer is SLOW:
                threading.Event().wait(_LATE)
            if answer is None or answer in (LOST, SLOW):
                given = service.pass_on(self.command, self.path, body, dict(self.headers))
                if answer is LOST:
                    self.close_connection = True
                    return
                answer = given
            content = answer.body.encode()
            self.send_response(answer.status)
            for name, value in {**answer.headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    return Handler
