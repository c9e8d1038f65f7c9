"""The protocol, tested without a client that would hide it."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlsplit

import pytest

from tests.sandbox.support import DEADLINE, Sandbox, poll, refused, request_named

CASES = sorted((Path(__file__).parents[2] / "data" / "sandbox" / "refused").glob("*.json"))
# A shape that holds itself, fifty times over.
FILTERS = b'{"invocationLogsConfig": {"requestMetadataFilters": ' + b'{"andAll": [' * 50
FILTERS += b"]}" * 50 + b"}}"
CREATE = "/model-customization-jobs"


def body_of(name: str = "job", **changes: Any) -> bytes:
    """Return the body of a Create."""
    return json.dumps(request_named(name, **changes)).encode()


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_invalid_requests_are_rejected(sandbox: Sandbox, case: Path) -> None:
    """Each file modifies a valid request and has the expected code and message."""
    given = json.loads(case.read_text(encoding="utf-8"))

    status, answer = sandbox.wire("POST", CREATE, body_of(**given["changes"]))

    assert answer == {"message": given["message"]}
    assert status == 400
    assert sandbox.list_calls()[-1]["code"] == given["code"]
    assert sandbox.bedrock().list_model_customization_jobs()["modelCustomizationJobSummaries"] == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"{", b"[]", b'"text"', b"\xff\xfe"),
        *(b'{"jobName": NaN}', b'{"jobName": 1e999}', b'{"jobName": ' + b"9" * 5000 + b"}"),
        *(b"[" * 200_000, b'{"trainingDataConfig": ' + FILTERS + b"}"),
    ],
    ids=["cut", "list", "text", "bytes", "nan", "infinite", "long", "deep", "recursive"],
)
def test_bodies_must_be_json_objects(sandbox: Sandbox, body: bytes) -> None:
    """A body that cannot be parsed is a serialization error, and the sandbox continues to work."""
    status, answer = sandbox.wire("POST", CREATE, body)

    assert (status, list(answer)) == (400, ["message"])
    assert sandbox.list_calls()[-1]["code"] == "SerializationException"
    assert sandbox.wire("POST", CREATE, body_of())[0] == 201


@pytest.mark.parametrize(
    "query", ["maxResults=ten", "maxResults=1_0", "maxResults=", "maxResults=%D9%A1"]
)
def test_numbers_in_the_query_are_integers(sandbox: Sandbox, query: str) -> None:
    """A query value that is not an integer is a serialization error."""
    status, answer = sandbox.wire("GET", f"{CREATE}?{query}")

    assert (status, answer) == (400, {"message": "maxResults is not a whole number."})


def test_lone_surrogates_match_no_pattern(sandbox: Sandbox) -> None:
    """A text that UTF-8 cannot represent does not match a pattern."""
    status, answer = sandbox.wire("POST", CREATE, body_of(roleArn="arn:aws:iam:::role/\ud800"))

    assert status == 400
    assert "roleArn" in answer["message"]
    assert sandbox.list_calls()[-1]["members"]["roleArn"].endswith("\ud800")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/foundation-models"),
        ("GET", "/"),
        ("PUT", CREATE),
        ("DELETE", f"{CREATE}/job"),
        ("GET", f"{CREATE}/arn:aws:bedrock:a/b"),
        ("GET", f"{CREATE}/job/"),
        ("GET", "/_sandbox/unknown"),
    ],
)
def test_other_paths_are_unknown_operations(sandbox: Sandbox, method: str, path: str) -> None:
    """Paths of no operation are reported as unknown."""
    status, answer = sandbox.wire(method, path)

    assert (status, answer) == (404, {"message": "The sandbox does not support this operation."})
    assert sandbox.list_calls()[-1]["code"] == "UnknownOperationException"


def test_operations_of_other_kinds_are_unknown(sandbox: Sandbox) -> None:
    """A client sees an unknown operation as the service's own error."""
    code, _, status = refused(lambda: sandbox.bedrock().list_foundation_models())

    assert (code, status) == ("UnknownOperationException", 404)


def test_errors_are_named_in_a_header(sandbox: Sandbox) -> None:
    """The code is in a header, the message in the body, and each response has a request ID."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=DEADLINE)
    try:
        connection.request("GET", f"{CREATE}/absent")
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()

    assert answer.headers["x-amzn-ErrorType"] == "ResourceNotFoundException"
    assert answer.headers["x-amzn-RequestId"]
    assert answer.headers["content-type"] == "application/json"
    assert "sandbox" in answer.headers["server"]


def test_identifiers_are_decoded_once(sandbox: Sandbox) -> None:
    """Names with a plus and ARNs with slashes are decoded correctly, however they were encoded."""
    status, answer = sandbox.wire("POST", CREATE, body_of("a+b.c", customModelName="m"))
    arn = quote(answer["jobArn"], safe="")

    assert status == 201
    assert sandbox.wire("GET", f"{CREATE}/a+b.c")[0] == 200
    assert sandbox.wire("GET", f"{CREATE}/a%2Bb%2ec")[0] == 200
    assert sandbox.wire("GET", f"{CREATE}/{arn}")[0] == 200
    assert (
        sandbox.wire("GET", f"{CREATE}/{arn.lower().replace('arn%3aaws', 'arn%3Aaws')}")[0] == 200
    )


def test_unsigned_requests_use_the_default_region(sandbox: Sandbox) -> None:
    """Without a signature the region is us-east-1; with one it is that of its scope."""
    _, answer = sandbox.wire("POST", CREATE, body_of())

    assert answer["jobArn"].split(":")[3] == "us-east-1"
    assert sandbox.get("job")["jobArn"] == answer["jobArn"]


def test_unknown_members_are_ignored(sandbox: Sandbox) -> None:
    """An unknown member has no effect, but the journal shows it in the body."""
    status, _ = sandbox.wire("POST", CREATE, body_of(unheardOf=1))

    assert status == 201
    assert "unheardOf" not in sandbox.list_calls()[-1]["members"]
    assert '"unheardOf": 1' in sandbox.list_calls()[-1]["body"]


def test_bodies_are_limited(sandbox: Sandbox) -> None:
    """A body of one MiB is accepted; one above the limit is rejected, and not stored."""
    large = body_of(padding="x" * 1024 * 1024)
    huge = body_of("other", padding="x" * 5 * 1024 * 1024)

    assert sandbox.wire("POST", CREATE, large)[0] == 201
    try:
        status, _ = sandbox.wire("POST", CREATE, huge)
    except (ConnectionError, URLError):
        # The answer may come while the body is still on its way, or the connection may end.
        status = 413
    assert status == 413
    assert refused(lambda: sandbox.get("other"))[0] == "ResourceNotFoundException"


def test_aborted_requests_are_harmless(sandbox: Sandbox) -> None:
    """Requests that are cut off create no job, and the next client is served."""
    address = urlsplit(sandbox.url)
    head = f"POST {CREATE} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{{"
    for _ in range(5):
        with socket.create_connection((address.hostname, address.port), DEADLINE) as client:
            client.sendall(head.encode())
    with socket.create_connection((address.hostname, address.port), DEADLINE) as client:
        client.sendall(b"no http at all\r\n\r\n")
        assert b"400" in client.recv(1000)

    assert sandbox.wire("POST", CREATE, body_of())[0] == 201
    assert [call["operation"] for call in sandbox.list_calls()] == ["CreateModelCustomizationJob"]


def test_a_create_survives_its_client(sandbox: Sandbox) -> None:
    """A Create whose client disconnected before the response has still created its job."""
    address = urlsplit(sandbox.url)
    body = body_of()
    head = f"POST {CREATE} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), DEADLINE) as client:
        client.sendall(head.encode() + body)

    poll(lambda: sandbox.wire("GET", f"{CREATE}/job")[0] == 200)


def test_the_journal_shows_calls_in_order(sandbox: Sandbox) -> None:
    """The journal has each call in order, with its exact body."""
    raw = b'{ "jobName" : "\\u0061b",' + body_of("x")[1:]
    sandbox.wire("POST", CREATE, raw)
    sandbox.bedrock("us-west-2").list_model_customization_jobs(maxResults=7)
    sandbox.sts().get_caller_identity()

    create, listing, who = sandbox.list_calls()

    assert create["body"] == raw.decode()
    assert (create["operation"], create["status"]) == ("CreateModelCustomizationJob", 201)
    assert create["members"] == request_named("x")
    assert (listing["region"], listing["members"]) == ("us-west-2", {"maxResults": 7})
    assert (listing["account"], listing["query"]) == ("123456789012", "maxResults=7")
    assert (who["service"], who["operation"]) == ("sts", "GetCallerIdentity")


def test_the_journal_can_be_cleared(sandbox: Sandbox) -> None:
    """After the journal is cleared it has later calls only."""
    sandbox.wire("POST", CREATE, body_of("a"))
    sandbox.control("DELETE", "calls")
    assert sandbox.list_calls() == []
    sandbox.wire("POST", CREATE, body_of("b"))

    assert [call["members"]["jobName"] for call in sandbox.list_calls()] == ["b"]


@pytest.mark.parametrize("body", [{}, [], {"advance": -1}, {"advance": "1"}, {"advance": True}])
def test_the_clock_only_advances_by_seconds(sandbox: Sandbox, body: object) -> None:
    """The clock rejects everything but a number of seconds, and does not move then."""
    before = sandbox.control("GET", "clock")

    status, answer = sandbox.wire("POST", "/_sandbox/clock", json.dumps(body).encode())

    assert status == 400
    assert "advance" in answer["message"]
    assert sandbox.control("GET", "clock") == before


def test_health_says_that_this_is_a_sandbox(sandbox: Sandbox) -> None:
    """The sandbox identifies itself, so that it cannot be mistaken for the service."""
    assert sandbox.control("GET", "health")["sandbox"] is True
