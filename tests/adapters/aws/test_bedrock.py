"""The adapter for AWS where it differs from any other cloud: credentials, regions, endpoints."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import botocore
import pytest

from controller.adapters.aws.bedrock import MAX_EMPTY_PAGES, Bedrock
from controller.adapters.aws.clients import ClientCache
from controller.adapters.aws.connection import Connection
from controller.core.call_errors import NOT_UNDERSTOOD
from controller.core.kinds.registry import KINDS
from controller.core.model import CallFailure, Disposition, Place, Target
from controller.ports import CloudError
from controller.sandbox.http.server import start_sandbox
from controller.version import __version__
from tests.contract.showing import arn_of

(KIND,) = KINDS.values()
ROLE = "arn:aws:iam::999999999999:role/BedrockJobs"
HERE = Target(region="us-east-1")
PROFILE = """
[profile trainer]
region = eu-central-1
aws_access_key_id = any
aws_secret_access_key = any
"""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, region or profile of the machine reach a test."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A sandbox for the whole module."""
    with start_sandbox(tmp_path_factory.mktemp("sandbox"), speed=0) as url:
        yield url


@contextmanager
def answering(*pages: tuple[int, dict[str, Any]]) -> Iterator[str]:
    """While the context lasts a server gives these answers in turn, the last one for ever."""
    left = list(pages)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = left.pop(0) if len(left) > 1 else left[0]
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("x-amzn-errortype", str(body.get("code", "")))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - as inherited
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def failed(call: Callable[[], object]) -> CallFailure:
    """Return the failure that a call ends in."""
    with pytest.raises(CloudError) as caught:
        call()
    return caught.value.failure


@pytest.mark.parametrize("target", [HERE, Target("us-east-1", None, ROLE)], ids=["own", "role"])
def test_missing_credentials_are_denied(endpoint: str, target: Target) -> None:
    """Without credentials the failure says what to give, also where a role is to be assumed."""
    found = failed(lambda: Bedrock(Connection(endpoint_url=endpoint)).get_place(target))

    assert (found.code, found.disposition) == ("NoCredentials", Disposition.DENIED)
    assert "AWS_PROFILE" in found.message
    assert "--sandbox" in found.message


@pytest.mark.parametrize(("app_id", "end"), [("", ""), ("ml-platform", " app/ml-platform")])
def test_user_agent_names_the_command_and_the_application(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, app_id: str, end: str
) -> None:
    """Calls can be attributed in CloudTrail, also by the id that AWS_SDK_UA_APP_ID sets."""
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", app_id)

    agents: list[str] = []

    def keep(request: Any, **_: Any) -> None:
        agents.append(request.headers["User-Agent"].decode())

    cache = ClientCache(Connection(endpoint_url=endpoint, any_credentials=True))
    client: Any = cache.get_client("bedrock", HERE)
    client.meta.events.register("before-send.bedrock", keep)
    client.list_model_customization_jobs()

    own = f"bedrock-jobs/{__version__} Boto3/{boto3.__version__}{end}"
    assert agents == [f"{own} Botocore/{botocore.__version__}"]


def test_missing_region_is_denied(endpoint: str) -> None:
    """Without any region the failure names every way to give one."""
    cloud = Bedrock(Connection(endpoint_url=endpoint, any_credentials=True))

    found = failed(lambda: cloud.get(KIND, Target(), "support-bot"))

    assert (found.code, found.disposition) == ("NoRegion", Disposition.DENIED)
    assert all(way in found.message for way in ("target.region", "--region", "AWS_REGION"))


def test_unknown_profile_is_denied() -> None:
    """A profile that no file has is named in the failure."""
    found = failed(lambda: Bedrock(Connection(profile="nobody")).get_place(HERE))

    assert (found.code, found.disposition) == ("ProfileNotFound", Disposition.DENIED)
    assert "nobody" in found.message


def test_profile_gives_credentials_and_region(endpoint: str, tmp_path: Path) -> None:
    """A profile's region holds where the target has none."""
    (tmp_path / "config").write_text(PROFILE, encoding="utf-8")
    cloud = Bedrock(Connection(profile="trainer", endpoint_url=endpoint))

    assert cloud.get_place(Target()) == Place("123456789012", "eu-central-1")


def test_profile_can_assume_a_role(endpoint: str, tmp_path: Path) -> None:
    """A target's role is assumed with a profile's credentials."""
    (tmp_path / "config").write_text(PROFILE, encoding="utf-8")
    cloud = Bedrock(Connection(profile="trainer", endpoint_url=endpoint))

    place = cloud.get_place(Target("us-east-1", None, ROLE))

    assert place == Place("999999999999", "us-east-1")


def test_no_such_role_is_a_failure(endpoint: str) -> None:
    """What STS answers to a role that cannot be assumed reaches the user verbatim."""
    cloud = Bedrock(Connection(endpoint_url=endpoint, any_credentials=True))

    found = failed(
        lambda: cloud.get_place(Target("us-east-1", None, "arn:aws:iam::1:user/nobody-here"))
    )

    assert found.code == "ValidationError"
    assert "RoleArn is not a role's ARN" in found.message


def test_unsigned_requests_need_no_credentials(endpoint: str) -> None:
    """With --no-sign-request no credentials are looked for."""
    cloud = Bedrock(Connection(endpoint_url=endpoint, sign=False))

    assert cloud.get(KIND, HERE, "nobody") is None


def test_request_that_does_not_fit_is_not_sent(endpoint: str) -> None:
    """What botocore itself refuses never reaches the service, and is never tried again."""
    cloud = Bedrock(Connection(endpoint_url=endpoint, any_credentials=True))

    found = failed(lambda: cloud.create(KIND, HERE, {"jobName": 7}, "token"))

    assert (found.code, found.disposition) == ("ParamValidationError", Disposition.REFUSED)
    assert not found.ambiguous


def test_refusing_endpoint_is_transient() -> None:
    """An endpoint at which nobody listens is told with what to check; nothing took effect."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        cloud = Bedrock(Connection(endpoint_url=url, any_credentials=True))
        found = failed(lambda: cloud.stop(KIND, HERE, arn_of(KIND, "abcdefghijkl")))

    assert (found.code, found.disposition) == ("EndpointUnreachable", Disposition.TRANSIENT)
    assert not found.ambiguous
    assert "--endpoint-url" in found.message


@pytest.mark.parametrize("url", ["nowhere", "http://", "http://bad host/"])
def test_endpoint_that_is_no_url_is_denied(url: str) -> None:
    """An endpoint that cannot be one is told at once, and no wait would mend it."""
    cloud = Bedrock(Connection(endpoint_url=url, any_credentials=True))

    found = failed(lambda: cloud.get(KIND, HERE, "support-bot"))

    assert (found.code, found.disposition) == ("ClientError", Disposition.DENIED)


PAGE: dict[str, Any] = {"modelCustomizationJobSummaries": [], "nextToken": "more"}
LAST: dict[str, Any] = {"modelCustomizationJobSummaries": []}


@pytest.mark.parametrize(
    ("pages", "code"),
    [
        ([(200, PAGE), (403, {"code": "AccessDeniedException"})], "AccessDeniedException"),
        ([(200, PAGE), (200, PAGE)], "PageRepeated"),
        ([(200, PAGE), (400, {"code": "ValidationException"})], "ValidationException"),
    ],
)
def test_part_of_a_listing_is_an_error(pages: list[tuple[int, dict[str, Any]]], code: str) -> None:
    """A listing whose later pages fail, or repeat, is never taken for the whole of it."""
    with answering(*pages) as url:
        cloud = Bedrock(Connection(endpoint_url=url, any_credentials=True))
        found = failed(lambda: cloud.list_jobs(KIND, HERE))

    assert found.code == code


def test_listing_without_an_end_is_an_error() -> None:
    """Pages that go on for ever and show no further job end in an error, not in a hang."""
    pages = [(200, {**PAGE, "nextToken": f"more{number}"}) for number in range(MAX_EMPTY_PAGES + 9)]
    with answering(*pages, (200, LAST)) as url:
        cloud = Bedrock(Connection(endpoint_url=url, any_credentials=True))
        found = failed(lambda: cloud.list_jobs(KIND, HERE))

    assert found.code == "PageRepeated"


def test_job_that_is_listed_twice_is_one() -> None:
    """A job that moves between pages while they are read is listed once."""
    job = {
        "jobArn": arn_of(KIND, "abcdefghijkl"),
        "jobName": "a",
        "status": "InProgress",
        "creationTime": "2026-01-01T08:00:00Z",
    }
    page = {"modelCustomizationJobSummaries": [job, job]}
    with answering((200, {**page, "nextToken": "more"}), (200, page)) as url:
        cloud = Bedrock(Connection(endpoint_url=url, any_credentials=True))
        listed = cloud.list_jobs(KIND, HERE)

    assert [one.arn for one in listed] == [job["jobArn"]]


def test_listing_without_its_list_is_an_error() -> None:
    """A page that does not hold the list is not taken for an empty one."""
    with answering((200, {})) as url:
        cloud = Bedrock(Connection(endpoint_url=url, any_credentials=True))
        found = failed(lambda: cloud.list_jobs(KIND, HERE))

    assert found.code == NOT_UNDERSTOOD


def test_empty_listing_may_hold_surprises() -> None:
    """A member of a page that nobody knows is left alone."""
    with answering((200, {**LAST, "surprise": 1})) as url:
        cloud = Bedrock(Connection(endpoint_url=url, any_credentials=True))

        assert cloud.list_jobs(KIND, HERE) == ()


def test_failed_place_is_asked_again(endpoint: str, tmp_path: Path) -> None:
    """Credentials that come later are found: a failure is not remembered as an answer."""
    cloud = Bedrock(Connection(endpoint_url=endpoint))
    failed(lambda: cloud.get_place(HERE))

    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = any\naws_secret_access_key = any\n", encoding="utf-8"
    )

    assert cloud.get_place(HERE) == Place("123456789012", "us-east-1")
