from __future__ import annotations

import gzip
import http.client
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from controller.adapters.http.probes import serve_pages
from controller.adapters.http.server import AddressError, RequestHandler, parse_address

DEADLINE = 60.0
PATHS = ("/healthz", "/readyz", "/metrics")
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@dataclass
class Served:
    """Pages that are being served, and what their probes say."""

    alive: bool = True
    ready: bool = True
    url: str = ""
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def ask(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Return the answer to a request, and its body."""
        return ask(self.url, path, method, **headers)


def ask(
    url: str, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """Send a request, and return its answer with the body."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=DEADLINE)
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    with closing(connection):
        connection.request(method, path, headers=given)
        answer = connection.getresponse()
        return answer, answer.read()


def answered(url: str, path: str) -> int:
    """Return the status of a page, once somebody answers."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return ask(url, path)[0].status
        except (http.client.HTTPException, OSError):
            assert time.monotonic() < deadline, "nobody answers"


@pytest.fixture
def served() -> Iterator[Served]:
    """Pages on a free port of loopback."""
    one = Served()
    Counter("seen", "What was seen.", registry=one.registry).inc(2)
    probes = {"alive": lambda: one.alive, "ready": lambda: one.ready}
    with serve_pages("0", registry=one.registry, **probes) as one.url:
        yield one


def test_probes_are_asked_anew(served: Served) -> None:
    """Each probe has its page, which changes with it and not with the other."""
    served.ready = False
    assert [served.ask(path)[0].status for path in PATHS] == [200, 503, 200]

    served.alive, served.ready = False, True
    assert [served.ask(path)[0].status for path in PATHS] == [503, 200, 200]


def test_a_probe_that_breaks_is_not_well() -> None:
    """A probe that raises means 503, and the pages stay."""

    def broken() -> bool:
        raise RuntimeError("no")

    with serve_pages("0", alive=broken, ready=lambda: True, registry=CollectorRegistry()) as url:
        assert [ask(url, path)[0].status for path in PATHS] == [503, 200, 200]


@pytest.mark.parametrize(
    ("accept", "reader"), [("text/plain", read_text), (OPENMETRICS, read_openmetrics)]
)
def test_metrics_come_as_asked_for(served: Served, accept: str, reader: object) -> None:
    """Both of Prometheus' formats are spoken, under their own content types."""
    assert callable(reader)
    answer, body = served.ask("/metrics", Accept=accept)

    found = {sample.name: sample.value for one in reader(body.decode()) for sample in one.samples}

    assert found["seen_total"] == 2
    assert str(answer.getheader("Content-Type")).startswith(accept.partition(";")[0])


@pytest.mark.parametrize(
    "accept",
    ["text/html", "text/plain;version=x.y", "application/openmetrics-text;version=a", ";="],
)
def test_what_nobody_speaks_gets_plain_text(served: Served, accept: str) -> None:
    """A type or version that makes no sense is answered in the format that all can read."""
    answer, body = served.ask("/metrics", Accept=accept)

    assert answer.status == 200
    assert str(answer.getheader("Content-Type")).startswith("text/plain; version=0.0.4")
    assert b"seen_total 2.0" in body


def test_metrics_are_gzipped_when_accepted(served: Served) -> None:
    """Who accepts gzip gets it, with the same content."""
    _, plain = served.ask("/metrics")
    answer, packed = served.ask("/metrics", Accept_Encoding="gzip, deflate")

    assert answer.getheader("Content-Encoding") == "gzip"
    assert gzip.decompress(packed) == plain


@pytest.mark.parametrize("path", [*PATHS, "/nowhere"])
def test_head_is_get_without_a_body(served: Served, path: str) -> None:
    """HEAD answers with GET's status and headers, and nothing after them."""
    got, body = served.ask(path)
    headed, nothing = served.ask(path, "HEAD")

    assert (headed.status, nothing) == (got.status, b"")
    assert headed.getheader("Content-Length") == str(len(body))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_other_methods_are_refused(served: Served, method: str) -> None:
    """Nothing can be changed over HTTP: every other method is told which two there are."""
    answer, _ = served.ask("/metrics", method)

    assert (answer.status, answer.getheader("Allow")) == (405, "GET, HEAD")


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/healthz/x", 404), ("/healthz?a", 200)])
def test_only_three_pages_are_there(served: Served, path: str, status: int) -> None:
    """Another path is not found; a query changes nothing."""
    assert served.ask(path)[0].status == status


def test_requests_leave_no_trace(served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither a request nor a client that speaks nonsense writes to stdout or stderr."""
    served.ask("/metrics")
    served.ask("/nowhere")
    with socket.create_connection(_place(served.url), DEADLINE) as line:
        line.sendall(b"nonsense\r\n\r\n")
        assert b"400" in line.recv(1000)

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("9464", ("127.0.0.1", 9464)),
        (":9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),  # noqa: S104 - only read
        ("[::1]:0", ("::1", 0)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_addresses_are_loopback_unless_they_say_otherwise(
    address: str, place: tuple[str, int]
) -> None:
    """A port alone means loopback; a host in front of it is taken as it is."""
    assert parse_address(address) == place


@pytest.mark.parametrize("address", ["", "localhost", "::1", "host:", "1:2:3", "99999", ":-1"])
def test_what_is_no_address_is_told(address: str) -> None:
    """Anything else is refused with the forms that there are."""
    with pytest.raises(AddressError, match="HOST:PORT"):
        parse_address(address)


def test_an_address_of_elsewhere_is_told(served: Served) -> None:
    """An address that this machine does not have is refused, with what to do."""
    probes = {"alive": lambda: True, "ready": lambda: True}

    with (
        pytest.raises(AddressError, match=r"192\.0\.2\.1:0.*give another"),
        serve_pages("192.0.2.1:0", registry=served.registry, **probes),
    ):
        pass


def test_a_port_that_is_taken_is_waited_for(served: Served) -> None:
    """The next daemon starts beside the last one, and has its pages once that has gone."""
    probes = {"alive": lambda: False, "ready": lambda: False}
    with ExitStack() as first:
        url = first.enter_context(
            serve_pages("0", alive=lambda: True, ready=lambda: True, registry=served.registry)
        )
        with serve_pages(urlsplit(url).netloc, registry=served.registry, **probes) as second:
            assert second == url
            assert ask(url, "/healthz")[0].status == 200
            first.close()
            assert answered(url, "/healthz") == 503


def test_who_waits_for_a_port_can_leave(served: Served) -> None:
    """The end does not wait for an address that never comes."""
    probes = {"alive": lambda: True, "ready": lambda: True}
    began = time.monotonic()

    with serve_pages(urlsplit(served.url).netloc, registry=served.registry, **probes):
        pass

    assert time.monotonic() - began < DEADLINE / 2
    assert served.ask("/healthz")[0].status == 200


def test_the_end_waits_for_no_client(served: Served) -> None:
    """Clients that hold their connections open hold up neither others nor the end."""
    probes = {"alive": lambda: True, "ready": lambda: True}
    with ExitStack() as clients:
        with serve_pages("0", registry=served.registry, **probes) as url:
            for _ in range(5):
                clients.enter_context(closing(socket.create_connection(_place(url), DEADLINE)))
            assert ask(url, "/healthz")[0].status == 200
            began = time.monotonic()
        assert time.monotonic() - began < DEADLINE / 2

    with pytest.raises(OSError, match="refused"):
        ask(url, "/healthz")


def test_idle_clients_take_a_bounded_number_of_threads(served: Served) -> None:
    """Many idle connections take no more than so many threads; who goes leaves room again."""
    place, before = _place(served.url), threading.active_count()
    with ExitStack() as clients:
        for _ in range(40):
            clients.enter_context(closing(socket.create_connection(place, DEADLINE)))
        assert served.ask("/healthz")[0].status == 200
        assert threading.active_count() - before <= 16

    assert answered(served.url, "/healthz") == 200


def test_who_sends_a_byte_at_a_time_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handful of such clients would keep everybody else out for days."""
    monkeypatch.setattr(RequestHandler, "longest", 0.1)
    with closing(socket.create_connection(_place(served.url), DEADLINE)) as client:
        began = time.monotonic()
        with suppress(ConnectionError):
            while not select.select([client], [], [], 0.02)[0]:
                client.sendall(b"G")
                assert time.monotonic() - began < DEADLINE, "it is still waited for"
            assert client.recv(1) == b""


def test_loopback_of_the_other_family() -> None:
    """An IPv6 address in brackets is served as such, where there is IPv6."""
    probes = {"alive": lambda: True, "ready": lambda: True}
    try:
        with serve_pages("[::1]:0", registry=CollectorRegistry(), **probes) as url:
            assert url.startswith("http://[::1]:")
            assert ask(url, "/healthz")[0].status == 200
    except AddressError as error:
        pytest.skip(f"no IPv6 here: {error}")


def _place(url: str) -> tuple[str, int]:
    split = urlsplit(url)
    return str(split.hostname), int(split.port or 0)


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: x"])
def test_connections_without_a_request_keep_no_probe_waiting(served: Served, sent: bytes) -> None:
    """Forty half-open connections, and a probe is answered: the oldest of them are dropped."""
    with ExitStack() as stack:
        for _ in range(40):
            line = stack.enter_context(socket.create_connection(_place(served.url), DEADLINE))
            line.sendall(sent)
        began = time.monotonic()
        assert served.ask("/healthz")[0].status == 200
        assert time.monotonic() - began < RequestHandler.timeout
