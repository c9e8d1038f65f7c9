"""Answers that are not the service's: neither absence, nor success, nor a certain failure."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import botocore
import pytest

from controller.adapters.aws.bedrock import Bedrock
from controller.adapters.aws.connection import Connection
from controller.core.call_errors import NOT_UNDERSTOOD
from controller.core.kinds.registry import KINDS
from controller.core.model import CallFailure, Disposition, Target
from controller.ports import CloudError
from tests.contract.showing import arn_of
from tests.sandbox.support import request_named

(KIND,) = KINDS.values()
HERE = Target(region="us-east-1")
ARN = arn_of(KIND, "abcdefghijkl")
JSON = {"content-type": "application/json"}
HTML = b"<html><body>Sign in to the network</body></html>"
JOB = {"jobArn": ARN, "jobName": "a", "status": "Completed", "creationTime": "2026-01-01T08:00:00Z"}
WHOLE = json.dumps(JOB).encode()
IDENTITY = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    b"<GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult>"
    b"</GetCallerIdentityResponse>"
)
TAGGED = b'{"tags": [{"key": "a", "value": "b"}]}'


@dataclass(frozen=True)
class Raw:
    """An answer, byte for byte."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


STRANGE = {
    "page": Raw(200, HTML, {"content-type": "text/html"}),
    "list": Raw(200, b"[]", JSON),
    "null": Raw(200, b"null", JSON),
    "cut": Raw(200, WHOLE[:-20], JSON),
    "bytes": Raw(200, bytes(range(128, 256)), JSON),
    "gzip": Raw(200, gzip.compress(WHOLE, mtime=0), {**JSON, "content-encoding": "gzip"}),
    "nested": Raw(200, b"[" * 100_000, JSON),
    "nested member": Raw(200, WHOLE[:-1] + b', "a": ' + b"[" * 99 + b"]" * 99 + b"}", JSON),
    "not a number": Raw(200, WHOLE[:-1] + b', "a": NaN}', JSON),
    "infinite": Raw(200, WHOLE[:-1] + b', "a": 1e999}', JSON),
    "half a character": Raw(200, WHOLE[:-1] + b', "a": "\\ud800"}', JSON),
    "nothing": Raw(200, b""),
    "redirect": Raw(302, b"", {"location": "http://127.0.0.1:9/"}),
    "choices": Raw(300, b"{}", JSON),
    "bad request": Raw(400, HTML, {"content-type": "text/html"}),
    "forbidden": Raw(403, b'{"message": "Forbidden"}', JSON),
    "forbidden in JSON": Raw(403, b'{"code": "forbidden"}', JSON),
    "forbidden by a gateway": Raw(403, b'{"code": "Forbidden"}', JSON),
    "no such page": Raw(404, HTML, {"content-type": "text/html"}),
    "no type": Raw(404, b'{"message": "not found"}', JSON),
    "cut error": Raw(404, b'{"mess', {**JSON, "x-amzn-errortype": "ResourceNotFoundException"}),
    "timeout": Raw(408, b""),
    "nested error": Raw(400, b"[" * 100_000, JSON),
}
"""What answers in the service's place, whatever was asked."""
CALLS: dict[str, Callable[[Bedrock], object]] = {
    "get": lambda cloud: cloud.get(KIND, HERE, "a"),
    "list": lambda cloud: cloud.list_jobs(KIND, HERE),
    "tags": lambda cloud: cloud.get_tags(HERE, ARN),
    "place": lambda cloud: cloud.get_place(HERE),
    "create": lambda cloud: cloud.create(KIND, HERE, dict(request_named("a")), "token"),
    "stop": lambda cloud: cloud.stop(KIND, HERE, ARN),
    "tag": lambda cloud: cloud.add_tags(HERE, ARN, {"a": "b"}),
    "untag": lambda cloud: cloud.remove_tags(HERE, ARN, ["a"]),
}
READING = {"get", "list", "tags", "place"}


class _Server(ThreadingHTTPServer):
    """Answers every request with what it holds."""

    raw = Raw(200, b"")
    asked = 0


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        """Answer a call that may change something."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.asked += 1
        raw = self.server.raw
        self.send_response(raw.status)
        for name, value in {**raw.headers, "content-length": str(len(raw.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw.body)

    def do_GET(self) -> None:
        """Answer a call that only reads."""
        self.do_POST()

    def do_DELETE(self) -> None:
        """Answer a call that removes something."""
        self.do_POST()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - as inherited
        """Tests are quiet."""


@contextmanager
def _served() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[_Server]:
    """One server for the whole module."""
    with _served() as running:
        yield running


@pytest.fixture(scope="module")
def cloud(server: _Server) -> Bedrock:
    """A cloud behind that server, its clients made once."""
    url = f"http://127.0.0.1:{server.server_port}"
    return Bedrock(Connection(endpoint_url=url, any_credentials=True))


def failed(call: Callable[[], object]) -> CallFailure:
    """Return the failure that a call ends in."""
    with pytest.raises(CloudError) as caught:
        call()
    return caught.value.failure


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("strange", STRANGE)
def test_strange_answer_is_not_understood(
    server: _Server, cloud: Bedrock, strange: str, call: str
) -> None:
    """Whatever was asked: it is unknown when reading, and ambiguous when changing."""
    server.raw = STRANGE[strange]

    found = failed(lambda: CALLS[call](cloud))

    assert (found.code, found.ambiguous) == (NOT_UNDERSTOOD, call not in READING)
    assert "--endpoint-url" in found.message


@pytest.mark.parametrize("call", sorted(READING))
def test_empty_object_is_no_answer(server: _Server, cloud: Bedrock, call: str) -> None:
    """An object without members says nothing of a job, a listing, tags or an account."""
    server.raw = Raw(200, b"{}", JSON)

    assert failed(lambda: CALLS[call](cloud)).code == NOT_UNDERSTOOD


@pytest.mark.parametrize("body", [b"{}", b'{"jobArn": 7}', b'{"jobArn": {}}', b'{"jobArn": "a"}'])
def test_create_without_an_arn_may_have_taken_effect(
    server: _Server, cloud: Bedrock, body: bytes
) -> None:
    """Only a plausible ARN says that a job was made; all else leaves it open."""
    server.raw = Raw(201, body, JSON)

    found = failed(lambda: CALLS["create"](cloud))

    assert (found.code, found.ambiguous) == (NOT_UNDERSTOOD, True)


@pytest.mark.parametrize(
    "member", [{"creationTime": "soon"}, {"creationTime": 10**30}, {"hyperParameters": [1]}]
)
def test_what_botocore_cannot_read_is_not_understood(
    server: _Server, cloud: Bedrock, member: dict[str, Any]
) -> None:
    """However its parser fails, it is one failure of one call."""
    server.raw = Raw(200, json.dumps({**JOB, **member}).encode(), JSON)

    assert failed(lambda: CALLS["get"](cloud)).code == NOT_UNDERSTOOD


@pytest.mark.parametrize("call", ["stop", "tag", "untag"])
@pytest.mark.parametrize(
    ("raw", "counts"),
    [
        (Raw(200, b"{}", JSON), True),
        (Raw(200, b"", {"x-amzn-requestid": "1"}), True),
        (Raw(204, b"", {"x-amzn-requestid": "1"}), True),
        (Raw(200, b'{"new": 1}', {**JSON, "x-amzn-requestid": "1"}), True),
        (Raw(200, b'{"error": "sign in"}', JSON), False),
    ],
)
def test_silence_is_the_services_own(
    server: _Server, cloud: Bedrock, call: str, raw: Raw, counts: bool
) -> None:
    """Where the service answers nothing, an empty object or its request id shows that it did."""
    server.raw = raw

    if counts:
        CALLS[call](cloud)
    else:
        assert failed(lambda: CALLS[call](cloud)).ambiguous


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-amzn-errortype": "ResourceNotFoundException"}, b'{"message": "none"}'),
        ({"x-amzn-errortype": "ResourceNotFoundException:http://a/"}, b'{"message": "none"}'),
        ({}, b'{"__type": "com.amazonaws.bedrock#ResourceNotFoundException"}'),
        ({}, b'{"code": "ResourceNotFoundException"}'),
    ],
)
def test_absence_is_said_in_the_services_format(
    server: _Server, cloud: Bedrock, headers: dict[str, str], body: bytes
) -> None:
    """A job is absent where the service's own error says so, in any of its forms."""
    server.raw = Raw(404, body, {**JSON, **headers})

    assert cloud.get(KIND, HERE, "a") is None


@pytest.mark.parametrize("status", [500, 503])
def test_error_of_a_server_finds_no_absence(server: _Server, cloud: Bedrock, status: int) -> None:
    """A server that failed found nothing out, whatever type its error claims."""
    headers = {**JSON, "x-amzn-errortype": "ResourceNotFoundException"}
    server.raw = Raw(status, b'{"message": "none"}', headers)

    found = failed(lambda: CALLS["get"](cloud))

    assert found.disposition is Disposition.TRANSIENT


@pytest.mark.parametrize("call", ["get", "list", "create"])
def test_answer_about_another_account_does_not_count(server: _Server, call: str) -> None:
    """Once it is known whose the credentials are, a job of another account is not ours."""
    url = f"http://127.0.0.1:{server.server_port}"
    cloud = Bedrock(Connection(endpoint_url=url, any_credentials=True))
    server.raw = Raw(200, IDENTITY, {"content-type": "text/xml"})
    cloud.get_place(HERE)
    job = {**JOB, "jobArn": ARN.replace("123456789012", "210987654321")}
    body = {"modelCustomizationJobSummaries": [job]} if call == "list" else job
    server.raw = Raw(200, json.dumps(body).encode(), JSON)

    found = failed(lambda: CALLS[call](cloud))

    assert (found.code, found.ambiguous) == (NOT_UNDERSTOOD, call == "create")
    assert "in account 123456789012, region us-east-1" in found.message


def test_error_of_the_service_is_certain(server: _Server, cloud: Bedrock) -> None:
    """A change that the service itself refused has not taken effect."""
    headers = {**JSON, "x-amzn-errortype": "ValidationException"}
    server.raw = Raw(400, b'{"message": "no"}', headers)

    found = failed(lambda: CALLS["create"](cloud))

    assert (found.code, found.ambiguous) == ("ValidationException", False)


@pytest.mark.parametrize("call", ["get", "create", "place"])
def test_gateway_that_is_away_is_asked_again(server: _Server, cloud: Bedrock, call: str) -> None:
    """A page with a 5xx is asked for again, as often as an error of the service's own."""
    server.raw, server.asked = Raw(503, HTML, {"content-type": "text/html"}), 0

    found = failed(lambda: CALLS[call](cloud))

    assert (found.code, found.ambiguous) == (NOT_UNDERSTOOD, call == "create")
    assert server.asked == 3


def test_whole_answers_are_read(server: _Server, cloud: Bedrock) -> None:
    """What is the service's counts, with members that nobody knows as well."""
    server.raw = Raw(200, WHOLE[:-1] + b', "surprise": 1}', JSON)
    live = cloud.get(KIND, HERE, "a")
    server.raw = Raw(200, TAGGED, JSON)

    assert live is not None
    assert (live.arn, live.status, live.token) == (ARN, "Completed", None)
    assert cloud.get_tags(HERE, ARN) == {"a": "b"}


@pytest.mark.parametrize(
    "body",
    [
        b"<a>" * 100_000,
        b"<GetCallerIdentityResponse>"
        + b"<a>" * 99
        + b"</a>" * 99
        + b"</GetCallerIdentityResponse>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><GetCallerIdentityResponse/>',
        b"<ErrorResponse/>",
        b"<html/>",
    ],
)
def test_strange_xml_is_not_understood(server: _Server, cloud: Bedrock, body: bytes) -> None:
    """STS answers in XML, which is held to the same: bounded, no entities, its own root."""
    server.raw = Raw(200, body, {"content-type": "text/xml"})

    assert failed(lambda: cloud.get_place(HERE)).code == NOT_UNDERSTOOD


def test_members_are_kept_whatever_botocore_knows(
    cloud: Bedrock, server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answer gives the same members under an older and a newer model of the service."""
    shown = {
        **JOB,
        "endTime": "2026-01-01T09:00:00.5Z",
        "statusDetails": {"trainingDetails": {"status": "Completed", "creationTime": None}},
        "newMember": {"someTime": "2026-01-01T08:00:00Z", "someTimes": "soon", "count": 7},
        "hyperParameters": {"startTime": "never"},
    }
    server.raw = Raw(200, json.dumps(shown).encode(), JSON)
    newer = cloud.get(KIND, HERE, "a")

    monkeypatch.setenv("AWS_DATA_PATH", str(without(tmp_path, "endTime", "statusDetails")))
    url = f"http://127.0.0.1:{server.server_port}"
    older = Bedrock(Connection(endpoint_url=url, any_credentials=True)).get(KIND, HERE, "a")

    assert newer is not None
    assert older == newer
    assert newer.members["endTime"] == "2026-01-01T09:00:00.500Z"
    assert newer.members["statusDetails"] == {"trainingDetails": {"status": "Completed"}}
    assert newer.members["newMember"] == {
        "someTime": "2026-01-01T08:00:00.000Z",
        "someTimes": "soon",
        "count": 7,
    }
    assert newer.members["hyperParameters"] == {"startTime": "never"}


def test_declared_members_hold_no_times(cloud: Bedrock, server: _Server) -> None:
    """A setting or a filter whose name ends like a time's is shown as it was submitted."""
    declared = {
        "hyperParameters": {"warmupTime": "3", "startTime": "2026-01-01T08:00:00Z"},
        "trainingDataConfig": {
            "invocationLogsConfig": {"requestMetadataFilters": {"equals": {"dayTime": "12:30"}}}
        },
    }
    server.raw = Raw(200, json.dumps({**JOB, **declared}).encode(), JSON)

    found = cloud.get(KIND, HERE, "a")

    assert found is not None
    assert {name: found.members[name] for name in declared} == declared


def without(folder: Path, *members: str) -> Path:
    """Write a model of the service that lacks some members of Get, and return its folder."""
    packed = Path(botocore.__file__).parent / "data/bedrock/2023-04-20/service-2.json.gz"
    model = json.loads(gzip.decompress(packed.read_bytes()))
    for member in members:
        del model["shapes"]["GetModelCustomizationJobResponse"]["members"][member]
    path = folder / "bedrock" / "2023-04-20" / "service-2.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(model))
    return folder
